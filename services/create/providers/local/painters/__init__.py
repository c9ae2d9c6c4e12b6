"""The painters, one file each: a canvas and a brief in, a picture out."""

from __future__ import annotations

from collections.abc import Callable

from services.create.providers.local.brief import Brief
from services.create.providers.local.canvas import Canvas, Picture
from services.create.providers.local.painters.bokeh import bokeh
from services.create.providers.local.painters.geometric import geometric
from services.create.providers.local.painters.isometric import isometric
from services.create.providers.local.painters.landscape import landscape
from services.create.providers.local.painters.mesh import mesh
from services.create.providers.local.painters.pattern import pattern
from services.create.providers.local.painters.plinth import plinth
from services.create.providers.local.painters.poster import poster
from services.create.providers.local.painters.ribbons import ribbons
from services.create.providers.local.painters.skyline import skyline
from services.create.providers.local.painters.still_life import still_life
from services.create.providers.local.painters.wash import wash

PAINTERS: dict[str, Callable[[Canvas, Brief], Picture]] = {
    "landscape": landscape,
    "skyline": skyline,
    "isometric": isometric,
    "still_life": still_life,
    "wash": wash,
    "mesh": mesh,
    "geometric": geometric,
    "plinth": plinth,
    "pattern": pattern,
    "bokeh": bokeh,
    "ribbons": ribbons,
    "poster": poster,
}
