"""Shaping: a line of text, in any of the scripts that the fonts cover, as placed outlines.

Joined letters, marks, kerning and the regional forms of Han characters come from HarfBuzz, the
order of runs from `bidirectional`. Everything is measured in font sizes (em), so that a line is
shaped once, however often its size is tried.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt
import uharfbuzz as hb

from studio.imaging.bidirectional import Direction, displayed
from studio.imaging.fonts import INVISIBLE, Font, fonts, scripts
from studio.problems import Refused

Language = Literal["zh-Hans", "zh-Hant", "ja", "ko", "und"]
_FEATURES = {"kern": True, "liga": True}


@dataclass(frozen=True, slots=True)
class Glyph:
    """One outline, its origin at (x, y), em; y upwards from the base line."""

    font: Font
    index: int
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Line:
    """A shaped line. All lengths in em: multiply by the font size to get pixels."""

    glyphs: tuple[Glyph, ...]
    left: float  # from the origin to the left end of its ink or its advance, ≤ 0
    width: float  # of ink and advance together
    ascent: float  # of the ink above the base line; at least that of a capital
    descent: float  # of the ink below the base line; at least that of a “p”
    line_height: float  # least distance of base lines


def language_of(text: str) -> Language:
    """Which regional forms Han characters take, guessed from the company they keep.

    Kana is Japanese, Hangul Korean; Han alone is Traditional if GB 2312 lacks some of it and Big5
    none, else Simplified.
    """
    names = {unicodedata.name(letter, "").split(" ")[0] for letter in text}
    if names & {"HIRAGANA", "KATAKANA"}:
        return "ja"
    if "HANGUL" in names:
        return "ko"
    if "CJK" not in names:
        return "und"
    han = "".join(letter for letter in text if "\u4e00" <= letter <= "\u9fff")
    is_traditional = not _is_in(han, "gb2312") and _is_in(han, "big5")
    return "zh-Hant" if is_traditional else "zh-Hans"


def check_glyphs(text: str) -> None:
    """No boxes instead of letters. Refused (`text.no_glyph`), naming what no font has."""
    missing = [
        letter
        for letter in dict.fromkeys(text)
        if not letter.isspace() and not any(font.has(letter) for font in fonts())
    ]
    if missing:
        named = ", ".join(f"{letter} (U+{ord(letter):04X})" for letter in missing[:20])
        raise Refused(
            rule="text.no_glyph",
            says=f"No font has a shape for: {named}.",
            fix="Leave these characters out; text can be written in the valid scripts.",
            valid=scripts(),
        )


@lru_cache(maxsize=4096)
def shaped(text: str, language: Language, is_rtl: bool) -> Line:
    """One line, as it is displayed in a paragraph of that direction; no line breaks inside.

    text: every character of it is in a font (`check_glyphs`).
    """
    glyphs: list[Glyph] = []
    pen = 0.0
    line_height = 1.0
    for direction, run in displayed(text, is_rtl=is_rtl):
        for font, part in _by_font(run, direction):
            placed, pen = _outlines(font, part, direction, language, pen)
            glyphs += placed
            line_height = max(line_height, font.facts.line_height)
    left, bottom, right, top = _ink(glyphs)
    cap, descender = _latin_extent()
    left = min(0.0, left)
    width = max(pen, right) - left
    return Line(tuple(glyphs), left, width, max(top, cap), max(-bottom, descender), line_height)


def coverage(
    lines: list[tuple[Line, float, float]], size: float, width: int, height: int
) -> npt.NDArray[np.uint8]:
    """Lines as antialiased coverage, (height, width), 0 = nothing, 255 = ink.

    lines: each with the x of its left end and the y of its base line, px from the top left.
    """
    canvas = hb.RasterDraw()
    canvas.extents = hb.RasterExtents(0, 0, width, height)
    for line, x, y in lines:
        for glyph in line.glyphs:
            scale = size / glyph.font.units
            right = x + (glyph.x - line.left) * size
            up = height - y + glyph.y * size
            canvas.transform = (scale, 0, 0, scale, right, up)
            canvas.draw_glyph(glyph.font.shaper, glyph.index)
    image = canvas.render()
    if image is None:
        return np.zeros((height, width), np.uint8)
    rows = np.frombuffer(image.buffer, np.uint8).reshape(height, image.extents.stride)
    return np.ascontiguousarray(rows[::-1, :width])


def _by_font(run: str, direction: Direction) -> Iterator[tuple[Font, str]]:
    """Pieces of a run by font, from left to right."""
    pieces: list[tuple[Font, str]] = []
    for letter in run:
        current = pieces[-1][0] if pieces else None
        font = _font_for(letter, current)
        if font is current:
            pieces[-1] = (font, pieces[-1][1] + letter)
        else:
            pieces.append((font, letter))
    yield from reversed(pieces) if direction == "rtl" else pieces


def _font_for(letter: str, current: Font | None) -> Font:
    """Letters go by preference; marks and what scripts share stay with the letter before."""
    is_shared = unicodedata.category(letter)[0] != "L" or letter in INVISIBLE
    if current and is_shared and current.has(letter):
        return current
    return next((font for font in fonts() if font.has(letter)), current or fonts()[0])


def _outlines(
    font: Font, text: str, direction: Direction, language: Language, pen: float
) -> tuple[list[Glyph], float]:
    buffer = hb.Buffer()
    buffer.add_str(text)
    buffer.guess_segment_properties()
    buffer.direction = direction
    if language != "und":
        buffer.language = language
    hb.shape(font.shaper, buffer, _FEATURES)
    glyphs = []
    for info, position in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
        x, y = pen + position.x_offset / font.units, position.y_offset / font.units
        glyphs.append(Glyph(font, info.codepoint, x, y))
        pen += position.x_advance / font.units
    return glyphs, pen


def _ink(glyphs: list[Glyph]) -> tuple[float, float, float, float]:
    """Left, bottom, right, top of all outlines, em."""
    edges = [(0.0, 0.0, 0.0, 0.0)]
    for glyph in glyphs:
        extents = glyph.font.shaper.get_glyph_extents(glyph.index)
        if extents is None or not extents.width:
            continue
        units = glyph.font.units
        left = glyph.x + extents.x_bearing / units
        top = glyph.y + extents.y_bearing / units
        edges.append((left, top + extents.height / units, left + extents.width / units, top))
    lefts, bottoms, rights, tops = zip(*edges, strict=True)
    return min(lefts), min(bottoms), max(rights), max(tops)


@lru_cache(maxsize=1)
def _latin_extent() -> tuple[float, float]:
    """How far a capital rises above the base line and a “p” falls below it, em."""
    font = fonts()[0]
    capital, _ = _outlines(font, "H", "ltr", "und", 0.0)
    descender, _ = _outlines(font, "p", "ltr", "und", 0.0)
    return _ink(capital)[3], -_ink(descender)[1]


def _is_in(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
