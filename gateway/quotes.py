"""Quotes: what a run will cost and make, before it starts.

Each step is quoted for the images that the steps before it will output, so every limit that would
stop the run is found before it starts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pydantic import BaseModel, Field

from gateway.studios import Studios
from studio.imaging.facts import ImageFacts
from studio.money import Money, PriceRange
from studio.problems import Refused
from studio.slip import Step


class StepQuote(BaseModel):
    """One step: what goes in, what comes out, and its price."""

    operation: str
    provider: str
    images_in: int = Field(description="images that it works on; 0: it begins")
    images_out: int
    price: PriceRange
    sizes: list[str] = Field(description="the sizes that it outputs, px")


class Quote(BaseModel):
    """A whole run."""

    price: PriceRange
    steps: list[StepQuote]
    images: int = Field(description="images at the end")


async def quote(
    studios: Studios, workspace: str, steps: Sequence[Step], starts: Sequence[ImageFacts | None]
) -> Quote:
    """Quote the steps in order. Refused names the step and the rule that would stop it."""
    images: Counter[ImageFacts | None] = Counter(starts)
    total = PriceRange.exactly(Money.zero())
    quoted = []
    for number, step in enumerate(steps, start=1):
        price, after, provider = PriceRange.exactly(Money.zero()), Counter[ImageFacts | None](), ""
        for image, count in images.items():
            try:
                one, outputs, provider = await studios.quote(workspace, step, image)
            except Refused as refused:
                refused.says = f"Step {number} ({step.operation}): {refused.says}"
                raise
            price += one * count
            for output in outputs:
                after[output] += count
        begins = all(image is None for image in images)
        quoted.append(
            StepQuote(
                operation=step.operation,
                provider=provider,
                images_in=0 if begins else images.total(),
                images_out=after.total(),
                price=price,
                sizes=sorted({f"{one.width}×{one.height}" for one in after if one}),
            )
        )
        total, images = total + price, after
    return Quote(price=total, steps=quoted, images=images.total())
