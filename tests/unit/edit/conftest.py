"""Photos, and a way to run an edit as the host does."""

import hashlib
from io import BytesIO
from uuid import uuid4

import numpy as np
import pytest
from PIL import Image as Pillow

from studio.imaging.decode import decode
from studio.operation import Work
from tests.conftest import PHOTOS


class Blobs:
    """A blob store in memory."""

    def __init__(self):
        self._kept = {}

    async def write(self, data):
        return self.keep(data)

    async def read(self, key):
        return self._kept[key]

    def keep(self, data):
        key = "sha256:" + hashlib.sha256(data).hexdigest()
        self._kept[key] = data
        return key

    def keep_picture(self, pixels):
        file = BytesIO()
        pixels.save(file, "PNG")
        return self.keep(file.getvalue())

    def mask(self, made):
        """The mask that an edit says it worked in."""
        picture = Pillow.open(BytesIO(self._kept[made.details["mask"]]))
        assert picture.mode == "L"
        return np.asarray(picture)


@pytest.fixture(scope="session")
def blobs():
    return Blobs()


@pytest.fixture(scope="session")
def edited(blobs):
    """Runs an operation on an image, and holds the result to its forecast."""

    async def run(operation, image, /, **raw):
        params = operation.parse(raw)
        operation.check(image.facts, params)
        [forecast] = operation.forecast(image.facts, params)
        work = Work(
            step_id=uuid4(),
            params=params,
            image=image,
            facts=image.facts,
            provider=operation.providers[0],
            read_blob=blobs.read,
            write_blob=blobs.write,
        )
        [made] = await operation.run(work)
        assert made.image.facts == forecast
        return made

    return run


def photo(name):
    return decode((PHOTOS / f"{name}.jpg").read_bytes())


@pytest.fixture(scope="session")
def astronaut():
    return photo("astronaut")


@pytest.fixture(scope="session")
def coffee():
    return photo("coffee")


@pytest.fixture(scope="session")
def rocket():
    return photo("rocket")


@pytest.fixture(scope="session")
def cat():
    return photo("chelsea")
