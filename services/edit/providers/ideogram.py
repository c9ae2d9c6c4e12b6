"""Ideogram: masked places and backgrounds; a mask is black where it works.

Source: providers.md §4.5. A result has the picture's size up to about 1 MP; a larger picture is
refused, with the step that shrinks it, as it would come back smaller than it was sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import log
from typing import Any, Final

from PIL import Image as Pillow
from PIL import ImageOps

from services.edit.masks import MaskSource
from services.edit.operations import inpaint, outpaint, replace_background, search_replace
from services.edit.providers.local import LocalMatting
from services.edit.providers.paid import (
    Order,
    PaidEdit,
    ParamsT,
    Size,
    local_only,
    opaque,
    seed_of,
    sent,
    transparent_as,
)
from studio.imaging.encode import WHITE
from studio.imaging.facts import ImageFacts
from studio.imaging.image import Image
from studio.operation import Work
from studio.problems import Refused
from studio.providers import ideogram
from studio.providers.limits import product_limits

_NAME: Final = "ideogram"
_LARGEST_SEED = 2_147_483_647  # providers.md §4.5
#: Of the 69 resolutions of Ideogram's OpenAPI, those of its aspect ratios (providers.md §4.5), and
#: the two near 21:9.
_RESOLUTIONS: tuple[Size, ...] = (
    *((512, 1536), (640, 1536), (704, 1408), (736, 1312), (800, 1280), (832, 1248)),
    *((864, 1152), (896, 1120), (1120, 896), (1152, 864), (1248, 832), (1280, 800)),
    *((1312, 736), (1408, 704), (1536, 640), (1536, 512)),
)
_ROUNDED = 0.005  # of a ratio's logarithm: what rounding to whole px may miss


class _IdeogramEdit(PaidEdit[ParamsT]):
    """What its edits share. Magic prompt is off: what is sent is what was asked for."""

    provider = account = _NAME

    def check(self, image: ImageFacts | None, params: ParamsT) -> None:
        """Also: it does not make the picture smaller."""
        super().check(image, params)
        known = product_limits(_NAME, self.product(image, params))
        if image is None or known.output_pixels is None or image.pixels <= known.output_pixels:
            return
        raise Refused(
            rule=f"ideogram.{known.product}.output_pixels",
            says=f"ideogram makes at most {known.output_pixels:,} pixels; this picture has "
            f"{image.pixels:,} and would lose some ({known.source}).",
            fix="Scale it down before this step, or use another provider.",
            remedy={"operation": "edit.resize", "params": {"max_pixels": known.output_pixels}},
        )

    async def inpainted(
        self, work: Work[ParamsT], image: Image, source: MaskSource, prompt: str, grow: int
    ) -> Order:
        """A masked place made anew."""
        chosen, mask = await self.masked(source, work, _NAME, grow)
        data = await sent(opaque(image), _NAME, self.choice().bought())
        seed = seed_of(work, _LARGEST_SEED)
        call = ideogram.edit(data, mask, prompt, seed=seed, magic_prompt="OFF")
        return Order(call, chosen.details, chosen.notes, transparent_as(image))


class Inpaint(_IdeogramEdit[inpaint.Params]):
    """Its edit."""

    operation = "edit.inpaint"

    def product(self, image: ImageFacts | None, params: inpaint.Params) -> str:
        """Always the same."""
        return self.choice().bought()

    def prompt(self, params: inpaint.Params) -> str | None:
        """As given; it needs one."""
        return params.prompt

    async def order(self, work: Work[inpaint.Params], image: Image) -> Order:
        """The picture, the mask and the prompt."""
        prompt = str(work.params.prompt)
        return await self.inpainted(work, image, work.params.mask, prompt, inpaint.GROW)


class Outpaint(PaidEdit[outpaint.Params]):
    """Its reframe: a square, continued to one of the shapes that it has. What comes is cut to the
    ratio that was asked for, and shrunk to the size that the picture had in it."""

    operation = "edit.outpaint"
    provider = account = _NAME

    def __init__(self, matting: LocalMatting) -> None:
        super().__init__(matting)
        self._local = outpaint.Outpaint(matting)

    def product(self, image: ImageFacts | None, params: outpaint.Params) -> str:
        """Refused where the picture would not stay in the middle, or words are to be followed."""
        across, down = params.left + params.right, params.up + params.down
        is_even = params.left == params.right and params.up == params.down
        is_one_way = params.ratio is not None or not (across and down)
        if params.prompt or not (is_even and is_one_way and params.anchor == "centre"):
            what = "follow a prompt, or extend a picture other than evenly in one direction"
            raise local_only(_NAME, self.operation, what, ("ratio", "left = right", "up = down"))
        return self.choice().bought()

    def check(self, image: ImageFacts | None, params: outpaint.Params) -> None:
        """Also: there is something to extend, and the picture does not come back smaller."""
        super().check(image, params)
        if image is None:
            return
        self._local.check(image, params)
        drawn = _drawn(self.size(image, params))
        if image.height > min(drawn):
            known = product_limits(_NAME, self.choice().bought())
            raise Refused(
                rule="ideogram.reframe.output",
                says=f"ideogram makes {_written(drawn)} px of this ratio; the picture of "
                f"{image.width}×{image.height} would come back smaller ({known.source}).",
                fix="Scale it down before this step, or use another provider.",
                remedy={"operation": "edit.resize", "params": {"max_side": min(drawn)}},
            )

    def size(self, image: ImageFacts, params: outpaint.Params) -> Size:
        """The picture's with the margins."""
        left, up, right, down = outpaint.margins_of(image, params)
        return image.width + left + right, image.height + up + down

    def alpha(self, image: ImageFacts, params: outpaint.Params) -> bool:
        """Never."""
        return False

    async def order(self, work: Work[outpaint.Params], image: Image) -> Order:
        """The picture and the size."""
        whole = self.size(image.facts, work.params)
        data = await sent(opaque(image), _NAME, self.choice().bought())
        call = ideogram.reframe(data, _written(_drawn(whole)), seed=seed_of(work, _LARGEST_SEED))
        left, up, right, down = outpaint.margins_of(image.facts, work.params)
        margins = {"left": left, "right": right, "up": up, "down": down}
        notes = ("What was transparent is white.",) if image.has_alpha else ()
        return Order(call, {"margins": margins}, notes, lambda made: opaque(_cut(made, whole)))


class ReplaceBackground(_IdeogramEdit[replace_background.Params]):
    """Its replace-background, which finds the subject itself."""

    operation = "edit.replace_background"

    def product(self, image: ImageFacts | None, params: replace_background.Params) -> str:
        """Refused where the background is not told in words."""
        if params.prompt is None:
            what = "put a subject on a colour, a gradient or a picture"
            raise local_only(_NAME, "edit.replace_background", what, ("prompt",))
        return self.choice().bought()

    def prompt(self, params: replace_background.Params) -> str | None:
        """As given."""
        return params.prompt

    def alpha(self, image: ImageFacts, params: replace_background.Params) -> bool:
        """Never."""
        return False

    async def order(self, work: Work[replace_background.Params], image: Image) -> Order:
        """The picture and what the background is like."""
        data = await sent(opaque(image), _NAME, self.choice().bought())
        seed = seed_of(work, _LARGEST_SEED)
        prompt = str(work.params.prompt)
        call = ideogram.replace_background(data, prompt, seed=seed, magic_prompt="OFF")
        return Order(call, finish=opaque)


class SearchReplace(_IdeogramEdit[search_replace.Params]):
    """Its edit; what words say is found here."""

    operation = "edit.search_replace"

    def product(self, image: ImageFacts | None, params: search_replace.Params) -> str:
        """Refused where nothing is painted."""
        if params.prompt is None:
            what = "erase, or put a picture in the place of something"
            raise local_only(_NAME, "edit.search_replace", what, ("prompt",))
        return self.choice().bought()

    def prompt(self, params: search_replace.Params) -> str | None:
        """As given."""
        return params.prompt

    async def order(self, work: Work[search_replace.Params], image: Image) -> Order:
        """The picture, the mask and the prompt."""
        prompt = str(work.params.prompt)
        return await self.inpainted(work, image, work.params.source, prompt, search_replace.GROW)


ENGINES: Mapping[str, type[PaidEdit[Any]]] = {
    "edit.inpaint": Inpaint,
    "edit.outpaint": Outpaint,
    "edit.replace_background": ReplaceBackground,
    "edit.search_replace": SearchReplace,
}


def _drawn(whole: Size) -> Size:
    """The resolution that goes on beyond the ratio by least, so that only new places are cut off.

    Refused (`ideogram.reframe.max_ratio`) if none goes so far.
    """
    asked = log(whole[0] / whole[1])
    beyond = {one: log(one[0] / one[1]) / asked for one in _RESOLUTIONS if asked}
    able = [one for one, times in beyond.items() if times >= 1 - _ROUNDED]
    if not able:
        raise Refused(
            rule="ideogram.reframe.max_ratio",
            says=f"ideogram makes 1:3 to 3:1; {_written(whole)} px is wider or taller "
            f"({product_limits(_NAME, 'reframe').source}).",
            fix="Use a ratio nearer to 1:1, or use another provider.",
        )
    return min(able, key=beyond.__getitem__)


def _cut(made: Image, whole: Size) -> Image:
    """The middle of what came, of the ratio and the size of the extended picture. CPU work."""
    pixels = made.flattened(WHITE)
    return made.with_pixels(ImageOps.fit(pixels, whole, Pillow.Resampling.LANCZOS))


def _written(size: Size) -> str:
    return f"{size[0]}x{size[1]}"
