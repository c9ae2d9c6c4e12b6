"""Pictures for the imaging tests, made here so that every property of theirs is known."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from studio.imaging.image import Image

PHOTOS = Path(__file__).parents[2] / "photos"


def gradient(width: int = 64, height: int = 48) -> Pillow.Image:
    """Smooth colours, different in every corner."""
    x = np.linspace(0, 255, width)[None].repeat(height, 0)
    y = np.linspace(0, 255, height)[:, None].repeat(width, 1)
    return Pillow.fromarray(np.dstack([x, y, 255 - x]).astype(np.uint8))


@pytest.fixture
def picture() -> Pillow.Image:
    return gradient()


@pytest.fixture
def see_through() -> Pillow.Image:
    """The gradient, its left half clear."""
    pixels = gradient()
    alpha = Pillow.new("L", pixels.size, 255)
    alpha.paste(0, (0, 0, 32, 48))
    pixels.putalpha(alpha)
    return pixels


@pytest.fixture
def saved() -> Callable[..., bytes]:
    """Pillow's bytes of a picture: saved(picture, "JPEG", quality=90)."""

    def save(pixels: Pillow.Image, form: str, **settings: Any) -> bytes:
        file = BytesIO()
        pixels.save(file, form, **settings)
        return file.getvalue()

    return save


@pytest.fixture
def photo() -> Callable[[str], Image]:
    """A photo of tests/photos by name, RGB."""

    def read(name: str) -> Image:
        return Image(Pillow.open(PHOTOS / f"{name}.jpg").convert("RGB"))

    return read
