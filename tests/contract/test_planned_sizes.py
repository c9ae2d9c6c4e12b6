"""What the planner accepts is sent to the simulator: no provider refuses it for its size or format,
and what comes back has the size that was forecast."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
from PIL import Image as Pillow
from pydantic import SecretStr

from studio.imaging.image import Image
from studio.operation import Output, Work
from studio.problems import Refused
from studio.providers.accounts import PROVIDERS, Account
from studio.providers.buying import Bought, Buyer
from studio.providers.call import Call, Parked
from studio.providers.purchases import Purchases
from studio.providers.turns import Turns
from studio.slip import Step
from tests.planning import SIZES, operations, paid_steps
from tests.simulator import running_simulator
from tests.simulator.running import RunningSimulator

pytestmark = pytest.mark.timeout(600)  # every provider at every size; slow on a busy machine

OPERATIONS = operations()
STEPS = [one for one in paid_steps() if one.operation != "create.generate"]
#: Ideogram continues squares only, and small ones; any other step takes at least five sizes.
SQUARES = {("edit.outpaint", "ideogram")}
NAMES = [f"{one.operation}@{one.provider}" for one in STEPS]


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    with running_simulator(job_s=0.0, poll_s=0.0, latency_s=0.0) as running:
        yield running


@pytest.fixture
async def buyer(simulator: RunningSimulator, database: Any, blobs: Any) -> Any:
    names = {"google": "gemini"}
    accounts = {
        name: Account(
            name,
            simulator.base[names.get(name, name)] + ("/v1beta" if name == "google" else ""),
            SecretStr(simulator.keys[names.get(name, name)][0]),
        )
        for name in PROVIDERS
    }
    simulator.reset()
    minutes = count()  # a minute passes between two looks: here rates are not the question
    turns = Turns(database, now=lambda: datetime.fromtimestamp(60 * next(minutes), UTC))
    buyer = Buyer(accounts, Purchases(database), turns, blobs)
    yield buyer
    await buyer.close()


async def performed(step: Step, image: Image, buyer: Buyer) -> Output:
    """The step against the simulator, jobs asked for until they are done."""
    operation, id_ = OPERATIONS[step.operation], uuid4()
    params = operation.parse(step.params)

    async def buy(call: Call, index: int) -> Bought:
        while True:
            try:
                return await buyer.buy(id_, call, index)
            except Parked:
                continue

    async def keep(data: bytes) -> str:
        return "sha256:" + "0" * 64

    work = Work(
        id_, params, image, image.facts, str(step.provider), keep,  # type: ignore[arg-type]
        write_blob=keep, buy=buy,
    )  # fmt: skip
    [made] = await operation.engine(str(step.provider)).run(work)
    assert isinstance(made, Output)
    return made


@pytest.mark.parametrize("step", STEPS, ids=NAMES)
async def test_what_is_accepted_is_taken_and_comes_as_forecast(
    step: Step, buyer: Buyer, simulator: RunningSimulator
) -> None:
    engine = OPERATIONS[step.operation].engine(str(step.provider))
    params = OPERATIONS[step.operation].parse(step.params)
    accepted = 0
    for size in SIZES:
        image = Image(Pillow.new("RGB", size, (225, 222, 215)))
        image.pixels.paste(
            (30, 60, 200), (size[0] // 4, size[1] // 4, size[0] // 4 * 3, size[1] // 4 * 3)
        )
        try:
            engine.check(image.facts, params)
        except Refused:
            continue
        [promised] = engine.forecast(image.facts, params)
        try:
            made = await performed(step, image, buyer)
        except Refused as refused:
            if refused.rule.startswith("edit.mask."):  # the net sees no subject at this size
                continue
            raise
        assert made.image is not None
        assert made.image.pixels.size == (promised.width, promised.height)
        accepted += 1
    assert accepted >= (2 if (step.operation, step.provider) in SQUARES else 5)
