"""Instruction: a small grammar of plain English, read into the operations of this studio.

    instruction = clause, { (“,” | “;” | “.” | “then” | “and”), clause }
    amount      = “slightly” | “a bit” | “a little” | “much” | “a lot” | “very” | “by N %”
    clause      = brighter | darker | more/less contrast | more/less saturated | warmer | cooler
                | sharper | softer | black and white | enhance
                | rotate [left | right] [N degrees] | flip/mirror [horizontally | vertically]
                | crop to (W:H | a square) | extend to W:H
                | remove the background | (COLOUR background | make the background COLOUR)
                | (recolour | make | change | turn) WHAT (to | into) COLOUR | erase WHAT
                | write “TEXT” [at the top | …]
                | add a text overlay [at the top | …] saying (“TEXT” | TEXT) [at the top | …]

Every clause is one step. What is not in the grammar is refused, never guessed. TEXT without quotes
ends where its clause does, so a text with a comma or an “and” in it needs them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from services.edit.colours import parse_colour
from services.edit.selection import understood
from studio.problems import Refused

Params = dict[str, Any]

_SLIGHT, _PLAIN, _STRONG = 0.12, 0.25, 0.5

#: What to say to be understood: told to whoever is not.
PHRASES = (
    "brighter", "darker", "more contrast", "less contrast", "more saturated", "less saturated",
    "warmer", "cooler", "sharper", "softer", "black and white", "enhance",
    "rotate right 90 degrees", "flip horizontally", "crop to 16:9", "extend to 16:9",
    "remove the background", "make the background white", "recolour the red cup to blue",
    "erase the red subject", "erase the caption", "write “Hello” at the top",
    "add a text overlay saying Hello",
)  # fmt: skip

#: Tones: pattern, parameter of edit.adjust, direction.
_TONES = (
    (r"bright(er|en)|light(er|en)|(more|increase|raise|add)( the)? brightness", "brightness", 1),
    (r"dark(er|en)|(less|decrease|reduce|lower)( the)? brightness", "brightness", -1),
    (r"(more|increase|raise|add|higher)( the)? contrast", "contrast", 1),
    (r"(less|decrease|reduce|lower)( the)? contrast", "contrast", -1),
    (r"(more|increase|raise|add)( the)? (saturat(ed|ion)|vivid|vibrant|colou?rful)|vivid|vibrant",
     "saturation", 1),
    (r"(less|decrease|reduce|lower)( the)? (saturat(ed|ion)|vivid|colou?rful)|muted|desaturate",
     "saturation", -1),
    (r"warm(er)?( up)?", "temperature", 1),
    (r"cool(er)?( down)?|colder", "temperature", -1),
    (r"sharp(er|en)", "sharpness", 1),
    (r"soft(er|en)|blur(red)?", "sharpness", -1),
)  # fmt: skip

_SUBJECT_OF_TONE = (
    r"(?:(?:make|turn)\s+)?(?:(?:it|this|the (?:image|picture|photo)|everything|all)\s+)?"
)
_WHOLE = r"(?: (?:it|this|the (?:image|picture|photo)))?"
_AMOUNTS = (
    (r"\b(slightly|a bit|a little|somewhat)\b", _SLIGHT),
    (r"\b(much|a lot|very|strongly)\b", _STRONG),
)
_PLACES = (
    "top[- ]left|top[- ]right|bottom[- ]left|bottom[- ]right|top|bottom|left|right"
    "|centre|center|middle"
)
_PLACE = rf"(?: (?:at|in|on|to) the ({_PLACES})(?: corner| edge)?)?"
_QUOTED = re.compile(r"[“\"«]([^”\"»]+)[”\"»]|(?<!\w)[‘']([^‘’']+(?:[’']\w[^‘’']*)*)[’'](?!\w)")
#: What is said without quotes: up to the end of its clause, or the place that it is written at.
_UNQUOTED = re.compile(
    r"\b(?:saying|says|reading|reads|with the (?:text|words?)):? +([^\x00]+?)"
    rf"(?= *(?:[,;]|\.(?!\d)|\bthen\b|\band\b|\b(?:at|in|on|to) the (?:{_PLACES})\b|$))",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Step:
    """One operation of this studio, and its parameters."""

    operation: str
    params: Params


def steps(instruction: str) -> list[Step]:
    """Read an instruction. Refused (`edit.general.not_understood`) names the clause that is not."""
    return [_step(clause) for clause in _clauses(instruction)]


def _clauses(instruction: str) -> Iterator[str]:
    """The clauses, lower case but for what is quoted, which is never divided."""
    quoted: list[str] = []

    def kept(text: str) -> str:
        quoted.append(text)
        return f"\x00{len(quoted) - 1}\x00"

    plain = _QUOTED.sub(lambda found: kept(found.group(1) or found.group(2)), instruction)
    plain = _UNQUOTED.sub(lambda found: f"saying {kept(found.group(1))}", plain).lower()
    plain = re.sub(r"black (and|&) white", "monochrome", re.sub(r"\bplease\b", "", plain))
    said = [" ".join(part.split()) for part in re.split(r"[,;]|\.(?!\d)|\bthen\b|\band\b", plain)]
    said = [clause for clause in said if clause]
    if not said:
        raise _not_understood(instruction)
    for clause in said:
        yield re.sub(r"\x00(\d+)\x00", lambda m: f"“{quoted[int(m.group(1))]}”", clause)


def _step(clause: str) -> Step:
    for read in _READERS:
        if step := read(clause):
            return step
    raise _not_understood(clause)


def _not_understood(clause: str) -> Refused:
    return Refused(
        rule="edit.general.not_understood",
        says=f"“{clause.strip()[:120]}” is not an edit that the local engine understands.",
        fix="Say it with the phrases listed, joined by commas, and text in quotes; or use the "
        "edit.* operation itself. Free instructions need a provider that edits by prompt.",
        valid=list(PHRASES),
    )


def _tone(clause: str) -> Step | None:
    amount, clause = _amount(clause)
    for pattern, name, direction in _TONES:
        if re.fullmatch(f"{_SUBJECT_OF_TONE}(?:{pattern}){_WHOLE}", clause):
            return Step("edit.adjust", {name: round(direction * amount, 4)})
    if re.fullmatch(f"{_SUBJECT_OF_TONE}(?:monochrome|gr[ea]yscale|gr[ea]y)", clause):
        return Step("edit.adjust", {"saturation": -1})
    if re.fullmatch(f"(?:auto )?(?:enhance|contrast|levels){_WHOLE}", clause):
        return Step("edit.adjust", {"auto_contrast": 0.7})
    return None


def _amount(clause: str) -> tuple[float, str]:
    """How much, 0..1, and the clause without it."""
    if found := re.search(r"\s*\bby (\d{1,3})\s*(?:%|per ?cent)", clause):
        return min(int(found.group(1)), 100) / 100, clause.replace(found.group(), "").strip()
    for pattern, amount in _AMOUNTS:
        if re.search(pattern, clause):
            return amount, " ".join(re.sub(pattern, " ", clause).split())
    return _PLAIN, clause


def _turn(clause: str) -> Step | None:
    if re.fullmatch(r"(turn|rotate)( it)? upside down", clause):
        return Step("edit.adjust", {"rotate": 180})
    pattern = (
        rf"(?:rotate|turn){_WHOLE}(?: (?:to the )?(left|right|clockwise|counter-?clockwise))?"
        r"(?: by)?(?: (-?\d{1,3}(?:\.\d+)?)\s*(?:°|degrees?)?)?"
        r"(?: (?:to the )?(left|right|clockwise|counter-?clockwise))?"
    )
    found = re.fullmatch(pattern, clause)
    if found is None or not any(found.groups()):
        return None
    way = found.group(1) or found.group(3) or "right"
    degrees = float(found.group(2) or 90)
    return Step(
        "edit.adjust", {"rotate": -degrees if way == "left" or "counter" in way else degrees}
    )


def _flip(clause: str) -> Step | None:
    found = re.fullmatch(rf"(?:flip|mirror){_WHOLE}(?: (horizontal|vertical)(?:ly)?)?", clause)
    return Step("edit.adjust", {"flip": found.group(1) or "horizontal"}) if found else None


def _frame(clause: str) -> Step | None:
    found = re.fullmatch(
        rf"(crop|cut|extend|outpaint|expand){_WHOLE} to (a square|square|[\d.]+ ?: ?[\d.]+)", clause
    )
    if found is None:
        return None
    ratio = "1:1" if "square" in found.group(2) else found.group(2).replace(" ", "")
    if found.group(1) in ("crop", "cut"):
        return Step("edit.adjust", {"crop_ratio": ratio})
    return Step("edit.outpaint", {"ratio": ratio})


def _background(clause: str) -> Step | None:
    if re.fullmatch(
        r"(remove|delete|erase|cut out|drop) (the )?background|cut out the subject"
        r"|(make )?(the )?background transparent|isolate the subject",
        clause,
    ):
        return Step("edit.remove_background", {})
    found = re.fullmatch(
        r"(?:make|turn|change|replace|set) the background (?:to |into |with |by )?(?:a )?(.+)",
        clause,
    ) or re.fullmatch(r"(?:on |with |use |add )?(?:an? )?(.+?) background", clause)
    if found and (colour := _colour(found.group(1))):
        return Step("edit.replace_background", {"colour": colour})
    return None


def _recolour(clause: str) -> Step | None:
    found = re.fullmatch(
        r"(?:recolou?r|make|change|turn|paint|colou?r) (.+?) (?:to |into |in )?(#[0-9a-f]{6}|[a-z]+"
        r"|(?:dark|light|medium|pale|deep|hot) [a-z]+)",
        clause,
    )
    if found is None or not (colour := _colour(found.group(2))) or not _selects(found.group(1)):
        return None
    return Step("edit.search_recolor", {"select": found.group(1), "colour": colour})


def _erase(clause: str) -> Step | None:
    found = re.fullmatch(r"(?:erase|remove|delete|take away) (.+)", clause)
    if found is None or not _selects(found.group(1)):
        return None
    return Step("edit.erase", {"mask": {"words": found.group(1)}})


def _write(clause: str) -> Step | None:
    found = re.fullmatch(
        r"(?:write|add|put|place|overlay)(?: (?:the|an?|some))?"
        rf"(?: (?:text overlay|overlay text|overlay|text|words?|title|headline|caption))?{_PLACE}"
        rf"(?: (?:that )?(?:saying|says|reading|reads|with the (?:text|words?)):?)? “(.+)”{_PLACE}",
        clause,
    )
    if found is None:
        return None
    place = (found.group(1) or found.group(3) or "auto").replace(" ", "-")
    anchor = "centre" if place in ("center", "middle") else place
    return Step("edit.text", {"text": found.group(2), "anchor": anchor})


def _colour(text: str) -> str | None:
    try:
        parse_colour(text)
    except Refused:
        return None
    return text


def _selects(words: str) -> bool:
    """Whether words name something that is surely understood: no object that nothing here knows,
    and no half of the picture by accident."""
    try:
        meaning = understood(words)
    except Refused:
        return False
    return bool(meaning.colours) or meaning.where in ("face", "text", "subject", "background")


_READERS: tuple[Callable[[str], Step | None], ...] = (
    _tone, _turn, _flip, _frame, _background, _write, _recolour, _erase,
)  # fmt: skip
