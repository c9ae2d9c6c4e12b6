"""Paid upscales: what the engines of all providers have in common.

A provider makes one size of a picture, or up to a factor; what is asked for is made of it. A result
that comes larger is shrunk to exactly the size that was asked for. More than the provider makes is
refused before anything is paid. Every result is held against its source (`fidelity`).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import floor, sqrt
from typing import Any, ClassVar, Generic, TypeVar

from PIL import Image as Pillow

from services.upscale.enlarge import bled
from services.upscale.fidelity import Mode, judged
from services.upscale.models import choice
from services.upscale.operations import fast
from services.upscale.sizes import SizeParams, check_size
from studio.compute import compute
from studio.imaging.decode import decode
from studio.imaging.facts import ImageFacts
from studio.imaging.image import Image
from studio.imaging.provenance import (
    COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA,
    TRAINED_ALGORITHMIC_MEDIA,
)
from studio.money import Money, PriceRange
from studio.operation import Failure, OperationParams, Output, PaidEngine, Work
from studio.problems import Refused
from studio.providers.call import Call
from studio.providers.files import as_file
from studio.providers.limits import ProductLimits, check_image, check_prompt, product_limits
from studio.providers.models import Choice
from studio.providers.prices import price_book

ParamsT = TypeVar("ParamsT", bound=OperationParams)
Size = tuple[int, int]  # width and height, px

_NEAR = 0.02  # of a side: so much may be resampled away, as providers round their sizes

#: For providers that need words where none were given.
_PLAIN_PROMPT = "the same picture, sharp and detailed"
_LONGEST_PROMPT = 2000  # characters of what people said of the picture


class PaidUpscale(PaidEngine[ParamsT], Generic[ParamsT]):
    """An upscale by a provider: one picture in, one call, one larger picture out."""

    operation: ClassVar[str]  # what it does, as services/upscale/models has it
    mode: ClassVar[Mode]

    @property
    def choice(self) -> Choice:
        """What it buys, by data."""
        return choice(self.provider, self.operation)

    @property
    def product(self) -> str:
        """In the price book and the limits."""
        return self.choice.bought()

    def products(self) -> Sequence[str]:
        """Everything that it may buy."""
        return (self.product,)

    @abstractmethod
    def makes(self, image: ImageFacts) -> Size:
        """The largest size that the provider makes of a picture."""

    @abstractmethod
    def call(self, work: Work[ParamsT], data: bytes, asked: Size) -> Call:
        """The call that makes it. data: the picture, opaque. asked: what must be reached."""

    def prompt(self, params: ParamsT) -> str | None:
        """As given, if the operation takes one."""
        return getattr(params, "prompt", None)

    def details(self, work: Work[ParamsT]) -> Mapping[str, Any]:
        """What it was asked for, beyond the size."""
        return {"prompt": self.prompt(work.params)}

    def unused(self, params: ParamsT) -> tuple[str, ...]:
        """What of the request it does not do."""
        if getattr(params, "denoise", 0):
            return (f"{self.provider} takes no denoise: it was not used.",)
        return ()

    def check(self, image: ImageFacts | None, params: ParamsT) -> None:
        """The picture and the prompt are within the provider's limits, and it makes so much."""
        price_book().price(self.provider, self.product)
        if (prompt := self.prompt(params)) is not None:
            check_prompt(self.provider, self.product, prompt)
        if image is None or self._is_enough(image, params):
            return
        check_image(self.provider, self.product, image)
        if isinstance(params, SizeParams):
            check_size(self.operation, image, params)
        self._check_reach(image, params)

    def forecast(self, image: ImageFacts | None, params: ParamsT) -> Sequence[ImageFacts]:
        """One picture of exactly the size that was asked for."""
        self.check(image, params)
        if image is None:
            return []
        width, height = _asked(image, params)
        return [ImageFacts(width=width, height=height, alpha=image.alpha)]

    def price(self, image: ImageFacts | None, params: ParamsT, provider: str) -> PriceRange:
        """Of the one call; nothing if the picture is large enough."""
        if image is not None and self._is_enough(image, params):
            return PriceRange.exactly(Money.zero())
        return price_book().price(self.provider, self.product)

    async def run(self, work: Work[ParamsT]) -> Sequence[Output | Failure]:
        """Buy it, bring it to size, and measure how true it stayed."""
        image = work.needed_image()
        if not work.is_begun:  # else it is paid, and no limit refuses it any more
            self.check(image.facts, work.params)
        if self._is_enough(image.facts, work.params):
            unchanged = ("It was large enough and is unchanged.",)
            return [Output(image=image, details=self.details(work), notes=unchanged)]
        asked = _asked(image.facts, work.params)
        data = await compute(_file, image, self.provider, self.product)
        bought = await work.buy(self.call(work, data, asked), 0)
        received = await compute(decode, bought.picture)
        result = await compute(_finished, image, received, asked)
        told: dict[str, Any] = {
            "provider": self.provider,
            "product": self.product,
            "engine": f"{self.provider} {self.product}",
            "made": [received.width, received.height],
            "factor": round(result.width / image.width, 3),
            **self.details(work),
            **bought.details,
            **await compute(judged, image, result, self.mode),
        }
        notes = self.unused(work.params)
        if says := self._difference(result, asked):
            told["needs_review"] = " ".join(one for one in (says, told["needs_review"]) if one)
            notes = (*notes, says)
        return [Output(image=result, details=told, notes=notes, cost=bought.cost)]

    def _is_enough(self, image: ImageFacts, params: ParamsT) -> bool:
        return _asked(image, params) == (image.width, image.height)

    def _check_reach(self, image: ImageFacts, params: ParamsT) -> None:
        asked, most = _asked(image, params), self.makes(image)
        if asked[0] <= most[0] and asked[1] <= most[1]:
            return
        source = product_limits(self.provider, self.product).source
        raise Refused(
            rule=f"{self.provider}.{self.product}.output",
            says=f"{self.provider} makes {most[0]}×{most[1]} px of this picture by "
            f"{self.product}; {asked[0]}×{asked[1]} are asked for ({source}).",
            fix=f"Ask for a longer side of at most {max(most):,} px, or use another provider.",
        )

    def _difference(self, result: Image, asked: Size) -> str | None:
        if result.pixels.size == asked:
            return None
        return (
            f"It is {result.width}×{result.height} px, where {asked[0]}×{asked[1]} were expected "
            f"of {self.provider}."
        )


def by_factor(image: ImageFacts, factor: float) -> Size:
    """The sides, so many times as long."""
    return round(image.width * factor), round(image.height * factor)


def as_known(image: ImageFacts, known: ProductLimits) -> Size:
    """As many times the sides as a product is known for, and no side longer than it makes."""
    most = known.output_side or 2**31
    factor = min(known.output_factor or 1, most / max(image.width, image.height))
    return by_factor(image, max(1.0, factor))


def by_area(image: ImageFacts, pixels: int) -> Size:
    """The picture's ratio with so many pixels; never smaller than the picture."""
    factor = max(1.0, sqrt(pixels / image.pixels))
    return max(1, floor(image.width * factor)), max(1, floor(image.height * factor))


def words(work: Work[Any], prompt: str | None) -> str:
    """A prompt for providers that need one: the one given, or what is said of the picture."""
    said = prompt or work.about.prompt or work.about.alt_text or work.about.title
    return (said or _PLAIN_PROMPT)[:_LONGEST_PROMPT]


def seed_of(work: Work[Any], seed: int | None, largest: int) -> int:
    """The seed given, or the step's own, 1..largest: 0 means “any” to some providers."""
    return seed if seed and seed <= largest else 1 + work.step_id.int % largest


def _asked(image: ImageFacts, params: OperationParams) -> Size:
    if isinstance(params, fast.Params):
        return by_factor(image, params.factor)
    if isinstance(params, SizeParams):
        return params.of(image)
    raise TypeError(f"{type(params).__name__} names no size")


def _file(image: Image, provider: str, product: str) -> bytes:
    """The colours as a file that the provider takes. CPU work.

    Refused (`<provider>.<product>.max_bytes`) if nothing fits.
    """
    pixels = bled(image.pixels) if image.has_alpha else image.pixels
    return as_file(image.with_pixels(pixels), provider, product)


def _finished(source: Image, received: Image, asked: Size) -> Image:
    """What came, at the size that was asked for, as transparent as its source. CPU work."""
    pixels = received.pixels.convert("RGB")
    if pixels.size != asked and _reaches(pixels.size, asked):
        pixels = pixels.resize(asked, Pillow.Resampling.LANCZOS, reducing_gap=3.0)
    if source.has_alpha:
        alpha = source.pixels.getchannel("A")
        pixels.putalpha(alpha.resize(pixels.size, Pillow.Resampling.LANCZOS))
    model_made = source.source_type == TRAINED_ALGORITHMIC_MEDIA
    kind = source.source_type if model_made else COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA
    return replace(source.with_pixels(pixels), source_type=kind)


def _reaches(made: Size, asked: Size) -> bool:
    """Whether it is as large and of the same ratio, but for rounding."""
    across, down = made[0] / asked[0], made[1] / asked[1]
    return min(across, down) >= 1 - _NEAR and abs(across / down - 1) <= _NEAR
