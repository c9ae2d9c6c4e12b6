"""Text lines: where words are written in a picture, to the strokes of their letters.

No net: type is what it looks like. The picture is cut into slices, above levels of grey and by how
far thin strokes rise from what is around them. Letters are components that stay the same from
slice to slice, of one colour, with a sharp outline; a line is three of them or more beside each
other, of like height, colour and stroke, on one base line, that at least four slices show. Its
strokes are then looked for again, by how near each colour is to the line's own. The rules follow
Epshtein, Ofek & Wexler ("Detecting text in natural scenes with stroke width transform", CVPR 2010)
and Chen et al. ("Robust text detection in natural images with edge-enhanced MSER", ICIP 2011).

It finds what is set or stamped on a picture in one colour, level, from about 10 px high. It does
not find, or finds in part, type that is seen through, writing whose letters join, lines that are
vertical or turned, and most lettering on things.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from studio.imaging.geometry import Box
from studio.imaging.image import Image

Bytes = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]

_BEHIND = (128, 128, 128)
_LEVELS = range(40, 250, 20)  # of 255: slices through the picture
_KERNELS = (11, 19, 35, 65)  # px: slices of strokes that are thinner than these
_DOT = 4  # px: specks are smaller
_STANDS_OUT = 26  # levels of 255 by which a stroke differs from what is around it
_HIGH = (7, 0.4)  # px at least, and of the picture's height at most: a letter
_CLEAR = 0.72  # of a letter's outline has its full contrast
_FULL = 0.45  # of the greatest contrast along the outline: full
_ALIKE = 26.0  # levels, between the colours of two letters of a line
_STROKES = 1.75  # times: between the stroke widths of two letters of a line
_HEIGHTS = 2.1  # times: a capital beside a small letter
_GAP = 1.1  # heights between two letters: a space is about a third
_EVEN_LINE = ((9.0, 0.13), (5.5, 0.2))  # levels between its letters, and variation of strokes
_ONE_INK = 2.0  # levels between its letters: nothing but ink is so even
_MOST_LINES = 2000  # that are suspected in a picture: each is compared with all before
_MOST_LETTERS = 1500  # suspects of a slice that are compared, the largest first
_LINE = 3  # letters at least
_BASE = 0.12  # heights: how far feet of letters are from the base line


@dataclass(frozen=True, slots=True)
class _Look:
    """How closely a picture is looked at."""

    side: int  # px at most
    levels: range  # of 255: slices through the picture
    kernels: tuple[int, ...]  # px: slices of strokes that are thinner than these
    votes: int  # slices that show the same line: chance does not
    even: float  # standard deviation of the colours within a stroke at most, levels
    must_rise: bool = False  # whether levels are left out where no three letters rise together


_CLOSE = _Look(1280, _LEVELS, _KERNELS, votes=4, even=22)
# For large type, a tenth of the time on photos (2026-11-26): of 36 photos with words of 4 to 9 % of
# their height all, of the strokes of tests/inscriptions.py, many of which are smaller, 0.74, and no
# line on 22 photos. Thin strokes are half edge there, so their colours are less even.
_GLANCE = _Look(448, range(40, 250, 40), (11, 25, 55), votes=3, even=60, must_rise=True)


@dataclass(frozen=True, slots=True)
class TextLine:
    """Letters beside each other: around them, and their colour, sRGB."""

    box: Box
    colour: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Written:
    """What is written in a picture.

    lines:   the largest first.
    strokes: (h, w) of the picture, true on the letters and their soft edge, not between them.
    """

    lines: tuple[TextLine, ...]
    strokes: Bools


@dataclass(frozen=True, slots=True)
class _Letters:
    """Components that may be letters, one row each."""

    label: npt.NDArray[np.int32]  # (h, w): row + 1, 0 = none
    box: npt.NDArray[np.float64]  # left, top, right, bottom
    colour: npt.NDArray[np.float64]
    stroke: npt.NDArray[np.float64]  # px
    area: npt.NDArray[np.float64]
    place: npt.NDArray[np.int64]  # y, x of a pixel well inside
    is_letter: Bools  # the others may be dots and commas of a line

    @property
    def height(self) -> npt.NDArray[np.float64]:
        return self.box[:, 3] - self.box[:, 1]


#: Letters beside each other, their rows, and the number of the slice.
_Group = tuple[_Letters, npt.NDArray[np.int64], int]


@dataclass(frozen=True, slots=True)
class _Line:
    """Letters beside each other, px, and the slices of the picture that show them."""

    left: float
    top: float
    right: float
    foot: float
    tall: float  # its larger letters
    stroke: float
    colour: npt.NDArray[np.float64]
    slices: frozenset[int]

    def goes_on(self, other: _Line) -> bool:
        """Whether another one is the same line or its next words."""
        tall = max(self.tall, other.tall)
        level = min(self.foot, other.foot) - max(self.top, other.top) > 0.5 * tall
        beside = max(self.left, other.left) - min(self.right, other.right) < _GAP * tall
        like = float(np.abs(self.colour - other.colour).max()) < 16
        return level and beside and like and tall < 2 * min(self.tall, other.tall)

    def joined(self, other: _Line) -> _Line:
        """Both as one."""
        return replace(
            max(self, other, key=lambda one: one.right - one.left),
            left=min(self.left, other.left),
            top=min(self.top, other.top),
            right=max(self.right, other.right),
            foot=max(self.foot, other.foot),
            slices=self.slices | other.slices,
        )


def written(image: Image) -> Written:
    """Find the lines of text in a picture.

    Returns no line, and strokes that are false everywhere, where there is none. CPU work of one
    second a megapixel, and of six where it is full of type; deterministic.
    """
    lines, strokes = _read(image, _CLOSE)
    wide = cv2.resize(strokes * 255, image.pixels.size, interpolation=cv2.INTER_LINEAR)
    return Written(lines, np.asarray(wide) > 64)


def large_lines(image: Image) -> tuple[TextLine, ...]:
    """The lines whose letters are taller than about 1.5 % of the picture's longer side, the largest
    first: what must not be cut when a picture is cropped. CPU work of 0.05 s, and of 0.1 s where
    something looks like type."""
    lines, _ = _read(image, _GLANCE)
    return lines


def _shrunk(image: Image, side: int) -> Bytes:
    shrink = min(1.0, side / max(image.pixels.size))
    size = max(1, round(image.width * shrink)), max(1, round(image.height * shrink))
    flat = image.flattened(_BEHIND)
    return np.asarray(flat.resize(size, Pillow.Resampling.BOX, reducing_gap=2.0), np.uint8)


def _read(image: Image, look: _Look) -> tuple[tuple[TextLine, ...], Bytes]:
    """Lines that enough slices show, the largest first, and their strokes, 0 or 1."""
    pixels = _shrunk(image, look.side)
    height, width = pixels.shape[:2]
    strokes = np.zeros((height, width), np.uint8)
    lines: list[TextLine] = []
    for is_dark, seen in enumerate((pixels, 255 - pixels)):  # type lighter than its ground, darker
        for line in _confirmed(seen, look):
            left, right = _spelled(seen, line, strokes, look.even)
            box = Box.clipped(left / width, line.top / height, right / width, line.foot / height)
            colour = [round(float(255 - one if is_dark else one)) for one in line.colour]
            lines += [TextLine(box, (colour[0], colour[1], colour[2]))] if box else []
    lines.sort(key=lambda line: -line.box.width * line.box.height)
    return tuple(lines), strokes


def _confirmed(pixels: Bytes, look: _Look) -> list[_Line]:
    """Lines of light letters that several slices of a picture show."""
    grey = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)

    def groups(inks: Iterator[Bytes], first: int) -> Iterator[_Group]:
        slices = _slices(inks, pixels, grey, _HIGH[1] * len(grey), look.even)
        for number, letters in enumerate(slices, first):
            for members in _groups(letters):
                yield letters, members, number

    found = list(groups(_raised(grey, look.kernels), 0))
    if look.must_rise and not found:
        return []
    found += groups(_above(grey, look.levels), len(look.kernels))
    suspected = [line for group in found if (line := _line(*group))]
    return [line for line in _joined(suspected[:_MOST_LINES]) if len(line.slices) >= look.votes]


def _joined(lines: list[_Line]) -> list[_Line]:
    """The same with those joined that lie on and beside each other and are alike."""
    joined: list[_Line] = []
    for first in lines:
        line = first
        while same := next((one for one in joined if one.goes_on(line)), None):
            joined.remove(same)
            line = same.joined(line)
        joined.append(line)
    return joined


def _slices(
    inks: Iterator[Bytes],
    pixels: Bytes,
    grey: Bytes,
    largest: float,
    even: float,
    *,
    letters_only: bool = True,
) -> Iterator[_Letters]:
    """What may be letters, by a grey in which they are lighter than their ground; by slice."""
    before: _Letters | None = None
    held: _Letters | None = None
    for ink in inks:
        found = _components(ink, grey, pixels, largest, even, letters_only=letters_only)
        if held is not None:
            yield _stable(held, before, found)
        before, held = held, found
    if held is not None:
        yield _stable(held, before, None)


def _above(grey: Bytes, levels: range) -> Iterator[Bytes]:
    """Places above each of some levels, 0 or 1."""
    for level in levels:
        yield (grey >= level).astype(np.uint8)


def _raised(grey: Bytes, kernels: tuple[int, ...]) -> Iterator[Bytes]:
    """Strokes lighter than what is around, narrower than each of some widths, 0 or 1."""
    for kernel in kernels:
        if kernel < min(grey.shape):
            raised = cv2.morphologyEx(grey, cv2.MORPH_TOPHAT, _square(kernel))
            around = cv2.dilate(raised, _square(kernel // 2))
            ink = (raised >= _STANDS_OUT) & (raised > around * np.float32(0.5))
            yield ink.astype(np.uint8)


def _components(
    ink: Bytes, grey: Bytes, pixels: Bytes, largest: float, even: float, *, letters_only: bool
) -> _Letters:
    """The connected places of an ink, measured; if wanted, only those shaped like letters."""
    count, label, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    stats = stats.astype(np.float64)
    sized = (stats[:, 2] <= 1.5 * largest) & (stats[:, 3] <= largest) & (stats[:, 4] >= _DOT)
    if letters_only:
        sized &= _is_shaped(stats[:, 2], stats[:, 3], stats[:, 4])
    sized[0] = False
    number = (np.cumsum(sized) * sized).astype(np.int32)
    label = number[label]
    stats = stats[sized]
    at = np.flatnonzero(label)  # the pixels of all components, row after row
    of, count = label.ravel()[at] - 1, len(stats)
    depth = cv2.distanceTransform(ink, cv2.DIST_L2, cv2.DIST_MASK_5)
    inside = depth.ravel()[at].astype(np.float64)
    area = np.asarray(stats[:, 4], np.float64)
    stroke = np.maximum(4 * np.bincount(of, inside, count) / np.maximum(area, 1) - 1, 1)
    core = inside >= 0.5 * _greatest(inside, of, count)[of]
    cores = np.maximum(np.bincount(of[core], minlength=count), 1)
    seen = pixels.reshape(-1, 3)[at[core]].astype(np.float64)
    mean = np.stack([np.bincount(of[core], seen[:, c], count) / cores for c in range(3)], axis=1)
    apart = ((seen - mean[of[core]]) ** 2).sum(axis=1) / 3
    uneven = np.sqrt(np.bincount(of[core], apart, count) / cores)
    place = np.zeros((count, 2), np.int64)
    place[of[core]] = np.stack(np.divmod(at[core], ink.shape[1]), axis=1)
    outline = inside <= 1
    clear = _clear(grey, at[outline], of[outline], count)
    box = np.concatenate([stats[:, :2], stats[:, :2] + stats[:, 2:4]], axis=1)
    width, height = stats[:, 2], stats[:, 3]
    is_letter = _is_shaped(width, height, area) & (uneven <= even) & (clear >= _CLEAR)
    is_letter &= (stroke <= 0.45 * height) & (stroke >= 0.03 * height)
    return _Letters(label, box, mean, stroke, area, place, is_letter)


def _is_shaped(width: npt.NDArray[Any], height: npt.NDArray[Any], area: npt.NDArray[Any]) -> Bools:
    """Which components, px, have the shape of a letter."""
    is_shaped = (height >= _HIGH[0]) & (width <= 2.5 * height) & (area >= 0.12 * height * width)
    return np.asarray(is_shaped, np.bool_)


def _stable(letters: _Letters, before: _Letters | None, after: _Letters | None) -> _Letters:
    """The same, letters only where the slice before or after has the same component."""
    stable = np.zeros(len(letters.box), np.bool_)
    ys, xs = letters.place.T
    for other in (before, after):
        if other is None or not len(other.box):
            continue
        there = other.label[ys, xs]
        box, size = other.box[there - 1], np.maximum(letters.height, 8)
        stable |= (there > 0) & (np.abs(box - letters.box).max(axis=1) <= 0.12 * size)
    return replace(letters, is_letter=letters.is_letter & stable)


def _greatest(
    values: npt.NDArray[np.float64], of: npt.NDArray[np.int32], count: int
) -> npt.NDArray[np.float64]:
    """The greatest value of each component."""
    most = np.zeros(count)
    np.maximum.at(most, of, values)
    return most


def _clear(
    grey: Bytes, at: npt.NDArray[np.int64], of: npt.NDArray[np.int32], count: int
) -> npt.NDArray[np.float64]:
    """How much of each component's outline has full contrast within 2 px, 0..1.

    at: the outlines' pixels, row after row; of: the component of each.
    """
    below, above = cv2.erode(grey, _square(5)), cv2.dilate(grey, _square(3))
    step = above.ravel()[at].astype(np.float64) - below.ravel()[at]
    full = np.maximum(_FULL * _greatest(step, of, count), _STANDS_OUT)
    outline = np.maximum(np.bincount(of, minlength=count), 1)
    return np.asarray(np.bincount(of, step >= full[of], count) / outline)


def _groups(letters: _Letters) -> Iterator[npt.NDArray[np.int64]]:
    """Groups of letters beside each other that are alike: indices of rows."""
    which = np.flatnonzero(letters.is_letter)
    if len(which) < _LINE:
        return
    which = which[np.argsort(-letters.area[which], kind="stable")[:_MOST_LETTERS]]
    left, top, right, bottom = letters.box[which].T
    height, stroke, colour = bottom - top, letters.stroke[which], letters.colour[which]
    tall = np.maximum(height[:, None], height)
    beside = np.maximum(left[:, None], left) - np.minimum(right[:, None], right) <= _GAP * tall
    level = np.abs(bottom[:, None] - bottom) <= 0.35 * tall
    like = tall <= _HEIGHTS * np.minimum(height[:, None], height)
    like &= np.maximum(stroke[:, None], stroke) <= _STROKES * np.minimum(stroke[:, None], stroke)
    linked = beside & level & like
    one, other = np.nonzero(linked)
    near = np.abs(colour[one] - colour[other]).max(axis=1) <= _ALIKE
    root = _roots(one[near], other[near], len(which))
    for group in np.unique(root):
        members = which[root == group]
        if len(members) >= _LINE:
            yield members


def _roots(
    one: npt.NDArray[np.int64], other: npt.NDArray[np.int64], count: int
) -> npt.NDArray[np.int64]:
    """The lowest index that each of some nodes is linked to, over any number of links."""
    root = np.arange(count)
    while True:
        lower = root.copy()
        np.minimum.at(lower, one, root[other])
        lower = lower[lower]
        if np.array_equal(lower, root):
            return root
        root = lower


def _line(letters: _Letters, members: npt.NDArray[np.int64], number: int) -> _Line | None:
    """The line that letters of a slice are: even ones on one base line, and no row of bars."""
    box, height, area = letters.box[members], letters.height[members], letters.area[members]
    stroke, colour = letters.stroke[members], letters.colour[members]
    feet, middle = box[:, 3], (box[:, 0] + box[:, 2]) / 2
    tall = float(np.percentile(height, 75))
    slope = float(np.polyfit(middle, feet, 1)[0]) if np.ptp(middle) > 4 * tall else 0.0
    off = feet - slope * middle
    standing = np.abs(off - np.median(off)) <= max(1.5, _BASE * tall)
    extent = area / ((box[:, 2] - box[:, 0]) * height)
    apart = np.abs(colour - np.median(colour, axis=0)).max(axis=1).mean()
    is_line = standing.sum() >= max(_LINE, 0.6 * len(members)) and 0.2 <= extent.mean() <= 0.8
    varied = stroke.std() / stroke.mean()
    is_line &= any(apart <= most and varied <= least for most, least in _EVEN_LINE)
    is_line &= 0.05 * tall <= np.median(stroke) <= 0.34 * tall
    is_line &= area.std() >= (0.03 if apart <= _ONE_INK else 0.1) * area.mean()  # else windows
    is_line &= np.ptp(box[:, ::2]) >= 1.3 * tall
    if not is_line:
        return None
    left, top = box[:, :2].min(axis=0)
    right, foot = box[:, 2:].max(axis=0)
    return _Line(left, top, right, foot, tall, float(np.median(stroke)), colour.mean(axis=0),
                 frozenset({number}))  # fmt: skip


def _spelled(pixels: Bytes, line: _Line, strokes: Bytes, even: float) -> tuple[float, float]:
    """Mark the strokes of a line, dots and commas, too, to their soft edge; its left and right.

    Looks again along the whole row, now by how near each colour is to the line's own.
    """
    aside = 0.4 * line.tall
    upper, lower = max(0, int(line.top - aside)), int(line.foot + aside) + 1
    band = np.ascontiguousarray(pixels[upper:lower])
    apart = np.abs(band - line.colour.astype(np.float32)).max(axis=2)
    close = (255 - 2 * apart).clip(0, 255).astype(np.uint8)
    slices = [
        one
        for inks in (_above(close, _LEVELS), _raised(close, _KERNELS))
        for one in _slices(inks, band, close, 1.6 * line.tall, even, letters_only=False)
    ]
    left, right = line.left, line.right
    nearby = [_alike(letters, line, upper) for letters in slices]
    ends = np.concatenate([
        letters.box[alike & letters.is_letter][:, ::2]
        for letters, alike in zip(slices, nearby, strict=True)
    ])  # fmt: skip
    while True:
        near = (ends[:, 0] <= right + line.tall) & (ends[:, 1] >= left - line.tall)
        reach = ends[near]
        wider = (min(left, *reach[:, 0]), max(right, *reach[:, 1])) if len(reach) else (left, right)
        if wider == (left, right):
            break
        left, right = wider
    ink = np.zeros(band.shape[:2], np.uint8)
    for letters, alike in zip(slices, nearby, strict=True):
        chosen = alike & (letters.box[:, 0] >= left - aside) & (letters.box[:, 2] <= right + aside)
        ink |= np.concatenate([[False], chosen])[letters.label].astype(np.uint8)
    margin = 2 + round(0.1 * line.stroke)
    grown = cv2.dilate(ink, _square(2 * margin + 1))
    np.maximum(strokes[upper:lower], grown, out=strokes[upper:lower])
    return left, right


def _alike(letters: _Letters, line: _Line, upper: int) -> Bools:
    """Which components of a band that begins at a row may be of a line."""
    thin = letters.stroke <= 1.6 * line.stroke + 1
    top, foot = letters.box[:, 1] + upper, letters.box[:, 3] + upper
    small = letters.height <= 0.45 * line.tall
    small &= (top >= line.top - 0.25 * line.tall) & (foot <= line.foot + 0.3 * line.tall)
    stands = (foot >= line.foot - 0.6 * line.tall) & (letters.stroke >= 0.5 * line.stroke)
    like = np.abs(letters.colour - line.colour).max(axis=1) <= _ALIKE
    return np.asarray(like & thin & (small | stands))


def _square(side: int) -> Bytes:
    return np.ones((side | 1, side | 1), np.uint8)
