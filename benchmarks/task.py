"""Task: what every contender is asked to do, as one JSON file that all of them read.

The geometry is given in the two forms in which libraries take it: as the part of the master
(`box`), or as the size to which the whole is shrunk (`cover`) and the corner at which the rendition
is cut out of that. Both name the same pixels, so that all contenders may be held against one
reference.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image as Pillow


@dataclass(frozen=True, slots=True)
class Piece:
    """One rendition: its size (px), its part of the master, and how it is written."""

    width: int
    height: int
    cover: tuple[int, int]  # px, the size of the whole master at the rendition's scale
    corner: tuple[int, int]  # px, where in that the rendition begins
    box: tuple[float, float, float, float]  # left, top, right, bottom; normalised
    format: str  # jpeg, png, webp, avif, or raw: RGB bytes
    settings: dict[str, Any] = field(default_factory=dict)  # in the contender's own words


@dataclass(frozen=True, slots=True)
class Task:
    """Some renditions of one master, in one of the ways that a contender knows."""

    master: str  # path
    way: str
    pieces: tuple[Piece, ...]

    def save(self, file: Path) -> None:
        """As JSON."""
        file.write_text(json.dumps(asdict(self)))

    @classmethod
    def load(cls, file: Path) -> Task:
        """What `save` wrote."""
        known = json.loads(file.read_text())
        pieces = tuple(Piece(**one) for one in known["pieces"])
        return cls(master=known["master"], way=known["way"], pieces=pieces)


def piece(
    size: tuple[int, int], master: tuple[int, int], format_: str, settings: dict[str, Any]
) -> Piece:
    """The largest centred part of a master that has the rendition's ratio.

    size, master: (width, height) px. Rounded as sharp and libvips round (`fit: cover`), who shrink
    to whole pixels before they crop; the others can cut anywhere.
    """
    scale = max(size[0] / master[0], size[1] / master[1])
    wide, tall = max(size[0], round(master[0] * scale)), max(size[1], round(master[1] * scale))
    left, top = (wide - size[0] + 1) // 2, (tall - size[1] + 1) // 2
    box = (left / wide, top / tall, (left + size[0]) / wide, (top + size[1]) / tall)
    return Piece(*size, (wide, tall), (left, top), box, format_, settings)


def edges(one: Piece, pixels: Pillow.Image) -> tuple[float, float, float, float]:
    """The part of a master, px."""
    left, top, right, bottom = one.box
    return (
        left * pixels.width,
        top * pixels.height,
        right * pixels.width,
        bottom * pixels.height,
    )
