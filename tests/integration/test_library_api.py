"""The library over HTTP: compared, reviewed, counted; and what can be named and asked for."""

import io

import httpx
import pytest
from PIL import Image as Pillow

from gateway.app import openapi
from services.create.styles import styles
from services.create.templates import templates
from tests.integration.test_api import TINY, http, problem, run_of, url

__all__ = ["http", "url"]  # fixtures: the platform in one process, and a client of it

LISTS = [
    path for path, methods in openapi()["paths"].items() if "get" in methods and "{" not in path
]


def made(http: httpx.Client, **params) -> list[dict]:
    """What a new run made."""
    about = params.pop("about", {})
    run = run_of(http, {**TINY, "params": {**TINY["params"], **params}}, about=about)["id"]
    found = http.get("/v1/assets", params={"run": run, "sort": "created_at"}).json()["assets"]
    return sorted(found, key=lambda one: one["label"])


def test_a_comparison_tells_what_differs_and_what_does_not(http):
    [draft] = made(http, seed=7)
    [large] = made(http, seed=7, width=192, height=192, quality="standard")
    ids = [draft["id"], large["id"]]
    table = http.get("/v1/assets/compare", params={"ids": ids}).json()
    assert [(one["number"], one["id"]) for one in table["assets"]] == list(enumerate(ids, 1))
    differing, same = table["differing"], table["same"]
    assert (differing["width"], differing["quality"]) == ([96, 192], ["draft", "standard"])
    assert differing["bytes"] == [draft["bytes"], large["bytes"]]
    assert (same["prompt"], same["seed"], same["operation"]) == ("red poster", 7, "create.generate")
    assert same["cost"] == {"amount": "0", "currency": "USD"}
    assert same["template"] is None
    assert not set(differing) & set(same)
    for one in table["assets"]:
        assert {http.get(link).status_code for link in one["links"].values()} == {200}
    assert http.get(table["sheet"]).headers["content-type"] == "image/png"
    assert all(one["downloads"] == 0 for one in http.get("/v1/assets").json()["assets"])


@pytest.mark.parametrize("more", [{"headers": {"Accept": "image/png"}}, {"format": "png"}])
def test_a_comparison_is_a_sheet_for_whoever_asks_for_a_picture(http, more):
    ids = [one["id"] for one in made(http, variations=3)]
    params = {"ids": ids} | ({"format": "png"} if "format" in more else {})
    answer = http.get("/v1/assets/compare", params=params, headers=more.get("headers"))
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["vary"] == "Accept"
    with Pillow.open(io.BytesIO(answer.content)) as sheet:
        assert sheet.width > 2 * 300 > sheet.height / 2  # three pictures in two columns


def test_what_cannot_be_compared_is_refused(http):
    [one, two] = [one["id"] for one in made(http, variations=2)]
    compare = "/v1/assets/compare"
    problem(http.get(compare), 422, "library.compare")
    problem(http.get(compare, params={"ids": [one, one]}), 422, "library.compare")
    many = {"ids": [one, two, *map(str, range(23))]}
    assert "24" in problem(http.get(compare, params=many), 422, "library.compare")["detail"]
    problem(http.get(compare, params={"ids": [one, "gone"]}), 404, "library.asset")
    scaled = {"ids": [one, two], "scale": "huge"}
    problem(http.get(compare, params=scaled), 422, "request.invalid")


def test_many_assets_are_reviewed_filed_and_deleted_in_one_request(http):
    ids = [one["id"] for one in made(http, variations=3)]
    body = {
        "ids": [*ids[:2], "gone"],
        "change": {"review": "approved", "favourite": True, "add_collections": ["Best"]},
    }
    first = http.post("/v1/assets/changes", json=body).json()
    assert first["counts"] == {"changed": 2, "failed": 1}
    assert first["assets"][2]["problem"]["type"].endswith("library.asset")
    again = http.post("/v1/assets/changes", json=body).json()
    assert again["counts"] == {"unchanged": 2, "failed": 1}
    best = http.get("/v1/assets", params={"collection": "Best", "review": "approved"}).json()
    assert {one["id"] for one in best["assets"]} == set(ids[:2])
    rest = {"filters": {"reviewed": False}, "delete": True}
    assert http.post("/v1/assets/changes", json=rest).json()["assets"] == [
        {"id": ids[2], "outcome": "deleted", "problem": None}
    ]
    assert http.post("/v1/assets/changes", json=rest).json() == {"counts": {}, "assets": []}
    assert len(http.get("/v1/assets").json()["assets"]) == 2


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ({}, "library.what_to_change"),
        ({"delete": True}, "library.which_assets"),
        ({"filters": {}, "delete": True}, "library.which_assets"),
        ({"filters": {"run": ""}, "delete": True}, "library.which_assets"),
        ({"filters": {"run": "", "reviewed": False}, "delete": True}, "library.which_assets"),
        ({"filters": {"tags": []}, "delete": True}, "library.which_assets"),
        ({"filters": {"query": " -- "}, "delete": True}, "library.query"),
        ({"ids": ["a"], "change": {}}, "library.what_to_change"),
        ({"filters": {"nonsense": 1}, "delete": True}, "request.invalid"),
    ],
)
def test_a_change_that_says_too_little_deletes_nothing(http, body, rule):
    made(http)
    problem(http.post("/v1/assets/changes", json=body), 422, rule)
    assert len(http.get("/v1/assets").json()["assets"]) == 1


def test_one_asset_is_approved_and_a_run_can_begin_with_what_is(http):
    [one, _] = made(http, variations=2)
    told = http.patch(f"/v1/assets/{one['id']}", json={"review": "approved"}).json()
    assert told["review"] == "approved"
    assert told["reviewed_at"]
    turn = {"operation": "edit.adjust", "params": {"rotate": 90}}
    state = run_of(http, turn, selection={"review": "approved"})
    assert state["counts"] == {"catalogued": 1}
    problem(http.patch(f"/v1/assets/{one['id']}", json={"review": "ok"}), 422, "request.invalid")


def test_what_is_downloaded_most_comes_first(http):
    rare, common, _ = (one["id"] for one in made(http, variations=3))
    for one in (common, rare, common):
        assert http.get(f"/v1/assets/{one}/content").status_code == 200
    first = http.get("/v1/assets", params={"sort": "-downloads", "limit": 2}).json()
    assert [(one["id"], one["downloads"]) for one in first["assets"]] == [(common, 2), (rare, 1)]
    more = {"sort": "-downloads", "cursor": first["next_cursor"]}
    assert [one["downloads"] for one in http.get("/v1/assets", params=more).json()["assets"]] == [0]


def test_what_was_shared_most_is_known_to_whoever_told_of_it(http):
    one, other = (one["id"] for one in made(http, variations=2))
    path, key = f"/v1/assets/{one}/shares", {"Idempotency-Key": "post-4711"}
    assert [http.post(path, headers=key).json()["shares"] for _ in range(2)] == [1, 1]
    assert http.post(path).json()["shares"] == 2
    first = http.get("/v1/assets", params={"sort": "-shares"}).json()["assets"]
    assert [(one["id"], one["shares"]) for one in first] == [(one, 2), (other, 0)]
    assert http.get("/v1/usage").json()["shares"] == 2
    problem(http.post("/v1/assets/gone/shares"), 404, "library.asset")


def test_usage_is_told_of_one_campaign(http):
    made(http, variations=2, about={"collection": "Spring"})
    [other] = made(http, about={"collection": "Autumn"})
    assert http.get("/v1/usage").json()["assets"] == 3
    spring = http.get("/v1/usage", params={"collection": "Spring"}).json()
    assert (spring["assets"], spring["assets_by_operation"]) == (2, {"create.generate": 2})
    assert http.get("/v1/usage", params={"run": other["run"]}).json()["assets"] == 1
    late = {"created_from": other["created_at"], "collection": "Spring"}
    assert http.get("/v1/usage", params=late).json()["assets"] == 0


@pytest.mark.parametrize("path", LISTS)
def test_no_list_ignores_what_it_does_not_know(http, path):
    body = problem(http.get(path, params={"nonsense": 1}), 422, "request.parameter")
    assert "nonsense" in body["detail"]


@pytest.mark.parametrize(
    ("path", "wrong", "right"),
    [
        ("/v1/assets", "favorite", "favourite"),
        ("/v1/usage", "colection", "collection"),
        ("/v1/runs", "Status", "status"),
        ("/v1/assets/x/content", "previews", "preview"),
    ],
)
def test_a_misspelt_parameter_is_told_the_near_one(http, path, wrong, right):
    body = problem(http.get(path, params={wrong: "x"}), 422, "request.parameter")
    assert right in body["fix"]
    assert right in body["valid"]


def test_templates_and_styles_are_listed_as_the_create_studio_has_them(http):
    told = {one["id"]: one for one in http.get("/v1/templates").json()}
    assert {id_: (one["width"], one["height"], one["style"], one["quality"], one["category"])
            for id_, one in told.items()} == {
        id_: (one.width, one.height, one.style, one.quality, one.category)
        for id_, one in templates().items()
    }  # fmt: skip
    assert all(one["title"] and one["description"] for one in told.values())
    social = http.get("/v1/templates", params={"category": "social"}).json()
    assert {one["category"] for one in social} == {"social"}
    assert 0 < len(social) < len(told)
    problem(http.get("/v1/templates", params={"category": "x"}), 422, "request.invalid")
    listed = {one["id"]: one["description"] for one in http.get("/v1/styles").json()}
    assert listed == {id_: one.description for id_, one in styles().items()}


def test_providers_tell_what_they_do_here_and_whose_key_is_missing(http):
    told = {one["provider"]: one for one in http.get("/v1/providers").json()}
    local = {one["operation"]: one for one in told["local"]["operations"]}
    assert (told["local"]["key"], told["local"]["setting"]) == ("not needed", None)
    assert local["create.generate"]["is_default"]
    assert local["create.generate"]["unit_price"]["maximum"]["amount"] == "0"
    fal = told["fal"]
    assert (fal["key"], fal["setting"]) == ("absent", "STUDIO_FAL_API_KEY")
    assert {
        one["operation"]: one["lacks"]["setting"] for one in fal["operations"]
    } == dict.fromkeys(
        ("create.generate", "upscale.fast", "upscale.creative"), "STUDIO_FAL_API_KEY"
    )
    assert fal["studios"] == ["create", "upscale"]
    for product in fal["products"]:
        assert product["source"]
        assert float(product["price"]["expected"]["amount"]) > 0
    [own_model] = told["diffusers"]["operations"]
    assert (own_model["operation"], own_model["unit_price"]) == ("create.generate", None)
    assert "STUDIO_DIFFUSERS_WEIGHTS" in own_model["lacks"]["fix"]
