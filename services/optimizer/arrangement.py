"""Arrangement: where on a rendition its words and its logo stand.

A few sensible arrangements are set and measured; the one that covers least of what matters, lies on
the calmest ground and lets the words be largest is taken. Every block lies in the area that is
given, and no two overlap.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from PIL import Image as Pillow

from studio.imaging.bidirectional import is_right_to_left
from studio.imaging.geometry import Box
from studio.imaging.image import FloatArray
from studio.imaging.shaping import Language
from studio.imaging.shrink import shrunk
from studio.imaging.typesetting import Align, Typeset, fit
from studio.problems import Refused

Side = Literal["top", "bottom", "left", "right"]
PixelBox = tuple[int, int, int, int]  # left, top, right, bottom

#: Apple, Human Interface Guidelines, Typography (2026): text on iOS has at least 11 pt. A phone of
#: 390 pt (iPhone 12 to 16) shows a rendition across, whatever its pixels are.
_LEAST_POINTS, _PHONE_POINTS = 11, 390
LEGIBLE_BECAUSE = "11 pt on a phone 390 pt wide that shows the picture across"

#: Of the geometric mean of the sides: a headline of 9 % is one of a poster, not of a caption.
_HEADLINE = 0.085
_BUTTON = 0.46  # font size of the call to action, of the headline's
_PAD_X, _PAD_Y = 0.95, 0.6  # around the call to action, in its font sizes
_GAP = 0.6  # between headline and call to action, in the headline's font sizes
_LINES = 3
#: A strip of this ratio has no height for two blocks one above the other.
_STRIP = 2.2

_SIZE_COUNTS, _BUSY_COUNTS, _COVER_COUNTS, _TOUCH_COUNTS = 1.2, 2.0, 2.0, 0.25
_PREFERENCE: dict[Side, float] = {"bottom": 0.0, "left": 0.02, "top": 0.06, "right": 0.06}
_AGAINST_READING = 0.08  # a block that stands at the end of the reading direction


@dataclass(frozen=True, slots=True)
class Wording:
    """What is to be set; at least one of the two."""

    headline: str | None
    call_to_action: str | None
    align: Align | None  # None: as the arrangement suggests
    language: Language | None

    @property
    def is_rtl(self) -> bool:
        """Whether reading begins at the right."""
        return is_right_to_left(self.headline or self.call_to_action or "")


@dataclass(frozen=True, slots=True)
class Words:
    """Words in place, px of the rendition."""

    side: Side
    align: Align
    headline: Typeset | None = None
    headline_box: PixelBox | None = None
    button: Typeset | None = None
    button_box: PixelBox | None = None

    @property
    def box(self) -> PixelBox:
        """Around all of them."""
        return _around([one for one in (self.headline_box, self.button_box) if one])

    def moved(self, x: int, y: int) -> Words:
        """The same words elsewhere."""
        return replace(
            self,
            headline_box=_moved(self.headline_box, x, y),
            button_box=_moved(self.button_box, x, y),
        )


@dataclass(frozen=True, slots=True)
class Scene:
    """The rendition as the words see it."""

    width: int
    height: int
    area: PixelBox  # where they may stand
    avoid: tuple[Box, ...]
    busy: FloatArray  # (h, w), 0 = calm … about 1 = all edges; coarse

    @classmethod
    def of(cls, pixels: Pillow.Image, area: PixelBox, avoid: Sequence[Box]) -> Scene:
        """Look at a rendition."""
        small = shrunk(pixels.convert("RGB").convert("L"), 192)
        grey = np.asarray(small, np.float32) / 255
        down = np.abs(np.diff(grey, axis=0, append=grey[-1:]))
        across = np.abs(np.diff(grey, axis=1, append=grey[:, -1:]))
        return cls(*pixels.size, area, tuple(avoid), np.asarray(down + across, np.float32))

    @property
    def legible(self) -> int:
        """Px of the smallest font size."""
        return max(_LEAST_POINTS, math.ceil(_LEAST_POINTS * self.width / _PHONE_POINTS))

    @property
    def mean_side(self) -> float:
        """Px: the side of a square of the same area."""
        return math.sqrt(self.width * self.height)

    @property
    def largest(self) -> int:
        """Px of the largest headline."""
        return max(self.legible, round(_HEADLINE * self.mean_side))

    @property
    def room(self) -> tuple[int, int]:
        """Width and height of the area, px."""
        return self.area[2] - self.area[0], self.area[3] - self.area[1]

    def cost(self, box: PixelBox) -> float:
        """How bad it is to stand there: what it covers, and how restless the ground is."""
        here = self.normalised(box)
        cost = _BUSY_COUNTS * self._busyness(here)
        for other in self.avoid:
            if shared := here.intersection(other):
                cost += _TOUCH_COUNTS * min(1.0, 20 * shared.area / other.area)
                cost += _COVER_COUNTS * shared.area / other.area
        return cost

    def covered(self, box: PixelBox) -> float:
        """The largest part of anything to be kept free that it covers, 0..1."""
        here = self.normalised(box)
        shared = [(here.intersection(other), other) for other in self.avoid]
        return max((one.area / other.area for one, other in shared if one), default=0.0)

    def normalised(self, box: PixelBox) -> Box:
        """A box in fractions of the rendition."""
        return Box(
            x0=box[0] / self.width,
            y0=box[1] / self.height,
            x1=box[2] / self.width,
            y1=box[3] / self.height,
        )

    def _busyness(self, here: Box) -> float:
        left, top, right, bottom = here.pixels(self.busy.shape[1], self.busy.shape[0])
        return float(np.sqrt(np.square(self.busy[top:bottom, left:right]).mean()))


def arranged(scene: Scene, wording: Wording, sides: Sequence[Side]) -> list[Words]:
    """The arrangements at these sides that fit, best first.

    Refused (`text.does_not_fit`, `text.no_glyph`) if none does.
    """
    found: list[tuple[float, Words]] = []
    refusals: list[Refused] = []
    for side in sides:
        for is_row in (False, True):
            if is_row and not _may_be_row(scene, wording):
                continue
            try:
                words = _set(scene, wording, side, is_row=is_row)
            except Refused as refused:
                refusals.append(refused)
                continue
            found += _valued(scene, wording, words)
    if not found:
        raise refusals[0]
    return [words for _, words in sorted(found, key=lambda pair: pair[0])]


def corner_for(scene: Scene, size: tuple[int, int], words: Words | None) -> PixelBox | None:
    """The corner of the area where a logo of that size covers least, clear of the words."""
    left, top, right, bottom = scene.area
    width, height = size
    gap = scene.legible
    best: tuple[float, PixelBox] | None = None
    for rank, (x, y) in enumerate(
        (
            (left, top),
            (right - width, top),
            (right - width, bottom - height),
            (left, bottom - height),
        )
    ):
        box = (x, y, x + width, y + height)
        if words and _touch(box, words.box, gap):
            continue
        cost = scene.cost(box) + 0.03 * rank
        if best is None or cost < best[0]:
            best = (cost, box)
    return best[1] if best else None


def _may_be_row(scene: Scene, wording: Wording) -> bool:
    width, height = scene.room
    is_both = wording.headline is not None and wording.call_to_action is not None
    return is_both and width / height >= _STRIP


def _valued(scene: Scene, wording: Wording, words: Words) -> Iterator[tuple[float, Words]]:
    lead = words.headline or words.button
    assert lead is not None  # noqa: S101 - Overlay asks for one of them before it asks for words
    largest = scene.largest if words.headline else scene.largest * _BUTTON
    small = _SIZE_COUNTS * max(0.0, 1 - lead.size / largest)
    start: Align = "right" if wording.is_rtl else "left"
    for away, placed in _positions(scene, words, start):
        yield (
            small + scene.cost(placed.box) + _PREFERENCE[words.side] + _AGAINST_READING * away,
            placed,
        )


def _positions(scene: Scene, words: Words, start: Align) -> Iterator[tuple[float, Words]]:
    """Where the words may stand at their side; how far each is from where reading begins, 0..1."""
    left, top, right, bottom = scene.area
    _, _, width, height = words.box
    ends = {"left": left, "right": right - width, "centre": (left + right - width) // 2}
    levels = (top, (top + bottom - height) // 2, bottom - height)
    if words.side in ("left", "right"):
        away = 0.0 if words.side == start else 1.0
        for rank, y in enumerate((levels[1], levels[2], levels[0])):
            yield away + 0.2 * rank, words.moved(ends[words.side], y)
        return
    y = levels[0] if words.side == "top" else levels[2]
    yield 0.0, words.moved(ends[words.align], y)
    if words.align == start:
        other = "right" if start == "left" else "left"
        yield 1.0, words.moved(ends[other], y)


def _set(scene: Scene, wording: Wording, side: Side, *, is_row: bool) -> Words:
    """The words in the column of a side, their box beginning at (0, 0)."""
    width, height = _column(scene, side, is_row=is_row)
    align = _alignment(scene, wording, side)
    button = (0, 0)
    call = _call(scene, wording, width, scene.largest * _BUTTON)
    if call and wording.headline is None:
        return Words(side, align, button=call, button_box=(0, 0, *_button_size(call)))
    # The button grows with the headline; the headline leaves it the room of its larger form.
    if call:
        button = _button_size(call)
    gap = round(_GAP * scene.largest) if call else 0
    headline = fit(
        wording.headline or "",
        width - button[0] - gap if is_row else width,
        height if is_row else height - button[1] - gap,
        max_size=scene.largest,
        min_size=scene.legible,
        min_size_source=LEGIBLE_BECAUSE,
        max_lines=_LINES,
        balanced=True,
        language=wording.language,
    )
    call = _call(scene, wording, width, headline.size * _BUTTON)
    return _joined(Words(side, align, headline=headline, button=call), wording, is_row=is_row)


def _joined(words: Words, wording: Wording, *, is_row: bool) -> Words:
    """Headline and call to action beside or below each other."""
    headline, call = words.headline, words.button
    assert headline is not None  # noqa: S101 - the caller has just set it
    own = (0, 0, headline.width, headline.height)
    if call is None:
        return replace(words, headline_box=own)
    width, height = _button_size(call)
    gap = round(_GAP * headline.size)
    if is_row:
        middle = max(headline.height, height)
        first, second = (width + 2 * gap, 0) if wording.is_rtl else (0, headline.width + 2 * gap)
        boxes = (
            _at(own, first, (middle - headline.height) // 2),
            _at((0, 0, width, height), second, (middle - height) // 2),
        )
    else:
        share = {"left": 0.0, "centre": 0.5, "right": 1.0}[words.align]
        whole = max(headline.width, width)
        boxes = (
            _at(own, round(share * (whole - headline.width)), 0),
            _at((0, 0, width, height), round(share * (whole - width)), headline.height + gap),
        )
    return replace(words, headline_box=boxes[0], button_box=boxes[1])


def _column(scene: Scene, side: Side, *, is_row: bool) -> tuple[int, int]:
    """The room for words at a side, px: enough for them, and some picture is left."""
    width, height = scene.room
    ratio = width / height
    if is_row:
        return round(width * 0.85), height
    if side in ("left", "right"):
        return round(width * (0.5 if ratio >= 1.2 else 0.62)), height
    return round(width * (1.0 if ratio < 1.2 else 0.75)), round(
        height * (0.5 if ratio < 2 else 0.8)
    )


def _alignment(scene: Scene, wording: Wording, side: Side) -> Align:
    if wording.align:
        return wording.align
    width, height = scene.room
    if side in ("top", "bottom") and width < height:
        return "centre"
    return "right" if wording.is_rtl else "left"


def _call(scene: Scene, wording: Wording, width: int, wanted: float) -> Typeset | None:
    """The words of the button, as large as wanted if they fit the column in one line."""
    if wording.call_to_action is None:
        return None
    size = max(scene.legible, round(wanted))
    return fit(
        wording.call_to_action,
        round(width - 2 * _PAD_X * size),
        scene.room[1],
        max_size=size,
        min_size=scene.legible,
        min_size_source=LEGIBLE_BECAUSE,
        max_lines=1,
        language=wording.language,
    )


def _button_size(call: Typeset) -> tuple[int, int]:
    rise = call.lines[0].ascent * call.size
    return round(call.width + 2 * _PAD_X * call.size), round(rise + 2 * _PAD_Y * call.size)


def _moved(box: PixelBox | None, x: int, y: int) -> PixelBox | None:
    return _at(box, x, y) if box else None


def _at(box: PixelBox, x: int, y: int) -> PixelBox:
    return box[0] + x, box[1] + y, box[2] + x, box[3] + y


def _around(boxes: Sequence[PixelBox]) -> PixelBox:
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def _touch(one: PixelBox, other: PixelBox, gap: int) -> bool:
    return (
        one[0] < other[2] + gap
        and other[0] < one[2] + gap
        and one[1] < other[3] + gap
        and other[1] < one[3] + gap
    )
