"""Anchors: nine places in a picture, for text and for crops."""

from __future__ import annotations

from typing import Literal

Anchor = Literal[
    "top-left", "top", "top-right", "left", "centre", "right",
    "bottom-left", "bottom", "bottom-right",
]  # fmt: skip


def across(anchor: Anchor) -> float:
    """How far to the right, 0..1."""
    return 0.0 if anchor.endswith("left") else 1.0 if anchor.endswith("right") else 0.5


def down(anchor: Anchor) -> float:
    """How far down, 0..1."""
    return 0.0 if anchor.startswith("top") else 1.0 if anchor.startswith("bottom") else 0.5
