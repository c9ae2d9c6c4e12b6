"""The local engine: waifu2x (upconv_7, photo) on ncnn, which doubles a picture per pass.

It is a fidelity net: it sharpens what is there and invents nothing (Shi et al., sub-pixel
convolution, CVPR 2016; nagadomi's waifu2x). The picture goes through in tiles that overlap by the
net's receptive field, so no seam shows.

Memory: the source, the doubled picture, 3 bytes a pixel each, and about 170 MB for a tile. The last
pass may overshoot the wanted size by up to 2 ÷ SMALL_REST a side, so a result of 40 MP needs at
most 0.6 GB.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from studio.compute import available_cpus
from studio.imaging.weights import weight_file, weight_files

#: Pixels that the net loses at each edge of its input (seven 3×3 convolutions).
PAD = 7

#: Input pixels of a tile's side. At 256 the activations need about 170 MB.
TILE = 256

#: What remains after a pass may be enlarged by Lanczos up to this factor: it shows no softness
#: there, and saves a pass over four times the pixels.
SMALL_REST = 1.25


class Waifu2x:
    """Doubling passes until little or nothing remains, then Lanczos to the exact size."""

    name = "waifu2x upconv_7 photo"

    @property
    def version(self) -> str:
        """The package that its weights come from."""
        file = weight_files()["waifu2x-photo-bin"]
        return f"{file.distribution} {file.version}"

    def enlarged(self, pixels: Pillow.Image, width: int, height: int) -> Pillow.Image:
        """At exactly that size. Raises Unavailable or Broken if the weights are not in order."""
        while max(width / pixels.width, height / pixels.height) > SMALL_REST:
            pixels = doubled(pixels)
        if pixels.size == (width, height):
            return pixels
        return pixels.resize((width, height), Pillow.Resampling.LANCZOS)


def doubled(pixels: Pillow.Image, tile: int = TILE) -> Pillow.Image:
    """RGB of twice the width and height. Deterministic; 4 to 8 s a megapixel of input on 2 CPUs.

    Raises Unavailable or Broken if the weights are not in order.
    """
    source = np.asarray(pixels, np.uint8)
    height, width = source.shape[:2]
    out = np.empty((height * 2, width * 2, 3), np.uint8)
    for top in range(0, height, tile):
        for left in range(0, width, tile):
            bottom, right = min(top + tile, height), min(left + tile, width)
            rows = _reflected(top - PAD, bottom + PAD, height)
            columns = _reflected(left - PAD, right + PAD, width)
            part = source[rows[:, None], columns]
            out[top * 2 : bottom * 2, left * 2 : right * 2] = _through_the_net(part)
    return Pillow.fromarray(out)


def _reflected(start: int, end: int, size: int) -> npt.NDArray[np.intp]:
    """start..end as indices into 0..size, mirrored at its first and last pixel however often."""
    period = max(1, 2 * (size - 1))
    places = np.arange(start, end) % period
    return np.minimum(places, period - places) if size > 1 else places


def _through_the_net(part: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """(h + 14, w + 14, 3) uint8 in, (2h, 2w, 3) uint8 out."""
    import ncnn

    planes = np.ascontiguousarray(part.transpose(2, 0, 1), dtype=np.float32) / np.float32(255)
    with _net().create_extractor() as extractor:
        extractor.input("Input1", ncnn.Mat(planes).clone())  # a Mat of an array borrows its memory
        failed, result = extractor.extract("Eltwise4")
        if failed:
            raise RuntimeError(f"ncnn could not extract (code {failed})")
        made = np.array(result)
    return (made.transpose(1, 2, 0) * 255 + 0.5).clip(0, 255).astype(np.uint8)


@lru_cache(maxsize=1)
def _net() -> Any:
    import ncnn

    net = ncnn.Net()
    net.opt.use_vulkan_compute = False
    net.opt.num_threads = available_cpus()
    net.load_param(str(weight_file("waifu2x-photo-param")))
    net.load_model(str(weight_file("waifu2x-photo-bin")))
    return net
