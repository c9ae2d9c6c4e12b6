"""Jobs that follow a picture: it is read when they are ordered, and never again."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Iterator

import pytest
from PIL import Image as Pillow
from pydantic import SecretStr

from services.create.operations.generate import Generate
from services.create.service import engines
from studio.blobs.s3 import S3BlobStore
from studio.bus.base import Done, Later, Message
from studio.bus.memory import MemoryBus
from studio.imaging.encode import encode
from studio.imaging.image import Image
from studio.metadata import Database
from studio.providers.accounts import Account
from studio.providers.buying import Buyer
from studio.providers.purchases import Purchases
from studio.providers.turns import Turns
from studio.slip import Step
from tests.integration.test_paid_steps import Counting, Studio, begun, opened
from tests.simulator import RunningSimulator, running_simulator

NAMES = ("fal", "replicate")
EACH = pytest.mark.parametrize("name", NAMES)
JOB = 600.0  # s of the simulator's time; it passes when a test says so


@pytest.fixture(scope="module")
def running() -> Iterator[RunningSimulator]:
    with running_simulator(poll_s=0.0, job_s=JOB, latency_s=0.0) as simulator:
        yield simulator


@pytest.fixture
def simulator(running: RunningSimulator) -> RunningSimulator:
    running.reset()
    return running


@pytest.fixture
def counting(blobs: S3BlobStore) -> Counting:
    """The blob store, which says how often each blob was read."""
    return Counting(blobs)


@pytest.fixture
async def studio(
    simulator: RunningSimulator, database: Database, blobs: S3BlobStore, counting: Counting
) -> AsyncIterator[Studio]:
    accounts = {
        name: Account(name, simulator.base[name], SecretStr(simulator.keys[name][0]))
        for name in NAMES
    }
    buyer, bus = Buyer(accounts, Purchases(database), Turns(database), blobs), MemoryBus()
    operation = Generate().with_engines(engines(NAMES))
    ports = {"bus": bus, "database": database, "blobs": counting}
    yield await opened(Studio("create", [operation], buyer, **ports))
    await buyer.close()
    await bus.close()


@pytest.fixture
async def followed(blobs: S3BlobStore) -> str:
    """A picture in the store: left red, right blue."""
    pixels = Pillow.new("RGB", (600, 600), (200, 30, 30))
    pixels.paste((30, 30, 200), (300, 0, 600, 600))
    return await blobs.put(encode(Image(pixels)))


def following(name: str, blob: str, variations: int = 1) -> Message:
    reference = {"blob": blob, "strength": 1.0}
    params = {
        "prompt": "a lighthouse",
        "aspect_ratio": "1:1",
        "reference": reference,
        "variations": variations,
    }
    step = Step(operation="create.generate", provider=name, params=params)
    return begun(step)[0]


@EACH
async def test_a_job_is_asked_for_and_fetched_though_the_picture_that_it_follows_is_gone(
    studio: Studio,
    simulator: RunningSimulator,
    blobs: S3BlobStore,
    counting: Counting,
    followed: str,
    name: str,
) -> None:
    message = following(name, followed, variations=6)  # two jobs
    assert isinstance(await studio.handed(message), Later)
    assert counting.read[followed] == 1  # to order both
    await blobs.delete(followed)
    for _ in range(3):
        assert isinstance(await studio.handed(message), Later)
    simulator.advance(JOB)
    assert isinstance(await studio.handed(message), Done)
    assert counting.read[followed] == 1
    made = await studio.told(6)
    assert {fact.type for fact in made} == {"image.created"}
    picture = Pillow.open(await _opened(blobs, made[0].data.image.blob)).convert("RGB")
    red, _, blue = picture.getpixel((picture.width // 8, picture.height // 2))  # type: ignore[misc]
    assert red > blue + 100  # it was followed


@EACH
async def test_a_job_that_was_not_taken_is_ordered_again_with_the_picture(
    studio: Studio, simulator: RunningSimulator, counting: Counting, followed: str, name: str
) -> None:
    simulator.faults(name, "503")
    message = following(name, followed)
    assert isinstance(await studio.handed(message), Later)
    assert simulator.bill()["calls"] == []
    assert isinstance(await studio.handed(message), Later)
    assert counting.read[followed] == 2
    simulator.advance(3600)  # fal bills what has run
    assert len(simulator.bill()["calls"]) == 1


async def _opened(blobs: S3BlobStore, key: str) -> io.BytesIO:
    return io.BytesIO(await blobs.get(key))
