"""fal's queue: a request is submitted, and its result asked for until it is there.

Source: fal's pages, providers.md §4.7. The result is asked for directly: while it is made, the
answer says so (202, or 400 "still in progress"), so the status needs no question of its own. It
tells the size of its pictures, by which some models are billed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import quote

import httpx

from studio.providers.call import Answer, Call, Job, Links, Moderated, Size
from studio.providers.limits import provider_limits
from studio.providers.models import path_of
from studio.providers.pictures import (
    careful,
    credit_refused,
    data_uri,
    document,
    given,
    is_poll,
    links,
    plain,
    refused,
    words,
)
from studio.providers.prices import price_book

_NAME = "fal"
_OK, _ACCEPTED, _BAD, _FORBIDDEN, _UNPROCESSABLE = 200, 202, 400, 403, 422
_WAITING = {"IN_QUEUE", "IN_PROGRESS", "COMPLETED"}


def generate(
    prompt: str,
    *,
    model: str = "flux.schnell",
    image_size: str = "square_hd",
    num_images: int = 1,
    steps: int | None = None,
    guidance_scale: float | None = None,
    seed: int | None = None,
    output_format: str = "png",
) -> Call:
    """Pictures from words, up to 1 MP each. model: flux.schnell or flux.dev.

    image_size: square_hd, square, portrait_4_3, portrait_16_9, landscape_4_3 or landscape_16_9.
    """
    inputs = {
        "prompt": prompt,
        "image_size": image_size,
        "num_images": num_images,
        "num_inference_steps": steps,
        "guidance_scale": guidance_scale,
        "seed": seed,
        "output_format": output_format,
    }
    return submit(f"generate.{model}", model, inputs, images=num_images)


def follow(
    image: bytes,
    prompt: str,
    *,
    model: str = "flux.dev.image-to-image",
    strength: float | None = None,
    num_images: int = 1,
    steps: int | None = None,
    guidance_scale: float | None = None,
    seed: int | None = None,
    output_format: str = "png",
) -> Call:
    """Pictures from a picture and words, of its size. strength: 0.01..1, how far to depart."""
    inputs = {
        "image_url": data_uri(image),
        "prompt": prompt,
        "strength": strength,
        "num_images": num_images,
        "num_inference_steps": steps,
        "guidance_scale": guidance_scale,
        "seed": seed,
        "output_format": output_format,
    }
    return submit(f"generate.{model}", model, inputs, images=num_images)


def upscale(
    image: bytes,
    *,
    model: str = "clarity",
    prompt: str | None = None,
    factor: float = 2,
    creativity: float | None = None,
    resemblance: float | None = None,
    seed: int | None = None,
) -> Call:
    """The picture, larger, by the Clarity Upscaler. factor: 1..4; creativity, resemblance: 0..1."""
    inputs = {
        "image_url": data_uri(image),
        "prompt": prompt,
        "upscale_factor": factor,
        "creativity": creativity,
        "resemblance": resemblance,
        "seed": seed,
    }
    return submit(f"upscale.{model}", model, inputs)


def enlarge(image: bytes, *, model: str = "recraft-crisp") -> Call:
    """The picture, larger, by a model that takes nothing else; recraft-crisp takes PNG only."""
    return submit(f"upscale.{model}", model, {"image_url": data_uri(image)})


def submit(product: str, model: str, inputs: Mapping[str, Any], *, images: int = 1) -> Call:
    """Any model of the data. inputs: its own; those that are None are not sent."""
    price = price_book().price(_NAME, product, images).expected
    path = path_of(_NAME, model)
    return Call(
        provider=_NAME,
        product=product,
        path=path,
        read=partial(read, app=path.removeprefix("/")),
        price=price,
        json=given(inputs),
    )


@careful
def read(response: httpx.Response, app: str) -> Answer:
    """Where a request is, where its pictures are, or why there are none."""
    if response.status_code not in (_OK, _ACCEPTED):
        return _refused_or_early(response, app)
    found = document(response)
    if not is_poll(response) or found.get("status") in _WAITING:
        return _job(app, str(found["request_id"] if "request_id" in found else _asked(response)))
    pictures = found["images"] if "images" in found else [found["image"]]
    sizes = _sizes(pictures)
    if any(found.get("has_nsfw_concepts") or ()):
        blackened = Moderated(provider=_NAME, says="the result was blackened (NSFW)", billed="yes")
        blackened.sizes = sizes
        raise blackened
    urls = links(one["url"] for one in pictures)
    return Links(urls, details=given({"seed": found.get("seed")}), sizes=sizes)


def _refused_or_early(response: httpx.Response, app: str) -> Job:
    says = _says(response)
    if is_poll(response) and response.status_code == _BAD and "in progress" in says.lower():
        return _job(app, _asked(response))
    if response.status_code == _UNPROCESSABLE:
        if "content_policy" in response.text or "content policy" in says.lower():
            raise Moderated(provider=_NAME, says=says, billed="unknown")  # "422 may be charged"
        raise refused(_NAME, response, says, billed="unknown")
    if response.status_code == _FORBIDDEN and "balance" in says.lower():
        raise credit_refused(_NAME, says)
    raise refused(_NAME, response, says)


def _sizes(pictures: Sequence[Mapping[str, Any]]) -> tuple[Size, ...]:
    """Of each; none if any does not tell: both sides may be null."""
    sizes = [(one.get("width"), one.get("height")) for one in pictures]
    told = tuple((w, h) for w, h in sizes if isinstance(w, int) and isinstance(h, int))
    return told if len(told) == len(sizes) and all(min(one) > 0 for one in told) else ()


def _says(response: httpx.Response) -> str:
    """Its words; of a list of faults, each with the field that it is in."""
    try:
        faults = document(response)["detail"]
        return plain([f"{one['loc'][-1]}: {one['msg']}" for one in faults], response)
    except (ValueError, KeyError, TypeError, IndexError):
        return words(response, "detail", "error", "message")


def _asked(response: httpx.Response) -> str:
    """The id of the request whose result was asked for. ValueError if none was."""
    id_ = response.request.url.path.partition("/requests/")[2].partition("/")[0]
    if not id_:
        raise ValueError("The reply names no request.")
    return id_


def _job(app: str, id_: str) -> Job:
    """The path names only the owner and the app, not the app's own path (fal's Inference API)."""
    owner, name = app.split("/")[:2]
    path = f"/{owner}/{name}/requests/{quote(id_, safe='')}"
    return Job(id_, path, provider_limits(_NAME).poll_every)
