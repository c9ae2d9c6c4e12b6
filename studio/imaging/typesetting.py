"""Typesetting: text wrapped and sized so that it fits a box, in every script that the fonts cover.

`fit` finds the largest size; what it returns is measured to the pixel and can be painted. Nothing
is ever cut, squeezed or replaced by boxes: what does not fit or has no shape is refused.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from PIL import Image as Pillow

from studio.imaging.bidirectional import is_right_to_left
from studio.imaging.linebreaks import ended, phrases, units
from studio.imaging.shaping import (
    Language,
    Line,
    check_glyphs,
    coverage,
    language_of,
    shaped,
)
from studio.problems import Refused

Align = Literal["left", "centre", "right"]

_SHARE = {"left": 0.0, "centre": 0.5, "right": 1.0}


@dataclass(frozen=True, slots=True)
class Typeset:
    """Lines in their final size; its box goes from the first line's top to the last one's foot."""

    lines: tuple[Line, ...]
    texts: tuple[str, ...]  # of the lines, in reading order
    size: int  # px of an em
    line_height: float  # distance of base lines, in em
    is_rtl: bool

    @property
    def width(self) -> int:
        """Px of its widest line."""
        return max(1, math.ceil(max(line.width for line in self.lines) * self.size))

    @property
    def height(self) -> int:
        """Px."""
        first, last = self.lines[0], self.lines[-1]
        leading = self.line_height * (len(self.lines) - 1)
        return max(1, math.ceil((first.ascent + leading + last.descent) * self.size))

    @property
    def start(self) -> Align:
        """The side at which its lines begin."""
        return "right" if self.is_rtl else "left"

    def placed(self, align: Align) -> list[tuple[Line, float, float]]:
        """Each line, the x of its left end and the y of its base line, px in the box."""
        return [
            (
                line,
                _SHARE[align] * (self.width - line.width * self.size),
                (self.lines[0].ascent + number * self.line_height) * self.size,
            )
            for number, line in enumerate(self.lines)
        ]

    def shapes(self, align: Align) -> Pillow.Image:
        """The letters as coverage: mode L, of exactly (width, height), 255 = ink."""
        ink = coverage(self.placed(align), self.size, self.width, self.height)
        return Pillow.fromarray(ink)

    def boxes(self, align: Align) -> list[tuple[int, int, int, int]]:
        """Where each line's letters are: left, top, right, bottom, px in its own box."""
        return [
            (
                math.floor(x),
                max(0, math.floor(y - line.ascent * self.size)),
                min(self.width, math.ceil(x + line.width * self.size)),
                min(self.height, math.ceil(y + line.descent * self.size)),
            )
            for line, x, y in self.placed(align)
        ]


def fit(
    text: str,
    width: int,
    height: int,
    *,
    max_size: int,
    min_size: int,
    min_size_source: str = "",
    max_lines: int | None = None,
    line_height: float = 1.15,
    balanced: bool = False,
    language: Language | None = None,
) -> Typeset:
    """Wrap a text and find the largest size, px of an em, at which it fits a box.

    width, height:   px of the box.
    min_size_source: why smaller is not legible, told to whoever is refused.
    line_height:     distance of base lines in em; more where a script needs it.
    balanced:        lines of about the same length instead of full ones (for headlines).
    language:        decides the forms of Han characters; guessed if None.
    Refused: `text.no_glyph`, `text.does_not_fit`, `text.empty`.
    """
    text = unicodedata.normalize("NFC", text).strip()
    check_glyphs(text)
    if not text:
        raise Refused(rule="text.empty", says="The text is empty.", fix="Write something.")
    wrapping = _Wrapping(text, language or language_of(text), line_height, max_lines)
    best = None
    low, high = min_size, max(min_size, max_size)
    while low <= high:  # what fits at a size fits at every smaller one
        size = (low + high) // 2
        if made := wrapping.within(size, width, height):
            best, low = made, size + 1
        else:
            high = size - 1
    if best is None:
        raise _does_not_fit(wrapping, width, height, min_size, min_size_source)
    return wrapping.balanced(best, width, height) if balanced else best


@dataclass(frozen=True, slots=True)
class _Wrapping:
    """A text, and how its lines may be broken."""

    text: str
    language: Language
    line_height: float
    max_lines: int | None

    def within(self, size: int, width: float, height: float) -> Typeset | None:
        """The text set at a size, or None if it does not fit; phrases are broken only if needed."""
        for pieces in (phrases, _units):
            broken = [pieces(one, self.language) for one in self.text.splitlines()]
            texts = self._filled(broken, width / size)
            if texts and (made := self._set(texts, size)).height <= height:
                return made
        return None

    def balanced(self, made: Typeset, width: float, height: float) -> Typeset:
        """The same size and number of lines, in the narrowest column."""
        low, high = 0.0, float(width)
        while high - low > 1:
            middle = (low + high) / 2
            narrower = self.within(made.size, middle, height)
            if narrower and len(narrower.lines) <= len(made.lines):
                made, high = narrower, middle
            else:
                low = middle
        return made

    def _filled(self, paragraphs: Sequence[Sequence[str]], width: float) -> list[str] | None:
        """Lines no wider than `width`, em; None if a single piece is, or if they are too many."""
        lines: list[str] = []
        for pieces in paragraphs:
            line = ""
            for piece in pieces:
                if self._line(line + piece).width <= width:
                    line += piece
                elif line and self._line(piece).width <= width:
                    lines.append(line)
                    line = piece
                else:
                    return None
            lines.append(line)
        return lines if self.max_lines is None or len(lines) <= self.max_lines else None

    def _line(self, text: str) -> Line:
        return shaped(ended(text), self.language, is_right_to_left(self.text))

    def _set(self, texts: Sequence[str], size: int) -> Typeset:
        lines = tuple(self._line(one) for one in texts)
        line_height = max(self.line_height, *(line.line_height for line in lines))
        is_rtl = is_right_to_left(self.text)
        return Typeset(lines, tuple(map(ended, texts)), size, line_height, is_rtl)


def _units(text: str, _: Language) -> list[str]:
    return units(text)


def _does_not_fit(wrapping: _Wrapping, width: int, height: int, size: int, source: str) -> Refused:
    lines = "" if wrapping.max_lines is None else f" in at most {wrapping.max_lines} lines"
    shown = wrapping.text if len(wrapping.text) <= 60 else wrapping.text[:59] + "…"
    return Refused(
        rule="text.does_not_fit",
        says=f"“{shown}” does not fit into {width} × {height} px{lines} at {size} px, the smallest "
        f"legible size{f' ({source})' if source else ''}.",
        fix="Shorten it, or divide long words with soft hyphens (U+00AD).",
    )
