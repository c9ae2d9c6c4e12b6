"""OpenAI: edits by words, and of masked places; a mask is clear where it works.

Source: providers.md §4.2. It draws three shapes only, so a picture of another ratio is sent in the
middle of the nearest of them and taken out of what comes. All of a picture is drawn anew, also what
no mask covers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from PIL import Image as Pillow

from services.edit.masks import MaskSource, selected
from services.edit.operations import erase, general, inpaint, replace_background, search_replace
from services.edit.providers.paid import (
    Canvas,
    Order,
    PaidEdit,
    ParamsT,
    Size,
    local_only,
    mask_file,
    opaque,
    sent,
    transparent_as,
)
from studio.compute import compute
from studio.imaging.facts import ImageFacts
from studio.imaging.image import Image
from studio.operation import Work
from studio.problems import Refused
from studio.providers import openai
from studio.providers.call import Call
from studio.providers.limits import product_limits

_NAME: Final = "openai"
_SHAPES: tuple[Size, ...] = ((1024, 1024), (1536, 1024), (1024, 1536))  # providers.md §4.2
_MASK_BYTES = 4_000_000  # of a mask's file, less than; providers.md §4.2

_ERASED = (
    "Remove what was in the masked place and continue there what is around it. "
    "Add nothing, and change nothing else."
)


class _OpenAIEdit(PaidEdit[ParamsT]):
    """What its edits share."""

    provider = account = _NAME

    def product(self, image: ImageFacts | None, params: ParamsT) -> str:
        """By the shape that is drawn; a square's price where there is no picture yet."""
        drawn = _canvas(image).drawn if image else _SHAPES[0]
        return self.choice().bought(openai.shape(_written(drawn)))

    def size(self, image: ImageFacts, params: ParamsT) -> Size:
        """The picture's ratio, as large as it is in the shape that is drawn."""
        return _canvas(image).kept

    async def instructed(self, work: Work[ParamsT], image: Image, prompt: str) -> Order:
        """An edit of the whole picture. The result is opaque."""
        canvas = _canvas(image.facts)
        data = await self._laid(canvas, image, work.params)
        call = self._call(data, prompt, canvas)
        notes = (*_shape_notes(canvas), *_alpha_notes(image))
        return Order(call, notes=notes, finish=lambda made: opaque(canvas.taken(made)))

    async def inpainted(
        self, work: Work[ParamsT], image: Image, source: MaskSource, prompt: str, grow: int
    ) -> Order:
        """An edit of a masked place; what was transparent stays so."""
        canvas = _canvas(image.facts)
        chosen = await selected(source, work, self.matting, grow=grow)
        product = self.product(image.facts, work.params)
        mask = await compute(_mask, canvas, chosen.mask, product)
        data = await self._laid(canvas, image, work.params)
        call = self._call(data, prompt, canvas, mask)
        clear = transparent_as(image)
        notes = (*chosen.notes, *_shape_notes(canvas))
        return Order(call, chosen.details, notes, lambda made: clear(canvas.taken(made)))

    def _call(self, data: bytes, prompt: str, canvas: Canvas, mask: bytes | None = None) -> Call:
        choice = self.choice()
        return openai.edit(
            [data],
            prompt,
            model=str(choice.model),
            quality=str(choice.settings["quality"]),
            size=_written(canvas.drawn),
            mask=mask,
        )

    async def _laid(self, canvas: Canvas, image: Image, params: ParamsT) -> bytes:
        pixels = await compute(canvas.laid, opaque(image).pixels, mode="edge")
        return await sent(Image(pixels), _NAME, self.product(image.facts, params))


class General(_OpenAIEdit[general.Params]):
    """Any instruction, in any words."""

    operation = "edit.general"

    def prompt(self, params: general.Params) -> str | None:
        """As given."""
        return params.instruction

    def alpha(self, image: ImageFacts, params: general.Params) -> bool:
        """Never."""
        return False

    async def order(self, work: Work[general.Params], image: Image) -> Order:
        """The picture and the instruction."""
        return await self.instructed(work, image, work.params.instruction)


class Erase(_OpenAIEdit[erase.Params]):
    """A masked place that is told to be empty."""

    operation = "edit.erase"

    def prompt(self, params: erase.Params) -> str | None:
        """Always the same."""
        return _ERASED

    async def order(self, work: Work[erase.Params], image: Image) -> Order:
        """The picture and the mask."""
        return await self.inpainted(work, image, work.params.mask, _ERASED, erase.GROW)


class Inpaint(_OpenAIEdit[inpaint.Params]):
    """A masked place made anew; without a prompt, what is around it goes on."""

    operation = "edit.inpaint"

    def prompt(self, params: inpaint.Params) -> str | None:
        """As given, or to erase."""
        return params.prompt or _ERASED

    async def order(self, work: Work[inpaint.Params], image: Image) -> Order:
        """The picture, the mask and the prompt."""
        prompt = work.params.prompt or _ERASED
        return await self.inpainted(work, image, work.params.mask, prompt, inpaint.GROW)


class ReplaceBackground(_OpenAIEdit[replace_background.Params]):
    """An instruction: it knows what a background is."""

    operation = "edit.replace_background"

    def product(self, image: ImageFacts | None, params: replace_background.Params) -> str:
        """Refused where the background is not told in words."""
        if params.prompt is None:
            what = "put a subject on a colour, a gradient or a picture"
            raise local_only(_NAME, "edit.replace_background", what, ("prompt",))
        return super().product(image, params)

    def prompt(self, params: replace_background.Params) -> str | None:
        """What the background is, as an instruction."""
        return (
            f"Replace the background by this: {params.prompt}. Keep the subject exactly as it is, "
            "at the same place and size; only its light may follow the background."
        )

    def alpha(self, image: ImageFacts, params: replace_background.Params) -> bool:
        """Never."""
        return False

    async def order(self, work: Work[replace_background.Params], image: Image) -> Order:
        """The picture and the instruction."""
        return await self.instructed(work, image, str(self.prompt(work.params)))


class SearchReplace(_OpenAIEdit[search_replace.Params]):
    """A masked place; what words say is found here, so that only that place is edited."""

    operation = "edit.search_replace"

    def product(self, image: ImageFacts | None, params: search_replace.Params) -> str:
        """Refused where a picture is to be put in."""
        if params.image is not None:
            what = "put a picture in the place of something"
            raise local_only(_NAME, "edit.search_replace", what, ("prompt", "erase"))
        return super().product(image, params)

    def prompt(self, params: search_replace.Params) -> str | None:
        """As given, or to erase."""
        return params.prompt or _ERASED

    async def order(self, work: Work[search_replace.Params], image: Image) -> Order:
        """The picture, the mask and the prompt."""
        prompt = work.params.prompt or _ERASED
        return await self.inpainted(work, image, work.params.source, prompt, search_replace.GROW)


ENGINES: Mapping[str, type[PaidEdit[Any]]] = {
    "edit.erase": Erase,
    "edit.general": General,
    "edit.inpaint": Inpaint,
    "edit.replace_background": ReplaceBackground,
    "edit.search_replace": SearchReplace,
}


def _canvas(image: ImageFacts) -> Canvas:
    return Canvas.nearest(image, _SHAPES)


def _written(size: Size) -> str:
    return f"{size[0]}x{size[1]}"


def _mask(canvas: Canvas, mask: Any, product: str) -> bytes:
    """The mask's file, of the size of what is sent; the margins are kept. CPU work."""
    laid = canvas.laid(Pillow.fromarray(mask), mode="constant")
    data = mask_file(np.asarray(laid), _NAME)
    if len(data) >= _MASK_BYTES:
        source = product_limits(_NAME, product).source
        raise Refused(
            rule="openai.edit.mask.max_bytes",
            says=f"openai takes masks of less than {_MASK_BYTES:,} bytes; this one has "
            f"{len(data):,} ({source}).",
            fix="Use a mask with fewer details.",
        )
    return data


def _shape_notes(canvas: Canvas) -> tuple[str, ...]:
    if canvas.kept == canvas.picture:
        return ()
    return (f"openai draws {_written(canvas.drawn)}: the picture is {_written(canvas.kept)} now.",)


def _alpha_notes(image: Image) -> tuple[str, ...]:
    return ("What was transparent is white.",) if image.has_alpha else ()
