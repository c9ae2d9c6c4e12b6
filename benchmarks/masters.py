"""Masters: photographs of 1024², 2048² and 4096² px, made from the one that ships with the tests.

No photograph of that size may be shipped, so a real one (tests/photos/astronaut.jpg, 512²) is
enlarged by Lanczos and given what enlarging lacks: the grain of a sensor, drawn with a fixed seed
at the master's own scale. It is blurred a little, as demosaicing does; without it, encoders and
resizers would see an unnaturally smooth picture. Its strength is that of ISO 400 to 800 on an
APS-C sensor, about 1 % of full scale.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

_PHOTO = Path(__file__).parents[1] / "tests" / "photos" / "astronaut.jpg"
_SEED = 20_261_124
_LUMA, _CHROMA = 6.0, 2.0  # standard deviations before the blur, of 255; 2.8 and 0.9 after it
_BLUR = 0.6  # px, sigma
_QUALITY = 92

SIDES = (1024, 2048, 4096)
NAMES = tuple(f"{side}.{kind}" for side in SIDES for kind in ("jpg", "png"))


def photo() -> Path:
    """The real photograph, used for warming up."""
    return _PHOTO


def master(name: str, folder: Path) -> Path:
    """The file of a master, such as "2048.jpg"; made if it is not there yet."""
    if name not in NAMES:
        raise ValueError(f"{name!r} is none of {', '.join(NAMES)}")
    file = folder / name
    if not file.exists():
        pixels = _pixels(int(name.split(".", maxsplit=1)[0]))
        unfinished = file.with_suffix(".new" + file.suffix)
        pixels.save(unfinished, quality=_QUALITY)
        unfinished.rename(file)
    return file


@lru_cache(maxsize=1)
def _pixels(side: int) -> Image.Image:
    with Image.open(_PHOTO) as opened:
        smooth = opened.convert("RGB").resize((side, side), Image.Resampling.LANCZOS)
    random = np.random.default_rng(_SEED)
    luma = random.normal(0, _LUMA, (side, side, 1)).astype(np.float32)
    chroma = random.normal(0, _CHROMA, (side, side, 3)).astype(np.float32)
    grain = cv2.GaussianBlur(luma + chroma, (0, 0), _BLUR)
    grainy = np.asarray(smooth, np.float32) + grain
    return Image.fromarray(np.clip(np.rint(grainy), 0, 255).astype(np.uint8))
