"""The engine: prompt in, picture out."""

from __future__ import annotations

import numpy as np
from PIL import Image as Pillow

from services.create.providers.local.brief import read, vocabulary
from services.create.providers.local.canvas import Canvas, finished
from services.create.providers.local.styles import PAINTERS

#: Changes whenever the same request would give other bytes.
VERSION = "procedural-1"

#: How finely edges are drawn, by quality.
_SUPERSAMPLING = {"draft": 1, "standard": 2, "premium": 3}

#: A draft is painted at this fraction of its size and enlarged: a preview, four times as fast.
_DRAFT_SCALE = 0.5


def styles() -> list[str]:
    """The styles that may be asked for."""
    return sorted(vocabulary().styles)


def generate(
    prompt: str,
    *,
    width: int,
    height: int,
    seed: int,
    style: str | None = None,
    quality: str = "standard",
    negative_prompt: str = "",
) -> Pillow.Image:
    """Paint a prompt. RGB, (width, height) px; the same arguments give the same pixels.

    style: one of `styles()`, or None to let the prompt decide.
    quality: "draft", "standard" or "premium"; how finely edges are drawn.
    """
    brief = read(prompt, style=style, negative_prompt=negative_prompt)
    dice = np.random.Generator(np.random.PCG64(seed))
    scale = _DRAFT_SCALE if quality == "draft" else 1
    canvas = Canvas(
        max(32, round(width * scale)), max(32, round(height * scale)), dice, _SUPERSAMPLING[quality]
    )
    picture = finished(PAINTERS[brief.painter](canvas, brief), brief, canvas)
    if picture.size != (width, height):
        picture = picture.resize((width, height), Pillow.Resampling.BICUBIC)
    return picture
