"""Pictures that follow another, and pictures without a background, by every paid engine that makes
them: over HTTP, held against the simulator's limits and its bill."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from PIL import Image as Pillow
from pydantic import SecretStr

from services.create.providers.paid import PaidGenerate
from services.create.quality import ladder
from services.create.request import Params
from services.create.service import ENGINES
from studio.money import Money
from studio.operation import Failure, Output, Work
from studio.problems import Refused
from studio.providers.accounts import Account
from studio.providers.buying import Bought, Buyer
from studio.providers.call import Call, Parked
from studio.providers.purchases import Purchases
from studio.providers.turns import Turns
from tests.simulator import RunningSimulator, running_simulator

BY_PROVIDER = {one.provider: one() for one in ENGINES}
FOLLOWING = [name for name, one in BY_PROVIDER.items() if ladder(one.ladder).reference]
CUTTING = [name for name, one in BY_PROVIDER.items() if ladder(one.ladder).transparent]
CUTTING_AS_TOLD = [n for n, one in BY_PROVIDER.items() if ladder(one.ladder).transparent_reference]
QUALITY = pytest.mark.parametrize("quality", ["draft", "standard", "premium"])
HOUSE = {"google": "gemini"}  # the simulator's name, where it is another
#: The simulator bills Gemini by assumption, and Replicate by the second.
BILLED_OTHERWISE = {"google", "replicate"}
#: How near a result comes to a picture that is followed as it is, of 255; others are told in words.
NEAR = {"stability": 3, "ideogram": 3, "replicate": 3, "fal": 4}

Make = Callable[..., Any]


@pytest.fixture(scope="module")
def started() -> Iterator[RunningSimulator]:
    with running_simulator(poll_s=0.0, job_s=0.0, latency_s=0.0) as simulator:
        yield simulator


@pytest.fixture
def simulator(started: RunningSimulator) -> RunningSimulator:
    started.reset()
    return started


def stripes(width: int, height: int) -> Pillow.Image:
    """Something that is told from anything else, the same in every shape: left red, right blue."""
    image = Pillow.new("RGB", (width, height), (200, 30, 30))
    image.paste((30, 30, 200), (width // 2, 0, width, height))
    return image


@pytest.fixture
async def make(
    simulator: RunningSimulator, database: Any, blobs: Any
) -> AsyncIterator[Callable[..., Any]]:
    """Makes pictures as a worker does; `picture` is one to follow."""
    buyers = {}
    minutes = count()  # a minute passes between two looks: here rates are not the question
    turns = Turns(database, now=lambda: datetime.fromtimestamp(60 * next(minutes), UTC))
    for name, engine in BY_PROVIDER.items():
        house = HOUSE.get(name, name)
        url = simulator.base[house] + ("/v1beta" if engine.account == "google" else "")
        account = Account(engine.account, url, SecretStr(simulator.keys[house][0]))
        buyers[name] = Buyer({engine.account: account}, Purchases(database), turns, blobs)

    async def made(
        name: str, picture: Pillow.Image | None = None, strength: float = 0.7, **fields: Any
    ) -> tuple[PaidGenerate, Params, Sequence[Output | Failure]]:
        engine, step = BY_PROVIDER[name], uuid4()
        if picture is not None:
            file = io.BytesIO()
            picture.save(file, "PNG")
            fields["reference"] = {"blob": await blobs.put(file.getvalue()), "strength": strength}
        params = Params.model_validate({"prompt": "a lighthouse at dusk", **fields})

        async def buy(call: Call, index: int) -> Bought:
            while True:
                try:
                    return await buyers[name].buy(step, call, index)
                except Parked:
                    continue

        engine.check(None, params)
        work = Work(step, params, None, None, name, blobs.get, buy=buy)
        return engine, params, await engine.run(work)

    yield made
    for buyer in buyers.values():
        await buyer.close()


def total(made: Sequence[Output | Failure]) -> Decimal:
    return sum((one.cost for one in made), Money.zero()).amount


@QUALITY
@pytest.mark.parametrize("name", FOLLOWING)
async def test_a_picture_is_followed_at_the_size_and_the_price_that_were_told(
    make: Make, simulator: RunningSimulator, name: str, quality: str
) -> None:
    engine, params, made = await make(
        name, stripes(5000, 700), quality=quality, aspect_ratio="4:5", variations=2
    )
    assert [one.image.facts for one in made] == engine.forecast(None, params)
    assert not any("needs_review" in one.details for one in made)
    assert made[0].details["reference"]["strength"] == 0.7
    billed = sum(Decimal(one["amount"]) for one in simulator.bill()["calls"])
    price = engine.price(None, params, name)
    assert price.minimum.amount <= total(made) <= price.maximum.amount
    assert name in BILLED_OTHERWISE or total(made) == billed > 0


@pytest.mark.parametrize("name", NEAR)
async def test_a_picture_that_is_followed_as_it_is_comes_back(make: Make, name: str) -> None:
    asked = {"quality": "premium", "width": 512, "height": 512}
    _, _, [alike] = await make(name, stripes(300, 300), 1.0, **asked)
    _, _, [apart] = await make(name, stripes(300, 300), 0.1, **asked)

    def off(one: Output) -> float:
        assert one.image
        pixels = one.image.pixels
        same = np.asarray(stripes(*pixels.size), np.float32)
        inside = np.s_[:, : pixels.width * 2 // 5]  # the seam is resampled
        return float(np.abs(np.asarray(pixels, np.float32) - same)[inside].mean())

    assert off(alike) < NEAR[name] < 10 < off(apart)


@pytest.mark.parametrize("name", FOLLOWING)
async def test_what_is_no_picture_cannot_be_followed_and_nothing_is_paid(
    make: Make, simulator: RunningSimulator, blobs: Any, name: str
) -> None:
    key = await blobs.put(b"This is a letter.")
    with pytest.raises(Refused) as refused:
        await make(name, reference={"blob": key}, quality="draft")
    assert refused.value.rule.startswith("image.")
    assert simulator.bill()["calls"] == []


@QUALITY
@pytest.mark.parametrize("name", CUTTING)
async def test_a_picture_without_a_background_has_none(
    make: Make, simulator: RunningSimulator, name: str, quality: str
) -> None:
    engine, params, made = await make(name, quality=quality, transparent=True, variations=2)
    assert [one.image.facts for one in made] == engine.forecast(None, params)
    assert all(one.image.has_alpha for one in made)
    assert not any("needs_review" in one.details for one in made)
    billed = sum(Decimal(one["amount"]) for one in simulator.bill()["calls"])
    assert name in BILLED_OTHERWISE or total(made) == billed > 0


@QUALITY
@pytest.mark.parametrize("name", CUTTING_AS_TOLD)
async def test_a_picture_is_followed_without_its_background(
    make: Make, simulator: RunningSimulator, name: str, quality: str
) -> None:
    asked = {"quality": quality, "transparent": True, "variations": 2, "aspect_ratio": "2:3"}
    engine, params, made = await make(name, stripes(500, 700), **asked)
    assert [one.image.facts for one in made] == engine.forecast(None, params)
    assert all(one.image.has_alpha for one in made)
    assert not any("needs_review" in one.details for one in made)
    assert {one["endpoint"] for one in simulator.bill()["calls"]} == {"images/edits"}
    price = engine.price(None, params, name)
    assert price.minimum.amount <= total(made) <= price.maximum.amount


@pytest.mark.parametrize("name", sorted(set(BY_PROVIDER) - set(CUTTING_AS_TOLD)))
async def test_who_does_not_document_both_is_not_paid_for_them(
    make: Make, simulator: RunningSimulator, name: str
) -> None:
    with pytest.raises(Refused) as refused:
        await make(name, stripes(500, 700), transparent=True)
    assert refused.value.rule == "create.generate.transparent_reference"
    assert "providers.md" in refused.value.says
    assert simulator.bill()["calls"] == []
