"""Google's Gemini: an edit by an instruction; it takes no masks.

Source: providers.md §4.3. It draws ten shapes; a picture of another ratio is sent in the middle of
the nearest and taken out of what comes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.edit.operations import general
from services.edit.providers.paid import Canvas, Order, PaidEdit, Size, opaque, sent
from studio.compute import compute
from studio.imaging.facts import ImageFacts
from studio.imaging.image import Image
from studio.operation import Work
from studio.providers import google

_NAME = "google"
#: At 1K; 2K has twice the sides. The ratios are of providers.md §4.3, the pixels of Google's guide
#: to image generation, as remembered.
_SHAPES: dict[Size, str] = {
    (1024, 1024): "1:1",
    (848, 1264): "2:3",
    (1264, 848): "3:2",
    (896, 1200): "3:4",
    (1200, 896): "4:3",
    (928, 1152): "4:5",
    (1152, 928): "5:4",
    (768, 1376): "9:16",
    (1376, 768): "16:9",
    (1584, 672): "21:9",
}
_ONE_K = 1_310_720  # pixels; a picture with more is drawn at 2K


class General(PaidEdit[general.Params]):
    """Any instruction, in any words. Every result carries a SynthID watermark."""

    operation = "edit.general"
    provider = account = _NAME

    def product(self, image: ImageFacts | None, params: general.Params) -> str:
        """By the size that is drawn; 1K where there is no picture yet."""
        return self.choice().bought(f"{_times(image)}k")

    def prompt(self, params: general.Params) -> str | None:
        """As given."""
        return params.instruction

    def size(self, image: ImageFacts, params: general.Params) -> Size:
        """The picture's ratio, as large as it is in the shape that is drawn."""
        return _canvas(image)[0].kept

    def alpha(self, image: ImageFacts, params: general.Params) -> bool:
        """Never."""
        return False

    async def order(self, work: Work[general.Params], image: Image) -> Order:
        """The picture and the instruction."""
        canvas, ratio = _canvas(image.facts)
        pixels = await compute(canvas.laid, opaque(image).pixels, mode="edge")
        data = await sent(Image(pixels), _NAME, self.product(image.facts, work.params))
        call = google.gemini_edit(
            [data],
            work.params.instruction,
            model=str(self.choice().model),
            aspect_ratio=ratio,
            size=f"{_times(image.facts)}K",
        )
        notes = ("What was transparent is white.",) if image.has_alpha else ()
        details = {"watermark": "SynthID"}
        return Order(call, details, notes, lambda made: opaque(canvas.taken(made)))


ENGINES: Mapping[str, type[PaidEdit[Any]]] = {"edit.general": General}


def _times(image: ImageFacts | None) -> int:
    return 1 if image is None or image.pixels <= _ONE_K else 2


def _canvas(image: ImageFacts) -> tuple[Canvas, str]:
    """And what its shape is called."""
    at_1k = Canvas.nearest(image, _SHAPES)
    times = _times(image)
    drawn = at_1k.drawn[0] * times, at_1k.drawn[1] * times
    return Canvas(at_1k.picture, drawn), _SHAPES[at_1k.drawn]
