"""Selection: what a point or words mean in a picture, as weights 0..1.

Words are understood where something here can see what they name: colours by distance in Lab,
small parts of a subject by their colour beside the rest of it, faces by BlazeFace, type by its
strokes, the subject and the background by U²-Net. Nothing is guessed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from services.edit.colours import colour_words, likeness, rgb_to_lab
from services.edit.parts import WORDS as PARTS
from services.edit.parts import small_parts
from services.edit.providers.local import LocalMatting
from studio.imaging.faces import faces
from studio.imaging.image import FloatArray, Image
from studio.imaging.saliency import saliency
from studio.imaging.textlines import written
from studio.problems import Refused

Bytes = npt.NDArray[np.uint8]

_SIDE = 1024  # px: colours are judged at this size, edges are as fine as that
_POINT_SIDE = 512  # px, at which GrabCut works, which is slow
_LEAST = 0.0005  # of the picture: a smaller selection is noise
_SPECK = 0.0004  # of the picture: smaller islands of a colour are left out
_ALIKE = 14.0  # ΔE (8-bit Lab) from the point within which the flood goes on
_LIKE_ENOUGH = 0.5
_COLOURFUL = 14.0  # chroma from which a hue means something
_SAME_HUE = 13.0  # degrees
_MOSTLY = 0.35  # of a place that was selected by its colour: the rest is its shade
_GLINT = 0.002  # of the picture: larger gaps are things of their own
_SALIENT, _STEEP = (
    0.4,
    4.0,
)  # of the greatest focal weight, as the optimizer has it; and a soft edge

_SUBJECT = {"subject", "foreground", "object", "product"}
_BACKGROUND = {"background", "backdrop"}
_FACE = {"face", "faces"}
_TEXT = {
    "text", "texts", "lettering", "letters", "type", "writing", "words", "inscription", "caption",
    "captions", "headline", "headlines", "subtitle", "subtitles", "watermark", "watermarks",
    "datestamp", "timestamp",
}  # fmt: skip
_ALL = {"everything", "everywhere", "picture", "image", "photo"}
_PLACES = {"background": _BACKGROUND, "face": _FACE, "text": _TEXT, "everything": _ALL}
_FILLERS = {
    "the", "a", "an", "all", "of", "in", "on", "at", "my", "its", "this", "that", "these", "those",
    "and", "with", "colour", "color", "coloured", "colored", "area", "areas", "part", "parts",
    "place", "places", "thing", "things", "every", "pixels", "region",
}  # fmt: skip
_SHADES = {"dark", "light", "medium", "pale", "deep", "hot"}


@dataclass(frozen=True, slots=True)
class Meaning:
    """What of some words is understood."""

    colours: tuple[str, ...]
    where: str  # subject | background | face | text | everything
    unknown: tuple[str, ...]  # object names that nothing here can see


def understood(words: str) -> Meaning:
    """Read words. Refused (`edit.mask.no_match`) where none of them can be seen by anything here.

    A colour with an object's name that is not known means that colour on the subject.
    """
    joined = re.sub(r"\b(date|time)[ -]stamps?\b", r"\1stamp", words.lower())
    said = re.findall(r"[a-zäöüß]+", joined)
    colours, rest = _colours(said)
    known = _SUBJECT | _BACKGROUND | _FACE | _TEXT | _ALL
    places = [word for word in rest if word in known]
    unknown = tuple(word for word in rest if word not in known | _FILLERS | _SHADES)
    if not colours and (unknown or not places):
        raise no_match(words, f"nothing here knows {_quoted(unknown or said)}")
    named_first = (name for name, group in _PLACES.items() if places and places[0] in group)
    where = next(named_first, "subject")
    return Meaning(tuple(colours), where, unknown)


def _colours(said: list[str]) -> tuple[list[str], list[str]]:
    """The colours among words, two words of one colour joined, and the other words."""
    names = set(colour_words())
    colours: list[str] = []
    rest: list[str] = []
    index = 0
    while index < len(said):
        pair = "".join(said[index : index + 2])
        if index + 1 < len(said) and pair in names:
            colours.append(pair)
            index += 2
            continue
        (colours if said[index] in names else rest).append(said[index])
        index += 1
    return colours, rest


def no_match(words: str, why: str) -> Refused:
    """The refusal that says which words are understood."""
    return Refused(
        rule="edit.mask.no_match",
        says=f"“{words[:80]}” selects nothing: {why}.",
        fix="Name a colour, the subject, the background, faces, text or everything, or a colour in "
        "one of them; or give the mask as a box, a point or an upload. Naming other objects needs "
        "a provider that understands them.",
        valid=["subject", "background", "face", "text", "everything", *_plain_colours()],
    )


def _plain_colours() -> list[str]:
    return [
        "black", "white", "grey", "red", "orange", "yellow", "green", "blue", "purple", "pink",
        "brown", "any CSS colour name",
    ]  # fmt: skip


def _quoted(words: tuple[str, ...] | list[str]) -> str:
    return ", ".join(f"“{word}”" for word in words[:6]) or "these words"


def named(image: Image, words: str, matting: LocalMatting) -> tuple[FloatArray, Meaning]:
    """What words select: (h, w) float32 0..1, and how they were understood.

    Refused (`edit.mask.no_match`) where nothing in the picture is so. CPU work.
    """
    meaning = understood(words)
    if meaning.where == "text":
        return text_places(image, words, meaning.colours), meaning
    chosen = _place(image, words, meaning.where, matting)
    if meaning.colours:
        place, chosen = chosen, np.minimum(chosen, _coloured(image, meaning.colours))
        if _is_noise(chosen) and meaning.where == "subject" and PARTS & set(meaning.unknown):
            chosen = _parts(image, place, meaning.colours)
    if _is_noise(chosen):
        looked = " or ".join(meaning.colours) or "so"
        raise no_match(words, f"nothing of the {meaning.where} is {looked} in this picture")
    return chosen, meaning


def _is_noise(chosen: FloatArray) -> bool:
    return float((chosen > _LIKE_ENOUGH).mean()) < _LEAST


def _parts(image: Image, subject: FloatArray, colours: tuple[str, ...]) -> FloatArray:
    """Small parts of the subject that are of some colours beside the rest of it."""
    smooth, size = _smoothed(image), image.pixels.size
    small = cv2.resize(subject, smooth.shape[1::-1], interpolation=cv2.INTER_AREA)
    matte = np.asarray(small, np.float32)
    found = [small_parts(smooth, matte, colour) for colour in colours]
    every = np.sum([one for one in found if one is not None], axis=0, dtype=np.float32)
    if not np.any(every):
        return np.zeros((image.height, image.width), np.float32)
    soft = cv2.GaussianBlur(np.asarray(every, np.float32).clip(0, 1), (0, 0), 0.8)
    return np.asarray(cv2.resize(soft, size, interpolation=cv2.INTER_LINEAR), np.float32)


def _place(image: Image, words: str, where: str, matting: LocalMatting) -> FloatArray:
    if where == "everything":
        return np.ones((image.height, image.width), np.float32)
    if where == "face":
        return face_places(image, words)
    matte = matting.matte(image)
    if matte.max() < _LIKE_ENOUGH:
        raise no_match(words, "no subject stands out in this picture")
    return matte if where == "subject" else 1 - matte


def face_places(image: Image, words: str = "faces") -> FloatArray:
    """Ellipses in the boxes of the faces, (h, w) float32 0 or 1.

    Refused (`edit.mask.no_match`) where there is none. CPU work.
    """
    chosen = np.zeros((image.height, image.width), np.float32)
    for face in faces(image):
        left, top, right, bottom = face.box.pixels(image.width, image.height)
        centre = (left + right) / 2, (top + bottom) / 2
        size = float(right - left), float(bottom - top)
        cv2.ellipse(chosen, (centre, size, 0.0), 1.0, cv2.FILLED, cv2.LINE_8)
    if not chosen.any():
        raise no_match(words, "no face was found in this picture")
    return chosen


def text_places(image: Image, words: str = "text", colours: tuple[str, ...] = ()) -> FloatArray:
    """The letters of every line of type and their soft edges, (h, w) float32 0 or 1.

    colours: of the lines; none for any. Refused (`edit.mask.no_match`) where no line is found, or
    none of a colour. CPU work.
    """
    found = written(image)
    if not found.lines:
        raise no_match(words, "no text was found in this picture")
    if not colours:
        return found.strokes.astype(np.float32)
    chosen = np.zeros((image.height, image.width), np.float32)
    for line in found.lines:
        ink = np.full((1, 1, 3), line.colour, np.uint8)
        if max(float(likeness(ink, colour)[0, 0]) for colour in colours) > _LIKE_ENOUGH:
            left, top, right, bottom = line.box.pixels(image.width, image.height)
            aside = round(0.4 * (bottom - top))
            rows = slice(max(0, top - aside), bottom + aside)
            columns = slice(max(0, left - aside), right + aside)
            chosen[rows, columns] = found.strokes[rows, columns]
    if not chosen.any():
        raise no_match(words, f"no text in this picture is {' or '.join(colours)}")
    return chosen


def _coloured(image: Image, colours: tuple[str, ...]) -> FloatArray:
    """Where the picture has one of some colours, specks left out and gaps closed."""
    smooth = _smoothed(image)
    like = np.asarray(np.max([likeness(smooth, colour) for colour in colours], axis=0), np.float32)
    like = _whole(np.maximum(_joined(like), _shaded(smooth, _joined(like))))
    return np.asarray(cv2.resize(like, image.pixels.size, interpolation=cv2.INTER_LINEAR))


def _smoothed(image: Image) -> Bytes:
    """The picture without noise, at no more than the side at which colours are judged."""
    shrink = min(1.0, _SIDE / max(image.pixels.size))
    size = max(1, round(image.width * shrink)), max(1, round(image.height * shrink))
    flat = np.asarray(image.flattened((128, 128, 128)))
    small = cv2.resize(flat, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.bilateralFilter(small, 5, 30, 3), np.uint8)


def _joined(like: FloatArray) -> FloatArray:
    """A median against noise, gaps of texture and highlights closed, islands below a size gone."""
    closed = cv2.morphologyEx(like, cv2.MORPH_CLOSE, _disc(max(3, round(max(like.shape) * 0.008))))
    solid = (closed > _LIKE_ENOUGH).astype(np.uint8)
    _, label, boxes, _ = cv2.connectedComponentsWithStats(solid, connectivity=8)
    kept = boxes[:, 4] >= _SPECK * like.size
    kept[0] = False
    near = cv2.dilate(kept[label].astype(np.uint8), _disc(5)) > 0
    return np.where(near, cv2.GaussianBlur(closed, (0, 0), 1.0), np.float32(0))


def _shaded(pixels: Bytes, like: FloatArray) -> FloatArray:
    """Folds and shades of what is selected: beside it, of its hue, but darker or lighter."""
    lab = rgb_to_lab(pixels)
    chosen = like > _LIKE_ENOUGH
    if not chosen.any():
        return like
    mean = lab[chosen].mean(axis=0)[1:]
    if float(np.hypot(*mean)) < _COLOURFUL:
        return like  # greys have no hue to go by
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    along = lab[..., 1:] @ (mean / np.hypot(*mean))
    same = (chroma > _COLOURFUL) & (along > np.cos(np.radians(_SAME_HUE)) * chroma)
    places = (same | chosen).astype(np.uint8)
    count, label, _, _ = cv2.connectedComponentsWithStats(places, connectivity=4)
    seeds = np.bincount(label[chosen], minlength=count) / np.bincount(
        label.ravel(), minlength=count
    )
    mine = seeds > _MOSTLY  # otherwise another thing of a near hue merely touches it
    mine[0] = False
    return np.where(mine[label], np.float32(1), like)


def _whole(like: FloatArray) -> FloatArray:
    """Glints that the selection encloses belong to it."""
    gaps = (like < _LIKE_ENOUGH).astype(np.uint8)
    _, label, boxes, _ = cv2.connectedComponentsWithStats(gaps, connectivity=4)
    small = boxes[:, 4] <= _GLINT * like.size
    small[0] = False
    right, bottom = boxes[:, 0] + boxes[:, 2], boxes[:, 1] + boxes[:, 3]
    inside = (boxes[:, 0] > 0) & (boxes[:, 1] > 0)
    inside &= (right < like.shape[1]) & (bottom < like.shape[0])
    closed = np.where((small & inside)[label], np.float32(1), like)
    return np.asarray(cv2.GaussianBlur(closed, (0, 0), 0.8), np.float32)


def _disc(across: int) -> Bytes:
    across |= 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (across, across)), np.uint8)


def salient_places(image: Image) -> FloatArray:
    """What draws the eye, by the focal weights that crops follow: (h, w) float32 0..1.

    Coarser than the subject's matte, with some of what is around it; all 0 where nothing does.
    CPU work.
    """
    weights = saliency(image)
    peak = max(float(weights.max()), 1e-6)
    wide = cv2.resize(weights, image.pixels.size, interpolation=cv2.INTER_CUBIC)
    return np.asarray(((wide / peak - _SALIENT) * _STEEP + 0.5).clip(0, 1), np.float32)


def around_point(image: Image, x: float, y: float) -> FloatArray:
    """What lies at a point, 0..1 of the size: (h, w) float32 0..1.

    A flood of like colours from the point, its border then found by GrabCut (Rother et al., 2004).
    CPU work, deterministic.
    """
    shrink = min(1.0, _POINT_SIDE / max(image.pixels.size))
    size = max(2, round(image.width * shrink)), max(2, round(image.height * shrink))
    colours = np.asarray(image.pixels.convert("RGB"))
    small = np.asarray(cv2.resize(colours, size, interpolation=cv2.INTER_AREA), np.uint8)
    at = min(int(x * size[0]), size[0] - 1), min(int(y * size[1]), size[1] - 1)
    flooded = _flooded(small, at)
    chosen = _cut(small, flooded, at)
    soft = cv2.GaussianBlur(chosen.astype(np.float32), (0, 0), 0.7)
    return np.asarray(cv2.resize(soft, image.pixels.size, interpolation=cv2.INTER_LINEAR))


def _flooded(pixels: Bytes, at: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """The connected place around a pixel whose colours are like its own."""
    lab = cv2.cvtColor(cv2.medianBlur(pixels, 5), cv2.COLOR_RGB2Lab)
    height, width = lab.shape[:2]
    flood = np.zeros((height + 2, width + 2), np.uint8)
    how = 4 | cv2.FLOODFILL_MASK_ONLY | cv2.FLOODFILL_FIXED_RANGE | (1 << 8)
    span = (2.2 * _ALIKE, _ALIKE, _ALIKE)
    cv2.floodFill(np.ascontiguousarray(lab), flood, at, 0, span, span, how)
    place = cv2.morphologyEx(flood[1:-1, 1:-1], cv2.MORPH_CLOSE, _disc(5))
    return np.asarray(place > 0)


def _cut(
    pixels: Bytes, flooded: npt.NDArray[np.bool_], at: tuple[int, int]
) -> npt.NDArray[np.bool_]:
    """GrabCut in and a little around the flood; the part that holds the point."""
    reach = max(5, round(0.12 * float(np.sqrt(flooded.sum()))))
    around = cv2.dilate(flooded.astype(np.uint8), _disc(2 * reach)) > 0
    if around.all() or flooded.sum() < 30:
        return flooded
    core = cv2.erode(flooded.astype(np.uint8), _disc(3)) > 0
    marks = np.full(flooded.shape, cv2.GC_BGD, np.uint8)
    marks[around] = cv2.GC_PR_BGD
    marks[flooded] = cv2.GC_PR_FGD
    marks[core] = cv2.GC_FGD
    marks[at[1], at[0]] = cv2.GC_FGD
    cv2.setRNGSeed(0)  # its mixture models begin with a random k-means, of this thread
    models = np.zeros((1, 65)), np.zeros((1, 65))
    blue_first = np.ascontiguousarray(pixels[..., ::-1])
    cv2.grabCut(blue_first, marks, (0, 0, 1, 1), *models, 3, cv2.GC_INIT_WITH_MASK)
    chosen = ((marks == cv2.GC_FGD) | (marks == cv2.GC_PR_FGD)).astype(np.uint8)
    _, label = cv2.connectedComponents(chosen)
    return np.asarray(label == label[at[1], at[0]])
