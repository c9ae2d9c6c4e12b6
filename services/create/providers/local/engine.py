"""The engine: a request in, a picture out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image as Pillow

from services.create.providers.local import colouring
from services.create.providers.local.brief import Brief, Rgb, read
from services.create.providers.local.canvas import Canvas, Picture, in_eight_bits
from services.create.providers.local.finishes import FINISHES
from services.create.providers.local.painters import PAINTERS
from services.create.providers.local.painters.poster import headline_set
from services.create.providers.local.painters.sweep import sweep
from services.create.providers.local.reference import Look
from services.create.providers.local.unread import unread
from services.create.quality import Quality, grade
from services.create.request import ImageRequest
from services.create.templates import Space
from studio.imaging.colour import parse_hex

#: What it is, said with every picture: it composes by rules and has learnt from no picture.
ENGINE = "procedural"
#: Changes whenever the same request would give other bytes.
VERSION = "procedural-3"

MAX_PIXELS = 4_194_304  # 2048 × 2048, what it paints in seconds
_SMALLEST = 32  # px of a side; a draft of a small picture is painted no smaller


def paint(request: ImageRequest, *, seed: int, look: Look | None = None) -> Pillow.Image:
    """Paint one variation of a request: RGB, of its size."""
    return generate(
        request.subject,
        width=request.width,
        height=request.height,
        seed=seed,
        style=request.style_id,
        quality=request.quality,
        negative_prompt=request.unwanted,
        palette=[parse_hex(one) for one in request.palette],
        tone=request.tone,
        look=look,
        space=request.template.copy_space if request.template else None,
        alone=bool(request.template and request.template.alone),
    )


def left_out(request: ImageRequest) -> tuple[str, ...]:
    """The things that the prompt names and `paint` does not show, in order; docs/prompts.md."""
    return unread(request.subject, _brief(request))


def check_words(request: ImageRequest) -> None:
    """Refused (`text.…`) if the prompt has a headline that a poster cannot show."""
    brief = _brief(request)
    if brief.painter == "poster" and brief.headline:
        headline_set(brief.headline, request.width, request.height)


def _brief(request: ImageRequest) -> Brief:
    return read(
        request.subject,
        style=request.style_id,
        negative_prompt=request.unwanted,
        alone=bool(request.template and request.template.alone),
    )


def generate(
    prompt: str,
    *,
    width: int,
    height: int,
    seed: int,
    style: str | None = None,
    quality: Quality = "standard",
    negative_prompt: str = "",
    palette: Sequence[Rgb] = (),
    tone: Sequence[str] = (),
    look: Look | None = None,
    space: Space | None = None,
    alone: bool = False,
) -> Pillow.Image:
    """Paint a prompt. RGB, (width, height) px; the same arguments give the same pixels.

    style:   an id of the styles, or None to let the prompt decide.
    quality: how finely edges are drawn; a draft is painted at half its size.
    palette: a brand's colours, the leading one first; they rule the picture.
    tone:    a brand's mood words; look: of a reference; space: what stays calm for words.
    alone:   whether a thing is shown without surroundings, to be cut out.
    """
    brief = read(
        prompt,
        style=style,
        negative_prompt=negative_prompt,
        brand=palette,
        tone=tone,
        alone=alone,
    )
    canvas = _canvas(width, height, seed, quality)
    painter = sweep if brief.is_alone else PAINTERS[brief.painter]
    picture = colouring.graded(painter(canvas, brief), brief)
    picture = _coloured(_styled(picture, canvas, brief), brief, look)
    if space:
        picture = colouring.calmed(picture, canvas, space)
    pixels = in_eight_bits(picture, canvas)
    if pixels.size != (width, height):
        pixels = pixels.resize((width, height), Pillow.Resampling.BICUBIC)
    return pixels


def _canvas(width: int, height: int, seed: int, quality: Quality) -> Canvas:
    settings = grade("local", quality).settings
    scale = float(settings["scale"])
    return Canvas(
        max(_SMALLEST, round(width * scale)),
        max(_SMALLEST, round(height * scale)),
        np.random.Generator(np.random.PCG64(seed)),
        int(settings["supersampling"]),
        (width, height),
    )


def _styled(picture: Picture, canvas: Canvas, brief: Brief) -> Picture:
    local = brief.style.local if brief.style else None
    if local is None or local.finish is None:
        return picture
    return FINISHES[local.finish](picture, canvas, local.strength).clip(0, 1)


def _coloured(picture: Picture, brief: Brief, look: Look | None) -> Picture:
    """The brand's colours, else the reference's; then what is not wanted goes."""
    if look:
        picture = colouring.toned(picture, look.tones, look.strength)
    if brief.brand:
        picture = colouring.recoloured(picture, brief.brand, 0.92)
    elif look:
        picture = colouring.recoloured(picture, look.palette, 0.9 * look.strength)
    return colouring.without(picture, brief.avoided) if brief.avoided else picture
