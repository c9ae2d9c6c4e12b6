"""Naming: which name somebody meant who spelt it another way.

Whatever has a name here has one spelling. Capitals, blanks or hyphens for underscores, and
American for British make no other word (`spelled`); what is merely alike is a guess, told in
errors (`near`).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

#: British spellings that parameters, operations and their values have, and what Americans write.
_SPELLINGS = (
    ("colour", "color"),
    ("favour", "favor"),
    ("behaviour", "behavior"),
    ("centre", "center"),
    ("grey", "gray"),
    ("catalogue", "catalog"),
)
_ISE = re.compile(r"is(e|ed|es|er|ers|ing|ation|ations)(?![a-z])")
_ALIKE = 0.6  # how much two names have in common, 0..1, so that one is told for the other
_BESIDE = 0.2  # how much less than the likeliest, so that another is told beside it
_LONGEST = 80  # letters of a name that are compared
_STEM = 5  # letters that two forms of a word share: remove, removal


def spelled(name: str, known: Iterable[str]) -> str | None:
    """The known name that this is another spelling of; None if there is none, or more than one."""
    known = tuple(known)
    if name in known:
        return name
    same = [one for one in known if _plain(one) == _plain(name)]
    return same[0] if len(same) == 1 else None


def near(name: str, known: Iterable[str], n: int = 3) -> list[str]:
    """Up to n known names that may be meant, the likeliest first."""
    name, known = name[:_LONGEST], tuple(known)
    if same := spelled(name, known):
        return [same]
    likeness = {one: _likeness(name, one) for one in known}
    least = max(_ALIKE, max(likeness.values(), default=0) - _BESIDE)
    found = [one for one in known if likeness[one] >= least]
    return sorted(found, key=lambda one: (-likeness[one], one))[:n]


def did_you_mean(name: str, known: Iterable[str], otherwise: str) -> str:
    """What to do about a name that there is not, as a sentence; `otherwise` if none is near."""
    found = near(name, known)
    return f"Did you mean {', '.join(found)}?" if found else otherwise


def _plain(name: str) -> str:
    plain = re.sub(r"[\s_&-]+", "_", name.strip().lower())
    for british, american in _SPELLINGS:
        plain = plain.replace(british, american)
    return _ISE.sub(r"iz\1", plain)


def _likeness(one: str, other: str) -> float:
    """0..1: by letters, or by words in any order, with a studio's name or without."""
    given, plain = _plain(one), _plain(other)
    studio, _, verb = plain.rpartition(".")
    if studio and given.startswith(f"{studio}."):  # what both have in common tells nothing
        given, plain = given.removeprefix(f"{studio}."), verb
    by_letters = difflib.SequenceMatcher(None, given, plain).ratio()
    return max(by_letters, _shared(given, plain), _shared(given, verb))


def _shared(one: str, other: str) -> float:
    """How many words both have (Dice), forms of a word being the same word."""
    left, right = _stems(one), _stems(other)
    return 2 * len(left & right) / max(1, len(left) + len(right))


def _stems(plain: str) -> set[str]:
    return {word[:_STEM] for word in re.split(r"[_.]+", plain) if word}
