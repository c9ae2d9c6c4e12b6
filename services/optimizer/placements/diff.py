"""Diffs: what changed between two versions of the placement data, for programs and for people."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from services.optimizer.placements import Placement, PlacementBook

#: What says where a row comes from, and nothing about the placement.
_NOT_COMPARED = {"id", "source", "checked_on"}

#: How a field is told: what it is, and its unit.
_WORDS = {
    "max_bytes": ("the most bytes", ""),
    "advised_bytes": ("the advised bytes", ""),
    "min_bytes": ("the least bytes", ""),
    "width": ("the width", " px"),
    "height": ("the height", " px"),
    "min_width": ("the least width", " px"),
    "min_height": ("the least height", " px"),
    "max_width": ("the greatest width", " px"),
    "max_height": ("the greatest height", " px"),
    "max_pixels": ("the most pixels", ""),
    "min_ratio": ("the narrowest ratio", ""),
    "max_ratio": ("the widest ratio", ""),
    "min_images": ("the fewest images of a post", ""),
    "max_images": ("the most images of a post", ""),
    "also_accepts": ("what else is accepted", ""),
    "safe_margins": ("what is covered", ""),
    "alt_text_required": ("whether alt text is required", ""),
    "product": ("the product rules", ""),
    "recheck": ("whether it must be checked again", ""),
    "valid_from": ("the first day", ""),
    "valid_until": ("the last day", ""),
    "upcoming": ("what is announced", ""),
}


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True)


class FieldChange(_Told):
    """One field of a placement; old and new are JSON, null where there was or is nothing."""

    field: str
    old: Any
    new: Any
    says: str


class PlacementChange(_Told):
    """A placement that is in both versions and differs."""

    id: str
    platform: str
    name: str
    changes: tuple[FieldChange, ...]


class BookDiff(_Told):
    """From one version to another."""

    old_version: str
    new_version: str
    added: tuple[Placement, ...]
    removed: tuple[Placement, ...]
    changed: tuple[PlacementChange, ...]

    @property
    def says(self) -> list[str]:
        """The whole difference in sentences; one that says so if there is none."""
        sentences = [f"{_titled(one)} is new." for one in self.added]
        sentences += [f"{_titled(one)} is gone." for one in self.removed]
        sentences += [change.says for one in self.changed for change in one.changes]
        return sentences or [f"{self.old_version} and {self.new_version} say the same."]


def diff(old: PlacementBook, new: PlacementBook) -> BookDiff:
    """What one has to know to go from one version to another (backwards is possible, too)."""
    both = [(old.get(one.id), one) for one in new.placements]
    return BookDiff(
        old_version=old.version,
        new_version=new.version,
        added=tuple(after for before, after in both if before is None),
        removed=tuple(one for one in old.placements if new.get(one.id) is None),
        changed=tuple(
            PlacementChange(id=after.id, platform=after.platform, name=after.name, changes=changes)
            for before, after in both
            if before and (changes := _changes(before, after))
        ),
    )


def _changes(before: Placement, after: Placement) -> tuple[FieldChange, ...]:
    old, new = before.model_dump(mode="json"), after.model_dump(mode="json")
    return tuple(
        FieldChange(field=name, old=old[name], new=new[name], says=_sentence(after, name, old, new))
        for name in Placement.model_fields
        if name not in _NOT_COMPARED and old[name] != new[name]
    )


def _sentence(one: Placement, name: str, old: dict[str, Any], new: dict[str, Any]) -> str:
    what, unit = _WORDS.get(name, (f"the {name.replace('_', ' ')}", ""))
    if name == "notes":
        noted = "; ".join(new[name]) or "nothing"
        return f"{one.id}: noted now: {noted.removesuffix('.')}."
    was, now = (_value(name, value[name], unit) for value in (old, new))
    return f"{one.id}: {what} was {was} and is {now}."


def _value(name: str, value: Any, unit: str) -> str:
    if value is None or value in ([], {}):
        return "not stated"
    if name == "safe_margins":
        return ", ".join(f"{px:,} px {side}" for side, px in value.items() if px) or "nothing"
    if name == "upcoming":
        return "; ".join(f"{_pairs(one['changes'])} from {one['since']} on" for one in value)
    match value:
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}{unit}"
        case float():
            return f"{value:g}{unit}"
        case dict():
            return _pairs(value)
        case list():
            return ", ".join(value)
        case _:
            return f"“{value}”" if name == "name" else str(value)


def _pairs(value: dict[str, Any]) -> str:
    told = (f"{key.replace('_', ' ')} {_value('', one, '')}" for key, one in value.items() if one)
    return ", ".join(told)


def _titled(one: Placement) -> str:
    return f"{one.id} ({one.platform}, {one.name}, {one.width}×{one.height})"
