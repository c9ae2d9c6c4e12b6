"""Names over HTTP: what people call things is understood, or leads to what they are called here."""

import httpx
import pytest

from tests.integration.test_api import TINY, http, problem, url

__all__ = ["http", "url"]


@pytest.fixture
def refused(http: httpx.Client):
    """What a quote of steps is answered with where it is refused."""

    def ask(rule: str, *steps: dict, **more) -> dict:
        body = {"steps": list(steps), **more} if steps else more
        return problem(http.post("/v1/quotes", json=body), 422, rule)

    return ask


def quoted(http: httpx.Client, body: dict) -> list[dict]:
    answer = http.post("/v1/quotes", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["steps"]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("Search & Recolor", "edit.search_recolor"),
        ("Background Removal", "edit.remove_background"),
        ("optimize", "optimizer.export"),
        ("Library.Organize", "library.organise"),
    ],
)
def test_an_operation_in_the_guides_words_names_the_one_that_is_meant(refused, said, meant):
    told = refused("request.invalid", TINY, {"operation": said})
    assert "<studio>.<verb>" in told["detail"]
    assert "^" not in told["detail"]
    assert meant in told["fix"]
    assert meant in told["valid"]


def test_an_operation_in_american_spelling_names_the_british_one(refused):
    told = refused("operation.unknown", TINY, {"operation": "library.organize"})
    assert told["fix"] == "Did you mean library.organise?"


@pytest.mark.parametrize(
    ("operation", "params", "named"),
    [
        ("edit.replace_background", {"color": "red"}, "did you mean 'colour'?"),
        ("library.organise", {"favorite": True}, "did you mean 'favourite'?"),
        ("edit.adjust", {"palette": ["blurple"]}, "“blurple” is not a colour"),
        ("edit.adjust", {"fill": "#12"}, "six hexadecimal digits"),
        ("optimizer.export", {"placements": []}, "give at least one, such as"),
    ],
)
def test_a_parameter_is_refused_in_words(refused, operation, params, named):
    told = refused(f"{operation}.params", TINY, {"operation": operation, "params": params})
    assert named in told["detail"]


def test_a_field_of_the_body_is_refused_in_words(http, refused):
    told = refused("request.invalid", parameters="x", workflow="quick-social-post")
    assert "parameters: must be an object with named fields, not 'x'" in told["detail"]
    told = refused("request.invalid", TINY, lane="Bulk")
    assert "did you mean 'bulk'?" in told["detail"]
    for headers in ({"Content-Type": "application/json"}, {}):
        broken = http.post("/v1/quotes", content=b"{", headers=headers)
        assert "not JSON" in problem(broken, 422, "request.invalid")["detail"]


def test_an_asset_is_patched_under_the_name_that_is_told(http):
    patched = http.patch(f"/v1/assets/{'0' * 32}", json={"favorite": True})
    assert "did you mean 'favourite'?" in problem(patched, 422, "request.invalid")["detail"]


def test_what_is_enumerated_may_have_capitals(http):
    steps = quoted(
        http,
        {
            "steps": [
                {
                    "operation": "create.generate",
                    "params": {
                        "prompt": "a red cup",
                        "quality": "Draft",
                        "style": "Photographic",
                        "template": "Instagram Feed Square",
                    },
                },
                {"operation": "upscale.conservative", "params": {"target": "4K"}},
                {"operation": "optimizer.export", "params": {"placements": ["Instagram"]}},
            ]
        },
    )
    made, larger = steps[0], steps[1]
    assert (made["operation"], larger["operation"]) == ("create.generate", "upscale.conservative")
    assert steps[-1]["images_out"] > 1


@pytest.mark.parametrize("x", ["Twitter", "X", "twitter"])
def test_twitter_is_x_wherever_a_platform_is_named(http, x):
    export = {"operation": "optimizer.export", "params": {"placements": ["x"]}}
    called = {"operation": "optimizer.export", "params": {"placements": [x]}}
    one, other = [quoted(http, {"steps": [TINY, step]})[-1] for step in (export, called)]
    assert one["images_out"] == other["images_out"] > 1
    listed = http.get("/v1/placements", params={"platform": x}).json()["placements"]
    assert {one["platform"] for one in listed} == {"x"}
    assert http.get(f"/v1/placements/{x}_card").json()["placement"]["id"] == "x_card"


def test_a_workflows_own_words_may_have_capitals(http):
    body = {"workflow": "pattern-1-create", "parameters": {"prompt": "a cup", "quality": "Draft"}}
    assert quoted(http, body)[0]["operation"] == "create.generate"
    body["parameters"]["quality"] = "Best"
    told = problem(http.post("/v1/quotes", json=body), 422, "workflow.parameters")
    assert "quality: must be 'draft', 'standard' or 'premium', not 'Best'" in told["detail"]
