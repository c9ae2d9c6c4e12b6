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
from studio.problems import Refused

_EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "image/avif": "avif"}
_MANIFEST = "manifest.json"
_UNSAFE = re.compile(r"[^\w.\-]+")
_FIELD = re.compile(r"\{(\w*)\}")
#: What file systems take of one name is 255 bytes; some is left for " (2)" and the folder's tools.
_NAME_BYTES = 240

#: What file names are made of. `number` counts all files, `n` those of the same name without it.
_NAMES = (
    "campaign", "platform", "placement", "label", "title", "operation", "number", "n",
    "width", "height", "ext",
)  # fmt: skip
FIELDS = " ".join(f"{{{name}}}" for name in _NAMES)

Described = Callable[[Any], dict[str, Any]]


def check_template(template: str) -> None:
    """Refused (archive.name), with the valid ones, if a name would be made of unknown fields."""
    unknown = sorted(set(_FIELD.findall(template)) - set(_NAMES))
    if unknown:
        raise Refused(
            rule="archive.name",
            says=f"File names cannot be made of {', '.join(f'{{{one}}}' for one in unknown)}.",
            fix=f"Use {FIELDS}.",
            valid=list(_NAMES),
        )


async def archive(
    blobs: BlobStore, assets: Sequence[Any], template: str, campaign: str, described: Described
) -> AsyncIterator[bytes]:
    """The bytes of a ZIP of assets and a manifest.json that describes each file."""
    packed = ZipStream(compress_type=ZIP_STORED)
    manifest, names = [], FileNames(template, campaign)
    for asset in assets:
        name = names.name(asset)
        manifest.append({"file": name, **described(asset)})
        packed.add(await blobs.get(asset.blob), name)
        for chunk in await compute(lambda: list(packed.file())):
            yield chunk
    packed.add(json.dumps({"assets": manifest}, indent=1, ensure_ascii=False), _MANIFEST)
    for chunk in await compute(lambda: list(packed.finalize())):
        yield chunk


class FileNames:
    """Safe relative paths from a template, none of them twice."""

    def __init__(self, template: str, campaign: str = "") -> None:
        self._template, self._campaign = template, campaign
        self._number = 0
        self._same = Counter[str]()  # by name without its {n}
        self._taken = Counter[str]({_MANIFEST: 1})  # without case, as Windows and macOS compare

    def name(self, asset: Any) -> str:
        """Of the next file."""
        self._number += 1
        fields = self._fields(asset)
        stem = self._filled({**fields, "n": ""})
        self._same[stem] += 1
        return self._unique(self._filled({**fields, "n": str(self._same[stem])}))

    def _fields(self, asset: Any) -> dict[str, str]:
        details = asset.details
        operation = asset.operation.replace(".", "-")
        collection = asset.collections[0] if asset.collections else ""
        return {
            "campaign": self._campaign or collection or asset.workflow or "images",
            "platform": _text(details, "platform") or operation or "outside",
            "placement": _text(details, "placement") or asset.label or "original",
            "label": asset.label or operation or "image",
            "title": asset.title or asset.id,
            "operation": operation or "outside",
            "number": str(self._number),
            "width": str(asset.image.width),
            "height": str(asset.image.height),
            "ext": extension(asset.image.media_type),
        }

    def _filled(self, fields: dict[str, str]) -> str:
        """The template with its fields; what a field holds never makes a folder."""
        parts = [
            _shortened(
                _UNSAFE.sub("-", _FIELD.sub(lambda found: fields[found.group(1)], part)).strip(".-")
            )
            for part in self._template.split("/")
        ]
        return "/".join(part for part in parts if part) or f"image-{fields['number']}"

    def _unique(self, name: str) -> str:
        same = name.casefold()
        self._taken[same] += 1
        if self._taken[same] == 1:
            return name
        stem, dot, end = name.rpartition(".")
        again = f"{stem or end} ({self._taken[same]}){dot if stem else ''}{end if stem else ''}"
        return self._unique(again)


def _shortened(name: str) -> str:
    """A name of at most 240 bytes in UTF-8, which keeps its extension."""
    if len(name.encode()) <= _NAME_BYTES:
        return name
    stem, dot, end = name.rpartition(".")
    if not stem or len(end) > max(map(len, _EXTENSIONS.values())):
        stem, dot, end = name, "", ""
    room = _NAME_BYTES - len((dot + end).encode())
    return stem.encode()[:room].decode(errors="ignore").rstrip(".-") + dot + end


def _text(details: Any, name: str) -> str:
    return str(details.fields[name].string_value) if name in details.fields else ""


def extension(media_type: str) -> str:
    """The usual extension of a media type."""
    return _EXTENSIONS.get(media_type, media_type.rpartition("/")[2])
