"""Enlarging: colours and transparency, each by the engine, and no halo between them."""

from __future__ import annotations

from PIL import Image as Pillow
from PIL import ImageChops, ImageFilter

from services.upscale.engine import Engine
from studio.imaging.image import Image


def enlarged(image: Image, width: int, height: int, engine: Engine) -> Image:
    """The picture at exactly that size. CPU work. Raises as the engine does.

    Colours that hide under full transparency are replaced by the nearest visible ones first, so
    that they cannot seep into the visible edge.
    """
    if not image.has_alpha:
        return image.with_pixels(engine.enlarged(image.pixels, width, height))
    alpha = _enlarged_alpha(image.pixels.getchannel("A"), width, height, engine)
    pixels = engine.enlarged(bled(image.pixels), width, height)
    pixels.putalpha(alpha)
    return image.with_pixels(pixels)


def _enlarged_alpha(alpha: Pillow.Image, width: int, height: int, engine: Engine) -> Pillow.Image:
    """By the engine, as sharp as the colours, but never beyond the range of its neighbours.

    Filters and nets ring beside a hard edge; in alpha that is a ghost of the outline, up to 10 of
    255 levels with Lanczos, and pinholes inside.
    """
    lowest, highest = alpha.getextrema()
    if lowest == highest:
        return Pillow.new("L", (width, height), lowest)
    made = engine.enlarged(alpha.convert("RGB"), width, height).getchannel("G")
    for neighbours, limited in (
        (ImageFilter.MaxFilter(3), ImageChops.darker),
        (ImageFilter.MinFilter(3), ImageChops.lighter),
    ):
        limit = alpha.filter(neighbours).resize(made.size, Pillow.Resampling.NEAREST)
        made = limited(made, limit)
    return made


def bled(pixels: Pillow.Image) -> Pillow.Image:
    """RGBA to RGB, clear pixels taking the colours around them.

    Pull-push (Gortler et al., The Lumigraph, SIGGRAPH 1996): halve until all is covered, then
    fill the holes of each level from the one below.
    """
    rgb = pixels.convert("RGB")
    covered = pixels.getchannel("A").point(lambda alpha: 255 if alpha else 0)
    if covered.getextrema()[0] == 255 or max(pixels.size) == 1:
        return rgb
    flat = rgb.copy()
    flat.putalpha(covered)
    ground = bled(flat.reduce(2)).resize(pixels.size, Pillow.Resampling.BILINEAR)
    ground.paste(rgb, mask=covered)
    return ground
