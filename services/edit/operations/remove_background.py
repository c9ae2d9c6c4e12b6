"""`edit.remove_background`: isolate the subject; the background becomes transparent."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image as Pillow
from pydantic import Field

from services.edit.providers.local import ENGINE, LocalMatting, foreground
from studio.compute import compute
from studio.imaging.facts import ImageFacts
from studio.imaging.image import FloatArray, Image
from studio.operation import Failure, Operation, OperationParams, Output, Work
from studio.problems import Refused

#: A subject smaller than this fraction of the picture is dust.
_LEAST_COVERAGE = 0.002


class Params(OperationParams):
    """How its edge is."""

    feather: float = Field(default=0, ge=0, le=16, description="softness of the edge, px")


class RemoveBackground(Operation[Params]):
    """Matte, colours of the edge, alpha."""

    name = "edit.remove_background"
    summary = "Isolate the subject; the background becomes transparent."

    def __init__(self, local: LocalMatting) -> None:
        self._local = local

    def forecast(self, image: ImageFacts | None, params: Params) -> Sequence[ImageFacts]:
        """The same size, as PNG with alpha."""
        return [image.with_(alpha=True, media_type="image/png")] if image else []

    async def run(self, work: Work[Params]) -> Sequence[Output | Failure]:
        """Refused (`edit.no_subject`) where nothing stands out."""
        image = work.needed_image()
        matte = await compute(self._local.matte, image)
        coverage = float(matte.mean())
        if coverage < _LEAST_COVERAGE:
            raise Refused(
                rule="edit.no_subject",
                says="No subject stands out from the background of this picture.",
                fix="Use a picture with one clear subject, or crop to it first.",
            )
        cut = await compute(_cut, image, matte, work.params.feather)
        return [Output(image=cut, details={"coverage": round(coverage, 4), "engine": ENGINE})]


def _cut(image: Image, matte: FloatArray, feather: float) -> Image:
    if feather > 0:
        matte = np.asarray(cv2.GaussianBlur(matte, (0, 0), feather / 2), np.float32)
    colours = np.asarray(image.pixels.convert("RGB"), np.float32) / np.float32(255)
    clean = foreground(colours, matte)
    opaque = (matte > 0.999)[..., None]
    kept = np.where(opaque, colours, clean)  # what is fully inside keeps its exact colours
    pixels = Pillow.fromarray((kept * 255 + 0.5).astype(np.uint8))
    if image.has_alpha:
        matte = matte * (np.asarray(image.pixels.getchannel("A"), np.float32) / np.float32(255))
    return image.with_pixels(pixels).with_alpha(matte)
