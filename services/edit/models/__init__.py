"""Models: what each provider is asked for by each edit, as dated data."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from studio.providers.models import Performer, Ways, performers


@lru_cache(maxsize=1)
def providers() -> dict[str, Performer]:
    """Every provider, validated against prices and limits; read once."""
    return performers(Path(__file__).parent)


def ways(provider: str, operation: str) -> Ways:
    """The ways in which a provider does an edit. KeyError if it does not."""
    return providers()[provider].operations[operation]
