"""`edit.remove_background`: isolate the subject; the background becomes transparent."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image as Pillow
from pydantic import Field

from services.edit.foreground import foreground
from services.edit.providers.local import LocalMatting
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
    limits = ("something must stand out from the background",)

    def __init__(self, local: LocalMatting) -> None:
        self._local = local

    def forecast(self, image: ImageFacts | None, params: Params) -> Sequence[ImageFacts]:
        """The same size, as PNG with alpha."""
        return [image.with_(alpha=True, media_type="image/png")] if image else []

    async def run(self, work: Work[Params]) -> Sequence[Output | Failure]:
        """Refused (`edit.no_subject`) where nothing stands out.

        `details.coverage` is the share of the picture that stays, soft edges counted in part.
        """
        image = work.needed_image()
        matte = await compute(self._local.matte, image)
        cut = await compute(_cut, image, matte, work.params.feather)
        coverage = await compute(_coverage, cut)
        if coverage < _LEAST_COVERAGE:
            raise Refused(
                rule="edit.no_subject",
                says="No subject stands out from the background of this picture.",
                fix="Use a picture with one clear subject, or crop to it first.",
            )
        details = {
            "coverage": round(coverage, 4),
            "engine": self._local.name,
            "engine_version": self._local.version,
        }
        return [Output(image=cut, details=details)]


def _cut(image: Image, matte: FloatArray, feather: float) -> Image:
    """The subject with its own colours; an alpha channel that was there is multiplied, once."""
    if feather > 0:
        matte = np.asarray(cv2.GaussianBlur(matte, (0, 0), feather / 2), np.float32)
    colours = Pillow.fromarray(foreground(np.asarray(image.pixels.convert("RGB")), matte))
    if image.has_alpha:
        colours.putalpha(image.pixels.getchannel("A"))
    return image.with_pixels(colours).with_alpha(matte)


def _coverage(image: Image) -> float:
    return float(np.asarray(image.pixels.getchannel("A")).mean()) / 255
