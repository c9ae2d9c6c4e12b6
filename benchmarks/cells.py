"""Cells: pictures with words, drawn as rows on one page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO

from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

CELL = 300  # px across a cell
_TALLEST = 320  # px
_GAP, _MARGIN, _LINE, _TYPE, _LINES = 12, 16, 16, 12, 3
_PAPER, _INK, _FAINT, _REFUSED = (255, 255, 255), (24, 28, 38), (96, 102, 114), (190, 24, 60)
_CHEQUERS, _CHEQUER = ((255, 255, 255), (214, 214, 214)), 8
_MOST_BYTES, _QUALITIES = 600_000, (82, 78, 74, 70, 64, 56)


@dataclass(frozen=True, slots=True)
class Cell:
    """A picture and the words below it, or the words of a refusal in its place."""

    picture: Pillow.Image | None
    words: str


def drawn(rows: Sequence[Sequence[Cell]], across: int = CELL) -> bytes:
    """A JPEG of rows of cells, of at most 600 kB; pictures are shrunk to so many px across."""
    small = [[_shrunk(cell.picture, across) for cell in row] for row in rows]
    heights = [max((one.height for one in row if one), default=80) for row in small]
    words = _LINES * _LINE + _GAP
    wide = 2 * _MARGIN + max(map(len, rows)) * (across + _GAP) - _GAP
    page = Pillow.new("RGB", (wide, 2 * _MARGIN + sum(heights) + len(rows) * words), _PAPER)
    draw, y = ImageDraw.Draw(page), _MARGIN
    for row, pictures, height in zip(rows, small, heights, strict=True):
        for index, (cell, picture) in enumerate(zip(row, pictures, strict=True)):
            x = _MARGIN + index * (across + _GAP)
            if picture:
                page.paste(picture, (x, y))
            else:
                draw.rectangle((x, y, x + across - 1, y + height - 1), outline=_REFUSED)
            _write(draw, (x, y + (picture.height if picture else height) + 3), cell, across)
        y += height + words
    return _written(page)


def _write(draw: ImageDraw.ImageDraw, corner: tuple[int, int], cell: Cell, across: int) -> None:
    (x, y), colour = corner, _INK if cell.picture else _REFUSED
    lines = _wrapped(cell.words, across)
    for line in lines[:_LINES] if cell.picture else lines[: _LINES + 5]:
        top = y if cell.picture else y - 76
        draw.text((x + (0 if cell.picture else 6), top), line, fill=colour, font=_font())
        y += _LINE


def _wrapped(text: str, across: int) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if _font().getlength(longer) <= across - 12:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _shrunk(picture: Pillow.Image | None, across: int) -> Pillow.Image | None:
    """At most so wide, and no taller than a cell may be; on chequers where it is transparent."""
    if picture is None:
        return None
    scale = min(across / picture.width, _TALLEST / picture.height)
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    if size != picture.size:
        picture = picture.resize(size, Pillow.Resampling.LANCZOS, reducing_gap=3.0)
    if picture.mode != "RGBA":
        return picture.convert("RGB")
    ground = Pillow.new("RGB", size, _CHEQUERS[0])
    draw = ImageDraw.Draw(ground)
    for y in range(0, size[1], _CHEQUER):
        for x in range(y // _CHEQUER % 2 * _CHEQUER, size[0], 2 * _CHEQUER):
            draw.rectangle((x, y, x + _CHEQUER - 1, y + _CHEQUER - 1), fill=_CHEQUERS[1])
    ground.paste(picture, mask=picture.getchannel("A"))
    return ground


def _written(page: Pillow.Image) -> bytes:
    """The finest JPEG that is small enough."""
    for quality in _QUALITIES:
        file = BytesIO()
        page.save(file, "JPEG", quality=quality, optimize=True, progressive=True)
        if file.tell() <= _MOST_BYTES:
            break
    return file.getvalue()


@lru_cache
def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(_TYPE)
