"""Paid edits: what the engines of all providers have in common.

An engine says which product does a request (`product`), how large the result will be (`size`), and
how it is asked (`order`). Here is the rest: what is refused before anything is paid, what it costs,
how pictures and masks are sent, and what becomes of the reply.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from io import BytesIO
from math import floor, log, sqrt
from typing import Any, ClassVar, Generic, Literal, TypeVar

import cv2
import numpy as np
from PIL import Image as Pillow

from services.edit.masks import Mask, MaskSource, Polarity, Selected, selected, to_polarity
from services.edit.models import ways
from services.edit.providers.local import LocalMatting
from studio.compute import compute
from studio.imaging.decode import decode
from studio.imaging.encode import WHITE
from studio.imaging.facts import ImageFacts
from studio.imaging.image import Image
from studio.imaging.provenance import (
    COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA,
    TRAINED_ALGORITHMIC_MEDIA,
)
from studio.money import PriceRange
from studio.operation import Failure, OperationParams, Output, PaidEngine, Work
from studio.problems import Refused
from studio.providers.call import Call
from studio.providers.files import as_file
from studio.providers.limits import check_image, check_prompt, product_limits
from studio.providers.models import Choice
from studio.providers.prices import price_book

ParamsT = TypeVar("ParamsT", bound=OperationParams)
Size = tuple[int, int]  # width and height, px


@dataclass(frozen=True, slots=True)
class Order:
    """One call, and what is known of it before it is paid."""

    call: Call
    details: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    finish: Callable[[Image], Image] = lambda made: made  # of the reply's picture. CPU work


class PaidEdit(PaidEngine[ParamsT], Generic[ParamsT]):
    """An edit by a provider: one picture in, one call, one picture out."""

    operation: ClassVar[str]  # what it does, as services/edit/models has it
    makes_pixels: ClassVar[bool] = True  # False: what it leaves of the picture is the picture's own

    def __init__(self, matting: LocalMatting) -> None:
        """matting: what masks are resolved with, as the local operation does."""
        self.matting = matting

    def choice(self, way: str = "usual") -> Choice:
        """What the data say of one of the ways in which it is done."""
        return ways(self.account, self.operation)[way]

    def products(self) -> Sequence[str]:
        """Everything that it may buy."""
        every = ways(self.account, self.operation).values()
        return tuple(dict.fromkeys(product for one in every for product in one.products))

    @abstractmethod
    def product(self, image: ImageFacts | None, params: ParamsT) -> str:
        """What is bought, as prices and limits name it. Refused if the provider has nothing."""

    @abstractmethod
    async def order(self, work: Work[ParamsT], image: Image) -> Order:
        """The call that does it."""

    def prompt(self, params: ParamsT) -> str | None:
        """Every word that is sent as the prompt."""
        return None

    def size(self, image: ImageFacts, params: ParamsT) -> Size:
        """Of the result: the picture's own, or its ratio with as many pixels as are made."""
        most = product_limits(self.account, self.product(image, params)).output_pixels
        return no_larger((image.width, image.height), most)

    def alpha(self, image: ImageFacts, params: ParamsT) -> bool:
        """Whether the result has transparency."""
        return image.alpha

    def check(self, image: ImageFacts | None, params: ParamsT) -> None:
        """The prompt and the picture are within the provider's limits, and the price is known."""
        product = self.product(image, params)
        price_book().price(self.account, product)
        check_prompt(self.account, product, self.prompt(params))
        if image is not None:
            check_image(self.account, product, image)

    def forecast(self, image: ImageFacts | None, params: ParamsT) -> Sequence[ImageFacts]:
        """One picture of the size that the provider makes."""
        self.check(image, params)
        return [] if image is None else [self._promised(image, params)]

    def price(self, image: ImageFacts | None, params: ParamsT, provider: str) -> PriceRange:
        """Of the one call."""
        return price_book().price(self.account, self.product(image, params))

    async def run(self, work: Work[ParamsT]) -> Sequence[Output | Failure]:
        """Buy it. `details` tell the product, the mask, and what the provider said."""
        image = work.needed_image()
        if not work.is_begun:  # else it is paid, and no limit refuses it any more
            self.check(image.facts, work.params)
        promised = self._promised(image.facts, work.params)
        order = await self.order(work, image)
        bought = await work.buy(order.call, 0)
        made = await compute(lambda: order.finish(decode(bought.picture)))
        result = replace(image.with_pixels(made.pixels), source_type=self._source_type(image))
        details = {
            "provider": self.provider,
            "product": order.call.product,
            "engine": f"{self.provider} {order.call.product}",
            **order.details,
            **bought.details,
        }
        notes = order.notes
        if says := difference(self.provider, result.facts, promised):
            details["needs_review"] = says
            notes = (*notes, says)
        return [Output(image=result, details=details, notes=notes, cost=bought.cost)]

    async def masked(
        self, source: MaskSource, work: Work[ParamsT], polarity: Polarity, grow: int
    ) -> tuple[Selected, bytes]:
        """What is selected, kept as a blob, and the file in the provider's polarity."""
        chosen = await selected(source, work, self.matting, grow=grow)
        return chosen, await compute(mask_file, chosen.mask, polarity)

    def _promised(self, image: ImageFacts, params: ParamsT) -> ImageFacts:
        """What comes."""
        width, height = self.size(image, params)
        return ImageFacts(width=width, height=height, alpha=self.alpha(image, params))

    def _source_type(self, image: Image) -> str | None:
        """A picture that a model made stays that; any other one is now a composite with it."""
        if not self.makes_pixels or image.source_type == TRAINED_ALGORITHMIC_MEDIA:
            return image.source_type
        return COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA


def seed_of(work: Work[Any], largest: int) -> int:
    """The step's own seed, 1..largest: 0 means “any” to some providers."""
    return 1 + work.step_id.int % largest


def opaque(image: Image) -> Image:
    """The picture on white: edits by prompt would paint over what is hidden behind transparency."""
    return image.with_pixels(image.flattened(WHITE))


def transparent_as(source: Image) -> Callable[[Image], Image]:
    """Makes a reply as transparent as the picture was that was edited."""

    def finish(made: Image) -> Image:
        pixels = made.flattened(WHITE).copy()
        if source.has_alpha:
            alpha = source.pixels.getchannel("A")
            pixels.putalpha(alpha.resize(pixels.size, Pillow.Resampling.LANCZOS))
        return made.with_pixels(pixels)

    return finish


def cut_out_of(source: Image, feather: float) -> Callable[[Image], Image]:
    """Makes a reply the cut-out that was asked for: softer, and clear where the source was.

    A reply without transparency is left as it is. feather: px.
    """

    def finish(made: Image) -> Image:
        if not made.has_alpha:
            return made
        alpha = np.asarray(made.pixels.getchannel("A"), np.float32) / np.float32(255)
        if feather > 0:
            alpha = np.asarray(cv2.GaussianBlur(alpha, (0, 0), feather / 2), np.float32)
        pixels = made.pixels.convert("RGB")
        if source.has_alpha:
            clear = source.pixels.getchannel("A")
            pixels.putalpha(clear.resize(pixels.size, Pillow.Resampling.LANCZOS))
        return made.with_pixels(pixels).with_alpha(alpha)

    return finish


@dataclass(frozen=True, slots=True)
class Canvas:
    """A picture in the middle of the shape that a provider draws, so that it keeps its own ratio:
    what is drawn beside it is cut off again."""

    picture: Size
    drawn: Size  # what comes

    @classmethod
    def nearest(cls, picture: ImageFacts, shapes: Iterable[Size]) -> Canvas:
        """In the shape that is nearest to the picture's."""
        near = min(shapes, key=lambda one: abs(log(one[0] / one[1] / picture.ratio)))
        return cls((picture.width, picture.height), near)

    @property
    def kept(self) -> Size:
        """The size of the picture in what comes."""
        left, top, right, bottom = self._part(self.drawn)
        return right - left, bottom - top

    def laid(self, pixels: Pillow.Image, *, mode: Literal["edge", "constant"]) -> Pillow.Image:
        """What is sent: no larger than what comes. mode: its edges go on, or there is 0."""
        whole = self.drawn if self._around()[0] > self.drawn[0] else self._around()
        left, top, right, bottom = self._part(whole)
        fitted = np.asarray(pixels.resize((right - left, bottom - top), Pillow.Resampling.LANCZOS))
        around = [(top, whole[1] - bottom), (left, whole[0] - right), (0, 0)][: fitted.ndim]
        return Pillow.fromarray(np.pad(fitted, around, mode=mode))

    def taken(self, made: Image) -> Image:
        """The picture out of what came."""
        return made.with_pixels(made.pixels.crop(self._part(made.pixels.size)))

    def _around(self) -> Size:
        """The smallest size of the shape that has room for the picture."""
        ratio = self.drawn[0] / self.drawn[1]
        width, height = self.picture
        return max(width, round(height * ratio)), max(height, round(width / ratio))

    def _part(self, whole: Size) -> tuple[int, int, int, int]:
        """Where the picture is in a canvas of some size: left, top, right, bottom."""
        scale = min(whole[0] / self.picture[0], whole[1] / self.picture[1])
        width = max(1, round(self.picture[0] * scale))
        height = max(1, round(self.picture[1] * scale))
        left, top = (whole[0] - width) // 2, (whole[1] - height) // 2
        return left, top, left + width, top + height


async def sent(image: Image, provider: str, product: str, beside: int = 0) -> bytes:
    """The picture as a file that the provider takes: PNG, or JPEG (WebP if transparent) if that
    would be too large. beside: bytes of other files in the same body.

    Refused (`<provider>.<product>.max_bytes`) if nothing fits.
    """
    return await compute(as_file, image, provider, product, beside)


def mask_file(mask: Mask, polarity: Polarity) -> bytes:
    """A mask as a PNG in a provider's polarity."""
    file = BytesIO()
    to_polarity(mask, polarity).save(file, "PNG", compress_level=6)
    return file.getvalue()


def no_larger(size: Size, pixels: int | None) -> Size:
    """A size, or its ratio with at most so many pixels."""
    width, height = size
    if pixels is None or width * height <= pixels:
        return size
    factor = sqrt(pixels / (width * height))
    return max(1, floor(width * factor)), max(1, floor(height * factor))


def difference(provider: str, made: ImageFacts, promised: ImageFacts) -> str | None:
    """What is not as it was forecast, in a sentence; None if all is."""
    if (made.width, made.height) != (promised.width, promised.height):
        return (
            f"It is {made.width}×{made.height} px, where {promised.width}×{promised.height} were "
            f"expected of {provider}."
        )
    if made.alpha != promised.alpha:
        return f"It has {'' if made.alpha else 'no '}transparency, unlike expected of {provider}."
    return None


def local_only(provider: str, operation: str, what: str, valid: Sequence[str]) -> Refused:
    """The refusal (`<provider>.<operation>.local_only`) of what needs no model.

    what: as in “put a picture in its place”.
    """
    return Refused(
        rule=f"{provider}.{operation}.local_only",
        says=f"{provider} is not asked to {what} here.",
        fix="Give a prompt, or let the local provider do it.",
        valid=list(valid),
    )
