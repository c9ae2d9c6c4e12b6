"""Inscriptions: photos of the repository with words drawn on them, whose strokes are known.

A seed chooses the photo, the words, face, size, place, ink and whether the ink is seen through. The
ink is the first, in a chosen order, that stands out by 60 levels from nine tenths of its ground, so
that a person can read it. The result has been through JPEG, as pictures with a stamp have.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import as_file, files
from io import BytesIO

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from studio.imaging.image import Image
from tests.scenes import PHOTOS

_WORDS = (
    "SUMMER SALE", "Grand opening", "2019-07-14", "Fresh coffee every day", "Sample © Photo",
    "Now 50% off", "Made in Lisbon", "HELLO", "Limited edition, only today", "14.07.2019 18:32",
    "New arrivals", "ÄPFEL & BIRNEN",
)  # fmt: skip
_INKS = {
    "white": (255, 255, 255),
    "black": (8, 8, 8),
    "yellow": (255, 220, 40),
    "red": (200, 20, 30),
    "orange": (255, 140, 20),
    "navy": (10, 30, 90),
}
_READ = 60  # levels of luma
_SOFT = 0.7  # opacity of an ink that is seen through
_MARGIN = 5  # px from the edge of the picture


@dataclass(frozen=True, slots=True)
class Inscription:
    """A picture with words, and which pixels are at least half covered by their strokes."""

    words: str
    ink: str
    opacity: float
    image: Image
    strokes: npt.NDArray[np.bool_]


def photos() -> list[tuple[str, Image]]:
    """Every photo of the repository as it is: none has type set on it."""
    return [(path.stem, Image(_opened(str(path)))) for path in sorted(PHOTOS.glob("**/*.jpg"))]


def inscribed(seed: int, opacity: float | None = None) -> Inscription:
    """The same for the same seed. opacity: 0..1; None for one chosen, mostly 1."""
    random = np.random.default_rng(seed)
    paths = sorted(PHOTOS.glob("**/*.jpg"))
    photo = _opened(str(paths[random.integers(len(paths))]))
    by = random.uniform(1, 2.2)
    photo = photo.resize((round(photo.width * by), round(photo.height * by)))
    is_plain = bool(random.random() < 0.4)
    words = str(random.choice(_WORDS))
    font = _fitting(words, photo.height * random.uniform(0.035, 0.14), is_plain, photo.width * 0.9)
    left, top, right, bottom = font.getbbox(words)
    width, height = int(right - left) + 1, int(bottom - top) + 1
    x = int(random.integers(_MARGIN, photo.width - width - _MARGIN))
    y = int(random.integers(_MARGIN, photo.height - height - _MARGIN))
    ground = photo.crop((x, y, x + width, y + height))
    ink = _readable(ground, [str(name) for name in random.permutation(list(_INKS))])
    chosen = float(random.choice([1, 1, 1, _SOFT])) if opacity is None else opacity
    cover = Pillow.new("L", photo.size, 0)
    ImageDraw.Draw(cover).text((x - left, y - top), words, 255, font=font)
    photo.paste(_INKS[ink], (0, 0), cover.point(lambda value: round(value * chosen)))
    file = BytesIO()
    photo.save(file, "JPEG", quality=90)
    drawn = Image(Pillow.open(file).convert("RGB"))
    return Inscription(words, ink, chosen, drawn, np.asarray(cover) >= 128)


@lru_cache
def _opened(path: str) -> Pillow.Image:
    return Pillow.open(path).convert("RGB")


def _fitting(words: str, size: float, is_plain: bool, width: float) -> ImageFont.FreeTypeFont:
    """A face at a size at which the words are no wider than that."""
    with as_file(files("studio.imaging") / "fonts" / "SourceSansPro-Semibold.ttf") as path:
        while True:
            font = ImageFont.load_default(size) if is_plain else ImageFont.truetype(path, size)
            if not isinstance(font, ImageFont.FreeTypeFont):
                raise LookupError("Pillow has no FreeType here")
            if font.getlength(words) <= width:
                return font
            size *= 0.85


def _readable(ground: Pillow.Image, order: list[str]) -> str:
    """The first ink that can be read on a ground, or the one that can be read best."""
    grey = np.asarray(ground.convert("L"), np.float32)

    def apart(name: str) -> float:
        luma = float(np.dot(_INKS[name], (0.299, 0.587, 0.114)))
        return float(np.percentile(np.abs(grey - luma), 10))

    return next((name for name in order if apart(name) > _READ), max(order, key=apart))
