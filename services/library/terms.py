"""Terms: everything that an asset can be found by, as one array behind one multikey index.

A term is either a word ("harbour") or a fact ("run=…", "favourite=yes"). One array for both keeps
any combination of filters one indexed look-up, and works on servers that have no text index.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from studio.metadata import Document

#: Raise it when rows get other terms: those of before are then given theirs (`store.index_anew`).
TERMS_VERSION = 1  # rows without one know of no reviews

#: Facts with one value, and facts with several: what a list can be filtered by, exactly.
_FACTS = ("run", "workflow", "operation", "provider", "label", "blob", "media_type", "review")
_SETS = {"collections": "collection", "tags": "tag", "parents": "parent"}

#: What the words of a search are looked for in.
_TEXTS = ("_id", "title", "prompt", "description", "alt_text", "label", "operation", "provider")
_DETAILS = ("placement", "filename", "style", "model", "template")

_WORD = re.compile(r"[^\W_]+")
_MAX_WORD = 64  # longer runs of letters are found by their beginning


def fact(name: str, value: str | bool) -> str:
    """The term of a fact; its "=" keeps it apart from every word."""
    shown = ("yes" if value else "no") if isinstance(value, bool) else value
    return f"{name}={shown}"


def terms_of(row: Document) -> list[str]:
    """Every term of an asset's row."""
    facts = [fact(name, row[name]) for name in _FACTS if row.get(name)]
    facts += [fact(one, value) for field, one in _SETS.items() for value in row[field]]
    is_reviewed = bool(row.get("review"))
    facts.append(fact("favourite", row["favourite"]))
    facts.append(fact("reviewed", is_reviewed))
    facts.append(fact("needs_review", bool(to_review(row)) and not is_reviewed))
    texts = [row[name] for name in _TEXTS]
    texts += [str(row["details"].get(name, "")) for name in _DETAILS]
    return sorted({*facts, *words([*texts, *row["tags"], *row["collections"]])})


def to_review(row: Document) -> str:
    """Why a person should look at it, as whoever made it says; "" without a reason."""
    reason = row["details"].get("needs_review")
    return str(reason) if reason else ""


def words(texts: Iterable[str]) -> list[str]:
    """The words of texts in order: lower case, without accents, ids in their parts."""
    return [word[:_MAX_WORD] for text in texts for word in _WORD.findall(folded(text))]


def folded(text: str) -> str:
    """Text as it is compared: neither case nor accents count ("Café" is "cafe")."""
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    return "".join(one for one in apart if not unicodedata.combining(one)).casefold()
