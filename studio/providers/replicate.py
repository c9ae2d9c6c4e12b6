"""Replicate: a prediction is ordered, asked for until it has ended, and fetched within the hour.

Source: Replicate's pages, providers.md §4.6. `Prefer: wait` is not sent: the id of a job that is
known at once is worth more than a quicker reply that may be lost.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx

from studio.providers.call import Answer, Call, Job, Links, Moderated
from studio.providers.limits import provider_limits
from studio.providers.models import path_of
from studio.providers.pictures import (
    careful,
    data_uri,
    document,
    expired,
    given,
    links,
    plain,
    refused,
    words,
)
from studio.providers.prices import price_book

_NAME = "replicate"
_OK, _CREATED, _ACCEPTED = 200, 201, 202
_FILTERED = re.compile(r"nsfw|safety|sensitive|moderat|\(E005\)", re.IGNORECASE)


def generate(
    prompt: str,
    *,
    model: str = "flux-schnell",
    aspect_ratio: str | None = None,
    num_outputs: int = 1,
    seed: int | None = None,
    image: bytes | None = None,
    prompt_strength: float | None = None,
    output_format: str = "png",
) -> Call:
    """Pictures from words. model: flux-schnell, flux-dev or flux-1.1-pro (one picture a call).

    image: of flux-dev only; what comes has its shape, so aspect_ratio is not sent.
    prompt_strength: 0..1, how far to depart from it.
    """
    inputs = {
        "prompt": prompt,
        "image": None if image is None else data_uri(image),
        "prompt_strength": prompt_strength,
        "aspect_ratio": aspect_ratio if image is None else None,
        "num_outputs": None if model == "flux-1.1-pro" else num_outputs,
        "seed": seed,
        "output_format": output_format,
    }
    return predict(f"generate.{model}", model, inputs, images=num_outputs)


def upscale(
    image: bytes,
    *,
    model: str = "real-esrgan",
    scale: float = 4,
    face_enhance: bool | None = None,
) -> Call:
    """The picture, larger, by Real-ESRGAN. scale: of each side, up to 10."""
    inputs = {"image": data_uri(image), "scale": scale, "face_enhance": face_enhance}
    return predict(f"upscale.{model}", model, inputs)


def enlarge(image: bytes, *, model: str = "recraft-creative") -> Call:
    """The picture, larger, by a model that takes nothing else."""
    return predict(f"upscale.{model}", model, {"image": data_uri(image)})


def remove_background(image: bytes) -> Call:
    """The subject alone, by Recraft."""
    inputs = {"image": data_uri(image)}
    return predict("edit.remove_background.recraft", "recraft-remove-background", inputs)


def predict(product: str, model: str, inputs: Mapping[str, Any], *, images: int = 1) -> Call:
    """Any model of the data. inputs: its own; those that are None are not sent."""
    price = price_book().price(_NAME, product, images).expected
    return Call(
        provider=_NAME,
        product=product,
        path=path_of(_NAME, model),
        read=read,
        price=price,
        json={"input": given(inputs)},
    )


@careful
def read(response: httpx.Response) -> Answer:
    """Where a prediction is, where its pictures are, or why there are none."""
    if response.status_code not in (_OK, _CREATED, _ACCEPTED):
        raise refused(_NAME, response, words(response, "detail", "title", "error"))
    found = document(response)
    match found["status"]:
        case "starting" | "processing":
            return _job(found["id"])
        case "succeeded":
            return _links(found)
        case "failed" | "canceled" | "aborted":
            raise _failed(found, response)
        case other:
            raise ValueError(f"A prediction is never {other}.")


def _links(found: Mapping[str, Any]) -> Links:
    output = found.get("output")
    if not output:
        raise expired(_NAME, "its data was removed after an hour")
    details = {"id": found["id"], "metrics": found.get("metrics")}
    urls = output if isinstance(output, list) else [output]
    return Links(links(urls), details=given(details))


def _failed(found: Mapping[str, Any], response: httpx.Response) -> Exception:
    """Hardware may have been used, and that is what is billed."""
    says = plain(found.get("error") or f"the prediction was {found['status']}", response)
    if _FILTERED.search(says):
        return Moderated(provider=_NAME, says=says, billed="unknown")
    return refused(_NAME, response, says, billed="unknown")


def _job(id_: str) -> Job:
    every = provider_limits(_NAME).poll_every
    return Job(id_, f"/predictions/{quote(id_, safe='')}", every)
