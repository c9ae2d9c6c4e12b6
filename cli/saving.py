"""Saving: pictures of the library as files in a folder, named as in the API's archives."""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cli.client import Client
from cli.values import Misused

_MANIFEST = "manifest.json"
_CHUNK = 1 << 20  # bytes


def save(
    client: Client, asked: Mapping[str, Any], folder: Path, *, overwrite: bool = False
) -> list[dict[str, Any]]:
    """Unpack an archive into a folder, with its `manifest.json`; returns the manifest's assets.

    asked: the body of POST /v1/assets/download. Misused, and nothing is written, if a file of the
    same name with other contents is there; overwrite: it is replaced. A manifest is renewed if the
    new one has all its files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        packed = Path(temporary) / "assets.zip"
        client.save("/v1/assets/download", packed, dict(asked))
        with zipfile.ZipFile(packed) as archive:
            told: list[dict[str, Any]] = json.loads(archive.read(_MANIFEST))["assets"]
            if not overwrite:
                _check_nothing_is_lost(archive, folder, told)
            archive.extractall(folder)
    return told


def _check_nothing_is_lost(
    archive: zipfile.ZipFile, folder: Path, told: Sequence[Mapping[str, Any]]
) -> None:
    for name in archive.namelist():
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise Misused(f"The archive names {name!r}, which lies outside its folder.")
        there = folder / name
        if not there.exists() or (name == _MANIFEST and _is_renewed(there, told)):
            continue
        if not _is_the_same(archive, name, there):
            raise Misused(
                f"{there} is there already, and it is another file. "
                "Choose an empty folder, or say --overwrite."
            )


def _is_renewed(there: Path, told: Sequence[Mapping[str, Any]]) -> bool:
    """Whether every file of the manifest that is there is in the new one, too."""
    try:
        before = {one["file"] for one in json.loads(there.read_text())["assets"]}
    except (ValueError, KeyError, TypeError, OSError):
        return False
    return before <= {one["file"] for one in told}


def _is_the_same(archive: zipfile.ZipFile, name: str, there: Path) -> bool:
    if there.is_dir() or there.stat().st_size != archive.getinfo(name).file_size:
        return False
    with archive.open(name) as new, there.open("rb") as old:
        while chunk := new.read(_CHUNK):
            if old.read(_CHUNK) != chunk:
                return False
    return True
