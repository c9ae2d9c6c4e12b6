"""Placements over HTTP: told, compared, drawn, and what a new version makes unfit."""

import io
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx
import pytest
from PIL import Image as Pillow

from tests.integration.test_api import finished, http, problem, run_of, url

__all__ = ["http", "url"]  # fixtures: the platform in one process, and a client of it

OLD, NEW = "2025-10", "2026-11"
REGION = {"x0": 0.3, "y0": 0.3, "x1": 0.6, "y1": 0.6}


@pytest.fixture(scope="module")
def poster(url: str) -> bytes:
    """A picture large enough for what is exported here."""
    made = io.BytesIO()
    Pillow.linear_gradient("L").resize((1300, 1920)).convert("RGB").save(made, "JPEG")
    return made.getvalue()


def master(http: httpx.Client, poster: bytes, **about) -> dict:
    blob = http.post("/v1/uploads", content=poster).json()["blob"]
    state = run_of(http, {"operation": "create.import", "params": {"blob": blob}}, about=about)
    [asset] = http.get("/v1/assets", params={"run": state["id"]}).json()["assets"]
    return asset


def exported(http: httpx.Client, asset: dict, version: str, *placements: str, **more) -> list[dict]:
    params = {"placements": placements, "placements_version": version, "regions": [REGION], **more}
    step = {"operation": "optimizer.export", "params": params}
    state = run_of(http, step, assets=[asset["id"]])
    assert set(state["counts"]) == {"catalogued"}, state["items"]
    return http.get("/v1/assets", params={"run": state["id"]}).json()["assets"]


def test_placements_are_listed_with_their_sources(http):
    everything = http.get("/v1/placements").json()
    assert everything["version"] == NEW
    assert len(everything["placements"]) >= 45
    story = next(one for one in everything["placements"] if one["id"] == "instagram_story")
    assert (story["width"], story["height"], story["aspect"]) == (1080, 1920, "9:16")
    assert story["safe_margins"] == {"top": 269, "bottom": 384, "left": 65, "right": 65}
    assert "S4" in everything["sources"]
    bluesky = http.get("/v1/placements", params={"platform": "bluesky"}).json()["placements"]
    assert {one["platform"] for one in bluesky} == {"bluesky"}


def test_versions_are_listed_the_oldest_first(http):
    versions = http.get("/v1/placements/versions").json()
    assert [(one["version"], one["newest"]) for one in versions] == [(OLD, False), (NEW, True)]
    assert versions[0]["reconstructed"]


def test_one_placement_is_told_with_its_sources_in_full(http):
    one = http.get("/v1/placements/bluesky_post").json()
    assert one["placement"]["max_bytes"] == 2_000_000
    assert one["placement"]["alt_text_required"] is True
    assert list(one["sources"]) == ["S24"]
    before = http.get("/v1/placements/bluesky_post", params={"version": OLD}).json()
    assert before["placement"]["max_bytes"] == 1_000_000
    merchant = http.get("/v1/placements/google_merchant_main").json()["placement"]
    changes = {"min_width": 500, "min_height": 500}
    assert merchant["upcoming"] == [{"since": "2027-01-31", "changes": changes}]
    assert merchant["product"]["keep_digital_source_type"] is True


def test_a_difference_is_told_as_data_and_in_sentences(http):
    told = http.get("/v1/placements/diff", params={"from": OLD, "to": NEW}).json()
    assert [one["id"] for one in told["added"]] == ["instagram_tall"]
    assert told["removed"] == []
    bluesky = next(one for one in told["changed"] if one["id"] == "bluesky_post")
    [change] = bluesky["changes"]
    assert (change["field"], change["old"], change["new"]) == ("max_bytes", 1_000_000, 2_000_000)
    assert change["says"] in told["says"]


@pytest.mark.parametrize(
    ("path", "status", "rule", "named"),
    [
        ("/v1/placements/instagram_sqare", 404, "optimizer.placement", "instagram_square"),
        ("/v1/placements/blusky_post/guide.png", 404, "optimizer.placement", "bluesky_post"),
        ("/v1/placements?platform=instagarm", 422, "optimizer.platform", "instagram"),
        ("/v1/placements?version=2031-01", 422, "optimizer.placements_version", "2026-11"),
        ("/v1/placements/diff?from=1999-01", 422, "optimizer.placements_version", "2025-10"),
        ("/v1/placements/compliance?version=x", 422, "optimizer.placements_version", "2026-11"),
        ("/v1/placements/compliance?colour=red", 422, "request.parameter", "colour"),
        ("/v1/placements/diff", 422, "request.invalid", "from"),
    ],
)
def test_what_there_is_not_is_refused_with_what_there_is(http, path, status, rule, named):
    assert named in str(problem(http.get(path), status, rule))


def test_a_guide_is_a_transparent_layer_and_the_same_in_numbers(http):
    drawn = http.get("/v1/placements/instagram_story/guide.png")
    assert drawn.headers["content-type"] == "image/png"
    layer = Pillow.open(io.BytesIO(drawn.content))
    assert (layer.size, layer.mode) == ((1080, 1920), "RGBA")
    numbers = http.get("/v1/placements/instagram_story/guide.json").json()
    assert numbers["safe_zone"]["px"] == {"x": 65, "y": 269, "width": 950, "height": 1267}
    assert layer.getpixel((540, 900))[3] == 0


def test_what_a_new_version_makes_unfit_is_found_and_exactly_that_is_exported_again(http, poster):
    first = master(http, poster, title="One", tags=["spring"], collection="Spring")
    second = master(http, poster, alt_text="A gradient")
    old = exported(http, first, OLD, "meta_vertical", "instagram_square", format="jpeg")
    old += exported(http, second, OLD, "meta_vertical", fit="contain", padding="colour")
    exported(http, second, NEW, "meta_vertical", background="#102030")
    report = http.get("/v1/placements/compliance", params={"version": NEW}).json()
    assert (report["version"], report["checked"], report["superseded"]) == (NEW, 4, 0)
    unfit = {one["id"] for one in old if one["label"] == "meta_vertical"}
    assert {one["asset"] for one in report["renditions"]} == unfit
    assert {one["rules"][0]["rule"] for one in report["renditions"]} == {"placement.safe_zone"}

    key = {"Idempotency-Key": str(uuid4())}
    path = "/v1/placements/compliance/re-export"
    answer = http.post(path, json={"version": NEW}, headers=key)
    assert answer.status_code == 202, answer.text
    started = answer.json()
    assert (set(started["renditions"]), started["left_out"]) == (unfit, [])
    state = finished(http, started["run"]["id"])
    assert (state["status"], state["counts"], state["progress"]["share"]) == (
        "completed", {"catalogued": 2}, "1",
    )  # fmt: skip
    made = http.get("/v1/assets", params={"run": state["id"]}).json()["assets"]
    assert {one["parents"][0] for one in made} == {first["id"], second["id"]}
    assert {one["details"]["placements_version"] for one in made} == {NEW}
    by_master = {one["parents"][0]: one for one in made}
    assert by_master[first["id"]]["details"]["fit"] == "smart"
    assert by_master[second["id"]]["details"]["fit"] == "contain"
    assert by_master[second["id"]]["alt_text"] == "A gradient"

    after = http.get("/v1/placements/compliance", params={"version": NEW}).json()
    assert (after["renditions"], after["superseded"], after["checked"]) == ([], 2, 6)
    again = http.post(path, json={"version": NEW}, headers=key).json()
    assert again["run"]["id"] == state["id"]
    assert http.post(path, json={"version": NEW}).json()["run"] is None
    other = {"version": NEW, "collection": "Spring"}
    problem(http.post(path, json=other, headers=key), 409, "run.idempotency_key")


def test_two_requests_at_once_begin_one_re_export(http, poster):
    [old] = exported(http, master(http, poster), OLD, "meta_vertical")
    path, scope = "/v1/placements/compliance/re-export", {"version": NEW, "run": old["run"]}
    with ThreadPoolExecutor(2) as threads:
        begun = list(threads.map(lambda _: http.post(path, json=scope).json(), range(2)))
    assert begun[0]["run"]["id"] == begun[1]["run"]["id"]
    finished(http, begun[0]["run"]["id"])
    made = http.get("/v1/assets", params={"run": begun[0]["run"]["id"]}).json()["assets"]
    assert len(made) == 1


def test_a_rendition_whose_master_is_gone_is_left_out_and_said_so(http, poster):
    asset = master(http, poster)
    [rendition] = exported(http, asset, OLD, "meta_vertical")
    assert http.delete(f"/v1/assets/{asset['id']}").status_code == 204
    started = http.post("/v1/placements/compliance/re-export", json={}).json()
    assert (started["run"], started["renditions"]) == (None, [])
    assert started["left_out"] == [rendition["id"]]


def test_a_rendition_whose_placement_is_gone_is_reported_and_left_out(http, poster):
    asset = master(http, poster)
    renditions = exported(http, asset, NEW, "instagram_tall", "instagram_square")
    [tall] = [one["id"] for one in renditions if one["label"] == "instagram_tall"]
    [found] = http.get("/v1/placements/compliance", params={"version": OLD}).json()["renditions"]
    assert (found["asset"], found["rules"][0]["rule"]) == (tall, "placement.removed")
    started = http.post("/v1/placements/compliance/re-export", json={"version": OLD}).json()
    assert (started["run"], started["left_out"]) == (None, [tall])


def test_a_report_can_be_narrowed(http, poster):
    asset = master(http, poster)
    [old] = exported(http, asset, OLD, "meta_vertical")
    narrow = "/v1/placements/compliance"
    assert http.get(narrow, params={"run": str(uuid4())}).json()["checked"] == 0
    assert http.get(narrow, params={"placement": "instagram_square"}).json()["checked"] == 0
    found = http.get(narrow, params={"run": old["run"]}).json()["renditions"]
    assert [one["asset"] for one in found] == [old["id"]]
