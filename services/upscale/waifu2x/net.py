"""Net: the waifu2x nets, what must be known to feed them, and one run.

They sharpen what is there and invent nothing (nagadomi's waifu2x, after Dong et al., SRCNN, 2014).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from studio.compute import available_cpus
from studio.imaging.image import FloatArray
from studio.imaging.loading import loaded_once
from studio.imaging.weights import weight_file, weight_files

#: Values of some of a net's blobs, by their names.
Blobs = Mapping[str, FloatArray]


@dataclass(frozen=True, slots=True)
class Net:
    """One pair of weight files, and what must be known to feed it."""

    id: str  # of its files in weights.yaml: `<id>-bin` and, but for `layers`, `<id>-param`
    title: str
    pad: int  # px that are lost at each edge of the input
    grid: int = 1  # px: a strided layer sees every other one, so tiles must begin on multiples
    tile: int = 96  # px of a tile's side before the last pass
    channels: tuple[str, ...] = ()  # blobs that depend on the whole input
    layers: str = ""  # of another net, whose `<layers>-param` describes this one, too

    @property
    def version(self) -> str:
        """The package that its weights come from."""
        file = weight_files()[f"{self.id}-bin"]
        return f"{file.distribution} {file.version}"


#: Trained on photographs: seven 3×3 convolutions. A tile of 96 needs 120 to 160 MB and takes no
#: more time per pixel than one of 256, which needs 600 MB.
PHOTO = Net("waifu2x-photo", "waifu2x upconv_7 photo", pad=7)

#: The same layers, trained to take noise and the blocks of JPEG away. Measured at ×2 on parts of
#: three photos (2026-11-25), PSNR in dB without, and with levels 1, 2, 3: clean 33.9, 33.9, 33.7,
#: 31.5; JPEG of quality 75 29.3, 30.3, 30.4, 30.4, of quality 25 26.7, 27.7, 27.8, 27.9; grain of a
#: deviation of 12 levels 24.8, 25.4, 25.7, 29.4. So 1 costs nothing, and 3 is for noise alone.
DENOISING = {
    level: Net(
        f"waifu2x-photo-denoise{level}",
        f"waifu2x upconv_7 photo, noise reduction {level}",
        pad=7,
        layers="waifu2x-photo",
    )
    for level in (1, 2, 3)
}

#: Two U-Nets with squeeze-and-excitation (Hu et al., CVPR 2018): a little truer, three times the
#: work. Their two strides see every fourth pixel. A tile of 64 needs 110 to 410 MB.
CUNET = Net(
    "waifu2x-cunet",
    "waifu2x CUNet",
    pad=18,
    grid=4,
    tile=64,
    channels=("Flatten1", "Flatten2", "Flatten3", "Flatten4"),
)


def run(net: Net, values: FloatArray, known: Blobs) -> FloatArray:
    """The doubled picture of a net's input, where the values of some blobs are known.

    values: (h, w, 3), 0..1. Returns (2·(h - 2·pad), 2·(w - 2·pad), 3), which may overshoot 0..1.
    Raises Unavailable or Broken if the weights are not in order.
    """
    [made] = blobs(net, values, ("Eltwise4",), known)
    return made.transpose(1, 2, 0)


def blobs(
    net: Net, values: FloatArray, wanted: tuple[str, ...], known: Blobs | None = None
) -> list[FloatArray]:
    """Blobs that a net computes for (h, w, 3) values, 0..1. Raises as `run` does."""
    import ncnn

    planes = np.ascontiguousarray(values.transpose(2, 0, 1), np.float32)
    with _loaded(net).create_extractor() as extractor:
        extractor.input("Input1", ncnn.Mat(planes).clone())  # a Mat of an array borrows its memory
        for name, value in (known or {}).items():
            extractor.input(name, ncnn.Mat(value).clone())
        return [_extracted(extractor, name) for name in wanted]


def _extracted(extractor: Any, name: str) -> FloatArray:
    failed, found = extractor.extract(name)
    if failed:
        raise RuntimeError(f"ncnn could not extract {name} (code {failed})")
    return np.array(found, np.float32)


@loaded_once
def _loaded(net: Net) -> Any:
    import ncnn

    loaded = ncnn.Net()
    loaded.opt.use_vulkan_compute = False
    loaded.opt.num_threads = available_cpus()
    loaded.load_param(str(weight_file(f"{net.layers or net.id}-param")))
    loaded.load_model(str(weight_file(f"{net.id}-bin")))
    return loaded
