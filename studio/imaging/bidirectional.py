"""Bidirectional: the order in which a line that mixes scripts is displayed (UAX #9).

python-bidi resolves levels and reorders; two things that it lacks are added here: brackets follow
their contents as a pair (rule N0), and the joiners that decide how Arabic letters connect stay with
their letter. Isolates (U+2066 to U+2069) are not known.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from itertools import groupby
from typing import Any, Literal

from bidi import algorithm, get_base_level
from bidi.mirror import MIRRORED

Direction = Literal["ltr", "rtl"]
_Char = dict[str, Any]  # python-bidi's: its letter, level and type

_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
_STRONG = {"L": "L", "R": "R", "AL": "R", "EN": "R", "AN": "R"}  # as rule N0 counts them


def is_right_to_left(text: str) -> bool:
    """Whether the first letter that has a direction runs to the left (rules P2, P3)."""
    return bool(get_base_level(text))


def displayed(text: str, *, is_rtl: bool) -> Iterator[tuple[Direction, str]]:
    """The runs of a line from left to right, each in the order in which it is read.

    is_rtl: of the paragraph that the line is from. Mirroring is left to the shaper.
    """
    if not is_rtl and not any(unicodedata.bidirectional(one) in _RIGHT_TO_LEFT for one in text):
        yield "ltr", text
        return
    storage = algorithm.get_empty_storage()
    storage["base_level"], storage["base_dir"] = int(is_rtl), "LR"[is_rtl]
    algorithm.get_embedding_levels(text, storage)
    storage["chars"] = _joined(storage["chars"])
    algorithm.explicit_embed_and_overrides(storage)
    algorithm.resolve_weak_types(storage)
    for run in storage["runs"]:
        first = run["start"]
        _resolve_brackets(storage["chars"][first : first + run["length"]], run["sor"])
    algorithm.resolve_neutral_types(storage, False)
    algorithm.resolve_implicit_levels(storage, False)
    algorithm.reorder_resolved_levels(storage, False)
    for level, chars in groupby(storage["chars"], key=lambda char: char["level"]):
        letters = [char["ch"] for char in chars]
        yield ("rtl", "".join(letters[::-1])) if level % 2 else ("ltr", "".join(letters))


def _joined(chars: list[_Char]) -> list[_Char]:
    """Boundary neutrals as part of the letter before them; rule X9 would remove them."""
    kept: list[_Char] = []
    for char in chars:
        if char["type"] != "BN":
            kept.append(char)
        elif kept:
            kept[-1]["ch"] += char["ch"]
    return kept


def _resolve_brackets(chars: list[_Char], before: str) -> None:
    """Rule N0, for the characters of one level run; `before` is what precedes it, L or R."""
    for opening, closing in _pairs(chars):
        own = "LR"[chars[opening]["level"] % 2]
        inside = {_STRONG.get(char["type"]) for char in chars[opening + 1 : closing]} - {None}
        if not inside:
            continue
        preceding = (_STRONG.get(char["type"]) for char in reversed(chars[:opening]))
        kind = own if own in inside else next((one for one in preceding if one), before)
        chars[opening]["type"] = chars[closing]["type"] = kind


def _pairs(chars: list[_Char]) -> list[tuple[int, int]]:
    """Brackets that belong together (definition BD16), in the order of their opening."""
    found: list[tuple[int, int]] = []
    waiting: list[tuple[int, str]] = []
    for at, char in enumerate(chars):
        letter = char["ch"][0]
        if char["type"] != "ON" or letter not in MIRRORED:
            continue
        kind = unicodedata.category(letter)
        if kind == "Ps":
            waiting.append((at, MIRRORED[letter]))
        elif kind == "Pe":
            match = next((one for one in reversed(waiting) if one[1] == letter), None)
            if match:
                del waiting[waiting.index(match) :]
                found.append((match[0], at))
    return sorted(found)
