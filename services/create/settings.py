"""Settings of the create studio: of the providers that it may pay, and of a model of its own."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from studio.providers.accounts import ProviderSettings


class CreateSettings(ProviderSettings):
    """What only create reads. With the extra `diffusers` and weights, it makes pictures itself."""

    diffusers_weights: Path | None = Field(
        default=None,
        description="directory of a diffusers pipeline (with model_index.json); null: none",
    )
    diffusers_device: str = Field(
        default="cpu",
        pattern=r"^(cpu|cuda(:[0-9]+)?|mps|xpu)$",
        description="where the model runs; a GPU is quicker by a hundred times",
    )
    diffusers_pixels: int = Field(
        default=1_048_576,
        ge=4_096,
        le=16_777_216,
        description="the most pixels of a picture: as many as the model was trained on",
    )
