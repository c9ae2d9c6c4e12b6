"""Image facts: what can be said of an image without holding its pixels."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field


class ImageFacts(BaseModel):
    """Size and kind of one image; the currency of forecasts, quotes and limits."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    width: int = Field(ge=1, le=65_535, description="px, orientation applied")
    height: int = Field(ge=1, le=65_535, description="px, orientation applied")
    media_type: str = Field(
        default="image/png", pattern=r"^image/[a-z0-9.+-]+$", examples=["image/png", "image/jpeg"]
    )
    alpha: bool = Field(default=False, description="has transparency")

    @property
    def pixels(self) -> int:
        """Width × height."""
        return self.width * self.height

    @property
    def ratio(self) -> float:
        """Width ÷ height."""
        return self.width / self.height

    def with_(self, **changes: object) -> Self:
        """The same facts with some changed; the result is validated."""
        return type(self).model_validate(self.model_dump() | changes)
