"""Google: Gemini's native images and Imagen, both by the Gemini API; JSON in, base64 out.

Source: python-genai of August 2026, providers.md §4.3. Gemini may answer in words where a picture
was asked for; Imagen leaves out what it filtered. What a filtered picture costs is not documented.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import httpx

from studio.money import Money
from studio.providers.call import Answer, Call, Files, Moderated
from studio.providers.pictures import (
    careful,
    decoded,
    document,
    encoded,
    given,
    key_refused,
    media_type,
    plain,
    refused,
)
from studio.providers.prices import price_book

_NAME = "google"
_OK = 200


def gemini_generate(
    prompt: str,
    *,
    model: str,
    aspect_ratio: str | None = None,
    size: str = "1K",
) -> Call:
    """A picture from words. size: 1K, 2K or 4K (capital K)."""
    return _gemini("generate", [{"text": prompt}], model, aspect_ratio, size)


def gemini_edit(
    images: Sequence[bytes],
    prompt: str,
    *,
    model: str,
    aspect_ratio: str | None = None,
    size: str = "1K",
) -> Call:
    """A picture from pictures and an instruction; there are no masks."""
    inline = [{"inlineData": {"mimeType": media_type(one), "data": encoded(one)}} for one in images]
    return _gemini("edit", [{"text": prompt}, *inline], model, aspect_ratio, size)


def imagen_generate(
    prompt: str,
    *,
    model: str,
    n: int = 1,
    aspect_ratio: str | None = None,
    size: str | None = None,
    negative_prompt: str | None = None,
    guidance_scale: float | None = None,
    seed: int | None = None,
    person_generation: str | None = None,
    language: str | None = None,
    enhance_prompt: bool | None = None,
    mime_type: str = "image/png",
) -> Call:
    """Pictures from words. n: 1..4. size: 1K or 2K. A seed turns the watermark off, which it
    excludes."""
    parameters = {
        "sampleCount": n,
        "aspectRatio": aspect_ratio,
        "sampleImageSize": size,
        "negativePrompt": negative_prompt,
        "guidanceScale": guidance_scale,
        "seed": seed,
        "addWatermark": None if seed is None else False,
        "personGeneration": person_generation,
        "language": language,
        "enhancePrompt": enhance_prompt,
        "includeRaiReason": True,
        "outputOptions": {"mimeType": mime_type},
    }
    product = f"generate.{model}"
    return Call(
        provider=_NAME,
        product=product,
        path=f"/models/{model}:predict",
        read=partial(read_imagen, product=product, n=n),
        price=_price(product, n),
        json={"instances": [{"prompt": prompt}], "parameters": given(parameters)},
    )


@careful
def read_gemini(response: httpx.Response) -> Answer:
    """The pictures, or why there are none. Words instead of a picture mean that it was filtered."""
    found = _found(response)
    blocked = (found.get("promptFeedback") or {}).get("blockReason")
    if blocked:
        raise Moderated(provider=_NAME, says=f"the prompt was blocked ({blocked})")
    candidate = found["candidates"][0]
    parts = (candidate.get("content") or {}).get("parts", [])
    files = [decoded(part["inlineData"]["data"]) for part in parts if "inlineData" in part]
    if not files:
        raise Moderated(provider=_NAME, says=_instead(candidate, response), billed="unknown")
    details = {"response": found.get("responseId"), "usage": found.get("usageMetadata")}
    return Files(files, details=given(details))


@careful
def read_imagen(response: httpx.Response, product: str, n: int) -> Answer:
    """The pictures that were not filtered; Moderated if none is left.

    A short list is delivered and its details say how many are missing: those that came are paid.
    """
    predictions = _found(response).get("predictions", [])
    made = [one["bytesBase64Encoded"] for one in predictions if "bytesBase64Encoded" in one]
    reasons = [one["raiFilteredReason"] for one in predictions if "raiFilteredReason" in one]
    says = plain(reasons, response) if reasons else "no picture came back"
    if not made:
        raise Moderated(provider=_NAME, says=says, billed="unknown")
    if len(made) >= n:
        return Files([decoded(one) for one in made])
    details = {"filtered": n - len(made), "reason": says}
    return Files([decoded(one) for one in made], cost=_price(product, len(made)), details=details)


def _instead(candidate: Mapping[str, Any], response: httpx.Response) -> str:
    """What a reply without a picture says instead of it."""
    reason = candidate.get("finishReason", "no picture came back")
    told = candidate.get("finishMessage") or " ".join(
        part["text"] for part in (candidate.get("content") or {}).get("parts", []) if "text" in part
    )
    return plain(f"{reason}: {told}" if told else reason, response)


def _found(response: httpx.Response) -> dict[str, Any]:
    """The document of a success."""
    if response.status_code == _OK:
        return document(response)
    try:
        says = plain(document(response)["error"]["message"], response)
    except (ValueError, KeyError, TypeError):
        says = plain(response.text, response)
    if "api key" in says.lower():  # a wrong key is a 400 here, INVALID_ARGUMENT
        raise key_refused(_NAME, says)
    raise refused(_NAME, response, says)


def _gemini(
    verb: str,
    parts: Sequence[Mapping[str, Any]],
    model: str,
    aspect_ratio: str | None,
    size: str,
) -> Call:
    shape = given({"aspectRatio": aspect_ratio, "imageSize": size})
    product = f"{verb}.{model}.{size.lower()}"
    return Call(
        provider=_NAME,
        product=product,
        path=f"/models/{model}:generateContent",
        read=read_gemini,
        price=_price(product),
        json={
            "contents": [{"parts": list(parts)}],
            "generationConfig": {"responseModalities": ["TEXT", "IMAGE"], "imageConfig": shape},
        },
    )


def _price(product: str, images: int = 1) -> Money:
    return price_book().price(_NAME, product, images).expected
