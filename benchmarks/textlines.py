"""Text lines: how much of the type that is drawn on photos is found, and what else is.

    python -m benchmarks.textlines [--first 100] [--count 40]

The pictures are those of tests/inscriptions.py: the photos of the repository with words drawn on
them. Found is the part of the strokes' pixels that the mask covers; beside is the part of the
picture that it covers more than 12 px from any stroke; ink is the mask's pixels for each of a
stroke. Photos without words have nothing to find, at three sizes, upright and on their side.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

import cv2
import numpy as np
from PIL import Image as Pillow

from studio.imaging.image import Image
from studio.imaging.textlines import written
from tests.inscriptions import Inscription, inscribed, photos

_NEAR = 12  # px
_SIZES = (0.7, 1.0, 1.5, 2.7)  # times those of the photos
_OPAQUE = "opaque ink"


@dataclass(frozen=True, slots=True)
class Reading:
    """What was found of an inscription."""

    inscription: Inscription
    found: float  # of the strokes, 0..1
    beside: float  # of the picture, 0..1
    ink: float  # times the strokes


def read(inscription: Inscription) -> Reading:
    """Look for the words of an inscription."""
    mask, strokes = written(inscription.image).strokes, inscription.strokes
    near = cv2.dilate(strokes.astype(np.uint8), np.ones((2 * _NEAR + 1, 2 * _NEAR + 1))) > 0
    found = float((mask & strokes).sum() / strokes.sum())
    ink = float((mask & near).sum() / max(1, (mask & strokes).sum()))
    return Reading(inscription, found, float((mask & ~near).mean()), ink)


def unfounded() -> Iterator[tuple[str, int]]:
    """Photos without words as they are and turned, at each size, and lines found there."""
    for name, photo in photos():
        for by in _SIZES:
            size = round(photo.width * by), round(photo.height * by)
            pixels = photo.pixels.resize(size, Pillow.Resampling.LANCZOS)
            for turned in (pixels, pixels.transpose(Pillow.Transpose.ROTATE_90)):
                yield name, len(written(Image(turned)).lines)


def section(readings: Sequence[Reading], lines: Sequence[tuple[str, int]]) -> str:
    """The figures, as a table."""
    rows = [
        "| | pictures | found, mean | all (≥ 0.95) | most (≥ 0.8) | none (< 0.05) | beside | ink |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, is_opaque in ((_OPAQUE, True), ("ink seen through", False)):
        group = [one for one in readings if (one.inscription.opacity == 1) == is_opaque]
        if group:
            rows.append(_row(name, group))
    with_lines = sorted({name for name, count in lines if count})
    none = f"Photos without words: {len(lines)}; lines found there: {sum(n for _, n in lines)}"
    return "\n".join([*rows, "", f"{none} ({', '.join(with_lines) or 'in none'}).", ""])


def _row(name: str, group: Sequence[Reading]) -> str:
    found = [one.found for one in group]
    parts = [sum(one >= least for one in found) for least in (0.95, 0.8)]
    none = sum(one < 0.05 for one in found)
    beside = fmean(one.beside for one in group)
    inks = [one.ink for one in group if one.found > 0.5]
    ink = f"{fmean(inks):.1f}" if inks else "–"
    return (
        f"| {name} | {len(group)} | {fmean(found):.3f} | {parts[0]} | {parts[1]} | {none} "
        f"| {beside:.5f} | {ink} |"
    )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.textlines", description=__doc__)
    parser.add_argument("--first", type=int, default=100, help="seed of the first picture")
    parser.add_argument("--count", type=int, default=40, help="pictures")
    wanted = parser.parse_args()
    readings = [read(inscribed(wanted.first + number)) for number in range(wanted.count)]
    sys.stdout.write(section(readings, list(unfounded())))


if __name__ == "__main__":
    main()
