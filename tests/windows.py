"""Windows: how ours, the centre's and libvips' are found in a scene, and what each keeps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce

import numpy as np
import pyvips

from services.optimizer.crop import focal_crop, kept_weight
from services.optimizer.focus import Focus, find_focus
from services.optimizer.placements import placement_book
from studio.imaging.geometry import Box
from tests.scenes import Scene, scenes

#: Of a subject's area; what may be lost is the corners of its box.
ENOUGH = 0.95
#: Of a side of the picture: more than this much beyond the window is cut; less is half a pixel.
_ROUNDING = 0.001


@dataclass(frozen=True, slots=True)
class Frame:
    """What placements ask of a window; many ask the same."""

    ratio: float  # width ÷ height
    safe: Box  # of the window


@dataclass(frozen=True, slots=True)
class Look:
    """A scene, and what our focus found in it without being told."""

    scene: Scene
    focus: Focus

    def kept_weight(self, window: Box) -> float:
        """The fraction of our focal weight that a window keeps, 0..1."""
        return kept_weight(self.focus.weights, window)


def frames() -> list[Frame]:
    """The distinct ones of all placements of the newest book."""
    asked = (Frame(round(one.ratio, 4), one.safe_zone) for one in placement_book().placements)
    return sorted(set(asked), key=lambda one: (one.ratio, one.safe.x0, one.safe.y0))


def looks(seed: int | None = None) -> list[Look]:
    """Every scene, looked at once; about a second of CPU work each."""
    found = scenes() if seed is None else scenes(seed)
    return [Look(scene, find_focus(scene.image)) for scene in found]


def our_window(look: Look, frame: Frame) -> Box:
    """As the renditions of a placement are cut."""
    focus, relative = look.focus, frame.ratio / look.scene.ratio
    return focal_crop(
        focus.weights, relative, keep=focus.keep, words=focus.words, safe=frame.safe
    ).box


def centre_window(look: Look, frame: Frame) -> Box:
    """From the middle of the picture."""
    wide, tall = window_sides(look.scene, frame)
    return _at(0.5 - wide / 2, 0.5 - tall / 2, wide, tall)


def attention_window(look: Look, frame: Frame) -> Box:
    """libvips' smart crop by edges, saturation and the colour of skin."""
    image, (wide, tall) = look.scene.image, window_sides(look.scene, frame)
    whole = pyvips.Image.new_from_array(np.asarray(image.pixels))
    size = max(1, round(wide * image.width)), max(1, round(tall * image.height))
    cut = whole.smartcrop(*size, interesting="attention")
    # An image that was cut out says where from, as an offset back to the origin.
    return _at(-cut.xoffset / image.width, -cut.yoffset / image.height, wide, tall)


def window_sides(scene: Scene, frame: Frame) -> tuple[float, float]:
    """Width and height of the largest window of a frame, as fractions of the scene's."""
    relative = frame.ratio / scene.ratio
    return min(1.0, relative), min(1.0, 1 / relative)


def _at(x: float, y: float, wide: float, tall: float) -> Box:
    x, y = min(max(x, 0.0), 1 - wide), min(max(y, 0.0), 1 - tall)
    return Box(x0=x, y0=y, x1=min(1.0, x + wide), y1=min(1.0, y + tall))


def is_possible(scene: Scene, frame: Frame, boxes: Iterable[Box]) -> bool:
    """Whether some window of the frame has room for all the boxes."""
    around = reduce(Box.union, boxes)
    wide, tall = window_sides(scene, frame)
    return around.width <= wide and around.height <= tall


def kept_area(scene: Scene, window: Box) -> float:
    """The fraction of the subjects' area in a window, 0..1."""
    return sum(_shared(one, window) for one in scene.subjects) / sum(
        one.area for one in scene.subjects
    )


def least_kept(scene: Scene, window: Box) -> float:
    """The fraction of the area of the subject that a window keeps least of, 0..1."""
    return min(_shared(one, window) / one.area for one in scene.subjects)


def cut_faces(scene: Scene, window: Box) -> list[Box]:
    """The faces that are not whole in a window."""
    return [one for one in scene.faces if not window.contains(one, slack=_ROUNDING)]


def _shared(box: Box, window: Box) -> float:
    shared = box.intersection(window)
    return shared.area if shared else 0.0
