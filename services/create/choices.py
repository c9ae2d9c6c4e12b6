"""Choices: what is said when a name is none of those that there are."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from studio.problems import Refused


def unknown(kind: str, name: str, known: Sequence[str]) -> Refused:
    """The refusal of a name of this kind ("style"); it suggests near ones and lists all."""
    near = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.5)
    return Refused(
        rule=f"create.generate.{kind}",
        says=f"There is no {kind} {name[:80]!r}.",
        fix=f"Did you mean {', '.join(near)}?" if near else "Leave it out, or use a valid one.",
        valid=sorted(known),
    )
