"""Likeness: how much a file looks like the pixels that it was made of, exactly or for little.

Similarity of the whole picture costs more than writing a JPEG. Most files are far above the floor,
and sixteen tiles, evenly spread, tell that: on the photos of the tests their mean is within 0.004
of the whole's (2026-11-26). What is near the floor is measured whole, and so is a picture that has
more of the fine texture that files lose first than its tiles have.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from services.optimizer.batch import Encoding
from studio.imaging.decode import decode
from studio.imaging.image import FloatArray, Image
from studio.imaging.similarity import luma, ssim, ssim_of_luma

Bytes = npt.NDArray[np.uint8]
Rgb = tuple[int, int, int]
Corner = tuple[int, int]  # px

_TILE, _ACROSS = 64, 4  # px of a tile's side; tiles a side
_GRID = 16  # px of a JPEG's blocks with halved chroma: tiles begin where blocks do
_FEW = 2 * (_TILE * _ACROSS) ** 2  # px: smaller pictures are measured whole, it costs the same
_GREY: Rgb = (128, 128, 128)

_PLACE = 16  # px of a side; every fourth row of it is looked at
# The variance, in levels, of places with the texture that files lose first.
_FINE = (1.5**2, 40.0**2)
_FAIR = 0.15  # of all places: more of them in the whole than in its tiles, and these tell too much


class Original:
    """The pixels of one rendition, and what files of it are held against."""

    def __init__(self, image: Image, background: Rgb) -> None:
        """background: under what is transparent, in files that have no transparency."""
        self.image, self._background = image, background
        self._fair: dict[Rgb, bool] = {}

    @cached_property
    def flat(self) -> Bytes:
        """(height, width, 3) uint8: its pixels on the background."""
        return np.asarray(self.image.flattened(self._background))

    def whole(self, data: bytes, encoding: Encoding) -> float:
        """SSIM of luma of a file's every pixel."""
        ground = self._ground(encoding)
        return ssim(self.image.flattened(ground), decode(data).flattened(ground))

    def sampled(self, data: bytes, encoding: Encoding) -> float | None:
        """Mean SSIM of luma of sixteen tiles of 64² px; None if the picture is small, or its tiles
        are not like the rest of it.

        A JPEG's blocks know nothing of each other: the tiles are written anew, alone, and give the
        same pixels as the whole file, whose decoding is saved. Other files are decoded.
        """
        ground = self._ground(encoding)
        if not self._corners or not self._is_fair(ground):
            return None
        if encoding.media_type == "image/jpeg":
            plain = replace(encoding, progressive=False, effort="fast")
            seen = decode(plain.write(self._tiles))
        else:
            seen = self.image.with_pixels(_together(decode(data).pixels, self._corners))
        return ssim_of_luma(*(_apart(one.flattened(ground)) for one in (self._tiles, seen)))

    def colour_error(self, data: bytes) -> float:
        """The mean difference of a file's colours to the picture's where it is seen; 0..255."""
        seen = np.asarray(decode(data).flattened(self._background))
        apart = cv2.absdiff(seen, self.flat).mean(axis=2)
        if self.image.has_alpha:
            apart = apart[np.asarray(self.image.pixels.getchannel("A")) > 0]
        return float(apart.mean()) if apart.size else 0.0

    def _ground(self, encoding: Encoding) -> Rgb:
        """What is put under transparency, in the picture and in the file."""
        is_flat = encoding.media_type == "image/jpeg" or not self.image.has_alpha
        return self._background if is_flat else _GREY

    @cached_property
    def _corners(self) -> list[Corner]:
        width, height = self.image.width, self.image.height
        if width * height < _FEW or min(width, height) < _TILE * _ACROSS:
            return []
        return [(x, y) for y in _spread(height) for x in _spread(width)]

    def _is_fair(self, ground: Rgb) -> bool:
        """Whether the tiles have as much fine texture as the whole: up to 0.08 less on photos."""
        if ground not in self._fair:
            whole = self.flat if ground == self._background else self.image.flattened(ground)
            tiles = self._tiles.flattened(ground)
            less = _texture(np.asarray(whole)) - _texture(np.asarray(tiles))
            self._fair[ground] = less <= _FAIR
        return self._fair[ground]

    @cached_property
    def _tiles(self) -> Image:
        return self.image.with_pixels(_together(self.image.pixels, self._corners))


def _spread(side: int) -> list[int]:
    """Where tiles begin along a side, px: the middles of its quarters."""
    middles = ((2 * one + 1) * side / (2 * _ACROSS) for one in range(_ACROSS))
    return [int(middle - _TILE / 2) // _GRID * _GRID for middle in middles]


def _texture(pixels: Bytes) -> float:
    """The part of places, 0..1, that are neither flat nor of strong edges."""
    rows = np.ascontiguousarray(pixels[::4])
    grey = cv2.cvtColor(rows, cv2.COLOR_RGB2GRAY).astype(np.float32)
    size = max(1, grey.shape[1] // _PLACE), max(1, grey.shape[0] // (_PLACE // 4))
    mean, square = (
        cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in (grey, grey * grey)
    )
    variance = square - mean * mean
    return float(((variance >= _FINE[0]) & (variance <= _FINE[1])).mean())


def _together(pixels: Pillow.Image, corners: list[Corner]) -> Pillow.Image:
    """The tiles in a row."""
    row = Pillow.new(pixels.mode, (_TILE * len(corners), _TILE))
    for index, (x, y) in enumerate(corners):
        row.paste(pixels.crop((x, y, x + _TILE, y + _TILE)), (index * _TILE, 0))
    return row


def _apart(row: Pillow.Image) -> FloatArray:
    """The luma of a row of tiles, a tile a channel: (64, 64, n)."""
    tiles = luma(row).reshape(_TILE, -1, _TILE)
    return np.ascontiguousarray(tiles.transpose(0, 2, 1))
