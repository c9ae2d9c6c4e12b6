"""Likeness: how much a file looks like the pixels that it was made of, exactly or for little.

Similarity of the whole picture costs more than writing a JPEG. Most files are far above the floor,
and sixteen tiles, evenly spread, tell that: on the photos of the tests their mean is within 0.004
of the whole's (2026-11-26). What is near the floor is measured whole.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

from PIL import Image as Pillow

from services.optimizer.batch import Encoding
from studio.imaging.decode import decode
from studio.imaging.image import Image
from studio.imaging.similarity import ssim

Rgb = tuple[int, int, int]
Corner = tuple[int, int]  # px

_TILE, _ACROSS = 64, 4  # px of a tile's side; tiles a side
_GRID = 16  # px of a JPEG's blocks with halved chroma: tiles begin where blocks do
_FEW = 2 * (_TILE * _ACROSS) ** 2  # px: smaller pictures are measured whole, it costs the same
_GREY: Rgb = (128, 128, 128)


class Likeness:
    """One picture, and what files of it are held against."""

    def __init__(self, image: Image, background: Rgb) -> None:
        """background: under what is transparent, in files that have no transparency."""
        self._image, self._background = image, background

    def whole(self, data: bytes, encoding: Encoding) -> float:
        """SSIM of luma of a file's every pixel."""
        ground = self._ground(encoding)
        return ssim(self._image.flattened(ground), decode(data).flattened(ground))

    def sampled(self, data: bytes, encoding: Encoding) -> float | None:
        """Mean SSIM of luma of sixteen tiles of 64² px; None if the picture is small.

        A JPEG's blocks know nothing of each other: the tiles are written anew, alone, and give the
        same pixels as the whole file, whose decoding is saved. Other files are decoded.
        """
        if not self._corners:
            return None
        ground = self._ground(encoding)
        wanted = self._tiles.flattened(ground)
        if encoding.media_type == "image/jpeg":
            plain = replace(encoding, progressive=False, effort="fast")
            seen = decode(plain.write(self._tiles)).flattened(ground)
        else:
            seen = _together(decode(data).pixels, self._corners)
            seen = self._image.with_pixels(seen).flattened(ground)
        columns = [(x, 0, x + _TILE, _TILE) for x in range(0, wanted.width, _TILE)]
        return sum(ssim(wanted.crop(one), seen.crop(one)) for one in columns) / len(columns)

    def _ground(self, encoding: Encoding) -> Rgb:
        """What is put under transparency, in the picture and in the file."""
        is_flat = encoding.media_type == "image/jpeg" or not self._image.has_alpha
        return self._background if is_flat else _GREY

    @cached_property
    def _corners(self) -> list[Corner]:
        width, height = self._image.width, self._image.height
        if width * height < _FEW or min(width, height) < _TILE * _ACROSS:
            return []
        return [(x, y) for y in _spread(height) for x in _spread(width)]

    @cached_property
    def _tiles(self) -> Image:
        return self._image.with_pixels(_together(self._image.pixels, self._corners))


def _spread(side: int) -> list[int]:
    """Where tiles begin along a side, px: the middles of its quarters."""
    middles = ((2 * one + 1) * side / (2 * _ACROSS) for one in range(_ACROSS))
    return [int(middle - _TILE / 2) // _GRID * _GRID for middle in middles]


def _together(pixels: Pillow.Image, corners: list[Corner]) -> Pillow.Image:
    """The tiles in a row."""
    row = Pillow.new(pixels.mode, (_TILE * len(corners), _TILE))
    for index, (x, y) in enumerate(corners):
        row.paste(pixels.crop((x, y, x + _TILE, y + _TILE)), (index * _TILE, 0))
    return row
