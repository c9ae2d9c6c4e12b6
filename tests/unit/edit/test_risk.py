"""Risk: a fill that a person should look at says so, and one in a plain ground does not."""

import cv2
import numpy as np
import pytest
from PIL import ImageOps

from services.edit.colours import rgb_to_lab
from services.edit.operations.erase import Erase
from services.edit.operations.general import General
from services.edit.operations.inpaint import Inpaint
from services.edit.operations.outpaint import Outpaint
from services.edit.operations.search_replace import SearchReplace
from services.edit.providers.local import LocalMatting
from services.edit.risk import fill_risk, review_from
from studio.imaging.decode import decode
from tests.conftest import PHOTOS

MATTING = LocalMatting()
ERASE, INPAINT = Erase(MATTING), Inpaint(MATTING)
OUTPAINT, REPLACE = Outpaint(MATTING), SearchReplace(MATTING)


@pytest.fixture(scope="module")
def tower():
    return decode((PHOTOS / "more" / "china.jpg").read_bytes())


def box(x0, y0, x1, y1):
    return {"mask": {"box": {"x0": x0, "y0": y0, "x1": x1, "y1": y1}}}


def hole(shape, rows, columns):
    made = np.zeros(shape, np.bool_)
    made[rows, columns] = True
    return made


def test_a_place_in_one_colour_is_no_risk_however_large_it_is():
    grey = np.full((300, 400, 3), 120, np.uint8)
    risk = fill_risk(grey, hole((300, 400), slice(20, 280), slice(20, 380)))
    assert risk.score == pytest.approx(0, abs=0.01)


def test_the_risk_grows_with_the_place_and_with_what_meets_at_its_border():
    halves = np.full((300, 400, 3), 40, np.uint8)
    halves[:, 200:] = 220
    small, large = [
        fill_risk(halves, hole((300, 400), slice(140 - by, 160 + by), slice(190 - by, 210 + by)))
        for by in (0, 80)
    ]
    assert 0 < small.score < large.score
    assert large.score > review_from() > small.score
    faint = fill_risk(halves // 16 + 120, hole((300, 400), slice(60, 240), slice(110, 290)))
    assert faint.score < review_from()


def test_of_several_places_the_riskiest_counts():
    halves = np.full((300, 400, 3), 40, np.uint8)
    halves[:, 200:] = 220
    bad = hole((300, 400), slice(60, 240), slice(150, 250))
    both = bad | hole((300, 400), slice(60, 240), slice(20, 60))
    assert fill_risk(halves, both) == fill_risk(halves, bad)


def test_specks_are_no_risk():
    noise = np.random.default_rng(1).integers(0, 255, (300, 400, 3), dtype=np.uint8)
    dust = np.zeros((300, 400), np.bool_)
    dust[10::40, 10::40] = True
    assert fill_risk(noise, dust).score == 0


async def test_an_erased_mast_before_the_sky_needs_no_look(edited, rocket):
    made = await edited(ERASE, rocket, **box(0.25, 0.27, 0.33, 0.6))
    assert made.details["needs_review"] is None
    assert made.details["fill_risk"] < review_from()


async def test_an_erased_face_needs_a_look_and_the_reason_says_why(edited, astronaut):
    made = await edited(INPAINT, astronaut, **box(0.3, 0.05, 0.6, 0.4))
    assert "12% of the picture" in made.details["needs_review"]
    assert "smears" in made.details["needs_review"]


async def test_half_a_tower_needs_a_look(edited, tower):
    made = await edited(REPLACE, tower, **box(0.3, 0.2, 0.6, 0.7), erase=True)
    assert made.details["needs_review"]


async def test_more_sky_needs_no_look_and_a_wide_margin_beside_a_person_does(
    edited, rocket, astronaut
):
    sky = await edited(OUTPAINT, rocket, up=60)
    assert sky.details["needs_review"] is None
    wide = await edited(OUTPAINT, astronaut, left=200, right=200)
    assert wide.details["needs_review"]


@pytest.mark.parametrize(
    ("photo", "side", "part", "is_good"),
    [
        ("rocket", "up", 0.12, True),
        ("coffee", "right", 0.06, True),
        ("astronaut", "right", 0.3, False),
        ("coffee", "left", 0.3, False),
    ],
)
async def test_a_margin_that_is_not_like_what_was_cut_off_needs_a_look_and_one_like_it_does_not(
    edited, request, photo, side, part, is_good
):
    """A part is cut off and extended back; how far off it is, in ΔE, details of 4 px aside."""
    image = request.getfixturevalue(photo)
    whole = image.pixels.convert("RGB")
    whole.thumbnail((400, 400))
    margin = round(part * (whole.height if side == "up" else whole.width))
    cut = {"left": (margin, 0, 0, 0), "right": (0, 0, margin, 0), "up": (0, margin, 0, 0)}[side]
    made = await edited(OUTPAINT, image.with_pixels(ImageOps.crop(whole, cut)), **{side: margin})
    off = differing(whole, made.image.pixels)
    edge = {"left": off[:, :margin], "right": off[:, -margin:], "up": off[:margin]}[side]
    assert (made.details["needs_review"] is None) == is_good
    assert (edge.mean() < 10) == is_good


def differing(one, other):
    """ΔE of each pixel, of the pictures blurred."""
    a, b = (rgb_to_lab(np.asarray(made.convert("RGB"))) for made in (one, other))
    return np.linalg.norm(cv2.GaussianBlur(a - b, (0, 0), 4), axis=2)


async def test_an_instruction_tells_what_its_steps_doubt(edited, astronaut):
    general = General([ERASE])
    made = await edited(general, astronaut, instruction="erase the face")
    assert "smears" in made.details["needs_review"]
