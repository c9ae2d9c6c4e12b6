"""Renditions: what is flagged for review, cut-outs that stand free, and round portraits."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageDraw

from services.optimizer.focus import Focus, find_focus
from services.optimizer.operations.export import Export
from services.optimizer.placements import placement_book
from services.optimizer.rendition import Fitting, Rendition, TooSmall, needed_upscale, render
from studio.imaging.decode import decode
from studio.imaging.geometry import Box
from studio.imaging.image import Image
from tests.conftest import PHOTOS

BOOK = placement_book()
PLACEMENTS = {one.id: one for one in BOOK.placements}
ROUND = [one for one in BOOK.placements if one.shape == "circle"]


def photo(name: str, side: int) -> Image:
    """A photo of the repository with a shorter side of so many px."""
    found = decode((PHOTOS / f"{name}.jpg").read_bytes())
    scale = side / min(found.width, found.height)
    size = round(found.width * scale), round(found.height * scale)
    return found.with_pixels(found.pixels.resize(size, Pillow.Resampling.LANCZOS))


@pytest.fixture(scope="module")
def cat() -> Image:
    """A cat that fills three quarters of the picture."""
    return photo("chelsea", 2000)


@pytest.fixture(scope="module")
def astronaut() -> Image:
    """One person."""
    return photo("astronaut", 2048)


@pytest.fixture(scope="module")
def cat_focus(cat: Image) -> Focus:
    return find_focus(cat)


@pytest.fixture(scope="module")
def astronaut_focus(astronaut: Image) -> Focus:
    return find_focus(astronaut)


def cut_out(canvas: tuple[int, int], part: tuple[int, int]) -> Image:
    """A disc in the middle of a transparent canvas; sizes in px."""
    pixels = Pillow.new("RGBA", canvas)
    left, top = (canvas[0] - part[0]) // 2, (canvas[1] - part[1]) // 2
    corners = (left, top, left + part[0] - 1, top + part[1] - 1)
    ImageDraw.Draw(pixels).ellipse(corners, fill=(200, 40, 40, 255))
    return Image(pixels)


def rendered(image: Image, placement: str, focus: Focus | None = None, **wish) -> Rendition:
    return render(image, PLACEMENTS[placement], focus or find_focus(image), Fitting(**wish))


def foreseen(image: Image, placement: str, **wish) -> list[str]:
    """The rules by which the export says before the run that it will fail."""
    params = Export().parse({"placements": [placement], **wish})
    return [one.problem.rule for one in Export().failures(image.facts, params)]


# Reviews


def test_a_crop_that_cuts_the_eye_of_a_cat_that_fills_the_picture_is_flagged(cat, cat_focus):
    portrait = rendered(cat, "instagram_portrait", cat_focus)
    assert portrait.focal_kept < 0.8
    assert portrait.needs_review is not None
    assert f"keeps {portrait.focal_kept:.0%}" in portrait.needs_review
    assert "contain" in portrait.needs_review
    assert "regions" in portrait.needs_review


def test_a_crop_that_keeps_the_face_of_that_cat_is_not_flagged(cat, cat_focus):
    assert rendered(cat, "open_graph", cat_focus).needs_review is None


def test_too_little_that_is_kept_is_padded_if_the_policy_says_so(cat, cat_focus):
    padded = rendered(cat, "instagram_portrait", cat_focus, unsafe="contain")
    assert padded.fit == "contain"
    assert padded.focal_kept == 1
    assert padded.needs_review is None


def test_a_person_whose_head_is_whole_may_be_cut_below_it(astronaut, astronaut_focus):
    card = rendered(astronaut, "open_graph", astronaut_focus)
    assert card.focal_kept < 0.8
    assert card.needs_review is None


def test_a_picture_in_which_nothing_stands_out_is_cut_without_a_flag():
    blank = Image(Pillow.new("RGB", (3000, 3000), (120, 150, 200)))
    assert rendered(blank, "linkedin_company_cover").needs_review is None


def looked_at(**parts: Box) -> Focus:
    """A focus with such regions only, by their kinds."""
    focus = find_focus(Image(Pillow.new("RGB", (64, 64))), list(parts.values()))
    kinds = [kind.rstrip("0123456789") for kind in parts]
    regions = (
        one.model_copy(update={"kind": kind})
        for one, kind in zip(focus.regions, kinds, strict=False)
    )
    return replace(focus, regions=tuple(regions))


TALL = Box(x0=0.3, y0=0.1, x1=0.7, y1=0.9)
FLAT = Box(x0=0.3, y0=0.40, x1=0.7, y1=0.65)


@pytest.mark.parametrize(
    ("parts", "what"),
    [
        ({"face": TALL}, "is too flat for the whole face."),
        ({"face": FLAT}, "is too flat for the whole head."),
        ({"given": TALL}, "is too flat for the region that was named."),
        ({"subject": TALL}, "is too flat for the whole cut-out."),
        ({"face1": TALL, "face2": FLAT}, "is too flat for all 2 faces."),
        ({"given1": TALL, "given2": FLAT}, "is too flat for all 2 regions that were named."),
    ],
)
def test_a_review_says_what_does_not_fit(parts, what):
    focus = looked_at(**parts)
    edge = [replace_box(one, x0=0.0) if one.kind == "subject" else one for one in focus.regions]
    focus = replace(focus, regions=tuple(edge))  # a cut-out at the edge does not stand free
    square = Image(Pillow.new("RGB", (1600, 1600)))
    assert rendered(square, "x_header", focus).needs_review.startswith(f"x_header {what} Use ")


def replace_box(region, **edges):
    return region.model_copy(update={"box": region.box.model_copy(update=edges)})


def test_a_tall_window_is_called_narrow_and_a_gravity_is_named():
    square = Image(Pillow.new("RGB", (2000, 2000)))
    wide = looked_at(given=Box(x0=0.1, y0=0.3, x1=0.9, y1=0.7))
    narrow = rendered(square, "instagram_story", wide).needs_review
    assert narrow.startswith("instagram_story is too narrow for the region that was named.")
    low = looked_at(given=Box(x0=0.4, y0=0.9, x1=0.6, y1=0.99))
    north = rendered(square, "open_graph", low, fit="cover", gravity="north").needs_review
    assert north.startswith(
        "Cover with gravity north does not keep the region that was named in open_graph. "
        "Use fit: smart"
    )


# Cut-outs


def test_a_cut_out_too_small_to_fill_a_placement_stands_free_in_it_without_being_enlarged():
    small = cut_out((800, 800), (640, 600))
    made = rendered(small, "instagram_portrait")
    assert made.needs_review is None
    assert made.safe_zone_ok
    opaque = np.asarray(made.image.pixels.getchannel("A")) > 127
    assert made.image.pixels.size == (1080, 1350)
    assert np.ptp(np.flatnonzero(opaque.any(0))) + 1 == pytest.approx(640, abs=2)
    assert np.ptp(np.flatnonzero(opaque.any(1))) + 1 == pytest.approx(600, abs=2)


def test_a_cut_out_that_would_be_lost_on_its_ground_is_refused_and_says_so():
    tiny = cut_out((800, 800), (300, 300))
    with pytest.raises(TooSmall) as refused:
        rendered(tiny, "instagram_portrait")
    assert refused.value.rule == "optimizer.would_upscale"
    assert "its cut-out of 306×306 px would be less than 50%" in refused.value.says


@pytest.mark.parametrize("part", [(300, 300), (430, 60), (100, 440)])
def test_a_cut_out_of_the_size_that_the_refusal_asks_for_is_taken(part):
    with pytest.raises(TooSmall) as refused:
        rendered(cut_out((800, 800), part), "instagram_portrait")
    scale = refused.value.long_side / 800
    side = refused.value.long_side
    larger = cut_out((side, side), (round(part[0] * scale), round(part[1] * scale)))
    assert rendered(larger, "instagram_portrait").safe_zone_ok


def test_a_cut_out_stands_free_rather_than_before_padding():
    wide = cut_out((3000, 1000), (2900, 900))
    assert rendered(wide, "instagram_story", unsafe="contain").fit == "smart"


def test_what_the_picture_cuts_does_not_stand_free_and_must_fill_the_placement():
    pixels = Pillow.new("RGBA", (800, 800))
    pixels.paste((200, 40, 40, 255), (100, 100, 700, 800))
    with pytest.raises(TooSmall, match="has only"):
        rendered(Image(pixels), "instagram_portrait")


def test_a_quote_foresees_only_what_fails_whatever_is_in_a_transparent_picture():
    may_stand_free = cut_out((800, 800), (640, 600))
    assert foreseen(may_stand_free, "instagram_portrait") == []
    assert foreseen(cut_out((400, 400), (390, 390)), "instagram_portrait") == [
        "optimizer.would_upscale"
    ]
    opaque = Image(may_stand_free.flattened((255, 255, 255)))
    assert foreseen(opaque, "instagram_portrait") == ["optimizer.would_upscale"]


def test_a_quote_foresees_the_refusal_where_a_cut_out_is_not_looked_for():
    small = cut_out((800, 800), (640, 600))
    middle = [{"x0": 0.2, "y0": 0.2, "x1": 0.8, "y1": 0.8}]
    for wish in ({"fit": "cover"}, {"regions": middle}, {"fit": "stretch", "force": True}):
        assert foreseen(small, "instagram_portrait", **wish) == ["optimizer.would_upscale"]


@pytest.mark.parametrize("side", [300, 420, 500, 700, 1200])
@pytest.mark.parametrize("part", [0.3, 0.9])
def test_what_a_quote_says_will_fail_does_fail(side, part):
    image = cut_out((side, side), (round(side * part), round(side * part)))
    focus = find_focus(image)
    for placement in (one for one in BOOK.placements if not one.product):
        if foreseen(image, placement.id):
            with pytest.raises(TooSmall):
                render(image, placement, focus)


@pytest.mark.parametrize("padding", ["blur", "transparent"])
def test_the_forecast_of_contain_says_whether_transparency_is_left(padding):
    image = cut_out((800, 800), (640, 600))
    wish = {"placements": ["open_graph"], "fit": "contain", "padding": padding}
    [facts] = Export().forecast(image.facts, Export().parse(wish))
    made = rendered(image, "open_graph", fit="contain", padding=padding)
    assert facts.alpha == made.image.has_alpha


# Round portraits


@pytest.mark.parametrize("placement", ROUND, ids=lambda one: one.id)
def test_a_head_fills_half_to_two_thirds_of_a_circle(placement, astronaut, astronaut_focus):
    made = render(astronaut, placement, astronaut_focus)
    head = made.shown(astronaut_focus.portrait)
    assert 0.5 <= max(head.width, head.height) <= 0.67
    assert made.crop.contains(astronaut_focus.portrait)
    assert made.safe_zone_ok
    assert made.needs_review is None


@pytest.mark.parametrize("placement", ROUND, ids=lambda one: one.id)
def test_a_head_with_ground_around_it_is_in_the_middle_of_a_circle_and_safe(placement):
    focus = looked_at(face=Box(x0=0.55, y0=0.4, x1=0.7, y1=0.55))
    made = render(Image(Pillow.new("RGB", (4000, 4000))), placement, focus)
    assert made.shown(focus.portrait).centre == pytest.approx((0.5, 0.5), abs=0.001)
    assert made.needs_review is None


@pytest.mark.parametrize("side", [420, 512, 700, 1000, 2048])
def test_a_round_portrait_is_never_enlarged(side, astronaut_focus):
    small = photo("astronaut", side)
    for placement in ROUND:
        if needed_upscale((side, side), placement) is None:
            crop = render(small, placement, astronaut_focus).crop
            assert crop.width * side >= placement.width - 0.01


@pytest.mark.parametrize(("fit", "shown"), [("smart", 65), ("contain", 0)])
def test_what_lies_in_the_corner_that_a_circle_hides_is_flagged(fit, shown):
    corner = looked_at(given=Box(x0=0.01, y0=0.01, x1=0.12, y1=0.12))
    square = Image(Pillow.new("RGB", (1000, 1000)))
    review = rendered(square, "x_profile", corner, fit=fit).needs_review
    assert review == (
        f"{shown}% of the subject lies in the circle of x_profile; 95% should. "
        "Use a picture with more room around it (edit.outpaint makes it)."
    )


@pytest.mark.parametrize("fit", ["smart", "contain"])
def test_what_lies_in_a_circle_but_not_in_the_square_inside_it_is_safe(fit):
    top = looked_at(given=Box(x0=0.4, y0=0.04, x1=0.6, y1=0.14))
    square = Image(Pillow.new("RGB", (1000, 1000)))
    assert rendered(square, "x_profile", top, fit=fit).safe_zone_ok


def test_a_contained_picture_is_judged_by_the_circle_around_it_and_not_its_own():
    corner = looked_at(given=Box(x0=0.02, y0=0.02, x1=0.12, y1=0.12))
    small = Image(Pillow.new("RGB", (250, 250)))
    assert rendered(small, "x_profile", corner, fit="contain").safe_zone_ok


def test_only_circles_are_zoomed(astronaut, astronaut_focus):
    square = render(astronaut, PLACEMENTS["instagram_square"], astronaut_focus)
    assert square.crop.width == pytest.approx(1)


def test_a_round_picture_of_several_people_shows_as_many_as_it_can(astronaut, astronaut_focus):
    [face] = [one for one in astronaut_focus.regions if one.kind == "face"]
    other = face.model_copy(update={"box": Box(x0=0.7, y0=0.2, x1=0.85, y1=0.35)})
    two = replace(astronaut_focus, regions=(*astronaut_focus.regions, other))
    for placement in ROUND:
        assert render(astronaut, placement, two).crop.width == pytest.approx(1)


def test_a_face_in_the_distance_is_not_what_a_round_picture_is_of(astronaut, astronaut_focus):
    [face] = [one for one in astronaut_focus.regions if one.kind == "face"]
    far = face.model_copy(update={"box": Box(x0=0.5, y0=0.5, x1=0.52, y1=0.52)})
    focus = replace(astronaut_focus, regions=(far,))
    assert render(astronaut, ROUND[0], focus).crop.width == pytest.approx(1)
