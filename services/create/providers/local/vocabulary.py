"""The vocabulary: every word that the procedural engine knows, as dated data."""

from __future__ import annotations

import re
from datetime import date
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from studio.imaging.colour import RGB, parse_hex

_HEX = r"^#[0-9a-f]{6}$"


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Mood(_Data):
    """How a picture feels, as factors on its colours."""

    saturation: float = Field(default=1.0, gt=0, le=2)
    contrast: float = Field(default=1.0, gt=0, le=2)
    brightness: float = Field(default=1.0, gt=0, le=2)
    warmth: float = Field(default=0.0, ge=-1, le=1)
    energy: float = Field(default=0.5, ge=0, le=1, description="how much happens")


class Light(_Data):
    """A time of day, a season or the weather."""

    sky: tuple[str, str, str] = Field(description="from the zenith to the horizon")
    ground: str = Field(pattern=_HEX)
    sun: float = Field(ge=0, le=1, description="height: 0 = horizon, 1 = top")
    brightness: float = Field(gt=0, le=1.5)

    @property
    def is_night(self) -> bool:
        """Whether stars are out."""
        return self.brightness < 0.6


class Vocabulary(_Data):
    """Every word that the engine knows."""

    checked_on: date
    colours: dict[str, str]
    shades: dict[str, tuple[Literal["black", "white"], float]]
    moods: dict[str, Mood]
    lights: dict[str, Light]
    places: dict[str, float]
    scales: dict[str, float]
    numbers: dict[str, int]
    features: dict[str, list[str]]
    parts: dict[str, list[str]]
    subjects: dict[str, tuple[str, str]]
    weak: list[str]
    designs: dict[str, str]
    palettes: list[list[str]]

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """What finds a known word in lower case text, the longest first; group 1 is the word."""
        plain = {*self.moods, *self.lights, *self.places, *self.scales, *self.numbers}
        plain |= {*self.subjects, *self.designs, *self._features, *self._parts, *self.colours}
        shaded = {f"{shade} {colour}" for shade in self.shades for colour in self.colours}
        by_length = sorted(plain | shaded, key=lambda word: (-len(word), word))
        words = "|".join(re.escape(word) for word in by_length)
        return re.compile(rf"(?<![\w-])(#[0-9a-f]{{6}}|{words})(?![\w-])")

    @cached_property
    def _features(self) -> dict[str, str]:
        return {word: name for name, words in self.features.items() for word in words}

    @cached_property
    def _parts(self) -> dict[str, str]:
        return {word: name for name, words in self.parts.items() for word in words}

    def feature(self, word: str) -> str:
        """The feature that a word means, or ""."""
        return self._features.get(word, "")

    def part(self, word: str) -> str:
        """The part that a word means, or ""."""
        return self._parts.get(word, "")

    def is_of_petals(self, word: str) -> bool:
        """Whether a word means what is in a vase: a colour before it is that of the petals."""
        return self.subjects.get(word, ("", ""))[1] == "vase" and not word.startswith("vase")

    def rgb(self, word: str) -> tuple[RGB, ...]:
        """The colour that a word means: one, or none if it means none. "dark blue" is one word."""
        if word.startswith("#"):
            return (parse_hex(word),)
        if word in self.colours:
            return (parse_hex(self.colours[word]),)
        shade, _, colour = word.partition(" ")
        if shade not in self.shades or colour not in self.colours:
            return ()
        towards, amount = self.shades[shade]
        end = 255 if towards == "white" else 0
        red, green, blue = (round(c + (end - c) * amount) for c in parse_hex(self.colours[colour]))
        return ((red, green, blue),)


@lru_cache(maxsize=1)
def vocabulary() -> Vocabulary:
    """The words, validated; read once."""
    text = (Path(__file__).parent / "vocabulary.yaml").read_text(encoding="utf-8")
    return Vocabulary.model_validate(yaml.safe_load(text))
