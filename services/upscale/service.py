"""The upscale studio, wired."""

from __future__ import annotations

from collections.abc import Container

from services.upscale.operations.conservative import Conservative
from services.upscale.operations.creative import Creative
from services.upscale.operations.fast import Fast
from services.upscale.providers import fal, ideogram, replicate, stability
from studio.keyless import equip, keyed
from studio.operation import AnyOperation
from studio.providers.accounts import accounts
from studio.service import Ports, Service, StudioService

#: By provider, then by operation.
ENGINES = {
    "stability": stability.ENGINES,
    "ideogram": ideogram.ENGINES,
    "replicate": replicate.ENGINES,
    "fal": fal.ENGINES,
}


def upscale(ports: Ports) -> Service:
    """Fast, conservative and creative."""
    return StudioService("upscale", ports, operations(accounts(ports.settings)))


def operations(keys: Container[str] = ()) -> list[AnyOperation]:
    """What the studio can do. keys: the names of the providers that may be paid."""
    every: list[AnyOperation] = [Fast(), Conservative(), Creative()]
    for one in every:
        able = [some[one.name] for some in ENGINES.values() if one.name in some]
        equip(one, [engine() for engine in keyed(able, keys)], able, keys)
    return every
