"""Focus: what in a picture matters, found once and used for every crop of it."""

from __future__ import annotations

import zlib
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from pydantic import BaseModel, ConfigDict, Field

from services.optimizer.crop import kept_weight
from services.optimizer.words import blocks
from studio.imaging.faces import Face, faces, head
from studio.imaging.geometry import Box
from studio.imaging.image import FloatArray, Image
from studio.imaging.saliency import glance
from studio.imaging.textlines import large_lines
from studio.problems import Broken, Unavailable

#: Faces together weigh this much of everything else that stands out.
_FACES_WEIGHT = 1.5
#: A place belongs to the subject from this fraction of the greatest weight on.
_SUBJECT_FROM = 0.4
#: A "subject" larger than this fraction of the picture is the scene itself: no safe zone holds it.
_SUBJECT_AT_MOST = 0.45
#: A head larger than this fraction of the picture's longer side is what the picture is about:
#: someone who is shown whole has a head of an eighth.
_PORTRAIT = 0.08
#: A picture that is opaque in less than this part is a cut-out.
_CUT_OUT = 0.98
#: A box counts as cut from this fraction of the picture's side on; less is rounding.
_GRAZED = 0.005
#: Places above this fraction of the greatest weight stand out, if they fill enough of the picture.
_STANDS_OUT, _SMALLEST, _FEW_PLACES = 0.5, 0.002, 64
#: Places a side that are kept: windows are found to a fraction of one.
_SIDE = 96

#: Changes when looking again would find something else; what was found before is then not used.
FOCUS_VERSION = "2026-11-26.2"

RegionKind = Literal["face", "given", "subject", "text", "salient"]


class Region(BaseModel):
    """A part of the picture that matters, and how it was found."""

    model_config = ConfigDict(frozen=True)

    kind: RegionKind
    box: Box
    weight: float = Field(ge=0, le=1, description="its part of all focal weight")
    score: float = Field(ge=0, le=1, description="how sure the detector is")
    detector: str


class Detector(BaseModel):
    """Who looked."""

    model_config = ConfigDict(frozen=True)

    name: str
    version: str


_U2NETP = Detector(name="u2netp", version="2020, third map, 224 px")
_SPECTRAL = Detector(name="spectral residual (Hou & Zhang)", version="2007")
_BLAZEFACE = Detector(name="BlazeFace short-range", version="mediapipe 0.10.21")
_TYPE = Detector(name="text lines", version="1, 448 px")
_CENTRE = Detector(name="centre", version="1")


@dataclass(frozen=True, slots=True)
class Focus:
    """What matters in a picture: found once, kept as a document, used for every crop.

    weights: (h, w) float32, 0..1 in steps of 1/255, the longer side at most 96.
    regions: faces, given regions, the opaque part of a cut-out, large words, and what stands out.
    """

    weights: FloatArray
    regions: tuple[Region, ...]
    detectors: tuple[Detector, ...]
    notes: tuple[str, ...] = ()

    @property
    def subject(self) -> npt.NDArray[np.bool_]:
        """(h, w), what should lie in the safe zone; empty where there is none.

        Nor is there where it fills the picture: that is a scene.
        """
        found = self.weights >= _SUBJECT_FROM * self.weights.max()
        is_scene = self.cut_out is None and found.mean() > _SUBJECT_AT_MOST
        is_scene |= self.is_guess and not self.keep
        return np.zeros_like(found) if is_scene else found

    @property
    def cut_out(self) -> Box | None:
        """Around the opaque part, if the picture is a cut-out."""
        return next((one.box for one in self.regions if one.kind == "subject"), None)

    @property
    def portrait(self) -> Box | None:
        """The head, if the picture is of one person: nobody else, and nothing cut out or named."""
        whole = [one for one in self.regions if one.kind not in ("salient", "text")]
        if [one.kind for one in whole] != ["face"]:
            return None
        shown = head(whole[0].box)
        return shown if max(shown.width, shown.height) >= _PORTRAIT else None

    @property
    def is_guess(self) -> bool:
        """Whether nothing stood out, or no more than contrast: weight that is cut proves little."""
        return any(one in (_SPECTRAL, _CENTRE) for one in self.detectors)

    @property
    def keep(self) -> list[Box]:
        """What must not be cut: heads, cut-outs, and what the user named.

        Faces are named beside their heads: where a head must be cut, its face still decides where.
        """
        named = [one for one in self.regions if one.kind not in ("salient", "text")]
        heads = [head(one.box) for one in named if one.kind == "face"]
        return heads + [one.box for one in named]

    @property
    def words(self) -> list[Box]:
        """What is written, in blocks: cut only where a head would be cut else."""
        return [one.box for one in self.regions if one.kind == "text"]

    def cut_by(self, window: Box, *, words: bool = True) -> str | None:
        """What must not be cut, but is by a window, in words such as "the whole head".

        words: whether what is written counts, too.
        """
        of_kind: dict[RegionKind, list[Box]] = {"face": [], "given": [], "subject": [], "text": []}
        for one in self.regions:
            of_kind.get(one.kind, []).append(one.box)
        faces, given = of_kind["face"], of_kind["given"]
        if _is_any_cut(faces, window):
            return _counted(faces, "the whole face", "faces")
        if _is_any_cut([head(one) for one in faces], window):
            return _counted(faces, "the whole head", "heads")
        if _is_any_cut(given, window):
            return _counted(given, "the region that was named", "regions that were named")
        if _is_any_cut(of_kind["subject"], window):
            return "the whole cut-out"
        return "all the words" if words and _is_any_cut(of_kind["text"], window) else None

    def as_document(self) -> dict[str, Any]:
        """JSON of a few kilobytes; `from_document` gives the same focus back."""
        grid = np.round(self.weights * 255).astype(np.uint8)
        return {
            "version": FOCUS_VERSION,
            "shape": list(grid.shape),
            "weights": b64encode(zlib.compress(grid.tobytes(), 9)).decode("ascii"),
            "regions": [one.model_dump() for one in self.regions],
            "detectors": [one.model_dump() for one in self.detectors],
            "notes": list(self.notes),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Focus:
        """The focus that `as_document` was called on."""
        raw = zlib.decompress(b64decode(document["weights"]))
        grid = np.frombuffer(raw, np.uint8).reshape(document["shape"])
        return cls(
            weights=grid.astype(np.float32) / np.float32(255),
            regions=tuple(Region.model_validate(one) for one in document["regions"]),
            detectors=tuple(Detector.model_validate(one) for one in document["detectors"]),
            notes=tuple(document["notes"]),
        )


def find_focus(image: Image, given: Sequence[Box] = ()) -> Focus:
    """Look at a picture. CPU work of about 0.2 s; call it through `compute`.

    Regions that are given count alone: whoever names them knows better.
    """
    notes: list[str] = []
    marked: list[tuple[RegionKind, Box, float, str]]
    if given:
        detectors = [Detector(name="given", version="1")]
        marked = [("given", box, 1.0, "given") for box in given]
        base = _blank(image)
    else:
        base, detectors = _seen(image, notes)
        marked = _marked(image, detectors, notes)
    heavy = [
        head(box) if kind == "face" else box
        for kind, box, _, _ in marked
        if kind in ("face", "given")
    ]
    weights = _coarse(_weighted(base, heavy))
    marked += [("salient", box, 1.0, detectors[0].name) for box in _standing_out(base, given)]
    regions = tuple(
        Region(
            kind=kind,
            box=box,
            weight=round(kept_weight(weights, box), 4),
            score=min(1.0, score),
            detector=name,
        )
        for kind, box, score, name in marked
    )
    return Focus(weights, regions, tuple(detectors), tuple(notes))


def _seen(image: Image, notes: list[str]) -> tuple[FloatArray, list[Detector]]:
    """Weights from the picture alone: a cut-out is its own subject, else what draws the eye."""
    if image.has_alpha:
        alpha = image.pixels.getchannel("A")
        small = alpha.resize(_blank(image).shape[::-1], Pillow.Resampling.BOX)
        opaque = np.asarray(small, np.float32) / np.float32(255)
        if 0 < opaque.mean() < _CUT_OUT:
            return opaque, [Detector(name="alpha", version="1")]
    return _salient(image, notes)


def _marked(
    image: Image, detectors: list[Detector], notes: list[str]
) -> list[tuple[RegionKind, Box, float, str]]:
    marked: list[tuple[RegionKind, Box, float, str]] = []
    if detectors[0].name == "alpha":
        solid = image.pixels.getchannel("A").point(lambda value: 255 if value >= 128 else 0)
        if edges := solid.getbbox():
            box = Box.clipped(
                edges[0] / image.width,
                edges[1] / image.height,
                edges[2] / image.width,
                edges[3] / image.height,
            )
            marked += [("subject", box, 1.0, "alpha")] if box else []
    if found := _faces(image, notes):
        detectors.append(_BLAZEFACE)
        marked += [("face", one.box, one.score, _BLAZEFACE.name) for one in found]
    if found_words := blocks(large_lines(image)):
        detectors.append(_TYPE)
        marked += [("text", box, 1.0, _TYPE.name) for box in found_words]
    return marked


def _standing_out(base: FloatArray, given: Sequence[Box]) -> list[Box]:
    """Boxes of connected places over half of the greatest weight, the largest five."""
    if given or base.size < _FEW_PLACES:
        return []
    high = (base > _STANDS_OUT * base.max()).astype(np.uint8)
    count, _, stats, _ = cv2.connectedComponentsWithStats(high, connectivity=8)
    height, width = base.shape
    found = sorted(stats[1:count].tolist(), key=lambda one: -one[cv2.CC_STAT_AREA])[:5]
    boxes = (
        Box.clipped(x / width, y / height, (x + w) / width, (y + h) / height)
        for x, y, w, h, area in found
        if area >= _SMALLEST * base.size
    )
    return [box for box in boxes if box]


def _coarse(weights: FloatArray) -> FloatArray:
    """At most 96 places a side, 0..1 in 255 steps: what is kept is what is used."""
    scale = min(1.0, _SIDE / max(weights.shape))
    size = max(1, round(weights.shape[1] * scale)), max(1, round(weights.shape[0] * scale))
    small = cv2.resize(weights, size, interpolation=cv2.INTER_AREA)
    small = np.asarray(small, np.float32).reshape(size[::-1])
    steps = np.round(small * (255 / max(float(small.max()), 1e-12)))
    return np.asarray(steps / 255, np.float32)


def _salient(image: Image, notes: list[str]) -> tuple[FloatArray, list[Detector]]:
    try:
        found = glance(image)
        detector = _U2NETP
    except (Unavailable, Broken) as missing:
        notes.append(f"Saliency fell back to the spectral residual: {missing.says}")
        found, detector = _spectral_residual(image), _SPECTRAL
    if float(found.max()) < 1e-6:
        notes.append("Nothing stands out; the centre counts.")
        return _central(found.shape), [_CENTRE]
    return found, [detector]


def _faces(image: Image, notes: list[str]) -> list[Face]:
    try:
        return faces(image)
    except (Unavailable, Broken) as missing:
        notes.append(f"Faces were not looked for: {missing.says}")
        return []


def _weighted(base: FloatArray, boxes: Sequence[Box]) -> FloatArray:
    """Base weights plus the boxes', which together weigh _FACES_WEIGHT of the base."""
    weights = base.astype(np.float32) + np.float32(1e-4)
    if boxes:
        extra = np.zeros_like(weights)
        for box in boxes:
            x0, y0, x1, y1 = box.pixels(weights.shape[1], weights.shape[0])
            extra[y0:y1, x0:x1] = 1
        weights += extra * (_FACES_WEIGHT * weights.sum() / max(float(extra.sum()), 1))
    return np.asarray(weights / weights.sum(), np.float32)


def _is_any_cut(boxes: Sequence[Box], window: Box) -> bool:
    return any(not window.contains(one, slack=_GRAZED) for one in boxes)


def _counted(boxes: Sequence[Box], one: str, several: str) -> str:
    return one if len(boxes) == 1 else f"all {len(boxes)} {several}"


def _blank(image: Image) -> FloatArray:
    scale = min(1.0, 320 / max(image.width, image.height))
    shape = (max(1, round(image.height * scale)), max(1, round(image.width * scale)))
    return np.full(shape, 1e-3, np.float32)


def _central(shape: tuple[int, ...]) -> FloatArray:
    ys = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None]
    xs = np.linspace(-1, 1, shape[1], dtype=np.float32)[None, :]
    return np.asarray(np.exp(-(xs**2 + ys**2) * 2), np.float32)


def _spectral_residual(image: Image) -> FloatArray:
    """What is unexpected in the log spectrum (Hou & Zhang, CVPR 2007), on 64 × 64."""
    grey = np.asarray(image.pixels.convert("L").resize((64, 64)), np.float32)
    spectrum = np.fft.fft2(grey)
    log_amplitude = np.log(np.abs(spectrum) + 1e-6).astype(np.float32)
    residual = log_amplitude - cv2.blur(log_amplitude, (3, 3))
    back = np.fft.ifft2(np.exp(residual + 1j * np.angle(spectrum)))
    power = np.asarray(np.abs(back) ** 2, np.float32)
    found = np.asarray(cv2.GaussianBlur(power, (0, 0), 2.5), np.float32)
    blank = _blank(image)
    sized = cv2.resize(found / max(float(found.max()), 1e-9), blank.shape[::-1])
    return np.asarray(sized, np.float32)
