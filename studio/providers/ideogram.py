"""Ideogram 3.0: forms in, links out that soon expire.

Source: tryAGI/Ideogram of June 2026, providers.md §4.5. An unsafe picture is an entry without a
link; whether it is billed is not documented.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from studio.providers.call import Answer, Call, File, Links, Moderated
from studio.providers.pictures import careful, document, fields, file, given, links, refused, words
from studio.providers.prices import price_book

_NAME = "ideogram"
_OK, _UNSAFE = 200, 422


def generate(
    prompt: str,
    *,
    speed: str = "DEFAULT",
    aspect_ratio: str | None = None,
    resolution: str | None = None,
    num_images: int = 1,
    seed: int | None = None,
    negative_prompt: str | None = None,
    magic_prompt: str | None = None,
    style_type: str | None = None,
    style_preset: str | None = None,
    colors: Sequence[str] = (),
    style_references: Sequence[bytes] = (),
    character_references: Sequence[bytes] = (),
) -> Call:
    """Pictures from words.

    speed: TURBO, DEFAULT or QUALITY; it decides the price. aspect_ratio: "16:9", or resolution:
    "1280x800". colors: the brand's, as "#RRGGBB", the most important first.
    """
    form = {
        "prompt": prompt,
        "rendering_speed": speed,
        "aspect_ratio": _ratio(aspect_ratio),
        "resolution": resolution,
        "num_images": num_images,
        "seed": seed,
        "negative_prompt": negative_prompt,
        "magic_prompt": magic_prompt,
        "style_type": style_type,
        "style_preset": style_preset,
        "color_palette": _palette(colors),
    }
    files = [
        *(("style_reference_images", file(one, "style")) for one in style_references),
        *(("character_reference_images", file(one, "character")) for one in character_references),
    ]
    product = f"generate.v3.{speed.lower()}"
    return _call(product, "/v1/ideogram-v3/generate", form, files, num_images)


def generate_transparent(
    prompt: str,
    *,
    aspect_ratio: str | None = None,
    upscale_factor: str | None = None,
    num_images: int = 1,
    seed: int | None = None,
    negative_prompt: str | None = None,
    magic_prompt: str | None = None,
) -> Call:
    """Pictures without a background. upscale_factor: X1, X2 or X4."""
    form = {
        "prompt": prompt,
        "aspect_ratio": _ratio(aspect_ratio),
        "upscale_factor": upscale_factor,
        "num_images": num_images,
        "seed": seed,
        "negative_prompt": negative_prompt,
        "magic_prompt": magic_prompt,
    }
    path = "/v1/ideogram-v3/generate-transparent"
    return _call("generate_transparent", path, form, [], num_images)


def edit(
    image: bytes,
    mask: bytes,
    prompt: str,
    *,
    num_images: int = 1,
    seed: int | None = None,
    magic_prompt: str | None = None,
    colors: Sequence[str] = (),
) -> Call:
    """What the mask covers made anew. mask: of the image's size, black = edit here."""
    form = {
        "prompt": prompt,
        "num_images": num_images,
        "seed": seed,
        "magic_prompt": magic_prompt,
        "color_palette": _palette(colors),
    }
    files = [("image", file(image)), ("mask", file(mask, "mask"))]
    return _call("edit", "/v1/ideogram-v3/edit", form, files, num_images)


def remix(
    image: bytes,
    prompt: str,
    *,
    image_weight: int | None = None,
    aspect_ratio: str | None = None,
    num_images: int = 1,
    seed: int | None = None,
    negative_prompt: str | None = None,
    magic_prompt: str | None = None,
    colors: Sequence[str] = (),
) -> Call:
    """A picture like another. image_weight: 1..100, how much like it."""
    form = {
        "prompt": prompt,
        "image_weight": image_weight,
        "aspect_ratio": _ratio(aspect_ratio),
        "num_images": num_images,
        "seed": seed,
        "negative_prompt": negative_prompt,
        "magic_prompt": magic_prompt,
        "color_palette": _palette(colors),
    }
    files = [("image", file(image))]
    return _call("remix", "/v1/ideogram-v3/remix", form, files, num_images)


def reframe(image: bytes, resolution: str, *, num_images: int = 1, seed: int | None = None) -> Call:
    """The picture continued to another shape. resolution: "WxH" px, one of the provider's 69."""
    form = {"resolution": resolution, "num_images": num_images, "seed": seed}
    files = [("image", file(image))]
    return _call("reframe", "/v1/ideogram-v3/reframe", form, files, num_images)


def replace_background(
    image: bytes,
    prompt: str,
    *,
    num_images: int = 1,
    seed: int | None = None,
    magic_prompt: str | None = None,
    colors: Sequence[str] = (),
) -> Call:
    """The subject before what the prompt describes."""
    form = {
        "prompt": prompt,
        "num_images": num_images,
        "seed": seed,
        "magic_prompt": magic_prompt,
        "color_palette": _palette(colors),
    }
    files = [("image", file(image))]
    return _call(
        "replace_background", "/v1/ideogram-v3/replace-background", form, files, num_images
    )


def upscale(
    image: bytes,
    *,
    prompt: str | None = None,
    resemblance: int | None = None,
    detail: int | None = None,
    num_images: int = 1,
    seed: int | None = None,
) -> Call:
    """The picture, larger. resemblance and detail: 1..100. Its wishes are one JSON field."""
    wishes = {
        "prompt": prompt,
        "resemblance": resemblance,
        "detail": detail,
        "num_images": num_images,
        "seed": seed,
    }
    form = {"image_request": json.dumps(given(wishes))}
    return _call("upscale", "/upscale", form, [("image_file", file(image))], num_images)


@careful
def read(response: httpx.Response) -> Answer:
    """Links to the pictures that are safe; Moderated if none is."""
    if response.status_code != _OK:
        says = words(response, "error", "detail", "message")
        if response.status_code == _UNSAFE:
            raise Moderated(provider=_NAME, says=says)
        raise refused(_NAME, response, says)
    data = document(response)["data"]
    safe = [one for one in data if one.get("is_image_safe", True) and one.get("url")]
    if data and not safe:
        raise Moderated(provider=_NAME, says="the picture is not safe", billed="unknown")
    filtered = len(data) - len(safe)
    details = {"seed": safe[0].get("seed") if safe else None, "filtered": filtered or None}
    return Links(links(one["url"] for one in safe), details=given(details))


def _call(
    product: str,
    path: str,
    form: Mapping[str, Any],
    files: Sequence[tuple[str, File]],
    images: int,
) -> Call:
    return Call(
        provider=_NAME,
        product=product,
        path=path,
        read=read,
        price=price_book().price(_NAME, product, images).expected,
        form=fields(form) if files else None,
        files=files or [_part(name, value) for name, value in fields(form).items()],
    )


def _part(name: str, value: str) -> tuple[str, File]:
    """A text as a part: without any file the client would not send a multipart form."""
    return name, File("", value.encode(), "text/plain; charset=utf-8")


def _ratio(aspect_ratio: str | None) -> str | None:
    """ "16:9" as the provider writes it."""
    return aspect_ratio.replace(":", "x") if aspect_ratio else None


def _palette(colors: Sequence[str]) -> str | None:
    return json.dumps({"members": [{"color_hex": one} for one in colors]}) if colors else None
