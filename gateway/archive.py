"""Archives: many assets as one ZIP, made while it is sent.

One blob is in memory at a time. Pictures are compressed already, so they are stored.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from zipstream import ZIP_STORED, ZipStream

from studio.blobs.base import BlobStore
from studio.compute import compute

_EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "image/avif": "avif"}
_UNSAFE = re.compile(r"[^\w.\-/]+")

Described = Callable[[Any], dict[str, Any]]


async def archive(
    blobs: BlobStore, assets: Sequence[Any], template: str, described: Described
) -> AsyncIterator[bytes]:
    """The bytes of a ZIP of assets and a manifest.json that describes each file."""
    packed = ZipStream(compress_type=ZIP_STORED)
    manifest, taken = [], Counter[str]()
    for number, asset in enumerate(assets, start=1):
        name = _unique(file_name(template, asset, number), taken)
        manifest.append({"file": name, **described(asset)})
        packed.add(await blobs.get(asset.blob), name)
        for chunk in await compute(lambda: list(packed.file())):
            yield chunk
    packed.add(json.dumps({"assets": manifest}, indent=1, ensure_ascii=False), "manifest.json")
    for chunk in await compute(lambda: list(packed.finalize())):
        yield chunk


def file_name(template: str, asset: Any, number: int) -> str:
    """A safe relative path from a template; unknown fields stay as they are written."""
    fields = {
        "label": asset.label or asset.operation.replace(".", "-") or "image",
        "title": asset.title or asset.id,
        "operation": asset.operation.replace(".", "-") or "outside",
        "number": str(number),
        "width": str(asset.image.width),
        "height": str(asset.image.height),
        "ext": extension(asset.image.media_type),
    }
    name = re.sub(r"\{(\w+)\}", lambda m: fields.get(m.group(1), m.group(0)), template)
    parts = [_UNSAFE.sub("-", part).strip(".-") for part in name.split("/")]
    return "/".join(part for part in parts if part) or f"image-{number}"


def extension(media_type: str) -> str:
    """The usual extension of a media type."""
    return _EXTENSIONS.get(media_type, media_type.rpartition("/")[2])


def _unique(name: str, taken: Counter[str]) -> str:
    taken[name] += 1
    if taken[name] == 1:
        return name
    stem, dot, end = name.rpartition(".")
    return f"{stem or end} ({taken[name]}){dot if stem else ''}{end if stem else ''}"
