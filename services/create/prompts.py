"""Prompts: one sentence for engines, composed of what the caller chose.

In order: the subject as it was written, the style's words, the template's hints, the brand's
colours and tone, then light and composition where the subject names none. Nothing is invented and
nothing said twice; the same input gives the same prompt.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from services.create.providers.local.vocabulary import vocabulary
from services.create.styles import Style
from services.create.templates import Template
from studio.imaging.colour import parse_hex, srgb_to_lab

#: The shortest limit of a provider's prompt among those that we know, characters (Firefly v3,
#: providers.md §4.8), applied to what is added: what the caller wrote is never cut.
MAX_ADDED = 1024

_LIGHT = re.compile(r"\b(light|lit|lighting|sun|moon|shadows?|glow|backlit|exposure)\b", re.I)
_COMPOSITION = re.compile(
    r"\b(composition|centred|centered|close-?up|wide|framing|framed|thirds|from above|top view|"
    r"symmetrical|left|right|portrait|panorama|copy space|negative space)\b",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Composed:
    """What an engine that reads sentences is told."""

    prompt: str
    negative_prompt: str


def compose(
    subject: str,
    negative: str = "",
    *,
    style: Style | None = None,
    template: Template | None = None,
    palette: Sequence[str] = (),
    tone: Sequence[str] = (),
) -> Composed:
    """Compose the prompt and the negative prompt.

    subject, negative: as the caller wrote them, each kept whole and first.
    palette:           "#rrggbb" each, the leading colour first; named in words, with their values.
    tone:              words of the brand's voice.
    Words that the negative prompt refuses are not added, nor are refused words that the subject
    asks for. At most `MAX_ADDED` characters are added, whole phrases only.
    """
    added = [*(style.prompt if style else ()), *(template.hints if template else ())]
    added += _brand(palette, tone)
    if style and style.light and not _names_light(subject):
        added.append(style.light)
    if style and style.composition and not (template and template.hints):
        added += [] if _COMPOSITION.search(subject) else [style.composition]
    wanted = [one for one in added if not _any_said(_phrases(negative), one)]
    refused = [*(style.negative if style else ()), *(template.negative if template else ())]
    refused = [one for one in refused if not _said(one, subject)]
    return Composed(_joined(subject, wanted), _joined(negative, refused))


def colour_name(colour: str) -> str:
    """The nearest colour word (smallest ΔE) of "#rrggbb": "#0b3954" is "navy"."""
    lab = srgb_to_lab(parse_hex(colour))
    known = vocabulary().colours
    table = srgb_to_lab([parse_hex(one) for one in known.values()])
    return list(known)[int(np.linalg.norm(table - lab, axis=1).argmin())]


def _brand(palette: Sequence[str], tone: Sequence[str]) -> list[str]:
    said = []
    if palette:
        named = ", ".join(f"{colour_name(one)} ({one.lower()})" for one in palette)
        said.append(f"colour palette of {named}")
    if tone:
        said.append(f"{', '.join(tone)} mood")
    return said


def _names_light(subject: str) -> bool:
    words = vocabulary().lights
    return bool(_LIGHT.search(subject)) or any(_said(word, subject) for word in words)


def _phrases(text: str) -> list[str]:
    return [one.strip() for one in re.split(r"[,;.]", text) if one.strip()]


def _any_said(phrases: Iterable[str], text: str) -> bool:
    return any(_said(one, text) for one in phrases)


def _said(phrase: str, text: str) -> bool:
    return bool(re.search(rf"(?<![\w-]){re.escape(phrase.lower())}(?![\w-])", text.lower()))


def _joined(first: str, more: Iterable[str]) -> str:
    """The first as it is, and the phrases that it does not say yet, within the limit."""
    text = first.strip().rstrip(",")
    room = len(text) + MAX_ADDED
    for phrase in more:
        longer = f"{text}, {phrase}" if text else phrase
        if not _said(phrase, text) and len(longer) <= room:
            text = longer
    return text
