"""Bands: a filter over a large picture in place, a few rows at a time."""

from __future__ import annotations

from collections.abc import Callable

from PIL import Image as Pillow

#: Pixels of a band without its margins: 4 MB for each plane of floats.
_BAND = 1_000_000


def filter_in_bands(
    pixels: Pillow.Image,
    reach: int,
    changed: Callable[[Pillow.Image, int], Pillow.Image],
    rows: int | None = None,
) -> None:
    """Replace the pixels by what `changed` makes of them, band by band.

    reach:   rows above and below that a filtered row depends on; with as many given, the result is
             that of one band.
    changed: from a band, with its margins, and the number of its first row, to one of its size.
    rows:    of a band without its margins; as many as 1 MP has, if None.
    Memory: one band, not a second picture: rows that are yet needed are kept from before they
    were replaced.
    """
    width, height = pixels.size
    rows = rows or max(1, _BAND // width)
    above = pixels.crop((0, 0, width, 0))  # the rows before the band, as they were
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        band = Pillow.new(pixels.mode, (width, min(bottom + reach, height) - top + above.height))
        band.paste(above, (0, 0))
        band.paste(pixels.crop((0, top, width, min(bottom + reach, height))), (0, above.height))
        made = changed(band, top - above.height)
        kept = above.height + bottom - top
        pixels.paste(made.crop((0, above.height, width, kept)), (0, top))
        above = band.crop((0, max(0, kept - reach), width, kept))
