"""Settings that only the library reads."""

from __future__ import annotations

from pydantic import Field

from studio.settings import Settings


class LibrarySettings(Settings):
    """The library's settings."""

    garbage_grace: float = Field(
        default=3600, ge=0, description="s that the blob of a deleted asset is kept at least"
    )
    garbage_interval: float = Field(default=300, gt=0, description="s between collections")
    thumbnail_side: int = Field(default=512, ge=64, le=2048, description="px, longer side")
