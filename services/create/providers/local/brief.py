"""Briefs: what the procedural engine understood of a prompt (docs/prompts.md tells the grammar).

A colour belongs to the thing that it stands before ("a red cup on a blue plate") or follows with
"in" ("a cup in red"); what no thing claims rules the whole palette. What is not wanted, in the
negative prompt or after "no" and "without", is neither read nor painted.
"""

from __future__ import annotations

import colorsys
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from services.create.providers.local.vocabulary import Light, Mood, Vocabulary, vocabulary
from services.create.styles import Style, styles
from studio.imaging.colour import parse_hex, srgb_to_lab

Rgb = tuple[int, int, int]

#: ΔE (CIE76) within which a colour counts as the unwanted one.
_NEAR = 42.0


@dataclass(frozen=True, slots=True)
class Brief:
    """What to paint."""

    painter: str  # "landscape", "mesh", …
    motif: str  # "mountains", "cup", …
    colours: tuple[Rgb, ...]  # of the subject and the palette, in order; may be empty
    mood: Mood
    light: Light | None
    place: float | None  # 0..1 from the left; None: the painter decides
    scale: float
    words: tuple[str, ...]  # what was understood, for people
    style: Style | None = None
    parts: Mapping[str, Rgb] = field(default_factory=dict)  # "plate", "sky" …: its colour
    things: tuple[tuple[str, Rgb | None], ...] = ()  # objects in order, each with its colour
    shows: frozenset[str] = frozenset()  # features that the prompt names
    avoids: frozenset[str] = frozenset()  # features that must not be seen
    avoided: tuple[Rgb, ...] = ()  # colours that must not be seen
    headline: str = ""  # words in quotes
    is_alone: bool = False  # a product on an even ground, to be cut out
    brand: tuple[Rgb, ...] = ()

    @property
    def is_sparse(self) -> bool:
        """Whether little may be shown: minimal, simple, quiet."""
        return self.mood.energy <= 0.15

    def has(self, feature: str, otherwise: bool = False) -> bool:
        """Whether a feature is shown: as the prompt says, else `otherwise`."""
        return feature not in self.avoids and (feature in self.shows or otherwise)

    def palette(self, dice: np.random.Generator, count: int = 5) -> list[Rgb]:
        """`count` colours that go together: those named, completed by kin, or a designed set."""
        named = list(self.brand or self.colours)[:count]
        if not named:
            return self._designed(dice)[:count]
        first = tuple(named)
        if len(self.brand) >= 3:  # enough to tell forms apart: a brand's colours have no kin
            return [first[i % len(first)] for i in range(count)]
        while len(named) < count:
            named.append(_kin(first[len(named) % len(first)], dice))
        return named

    def _designed(self, dice: np.random.Generator) -> list[Rgb]:
        sets = [[parse_hex(one) for one in each] for each in vocabulary().palettes]
        wanted = [each for each in sets if not any(is_near(c, self.avoided) for c in each)]
        chosen = (wanted or sets)[int(dice.integers(len(wanted or sets)))]
        kept = [one for one in chosen if not is_near(one, self.avoided)] or [(120, 128, 136)]
        return [kept[i % len(kept)] for i in range(len(chosen))]


def read(
    prompt: str,
    *,
    style: str | None = None,
    negative_prompt: str = "",
    brand: Sequence[Rgb] = (),
    tone: Sequence[str] = (),
    alone: bool = False,
) -> Brief:
    """Understand a prompt: the words that are known, in the order in which they stand.

    style: an id of `styles()`; None lets the words decide.
    brand: colours that take the place of all others; tone: mood words that are read after the
           prompt's own.
    alone: whether a thing is shown as a product without surroundings.
    """
    known = vocabulary()
    prompt, headline = without_quotes(prompt)
    prompt, unwanted = without_negations(prompt)
    unwanted = f"{unwanted} , {negative_prompt}".lower()
    shown = styles()[style] if style else _spoken(prompt)
    added = [*(shown.local.words if shown else ()), *tone]
    refused = {one.word for one in found_in(unwanted)}
    said = [one for one in found_in(prompt) if one.word not in refused]
    moods = [one.word for one in said if one.word in known.moods] + [
        word for word in added if word in known.moods and word not in refused
    ]
    avoided = tuple(c for word in refused for c in known.rgb(word))
    named = _without_attributes(prompt, said)
    claims = _claimed(prompt.lower(), named, known)
    painter, motif = _painter(named, shown, known)
    return Brief(
        painter=painter,
        motif=motif,
        colours=tuple(brand) or tuple(c for c in claims.palette if c not in avoided),
        mood=_blend([known.moods[word] for word in moods]),
        light=_light(said, claims, known),
        place=next((known.places[o.word] for o in said if o.word in known.places), None),
        scale=next((known.scales[o.word] for o in said if o.word in known.scales), 1.0),
        words=tuple(one.word for one in said),
        style=shown,
        parts={} if brand else claims.parts,
        things=tuple((kind, None if brand else c) for kind, c in claims.things),
        shows=frozenset(known.feature(one.word) for one in said) - {""},
        avoids=frozenset(known.feature(word) for word in refused) - {""},
        avoided=tuple(sorted(avoided)),
        headline=headline,
        is_alone=alone and painter in _OF_THINGS,
        brand=tuple(brand),
    )


def is_near(colour: Rgb, others: Iterable[Rgb]) -> bool:
    """Whether a colour could be taken for one of the others (ΔE below 42)."""
    lab = srgb_to_lab(colour)
    return any(float(np.linalg.norm(lab - srgb_to_lab(one))) < _NEAR for one in others)


@dataclass(frozen=True, slots=True)
class Said:
    """A known word and where it stands."""

    word: str
    start: int
    end: int


@dataclass(slots=True)
class _Claims:
    """Which thing claims which colour."""

    palette: list[Rgb] = field(default_factory=list)
    parts: dict[str, Rgb] = field(default_factory=dict)
    things: list[tuple[str, Rgb | None]] = field(default_factory=list)


def without_quotes(prompt: str) -> tuple[str, str]:
    """The prompt without what is in quotes, and the first of that."""
    found = re.findall(r"[\"“”„«»]([^\"“”„«»]{1,80})[\"“”«»]", prompt)
    return re.sub(r"[\"“”„«»][^\"“”„«»]{1,80}[\"“”«»]", " ", prompt), found[0] if found else ""


def without_negations(prompt: str) -> tuple[str, str]:
    """The prompt without what follows "no" and "without", and that: to a comma or preposition."""
    end = r"(?=[,.;]|\b(?:on|in|at|with|under|over|but)\b|$)"
    pattern = rf"\b(?:no|without|avoid)\b([^,.;]*?){end}"
    return re.sub(pattern, " ", prompt, flags=re.I), " , ".join(re.findall(pattern, prompt, re.I))


def _spoken(prompt: str) -> Style | None:
    """The style that the prompt itself names; the longest words win."""
    said = [(word, one) for one in styles().values() for word in one.spoken]
    for word, style in sorted(said, key=lambda pair: -len(pair[0])):
        if re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", prompt.lower()):
            return style
    return None


def found_in(text: str) -> list[Said]:
    """The known words that occur in a text, longest first where they overlap, in its order."""
    return [Said(m[1], m.start(), m.end()) for m in vocabulary().pattern.finditer(text.lower())]


def _without_attributes(text: str, said: list[Said]) -> list[Said]:
    """Without things that only say of which kind the next one is: a "perfume" bottle."""
    things = {w for w, (painter, _) in vocabulary().subjects.items() if painter in _OF_THINGS}
    followed = [*said[1:], None]
    return [
        one
        for one, after in zip(said, followed, strict=False)
        if not (after and {one.word, after.word} <= things
                and text[one.end : after.start].isspace())
    ]  # fmt: skip


def _painter(said: list[Said], style: Style | None, known: Vocabulary) -> tuple[str, str]:
    """Who paints, and what: the style, else a design word, else the first strong subject."""
    named = [(one.word, *known.subjects[one.word]) for one in said if one.word in known.subjects]
    subjects = sorted(named, key=lambda one: one[0] in known.weak)
    if style and style.local.painter:
        painter = style.local.painter
    else:
        designs = [known.designs[one.word] for one in said if one.word in known.designs]
        designs = [one for one in designs if not (one == "bokeh" and subjects[0][1] == "skyline")]
        painter = designs[0] if designs else (subjects[0][1] if subjects else "mesh")
        if not designs and painter == "plinth" and len(_kinds(subjects)) > 1:
            painter = "still_life"  # a plinth holds one
    kin = FAMILIES.get(painter, {painter})
    return painter, next((m for _, by, m in subjects if by in kin), DEFAULT_MOTIFS[painter])


def _kinds(subjects: list[tuple[str, str, str]]) -> set[str]:
    strong = [one for one in subjects if one[0] not in vocabulary().weak]
    return {motif for _, by, motif in strong if by in _OF_THINGS}


_OF_THINGS = frozenset({"plinth", "still_life"})

#: Painters that can show each other's motifs.
FAMILIES = {
    "plinth": {"plinth", "still_life"},
    "still_life": {"plinth", "still_life"},
    "landscape": {"landscape", "skyline"},
    "skyline": {"skyline"},
    "poster": {"poster", "landscape"},
    "isometric": {"isometric", "skyline", "landscape"},
}

DEFAULT_MOTIFS = {
    "landscape": "mountains",
    "skyline": "city",
    "isometric": "city",
    "mesh": "aurora",
    "geometric": "bauhaus",
    "plinth": "bottle",
    "still_life": "vase",
    "pattern": "leaves",
    "bokeh": "lights",
    "ribbons": "flow",
    "poster": "sunburst",
    "wash": "wash",
}


def _claimed(text: str, said: list[Said], known: Vocabulary) -> _Claims:
    """Give each colour to the thing that it stands before, or after which "in" leads to it."""
    claims, waiting, number = _Claims(), list[tuple[Said, Rgb]](), 1
    parts: dict[str, Rgb] = {}
    last = ""  # the thing before, which "in red" would mean
    for before, one in zip([None, *said], said, strict=False):
        gap = text[before.end : one.start] if before else ""
        if colours := known.rgb(one.word):
            if last and re.fullmatch(r"\s+(in|is)\s+(a\s+)?", gap):
                _give(last, colours[0], claims, parts)
                last = ""
            waiting.append((one, colours[0]))
            continue
        number = known.numbers.get(one.word, number)
        part, thing = known.part(one.word), known.subjects.get(one.word)
        if not part and not thing:
            continue
        near = [c for o, c in waiting if _is_before(text[o.end : one.start])]
        colour = near[0] if near else None
        if thing and thing[0] in _OF_THINGS and one.word not in known.weak:
            petals = known.is_of_petals(one.word)
            if petals and colour:
                parts.setdefault("petals", colour)
            if not (petals and claims.things and claims.things[-1][0] == "vase"):
                claims.things += [(thing[1], None if petals else colour)] * number
        if part and colour and part not in parts:
            parts[part] = colour
        if part and not (thing and one.word not in known.weak):
            claims.palette += [c for _, c in waiting if c not in near]
        else:
            claims.palette += [c for _, c in waiting]
        waiting, number, last = [], 1, part or "thing"
    claims.palette += [c for _, c in waiting]
    claims.parts = parts
    if not claims.palette and not claims.things:  # "a navy background": there is nothing else
        claims.palette = list(parts.values())
    claims.palette = list(dict.fromkeys(claims.palette))
    return claims


def _give(last: str, colour: Rgb, claims: _Claims, parts: dict[str, Rgb]) -> None:
    if last != "thing":
        parts.setdefault(last, colour)
    elif claims.things and claims.things[-1][1] is None:
        claims.things[-1] = (claims.things[-1][0], colour)


def _is_before(gap: str) -> bool:
    """Whether a colour still belongs to a thing after so much text: up to four plain words."""
    return len(gap.split()) <= 4 and not re.search(r"[,.;]|\b(on|in|with|at|under|over|of)\b", gap)


def _light(said: list[Said], claims: _Claims, known: Vocabulary) -> Light | None:
    """The first light that is named; a candle lights a night."""
    light = next((known.lights[one.word] for one in said if one.word in known.lights), None)
    if light and light.is_night and any(kind == "candle" for kind, _ in claims.things):
        return known.lights["candlelight"]
    return light


def _blend(moods: list[Mood]) -> Mood:
    """Several moods at once: factors multiply, warmth adds, energy is the mean."""
    if not moods:
        return Mood()
    return Mood(
        saturation=float(np.prod([one.saturation for one in moods]).clip(0.6, 1.5)),
        contrast=float(np.prod([one.contrast for one in moods]).clip(0.8, 1.4)),
        brightness=float(np.prod([one.brightness for one in moods]).clip(0.5, 1.3)),
        warmth=float(np.clip(sum(one.warmth for one in moods), -1, 1)),
        energy=float(np.mean([one.energy for one in moods])),
    )


def _kin(base: Rgb, dice: np.random.Generator) -> Rgb:
    """A lighter, darker or slightly turned relative of a colour."""
    hue, light, saturation = colorsys.rgb_to_hls(*(channel / 255 for channel in base))
    hue = (hue + float(dice.uniform(-0.06, 0.06))) % 1
    light = float(np.clip(light + dice.choice([-0.28, -0.16, 0.16, 0.28]), 0.12, 0.93))
    red, green, blue = colorsys.hls_to_rgb(hue, light, saturation * float(dice.uniform(0.6, 1)))
    return round(red * 255), round(green * 255), round(blue * 255)
