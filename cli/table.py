"""Tables: aligned columns of a terminal, and the values of the API in words."""

from __future__ import annotations

import json
import shutil
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_GAP = "  "
_NARROWEST = 24  # characters of a last column, however narrow the terminal


def table(head: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[int] = ()) -> str:
    """Rows under a head; the last column is wrapped at the terminal's width.

    right: the numbers of the columns whose cells end at the same place.
    """
    told = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*told, strict=True)][:-1]
    begin = sum(widths) + len(_GAP) * len(widths)
    room = max(_NARROWEST, width() - begin)
    lines = []
    for row in told:
        cells = [
            cell.rjust(width) if number in right else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row[:-1], widths, strict=True))
        ]
        wrapped = textwrap.wrap(row[-1], room) or [""]
        lines.append(_GAP.join([*cells, wrapped[0]]).rstrip())
        lines += [" " * begin + more for more in wrapped[1:]]
    return "\n".join(lines)


def width() -> int:
    """Characters of a line of the terminal; into a file or a pipe, a readable number."""
    return shutil.get_terminal_size((110, 24)).columns


def show(document: Any) -> None:
    """Print JSON, for machines."""
    print(json.dumps(document, indent=2, ensure_ascii=False))


def money(amount: Mapping[str, Any]) -> str:
    """`0.04 USD`."""
    return f"{amount['amount']} {amount['currency']}"


def price(range_: Mapping[str, Any]) -> str:
    """A price before the fact: `0.04 USD`, or `0.08 USD (at most 0.12 USD)`."""
    expected, most = range_["expected"], range_["maximum"]
    return money(expected) + (f" (at most {money(most)})" if most != expected else "")


def size(image: Mapping[str, Any]) -> str:
    """`1080×1350`, px."""
    return f"{image['width']}×{image['height']}"


def counted(number: int, noun: str) -> str:
    """`1 image`, `12 images`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
