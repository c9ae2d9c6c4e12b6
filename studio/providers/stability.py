"""Stability AI: the protocol of v2beta. Multipart in, one picture out; two endpoints are jobs.

Source: docs of 2025-12, providers.md §4.1. A 200 is no success: `CONTENT_FILTERED` is a blurred
picture. A job's result is kept for 24 h, for the key that ordered it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx

from studio.providers.call import Answer, Call, File, Files, Job, Moderated
from studio.providers.limits import provider_limits
from studio.providers.pictures import (
    careful,
    decoded,
    document,
    fields,
    file,
    picture,
    refused,
    words,
)
from studio.providers.prices import price_book

_NAME = "stability"
HEADERS = {"accept": "image/*", "stability-client-id": "image-studio"}
#: Makes a form of a call that has no file: the endpoints take nothing but multipart.
_NONE = ("none", File("none", b"", "application/octet-stream"))
_OK, _ACCEPTED, _FORBIDDEN = 200, 202, 403


def generate_ultra(
    prompt: str,
    *,
    negative_prompt: str | None = None,
    aspect_ratio: str | None = None,
    seed: int | None = None,
    style_preset: str | None = None,
    output_format: str = "png",
    image: bytes | None = None,
    strength: float | None = None,
) -> Call:
    """A picture of 1 MP. strength: 0..1, required with an image: how far to depart from it."""
    form = {
        "prompt": prompt,
        "negative_prompt": negative_prompt,
        "aspect_ratio": aspect_ratio,
        "seed": seed,
        "style_preset": style_preset,
        "output_format": output_format,
        "strength": strength,
    }
    return _call("generate.ultra", "generate/ultra", form, image=image)


def generate_core(
    prompt: str,
    *,
    negative_prompt: str | None = None,
    aspect_ratio: str | None = None,
    seed: int | None = None,
    style_preset: str | None = None,
    output_format: str = "png",
) -> Call:
    """A picture of 1.5 MP."""
    form = {
        "prompt": prompt,
        "negative_prompt": negative_prompt,
        "aspect_ratio": aspect_ratio,
        "seed": seed,
        "style_preset": style_preset,
        "output_format": output_format,
    }
    return _call("generate.core", "generate/core", form)


def generate_sd3(
    prompt: str,
    *,
    model: str = "sd3.5-large",
    negative_prompt: str | None = None,
    aspect_ratio: str | None = None,
    seed: int | None = None,
    cfg_scale: float | None = None,
    output_format: str = "png",
    image: bytes | None = None,
    strength: float | None = None,
) -> Call:
    """A picture of 1 MP by a Stable Diffusion 3.5 model.

    cfg_scale: 1..10. With an image its shape is kept, so aspect_ratio is not sent.
    """
    form = {
        "prompt": prompt,
        "model": model,
        "mode": "image-to-image" if image else "text-to-image",
        "negative_prompt": negative_prompt,
        "aspect_ratio": None if image else aspect_ratio,
        "seed": seed,
        "cfg_scale": cfg_scale,
        "output_format": output_format,
        "strength": strength,
    }
    return _call(f"generate.{model}", "generate/sd3", form, image=image)


def remove_background(image: bytes, *, output_format: str = "png") -> Call:
    """The subject, at the same size. output_format: png or webp."""
    form = {"output_format": output_format}
    return _call("edit.remove_background", "edit/remove-background", form, image=image)


def erase(
    image: bytes,
    mask: bytes | None = None,
    *,
    grow_mask: int | None = None,
    seed: int | None = None,
    output_format: str = "png",
) -> Call:
    """Without what the mask covers. mask: white = erase; None: the image's alpha. grow_mask: px."""
    form = {"grow_mask": grow_mask, "seed": seed, "output_format": output_format}
    return _call("edit.erase", "edit/erase", form, image=image, mask=mask)


def inpaint(
    image: bytes,
    prompt: str,
    mask: bytes | None = None,
    *,
    negative_prompt: str | None = None,
    grow_mask: int | None = None,
    seed: int | None = None,
    style_preset: str | None = None,
    output_format: str = "png",
) -> Call:
    """What the mask covers made anew. mask: white = change; None: the image's alpha."""
    form = {
        "prompt": prompt,
        "negative_prompt": negative_prompt,
        "grow_mask": grow_mask,
        "seed": seed,
        "style_preset": style_preset,
        "output_format": output_format,
    }
    return _call("edit.inpaint", "edit/inpaint", form, image=image, mask=mask)


def outpaint(
    image: bytes,
    *,
    left: int = 0,
    right: int = 0,
    up: int = 0,
    down: int = 0,
    prompt: str | None = None,
    creativity: float | None = None,
    seed: int | None = None,
    style_preset: str | None = None,
    output_format: str = "png",
) -> Call:
    """More of it on the given sides. Sides in px, 0..2000, not all 0; creativity 0..1."""
    form = {
        **{side: px for side, px in _sides(left, right, up, down).items() if px},
        "prompt": prompt,
        "creativity": creativity,
        "seed": seed,
        "style_preset": style_preset,
        "output_format": output_format,
    }
    return _call("edit.outpaint", "edit/outpaint", form, image=image)


def search_replace(
    image: bytes,
    prompt: str,
    search_prompt: str,
    *,
    negative_prompt: str | None = None,
    grow_mask: int | None = None,
    seed: int | None = None,
    style_preset: str | None = None,
    output_format: str = "png",
) -> Call:
    """What search_prompt describes replaced by what prompt does."""
    form = {
        "prompt": prompt,
        "search_prompt": search_prompt,
        "negative_prompt": negative_prompt,
        "grow_mask": grow_mask,
        "seed": seed,
        "style_preset": style_preset,
        "output_format": output_format,
    }
    return _call("edit.search_replace", "edit/search-and-replace", form, image=image)


def search_recolor(
    image: bytes,
    prompt: str,
    select_prompt: str,
    *,
    negative_prompt: str | None = None,
    grow_mask: int | None = None,
    seed: int | None = None,
    style_preset: str | None = None,
    output_format: str = "png",
) -> Call:
    """What select_prompt describes in the colours of prompt."""
    form = {
        "prompt": prompt,
        "select_prompt": select_prompt,
        "negative_prompt": negative_prompt,
        "grow_mask": grow_mask,
        "seed": seed,
        "style_preset": style_preset,
        "output_format": output_format,
    }
    return _call("edit.search_recolor", "edit/search-and-recolor", form, image=image)


def replace_background(
    subject: bytes,
    *,
    background_prompt: str | None = None,
    background_reference: bytes | None = None,
    foreground_prompt: str | None = None,
    negative_prompt: str | None = None,
    preserve_original_subject: float | None = None,
    original_background_depth: float | None = None,
    keep_original_background: bool | None = None,
    light_source_direction: str | None = None,
    light_reference: bytes | None = None,
    light_source_strength: float | None = None,
    seed: int | None = None,
    output_format: str = "png",
) -> Call:
    """The subject before another background, lit to match. A job.

    Needs background_prompt or background_reference. Numbers are 0..1; light_source_strength needs
    a direction (left, right, above, below) or a reference.
    """
    form = {
        "background_prompt": background_prompt,
        "foreground_prompt": foreground_prompt,
        "negative_prompt": negative_prompt,
        "preserve_original_subject": preserve_original_subject,
        "original_background_depth": original_background_depth,
        "keep_original_background": _as_word(keep_original_background),
        "light_source_direction": light_source_direction,
        "light_source_strength": light_source_strength,
        "seed": seed,
        "output_format": output_format,
    }
    return _call(
        "edit.replace_background",
        "edit/replace-background-and-relight",
        form,
        subject_image=subject,
        background_reference=background_reference,
        light_reference=light_reference,
    )


def upscale_fast(image: bytes, *, output_format: str = "png") -> Call:
    """Four times each side, in about a second."""
    return _call("upscale.fast", "upscale/fast", {"output_format": output_format}, image=image)


def upscale_conservative(
    image: bytes,
    prompt: str,
    *,
    negative_prompt: str | None = None,
    creativity: float | None = None,
    seed: int | None = None,
    output_format: str = "png",
) -> Call:
    """The same picture at 4 MP. creativity: 0.2..0.5."""
    form = {
        "prompt": prompt,
        "negative_prompt": negative_prompt,
        "creativity": creativity,
        "seed": seed,
        "output_format": output_format,
    }
    return _call("upscale.conservative", "upscale/conservative", form, image=image)


def upscale_creative(
    image: bytes,
    prompt: str,
    *,
    negative_prompt: str | None = None,
    creativity: float | None = None,
    style_preset: str | None = None,
    seed: int | None = None,
    output_format: str = "png",
) -> Call:
    """A degraded picture made anew at 4K. A job. creativity: 0.1..0.5."""
    form = {
        "prompt": prompt,
        "negative_prompt": negative_prompt,
        "creativity": creativity,
        "style_preset": style_preset,
        "seed": seed,
        "output_format": output_format,
    }
    return _call("upscale.creative", "upscale/creative", form, image=image)


@careful
def read(response: httpx.Response) -> Answer:
    """A picture, a job, or why there is none. A filtered picture is billed (providers.md §4.1
    promises only that failed calls are free, and it comes as a success)."""
    if response.status_code not in (_OK, _ACCEPTED):
        raise _refusal(response)
    if response.headers.get("content-type", "").startswith("application/json"):
        return _read_json(response)
    headers = response.headers
    _check_reason(headers.get("finish-reason"), response)
    return _files(response.content, headers.get("seed"), response)


def _read_json(response: httpx.Response) -> Answer:
    found = document(response)
    if "image" not in found:
        return _job(found["id"])
    _check_reason(found.get("finish_reason"), response)
    return _files(decoded(found["image"]), found.get("seed"), response)


def _check_reason(reason: Any, response: httpx.Response) -> None:
    if reason == "CONTENT_FILTERED":
        raise Moderated(provider=_NAME, says="the result was blurred", billed="yes")


def _files(data: bytes, seed: Any, response: httpx.Response) -> Files:
    details = {"seed": int(seed) if seed else None, "request": response.headers.get("x-request-id")}
    told = {name: value for name, value in details.items() if value is not None}
    return Files([picture(data)], details=told)


def _job(id_: str) -> Job:
    every = provider_limits(_NAME).poll_every
    return Job(id_, f"/v2beta/results/{quote(id_, safe='')}", every)


def _refusal(response: httpx.Response) -> Exception:
    says = words(response, "errors", "message", "name")
    if response.status_code == _FORBIDDEN:
        return Moderated(provider=_NAME, says=says)
    return refused(_NAME, response, says)


def _call(product: str, path: str, form: Mapping[str, Any], **images: bytes | None) -> Call:
    files = [(name, file(data, name)) for name, data in images.items() if data is not None]
    return Call(
        provider=_NAME,
        product=product,
        path=f"/v2beta/stable-image/{path}",
        read=read,
        price=price_book().price(_NAME, product).expected,
        headers=HEADERS,
        form=fields(form),
        files=files or [_NONE],
    )


def _sides(left: int, right: int, up: int, down: int) -> dict[str, int]:
    return {"left": left, "right": right, "up": up, "down": down}


def _as_word(value: bool | None) -> str | None:
    """The provider's booleans are words."""
    return None if value is None else str(value).lower()
