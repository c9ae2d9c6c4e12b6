"""Overlay: a headline, a call to action and a logo inside a placement's safe zone.

They stand where they cover least (services.optimizer.arrangement) and can be read: the contrast of
every block is measured on the pixels that end up behind it (studio.imaging.legibility); where it is
below 4.5:1, the ground is shaded, as little as is enough.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Self

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw
from pydantic import Field, model_validator

from services.optimizer.arrangement import (
    PixelBox,
    Scene,
    Side,
    Wording,
    Words,
    arranged,
    corner_for,
)
from services.optimizer.visible import is_clear
from studio.imaging.colour import RGB, contrast_ratio, parse_hex, relative_luminance
from studio.imaging.colour_names import HexColour
from studio.imaging.geometry import Box
from studio.imaging.image import FloatArray
from studio.imaging.legibility import READABLE, contrast_on, scrim_colour
from studio.imaging.shaping import Language
from studio.imaging.typesetting import Align, Typeset
from studio.operation import OperationParams
from studio.problems import Refused

Kind = Literal["headline", "call_to_action", "logo"]
Shade = Literal["none", "gradient", "box"]

_WHITE: RGB = (255, 255, 255)
_BLACK: RGB = (0, 0, 0)
_SIDES: tuple[Side, ...] = ("bottom", "left", "top", "right")

_MARGIN = 0.05  # of the shorter side: nothing stands closer to an edge, whatever the safe zone says
_OPACITIES = tuple(step / 20 for step in range(5, 21))  # tried in turn: no darker than needed
_ROUND = 0.26  # corner radius of a button, of its height
#: A logo's sides, of the geometric mean of the rendition's sides, and of the area's.
_LOGO_WIDTH, _LOGO_HEIGHT = (0.26, 0.4), (0.1, 0.34)
_LOGO_SCALES = (1.0, 0.8, 0.6)
#: WCAG 2.2, success criterion 1.4.11 (Non-text Contrast); logos are exempt, ours are seen anyway.
_SEEN = 3.0
_PLATE = 0.16  # around a logo that has to have a ground of its own, of its shorter side
_COVERED = 0.1  # from this part of something to be kept free on, people are told


class Overlay(OperationParams):
    """What is written on every rendition, inside the safe zone of its placement."""

    headline: str | None = Field(
        default=None,
        max_length=200,
        description="at most three lines; soft hyphens (U+00AD) say where words may be divided",
        examples=["Made for mornings", "قهوة الصباح", "毎日を、もっと美しく。"],
    )
    call_to_action: str | None = Field(
        default=None, max_length=60, description="one line, on a button", examples=["Shop now"]
    )
    logo: str | None = Field(
        default=None,
        pattern=r"^sha256:[0-9a-f]{64}$",
        description="a picture in the blob store, best with transparency; never enlarged",
        examples=["sha256:" + "0" * 64],
    )
    text_colour: HexColour | None = Field(
        default=None, description="of the headline; null: what can be read best"
    )
    brand_colour: HexColour | None = Field(
        default=None,
        description="of the button, and of the headline where that can be read",
        examples=["#e4572e"],
    )
    position: Literal["auto", "top", "bottom", "left", "right"] = Field(
        default="auto", description="auto: on calm ground, clear of faces and the subject"
    )
    align: Literal["auto", "left", "centre", "right"] = Field(
        default="auto", description="of lines; auto: from where reading begins, centred on portrait"
    )
    scrim: Literal["auto", "none", "always"] = Field(
        default="auto",
        description="shade behind the text; auto: where contrast is below 4.5:1 without it",
    )
    language: Language | None = Field(
        default=None, description="decides the forms of Chinese characters; null: guessed"
    )

    @model_validator(mode="after")
    def _has_something(self) -> Self:
        for text in (self.headline, self.call_to_action):
            if text is not None and not text.strip():
                raise ValueError("a text has at least one letter; leave it out to write none")
        if not (self.headline or self.call_to_action or self.logo):
            raise ValueError("an overlay has a headline, a call to action or a logo")
        return self


@dataclass(frozen=True, slots=True)
class Block:
    """One thing that was laid on the rendition, and how well it can be read."""

    kind: Kind
    box: Box  # normalised to the rendition
    font_size: int | None  # px; None for a logo
    contrast: float | None  # WCAG ratio, 1..21; None for a logo that brings its own ground
    scrim: Shade


@dataclass(frozen=True, slots=True)
class Laid:
    """The rendition with its overlay."""

    pixels: Pillow.Image
    blocks: tuple[Block, ...]
    notes: tuple[str, ...] = ()


def lay_out(
    image: Pillow.Image,
    overlay: Overlay,
    safe: Box,
    avoid: Sequence[Box] = (),
    logo: Pillow.Image | None = None,
) -> Laid:
    """Lay an overlay on a rendition. CPU work.

    image: at the placement's size, RGB or RGBA; it is not changed.
    safe:  the part of the rendition that nothing covers, normalised.
    avoid: what should stay visible (heads, the subject), normalised.
    logo:  the picture that `overlay.logo` names, if it names one.
    Refused: `text.no_glyph`, `text.does_not_fit`, `overlay.contrast`, `overlay.logo_room`,
    `overlay.no_room`.
    """
    scene = Scene.of(image, _area(image, safe), avoid)
    words, corner = _places(scene, overlay, logo)
    canvas = _Canvas(image.convert("RGBA"), scene)
    if words:
        canvas.write(words, overlay)
    if logo is not None and corner:
        canvas.stamp(logo, corner, overlay)
    covered = max((scene.covered(box) for box in _occupied(words, corner)), default=0.0)
    notes = [f"The overlay covers {covered:.0%} of a face or the subject: no place was free."]
    return Laid(
        canvas.pixels.convert(image.mode),
        tuple(canvas.blocks),
        tuple(notes if covered >= _COVERED else ()),
    )


def check_logo(logo: Pillow.Image) -> None:
    """Refused (`overlay.logo`) if there is nothing to see on a logo."""
    if is_clear(logo):
        raise Refused(
            rule="overlay.logo",
            says="The logo has no visible pixel: all of it is transparent.",
            fix="Give a logo that can be seen, or leave it out.",
        )


def _area(image: Pillow.Image, safe: Box) -> PixelBox:
    """The safe zone, less a margin where it reaches the edge; whole pixels inside of both."""
    margin = math.ceil(_MARGIN * min(image.size))
    left = max(math.ceil(safe.x0 * image.width), margin)
    top = max(math.ceil(safe.y0 * image.height), margin)
    right = min(math.floor(safe.x1 * image.width), image.width - margin)
    bottom = min(math.floor(safe.y1 * image.height), image.height - margin)
    if right - left < 1 or bottom - top < 1:
        raise Refused(
            rule="overlay.no_room",
            says=f"The safe zone of a rendition of {image.width} × {image.height} px has no room.",
            fix="Leave the overlay out for this placement.",
        )
    return left, top, right, bottom


def _places(
    scene: Scene, overlay: Overlay, logo: Pillow.Image | None
) -> tuple[Words | None, PixelBox | None]:
    """The best arrangement of the words that leaves the logo a corner."""
    choices: list[Words | None] = [None]
    if overlay.headline or overlay.call_to_action:
        wording = Wording(
            overlay.headline,
            overlay.call_to_action,
            None if overlay.align == "auto" else overlay.align,
            overlay.language,
        )
        sides = _SIDES if overlay.position == "auto" else (overlay.position,)
        choices = [*arranged(scene, wording, sides)]
    if logo is None:
        return choices[0], None
    for scale in _LOGO_SCALES:
        size = _logo_size(scene, logo, scale)
        for words in choices:
            if corner := corner_for(scene, size, words):
                return words, corner
    raise Refused(
        rule="overlay.logo_room",
        says="The safe zone has no corner for the logo beside the text.",
        fix="Shorten the text, or leave the logo out.",
    )


def _logo_size(scene: Scene, logo: Pillow.Image, scale: float) -> tuple[int, int]:
    """Px, in the logo's ratio and never more than it has."""
    across, down = (
        min(of_mean * scene.mean_side, of_area * room)
        for (of_mean, of_area), room in zip((_LOGO_WIDTH, _LOGO_HEIGHT), scene.room, strict=True)
    )
    factor = min(1.0, across / logo.width * scale, down / logo.height * scale)
    return max(1, round(logo.width * factor)), max(1, round(logo.height * factor))


def _occupied(words: Words | None, corner: PixelBox | None) -> list[PixelBox]:
    return [box for box in (words and words.box, corner) if box]


@dataclass(slots=True)
class _Canvas:
    """The rendition while it is laid out."""

    pixels: Pillow.Image  # RGBA
    scene: Scene
    blocks: list[Block] = field(default_factory=list)

    def write(self, words: Words, overlay: Overlay) -> None:
        """Shade what has to be, then the words."""
        shade: Shade = "none"
        colour = parse_hex(overlay.text_colour) if overlay.text_colour else _WHITE
        contrast = 21.0
        if words.headline and words.headline_box:
            colour, contrast, shade = self._readable(words, overlay)
            self._ink(words.headline, words.headline_box[:2], words.align, colour)
            self._note("headline", words.headline_box, words.headline.size, contrast, shade)
        if words.button and words.button_box:
            self._button(words.button, words.button_box, overlay, colour, shade)

    def stamp(self, logo: Pillow.Image, box: PixelBox, overlay: Overlay) -> None:
        """The logo; on a plate of its own where it would not be seen."""
        stamp = logo.convert("RGBA")
        size = (box[2] - box[0], box[3] - box[1])
        stamp = stamp.resize(size, Pillow.Resampling.LANCZOS, reducing_gap=3.0)
        contrast = _logo_contrast(stamp, self.pixels.crop(box))
        shade: Shade = "none"
        if contrast is not None and contrast < _SEEN and overlay.scrim != "none":
            shade = "box"
            plate = max((_WHITE, _BLACK), key=lambda one: _logo_on(stamp, one))
            contrast = _logo_on(stamp, plate)
            pad = max(1, round(_PLATE * min(size)))
            self._panel(box, plate, 1.0, radius=pad)
            inner = (max(1, size[0] - 2 * pad), max(1, size[1] - 2 * pad))
            stamp = _contained(logo.convert("RGBA"), inner)
            box_x = box[0] + (size[0] - stamp.width) // 2
            box_y = box[1] + (size[1] - stamp.height) // 2
            self.pixels.alpha_composite(stamp, (box_x, box_y))
        else:
            self.pixels.alpha_composite(stamp, box[:2])
        self._note("logo", box, None, contrast, shade)

    def _readable(self, words: Words, overlay: Overlay) -> tuple[RGB, float, Shade]:
        """The headline's colour and contrast, on a ground shaded as little as is enough."""
        boxes = _line_boxes(words)
        colours = _colours(overlay)
        reached = {one: self._contrast(boxes, one) for one in colours}
        if overlay.scrim != "always":
            for group in (colours[:-2], colours[-2:]):
                best = max(group, key=reached.__getitem__, default=None)
                if best and reached[best] >= READABLE:
                    return best, reached[best], "none"
        if overlay.scrim == "none":
            raise Refused(
                rule="overlay.contrast",
                says=f"The headline would have a contrast of {max(reached.values()):.1f}:1 at "
                f"{words.side}; WCAG 2.2 asks for {READABLE}:1.",
                fix="Allow a scrim, choose another colour, or leave the position to the optimizer.",
            )
        shade: Shade = "box" if self._is_clear() else "gradient"
        colour = colours[0] if overlay.text_colour else max(colours[-2:], key=reached.__getitem__)
        ground = self.pixels
        for opacity in _OPACITIES:
            self.pixels = ground
            self._shade(words, scrim_colour(colour), opacity, shade)
            if (contrast := self._contrast(boxes, colour)) >= READABLE:
                break
        return colour, contrast, shade

    def _contrast(self, boxes: Sequence[PixelBox], colour: RGB) -> float:
        """Of the line that can be read least."""
        return min(contrast_on(self.pixels.crop(box), colour) for box in boxes)

    def _is_clear(self) -> bool:
        low, _ = self.pixels.getchannel("A").getextrema()
        return isinstance(low, int) and low < 255

    def _shade(self, words: Words, colour: RGB, opacity: float, shade: Shade) -> None:
        if shade == "box":
            size = words.headline.size if words.headline else self.scene.legible
            pad = min(round(0.5 * size), _distance(words.box, self.scene))
            self._panel(_grown(words.box, pad), colour, opacity, radius=pad)
            return
        alpha = _gradient(self.scene, words) * opacity
        layer = Pillow.new("RGBA", self.pixels.size, colour)
        layer.putalpha(Pillow.fromarray(np.round(alpha * 255).astype(np.uint8)))
        self.pixels = Pillow.alpha_composite(self.pixels, layer)

    def _button(
        self, call: Typeset, box: PixelBox, overlay: Overlay, colour: RGB, shade: Shade
    ) -> None:
        fill = parse_hex(overlay.brand_colour) if overlay.brand_colour else colour
        label = max((_WHITE, _BLACK), key=lambda one: contrast_ratio(one, fill))
        self._panel(box, fill, 1.0, radius=round(_ROUND * (box[3] - box[1])))
        rise = call.lines[0].ascent * call.size
        x = round((box[0] + box[2] - call.width) / 2)
        y = round((box[1] + box[3] - rise) / 2)
        inside = (x, y, x + call.width, y + call.height)
        contrast = contrast_on(self.pixels.crop(inside), label)
        self._ink(call, (x, y), "centre", label)
        self._note("call_to_action", box, call.size, contrast, shade)

    def _panel(self, box: PixelBox, colour: RGB, opacity: float, radius: int) -> None:
        """A rounded rectangle with smooth corners."""
        fine = 4
        width, height = box[2] - box[0], box[3] - box[1]
        shape = Pillow.new("L", (width * fine, height * fine))
        edges = (0, 0, width * fine - 1, height * fine - 1)
        ImageDraw.Draw(shape).rounded_rectangle(edges, radius * fine, fill=round(255 * opacity))
        layer = Pillow.new("RGBA", (width, height), colour)
        layer.putalpha(shape.reduce(fine))
        self.pixels = self.pixels.copy()
        self.pixels.alpha_composite(layer, box[:2])

    def _ink(self, block: Typeset, at: tuple[int, int], align: Align, colour: RGB) -> None:
        shapes = block.shapes(align)
        layer = Pillow.new("RGBA", shapes.size, colour)
        layer.putalpha(shapes)
        self.pixels.alpha_composite(layer, at)

    def _note(
        self, kind: Kind, box: PixelBox, size: int | None, contrast: float | None, shade: Shade
    ) -> None:
        rounded = None if contrast is None else math.floor(contrast * 100) / 100
        self.blocks.append(Block(kind, self.scene.normalised(box), size, rounded, shade))


def _colours(overlay: Overlay) -> list[RGB]:
    """What the headline may be written in; the last two are the ones that always can be."""
    if overlay.text_colour:
        return [parse_hex(overlay.text_colour)] * 3
    brand = [parse_hex(overlay.brand_colour)] if overlay.brand_colour else []
    return [*brand, _WHITE, _BLACK]


def _line_boxes(words: Words) -> list[PixelBox]:
    if not words.headline or not words.headline_box:
        return []
    x, y = words.headline_box[:2]
    return [
        (left + x, top + y, right + x, bottom + y)
        for left, top, right, bottom in words.headline.boxes(words.align)
    ]


def _gradient(scene: Scene, words: Words) -> FloatArray:
    """(h, w), 1 from the edge of the words' side to where they end, then falling to 0."""
    left, top, right, bottom = words.box
    across = words.side in ("left", "right")
    length = scene.width if across else scene.height
    start, end = {
        "left": (0, right),
        "top": (0, bottom),
        "right": (length - left, 0),
        "bottom": (length - top, 0),
    }[words.side]
    reach = max(start, end)
    fade = max(1.0, 0.55 * ((right - left) if across else (bottom - top)) + 0.04 * length)
    distance = np.arange(length, dtype=np.float32) + 0.5
    if words.side in ("right", "bottom"):
        distance = distance[::-1]
    beyond = np.clip((distance - reach) / fade, 0, 1)
    alpha = 1 - beyond * beyond * (3 - 2 * beyond)  # smoothstep: no visible edge
    shape = (scene.height, scene.width)
    return np.broadcast_to(alpha if across else alpha[:, None], shape).astype(np.float32)


def _logo_contrast(stamp: Pillow.Image, ground: Pillow.Image) -> float | None:
    """The contrast that half of the logo's pixels reach; None if it is opaque all over."""
    alpha = np.asarray(stamp.getchannel("A"))
    ink = alpha > 127
    if alpha.min() == 255 or not ink.any():
        return None
    logo = relative_luminance(np.asarray(stamp.convert("RGB")))[ink]
    behind = relative_luminance(np.asarray(ground.convert("RGB")))[ink]
    ratio = (np.maximum(logo, behind) + 0.05) / (np.minimum(logo, behind) + 0.05)
    return float(np.median(ratio))


def _logo_on(stamp: Pillow.Image, colour: RGB) -> float:
    return _logo_contrast(stamp, Pillow.new("RGB", stamp.size, colour)) or 21.0


def _contained(logo: Pillow.Image, size: tuple[int, int]) -> Pillow.Image:
    factor = min(1.0, size[0] / logo.width, size[1] / logo.height)
    inside = (max(1, round(logo.width * factor)), max(1, round(logo.height * factor)))
    return logo.resize(inside, Pillow.Resampling.LANCZOS, reducing_gap=3.0)


def _distance(box: PixelBox, scene: Scene) -> int:
    """Px to the nearest edge of the rendition."""
    return min(box[0], box[1], scene.width - box[2], scene.height - box[3])


def _grown(box: PixelBox, by: int) -> PixelBox:
    return box[0] - by, box[1] - by, box[2] + by, box[3] + by
