"""The local engine: a salient-object net that cuts the subject out (U²-Net, Qin et al., 2020)."""

from __future__ import annotations

import numpy as np

from services.edit.holes import without_doubts
from studio.imaging.image import FloatArray, Image
from studio.imaging.saliency import matte as salient_matte
from studio.imaging.weights import weight_files

#: The net is sure below and above these; between them the matte is stretched to 0..1, which
#: removes the veil that it leaves over the background. Chosen by eye on the photos of the tests.
_CLEAR, _OPAQUE = 0.08, 0.88

# Grey behind transparency, as the net's input has it: hidden colours are not seen.
_BEHIND = (128, 128, 128)


class LocalMatting:
    """Mattes from saliency."""

    name = "u2netp"

    @property
    def version(self) -> str:
        """The package that its weights come from."""
        file = weight_files()["u2netp"]
        return f"{file.distribution} {file.version}"

    def matte(self, image: Image) -> FloatArray:
        """(height, width) float32, 0 = background, 1 = subject; all 0 if nothing stands out.

        It tells the subject in what can be seen; an alpha channel is the caller's to apply.
        CPU work. Raises Unavailable or Broken if the weights are not in order.
        """
        matte = salient_matte(image.with_pixels(image.flattened(_BEHIND)))
        matte -= np.float32(_CLEAR)
        matte /= np.float32(_OPAQUE - _CLEAR)
        return without_doubts(np.clip(matte, 0, 1, out=matte))
