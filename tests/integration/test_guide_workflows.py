"""The guide's workflows, from request to library, small and with local engines."""

from collections import Counter
from typing import Any

import httpx
import pytest

from tests.integration.test_api import finished, http, url

__all__ = ["http", "url"]  # fixtures: the platform in one process, and a client of it

SMALL = "google_business_photo"  # a template, and a placement, of 720×720
DRAFT = {"prompt": "a red poster with a sun", "template": SMALL, "quality": "draft"}
PALETTE = ["#0b3954", "#e58e26"]
BOX = {"box": {"x0": 0.8, "y0": 0.1, "x1": 0.9, "y1": 0.2}}


def run_of(http: httpx.Client, workflow: str, parameters: dict[str, Any], **more: Any) -> dict:
    """A run of a workflow, over; Lanczos enlarges, which is quick."""
    body = {"workflow": workflow, "parameters": parameters, "providers": ["lanczos"], **more}
    answer = http.post("/v1/runs", json=body)
    assert answer.status_code == 202, answer.text
    state = finished(http, answer.json()["id"])
    assert (state["status"], set(state["counts"])) == ("completed", {"catalogued"}), state["items"]
    return state


def assets(http: httpx.Client, **filters: Any) -> list[dict]:
    return http.get("/v1/assets", params={"limit": 200, **filters}).json()["assets"]


def made(http: httpx.Client, run: dict) -> Counter[str]:
    """How many pictures of each operation a run put into the library."""
    return Counter(one["operation"] for one in assets(http, run=run["id"]))


def uploaded(http: httpx.Client, data: bytes) -> str:
    return http.post("/v1/uploads", content=data).json()["blob"]


@pytest.mark.parametrize(
    ("workflow", "parameters", "images"),
    [
        ("blog-featured-image", {"prompt": "sea"}, 2 * 4),
        ("product-photography", {"prompt": "mug", "product_line": "Ceramics"}, 9),
        ("content-library-building", {"prompt": "sea", "category": "Sea"}, 5),
        ("brand-asset-creation", {"prompt": "sea", "palette": PALETTE}, 3 * 12),
        ("weekly-social-content", {"prompt": "sea"}, 5),
        ("campaign-launch", {"prompt": "sea", "campaign": "Spring"}, 5),
    ],
)
def test_with_its_defaults_nothing_is_changed_and_nothing_fails(http, workflow, parameters, images):
    answer = http.post("/v1/quotes", json={"workflow": workflow, "parameters": parameters})
    assert answer.status_code == 200, answer.text
    quote = answer.json()
    assert (quote["images"], quote["changes"]) == (images, [])
    assert not [one for step in quote["steps"] for one in step["failures"]]
    for step in quote["steps"]:
        if step["operation"] == "upscale.conservative":
            assert all("3840" in size for size in step["sizes"])


def test_a_featured_image_is_lettered_enlarged_and_shared(http):
    run = run_of(
        http,
        "blog-featured-image",
        DRAFT
        | {
            "variations": 1,
            "erase": BOX,
            "adjust": {"auto_contrast": 0.5},
            "text": "Made for mornings",
            "upscale_to": 1080,
            "placements": [SMALL, "instagram_square"],
        },
    )
    assert made(http, run) == {
        "create.generate": 1, "edit.erase": 1, "edit.adjust": 1, "edit.text": 1,
        "upscale.conservative": 1, "optimizer.export": 2,
    }  # fmt: skip
    [featured] = assets(http, run=run["id"], tags="featured")
    assert (featured["operation"], featured["image"]["width"]) == ("upscale.conservative", 1080)
    assert featured["details"]["prompt"] == "High fidelity upscale preserving original details"
    filed = Counter(one["operation"] for one in assets(http, run=run["id"], collection="Blog"))
    assert filed == {"upscale.conservative": 1, "optimizer.export": 2}


def test_a_product_is_cut_out_once_and_varied_in_one_run_a_colour(http, photos):
    line = {"product_line": "Cups", "placements": [SMALL], "upscale_to": 1440}
    photo = uploaded(http, (photos / "coffee.jpg").read_bytes())
    run = run_of(http, "product-photography", line | {"photo": photo})
    assert made(http, run) == {
        "create.import": 1, "edit.remove_background": 1, "upscale.conservative": 1,
        "optimizer.export": 1,
    }  # fmt: skip
    [cut_out] = assets(http, collection="Cups", tags="cut-out")
    assert (cut_out["image"]["media_type"], cut_out["image"]["alpha"]) == ("image/png", True)

    ways = ({"colour": "#0b3954"}, {"colour": "#b3001b"}, {"background": {"colour": "white"}})
    for way in ways:
        run_of(http, "product-variation", line | way, assets=[cut_out["id"]])
    variations = assets(http, collection="Cups", tags="variation")
    assert Counter((one["operation"], one["image"]["alpha"]) for one in variations) == {
        ("edit.search_recolor", True): 2, ("edit.replace_background", False): 1,
    }  # fmt: skip
    assert len({one["blob"] for one in variations}) == 3
    assert {one["parents"][0] for one in variations} == {cut_out["id"]}


def test_a_library_is_built_and_its_favourites_are_refined(http):
    built = run_of(
        http, "content-library-building", DRAFT | {"category": "Posters", "style": "watercolor"}
    )
    assert made(http, built) == {"create.generate": 5}
    first, *_ = assets(http, collection="Posters", tags="content library")
    http.patch(f"/v1/assets/{first['id']}", json={"favourite": True})
    refined = run_of(
        http,
        "refine-favourites",
        {
            "collection": "Newsletter",
            "erase": BOX,
            "palette": PALETTE,
            "upscale_to": 1350,
            "placements": ["instagram_square", "threads_post"],
            "overlay": {"headline": "Made for mornings"},
        },
        selection={"collection": "Posters", "favourite": True},
    )
    assert made(http, refined) == {
        "edit.erase": 1, "edit.adjust": 1, "upscale.conservative": 1, "optimizer.export": 2,
    }  # fmt: skip
    [master] = assets(http, collection="Newsletter", tags="master")
    assert (master["operation"], master["image"]["width"]) == ("upscale.conservative", 1350)
    assert len(assets(http, collection="Newsletter")) == 3


def test_brand_assets_have_the_brands_colours_and_are_official(http):
    run = run_of(
        http,
        "brand-asset-creation",
        DRAFT
        | {
            "palette": PALETTE,
            "tone": ["calm"],
            "variations": 1,
            "recolour": {"select": "everything", "colour": PALETTE[0], "strength": 0.3},
            "upscale_to": 1080,
            "placements": ["instagram_square"],
        },
    )
    assert made(http, run) == {
        "create.generate": 1, "edit.adjust": 1, "edit.search_recolor": 1,
        "upscale.conservative": 1, "optimizer.export": 1,
    }  # fmt: skip
    [painted] = assets(http, run=run["id"], operation="create.generate")
    assert painted["details"]["brand"]["palette"] == PALETTE
    official = assets(http, collection="Brand assets", tags="official")
    assert {one["operation"] for one in official} == {"upscale.conservative", "optimizer.export"}


@pytest.mark.parametrize(
    ("workflow", "parameters", "collection"),
    [
        ("weekly-social-content", {"week": "2026, week 48", "variations": 2}, "2026, week 48"),
        ("campaign-launch", {"campaign": "Spring", "variations": 1}, "Spring"),
    ],
)
def test_a_plan_begins_with_pictures_to_choose_from(http, workflow, parameters, collection):
    brand = {"palette": PALETTE}
    run = run_of(http, workflow, DRAFT | {"brand": brand} | parameters)
    assert made(http, run) == {"create.generate": parameters["variations"]}
    filed = assets(http, collection=collection)
    assert len(filed) == parameters["variations"]
    assert {one["details"]["brand"]["palette"][0] for one in filed} == {PALETTE[0]}


def test_a_campaign_is_mended_matched_to_its_brand_and_given_its_words(http):
    run = run_of(
        http,
        "social-media-campaign",
        DRAFT
        | {
            "campaign": "Spring",
            "variations": 1,
            "brand": {"palette": PALETTE},
            "erase": BOX,
            "palette": PALETTE,
            "overlay": {"headline": "Made for mornings"},
            "placements": [SMALL],
        },
    )
    assert made(http, run) == {
        "create.generate": 1, "edit.erase": 1, "edit.adjust": 1, "optimizer.export": 1,
    }  # fmt: skip
    filed = {one["operation"]: one for one in assets(http, collection="Spring")}
    assert set(filed) == {"edit.adjust", "optimizer.export"}  # the master, and what is made of it
    export = filed["optimizer.export"]
    assert [one["kind"] for one in export["details"]["overlay"]] == ["headline"]


def test_a_campaign_from_a_small_photo_loses_nothing(http, photos):
    """The upscale that no one asked for is told before and shown after."""
    small = uploaded(http, (photos / "coffee.jpg").read_bytes())
    parameters = {"campaign": "Autumn", "photo": small, "alt_text": "A cup of coffee"}
    body = {"workflow": "social-media-campaign", "parameters": parameters}
    quote = http.post("/v1/quotes", json={**body, "providers": ["lanczos"]}).json()
    [change] = quote["changes"]
    assert (change["kind"], change["rule"]) == ("inserted", "optimizer.would_upscale")
    assert quote["steps"][change["step"] - 1]["operation"] == "upscale.conservative"

    run = run_of(http, "social-media-campaign", parameters)
    assert run["quote"]["changes"] == quote["changes"]
    renditions = assets(http, run=run["id"], operation="optimizer.export")
    assert len(renditions) == quote["images"] == 12
    assert {one["label"] for one in renditions} >= {"instagram_story", "youtube_thumbnail"}
    [enlarged] = assets(http, run=run["id"], operation="upscale.conservative")
    assert min(enlarged["image"]["width"] / 1640, enlarged["image"]["height"] / 1920) >= 0.999
    filed = Counter(one["operation"] for one in assets(http, collection="Autumn"))
    assert filed == {"create.import": 1, "optimizer.export": 12}


def test_pictures_of_the_library_are_used_again_and_descend_from_it(http):
    built = run_of(
        http, "content-library-building", DRAFT | {"category": "Posters", "variations": 1}
    )
    [picture] = assets(http, run=built["id"])
    again = {
        "social-media-campaign": {"campaign": "Reuse", "placements": [SMALL]},
        "quick-social-post": {"placements": [SMALL]},
        "blog-featured-image": {"upscale_to": None, "placements": [SMALL], "collection": "Posts"},
    }
    for workflow, parameters in again.items():
        run = run_of(http, workflow, parameters, assets=[picture["id"]])
        assert made(http, run) == {"optimizer.export": 1}
        [export] = assets(http, run=run["id"])
        assert (export["parents"], export["prompt"]) == ([picture["id"]], DRAFT["prompt"])
