"""Upscaled: what all modes do with a picture. Enlarge it, finish it, and measure how true it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from PIL import Image as Pillow

from services.upscale.engine import Engine
from services.upscale.enlarge import enlarged
from services.upscale.fidelity import Mode, judged
from studio.compute import compute
from studio.imaging.image import Image
from studio.operation import Output
from studio.problems import Broken, Unavailable


async def upscaled(
    image: Image,
    size: tuple[int, int],
    mode: Mode,
    engines: Sequence[Engine],
    details: Mapping[str, Any],
    finish: Callable[[Pillow.Image], None] = lambda pixels: None,
) -> Output:
    """The picture at a size of (width, height) px, by the first of the engines that can.

    details: what the operation says of it; the engine, the factor and the fidelity are added.
    finish:  changes the enlarged pixels in place. CPU work.
    Raises Unavailable or Broken if no engine can.
    """
    result, engine, notes = await _by_the_first(image, size, engines)
    await compute(finish, result.pixels)
    told = {
        **details,
        "engine": engine.name,
        "engine_version": engine.version,
        "factor": round(size[0] / image.width, 3),
        **await compute(judged, image, result, mode),
    }
    return Output(image=result, details=told, notes=notes)


async def _by_the_first(
    image: Image, size: tuple[int, int], engines: Sequence[Engine]
) -> tuple[Image, Engine, tuple[str, ...]]:
    """The result, who made it, and a note if it was not the first choice."""
    notes: tuple[str, ...] = ()
    for engine, following in zip(engines, [*engines[1:], None], strict=True):
        try:
            return await compute(enlarged, image, *size, engine), engine, notes
        except (Unavailable, Broken) as missing:  # its weights are not in order
            if following is None:
                raise
            notes = (*notes, f"Enlarged by {following.name} instead: {missing.says}")
    raise ValueError("no engine was given")
