"""Details: what every engine says of how its pictures were made."""

from __future__ import annotations

from typing import Any

from services.create.request import ImageRequest, Params


def asked(params: Params, request: ImageRequest, prompt: str | None = None) -> dict[str, Any]:
    """What was asked for, as a picture's details tell it; what made it is the engine's to add.

    prompt: every word that the engine was given; null: the composed one.
    """
    return {
        "prompt": request.subject,
        "negative_prompt": request.unwanted,
        "composed_prompt": request.prompt if prompt is None else prompt,
        "composed_negative_prompt": request.negative_prompt,
        "template": params.template,
        "style": request.style_id,
        "quality": request.quality,
        "aspect_ratio": request.aspect_ratio,
        "brand": params.brand.model_dump(mode="json") if params.brand else None,
        "reference": request.followed.model_dump(mode="json") if request.followed else None,
        "transparent": request.transparent,
    }
