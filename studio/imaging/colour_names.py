"""Colour names: what people call a colour, as sRGB: CSS's names, and some that CSS has not."""

from __future__ import annotations

import re
from typing import Annotated

from PIL import ImageColor
from pydantic import AfterValidator, Field

from studio.imaging.colour import RGB, parse_hex, to_hex
from studio.problems import Refused

#: The eleven words that every language grows (Berlin & Kay, “Basic Color Terms”, 1969).
BASIC_WORDS = (
    "black", "white", "grey", "red", "orange", "yellow", "green", "blue", "purple", "pink", "brown",
)  # fmt: skip

#: Said, but not in CSS; and what is said differently.
_SAID = {
    "gray": "grey",
    "violet": "purple",
    "burgundy": "#800020",
    "charcoal": "#36454f",
    "cream": "#fff5dc",
    "denim": "#3f5f8a",
    "emerald": "#2f9e62",
    "mint": "#a8e6c4",
    "mustard": "#d8a520",
    "peach": "#ffcba4",
    "petrol": "#0f5f6b",
    "rose": "#e8a0b0",
    "rust": "#b0502a",
    "sand": "#d8c29a",
    "wine": "#722f37",
}


def colour_words() -> tuple[str, ...]:
    """Every name that is understood, sorted."""
    return tuple(sorted({*BASIC_WORDS, *_SAID, *ImageColor.colormap}))


def said_for(word: str) -> str:
    """What a word of ours stands for: “#rrggbb” or another name; itself, if it is CSS's."""
    return _SAID.get(word, word)


def parse_colour(text: str) -> RGB:
    """“#rrggbb” or a name as (red, green, blue). Refused (`colour.unknown`) otherwise."""
    said = said_for(re.sub(r"[\s_-]+", "", text.strip().lower()))
    if said.startswith("#"):
        return parse_hex(said)
    if said in ImageColor.colormap:
        red, green, blue = ImageColor.getrgb(said)[:3]
        return red, green, blue
    raise Refused(
        rule="colour.unknown",
        says=f"“{text[:40]}” is not a colour that is known here.",
        fix="Write # and six hexadecimal digits, or a CSS colour name.",
        valid=list(BASIC_WORDS),
    )


def _known(text: str) -> str:
    try:
        parse_colour(text)
    except Refused as refused:
        raise ValueError(f"{refused.says} {refused.fix}".removesuffix(".")) from refused
    return text


def _as_hex(text: str) -> str:
    return to_hex(parse_colour(_known(text)))


_WRITTEN = Field(max_length=40, examples=["#0a3d62", "navy", "dark green"])

#: A parameter that is a colour, as it was written.
Colour = Annotated[str, _WRITTEN, AfterValidator(_known)]

#: A parameter that is a colour, written likewise, and kept as “#rrggbb”.
HexColour = Annotated[str, _WRITTEN, AfterValidator(_as_hex)]
