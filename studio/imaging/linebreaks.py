"""Line breaks: where a line of text may end.

The rules are those of the Unicode Line Breaking Algorithm (UAX #14), by uniseg: between words of
spaced scripts, between characters of Chinese and Japanese, but never before 。、」 or after 「
(kinsoku). Two conventions of good typesetting are added: Korean breaks between words, not
syllables (as `word-break: keep-all` of CSS Text 3), and Chinese and Japanese break between phrases
as long as these fit, which BudouX finds.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Any

import budoux
from uniseg.linebreak import line_break_units

from studio.imaging.shaping import Language

_SOFT_HYPHEN = "\u00ad"


def units(text: str) -> list[str]:
    """The smallest pieces of a paragraph between which a line may end, spaces at their ends."""
    pieces: list[str] = []
    for piece in line_break_units(text):
        if pieces and _is_hangul(pieces[-1][-1]) and _is_hangul(piece[0]):
            pieces[-1] += piece
        else:
            pieces.append(piece)
    return pieces


def phrases(text: str, language: Language) -> list[str]:
    """Pieces that are better not broken; the same as `units` where spaces show what they are."""
    smallest = units(text)
    parser = _parser(language)
    if parser is None:
        return smallest
    ends, at = set(), 0
    for phrase in parser.parse(text):
        at += len(phrase)
        ends.add(at)
    joined, line, at = [], "", 0
    for piece in smallest:
        line, at = line + piece, at + len(piece)
        if at in ends or piece[-1].isspace():
            joined.append(line)
            line = ""
    return [*joined, line] if line else joined


def ended(line: str) -> str:
    """A line as it is written: no space at its end, a hyphen where a word was divided."""
    line = line.strip()
    is_divided = line.endswith(_SOFT_HYPHEN)
    return line.replace(_SOFT_HYPHEN, "") + ("-" if is_divided else "")


def _is_hangul(letter: str) -> bool:
    return unicodedata.name(letter, "").startswith("HANGUL")


@lru_cache(maxsize=8)
def _parser(language: Language) -> Any:
    if language == "ja":
        return budoux.load_default_japanese_parser()
    if language == "zh-Hans":
        return budoux.load_default_simplified_chinese_parser()
    if language == "zh-Hant":
        return budoux.load_default_traditional_chinese_parser()
    return None
