"""Upscales by providers: over HTTP, against a simulator that bills and knows their rules."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from PIL import Image as Pillow
from pydantic import SecretStr

from services.upscale.service import operations
from studio.imaging.decode import decode
from studio.imaging.image import Image
from studio.imaging.provenance import COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA as COMPOSITE
from studio.operation import Output, Work
from studio.problems import Refused
from studio.providers.accounts import Account
from studio.providers.buying import Buyer
from studio.providers.call import Parked
from studio.providers.purchases import Purchases
from studio.providers.turns import Turns
from tests.simulator import running_simulator

PROVIDERS = ("stability", "ideogram", "replicate", "fal")
OPERATIONS = {one.name: one for one in operations(PROVIDERS)}
PATIENCE = 60  # s


@pytest.fixture(scope="module")
def started() -> Iterator[Any]:
    with running_simulator(poll_s=0.0, job_s=0.1) as simulator:
        yield simulator


@pytest.fixture
def simulator(started):
    started.reset()
    return started


class Studio:
    """Performs operations by providers, as a worker does."""

    def __init__(self, buyer: Buyer) -> None:
        self.buyer = buyer
        self.parked = 0

    async def upscaled(
        self, operation: str, provider: str, image: Image, step: UUID | None = None, **raw: Any
    ) -> Output:
        """Until it is done; the step comes back whenever it was parked."""
        own = OPERATIONS[operation]
        params = own.parse(raw)
        step = step or uuid4()
        work = Work(
            step_id=step,
            params=params,
            image=image,
            facts=image.facts,
            provider=provider,
            read_blob=_no_blob,
            buy=lambda call, index: self.buyer.buy(step, call, index),
        )
        engine = own.engine(provider)
        engine.check(image.facts, params)
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    [made] = await engine.run(work)
                except Parked:
                    self.parked += 1
                    await asyncio.sleep(0.05)
                else:
                    assert isinstance(made, Output)
                    return made


async def _no_blob(key: str) -> bytes:
    raise AssertionError(f"enlarging reads no other blob: {key}")


@pytest.fixture
async def studio(simulator, database, blobs) -> AsyncIterator[Studio]:
    accounts = {
        name: Account(name, simulator.base[name], SecretStr(simulator.keys[name][0]))
        for name in PROVIDERS
    }
    buyer = Buyer(accounts, Purchases(database), Turns(database), blobs)
    yield Studio(buyer)
    await buyer.close()


@pytest.fixture
def cat(photos) -> Image:
    """A cat's face, 320 × 240."""
    photo = decode((photos / "chelsea.jpg").read_bytes())
    return photo.with_pixels(photo.pixels.crop((60, 10, 380, 250)))


def billed(simulator) -> Decimal:
    return sum((Decimal(one["amount"]) for one in simulator.bill()["calls"]), Decimal(0))


CASES: dict[str, tuple[str, str, dict[str, Any], tuple[int, int]]] = {
    "fast": ("upscale.fast", "stability", {"factor": 4}, (1280, 960)),
    "fast, twice": ("upscale.fast", "stability", {"factor": 2}, (640, 480)),
    "conservative": ("upscale.conservative", "stability", {"long_side": 2048}, (2048, 1536)),
    "creative": ("upscale.creative", "stability", {"target": "print"}, (3072, 2304)),
    "ideogram": ("upscale.creative", "ideogram", {"factor": 2}, (640, 480)),
    "esrgan": ("upscale.fast", "replicate", {"factor": 4}, (1280, 960)),
    "esrgan to a size": (
        "upscale.conservative",
        "replicate",
        {"cover": {"width": 1000, "height": 500}},
        (1000, 750),
    ),
    "recraft, crisp": ("upscale.fast", "fal", {"factor": 4}, (1280, 960)),
}
EACH = pytest.mark.parametrize("name", CASES)


@EACH
async def test_an_upscale_is_as_large_as_was_forecast_and_costs_what_was_billed(
    studio, simulator, cat, name
):
    operation, provider, raw, size = CASES[name]
    own = OPERATIONS[operation]
    [forecast] = own.engine(provider).forecast(cat.facts, own.parse(raw))
    made = await studio.upscaled(operation, provider, cat, **raw)
    assert made.image.facts == forecast
    assert made.image.pixels.size == size
    assert made.image.source_type == COMPOSITE
    assert made.details["needs_review"] is None
    assert made.details["fidelity"]["ssim"] > 0.8
    assert len(simulator.bill()["calls"]) == 1
    # the simulator bills Replicate by the second of a GPU, which the reply does not price
    assert provider == "replicate" or made.cost.amount == billed(simulator)


async def test_recraft_enlarges_what_is_large_enough_for_it(studio, simulator, photos):
    photo = decode((photos / "chelsea.jpg").read_bytes())
    small = photo.with_pixels(photo.pixels.crop((60, 10, 380, 250)))
    with pytest.raises(Refused) as caught:
        await studio.upscaled("upscale.creative", "replicate", small, factor=2)
    assert caught.value.rule == "replicate.upscale.recraft-creative.min_side"
    made = await studio.upscaled("upscale.creative", "replicate", photo, factor=2)
    assert made.image.pixels.size == (2 * photo.width, 2 * photo.height)
    assert made.cost.amount == billed(simulator) == Decimal("0.3")


async def test_a_repeated_upscale_buys_nothing(studio, simulator, cat):
    step = uuid4()
    first = await studio.upscaled("upscale.fast", "stability", cat, step)
    again = await studio.upscaled("upscale.fast", "stability", cat, step)
    assert len(simulator.bill()["calls"]) == 1
    assert first.image.pixels.tobytes() == again.image.pixels.tobytes()


async def test_a_creative_upscale_parks_and_completes_with_one_bill(studio, simulator, cat):
    made = await studio.upscaled("upscale.creative", "stability", cat, factor=4)
    assert studio.parked > 0
    assert [one["amount"] for one in simulator.bill()["calls"]] == ["0.6"]
    assert made.cost.amount == Decimal("0.6")
    assert made.details["provider_creativity"] == 0.22


@pytest.mark.parametrize("operation", ["upscale.fast", "upscale.creative"])
async def test_a_picture_that_is_too_large_is_refused_before_it_is_paid(
    studio, simulator, operation
):
    large = Image(Pillow.new("RGB", (1250, 1000), "red"))
    raw = {"factor": 2}
    with pytest.raises(Refused) as caught:
        await studio.upscaled(operation, "stability", large, **raw)
    assert caught.value.rule == f"stability.{operation}.max_pixels"
    assert "providers.md §4.1" in caught.value.says
    assert caught.value.remedy["operation"] == "edit.resize"
    assert caught.value.remedy["params"]["max_pixels"] == 1_048_576
    assert simulator.bill()["calls"] == []


async def test_what_was_transparent_stays_so(studio, cat):
    clear = cat.pixels.copy()
    clear.putalpha(Pillow.linear_gradient("L").resize(clear.size))
    made = await studio.upscaled("upscale.fast", "stability", Image(clear))
    assert made.image.has_alpha
    assert made.image.pixels.getchannel("A").getpixel((640, 0)) < 4
    assert made.image.pixels.getchannel("A").getpixel((640, 959)) > 251


async def test_a_picture_of_another_shape_is_kept_and_marked_for_a_person(studio, simulator, cat):
    simulator.faults("stability", "wrong_size")
    made = await studio.upscaled("upscale.fast", "stability", cat)
    assert made.image.pixels.size == (960, 480)
    assert "were expected of stability" in made.details["needs_review"]
    assert made.cost.amount == Decimal("0.02")


async def test_what_is_large_enough_is_not_bought(studio, simulator, cat):
    made = await studio.upscaled("upscale.conservative", "stability", cat, long_side=200)
    assert made.image.pixels is cat.pixels
    assert simulator.bill()["calls"] == []
