"""Demands: what a placement refuses whatever is in the picture.

A quote and a run ask the same functions, so that what is foreseen is what happens.
"""

from __future__ import annotations

from services.optimizer.placements import Format, Placement
from studio.problems import Refused


def check_format(placement: Placement, format_: Format | None) -> None:
    """Refused (optimizer.format) if the placement does not take the format that is wanted."""
    if format_ is not None and format_ not in placement.formats:
        raise Refused(
            rule="optimizer.format",
            says=f"{placement.id} does not accept {format_.upper()}.",
            fix="Leave the format to the optimizer, or use one of the valid ones.",
            valid=list(placement.formats),
        )


def check_text(placement: Placement) -> None:
    """Refused (optimizer.text_forbidden) if the shop takes no picture with text on it."""
    if placement.product and "text" in placement.product.forbids:
        raise Refused(
            rule="optimizer.text_forbidden",
            says=f"{placement.id} takes no picture with text or a logo on it.",
            fix="Leave the overlay out for this placement.",
        )


def check_alt_text(placement: Placement, alt_text: str | None) -> None:
    """Refused (optimizer.alt_text) if the placement requires one and there is none."""
    if placement.alt_text_required and not alt_text:
        raise Refused(
            rule="optimizer.alt_text",
            says=f"{placement.id} takes no picture without a text for those who cannot see it.",
            fix="Set alt_text in the step, or on the asset.",
        )
