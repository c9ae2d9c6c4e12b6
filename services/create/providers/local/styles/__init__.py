"""The painters, one file each: a canvas and a brief in, a picture out."""

from __future__ import annotations

from collections.abc import Callable

from services.create.providers.local.brief import Brief
from services.create.providers.local.canvas import Canvas, Picture
from services.create.providers.local.styles.bokeh import bokeh
from services.create.providers.local.styles.geometric import geometric
from services.create.providers.local.styles.landscape import landscape
from services.create.providers.local.styles.mesh import mesh
from services.create.providers.local.styles.pattern import pattern
from services.create.providers.local.styles.plinth import plinth
from services.create.providers.local.styles.poster import poster
from services.create.providers.local.styles.ribbons import ribbons

PAINTERS: dict[str, Callable[[Canvas, Brief], Picture]] = {
    "landscape": landscape,
    "mesh": mesh,
    "geometric": geometric,
    "plinth": plinth,
    "pattern": pattern,
    "bokeh": bokeh,
    "ribbons": ribbons,
    "poster": poster,
}
