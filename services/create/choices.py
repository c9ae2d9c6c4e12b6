"""Choices: what is said when a name is none of those that there are."""

from __future__ import annotations

from collections.abc import Sequence

from studio.naming import did_you_mean
from studio.problems import Refused


def unknown(kind: str, name: str, known: Sequence[str]) -> Refused:
    """The refusal of a name of this kind ("style"); it suggests near ones and lists all."""
    return Refused(
        rule=f"create.generate.{kind}",
        says=f"There is no {kind} {name[:80]!r}.",
        fix=did_you_mean(name, known, "Leave it out, or use a valid one."),
        valid=sorted(known),
    )
