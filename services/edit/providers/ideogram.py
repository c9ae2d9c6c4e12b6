"""Ideogram: masked places and backgrounds; a mask is black where it works.

Source: providers.md §4.5. A result has the picture's size up to about 1 MP; a larger picture is
refused, with the step that shrinks it, as it would come back smaller than it was sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from services.edit.masks import MaskSource
from services.edit.operations import inpaint, replace_background, search_replace
from services.edit.providers.paid import (
    Order,
    PaidEdit,
    ParamsT,
    local_only,
    opaque,
    seed_of,
    sent,
    transparent_as,
)
from studio.imaging.facts import ImageFacts
from studio.imaging.image import Image
from studio.operation import Work
from studio.problems import Refused
from studio.providers import ideogram
from studio.providers.limits import product_limits

_NAME: Final = "ideogram"
_LARGEST_SEED = 2_147_483_647  # providers.md §4.5
_GROW, _GROW_REPLACED = 5, 3  # px around what a mask selects, as the local operations have it


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
        data = await sent(opaque(image), _NAME, "edit")
        seed = seed_of(work, _LARGEST_SEED)
        call = ideogram.edit(data, mask, prompt, seed=seed, magic_prompt="OFF")
        return Order(call, chosen.details, chosen.notes, transparent_as(image))


class Inpaint(_IdeogramEdit[inpaint.Params]):
    """Its edit."""

    def product(self, image: ImageFacts | None, params: inpaint.Params) -> str:
        """Always the same."""
        return "edit"

    def prompt(self, params: inpaint.Params) -> str | None:
        """As given; it needs one."""
        return params.prompt

    async def order(self, work: Work[inpaint.Params], image: Image) -> Order:
        """The picture, the mask and the prompt."""
        prompt = str(work.params.prompt)
        return await self.inpainted(work, image, work.params.mask, prompt, _GROW)


class ReplaceBackground(_IdeogramEdit[replace_background.Params]):
    """Its replace-background, which finds the subject itself."""

    def product(self, image: ImageFacts | None, params: replace_background.Params) -> str:
        """Refused where the background is not told in words."""
        if params.prompt is None:
            what = "put a subject on a colour, a gradient or a picture"
            raise local_only(_NAME, "edit.replace_background", what, ("prompt",))
        return "replace_background"

    def prompt(self, params: replace_background.Params) -> str | None:
        """As given."""
        return params.prompt

    def alpha(self, image: ImageFacts, params: replace_background.Params) -> bool:
        """Never."""
        return False

    async def order(self, work: Work[replace_background.Params], image: Image) -> Order:
        """The picture and what the background is like."""
        data = await sent(opaque(image), _NAME, "replace_background")
        seed = seed_of(work, _LARGEST_SEED)
        prompt = str(work.params.prompt)
        call = ideogram.replace_background(data, prompt, seed=seed, magic_prompt="OFF")
        return Order(call, finish=opaque)


class SearchReplace(_IdeogramEdit[search_replace.Params]):
    """Its edit; what words say is found here."""

    def product(self, image: ImageFacts | None, params: search_replace.Params) -> str:
        """Refused where nothing is painted."""
        if params.prompt is None:
            what = "erase, or put a picture in the place of something"
            raise local_only(_NAME, "edit.search_replace", what, ("prompt",))
        return "edit"

    def prompt(self, params: search_replace.Params) -> str | None:
        """As given."""
        return params.prompt

    async def order(self, work: Work[search_replace.Params], image: Image) -> Order:
        """The picture, the mask and the prompt."""
        prompt = str(work.params.prompt)
        return await self.inpainted(work, image, work.params.source, prompt, _GROW_REPLACED)


ENGINES: Mapping[str, type[PaidEdit[Any]]] = {
    "edit.inpaint": Inpaint,
    "edit.replace_background": ReplaceBackground,
    "edit.search_replace": SearchReplace,
}
