"""Exports of many assets: selections, foreseen failures, file names, pages of items."""

import io
import json
import zipfile

import httpx
import pytest

from gateway.archive import FileNames, check_template
from studio.problems import Refused
from studio.v1.library_pb2 import Asset
from tests.integration.test_api import TINY, http, problem, run_of, url

__all__ = ["http", "url"]  # fixtures: the platform in one process, and a client of it

BOTH = ["instagram_square", "threads_post"]
EXPORT = {"operation": "optimizer.export", "params": {"placements": BOTH, "fit": "contain"}}


def library_of(http: httpx.Client, variations: int, **about) -> list[dict]:
    many = {**TINY, "params": {**TINY["params"], "variations": variations}}
    run = run_of(http, many, about=about)["id"]
    return http.get("/v1/assets", params={"run": run}).json()["assets"]


def packed(http: httpx.Client, **body) -> tuple[set[str], list[dict]]:
    answer = http.post("/v1/assets/download", json=body)
    assert answer.status_code == 200, answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        names = set(archive.namelist()) - {"manifest.json"}
        return names, json.loads(archive.read("manifest.json"))["assets"]


def test_a_selection_is_exported_as_one_run_and_packed_by_campaign_and_platform(http):
    library_of(http, 3, collection="Spring")
    library_of(http, 1, collection="Autumn")
    state = run_of(http, EXPORT, selection={"collection": "Spring"})
    assert (state["counts"], state["progress"]["share"]) == ({"catalogued": 6}, "1")
    names, manifest = packed(
        http,
        run=state["id"],
        operation="optimizer.export",
        name="{campaign}/{platform}/{placement}-{n}.{ext}",
        campaign="Spring launch",
    )
    assert names == {
        f"Spring-launch/{platform}/{placement}-{n}.jpg"
        for platform, placement in (("instagram", "instagram_square"), ("threads", "threads_post"))
        for n in (1, 2, 3)
    }
    assert {one["file"] for one in manifest} == names
    assert {one["details"]["placement"] for one in manifest} == set(BOTH)


def test_a_run_pins_the_version_of_the_placement_data(http):
    answer = http.post("/v1/runs", json={"steps": [TINY, EXPORT]}).json()
    [_, step] = answer["quote"]["steps"]
    version = step["pinned"]["placements_version"]
    finished = run_of(http, TINY, EXPORT)
    assets = http.get(
        "/v1/assets", params={"run": finished["id"], "operation": EXPORT["operation"]}
    )
    for asset in assets.json()["assets"]:
        assert asset["params"]["placements_version"] == version


def test_what_is_known_of_an_asset_goes_with_it_and_the_run_may_say_otherwise(http):
    [asset] = library_of(http, 1)
    patch = {"title": "Sea", "alt_text": "A calm sea"}
    http.patch(f"/v1/assets/{asset['id']}", json=patch)
    params = {"placements": ["threads_post"], "fit": "contain"}
    step = {"operation": "optimizer.export", "params": params}
    own = run_of(http, step, assets=[asset["id"]])["id"]
    said = run_of(http, step, assets=[asset["id"]], about={"alt_text": "Waves"})["id"]
    [one] = http.get("/v1/assets", params={"run": own}).json()["assets"]
    [two] = http.get("/v1/assets", params={"run": said}).json()["assets"]
    assert (one["title"], one["alt_text"]) == ("Sea", "A calm sea")
    assert (two["title"], two["alt_text"]) == ("Sea", "Waves")


def test_a_quote_foresees_what_is_too_small_and_prices_the_remedy(http):
    large = {**TINY, "params": {**TINY["params"], "width": 1200, "height": 1200}}
    both = {"placements": ["instagram_square", "instagram_story"]}
    export = {"operation": "optimizer.export", "params": both}
    asked = {"steps": [large, export], "repair": False}
    quote = http.post("/v1/quotes", json=asked).json()
    assert (quote["images"], quote["changes"]) == (1, [])
    [failure] = quote["steps"][1]["failures"]
    assert (failure["label"], failure["images"]) == ("instagram_story", 1)
    assert failure["problem"]["rule"] == "optimizer.would_upscale"
    remedy = failure["remedy"]
    assert remedy["price"]["expected"]["amount"] == "0"
    mended = {"operation": remedy["operation"], "params": remedy["params"]}
    quote = http.post("/v1/quotes", json={"steps": [large, mended, export]}).json()
    assert (quote["images"], quote["steps"][2]["failures"]) == (2, [])
    planned = http.post("/v1/quotes", json={"steps": [large, export]}).json()
    assert planned["steps"] == quote["steps"]
    [change] = planned["changes"]
    assert (change["kind"], change["step"], change["rule"]) == (
        "inserted", 2, "optimizer.would_upscale",
    )  # fmt: skip


def test_a_run_that_would_make_nothing_is_refused_and_not_begun(http):
    export = {"operation": "optimizer.export", "params": {"placements": ["instagram_square"]}}
    body = {"steps": [TINY, export], "repair": False}
    for path in ("/v1/quotes", "/v1/runs"):
        told = problem(http.post(path, json=body), 422, "run.nothing")
        assert told["remedy"]["operation"] == "upscale.conservative"
    assert http.get("/v1/runs").json()["runs"] == []


def test_providers_that_nobody_here_offers_are_refused_with_those_that_are(http):
    for name in ("nonsense", "stability"):  # there is no key of Stability here
        body = {"steps": [TINY], "providers": [name]}
        told = problem(http.post("/v1/runs", json=body), 422, "run.providers")
        assert name in told["detail"]
        assert "local" in told["valid"]
        assert name not in told["valid"]


def test_a_run_begins_with_assets_or_makes_its_own_pictures_but_not_both(http):
    [asset] = library_of(http, 1)
    problem(http.post("/v1/runs", json={"steps": [TINY], "assets": [asset["id"]]}), 422,
            "run.two_beginnings")  # fmt: skip
    body = {"workflow": "quick-social-post", "parameters": {"prompt": "sea"}, "selection": {}}
    problem(http.post("/v1/runs", json=body), 422, "run.two_beginnings")


def test_a_selection_of_nothing_or_together_with_assets_is_refused(http):
    none = {"steps": [EXPORT], "selection": {"collection": "No such"}}
    problem(http.post("/v1/runs", json=none), 422, "run.selection")
    [asset] = library_of(http, 1)
    both = {"steps": [EXPORT], "selection": {}, "assets": [asset["id"]]}
    problem(http.post("/v1/runs", json=both), 422, "run.assets_or_selection")


def test_items_come_in_pages_that_neither_repeat_nor_skip(http):
    many = {**TINY, "params": {**TINY["params"], "variations": 5}}
    run = run_of(http, many)
    seen, cursor = [], ""
    while cursor is not None:
        page = http.get(run["links"]["items"], params={"limit": 2, "cursor": cursor}).json()
        assert len(page["items"]) <= 2
        seen += [one["item"] for one in page["items"]]
        cursor = page["next_cursor"]
    assert len(seen) == len(set(seen)) == 5
    assert {one["item"] for one in run["items"]} == set(seen)
    failed = http.get(run["links"]["items"], params={"state": "failed"}).json()
    assert failed == {"items": [], "next_cursor": None}


def test_a_file_name_of_unknown_fields_is_refused_with_the_known_ones(http):
    answer = http.post("/v1/assets/download", json={"name": "{campaign}/{colour}.{ext}"})
    told = problem(answer, 422, "archive.name")
    assert "{colour}" in told["detail"]
    assert "placement" in told["valid"]
    with pytest.raises(Refused):
        check_template("{}.jpg")


def asset(label: str, media_type: str = "image/png", **details) -> Asset:
    made = Asset(id="a", label=label, operation="optimizer.export")
    made.image.media_type = media_type
    made.details.update(details)
    return made


def test_files_of_the_same_name_are_told_apart():
    names = FileNames("{label}.{ext}")
    assert [names.name(asset("a")) for _ in range(3)] == ["a.png", "a (2).png", "a (3).png"]
    names = FileNames("{placement}-{n}.{ext}")
    made = [names.name(asset("x", placement=one)) for one in ("pin", "story", "pin")]
    assert made == ["pin-1.png", "story-1.png", "pin-2.png"]


@pytest.mark.parametrize("label", ["../../etc/passwd", "a/b", "..", "C:\\x", "  ", "\x00"])
def test_no_label_leads_out_of_the_archive(label):
    name = FileNames("{label}.{ext}").name(asset(label))
    assert "/" not in name
    assert "\\" not in name
    assert not name.startswith(".")


def test_a_long_title_makes_a_name_that_every_file_system_takes():
    long = asset("港" * 300)
    name = FileNames("{label}-{n}.{ext}").name(long)
    assert len(name.encode()) <= 250
    assert name.startswith("港港")
    assert name.endswith(".png")
