"""Works: what is measured, and how each contender is told to do it.

A work is a format and a master: "webp 2048.jpg". "Equal" means the same quality and the same
effort of the same encoder; "tuned" means settings of ours beside the peer's defaults: our own
defaults, and for WebP "ours, fast".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from benchmarks.masters import NAMES
from benchmarks.task import Piece, Task, piece

Settings = dict[str, dict[str, Any]]  # by format, in the contender's own words

FORMATS = ("resize", "jpeg", "webp", "avif", "png", "mixed", "mixed+avif", "crop")

#: Quality 85 for JPEG as the goals say; for the others sharp's own default, on both sides.
_OURS: Settings = {
    "jpeg": {"quality": 85},
    "webp": {"quality": 80},
    "avif": {"quality": 50},
    "png": {},
}
_OURS_SMALL: Settings = _OURS | {"jpeg": {"quality": 85, "effort": "small"}}
#: What `optimizer.export` writes unless it is told otherwise.
_OURS_PROGRESSIVE: Settings = _OURS | {"jpeg": {"quality": 85, "progressive": True}}
#: WebP for whoever counts CPU time: "fast" is libwebp's method 1, whose files are larger at the
#: same quality, so it is three points lower: as large as those of our defaults and a trace coarser.
_OURS_FAST: Settings = _OURS | {"webp": {"quality": 77, "effort": "fast"}}
#: "small" is libwebp's method 4 and libavif's speed 6.
_OURS_EQUAL: Settings = _OURS | {
    "webp": {"quality": 80, "effort": "small"},
    "avif": {"quality": 50, "effort": "small"},
}
_SHARP: Settings = {"jpeg": {"quality": 85}, "webp": {}, "avif": {}, "png": {}}
#: Effort e of sharp's AVIF is libaom's speed 9 - e (libvips, heifsave.c).
_SHARP_EQUAL: Settings = _SHARP | {
    "webp": {"quality": 80, "effort": 4},
    "avif": {"quality": 50, "effort": 3, "chromaSubsampling": "4:2:0"},
}
_SHARP_PROGRESSIVE: Settings = {"jpeg": {"quality": 85, "progressive": True}}
_SHARP_ADAPTIVE: Settings = {"png": {"adaptiveFiltering": True}}
_PILLOW: Settings = {
    "jpeg": {"quality": 85},
    "webp": {"quality": 80},
    "avif": {"quality": 50},
    "png": {},
}
#: sharp's defaults in libvips' words, without metadata.
_LIBVIPS: Settings = {
    "jpeg": {"Q": 85, "keep": "none", "optimize_coding": True},
    "webp": {"Q": 80, "keep": "none", "effort": 4},
    "avif": {"Q": 50, "keep": "none", "effort": 4},
    "png": {"keep": "none", "compression": 6, "filter": "none"},
}


@dataclass(frozen=True, slots=True)
class Contender:
    """Someone who does a work: a program, the way it is driven, its settings."""

    name: str
    program: str  # a module of benchmarks.contenders, or a script of benchmarks/peers
    way: str = ""
    settings: Settings | None = None
    only: tuple[str, ...] = FORMATS[:-1]  # the formats that it is asked for


_ENCODED = FORMATS[1:-1]
_WITH_AVIF = ("avif", "mixed+avif")
#: Where the way to the encoder can be seen beside it; AVIF takes its peers a minute and a half.
_RESIZED = tuple(one for one in FORMATS[:-1] if one not in _WITH_AVIF)
CONTENDERS = (
    Contender("ours", "ours", "", _OURS),
    Contender("ours, optimised tables", "ours", "", _OURS_SMALL, ("jpeg",)),
    Contender("ours, progressive", "ours", "", _OURS_PROGRESSIVE, ("jpeg",)),
    Contender("ours, fast", "ours", "", _OURS_FAST, ("webp", "mixed")),
    Contender(
        "ours, equal settings", "ours", "", _OURS_EQUAL, ("webp", "avif", "mixed", "mixed+avif")
    ),
    Contender("ours, as exported", "exported", "one", None, ("jpeg", "webp", "mixed")),
    Contender("ours, as exported, best of formats", "exported", "best", None, ("mixed",)),
    Contender("bound", "bound", "", _OURS, _ENCODED),
    Contender("sharp", "sharp.mjs", "each", _SHARP),
    Contender("sharp, equal settings", "sharp.mjs", "each", _SHARP_EQUAL, _WITH_AVIF),
    Contender("sharp, progressive", "sharp.mjs", "each", _SHARP_PROGRESSIVE, ("jpeg",)),
    Contender("sharp, adaptive filters", "sharp.mjs", "each", _SHARP_ADAPTIVE, ("png",)),
    Contender("sharp, clones", "sharp.mjs", "clone", _SHARP, _RESIZED),
    Contender("sharp, decoded once", "sharp.mjs", "raw", _SHARP, _RESIZED),
    Contender("pillow, decoded once", "pillow", "", _PILLOW),
    Contender("libvips", "libvips", "", _LIBVIPS, _RESIZED),
    Contender("ours", "crops", "", None, ("crop",)),
    Contender("smartcrop.js", "smartcrop.mjs", "", None, ("crop",)),
)

#: Every format on the master that the goals name; JPEG and the resizing alone on all masters.
WORKS = tuple(
    f"{format_} {name}"
    for format_ in FORMATS
    for name in NAMES
    if name == "2048.jpg" or format_ in ("resize", "jpeg")
)


def chosen(words: str) -> list[str]:
    """Works by name, format ("webp": all of it) or master ("1024.png"); nothing: all.

    Several are separated by commas. A pair that is not in the table, such as "webp 4096.png", may
    be asked for by its full name. ValueError if a word means nothing.
    """
    if not words:
        return list(WORKS)
    known = [f"{format_} {name}" for format_ in FORMATS for name in NAMES]
    found: list[str] = []
    for word in (one.strip() for one in words.split(",")):
        matching = [word] if word in known else [one for one in WORKS if word in one.split()]
        if not matching:
            raise ValueError(f"{word!r} is no work; try one of {', '.join(FORMATS)}")
        found += [one for one in matching if one not in found]
    return found


def contenders(work: str) -> list[Contender]:
    """Who is asked to do a work."""
    return [one for one in CONTENDERS if work.split(maxsplit=1)[0] in one.only]


def task(work: str, contender: Contender, master: Path) -> Task:
    """The twenty renditions of a work, in the contender's words."""
    format_, name = work.split()
    side = int(name.split(".")[0])
    return Task(
        master=str(master),
        way=contender.way,
        pieces=tuple(
            _piece((one["width"], one["height"]), side, _format(format_, one), contender.settings)
            for one in _sizes(side)
        ),
    )


def warm_task(work: str, contender: Contender, photo: Path) -> Task:
    """One small rendition in each format of a work, of a small photograph."""
    format_ = work.split(maxsplit=1)[0]
    formats = dict.fromkeys(_format(format_, one) for one in _sizes(2048))
    pieces = tuple(_piece((64, 48), 512, one, contender.settings) for one in formats)
    return Task(master=str(photo), way=contender.way, pieces=pieces)


def _piece(size: tuple[int, int], side: int, format_: str, settings: Settings | None) -> Piece:
    return piece(size, (side, side), format_, (settings or {}).get(format_, {}))


def _format(work: str, one: Mapping[str, Any]) -> str:
    match work:
        case "mixed+avif" if one.get("avif"):
            return "avif"
        case "mixed" | "mixed+avif":
            return str(one["mixed"])
        case "resize" | "crop":
            return "raw"
        case _:
            return work


def _sizes(side: int) -> list[dict[str, Any]]:
    """The sizes of the table; half of each for masters that they would not fit into."""
    if side >= 2048:
        return _table()
    return [one | {"width": one["width"] // 2, "height": one["height"] // 2} for one in _table()]


@lru_cache(maxsize=1)
def _table() -> list[dict[str, Any]]:
    table: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "sizes.yaml").read_text())
    return table
