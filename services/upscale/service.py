"""The upscale studio, wired."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from services.upscale.operations.conservative import Conservative
from services.upscale.operations.creative import Creative
from services.upscale.operations.fast import Fast
from services.upscale.providers import fal, ideogram, replicate, stability
from services.upscale.providers.paid import PaidUpscale
from studio.keyless import missing_keys
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


def engines(keys: Container[str], operation: str) -> list[PaidUpscale[Any]]:
    """The paid engines of an operation whose provider is among those that have a key."""
    return [
        by_operation[operation]()
        for provider, by_operation in ENGINES.items()
        if provider in keys and operation in by_operation
    ]


def upscale(ports: Ports) -> Service:
    """Fast, conservative and creative."""
    return StudioService("upscale", ports, operations(accounts(ports.settings)))


def operations(keys: Container[str] = ()) -> list[AnyOperation]:
    """What the studio can do. keys: the names of the providers that may be paid."""
    every: list[AnyOperation] = [Fast(), Conservative(), Creative()]
    for one in every:
        one.with_engines(engines(keys, one.name))
        able = [some[one.name] for some in ENGINES.values() if one.name in some]
        one.absent = missing_keys(one, able, keys)
    return every
