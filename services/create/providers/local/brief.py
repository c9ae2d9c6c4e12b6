"""Briefs: what the procedural engine understood of a prompt."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict

from studio.imaging.colour import parse_hex

Rgb = tuple[int, int, int]


class Mood(BaseModel):
    """How a picture feels, as factors on its colours."""

    model_config = ConfigDict(extra="forbid")

    saturation: float = 1.0
    contrast: float = 1.0
    brightness: float = 1.0
    warmth: float = 0.0
    energy: float = 0.5


class Light(BaseModel):
    """A time of day."""

    model_config = ConfigDict(extra="forbid")

    sky: tuple[str, str, str]
    ground: str
    sun: float
    brightness: float


class Vocabulary(BaseModel):
    """Every word that the engine knows."""

    model_config = ConfigDict(extra="forbid")

    checked_on: Any
    colours: dict[str, str]
    moods: dict[str, Mood]
    lights: dict[str, Light]
    places: dict[str, float]
    scales: dict[str, float]
    subjects: dict[str, tuple[str, str]]
    styles: dict[str, str]
    palettes: list[list[str]]


@lru_cache(maxsize=1)
def vocabulary() -> Vocabulary:
    """The words, validated; read once."""
    text = (Path(__file__).parent / "vocabulary.yaml").read_text()
    return Vocabulary.model_validate(yaml.safe_load(text))


@dataclass(frozen=True, slots=True)
class Brief:
    """What to paint."""

    painter: str  # "landscape", "mesh", …
    motif: str  # "mountains", "cup", …
    colours: tuple[Rgb, ...]  # named in the prompt, in order; may be empty
    mood: Mood
    light: Light | None
    place: float | None  # 0..1 from the left; None: the painter decides
    scale: float
    words: tuple[str, ...]  # what was understood, for people

    def palette(self, dice: np.random.Generator, count: int = 5) -> list[Rgb]:
        """`count` colours that go together: those named, completed by kin, or a designed set."""
        if not self.colours:
            designed = vocabulary().palettes
            chosen = designed[int(dice.integers(len(designed)))]
            return [parse_hex(one) for one in chosen][:count]
        named = list(self.colours[:count])
        while len(named) < count:
            base = named[len(named) % len(self.colours)]
            named.append(_kin(base, dice))
        return named


def read(prompt: str, *, style: str | None = None, negative_prompt: str = "") -> Brief:
    """Understand a prompt: the words that are known, in the order in which they stand.

    style: one of the vocabulary's styles; None lets the subject decide.
    """
    known = vocabulary()
    unwanted = set(_found(negative_prompt, [*known.colours, *known.subjects, *known.moods]))
    said = [word for word in _found(prompt, _words(known)) if word not in unwanted]
    subjects = [known.subjects[word] for word in said if word in known.subjects]
    painter = known.styles[style] if style else (subjects[0][0] if subjects else "mesh")
    motif = next((motif for by, motif in subjects if by == painter), _DEFAULT_MOTIF[painter])
    hexes = re.findall(r"#[0-9a-fA-F]{6}\b", prompt)
    colours = [parse_hex(known.colours[word]) for word in said if word in known.colours]
    colours += [parse_hex(one) for one in hexes]
    return Brief(
        painter=painter,
        motif=motif,
        colours=tuple(dict.fromkeys(colours)),
        mood=_blend([known.moods[word] for word in said if word in known.moods]),
        light=next((known.lights[word] for word in said if word in known.lights), None),
        place=next((known.places[word] for word in said if word in known.places), None),
        scale=next((known.scales[word] for word in said if word in known.scales), 1.0),
        words=tuple(said) + tuple(hexes),
    )


_DEFAULT_MOTIF = {
    "landscape": "mountains",
    "mesh": "aurora",
    "geometric": "bauhaus",
    "plinth": "bottle",
    "pattern": "leaves",
    "bokeh": "lights",
    "ribbons": "flow",
    "poster": "sunburst",
}


def _words(known: Vocabulary) -> list[str]:
    parts = (known.colours, known.moods, known.lights, known.places, known.scales, known.subjects)
    return [word for part in parts for word in part]


def _found(text: str, words: list[str]) -> list[str]:
    """The known words that occur in a text, longest first where they overlap, in its order."""
    by_length = sorted(set(words), key=len, reverse=True)
    pattern = r"(?<![\w-])(" + "|".join(re.escape(word) for word in by_length) + r")(?![\w-])"
    return re.findall(pattern, text.lower())


def _blend(moods: list[Mood]) -> Mood:
    """Several moods at once: factors multiply, warmth adds, energy is the mean."""
    if not moods:
        return Mood()
    return Mood(
        saturation=float(np.prod([one.saturation for one in moods]).clip(0.75, 1.5)),
        contrast=float(np.prod([one.contrast for one in moods]).clip(0.85, 1.4)),
        brightness=float(np.prod([one.brightness for one in moods])),
        warmth=float(np.clip(sum(one.warmth for one in moods), -1, 1)),
        energy=float(np.mean([one.energy for one in moods])),
    )


def _kin(base: Rgb, dice: np.random.Generator) -> Rgb:
    """A lighter, darker or slightly turned relative of a colour."""
    import colorsys

    hue, light, saturation = colorsys.rgb_to_hls(*(channel / 255 for channel in base))
    hue = (hue + float(dice.uniform(-0.06, 0.06))) % 1
    light = float(np.clip(light + dice.choice([-0.28, -0.16, 0.16, 0.28]), 0.12, 0.93))
    red, green, blue = colorsys.hls_to_rgb(hue, light, saturation * float(dice.uniform(0.6, 1)))
    return round(red * 255), round(green * 255), round(blue * 255)
