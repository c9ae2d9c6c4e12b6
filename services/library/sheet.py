"""Sheets: the pictures of several assets side by side, to see what tells them apart.

They are decoded from their files, not from their thumbnails, one after the other, so that a sheet
of 24 needs no more memory than the largest of them, its cells and its page. For so many pixels it
waits until there is room. Files are fetched one by one while it has that: fetched before, up to 24
of them would lie in memory uncounted for every sheet that waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import as_file, files
from math import ceil, sqrt
from typing import Any, Literal, get_args

from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from services.library.store import AssetStore
from studio.blobs.base import BlobStore
from studio.compute import compute
from studio.imaging.decode import decode
from studio.imaging.encode import encode
from studio.imaging.image import Image
from studio.metadata import Document
from studio.problems import Refused
from studio.room import Room
from studio.v1 import library_pb2 as pb

#: "equal": one scale for all; "fit": each fills its cell; "detail": their middle, pixel for pixel.
Scale = Literal["equal", "fit", "detail"]

LEAST, MOST = 2, 24  # pictures of one sheet: more are too small to be told apart

#: Px. With these no sheet has more than 4.8 million pixels: as PNG it fits a message of 16 MiB.
_PAGE, _CELL, _GAP, _LINE = 2000, 960, 20, 22
_LEAST_CELL = 300  # room for a caption
_LINES = 3
_BELOW = _LINES * _LINE + 2 * _GAP  # under a row
_PAPER, _INK, _CHEQUERS, _CHEQUER = "#ffffff", "#181c26", ("#c8c8c8", "#e2e2e2"), 12


async def compared(
    assets: AssetStore, blobs: BlobStore, room: Room, request: pb.CompareAssetsRequest
) -> tuple[list[Document], bytes]:
    """The rows in the order of the request, and the sheet as PNG (b"" if none was asked for).

    room: of the pixels of all sheets that are made at once.
    Refused (library.compare) unless 2 to 24 different ones are named, NotFound if one is not there.
    """
    ids = list(dict.fromkeys(request.ids))
    scale = request.scale or "equal"
    if not LEAST <= len(ids) <= MOST:
        raise Refused(
            rule="library.compare",
            says=f"{LEAST} to {MOST} different assets can be compared; {len(ids)} are named.",
            fix="Name each as another ids=…; GET /v1/assets lists those that there are.",
        )
    if scale not in get_args(Scale):
        raise Refused(
            rule="library.compare_scale",
            says=f"A sheet has no scale {scale[:40]!r}.",
            fix="Leave it out, or use a valid one.",
            valid=list(get_args(Scale)),
        )
    rows = [await assets.get(request.workspace, id_) for id_ in ids]
    return rows, await _sheet(blobs, room, rows, scale) if request.sheet else b""


async def _sheet(blobs: BlobStore, room: Room, rows: Sequence[Document], scale: str) -> bytes:
    columns = ceil(sqrt(len(rows)))
    cell = min(_CELL, (_PAGE - _GAP) // columns - _GAP)
    sides = [max(row["width"], row["height"]) for row in rows]
    if scale != "fit":
        cell = min(cell, max(_LEAST_CELL, *sides))  # nothing is enlarged
    factors = {
        "equal": [min(1.0, cell / max(sides))] * len(rows),
        "fit": [cell / side for side in sides],
        "detail": [1.0] * len(rows),
    }[scale]
    largest = max(row["width"] * row["height"] for row in rows)
    width, height = _page_size([cell] * ceil(len(rows) / columns), cell, columns)
    async with room.of(largest + len(rows) * cell**2 + width * height):
        pictures = []
        for row, factor in zip(rows, factors, strict=True):
            pictures.append(await compute(_small, await blobs.get(row["blob"]), cell, factor))
        return await compute(_page, pictures, [_caption(row) for row in rows], cell, columns)


def _small(blob: bytes, cell: int, factor: float) -> Pillow.Image:
    """A picture as RGB, scaled by a factor, its middle if it is larger than the cell then."""
    image = decode(blob)
    width, height = (max(1, round(side * factor)) for side in (image.width, image.height))
    pixels = image.pixels
    if (width, height) != pixels.size:
        pixels = pixels.resize((width, height), Pillow.Resampling.LANCZOS, reducing_gap=3.0)
    left, top = max(0, (width - cell) // 2), max(0, (height - cell) // 2)
    pixels = pixels.crop((left, top, min(width, left + cell), min(height, top + cell)))
    if pixels.mode != "RGBA":
        return pixels
    ground = _chequered(pixels.size)
    ground.paste(pixels, mask=pixels.getchannel("A"))
    return ground


def _page(
    pictures: Sequence[Pillow.Image], captions: Sequence[Sequence[str]], cell: int, columns: int
) -> bytes:
    """A grid; the pictures of a row stand on one line, each on its number and its facts."""
    rows = [pictures[first : first + columns] for first in range(0, len(pictures), columns)]
    tall = [max(one.height for one in row) for row in rows]
    page = Pillow.new("RGB", _page_size(tall, cell, columns), _PAPER)
    draw, font = ImageDraw.Draw(page), _font()
    for index, (picture, lines) in enumerate(zip(pictures, captions, strict=True)):
        row, column = divmod(index, columns)
        left = _GAP + column * (cell + _GAP)
        foot = _GAP + sum(tall[: row + 1]) + row * _BELOW
        page.paste(picture, (left, foot - picture.height))
        for number, line in enumerate((f"{index + 1}   {lines[0]}", *lines[1:])):
            at = (left, foot + _GAP // 2 + number * _LINE)
            draw.text(at, _shortened(line, font, cell), _INK, font)
    return encode(Image(page))


def _page_size(tall: Sequence[int], cell: int, columns: int) -> tuple[int, int]:
    """Width and height of a page whose rows are so tall, px."""
    return _GAP + columns * (cell + _GAP), _GAP + sum(tall) + len(tall) * _BELOW


def _caption(row: Document) -> tuple[str, str, str]:
    """What a picture is called, how it was made, and what it takes. What the font cannot write is
    left out: its number leads to the table."""
    name = row["title"] or row["label"]
    named = name if name.encode("latin-1", "ignore").decode("latin-1") == name else ""
    quality = quality_of(row["details"], row["params"])
    made = (row["operation"] or "from outside", row["provider"], quality)
    cost = row["cost"]
    kind = row["media_type"].rpartition("/")[2].upper()
    taken = f"{row['width']} × {row['height']}, {row['bytes'] / 1000:,.0f} kB {kind}"
    return (
        named or row["_id"],
        ", ".join(one for one in made if one),
        f"{taken}, {cost['amount']} {cost['currency']}",
    )


def quality_of(*told: Document) -> str:
    """The quality by the first of these that names one; "" if none does."""
    found: list[Any] = [one["quality"] for one in told if one.get("quality") is not None]
    return str(found[0]) if found else ""


def _font() -> ImageFont.FreeTypeFont:
    """By its file: setting every script, as studio.imaging.fonts does, takes HarfBuzz."""
    with as_file(files("studio.imaging") / "fonts" / "SourceSansPro-Semibold.ttf") as path:
        return ImageFont.truetype(path, _LINE - 4)


def _shortened(line: str, font: ImageFont.FreeTypeFont, width: int) -> str:
    if font.getlength(line) <= width:
        return line
    while line and font.getlength(line + "…") > width:
        line = line[:-1]
    return line + "…"


def _chequered(size: tuple[int, int]) -> Pillow.Image:
    """What shows through transparency."""
    ground = Pillow.new("RGB", size, _CHEQUERS[0])
    draw = ImageDraw.Draw(ground)
    for y in range(0, size[1], _CHEQUER):
        for x in range(y % (2 * _CHEQUER), size[0], 2 * _CHEQUER):
            draw.rectangle((x, y, x + _CHEQUER - 1, y + _CHEQUER - 1), fill=_CHEQUERS[1])
    return ground
