"""Loading: what is large is loaded when it is first needed, and once a process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from typing import TypeVar, TypeVarTuple

Asked = TypeVarTuple("Asked")
Loaded = TypeVar("Loaded")


def loaded_once(load: Callable[[*Asked], Loaded]) -> Callable[[*Asked], Loaded]:
    """A net is loaded by whoever asks first; others wait for it rather than load it, too."""
    loading, kept = threading.Lock(), dict[tuple[*Asked], Loaded]()

    @wraps(load)
    def loaded(*which: *Asked) -> Loaded:
        if which not in kept:
            with loading:
                if which not in kept:
                    kept[which] = load(*which)
        return kept[which]

    return loaded
