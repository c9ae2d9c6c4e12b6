"""Jobs: how each provider is asked for a job whose call nobody has at hand.

A step comes back for its job many times. Its call holds pictures, and composing it anew to read
“still working” would decode and encode them each time; what a reply means depends on the provider
and on the job's path only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import httpx

from studio.providers import fal, replicate, stability
from studio.providers.call import Answer


@dataclass(frozen=True, slots=True)
class Question:
    """How a job is asked for, and how the reply is read."""

    read: Callable[[httpx.Response], Answer]
    headers: Mapping[str, str] = field(default_factory=dict)


def question(provider: str, path: str) -> Question | None:
    """The question for the job under this path; None for providers that have no jobs."""
    match provider:
        case "stability":
            return Question(stability.read, stability.HEADERS)
        case "replicate":
            return Question(replicate.read)
        case "fal":
            app = "/".join(path.strip("/").split("/")[:2])  # "/owner/name/requests/id"
            return Question(lambda response: fal.read(response, app))
    return None
