"""Masters: a photograph at 1024², 2048² and 4096² px, as JPEG and as PNG.

The photograph (benchmarks/photos/) is a phone's, 5312 × 2988 px: fine bright hairs before grass
that is out of focus. Its square of 2988 px is shrunk by Lanczos to 1024² and 2048², so that every
pixel of these was seen by the camera, and enlarged to 4096².
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from PIL import Image

_ROOT = Path(__file__).parents[1]
_PHOTO = _ROOT / "benchmarks" / "photos" / "dandelion.jpg"
_LEFT = 232  # px: where the square begins, so that the flower is near its middle
_WARMING = _ROOT / "tests" / "photos" / "astronaut.jpg"
_QUALITY = 92

SIDES = (1024, 2048, 4096)
NAMES = tuple(f"{side}.{kind}" for side in SIDES for kind in ("jpg", "png"))


def warming() -> Path:
    """Another, smaller photograph, for warming up."""
    return _WARMING


def master(name: str, folder: Path) -> Path:
    """The file of a master, such as "2048.jpg"; made if it is not there yet."""
    if name not in NAMES:
        raise ValueError(f"{name!r} is none of {', '.join(NAMES)}")
    file = folder / f"dandelion-{name}"
    if not file.exists():
        pixels = _pixels(int(name.split(".", maxsplit=1)[0]))
        unfinished = file.with_suffix(".new" + file.suffix)
        pixels.save(unfinished, quality=_QUALITY)
        unfinished.rename(file)
    return file


@lru_cache(maxsize=1)
def _pixels(side: int) -> Image.Image:
    with Image.open(_PHOTO) as opened:
        square = opened.crop((_LEFT, 0, _LEFT + opened.height, opened.height))
        return square.convert("RGB").resize((side, side), Image.Resampling.LANCZOS)
