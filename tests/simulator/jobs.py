"""Jobs of the queueing providers: what will be made, when it starts, and when it is over."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from PIL import Image

from tests.simulator import pictures
from tests.simulator.forms import PictureLimits
from tests.simulator.provider import Call


class BadInput(Exception):
    """An input that the model cannot work on, found when it runs."""


@dataclass
class Job:
    """One prediction (Replicate) or request (fal)."""

    id: str
    model: str
    values: dict[str, Any]
    call: Call
    submitted_at: float
    cancelled_at: float | None = None
    urls: list[str] = field(default_factory=list)
    """Of what it made, once it has been asked for."""
    sizes: list[tuple[int, int]] = field(default_factory=list)
    due: list[Decimal] = field(default_factory=list)
    """US$ that are billed once it has run."""
    error: str | None = None


def starts(jobs: list[Job], slots: int, seconds: float) -> dict[str, float]:
    """When each job starts if `slots` run at once, `seconds` each, in order of submission.

    A job that was cancelled holds its slot only until then.
    """
    free_at = [float("-inf")] * slots
    begun = {}
    for job in jobs:
        slot = min(range(slots), key=free_at.__getitem__)
        start = max(job.submitted_at, free_at[slot])
        begun[job.id] = start
        if job.cancelled_at is None:
            free_at[slot] = start + seconds
        elif job.cancelled_at > start:
            free_at[slot] = job.cancelled_at
    return begun


def picture_of(uri: str, limits: PictureLimits | None = None) -> Image.Image:
    """The picture in a data URI. Raises BadInput; addresses of others are not fetched.

    limits: what the model says of its input; None: nothing.
    """
    head, comma, data = uri.partition(",")
    if not (head.startswith("data:") and head.endswith(";base64") and comma):
        raise BadInput("only base64 data URIs are read by the simulator")
    try:
        file = base64.b64decode(data, validate=True)
        image = pictures.decoded(file)
    except (binascii.Error, pictures.NotAPicture) as why:
        raise BadInput("the input is not an image") from why
    if limits and limits.bytes is not None and len(file) > limits.bytes:
        raise BadInput(f"the image must have at most {limits.bytes:,} bytes, has {len(file):,}")
    if limits and image.format not in limits.formats:
        raise BadInput(f"the image must be {' or '.join(limits.formats)}, is {image.format}")
    if says := limits and limits.complaint(image.size):
        raise BadInput(f"the image {says}")
    return image
