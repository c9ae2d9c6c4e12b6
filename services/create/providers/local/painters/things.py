"""Things: every object that can stand on a plinth, a table or a sweep, by its name."""

from __future__ import annotations

from collections.abc import Callable

from services.create.providers.local.brief import Rgb
from services.create.providers.local.painters.flora import plant, vase
from services.create.providers.local.painters.objects import (
    Stand,
    apple,
    books,
    bottle,
    bowl,
    can,
    candle,
    cup,
    jar,
    lamp,
    lemon,
    orange,
    parcel,
    sphere,
    teapot,
    tube,
    wine,
)


def place(stand: Stand, kind: str) -> None:
    """Draw an object with its shadow on the ground."""
    if stand.brief.has("shadows", otherwise=True):
        wide = WIDTHS.get(kind, 0.5)
        stand.shadow(0.5 * wide + 0.12, 0.02, wide * 1.25, 0.13, 0.42)
        stand.shadow(0.06, 0.0, wide, 0.1, 0.5)
    OBJECTS.get(kind, bottle)(stand)


#: What a thing is like if nothing says its colour.
OWN: dict[str, Rgb] = {
    "apple": (190, 50, 52), "orange": (240, 140, 48), "lemon": (246, 208, 66),
    "wine": (110, 20, 44), "plant": (196, 106, 74), "candle": (246, 236, 214),
    "bowl": (232, 224, 210), "cup": (236, 230, 220),
}  # fmt: skip
#: Of a vase whose flowers have the colour that is named.
CLAY: Rgb = (240, 233, 222)

#: Half of what an object covers of the ground.
WIDTHS = {"cup": 0.8, "jar": 0.48, "bowl": 0.5, "books": 0.75, "sphere": 0.45, "wine": 0.3,
           "vase": 0.36, "can": 0.34, "tube": 0.24, "box": 0.5, "candle": 0.3}  # fmt: skip

#: How far each reaches to the left, to the right and above its foot, in units, with some air.
EXTENTS: dict[str, tuple[float, float, float]] = {
    "bottle": (0.38, 0.38, 1.6), "jar": (0.5, 0.5, 0.86), "box": (0.6, 0.8, 1.2),
    "sphere": (0.56, 0.56, 1.12), "can": (0.36, 0.36, 1.1), "tube": (0.3, 0.3, 1.3),
    "cup": (0.52, 0.7, 0.84), "teapot": (0.8, 0.94, 1.02), "apple": (0.5, 0.5, 0.9),
    "orange": (0.4, 0.4, 0.75), "lemon": (0.42, 0.56, 0.58), "bowl": (0.76, 0.76, 1.1),
    "vase": (0.4, 0.4, 1.05), "books": (0.9, 0.9, 0.9), "candle": (0.3, 0.3, 0.95),
    "wine": (0.4, 0.4, 1.4), "plant": (0.9, 0.9, 1.7), "lamp": (0.62, 0.62, 1.66),
}  # fmt: skip

OBJECTS: dict[str, Callable[[Stand], None]] = {
    "bottle": bottle,
    "jar": jar,
    "box": parcel,
    "sphere": sphere,
    "can": can,
    "tube": tube,
    "cup": cup,
    "teapot": teapot,
    "apple": apple,
    "orange": orange,
    "lemon": lemon,
    "bowl": bowl,
    "vase": vase,
    "books": books,
    "candle": candle,
    "wine": wine,
    "lamp": lamp,
    "plant": plant,
}
