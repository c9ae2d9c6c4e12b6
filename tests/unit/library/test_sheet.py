"""Sheets: pictures side by side, on one scale or each in its cell, with what is known of them."""

import asyncio
import io
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image as Pillow

from services.library.sheet import compared
from studio.problems import NotFound, Refused
from studio.room import Room
from studio.v1 import library_pb2 as pb
from tests.library import picture, row

RED, BLUE = (255, 0, 0), (0, 0, 255)


class Shelf:
    """Rows and blobs by id, as the store and the blob store give them."""

    def __init__(self, **files: bytes) -> None:
        self.files, self.rows = files, {}
        for id_, file in files.items():
            with Pillow.open(io.BytesIO(file)) as opened:
                size = {"width": opened.width, "height": opened.height}
            self.rows[id_] = row({"_id": id_, "blob": id_, "bytes": len(file), **size})
        self.read: list[str] = []
        self.room = Room(100_000_000)
        self.is_open = asyncio.Event()
        self.is_open.set()

    async def get(self, workspace: str, id_: str | None = None):
        if id_ is None:  # a blob
            self.read.append(workspace)
            await self.is_open.wait()
            return self.files[workspace]
        if id_ not in self.rows:
            raise NotFound(rule="library.asset", says="There is no such asset.")
        return self.rows[id_]

    async def sheet(self, *ids: str, scale: str = "") -> np.ndarray:
        request = pb.CompareAssetsRequest(workspace="w", ids=ids, sheet=True, scale=scale)
        rows, png = await compared(self, self, self.room, request)
        assert [one["_id"] for one in rows] == list(dict.fromkeys(ids))
        with Pillow.open(io.BytesIO(png)) as opened:
            assert opened.format == "PNG"
            return np.asarray(opened.convert("RGB"))


def extent(page: np.ndarray, colour: tuple[int, int, int]) -> tuple[int, int]:
    """Width and height of what has exactly this colour, px."""
    ys, xs = np.nonzero((page == colour).all(axis=2))
    return int(xs.max() - xs.min() + 1), int(ys.max() - ys.min() + 1)


async def test_pictures_on_one_scale_keep_their_proportion_to_each_other():
    shelf = Shelf(large=picture(RED, (2000, 1000)), small=picture(BLUE, (500, 500)))
    page = await shelf.sheet("large", "small")
    (wide, high), (side, _) = extent(page, RED), extent(page, BLUE)
    assert (wide / high, wide / side) == (pytest.approx(2, 0.01), pytest.approx(4, 0.02))


async def test_pictures_that_fill_their_cells_are_equally_wide():
    shelf = Shelf(large=picture(RED, (2000, 1000)), small=picture(BLUE, (500, 250)))
    page = await shelf.sheet("large", "small", scale="fit")
    assert extent(page, RED) == extent(page, BLUE)


async def test_a_detail_is_the_middle_pixel_for_pixel():
    middle = Pillow.new("RGB", (3000, 3000), "white")
    middle.paste(BLUE, (1480, 1490, 1520, 1510))
    file = io.BytesIO()
    middle.save(file, "PNG")
    shelf = Shelf(large=file.getvalue(), small=picture(RED, (300, 200)))
    page = await shelf.sheet("large", "small", scale="detail")
    assert (extent(page, BLUE), extent(page, RED)) == ((40, 20), (300, 200))


async def test_what_is_transparent_is_told_from_white():
    shelf = Shelf(clear=picture((0, 0, 0, 0), (300, 300)), white=picture((255, 255, 255)))
    page = await shelf.sheet("clear", "white")
    assert len({tuple(one) for one in page[30:310, 30:310].reshape(-1, 3)}) == 2


async def test_a_title_that_the_font_cannot_write_does_not_end_the_sheet():
    shelf = Shelf(a=picture(RED), b=picture(BLUE))
    shelf.rows["a"]["title"] = "東京 🗼 タワー"
    shelf.rows["b"]["title"] = "ü" * 400
    page = await shelf.sheet("a", "b")
    assert extent(page, RED) == (40, 30)


async def test_the_largest_sheet_of_noise_fits_a_message():
    dice = np.random.default_rng(7)

    def noise() -> bytes:
        file = io.BytesIO()
        Pillow.fromarray(dice.integers(0, 255, (500, 500, 3), np.uint8)).save(file, "PNG")
        return file.getvalue()

    shelf = Shelf(**{f"n{number}": noise() for number in range(24)})
    request = pb.CompareAssetsRequest(ids=shelf.rows, sheet=True, scale="detail")
    _, png = await compared(shelf, shelf, shelf.room, request)
    assert 8_000_000 < len(png) < 15_500_000


async def test_no_picture_is_read_for_the_table_alone():
    shelf = Shelf(a=picture(RED), b=picture(BLUE))
    table = pb.CompareAssetsRequest(ids=["b", "a", "b"])
    rows, png = await compared(shelf, shelf, shelf.room, table)
    assert ([one["_id"] for one in rows], png, shelf.read) == (["b", "a"], b"", [])


async def test_rows_of_pictures_lie_below_each_other():
    shelf = Shelf(a=picture(RED), b=picture((1, 1, 1)), c=picture(BLUE))
    page = await shelf.sheet("a", "b", "c")
    feet = [np.nonzero((page == colour).all(axis=2))[0].max() for colour in (RED, BLUE)]
    assert all(second > first + 60 for first, second in pairwise(feet))


@pytest.mark.parametrize(
    ("ids", "scale", "rule"),
    [
        (["a"], "", "library.compare"),
        (["a", "a"], "", "library.compare"),
        ([f"n{number}" for number in range(25)], "", "library.compare"),
        (["a", "b"], "huge", "library.compare_scale"),
        (["a", "gone"], "", "library.asset"),
    ],
)
async def test_what_cannot_be_compared_is_refused_by_name(ids, scale, rule):
    shelf = Shelf(a=picture(RED), b=picture(BLUE))
    with pytest.raises(Refused) as refused:
        await shelf.sheet(*ids, scale=scale)
    assert refused.value.rule == rule


@pytest.fixture
async def busy():
    """A shelf whose files take their time, and how to ask it for a sheet that is not awaited."""
    shelf = Shelf(large=picture(RED, (1000, 1000)), small=picture(BLUE, (300, 200)))
    shelf.is_open.clear()
    asked = []

    async def ask(*ids: str) -> asyncio.Task[np.ndarray]:
        asked.append(asyncio.create_task(shelf.sheet(*ids)))
        for _ in range(5):
            await asyncio.sleep(0)
        return asked[-1]

    yield shelf, ask
    shelf.is_open.set()
    await asyncio.gather(*asked)


#: Px of a sheet of both: the larger one, two cells of 960 px, and the page with three lines below.
OF_BOTH = 1000 * 1000 + 2 * 960**2 + (2 * 960 + 3 * 20) * (20 + 960 + 3 * 22 + 2 * 20)


async def test_a_sheet_waits_while_others_have_the_room(busy):
    shelf, ask = busy
    shelf.room = Room(2 * OF_BOTH - 1)
    first, second = await ask("large", "small"), await ask("small", "large")
    assert shelf.read == ["large"]
    shelf.is_open.set()
    assert (await first).shape[1] == (await second).shape[1] == 2 * 960 + 3 * 20
    assert shelf.read == ["large", "small", "small", "large"]


async def test_sheets_for_which_there_is_room_are_made_at_the_same_time(busy):
    shelf, ask = busy
    shelf.room = Room(2 * OF_BOTH)
    await ask("large", "small")
    await ask("small", "large")
    assert shelf.read == ["large", "small"]
