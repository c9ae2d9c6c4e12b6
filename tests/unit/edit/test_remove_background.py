"""Cut-outs: the subject stays, the background goes, and leaves no colour behind."""

import numpy as np
import pytest
from PIL import Image as Pillow

from services.edit.foreground import foreground
from services.edit.operations.remove_background import RemoveBackground
from services.edit.providers.local import LocalMatting
from studio.imaging.image import Image
from studio.problems import Refused

REMOVE = RemoveBackground(LocalMatting())


def alpha_of(made) -> np.ndarray:
    return np.asarray(made.image.pixels.getchannel("A"))


RED, GREEN = np.array([230, 25, 25]), np.array([25, 205, 50])


def soft_disc(side: int, edge: int) -> tuple[np.ndarray, np.ndarray]:
    """A red disc on green, its edge blended over some pixels: (colours, matte)."""
    ys, xs = np.mgrid[0:side, 0:side] - side / 2
    matte = np.clip((side / 3 - np.hypot(xs, ys)) / edge + 0.5, 0, 1).astype(np.float32)
    blended = matte[..., None] * RED + (1 - matte[..., None]) * GREEN
    return blended.round().astype(np.uint8), matte


async def test_the_subject_stays_and_the_background_goes(edited, astronaut):
    made = await edited(REMOVE, astronaut)
    alpha = alpha_of(made)
    assert alpha[60:140, 200:260].min() > 250, "the face is opaque"
    assert alpha[:60, 420:].max() < 5, "the far corner is clear"
    assert made.details["coverage"] == pytest.approx(alpha.mean() / 255, abs=1e-3)
    assert made.details["engine"] == "u2netp"
    assert made.details["engine_version"]


async def test_the_cup_stays_and_the_table_goes(edited, coffee):
    alpha = alpha_of(await edited(REMOVE, coffee))
    assert alpha[100:160, 240:320].min() > 250, "the coffee is opaque"
    assert max(alpha[:40, :60].max(), alpha[-40:, -60:].max()) < 5, "the table is clear"


async def test_inside_the_subject_colours_are_untouched(edited, astronaut):
    made = await edited(REMOVE, astronaut)
    solid = alpha_of(made) == 255
    before = np.asarray(astronaut.pixels)[solid].astype(int)
    after = np.asarray(made.image.pixels.convert("RGB"))[solid]
    # A matte of 0.998 is drawn as 255 too, so a few colours may have moved by one step.
    assert np.abs(before - after).max() <= 1


# Beyond 1024 px the estimates are made small and enlarged in bands of 256 rows.
@pytest.mark.parametrize(("side", "edge"), [(120, 12), (1500, 30)])
def test_soft_edges_lose_the_old_background(side, edge):
    colours, matte = soft_disc(side, edge)
    is_edge = (matte > 0.2) & (matte < 0.8)
    before = np.abs(colours[is_edge] - RED).mean()
    after = np.abs(foreground(colours, matte)[is_edge].astype(int) - RED).mean()
    assert after < before / 3


def test_no_seam_shows_between_bands():
    colours, matte = soft_disc(1500, 30)
    made = foreground(colours, matte).astype(int)
    is_edge = (matte[1:] > 0.2) & (matte[1:] < 0.8)
    steps = np.abs(np.diff(made, axis=0)).max(-1)
    at_bands = steps[255::256][is_edge[255::256]]
    assert at_bands.size > 20
    assert at_bands.max() <= np.quantile(steps[is_edge], 0.99) + 1


async def test_no_background_colour_shines_through_the_edge_of_a_photo(edited, astronaut):
    """On a green screen of our own the cut-out's edges must not be green."""
    cut = (await edited(REMOVE, astronaut)).image.pixels
    screen = Pillow.new("RGBA", cut.size, (0, 255, 0, 255))
    screen.alpha_composite(cut)
    again = (await edited(REMOVE, Image(screen.convert("RGB")))).image.pixels
    pixels = np.asarray(again, np.int16)
    edge = (pixels[..., 3] > 60) & (pixels[..., 3] < 200)
    was = np.asarray(screen.convert("RGB"), np.int16)
    spill = (pixels[..., 1] - pixels[..., [0, 2]].max(-1))[edge].clip(0).mean()
    before = (was[..., 1] - was[..., [0, 2]].max(-1))[edge].clip(0).mean()
    assert edge.sum() > 200
    assert spill < before / 2


async def test_transparency_that_was_there_is_applied_once(edited, astronaut):
    half = astronaut.pixels.copy()
    half.putalpha(128)
    alpha = alpha_of(await edited(REMOVE, Image(half)))
    assert alpha.max() == 128
    assert alpha[60:140, 200:260].min() >= 126


@pytest.mark.parametrize("colour", [(90, 120, 160), (255, 255, 255), (0, 0, 0)])
async def test_a_picture_without_a_subject_is_refused(edited, colour):
    with pytest.raises(Refused) as refused:
        await edited(REMOVE, Image(Pillow.new("RGB", (200, 150), colour)))
    assert refused.value.rule == "edit.no_subject"
    assert refused.value.fix


async def test_a_feather_softens_the_edge(edited, astronaut):
    def soft(made):
        return ((alpha_of(made) > 10) & (alpha_of(made) < 245)).sum()

    hard, feathered = [await edited(REMOVE, astronaut, feather=px) for px in (0, 8)]
    assert soft(feathered) > 1.3 * soft(hard)
