"""Scenes: pictures that are composed, so that it is known where their subjects are.

Cut-outs from the photos of the repository and drawn objects stand before a gradient, soft noise, a
photo out of focus or lights. Where each stands is written below; the seed moves it a little and
makes the ground, so that another seed is another set of pictures of the same kinds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFilter

from studio.imaging.geometry import Box
from studio.imaging.image import Image

PHOTOS = Path(__file__).parent / "photos"
SEED = 2026
#: Sides, px: 3:2, 1:1, 16:9 and 9:16.
_PHOTO, _SQUARE, _WIDE, _TALL = (1200, 800), (1000, 1000), (1200, 675), (675, 1200)
#: The seed moves a piece by at most this much of the scene's side.
_MOVED = 0.02


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture, and where in it the subjects are, and faces from the hairline to the chin."""

    name: str
    image: Image
    subjects: tuple[Box, ...]
    faces: tuple[Box, ...] = ()

    @property
    def ratio(self) -> float:
        """Width ÷ height."""
        return self.image.width / self.image.height


@dataclass(frozen=True, slots=True)
class _Figure:
    """Something to stand in a scene: RGBA that its opaque part fills to the edges."""

    pixels: Pillow.Image
    face: Box | None = None  # of the figure


@dataclass(frozen=True, slots=True)
class _Piece:
    """A figure in a scene: the middle of it, and its height, as fractions of the scene's sides."""

    figure: str
    x: float
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class _Plan:
    name: str
    size: tuple[int, int]
    ground: str
    pieces: tuple[_Piece, ...]


_PLANS = (
    _Plan("one, in the middle", _PHOTO, "gradient", (_Piece("cup", 0.5, 0.52, 0.5),)),
    _Plan("one, left", _WIDE, "table", (_Piece("cup", 0.2, 0.55, 0.5),)),
    _Plan("one, right and high", _PHOTO, "noise", (_Piece("parcel", 0.78, 0.27, 0.34),)),
    _Plan("one, in a corner", _SQUARE, "gradient", (_Piece("bottle", 0.84, 0.75, 0.36),)),
    _Plan("one, low", _TALL, "noise", (_Piece("ball", 0.45, 0.84, 0.2),)),
    _Plan("one, high", _TALL, "table", (_Piece("print", 0.5, 0.19, 0.2),)),
    _Plan("one, thin and left", _WIDE, "night", (_Piece("rocket", 0.16, 0.6, 0.66),)),
    _Plan("one, small before lights", _PHOTO, "lights", (_Piece("parcel", 0.14, 0.7, 0.22),)),
    _Plan("two, near", _PHOTO, "gradient",
          (_Piece("cup", 0.6, 0.6, 0.4), _Piece("ball", 0.85, 0.66, 0.24))),
    _Plan("two, apart", _WIDE, "noise",
          (_Piece("ball", 0.16, 0.6, 0.3), _Piece("bottle", 0.8, 0.52, 0.6))),
    _Plan("two, one above the other", _TALL, "gradient",
          (_Piece("print", 0.55, 0.2, 0.18), _Piece("parcel", 0.45, 0.62, 0.18))),
    _Plan("larger than any safe zone", _SQUARE, "noise", (_Piece("cup", 0.5, 0.5, 0.9),)),
    _Plan("larger, to one side", _PHOTO, "table", (_Piece("print", 0.36, 0.5, 0.86),)),
    _Plan("a face, left", _WIDE, "table", (_Piece("medallion", 0.17, 0.45, 0.52),)),
    _Plan("a face, high", _TALL, "noise", (_Piece("medallion", 0.6, 0.2, 0.26),)),
    _Plan("a face before lights", _SQUARE, "lights", (_Piece("medallion", 0.8, 0.74, 0.3),)),
    _Plan("a person, right", _WIDE, "noise", (_Piece("person", 0.78, 0.6, 0.8),)),
    _Plan("a person, left", _PHOTO, "gradient", (_Piece("person", 0.26, 0.65, 0.7),)),
    _Plan("a face and a cup", _WIDE, "gradient",
          (_Piece("medallion", 0.8, 0.4, 0.5), _Piece("cup", 0.5, 0.7, 0.34))),
    _Plan("two faces", _PHOTO, "noise",
          (_Piece("medallion", 0.2, 0.4, 0.4), _Piece("mirrored", 0.52, 0.5, 0.4))),
)  # fmt: skip


def scenes(seed: int = SEED) -> list[Scene]:
    """Twenty scenes; the same for the same seed."""
    return [
        _composed(plan, np.random.default_rng([seed, index])) for index, plan in enumerate(_PLANS)
    ]


def _composed(plan: _Plan, random: np.random.Generator) -> Scene:
    canvas = _GROUNDS[plan.ground](plan.size, random)
    subjects, seen = [], []
    for piece in plan.pieces:
        figure = _figure(piece.figure)
        height = round(piece.height * plan.size[1])
        width = round(height * figure.pixels.width / figure.pixels.height)
        x, y = np.array([piece.x, piece.y]) + random.uniform(-_MOVED, _MOVED, 2)
        left, top = round(x * plan.size[0] - width / 2), round(y * plan.size[1] - height / 2)
        left = min(max(left, 0), plan.size[0] - width)
        top = plan.size[1] - height if piece.figure == "person" else max(top, 0)
        top = min(top, plan.size[1] - height)
        sized = figure.pixels.resize((width, height), Pillow.Resampling.LANCZOS)
        canvas.paste(sized, (left, top), sized)
        place = _box(plan.size, left, top, left + width, top + height)
        subjects.append(place)
        if figure.face:
            seen.append(_within(place, figure.face))
    return Scene(plan.name, Image(canvas), tuple(subjects), tuple(seen))


def _box(size: tuple[int, int], x0: float, y0: float, x1: float, y1: float) -> Box:
    return Box(x0=x0 / size[0], y0=y0 / size[1], x1=x1 / size[0], y1=y1 / size[1])


def _within(place: Box, part: Box) -> Box:
    """A part of a figure, in the scene in which the figure has a place."""
    return Box(
        x0=place.x0 + part.x0 * place.width,
        y0=place.y0 + part.y0 * place.height,
        x1=place.x0 + part.x1 * place.width,
        y1=place.y0 + part.y1 * place.height,
    )


# Grounds: a canvas of a size, without anything that a person would call a subject.


def _gradient(size: tuple[int, int], random: np.random.Generator) -> Pillow.Image:
    upper, lower = random.uniform(120, 235, 3), random.uniform(60, 200, 3)
    down = np.linspace(0, 1, size[1])[:, None, None]
    return _canvas(np.broadcast_to(upper + (lower - upper) * down, (size[1], size[0], 3)), random)


def _noise(size: tuple[int, int], random: np.random.Generator) -> Pillow.Image:
    """Clouds: noise of a few places, enlarged."""
    coarse = random.uniform(-24, 24, (7, 7, 1)) + random.uniform(-8, 8, (7, 7, 3))
    coarse = coarse + random.uniform(110, 190, 3)
    smooth = cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)
    return _canvas(np.asarray(smooth, np.float64), random)


def _table(size: tuple[int, int], random: np.random.Generator) -> Pillow.Image:
    """The wood beside the cup of coffee.jpg, far out of focus."""
    wood = _photo("coffee").crop((500, 290, 600, 400)).resize(size, Pillow.Resampling.BICUBIC)
    soft = wood.filter(ImageFilter.GaussianBlur(max(size) / 40))
    return _canvas(np.asarray(soft, np.float64) * random.uniform(0.8, 1.1), random)


def _night(size: tuple[int, int], random: np.random.Generator) -> Pillow.Image:
    """The sky of rocket.jpg, from above down to the horizon."""
    sky = _photo("rocket").crop((215, 20, 300, 340)).resize(size, Pillow.Resampling.BICUBIC)
    soft = sky.filter(ImageFilter.GaussianBlur(max(size) / 40))
    return _canvas(np.asarray(soft, np.float64), random)


def _lights(size: tuple[int, int], random: np.random.Generator) -> Pillow.Image:
    """Lamps at night, out of focus: what a crop that follows colours goes astray for."""
    canvas = Pillow.new("RGB", size, (34, 30, 44))
    for _ in range(26):
        lamp = Pillow.new("RGB", size, tuple(int(c) for c in random.uniform(90, 230, 3)))
        radius = random.uniform(0.02, 0.05) * max(size)
        x, y = random.uniform(0, 1) * size[0], random.uniform(0, 0.55) * size[1]
        disc = Pillow.new("L", size)
        ImageDraw.Draw(disc).ellipse((x - radius, y - radius, x + radius, y + radius), fill=110)
        canvas.paste(lamp, mask=disc)
    soft = canvas.filter(ImageFilter.GaussianBlur(max(size) / 90))
    return _canvas(np.asarray(soft, np.float64), random)


_GROUNDS: dict[str, Callable[[tuple[int, int], np.random.Generator], Pillow.Image]] = {
    "gradient": _gradient,
    "noise": _noise,
    "table": _table,
    "night": _night,
    "lights": _lights,
}


def _canvas(pixels: npt.NDArray[np.float64], random: np.random.Generator) -> Pillow.Image:
    """With the grain of a sensor: nothing in a photo is quite even."""
    grained = pixels + random.normal(0, 2, pixels.shape)
    return Pillow.fromarray(grained.clip(0, 255).astype(np.uint8))


# Figures


@lru_cache
def _figure(name: str) -> _Figure:
    match name:
        case "cup":
            return _cut("coffee", (76, 14, 482, 388), _cup_outline)
        case "rocket":
            return _cut("rocket", (304, 126, 340, 386), _rocket_outline)
        case "person":
            return _cut("astronaut", (22, 14, 512, 512), _person_outline, _FACE)
        case "medallion":
            return _cut("astronaut", (95, 0, 345, 330), _oval, _FACE)
        case "mirrored":
            return _mirrored(_figure("medallion"))
        case "print":
            return _print()
        case _:
            return {"ball": _ball, "bottle": _bottle, "parcel": _parcel}[name]()


Outline = Callable[[ImageDraw.ImageDraw], None]
#: Of astronaut.jpg, px, from the hairline to the chin, by eye.
_FACE = (181, 76, 268, 177)
#: Around the astronaut and her helmet, px of astronaut.jpg, by eye.
_PERSON = (
    (154, 74), (160, 46), (178, 24), (215, 14), (257, 16), (286, 37), (302, 79), (297, 110),
    (278, 134), (268, 142), (262, 173), (275, 179), (299, 205), (307, 247), (346, 278), (362, 346),
    (399, 344), (452, 362), (494, 420), (511, 462), (511, 511), (22, 511), (26, 420), (42, 315),
    (63, 252), (113, 205), (116, 178), (147, 152), (184, 147), (181, 131), (158, 116),
)  # fmt: skip


def _cut(
    photo: str,
    part: tuple[int, int, int, int],
    outline: Outline,
    face: tuple[int, int, int, int] | None = None,
) -> _Figure:
    """What lies inside an outline, with soft edges. part, face: px of the photo."""
    pixels = _photo(photo)
    matte = Pillow.new("L", pixels.size)
    outline(ImageDraw.Draw(matte))
    pixels.putalpha(matte.filter(ImageFilter.GaussianBlur(1.2)))
    size = part[2] - part[0], part[3] - part[1]
    placed = None
    if face:
        x0, x1 = face[0] - part[0], face[2] - part[0]
        placed = _box(size, x0, face[1] - part[1], x1, face[3] - part[1])
    return _Figure(pixels.crop(part), placed)


def _cup_outline(draw: ImageDraw.ImageDraw) -> None:
    draw.ellipse((78, 50, 480, 386), fill=255)
    draw.ellipse((170, 16, 412, 240), fill=255)


def _rocket_outline(draw: ImageDraw.ImageDraw) -> None:
    draw.ellipse((312, 128, 333, 178), fill=255)
    draw.rectangle((309, 150, 336, 384), fill=255)


def _person_outline(draw: ImageDraw.ImageDraw) -> None:
    draw.polygon(_PERSON, fill=255)


def _oval(draw: ImageDraw.ImageDraw) -> None:
    draw.ellipse((97, 2, 343, 328), fill=255)


def _mirrored(figure: _Figure) -> _Figure:
    assert figure.face
    turned = figure.face.model_copy(update={"x0": 1 - figure.face.x1, "x1": 1 - figure.face.x0})
    return _Figure(figure.pixels.transpose(Pillow.Transpose.FLIP_LEFT_RIGHT), turned)


def _print() -> _Figure:
    """chelsea.jpg on paper, with a white border."""
    cat = _photo("chelsea")
    paper = Pillow.new("RGBA", (cat.width + 36, cat.height + 36), (250, 248, 244, 255))
    paper.paste(cat, (18, 18))
    return _Figure(paper)


def _ball() -> _Figure:
    """A sphere, lit from the upper left."""
    across = np.linspace(-1, 1, 400)
    x, y = np.meshgrid(across, across)
    z = np.sqrt(np.clip(1 - x**2 - y**2, 0, 1))
    light = np.clip(-0.5 * x - 0.6 * y + 0.62 * z, 0, 1)
    colour = np.array([40, 90, 200]) * (0.35 + 0.75 * light[..., None])
    shine = 200 * light[..., None] ** 24
    opaque = 255 * np.clip((1 - np.hypot(x, y)) * 120, 0, 1)
    rgba = np.dstack([np.clip(colour + shine, 0, 255), opaque])
    return _Figure(Pillow.fromarray(rgba.astype(np.uint8)))


def _bottle() -> _Figure:
    """Green glass, darker to its sides, with a paper label."""
    matte = Pillow.new("L", (200, 560))
    draw = ImageDraw.Draw(matte)
    draw.rounded_rectangle((0, 190, 199, 559), 40, fill=255)
    draw.ellipse((0, 130, 199, 330), fill=255)
    draw.rounded_rectangle((66, 0, 133, 220), 10, fill=255)
    across = np.sin(np.linspace(0.25, np.pi - 0.25, 200))[None, :, None]
    glass = np.broadcast_to(np.array([46, 122, 70]) * across, (560, 200, 3)).astype(np.uint8)
    bottle = Pillow.fromarray(glass)
    draw = ImageDraw.Draw(bottle)
    draw.rectangle((0, 320, 199, 470), fill=(236, 226, 200))
    draw.rectangle((30, 360, 170, 372), fill=(140, 30, 30))
    draw.rectangle((50, 395, 150, 402), fill=(60, 60, 60))
    draw.rectangle((66, 0, 133, 46), fill=(170, 40, 40))
    bottle.putalpha(matte.filter(ImageFilter.GaussianBlur(1.2)))
    return _Figure(bottle)


def _parcel() -> _Figure:
    """A box with a ribbon, seen from the front and a little from above."""
    parcel = Pillow.new("RGBA", (420, 360))
    draw = ImageDraw.Draw(parcel)
    draw.polygon([(0, 90), (60, 0), (419, 0), (360, 90)], fill=(222, 178, 120, 255))
    draw.polygon([(360, 90), (419, 0), (419, 270), (360, 359)], fill=(140, 98, 56, 255))
    draw.rectangle((0, 90, 360, 359), fill=(190, 140, 84, 255))
    draw.rectangle((150, 90, 210, 359), fill=(190, 30, 50, 255))
    draw.polygon([(150, 90), (210, 0), (270, 0), (210, 90)], fill=(214, 56, 74, 255))
    return _Figure(parcel)


def _photo(name: str) -> Pillow.Image:
    with Pillow.open(PHOTOS / f"{name}.jpg") as file:
        return file.convert("RGB")
