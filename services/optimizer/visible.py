"""Visible: whether there is anything to see on a rendition, or so little that people look at it."""

from __future__ import annotations

from PIL import Image as Pillow

from services.optimizer.rendition import Rendition

_FAINT = 8  # of 255: nobody sees fainter alpha
_LEVELS = 3  # of 255: smaller differences are seen as one colour
_GRAIN = 4  # px a side that are averaged: single pixels are no picture
_LEAST_COVER = 0.02  # of the canvas


def is_clear(pixels: Pillow.Image) -> bool:
    """Whether no pixel is more than a trace of itself; mode RGB or RGBA."""
    return pixels.mode == "RGBA" and _extrema(pixels.getchannel("A"))[1] < _FAINT


def shows_clear(alpha: Pillow.Image) -> bool:
    """Whether any place of an alpha channel, mode L, is less than opaque."""
    return _extrema(alpha)[0] < 255


def nothing_seen(rendition: Rendition, *, of_cut_out: bool, of_nothing: bool) -> str | None:
    """Why a person should look at a rendition on which there may be nothing to see; or None.

    of_cut_out: whether the master is transparent anywhere. A picture that is opaque all over may be
                of one colour on purpose; a cut-out that vanishes in its background never is.
    of_nothing: whether the master is transparent all over (`is_clear`).
    """
    pixels = rendition.image.pixels
    if of_nothing or is_clear(pixels):
        return "Nothing is visible: every pixel is transparent."
    if of_cut_out and pixels.mode == "RGB" and _is_one_colour(pixels):
        return (
            "Nothing can be seen: what is cut out has the colour of its background. Set another "
            "background, or use a format that keeps transparency."
        )
    cover = rendition.placed.width * rendition.placed.height
    if rendition.fit == "contain" and cover < _LEAST_COVER:
        told = f"{cover:.1%}" if cover >= 0.001 else "less than 0.1%"
        return f"The picture covers {told} of the placement; all else is padding."
    return None


def _is_one_colour(pixels: Pillow.Image) -> bool:
    ranges = map(_extrema, pixels.reduce(_GRAIN).split())
    return all(high - low < _LEVELS for low, high in ranges)


def _extrema(channel: Pillow.Image) -> tuple[int, int]:
    low, high = channel.getextrema()
    assert isinstance(low, int) and isinstance(high, int)  # noqa: S101, PT018 - eight bits a pixel
    return low, high
