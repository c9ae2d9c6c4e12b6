"""What the tests of the upscale studio share."""

from uuid import UUID

import pytest

from studio.imaging.decode import decode
from studio.imaging.image import Image
from studio.operation import Work
from studio.problems import Unavailable


@pytest.fixture
def face(photos) -> Image:
    """The astronaut's head and collar, 256 px."""
    photo = decode((photos / "astronaut.jpg").read_bytes())
    return photo.with_pixels(photo.pixels.crop((110, 0, 366, 256)))


class Away:
    """An engine whose weights are not installed."""

    name, version = "away", "0"

    def enlarged(self, pixels, width, height):
        raise Unavailable(rule="weights.missing", says="The weights are not installed.")


@pytest.fixture
def away():
    return Away()


async def _no_blob(ref):
    raise AssertionError(f"enlarging reads no other blob: {ref}")


@pytest.fixture
def upscaled():
    """Parse, check, forecast and run an operation; what was made is what was forecast."""

    async def run(operation, image: Image, provider: str = "local", **params):
        parsed = operation.parse(params)
        operation.check(image.facts, parsed)
        [forecast] = operation.forecast(image.facts, parsed)
        work = Work(UUID(int=7), parsed, image, image.facts, provider, _no_blob)
        [made] = await operation.run(work)
        assert made.image.facts == forecast
        return made

    return run
