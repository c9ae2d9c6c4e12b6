"""Models: what each provider is asked for by each upscale, as dated data."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from studio.providers.models import Choice, Performer, performers


@lru_cache(maxsize=1)
def providers() -> dict[str, Performer]:
    """Every provider, validated against prices and limits; read once."""
    return performers(Path(__file__).parent)


def choice(provider: str, operation: str) -> Choice:
    """What a provider is asked for. KeyError if it does not do the operation."""
    return providers()[provider].operations[operation]["usual"]
