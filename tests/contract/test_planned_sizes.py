"""What the planner accepts is sent to the simulator: no provider refuses it for its size or format,
and what comes back has the size that was forecast."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import pytest
from PIL import Image as Pillow
from pydantic import SecretStr

from gateway.planner import Planner
from studio.imaging.encode import encode
from studio.imaging.facts import ImageFacts
from studio.imaging.image import Image
from studio.operation import Output, Work
from studio.problems import Refused
from studio.providers.accounts import PROVIDERS, Account
from studio.providers.buying import Bought, Buyer
from studio.providers.call import Call, Parked
from studio.providers.purchases import Purchases
from studio.providers.turns import Turns
from studio.slip import Step
from tests.planning import REFERENCE, SIZES, Studios, named, operations, paid_steps
from tests.simulator import running_simulator
from tests.simulator.running import RunningSimulator

pytestmark = pytest.mark.timeout(600)  # every provider at every size; slow on a busy machine

OPERATIONS = operations()
FIRST = [one for one in paid_steps() if one.operation == "create.generate"]
STEPS = [one for one in paid_steps() if one.operation != "create.generate"]
#: Shapes that first steps are asked for, each with a reference of another size, px.
ASKED = [
    ("1:1", (16, 16)), ("4:5", (63, 64)), ("16:9", (1000, 5000)), ("1:3", (2501, 1000)),
    ("1.91:1", (6000, 4000)),
]  # fmt: skip
#: Ideogram continues squares only, and small ones; any other step takes at least five sizes.
SQUARES = {("edit.outpaint", "ideogram")}
NAMES = [named(one) for one in STEPS]


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    with running_simulator(job_s=0.0, poll_s=0.0, latency_s=0.0) as running:
        yield running


class Houses:
    """Buyers at every provider. The simulator divides Google in two."""

    def __init__(self, buyer: Buyer, imagen: Buyer) -> None:
        self.buyer, self.imagen = buyer, imagen

    async def buy(self, step: UUID, call: Call, index: int) -> Bought:
        """From whom the call is for."""
        buyer = self.imagen if call.path.endswith(":predict") else self.buyer
        return await buyer.buy(step, call, index)


@pytest.fixture
async def buyer(simulator: RunningSimulator, database: Any, blobs: Any) -> AsyncIterator[Houses]:
    def account(name: str, house: str) -> Account:
        url = simulator.base[house] + ("/v1beta" if name == "google" else "")
        return Account(name, url, SecretStr(simulator.keys[house][0]))

    simulator.reset()
    minutes = count()  # a minute passes between two looks: here rates are not the question
    turns = Turns(database, now=lambda: datetime.fromtimestamp(60 * next(minutes), UTC))
    accounts = {name: account(name, {"google": "gemini"}.get(name, name)) for name in PROVIDERS}
    buyer = Buyer(accounts, Purchases(database), turns, blobs)
    imagen = Buyer({"google": account("google", "imagen")}, Purchases(database), turns, blobs)
    yield Houses(buyer, imagen)
    await buyer.close()
    await imagen.close()


def scene(width: int, height: int, mode: str = "RGB") -> Image:
    """Something blue on a light ground; without the ground if it is "RGBA"."""
    ground = (225, 222, 215, 0) if mode == "RGBA" else (225, 222, 215)
    pixels = Pillow.new(mode, (width, height), ground)
    box = (width // 4, height // 4, width // 4 * 3, height // 4 * 3)
    pixels.paste((30, 60, 200, 255) if mode == "RGBA" else (30, 60, 200), box)
    return Image(pixels)


async def performed(
    step: Step, image: Image | None, buyer: Houses, beside: Image | None = None
) -> Output:
    """The step against the simulator, jobs asked for until they are done.

    beside: the picture that it follows, or puts a subject on.
    """
    operation, id_ = OPERATIONS[step.operation], uuid4()
    params = operation.parse(step.params)

    async def buy(call: Call, index: int) -> Bought:
        while True:
            try:
                return await buyer.buy(id_, call, index)
            except Parked:
                continue

    async def read(key: str) -> bytes:
        assert key == REFERENCE
        return encode(beside or scene(300, 300))

    async def keep(data: bytes) -> str:
        return REFERENCE

    facts = image.facts if image else None
    provider = str(step.provider)
    work = Work(id_, params, image, facts, provider, read, write_blob=keep, buy=buy)
    [made] = await operation.engine(str(step.provider)).run(work)
    assert isinstance(made, Output)
    return made


@pytest.mark.parametrize("step", STEPS, ids=NAMES)
async def test_what_is_accepted_is_taken_and_comes_as_forecast(
    step: Step, buyer: Houses, simulator: RunningSimulator
) -> None:
    engine = OPERATIONS[step.operation].engine(str(step.provider))
    params = OPERATIONS[step.operation].parse(step.params)
    accepted = 0
    for size, beside in zip(SIZES, reversed(SIZES), strict=True):
        image = scene(*size)
        try:
            engine.check(image.facts, params)
        except Refused:
            continue
        [promised] = engine.forecast(image.facts, params)
        try:
            made = await performed(step, image, buyer, scene(*beside))
        except Refused as refused:
            if refused.rule.startswith("edit.mask."):  # the net sees no subject at this size
                continue
            raise
        assert made.image is not None
        assert made.image.pixels.size == (promised.width, promised.height)
        accepted += 1
    assert accepted >= (2 if (step.operation, step.provider) in SQUARES else 5)


@pytest.mark.parametrize("step", FIRST, ids=map(named, FIRST))
async def test_a_first_step_is_taken_in_every_shape_and_with_a_reference_of_any_size(
    step: Step, buyer: Houses, simulator: RunningSimulator
) -> None:
    engine = OPERATIONS[step.operation].engine(str(step.provider))
    for ratio, beside in ASKED:
        asked = step.model_copy(update={"params": {**step.params, "aspect_ratio": ratio}})
        params = OPERATIONS[step.operation].parse(asked.params)
        engine.check(None, params)
        [promised] = engine.forecast(None, params)
        made = await performed(asked, None, buyer, scene(*beside))
        assert made.image is not None
        assert made.image.facts == promised


def _made_by_first_steps() -> dict[ImageFacts, Step]:
    """A first step for everything that one of them makes: to the next step no more matters."""
    found = {}
    for step in FIRST:
        engine = OPERATIONS[step.operation].engine(str(step.provider))
        [facts] = engine.forecast(None, OPERATIONS[step.operation].parse(step.params))
        found.setdefault(facts, step)
    return found


@pytest.mark.parametrize("first", _made_by_first_steps().values(), ids=named)
async def test_what_a_first_step_makes_is_taken_by_every_second_step_that_the_plan_accepts(
    first: Step, buyer: Houses, simulator: RunningSimulator
) -> None:
    made = await performed(first, None, buyer)
    assert made.image is not None
    planned = 0
    for second in STEPS:
        try:
            plan = await Planner(Studios()).plan("acme", [first, second], [None])  # type: ignore[arg-type]
        except Refused:
            continue
        image = scene(made.image.width, made.image.height, made.image.pixels.mode)
        for step in plan.steps[1:]:
            result = await performed(step, image, buyer)
            assert result.image is not None
            image = result.image
        planned += 1
    assert planned > len(STEPS) // 2
