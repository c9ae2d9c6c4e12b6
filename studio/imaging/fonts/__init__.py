"""Fonts: the packaged files that text is set in, and which characters each of them has.

Only these files are used, never the fonts of a machine: a run gives the same pixels everywhere.
Licences and origins: fonts.yaml beside this file, and NOTICE.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

import uharfbuzz as hb
import yaml
from pydantic import BaseModel, ConfigDict, Field

from studio.problems import Broken

_HERE = Path(__file__).parent

#: They steer joining, direction and breaking, and have no shape that a font could lack.
INVISIBLE = frozenset("\u00ad\u200c\u200d\u200e\u200f")


class FontFile(BaseModel):
    """One file, as fonts.yaml records it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str = Field(pattern=r"^[\w-]+\.(ttf|otf)$")
    covers: list[str] = Field(min_length=1, description="scripts, for people")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    line_height: float = Field(ge=1, le=2, description="least, in font sizes: lines do not touch")
    licence: str
    licence_file: str
    source: str = Field(pattern=r"^https://")
    how: str = Field(description="the package it was taken from, and what was done to it")


class _Catalogue(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    as_of: date
    fonts: list[FontFile] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Font:
    """A font ready for shaping. Its unit is the em: `units` of them are one font size."""

    facts: FontFile
    shaper: hb.Font
    units: int
    characters: frozenset[int]

    def has(self, character: str) -> bool:
        """Whether it has a shape for a character, or needs none."""
        return ord(character) in self.characters or character in INVISIBLE


@lru_cache(maxsize=1)
def fonts() -> Sequence[Font]:
    """All fonts, in order of preference; read and verified once a process.

    Broken (`fonts.altered`) if a file is missing or is not the recorded one.
    """
    catalogue = _Catalogue.model_validate(
        yaml.safe_load((_HERE / "fonts.yaml").read_text(encoding="utf-8"))
    )
    return tuple(_opened(_HERE / one.file, one) for one in catalogue.fonts)


def scripts() -> list[str]:
    """What text can be written in."""
    return [script for font in fonts() for script in font.facts.covers]


def _opened(path: Path, facts: FontFile) -> Font:
    data = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(data).hexdigest() != facts.sha256:
        raise Broken(
            rule="fonts.altered",
            says=f"The font {facts.file} is missing or not the recorded one.",
            fix="Install the package again.",
        )
    face = hb.Face(data)
    return Font(facts, hb.Font(face), face.upem, frozenset(face.unicodes))
