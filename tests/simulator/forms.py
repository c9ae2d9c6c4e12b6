"""Forms: multipart bodies taken apart, and fields held against the documented limits.

Parsed here and not by a framework: what an adapter really sent is what is judged.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from email.message import Message
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict


class NotAForm(Exception):
    """The body is not multipart/form-data."""


@dataclass(frozen=True)
class Upload:
    """One file part."""

    name: str
    media_type: str
    data: bytes


@dataclass
class Form:
    """The text fields and the files of a request, by name."""

    values: dict[str, Any] = field(default_factory=dict)
    files: dict[str, list[Upload]] = field(default_factory=dict)


def parse_form(content_type: str, body: bytes) -> Form:
    """Take a multipart body apart. An empty part `none` is dropped: it only makes it a form."""
    header = Message()
    header["content-type"] = content_type
    boundary = header.get_boundary()
    if header.get_content_type() != "multipart/form-data" or not boundary:
        raise NotAForm(content_type)
    form = Form()
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary.encode())[1:]:
        if part.startswith(b"--"):
            return form
        head, _, data = part.partition(b"\r\n\r\n")
        _add(form, head, data)
    raise NotAForm("the closing boundary is missing")


def _add(form: Form, head: bytes, data: bytes) -> None:
    headers = Message()
    for line in head.decode("utf-8", "replace").strip().split("\r\n"):
        header, _, value = line.partition(":")
        headers[header] = value.strip()
    name = str(headers.get_param("name", "", "content-disposition"))
    filename = headers.get_filename()
    if name == "none" and not data:
        return
    if filename is None:
        form.values[name] = data.decode("utf-8", "replace")
    else:
        upload = Upload(filename, headers.get_content_type(), data)
        form.files.setdefault(name, []).append(upload)


class Rule(BaseModel):
    """What one field may be. Exactly one of the first six is given."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: tuple[int, int | None] | None = None
    """Shortest and longest, characters."""
    integer: tuple[int, int | None] | None = None
    number: tuple[float, float] | None = None
    one_of: tuple[Any, ...] | None = None
    boolean: bool = False
    anything: bool = False
    """Objects and lists that the provider's own file looks into."""
    file: bool = False

    def complaint(self, value: Any, *, from_form: bool) -> str | None:
        """Why a value is refused; None if it is not."""
        if self.text is not None:
            return _text_complaint(value, *self.text)
        if self.boolean:
            fits = value in ("true", "false") if from_form else isinstance(value, bool)
            return None if fits else "must be true or false"
        if self.one_of is not None:
            fits = any(value == one and type(value) is type(one) for one in self.one_of)
            return None if fits else f"must be one of {', '.join(map(str, self.one_of))}"
        bounds = self.integer or self.number
        return _number_complaint(value, bounds, self.integer is not None, from_form)


def _text_complaint(value: Any, shortest: int, longest: int | None) -> str | None:
    if not isinstance(value, str):
        return "must be a string"
    if len(value) < shortest:
        return f"must have at least {shortest} characters"
    if longest is not None and len(value) > longest:
        return f"must have at most {longest} characters"
    return None


def _number_complaint(value: Any, bounds: Any, whole: bool, from_form: bool) -> str | None:
    if bounds is None:
        return None
    try:
        if not from_form and (isinstance(value, bool | str) or (whole and type(value) is not int)):
            raise ValueError
        number = int(value) if whole else float(value)
    except (TypeError, ValueError):
        return "must be an integer" if whole else "must be a number"
    low, high = bounds
    if number < low:
        return f"must be greater than or equal to {low}"
    # `not <=`: a NaN is refused too
    return (
        f"must be less than or equal to {high}" if high is not None and not number <= high else None
    )


class PictureLimits(BaseModel):
    """What an input picture may be; None where the documents set no limit."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    side: tuple[int, int | None] = (1, None)
    pixels: tuple[int, int | None] = (1, None)
    aspect: float | None = None
    """At most this, in either direction."""
    bytes: int | None = None
    formats: tuple[str, ...] = ("PNG", "JPEG", "WEBP")

    def complaint(self, size: tuple[int, int]) -> str | None:
        """Why a picture of this size is refused."""
        width, height = size
        low, high = self.side
        if min(size) < low or (high is not None and max(size) > high):
            return f"must have sides of {low} to {high or 'any number of'} px, has {width}x{height}"
        low, high = self.pixels
        if width * height < low or (high is not None and width * height > high):
            most = f"{high:,}" if high else "any number of"
            return f"must have {low:,} to {most} pixels, has {width * height:,}"
        if self.aspect and max(size) > self.aspect * min(size):
            return f"must have an aspect ratio between 1:{self.aspect} and {self.aspect}:1"
        return None


class EndpointLimits(BaseModel):
    """What one endpoint takes. Fields that are not named are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    own: dict[str, Rule] = {}
    """Rules of this endpoint only, before the provider's shared ones."""
    picture: PictureLimits = PictureLimits()


class ProviderLimits(BaseModel):
    """One provider's part of limits.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str
    body_bytes: int | None = None
    fields: dict[str, Rule] = {}
    endpoints: dict[str, EndpointLimits] = {}
    sizes: dict[str, dict[str, tuple[int, int]]] = {}
    """Named tables of output sizes, width and height in px."""
    models: dict[str, tuple[str, ...]] = {}
    """What is served, by kind."""

    def complaints(self, endpoint: str, form: Form, *, from_form: bool) -> dict[str, str]:
        """What is wrong with the fields, by name; empty if nothing is."""
        limits = self.endpoints[endpoint]
        given = {**form.values, **form.files}
        wrong = {name: "is required" for name in limits.required if name not in given}
        for name, value in given.items():
            if name not in (*limits.required, *limits.optional):
                wrong[name] = "is not a documented field"
                continue
            rule = limits.own.get(name) or self.fields[name]
            if rule.file != (name in form.files):
                wrong[name] = "must be a file" if rule.file else "must not be a file"
            elif not rule.file and not rule.anything:
                complaint = rule.complaint(value, from_form=from_form)
                wrong |= {name: complaint} if complaint else {}
        return wrong


@cache
def limits_of(provider: str) -> ProviderLimits:
    """What a provider's documents say."""
    text = (Path(__file__).parent / "limits.yaml").read_text()
    return ProviderLimits(**yaml.safe_load(text)[provider])
