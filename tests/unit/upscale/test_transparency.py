"""Cut-outs: alpha is enlarged as sharp as the colours, and neither leaves a halo."""

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFilter

from services.upscale.enlarge import bled, enlarged
from services.upscale.operations.conservative import Conservative
from services.upscale.providers.lanczos import LanczosEngine
from services.upscale.providers.sharpened import SharpenedLanczos
from services.upscale.providers.waifu2x import Waifu2x
from studio.imaging.image import Image
from studio.imaging.similarity import psnr

OPERATION = Conservative()
ENGINES = [Waifu2x(), SharpenedLanczos(), LanczosEngine()]
RED = (200, 30, 30)


@pytest.fixture
def shape() -> Pillow.Image:
    """A disc and a bar, antialiased, mode L, 240 px."""
    large = Pillow.new("L", (960, 960))
    draw = ImageDraw.Draw(large)
    draw.ellipse((100, 80, 700, 760), fill=255)
    draw.polygon([(560, 860), (880, 300), (920, 340), (640, 920)], fill=255)
    return large.resize((240, 240), Pillow.Resampling.BOX)


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
def test_outlines_have_no_ghost_and_shapes_no_pinholes(shape, engine):
    alpha = shape.point(lambda value: 255 if value > 127 else 0)
    pixels = Pillow.new("RGBA", shape.size, (*RED, 255))
    pixels.putalpha(alpha)
    made = enlarged(Image(pixels), 480, 480, engine).pixels.getchannel("A")
    far_outside = alpha.filter(ImageFilter.MaxFilter(3)).resize((480, 480), 0)
    deep_inside = alpha.filter(ImageFilter.MinFilter(3)).resize((480, 480), 0)
    values = np.asarray(made)
    assert values[np.asarray(far_outside) == 0].max() == 0
    assert values[np.asarray(deep_inside) == 255].min() == 255
    assert len(np.unique(values)) > 10, "the edge itself is smooth"


def test_the_net_enlarges_alpha_truer_than_lanczos_by_decibels(shape):
    small = Pillow.new("RGBA", (120, 120), (*RED, 255))
    small.putalpha(shape.resize((120, 120), Pillow.Resampling.BOX))
    net, plain = (
        psnr(shape, enlarged(Image(small), 240, 240, engine).pixels.getchannel("A"))
        for engine in (Waifu2x(), LanczosEngine())
    )
    assert net > plain + 3


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
@pytest.mark.parametrize("factor", [2, 3])
def test_a_cut_out_on_any_ground_has_no_halo(shape, engine, factor):
    """Green hides under transparency; laid on the subject's own colour, nothing may show."""
    pixels = Pillow.new("RGBA", shape.size, (0, 255, 0, 255))
    pixels.paste((*RED, 255), mask=shape.point(lambda value: 255 if value else 0))
    pixels.putalpha(shape)
    size = (shape.width * factor, shape.height * factor)
    made = enlarged(Image(pixels), *size, engine)
    assert np.abs(np.asarray(made.flattened(RED), int) - RED).max() <= 4


@pytest.mark.parametrize("alpha", [0, 90, 255])
def test_even_transparency_stays_even(alpha):
    flat = Image(Pillow.new("RGBA", (9, 5), (1, 2, 3, alpha)))
    made = enlarged(flat, 20, 11, LanczosEngine()).pixels
    assert made.size == (20, 11)
    assert made.getchannel("A").getextrema() == (alpha, alpha)


def test_clear_pixels_take_the_colours_around_them():
    pixels = Pillow.new("RGBA", (33, 20), (0, 255, 0, 0))
    pixels.putpixel((3, 4), (10, 20, 30, 255))
    made = np.asarray(bled(pixels), int)
    assert np.abs(made - [10, 20, 30]).max() <= 1, "premultiplying rounds"


async def test_a_cut_out_is_judged_by_what_can_be_seen(face, upscaled):
    cut = face.pixels.crop((40, 40, 120, 120))
    cut.putalpha(Pillow.radial_gradient("L").resize((80, 80)).point(lambda v: 255 * (v < 110)))
    made = await upscaled(OPERATION, Image(cut), factor=2)
    assert made.details["fidelity"]["ssim"] > 0.97
