"""Photos, and a way to run an edit as the host does."""

from uuid import uuid4

import pytest

from studio.imaging.decode import decode
from studio.operation import Work
from tests.conftest import PHOTOS


async def _no_blob(ref):
    raise AssertionError(f"no edit reads another blob: {ref}")


@pytest.fixture(scope="session")
def edited():
    """Runs an operation on an image, and holds the result to its forecast."""

    async def run(operation, image, **raw):
        params = operation.parse(raw)
        operation.check(image.facts, params)
        [forecast] = operation.forecast(image.facts, params)
        [made] = await operation.run(
            Work(uuid4(), params, image, image.facts, operation.providers[0], _no_blob)
        )
        assert made.image.facts == forecast
        return made

    return run


@pytest.fixture(scope="session")
def astronaut():
    return decode((PHOTOS / "astronaut.jpg").read_bytes())


@pytest.fixture(scope="session")
def coffee():
    return decode((PHOTOS / "coffee.jpg").read_bytes())
