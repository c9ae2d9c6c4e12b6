"""Reviews: each names what helps, and what it names does help."""

from __future__ import annotations

from uuid import uuid4

import pytest
from PIL import Image as Pillow

from services.edit.operations.outpaint import Outpaint
from services.edit.providers.local import LocalMatting
from services.optimizer.crop import WHOLE
from services.optimizer.focus import Focus, find_focus
from services.optimizer.operations.export import Export
from services.optimizer.placements import Margins, Placement, placement_book
from services.optimizer.rendition import Fitting, Rendition, TooSmall, render
from services.optimizer.review import Fitted
from studio.imaging.decode import decode
from studio.imaging.facts import ImageFacts
from studio.imaging.geometry import Box
from studio.imaging.image import Image
from studio.operation import Output, Work
from studio.problems import Refused
from tests.conftest import PHOTOS

BOOK = placement_book()
PLACEMENTS = {one.id: one for one in BOOK.placements}


def enlarged(name: str) -> tuple[Image, Focus]:
    found = decode((PHOTOS / f"{name}.jpg").read_bytes())
    scale = 1920 / min(found.width, found.height)
    size = round(found.width * scale), round(found.height * scale)
    image = found.with_pixels(found.pixels.resize(size, Pillow.Resampling.BICUBIC))
    return image, find_focus(image)


@pytest.fixture(scope="module", params=["astronaut", "chelsea", "coffee", "rocket"])
def seen(request: pytest.FixtureRequest) -> tuple[Image, Focus]:
    return enlarged(request.param)


def flagged(image: Image, focus: Focus) -> list[tuple[Placement, Rendition]]:
    found = []
    for one in BOOK.placements:
        try:
            made = render(image, one, focus)
        except TooSmall:
            continue
        if made.needs_review:
            found.append((one, made))
    return found


def test_every_review_says_what_helps(seen: tuple[Image, Focus]) -> None:
    reviews = [made.needs_review or "" for _, made in flagged(*seen)]
    assert reviews
    for review in reviews:
        reason, _, way = review.partition(" Use ")
        assert reason.endswith(".")
        assert way.endswith(".")


def test_padding_that_is_named_spares_the_review(seen: tuple[Image, Focus]) -> None:
    named = [one for one in flagged(*seen) if "unsafe: contain" in (one[1].needs_review or "")]
    assert named
    for placement, made in named:
        padded = render(*(seen[0], placement, seen[1]), Fitting(unsafe="contain"))
        is_partly = "partly covered" in (made.needs_review or "")
        assert (padded.needs_review is None) is not is_partly, placement.id


def test_the_remedy_extends_the_picture_so_that_all_of_it_is_shown(
    seen: tuple[Image, Focus],
) -> None:
    outpaint = Outpaint(LocalMatting())
    image, focus = seen
    with_remedy = [(one, made.remedy) for one, made in flagged(image, focus) if made.remedy]
    assert with_remedy
    for placement, remedy in with_remedy:
        assert remedy["operation"] == "edit.outpaint"
        params = outpaint.parse(remedy["params"])
        [facts] = outpaint.forecast(image.facts, params)
        assert facts.ratio == pytest.approx(placement.ratio, rel=0.002)


async def test_an_extended_picture_needs_no_review_any_more() -> None:
    photo = decode((PHOTOS / "astronaut.jpg").read_bytes())
    image = photo.with_pixels(photo.pixels.resize((1080, 1080), Pillow.Resampling.BICUBIC))
    story = PLACEMENTS["instagram_story"].at(540, 960)  # which the small photo fills
    made = render(image, story, find_focus(image))
    assert made.needs_review
    assert made.remedy == {"operation": "edit.outpaint", "params": {"ratio": "540:960"}}
    outpaint = Outpaint(LocalMatting())
    work = Work(uuid4(), outpaint.parse(made.remedy["params"]), image, image.facts, "local", None)
    [extended] = await outpaint.run(work)
    assert isinstance(extended, Output)
    assert extended.image
    again = render(extended.image, story, find_focus(extended.image))
    assert again.safe_kept > made.safe_kept
    assert again.needs_review is None


@pytest.mark.parametrize(
    "size", [(2000, 2000), (1000, 5008), (1000, 5014), (31, 40), (30_000, 200), (9000, 9000)]
)
@pytest.mark.parametrize("id_", ["linkedin_company_cover", "instagram_story"])
def test_extending_is_named_only_where_it_can_be_done(size: tuple[int, int], id_: str) -> None:
    placement = PLACEMENTS[id_].model_copy(update={"safe_margins": Margins()})
    focus = find_focus(Image(Pillow.new("RGB", (64, 64))), [WHOLE])
    cut = Box(x0=0.4, y0=0.4, x1=0.6, y1=0.6)
    found = Fitted(size, placement, focus, cut, 0.0, "smart").review()
    assert found
    outpaint = Outpaint(LocalMatting())
    ratio = {"ratio": f"{placement.width}:{placement.height}"}
    try:
        outpaint.check(ImageFacts(width=size[0], height=size[1]), outpaint.parse(ratio))
    except Refused:
        assert found.remedy is None
    else:
        assert found.remedy == {"operation": "edit.outpaint", "params": ratio}


async def test_the_step_that_helps_is_recorded_with_the_rendition() -> None:
    image, _ = enlarged("chelsea")
    operation = Export()
    params = operation.parse({"placements": ["instagram_portrait", "open_graph"]})
    portrait, card = await operation.run(Work(uuid4(), params, image, image.facts, "local", None))
    assert portrait.details["remedy"] == {
        "operation": "edit.outpaint", "params": {"ratio": "1080:1350"},
    }  # fmt: skip
    assert "remedy" not in card.details
