"""Unread: the things that a prompt names and the procedural engine did not paint.

It never stops at a word that it does not know, so it must say which they were. A thing is what a
phrase ends with: of "a pair of running shoes on a wooden table", *shoes* and *table*. What stands
before it only says of which kind it is. Words of light, mood, camera and design name no thing
(plain.yaml), nor does an adjective that stands alone, nor what follows "for".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import chain
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

from services.create.providers.local.brief import Brief, found_in, without_negations, without_quotes
from services.create.providers.local.vocabulary import vocabulary
from services.create.styles import styles

#: Endings of words that say how something is; alone in their phrase they name nothing.
_ADJECTIVE = re.compile(r"(?:ed|ing|ful|ous|ish|ive|less|able|ible|like|esque|ic|ical|est|y|al)$")
_WORD = re.compile(r"[^\W\d_][\w'’-]*|[^\s]")
#: What colours in a scene, and alone is a thing that no painter shows by itself.
_PARTS = frozenset({"plate", "surface", "accent"})
#: Painters without things; what else their words name is a manner: "abstract", "floral".
_OF_FORMS = frozenset({"mesh", "geometric", "ribbons", "wash", "poster", "pattern", "bokeh"})
_FORMS_THAT_ARE_THINGS = frozenset({"flower", "flowers", "leaf", "leaves", "fireworks", "blossom"})


class _Plain(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    checked_on: date
    joints: list[list[str]]
    determiners: frozenset[str]
    purposes: frozenset[str]
    plain: dict[str, list[list[str]]]
    colour_things: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Words:
    joints: frozenset[str]
    plain: frozenset[str]
    data: _Plain


@lru_cache(maxsize=1)
def _words() -> _Words:
    text = (Path(__file__).parent / "plain.yaml").read_text(encoding="utf-8")
    data = _Plain.model_validate(yaml.safe_load(text))
    plain = chain.from_iterable(chain.from_iterable(data.plain.values()))
    return _Words(frozenset(chain.from_iterable(data.joints)), frozenset(plain), data)


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    is_known: bool = False  # the vocabulary's, or a style's


def unread(prompt: str, brief: Brief) -> tuple[str, ...]:
    """The things that are named and not to be seen, in order, each once, in lower case.

    brief: what was understood of the same prompt, with the style and whatever else was chosen.
    """
    text = without_negations(without_quotes(prompt)[0])[0].lower()
    missed = [one for phrase in _phrases(_tokens(text)) for one in _things(phrase, brief)]
    return tuple(dict.fromkeys(missed))


def told(missed: tuple[str, ...]) -> str:
    """What people are told of words that were not painted."""
    words = ", ".join(f"“{one}”" for one in missed)
    return (
        f"The local engine cannot paint {words} and left it out or showed something else; look "
        "whether the picture will do. docs/prompts.md lists what it paints; other providers paint "
        "anything."
    )


def _tokens(text: str) -> list[_Token]:
    """Known words whole, though they be several; everything else word by word."""
    spans = [(one.start, one.end) for one in found_in(text)]
    for word in (word for style in styles().values() for word in style.spoken):
        spans += [m.span() for m in re.finditer(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text)]
    tokens, at = list[_Token](), 0
    for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
        if start >= at:
            tokens += [_Token(one) for one in _WORD.findall(text[at:start])]
            tokens.append(_Token(text[start:end], is_known=True))
            at = end
    return tokens + [_Token(one) for one in _WORD.findall(text[at:])]


def _phrases(tokens: list[_Token]) -> Iterator[list[_Token]]:
    """Runs of words that a joint, a mark or an article ends; without those that tell a purpose."""
    words, phrase, is_purpose = _words(), list[_Token](), False
    for one in tokens:
        is_verb = len(one.text) > 5 and one.text.endswith("ing") and _has_noun(phrase)
        ends = not one.is_known and (
            one.text in words.joints or is_verb or not one.text[0].isalpha()
        )
        starts = one.text in words.data.determiners or one.text in words.data.purposes
        if ends or starts:
            if phrase and not is_purpose:
                yield phrase
            keeps = is_purpose and (starts or one.text == "of")
            phrase = [one] if starts else []
            is_purpose = keeps or one.text in words.data.purposes
        else:
            phrase.append(one)
    if phrase and not is_purpose:
        yield phrase


def _has_noun(phrase: list[_Token]) -> bool:
    """Whether something stands before: "a dog running", and not "a running shoe"."""
    return any(one.text not in _words().data.determiners for one in phrase)


def _things(phrase: list[_Token], brief: Brief) -> Iterator[str]:
    """What a phrase names and the picture does not show."""
    has_article = phrase[0].text in _words().data.determiners
    words = phrase[1:] if has_article else phrase
    if not words:
        return
    *before, head = words
    for one in words:
        if one.is_known and not _is_shown(one.text, brief):
            yield one.text
    if head.is_known:
        is_colour = has_article and head.text in _words().data.colour_things
        is_colour &= not before or not _has_subject(brief)
        is_part = vocabulary().part(head.text) in _PARTS and not _has_subject(brief)
        if is_colour or is_part:
            yield head.text
    elif head.text not in _words().plain and not _is_manner(head.text):
        is_adjective = _ADJECTIVE.search(head.text) and not has_article and not before
        if not (is_adjective and _has_subject(brief)):
            yield head.text


def _is_manner(word: str) -> bool:
    """Whether a word cannot name a thing, wherever it stands."""
    return len(word) < 3 or word.endswith("ly") or (word.endswith("ed") and len(word) > 5)


def _has_subject(brief: Brief) -> bool:
    known = vocabulary()
    return any(word in known.subjects or word in known.designs for word in brief.words)


def _is_shown(word: str, brief: Brief) -> bool:
    """Whether a known word is to be seen, or names no thing that could be."""
    known = vocabulary()
    if word not in known.subjects or word in known.weak or word in known.designs:
        return True
    by, motif = known.subjects[word]
    if by in _OF_FORMS and word not in _FORMS_THAT_ARE_THINGS:
        return True
    if known.part(word) or motif == brief.motif:
        return True
    if word in _FORMS_THAT_ARE_THINGS and {brief.motif, *_kinds(brief)} & {"vase", "plant"}:
        return True
    if brief.painter == "still_life" and not brief.is_alone:
        return motif in _kinds(brief)
    return brief.painter == "isometric" and by == "landscape" and brief.motif != "city"


def _kinds(brief: Brief) -> set[str]:
    return {kind for kind, _ in brief.things[:5]}
