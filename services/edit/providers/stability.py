"""Stability AI: seven edits, each an endpoint of its own; masks are white where it works.

Source: providers.md §4.1 (v2beta). Results have at most 4 MP. Replacing and recolouring find what
is meant by words; where a mask says it instead, that place is inpainted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from PIL import Image as Pillow
from PIL import ImageColor, ImageOps

from services.edit.colours import parse_colour
from services.edit.masks import MaskSource, SelectingParams
from services.edit.operations import (
    erase,
    inpaint,
    outpaint,
    remove_background,
    replace_background,
    search_recolor,
    search_replace,
)
from services.edit.providers.local import LocalMatting
from services.edit.providers.paid import (
    Order,
    PaidEdit,
    ParamsT,
    Size,
    cut_out_of,
    local_only,
    no_larger,
    opaque,
    seed_of,
    sent,
    transparent_as,
)
from studio.compute import compute
from studio.imaging.decode import decode
from studio.imaging.encode import encode
from studio.imaging.facts import ImageFacts
from studio.imaging.image import Image
from studio.operation import Work
from studio.problems import Refused
from studio.providers import stability
from studio.providers.call import Call
from studio.providers.limits import ImageLimits, product_limits

_NAME: Final = "stability"
_LARGEST_SEED = 4_294_967_294  # providers.md §4.1
_MOST_MARGIN = 2000  # px a side, providers.md §4.1
_MOST_PIXELS = 4_194_304  # of a relit picture; told of the other edits, taken for this one
_REFERENCE_SIDE = 2048  # px
_MOST_GROW = 20  # px, of search and replace and recolor; providers.md §4.1

#: Where the light comes from when the shadow falls there.
_LIGHT = {"below": "above", "left": "right", "right": "left"}


class _StabilityEdit(PaidEdit[ParamsT]):
    """What its edits share."""

    provider = account = _NAME

    async def inpainted(
        self, work: Work[ParamsT], image: Image, source: MaskSource, prompt: str | None, grow: int
    ) -> Order:
        """A masked place, made anew from a prompt; without one, it is erased.

        The mask is as large as it is meant to be, so the provider grows it no more.
        """
        chosen, mask = await self.masked(source, work, _NAME, grow)
        product = self.product(image.facts, work.params)
        data = await sent(opaque(image), _NAME, product, beside=len(mask))
        seed = seed_of(work, _LARGEST_SEED)
        call: Call
        if prompt is None:
            call = stability.erase(data, mask, grow_mask=0, seed=seed)
        else:
            call = stability.inpaint(data, prompt, mask, grow_mask=0, seed=seed)
        return Order(call, chosen.details, chosen.notes, transparent_as(image))


class Erase(_StabilityEdit[erase.Params]):
    """Its erase, with the mask as the local operation finds it."""

    operation = "edit.erase"

    def product(self, image: ImageFacts | None, params: erase.Params) -> str:
        """Always the same."""
        return self.choice().bought()

    async def order(self, work: Work[erase.Params], image: Image) -> Order:
        """The picture and the mask."""
        return await self.inpainted(work, image, work.params.mask, None, erase.GROW)


class Inpaint(_StabilityEdit[inpaint.Params]):
    """Its inpaint; without a prompt, its erase, which goes on from around."""

    operation = "edit.inpaint"

    def product(self, image: ImageFacts | None, params: inpaint.Params) -> str:
        """By whether there is a prompt."""
        return self.choice("erase" if params.prompt is None else "prompt").bought()

    def prompt(self, params: inpaint.Params) -> str | None:
        """As given."""
        return params.prompt

    async def order(self, work: Work[inpaint.Params], image: Image) -> Order:
        """The picture, the mask and the prompt."""
        return await self.inpainted(work, image, work.params.mask, work.params.prompt, inpaint.GROW)


class Outpaint(_StabilityEdit[outpaint.Params]):
    """Its outpaint. What was transparent is white."""

    operation = "edit.outpaint"

    def __init__(self, matting: LocalMatting) -> None:
        super().__init__(matting)
        self._local = outpaint.Outpaint(matting)

    def product(self, image: ImageFacts | None, params: outpaint.Params) -> str:
        """Always the same."""
        return self.choice().bought()

    def prompt(self, params: outpaint.Params) -> str | None:
        """As given; it needs none."""
        return params.prompt

    def check(self, image: ImageFacts | None, params: outpaint.Params) -> None:
        """Also: there is something to extend, and not by more than 2,000 px a side."""
        super().check(image, params)
        if image is None:
            return
        if (widest := max(_margins(image, params).values())) > _MOST_MARGIN:
            source = product_limits(_NAME, self.choice().bought()).source
            raise Refused(
                rule="stability.edit.outpaint.max_margin",
                says=f"stability extends a side by at most {_MOST_MARGIN:,} px; that ratio needs "
                f"{widest:,} ({source}).",
                fix="Use a ratio nearer to the picture's, or scale it down first.",
            )
        self._local.check(image, params.model_copy(update={"prompt": None}))

    def size(self, image: ImageFacts, params: outpaint.Params) -> Size:
        """The picture's with the margins."""
        more = _margins(image, params)
        return image.width + more["left"] + more["right"], image.height + more["up"] + more["down"]

    def alpha(self, image: ImageFacts, params: outpaint.Params) -> bool:
        """Never."""
        return False

    async def order(self, work: Work[outpaint.Params], image: Image) -> Order:
        """The picture and the px of each side."""
        margins = _margins(image.facts, work.params)
        data = await sent(opaque(image), _NAME, self.choice().bought())
        seed = seed_of(work, _LARGEST_SEED)
        call = stability.outpaint(
            data,
            left=margins["left"],
            right=margins["right"],
            up=margins["up"],
            down=margins["down"],
            prompt=work.params.prompt,
            seed=seed,
        )
        notes = ("What was transparent is white.",) if image.has_alpha else ()
        return Order(call, {"margins": margins}, notes, opaque)


class RemoveBackground(_StabilityEdit[remove_background.Params]):
    """Its cut-out, with the edge as soft as was asked for."""

    operation = "edit.remove_background"
    makes_pixels = False

    def product(self, image: ImageFacts | None, params: remove_background.Params) -> str:
        """Always the same."""
        return self.choice().bought()

    def alpha(self, image: ImageFacts, params: remove_background.Params) -> bool:
        """Always."""
        return True

    async def order(self, work: Work[remove_background.Params], image: Image) -> Order:
        """The picture alone."""
        data = await sent(opaque(image), _NAME, self.choice().bought())
        call = stability.remove_background(data)
        return Order(call, finish=cut_out_of(image, work.params.feather))


class ReplaceBackground(_StabilityEdit[replace_background.Params]):
    """Its replace-background-and-relight, which finds the subject itself. A job.

    relight: 0 keeps the subject's pixels (preserve_original_subject 1), 1 lets go of them (0) and
    lights it from where the shadow does not fall, as strongly (light_source_strength).
    """

    operation = "edit.replace_background"

    def product(self, image: ImageFacts | None, params: replace_background.Params) -> str:
        """Refused where the background is no picture and no words."""
        if params.prompt is None and params.image is None:
            what = "put a subject on a colour or a gradient"
            raise local_only(_NAME, "edit.replace_background", what, ("prompt", "image"))
        return self.choice().bought()

    def prompt(self, params: replace_background.Params) -> str | None:
        """As given."""
        return params.prompt

    def size(self, image: ImageFacts, params: replace_background.Params) -> Size:
        """Up to 4 MP."""
        return no_larger((image.width, image.height), _MOST_PIXELS)

    def alpha(self, image: ImageFacts, params: replace_background.Params) -> bool:
        """Never."""
        return False

    async def order(self, work: Work[replace_background.Params], image: Image) -> Order:
        """The subject as it is, and what the background is like."""
        params = work.params
        reference = None
        if params.image:
            limits = product_limits(_NAME, self.choice().bought()).image
            reference = await compute(_reference, await work.read_blob(params.image), limits)
        beside = len(reference or b"")
        data = await sent(image, _NAME, self.choice().bought(), beside=beside)
        call = stability.replace_background(
            data,
            background_prompt=params.prompt,
            background_reference=reference,
            preserve_original_subject=round(1 - params.relight, 3),
            light_source_direction=_LIGHT[params.shadow_direction] if params.relight else None,
            light_source_strength=params.relight or None,
            seed=seed_of(work, _LARGEST_SEED),
        )
        notes = ("stability decides over the shadow.",) if params.shadow is not None else ()
        return Order(call, {"relight": params.relight}, notes, opaque)


class SearchReplace(_StabilityEdit[search_replace.Params]):
    """Words: its search and replace. A mask: its inpaint. To erase: its erase."""

    operation = "edit.search_replace"

    def product(self, image: ImageFacts | None, params: search_replace.Params) -> str:
        """Refused where a picture is to be put in."""
        if params.erase:
            return self.choice("erase").bought()
        if params.prompt is None:
            what = "put a picture in the place of something"
            raise local_only(_NAME, "edit.search_replace", what, ("prompt", "erase"))
        return self.choice("words" if _words(params) else "mask").bought()

    def prompt(self, params: search_replace.Params) -> str | None:
        """As given."""
        return params.prompt

    async def order(self, work: Work[search_replace.Params], image: Image) -> Order:
        """What the words find is found by the provider; a mask is found here."""
        params, words = work.params, _words(work.params)
        if words is None or params.prompt is None:
            grow = search_replace.GROW
            return await self.inpainted(work, image, params.source, params.prompt, grow)
        data = await sent(opaque(image), _NAME, self.choice("words").bought())
        grow, seed = _grow(params.source, search_replace.GROW), seed_of(work, _LARGEST_SEED)
        call = stability.search_replace(data, params.prompt, words, grow_mask=grow, seed=seed)
        return Order(call, {"searched": words}, finish=transparent_as(image))


class SearchRecolor(_StabilityEdit[search_recolor.Params]):
    """Words: its search and recolor. A mask: its inpaint, told to change only the colour."""

    operation = "edit.search_recolor"

    def product(self, image: ImageFacts | None, params: search_recolor.Params) -> str:
        """By whether words say what is meant."""
        return self.choice("words" if _words(params) else "mask").bought()

    def prompt(self, params: search_recolor.Params) -> str | None:
        """The colour, as people call it."""
        said = colour_in_words(params.colour)
        return said if _words(params) else f"the same thing in the same light, coloured {said}"

    async def order(self, work: Work[search_recolor.Params], image: Image) -> Order:
        """What the words find is found by the provider; a mask is found here."""
        params, words, prompt = work.params, _words(work.params), str(self.prompt(work.params))
        ignored: Mapping[str, Any] = params.model_dump(exclude_defaults=True)
        notes = tuple(
            f"stability takes no {name}; it was not told."
            for name in ("strength", "lightness")
            if name in ignored
        )
        if words is None:
            made = await self.inpainted(work, image, params.source, prompt, search_recolor.GROW)
            return Order(made.call, made.details, (*made.notes, *notes), made.finish)
        data = await sent(opaque(image), _NAME, self.choice("words").bought())
        grow, seed = _grow(params.source, search_replace.GROW), seed_of(work, _LARGEST_SEED)
        call = stability.search_recolor(data, prompt, words, grow_mask=grow, seed=seed)
        return Order(call, {"searched": words}, notes, transparent_as(image))


ENGINES: Mapping[str, type[PaidEdit[Any]]] = {
    "edit.erase": Erase,
    "edit.inpaint": Inpaint,
    "edit.outpaint": Outpaint,
    "edit.remove_background": RemoveBackground,
    "edit.replace_background": ReplaceBackground,
    "edit.search_recolor": SearchRecolor,
    "edit.search_replace": SearchReplace,
}


def colour_in_words(colour: str) -> str:
    """A colour for a prompt: its name, or of “#rrggbb” the nearest of CSS's names, too."""
    if not colour.startswith("#"):
        return colour
    asked = np.array(parse_colour(colour))
    named = {name: np.array(ImageColor.getrgb(name)[:3]) for name in ImageColor.colormap}
    name = min(named, key=lambda one: int(((named[one] - asked) ** 2).sum()))
    return f"{name} ({colour})"


def _reference(data: bytes, limits: ImageLimits) -> bytes:
    """A background to follow, small enough to travel beside the picture. Of a picture that is too
    long or too short for the limits, the middle, or enlarged. CPU work."""
    image = opaque(decode(data))
    short, long = sorted(image.pixels.size)
    least, ratio = limits.min_side or 1, limits.max_ratio or long
    scale = max(min(1.0, _REFERENCE_SIDE / long), least / short)
    short = max(least, round(short * scale))
    long = min(max(short, round(long * scale)), int(short * ratio))
    size = (long, short) if image.width >= image.height else (short, long)
    pixels = ImageOps.fit(image.pixels, size, Pillow.Resampling.LANCZOS)
    return encode(image.with_pixels(pixels), "image/jpeg", 90)


def _margins(image: ImageFacts, params: outpaint.Params) -> dict[str, int]:
    """px on each side."""
    left, up, right, down = outpaint.margins_of(image, params)
    return {"left": left, "right": right, "up": up, "down": down}


def _words(params: SelectingParams) -> str | None:
    """The words that say what is meant; None if something else does."""
    return params.source.words


def _grow(source: MaskSource, usual: int) -> int:
    """px that the provider grows what it found by."""
    return min(_MOST_GROW, usual if source.grow is None else source.grow)
