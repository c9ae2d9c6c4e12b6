"""Contact sheet: many renditions on one page, small, with what was decided about each below it.

What is not in a file is drawn on its tile only: the safe zone, the circle that the platform shows,
and a chequered ground where the file is transparent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from math import ceil

from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from services.optimizer.placements import Placement
from studio.imaging.decode import decode

Point = tuple[int, int]
Colour = tuple[int, int, int]

_COLUMNS = 8
_CELL, _PICTURE, _GAP, _MARGIN = 188, 164, 14, 24  # px; a picture lies in a square
_HEAD, _LINE, _LINES = 26, 15, 5  # px: above a row, of a line; lines below a picture
_TYPE, _HEADING = 12, 15  # px

_PAPER: Colour = (255, 255, 255)
_INK: Colour = (24, 28, 38)
_FAINT: Colour = (112, 118, 130)
_RULE: Colour = (208, 212, 220)
_REVIEW: Colour = (176, 92, 0)
_REFUSED: Colour = (190, 24, 60)
_SAFE: Colour = (0, 224, 176)
_CHEQUERS: tuple[Colour, Colour] = ((255, 255, 255), (214, 214, 214))
_CHEQUER = 6  # px

_MOST_BYTES = 480_000  # of a sheet: it is read on a web page
_QUALITIES = (84, 80, 76, 72, 68, 62, 56, 50, 42)


@dataclass(frozen=True, slots=True)
class Tile:
    """A rendition, or the reason why there is none."""

    placement: Placement
    data: bytes | None
    facts: str = ""  # format, size and quality of the file
    review: str | None = None
    refused: str | None = None


def sheet(tiles: Sequence[Tile]) -> bytes:
    """A JPEG of at most 480 kB with all tiles, in their order; platforms are named above theirs."""
    height = _HEAD + _PICTURE + _LINES * _LINE + _GAP
    wide = 2 * _MARGIN + _COLUMNS * (_CELL + _GAP) - _GAP
    page = Pillow.new("RGB", (wide, 2 * _MARGIN + height * ceil(len(tiles) / _COLUMNS)), _PAPER)
    for index, tile in enumerate(tiles):
        down, across = divmod(index, _COLUMNS)
        corner = _MARGIN + across * (_CELL + _GAP), _MARGIN + down * height
        begins = index == 0 or tiles[index - 1].placement.platform != tile.placement.platform
        _draw_heading(page, corner, tile.placement.platform if begins else "", joins=not begins)
        _draw_picture(page, (corner[0], corner[1] + _HEAD), tile)
        _draw_words(page, (corner[0], corner[1] + _HEAD + _PICTURE + 4), tile)
    return _written(page)


def _draw_heading(page: Pillow.Image, corner: Point, title: str, *, joins: bool) -> None:
    """A rule that runs through all of a platform's tiles, and its name where they begin."""
    draw, (x, y) = ImageDraw.Draw(page), corner
    start = x - _GAP if joins and x > _MARGIN else x
    draw.line((start, y, x + _CELL, y), fill=_RULE)
    draw.text((x, y + 3), title.replace("_", " "), fill=_INK, font=_font(_HEADING))


def _draw_picture(page: Pillow.Image, corner: Point, tile: Tile) -> None:
    placement = tile.placement
    scale = _PICTURE / max(placement.width, placement.height)
    size = max(2, round(placement.width * scale)), max(2, round(placement.height * scale))
    left, top = corner[0], corner[1] + _PICTURE - size[1]
    draw = ImageDraw.Draw(page)
    edges = (left, top, left + size[0] - 1, top + size[1] - 1)
    if tile.data is None:
        draw.rectangle(edges, outline=_REFUSED)
        draw.line(edges, fill=_REFUSED)
        return
    page.paste(_small(tile.data, size), (left, top))
    draw.rectangle((left - 1, top - 1, left + size[0], top + size[1]), outline=_RULE)
    _draw_seen(draw, (left + 1, top + 1, size[0] - 3, size[1] - 3), placement, _INK)
    _draw_seen(draw, (left, top, size[0] - 1, size[1] - 1), placement, _SAFE)


def _draw_seen(
    draw: ImageDraw.ImageDraw,
    place: tuple[int, int, int, int],
    placement: Placement,
    colour: Colour,
) -> None:
    """The safe zone, where it is not the whole picture, and the circle, where that is shown.

    place: left, top, width and height on the sheet, px.
    """
    left, top, wide, tall = place
    if placement.shape == "circle":
        draw.ellipse((left, top, left + wide, top + tall), outline=colour)
    zone = placement.safe_zone
    if zone.area > 0.999:
        return
    box = (
        round(left + zone.x0 * wide),
        round(top + zone.y0 * tall),
        round(left + zone.x1 * wide),
        round(top + zone.y1 * tall),
    )
    draw.rectangle(box, outline=colour)


def _small(data: bytes, size: tuple[int, int]) -> Pillow.Image:
    """What is in the file, at a tile's size, on chequers where it is transparent."""
    pixels = decode(data).pixels.resize(size, Pillow.Resampling.LANCZOS, reducing_gap=3.0)
    if pixels.mode != "RGBA":
        return pixels
    ground = Pillow.new("RGB", size, _CHEQUERS[0])
    draw = ImageDraw.Draw(ground)
    for y in range(0, size[1], _CHEQUER):
        for x in range(y // _CHEQUER % 2 * _CHEQUER, size[0], 2 * _CHEQUER):
            draw.rectangle((x, y, x + _CHEQUER - 1, y + _CHEQUER - 1), fill=_CHEQUERS[1])
    ground.paste(pixels, mask=pixels.getchannel("A"))
    return ground


def _draw_words(page: Pillow.Image, corner: Point, tile: Tile) -> None:
    draw, (x, y) = ImageDraw.Draw(page), corner
    for text, colour in list(_words(tile))[:_LINES]:
        draw.text((x, y), text, fill=colour, font=_font(_TYPE))
        y += _LINE


def _words(tile: Tile) -> Iterator[tuple[str, Colour]]:
    placement = tile.placement
    yield placement.id, _INK
    size = f"{placement.width} x {placement.height}"  # the packaged font has no ×
    yield from ((line, _FAINT) for line in (f"{size}  {tile.facts}".split("\n")))
    if tile.review:
        yield from (
            (line, _REVIEW) for line in _wrapped(f"Review: {_short(tile.review, placement)}")
        )
    if tile.refused:
        yield from ((line, _REFUSED) for line in _wrapped(f"Refused. {tile.refused}"))


def _short(reason: str, placement: Placement) -> str:
    """The first clause, without the placement's name, which stands above it."""
    clause = reason.partition(";")[0]
    return clause.replace(f" of {placement.id}", "").removeprefix(f"{placement.id} ")


def _wrapped(text: str) -> list[str]:
    """Lines that are no wider than a cell."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if _font(_TYPE).getlength(longer) <= _CELL:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _written(page: Pillow.Image) -> bytes:
    """The finest JPEG that is small enough."""
    for quality in _QUALITIES:
        file = BytesIO()
        page.save(file, "JPEG", quality=quality, optimize=True, progressive=True)
        if len(file.getvalue()) <= _MOST_BYTES:
            break
    return file.getvalue()


@lru_cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
