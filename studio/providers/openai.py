"""OpenAI Images: generations as JSON, edits as a form; pictures come as base64, with their bill.

Source: openai-openapi of August 2026, providers.md §4.2. What it costs is counted in tokens, which
the reply tells; the price book has the price of each (`token.<kind>.<model>`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import httpx

from studio.money import Money
from studio.providers.call import Answer, Call, File, Files, Moderated
from studio.providers.pictures import (
    careful,
    credit_refused,
    decoded,
    document,
    fields,
    file,
    given,
    plain,
    refused,
)
from studio.providers.prices import price_book

_NAME = "openai"
_OK = 200
_PATIENCE = 300  # s; a large picture of high quality takes minutes
_FILTERED = {"moderation_blocked", "content_policy_violation"}
_NO_CREDIT = {"insufficient_quota", "billing_hard_limit_reached"}


def generate(
    prompt: str,
    *,
    model: str,
    size: str = "1024x1024",
    quality: str = "medium",
    n: int = 1,
    background: str | None = None,
    output_format: str = "png",
    output_compression: int | None = None,
    moderation: str | None = None,
    user: str | None = None,
) -> Call:
    """Pictures from words.

    size: "WxH" px, not "auto", and quality low, medium or high: both decide the price.
    background: transparent, opaque or auto. output_compression: 0..100, of JPEG and WebP.
    """
    body = {
        "prompt": prompt,
        "model": model,
        "size": size,
        "quality": quality,
        "n": n,
        "background": background,
        "output_format": output_format,
        "output_compression": output_compression,
        "moderation": moderation,
        "user": user,
    }
    product = f"generate.{model}.{quality}.{shape(size)}"
    return _call(product, "/images/generations", model, n, json=given(body))


def edit(
    images: Sequence[bytes],
    prompt: str,
    *,
    model: str,
    mask: bytes | None = None,
    size: str = "1024x1024",
    quality: str = "medium",
    n: int = 1,
    background: str | None = None,
    input_fidelity: str | None = None,
    output_format: str = "png",
    output_compression: int | None = None,
    user: str | None = None,
) -> Call:
    """Pictures from up to 16 pictures and words.

    mask: a PNG of the first picture's size, alpha 0 = edit here. input_fidelity: low or high.
    """
    form = {
        "prompt": prompt,
        "model": model,
        "size": size,
        "quality": quality,
        "n": n,
        "background": background,
        "input_fidelity": input_fidelity,
        "output_format": output_format,
        "output_compression": output_compression,
        "user": user,
    }
    name = "image" if len(images) == 1 else "image[]"
    files = [(name, file(data, f"image{i}")) for i, data in enumerate(images)]
    if mask is not None:
        files.append(("mask", file(mask, "mask")))
    product = f"edit.{model}.{quality}.{shape(size)}"
    return _call(product, "/images/edits", model, n, form=fields(form), files=files)


def shape(size: str) -> str:
    """What a size is called in the price book: "1536x1024" is landscape."""
    width, height = (int(side) for side in size.split("x"))
    if width == height:
        return "square"
    return "landscape" if width > height else "portrait"


@careful
def read(response: httpx.Response, model: str) -> Answer:
    """The pictures and what they cost, or why there are none."""
    if response.status_code != _OK:
        raise _refusal(response)
    found = document(response)
    files = [decoded(one["b64_json"]) for one in found["data"]]
    if not files:
        raise ValueError("The reply has no pictures.")
    usage = found.get("usage")
    details = {
        "request": response.headers.get("x-request-id"),
        "revised_prompt": found["data"][0].get("revised_prompt"),
        "usage": usage,
    }
    return Files(files, cost=_cost(model, usage) if usage else None, details=given(details))


def _cost(model: str, usage: Mapping[str, Any]) -> Money:
    """What the tokens of a reply cost; input whose kind is not told counts as image."""
    told = usage.get("input_tokens_details") or {}
    text = int(told.get("text_tokens", 0))
    tokens = {
        "output": int(usage["output_tokens"]),
        "text_input": text,
        "image_input": int(told.get("image_tokens", int(usage["input_tokens"]) - text)),
    }
    prices = {kind: f"token.{kind}.{model}" for kind, n in tokens.items() if n > 0}
    book = price_book()
    costs = [book.price(_NAME, one, tokens[kind]).expected for kind, one in prices.items()]
    return sum(costs, Money.zero())


def _refusal(response: httpx.Response) -> Exception:
    code, message = _error(response)
    says = plain(message, response)
    if code in _FILTERED:
        return Moderated(provider=_NAME, says=says)
    if code in _NO_CREDIT:
        return credit_refused(_NAME, says)
    return refused(_NAME, response, says)


def _error(response: httpx.Response) -> tuple[str, str]:
    """The code and the message; the whole text if it is in no known form."""
    try:
        error = document(response)["error"]
        return str(error.get("code")), str(error["message"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return "", response.text


def _call(
    product: str,
    path: str,
    model: str,
    n: int,
    *,
    json: Mapping[str, Any] | None = None,
    form: Mapping[str, str] | None = None,
    files: Sequence[tuple[str, File]] = (),
) -> Call:
    return Call(
        provider=_NAME,
        product=product,
        path=path,
        read=partial(read, model=model),
        price=price_book().price(_NAME, product, n).expected,
        json=json,
        form=form,
        files=files,
        patience=_PATIENCE,
    )
