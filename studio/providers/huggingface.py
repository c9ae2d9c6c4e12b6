"""Hugging Face's router: JSON in, the bytes of a picture out; somebody else's models behind it.

Source: hub-docs of August 2026, providers.md §4.4. The model's host is in the path
(studio/providers/models) and its price is passed on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import httpx

from studio.providers.call import Answer, Call, Files, Moderated
from studio.providers.models import path_of
from studio.providers.pictures import careful, encoded, given, picture, refused, words
from studio.providers.prices import price_book

_NAME = "huggingface"
_OK = 200
#: The words of the hosts' filters differ; these are in all that we know.
_FILTERED = re.compile(r"nsfw|safety|moderat|content.polic", re.IGNORECASE)


def text_to_image(
    prompt: str,
    *,
    model: str = "flux.1-krea-dev",
    negative_prompt: str | None = None,
    width: int | None = None,
    height: int | None = None,
    guidance_scale: float | None = None,
    steps: int | None = None,
    seed: int | None = None,
    bill_to: str | None = None,
) -> Call:
    """A picture from words. Sides in px. bill_to: the organisation that pays."""
    parameters = {
        "negative_prompt": negative_prompt,
        "width": width,
        "height": height,
        "guidance_scale": guidance_scale,
        "num_inference_steps": steps,
        "seed": seed,
    }
    return _call(f"generate.{model}", model, prompt, parameters, bill_to)


def image_to_image(
    image: bytes,
    prompt: str,
    *,
    model: str = "flux.1-kontext-dev",
    negative_prompt: str | None = None,
    size: tuple[int, int] | None = None,
    guidance_scale: float | None = None,
    steps: int | None = None,
    bill_to: str | None = None,
) -> Call:
    """A picture from a picture and an instruction. size: width and height, px."""
    parameters = {
        "prompt": prompt,
        "negative_prompt": negative_prompt,
        "target_size": {"width": size[0], "height": size[1]} if size else None,
        "guidance_scale": guidance_scale,
        "num_inference_steps": steps,
    }
    return _call(f"edit.{model}", model, encoded(image), parameters, bill_to)


@careful
def read(response: httpx.Response) -> Answer:
    """The picture, or why there is none."""
    if response.status_code == _OK:
        return Files([picture(response.content)])
    says = words(response, "error", "message", "detail")
    if response.status_code in (400, 422) and _FILTERED.search(says):
        raise Moderated(provider=_NAME, says=says, billed="unknown")
    raise refused(_NAME, response, says)


def _call(
    product: str, model: str, inputs: str, parameters: Mapping[str, Any], bill_to: str | None
) -> Call:
    price = price_book().price(_NAME, product).expected
    return Call(
        provider=_NAME,
        product=product,
        path=path_of(_NAME, model),
        read=read,
        price=price,
        headers=given({"accept": "image/png", "x-hf-bill-to": bill_to}),
        json={"inputs": inputs, "parameters": given(parameters)},
    )
