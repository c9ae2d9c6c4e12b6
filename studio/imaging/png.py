"""PNG, written fast: one filter for all rows, and libdeflate.

Pillow tries all five filters on every row and deflates with zlib: ten times the time for about the
same bytes. Here a sample of the rows decides between three filters: "average" is best for most
photographs, "up" for smooth ones, none for flat art. (2026-11-25, twenty renditions of a photo,
19 Mpx, libdeflate level 1: average 27.0 MB in 0.41 s, up 28.1 MB in 0.41 s, Paeth 27.5 MB in
0.98 s; level 6 saves 4 % for three times the time.) PNG 3rd edition (W3C, 2025) says what the
chunks mean.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from zlib import crc32

import deflate
import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPE = {"RGB": 2, "RGBA": 6, "P": 3}
_NONE, _UP, _AVERAGE = 0, 2, 3  # filter types, 9.2
_BAND = 256  # rows that are copied out of Pillow at a time, so that no second picture is held
#: The sample: so many strips, evenly spread, of so many rows.
_STRIPS, _STRIP = 4, 9
#: A picture whose sample shrinks to less than this is flat art, where searching pays.
_FLAT = 0.25

Bytes = npt.NDArray[np.uint8]
Filter = Callable[[Bytes, Bytes, int], Bytes]  # rows, the rows above them, bytes a pixel


def write_png(
    pixels: Pillow.Image,
    level: int,
    *,
    flat_level: int | None = None,
    xmp: bytes = b"",
    palette: bool = False,
) -> bytes:
    """The bytes of an sRGB PNG file, lossless.

    pixels:     mode RGB or RGBA.
    level:      libdeflate's, 1 (fastest) to 12; 0 stores.
    flat_level: the level for flat art, which gains more by it and takes less time; null: the same.
    xmp:        a packet to carry, or nothing.
    palette:    look for 256 colours or fewer, and index them if that is all there are.
    """
    flat_level = level if flat_level is None else flat_level
    indexed = _indexed(pixels) if palette else None
    if indexed is None:
        kind, share = _best_filter(pixels) if level else (_NONE, 1.0)
        level = flat_level if share < _FLAT else level
        rows, depth, colours, mode = _filtered(pixels, kind), 8, b"", pixels.mode
    else:
        rows, depth, colours = indexed
        mode, level = "P", flat_level
    head = struct.pack(">IIBBBBB", *pixels.size, depth, _COLOUR_TYPE[mode], 0, 0, 0)
    chunks = [_chunk(b"IHDR", head), _chunk(b"sRGB", b"\0")]  # perceptual intent, 11.3.2.5
    if xmp:
        chunks.append(_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp))
    chunks.append(colours)
    chunks.append(_chunk(b"IDAT", deflate.zlib_compress(rows, level)))
    return b"".join([_SIGNATURE, *chunks, _chunk(b"IEND", b"")])


def _chunk(kind: bytes, data: bytes | bytearray) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc32(data, crc32(kind)))


def _best_filter(pixels: Pillow.Image) -> tuple[int, float]:
    """The filter under which a sample of the rows deflates best, and to what part of its bytes."""
    height = pixels.height
    tops = {round(index * max(0, height - _STRIP) / (_STRIPS - 1)) for index in range(_STRIPS)}
    strips = [_rows(pixels, top, min(top + _STRIP, height)) for top in sorted(tops)]
    each = len(pixels.mode)

    def deflated(kind: int) -> int:
        rows = [_FILTERS[kind](strip[1:], strip[:-1], each) for strip in strips if len(strip) > 1]
        return len(deflate.zlib_compress(b"".join(one.tobytes() for one in rows), 1))

    raw = sum(strip[1:].size for strip in strips)
    if raw == 0:  # a single row has nothing above it
        return _NONE, 1.0
    size, kind = min((deflated(kind), kind) for kind in _FILTERS)
    return kind, size / raw


def _filtered(pixels: Pillow.Image, kind: int) -> Bytes:
    """All rows with one filter: (height, 1 + width × channels) bytes."""
    width, height = pixels.size
    each = len(pixels.mode)
    rows = np.empty((height, 1 + width * each), np.uint8)
    rows[:, 0] = kind
    above = np.zeros((1, width * each), np.uint8)
    for top in range(0, height, _BAND):
        bottom = min(top + _BAND, height)
        band = _rows(pixels, top, bottom)
        rows[top:bottom, 1:] = _FILTERS[kind](band, np.concatenate([above, band[:-1]]), each)
        above = band[-1:]
    return rows


def _rows(pixels: Pillow.Image, top: int, bottom: int) -> Bytes:
    return np.asarray(pixels.crop((0, top, pixels.width, bottom))).reshape(bottom - top, -1)


def _as_they_are(rows: Bytes, above: Bytes, each: int) -> Bytes:
    return rows


def _less_above(rows: Bytes, above: Bytes, each: int) -> Bytes:
    return rows - above


def _less_average(rows: Bytes, above: Bytes, each: int) -> Bytes:
    """Less the mean of left and above, rounded down (9.2): a + b is 2(a & b) + (a ^ b)."""
    left = np.zeros_like(rows)
    left[:, each:] = rows[:, :-each]
    shared = left & above
    np.bitwise_xor(left, above, out=left)
    left >>= 1
    left += shared
    return np.subtract(rows, left, out=left)


_FILTERS: dict[int, Filter] = {_NONE: _as_they_are, _UP: _less_above, _AVERAGE: _less_average}


def _indexed(pixels: Pillow.Image) -> tuple[Bytes, int, bytes] | None:
    """Unfiltered rows of indices, bits per index, and the palette's chunks; None above 256 colours.

    Filters make indices worse (12.7), so there is none.
    """
    found = pixels.getcolors(256)
    if found is None:
        return None
    # Clear colours first: tRNS may then end where all others are opaque.
    colours = sorted((bytes(colour) for _, colour in found), key=lambda one: one[3:] + one[:3])  # type: ignore[arg-type]
    depth = next(bits for bits in (1, 2, 4, 8) if len(colours) <= 1 << bits)
    packed = _packed(np.array([list(one) for one in colours], np.uint8)[None])[0]
    order = np.argsort(packed)
    width, height = pixels.size
    per_byte = 8 // depth
    rows = np.zeros((height, 1 + -(-width // per_byte)), np.uint8)
    for top in range(0, height, _BAND):
        band = _packed(np.asarray(pixels.crop((0, top, width, min(top + _BAND, height)))))
        indices = order[np.searchsorted(packed, band, sorter=order)].astype(np.uint8)
        rows[top : top + _BAND, 1:] = _squeezed(indices, depth)
    chunks = _chunk(b"PLTE", b"".join(one[:3] for one in colours))
    if pixels.mode == "RGBA":
        alphas = bytes(one[3] for one in colours).rstrip(b"\xff")
        chunks += _chunk(b"tRNS", alphas) if alphas else b""
    return rows, depth, chunks


def _packed(colours: Bytes) -> npt.NDArray[np.uint32]:
    """(h, w, 3 or 4) bytes as one number a colour."""
    wide = colours.astype(np.uint32)
    packed = wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]
    if colours.shape[-1] == len("RGBA"):
        packed |= wide[..., 3] << 24
    return np.asarray(packed, np.uint32)


def _squeezed(indices: Bytes, depth: int) -> Bytes:
    """Several indices to a byte, leftmost in the high bits (7.2)."""
    per_byte = 8 // depth
    height, width = indices.shape
    padded = np.zeros((height, -(-width // per_byte) * per_byte), np.uint8)
    padded[:, :width] = indices
    parts = padded.reshape(height, -1, per_byte)
    shifts = np.arange(per_byte - 1, -1, -1, dtype=np.uint8) * np.uint8(depth)
    return np.asarray(np.bitwise_or.reduce(parts << shifts, axis=2), np.uint8)
