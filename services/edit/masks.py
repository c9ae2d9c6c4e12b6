"""Masks: where an edit works. One form inside, and the forms that providers want.

A mask is 8 bits a pixel, one channel, of the image's size: 255 = edit here, 0 = keep, between
them a soft edge. What was selected is stored as a blob of its own, so that it can be looked at and
used again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Literal, TypeVar

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from PIL import ImageOps
from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.edit.providers.local import LocalMatting
from services.edit.selection import (
    around_point,
    face_places,
    named,
    salient_places,
    text_places,
    understood,
)
from studio.compute import compute
from studio.events import BLOB_PATTERN
from studio.imaging.decode import decode
from studio.imaging.geometry import Box
from studio.imaging.image import FloatArray, Image
from studio.operation import OperationParams, Work
from studio.problems import Refused

Mask = npt.NDArray[np.uint8]
Polarity = Literal["stability", "openai", "ideogram", "imagen", "adobe"]
ParamsT = TypeVar("ParamsT", bound=OperationParams)

_WAYS = ("upload", "box", "point", "words", "subject", "background", "faces", "salient", "text")


class Point(BaseModel):
    """A place in the picture; x to the right and y down, both 0..1 of its size."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    x: float = Field(ge=0, le=1)
    y: float = Field(ge=0, le=1)


class MaskSource(BaseModel):
    """What to edit, in exactly one of these ways, and how its edge is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    upload: str | None = Field(
        default=None,
        pattern=BLOB_PATTERN,
        description="a picture whose white is edited; made as large as the image",
        examples=["sha256:" + "0" * 64],
    )
    box: Box | None = Field(default=None, description="a rectangle, normalised 0..1")
    point: Point | None = Field(default=None, description="what lies there, found by its colours")
    words: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="colours, subject, background, face(s), text, everything",
        examples=["the red cup", "the blue background", "faces", "the caption"],
    )
    subject: Literal[True] | None = Field(default=None, description="what stands out")
    background: Literal[True] | None = Field(default=None, description="all but what stands out")
    faces: Literal[True] | None = Field(default=None, description="every face, as an ellipse")
    salient: Literal[True] | None = Field(
        default=None, description="what draws the eye, coarsely: the weights that crops follow"
    )
    text: Literal[True] | None = Field(
        default=None, description="every line of type, to its letters' soft edges"
    )
    grow: int | None = Field(
        default=None,
        ge=0,
        le=100,
        description="px outwards; null: what the operation needs, for text 0",
    )
    feather: float = Field(default=0, ge=0, le=100, description="softness of the edge, px")

    @model_validator(mode="after")
    def _one_way(self) -> MaskSource:
        given = [way for way in _WAYS if getattr(self, way) is not None]
        if len(given) != 1:
            raise ValueError(
                f"a mask is exactly one of {', '.join(_WAYS)}; given: {', '.join(given) or 'none'}"
            )
        return self

    @property
    def way(self) -> str:
        """Which of the ways it is."""
        return next(way for way in _WAYS if getattr(self, way) is not None)


class SelectingParams(OperationParams):
    """Parameters of an operation that works on what words or a mask select."""

    select: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="what, in words: colours, subject, background, face(s), text, everything",
        examples=["the red cup", "the background"],
    )
    mask: MaskSource | None = Field(default=None, description="what, instead of select")

    @model_validator(mode="after")
    def _selects(self) -> SelectingParams:
        if (self.select is None) == (self.mask is None):
            raise ValueError("give select or mask, and not both")
        return self

    @property
    def source(self) -> MaskSource:
        """What is selected, whichever way it was said."""
        return self.mask or MaskSource(words=self.select)


@dataclass(frozen=True, slots=True)
class Selected:
    """A mask, and what is told about it."""

    mask: Mask  # (h, w), 255 = edit here
    details: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


async def selected(
    source: MaskSource, work: Work[ParamsT], matting: LocalMatting, grow: int = 0
) -> Selected:
    """Find what a mask source means in the work's image, and store the mask.

    grow: px outwards where the source does not say.
    Refused: `edit.mask.no_match` (words, faces, text), `edit.mask.empty`, or what decoding an
    upload finds.
    """
    image = work.needed_image()
    weights, notes = await _weights(source, work, image, matting)
    by = (0 if _is_of_text(source) else grow) if source.grow is None else source.grow
    mask = await compute(_edged, weights, by, source.feather)
    if not mask.any():
        raise Refused(
            rule="edit.mask.empty",
            says="The mask selects nothing: it is black everywhere.",
            fix="White is what is edited; a mask needs some.",
        )
    key = await work.write_blob(await compute(to_png, mask))
    coverage = round(float(mask.mean()) / 255, 4)
    told = {"mask": key, "mask_by": source.way, "mask_coverage": coverage}
    return Selected(mask, told, notes)


def _is_of_text(source: MaskSource) -> bool:
    """Whether letters are meant: these bring their own margin, and more would join them."""
    return bool(source.text) or bool(source.words and understood(source.words).where == "text")


async def _weights(
    source: MaskSource, work: Work[ParamsT], image: Image, matting: LocalMatting
) -> tuple[FloatArray, tuple[str, ...]]:
    """Where the source is, (h, w) float32 0..1, and notes for people."""
    if source.upload:
        return await compute(_uploaded, await work.read_blob(source.upload), image), ()
    if source.words:
        weights, meaning = await compute(named, image, source.words, matting)
        if not meaning.unknown:
            return weights, ()
        names = ", ".join(f"“{word}”" for word in meaning.unknown)
        seen = " or ".join(meaning.colours)
        place = "of the text" if meaning.where == "text" else "on the subject"
        return weights, (f"Nothing here knows {names}: selected is what is {seen} {place}.",)
    if source.point:
        return await compute(around_point, image, source.point.x, source.point.y), ()
    if source.box:
        return _boxed(source.box, image), ()
    if source.faces:
        return await compute(face_places, image), ()
    if source.text:
        return await compute(text_places, image), ()
    if source.salient:
        return _seen(await compute(salient_places, image)), ()
    matte = _seen(await compute(matting.matte, image))
    return matte if source.subject else 1 - matte, ()


def _seen(weights: FloatArray) -> FloatArray:
    """The weights. Refused (`edit.no_subject`) where they are of nothing."""
    if weights.max() < 0.5:
        raise Refused(
            rule="edit.no_subject",
            says="No subject stands out from the background of this picture.",
            fix="Give the mask as a box, a point or an upload.",
        )
    return weights


def _uploaded(data: bytes, image: Image) -> FloatArray:
    """The brightness of an uploaded mask at the image's size; what is transparent is black."""
    grey = decode(data).flattened((0, 0, 0)).convert("L")
    if grey.size != image.pixels.size:
        grey = grey.resize(image.pixels.size, Pillow.Resampling.BILINEAR)
    return np.asarray(grey, np.float32) / np.float32(255)


def _boxed(box: Box, image: Image) -> FloatArray:
    weights = np.zeros((image.height, image.width), np.float32)
    left, top, right, bottom = box.pixels(image.width, image.height)
    weights[top:bottom, left:right] = 1
    return weights


def _edged(weights: FloatArray, grow: int, feather: float) -> Mask:
    """The weights as a mask, grown and feathered, px."""
    if grow:
        inside = (weights >= 0.5).astype(np.uint8)
        beyond = cv2.distanceTransform(1 - inside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        weights = np.maximum(weights, (grow + 1 - beyond).clip(0, 1)) if inside.any() else weights
    if feather:
        weights = np.asarray(cv2.GaussianBlur(weights, (0, 0), feather / 2), np.float32)
    return np.asarray((weights.clip(0, 1) * 255 + 0.5).astype(np.uint8))


def to_png(mask: Mask) -> bytes:
    """The bytes of a mask's file: one channel of 8 bits."""
    file = BytesIO()
    Pillow.fromarray(mask).save(file, "PNG", compress_level=6)
    return file.getvalue()


def to_polarity(mask: Mask, polarity: Polarity) -> Pillow.Image:
    """A mask as a provider wants it.

    stability, imagen, adobe: white = edit (mode L). ideogram: black = edit (mode L).
    openai: alpha 0 = edit (mode RGBA, black).
    """
    picture = Pillow.fromarray(mask)
    if polarity == "ideogram":
        return ImageOps.invert(picture)
    if polarity == "openai":
        clear = Pillow.new("RGBA", picture.size, (0, 0, 0, 255))
        clear.putalpha(ImageOps.invert(picture))
        return clear
    return picture


def from_polarity(picture: Pillow.Image, polarity: Polarity) -> Mask:
    """The mask that `to_polarity` made into a provider's form."""
    if polarity == "openai":
        return np.asarray(ImageOps.invert(picture.getchannel("A")))
    grey = picture.convert("L")
    return np.asarray(ImageOps.invert(grey) if polarity == "ideogram" else grey)
