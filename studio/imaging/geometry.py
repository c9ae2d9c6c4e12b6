"""Geometry: boxes in normalised coordinates, so that they survive every resize."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Box(BaseModel):
    """A rectangle; x to the right and y down, both 0..1 of the image's size."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    x0: float = Field(ge=0, le=1)
    y0: float = Field(ge=0, le=1)
    x1: float = Field(ge=0, le=1)
    y1: float = Field(ge=0, le=1)

    @model_validator(mode="after")
    def _has_area(self) -> Self:
        if self.x0 >= self.x1 or self.y0 >= self.y1:
            raise ValueError("a box has x0 < x1 and y0 < y1")
        return self

    @classmethod
    def clipped(cls, x0: float, y0: float, x1: float, y1: float) -> Self | None:
        """The part of a rectangle that lies in the image, or None if none does."""
        x0, y0, x1, y1 = (min(max(float(v), 0.0), 1.0) for v in (x0, y0, x1, y1))
        return cls(x0=x0, y0=y0, x1=x1, y1=y1) if x0 < x1 and y0 < y1 else None

    @property
    def width(self) -> float:
        """As a fraction of the image's width."""
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        """As a fraction of the image's height."""
        return self.y1 - self.y0

    @property
    def area(self) -> float:
        """As a fraction of the image's area."""
        return self.width * self.height

    @property
    def centre(self) -> tuple[float, float]:
        """Its middle, (x, y)."""
        return (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2

    def intersection(self, other: Box) -> Box | None:
        """What both cover."""
        return Box.clipped(
            max(self.x0, other.x0),
            max(self.y0, other.y0),
            min(self.x1, other.x1),
            min(self.y1, other.y1),
        )

    def union(self, other: Box) -> Box:
        """The smallest box around both."""
        return Box(
            x0=min(self.x0, other.x0),
            y0=min(self.y0, other.y0),
            x1=max(self.x1, other.x1),
            y1=max(self.y1, other.y1),
        )

    def overlap(self, other: Box) -> float:
        """Intersection over union of the areas (Jaccard index), 0..1."""
        shared = self.intersection(other)
        union = self.area + other.area - (shared.area if shared else 0)
        if shared is None or union <= 0:  # boxes can be too thin for their area to be a number
            return float(self == other)
        return shared.area / union

    def contains(self, other: Box, slack: float = 1e-6) -> bool:
        """Whether the other lies inside, up to rounding."""
        return (
            self.x0 - slack <= other.x0
            and self.y0 - slack <= other.y0
            and other.x1 <= self.x1 + slack
            and other.y1 <= self.y1 + slack
        )

    def pixels(self, width: int, height: int) -> tuple[int, int, int, int]:
        """The nearest pixel rectangle (left, top, right, bottom) of an image of that size; never
        empty."""
        left, right = _edges(self.x0, self.x1, width)
        top, bottom = _edges(self.y0, self.y1, height)
        return left, top, right, bottom


def _edges(start: float, end: float, side: int) -> tuple[int, int]:
    first = min(round(start * side), side - 1)
    return first, max(round(end * side), first + 1)
