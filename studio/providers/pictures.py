"""Pictures, and the words when there are none: what the replies of all providers have in common.

A reply is believed only if it is what it claims to be: a proxy's web page under status 200 is no
picture. A provider's own words are passed on, shortened, and never with a key in them.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any, ParamSpec

import httpx

from studio.providers.call import Answer, Billed, File, ProviderRefused

_LONGEST_WORDS = 300  # characters

#: What keys look like, also when a provider masks half of one ("sk-abc***xyz").
_KEY_LIKE = re.compile(r"(?<![A-Za-z0-9])(?:sk-|r8_|hf_|AIza)[A-Za-z0-9*._…-]{3,}")
_KEY_HEADERS = ("authorization", "x-goog-api-key", "api-key")

P = ParamSpec("P")


def careful(read: Callable[P, Answer]) -> Callable[P, Answer]:
    """A reading that says ValueError of every reply that it does not understand: the buyer takes
    that for a call in doubt, and any other exception for a fault of ours."""

    @wraps(read)
    def reading(*args: P.args, **kwargs: P.kwargs) -> Answer:
        try:
            return read(*args, **kwargs)
        except (LookupError, TypeError, AttributeError, ArithmeticError) as error:
            raise ValueError("The reply is not what the provider documents.") from error

    return reading


def media_type(data: bytes) -> str:
    """The type of an encoded picture by its first bytes. ValueError if it is none we know."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "image/webp"
    raise ValueError("These bytes are no PNG, JPEG or WebP.")


def picture(data: bytes) -> bytes:
    """The bytes again, if they are a picture. ValueError otherwise."""
    media_type(data)
    return data


def decoded(text: str) -> bytes:
    """The picture in a base64 text. ValueError if it is none."""
    return picture(base64.b64decode(text, validate=True))


def encoded(data: bytes) -> str:
    """A picture as base64."""
    return base64.b64encode(data).decode()


def data_uri(data: bytes) -> str:
    """A picture as a `data:` URI (RFC 2397), for providers that take URLs."""
    return f"data:{media_type(data)};base64,{encoded(data)}"


def file(data: bytes, name: str = "image") -> File:
    """A picture as a file of a form, with its type and extension."""
    kind = media_type(data)
    return File(f"{name}.{kind.removeprefix('image/')}", data, kind)


def links(urls: Iterable[Any]) -> list[str]:
    """URLs that can be fetched. ValueError if there is none, or one is something else."""
    found = list(urls)
    if not found or not all(isinstance(url, str) and url.startswith("http") for url in found):
        raise ValueError("The reply names no place to fetch its pictures from.")
    return found


def fields(values: Mapping[str, Any]) -> dict[str, str]:
    """The fields of a form as text, without those that are None."""
    return {name: str(value) for name, value in values.items() if value is not None}


def given(values: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a JSON object without those that are None."""
    return {name: value for name, value in values.items() if value is not None}


def document(response: httpx.Response) -> dict[str, Any]:
    """A reply's JSON object. ValueError if it is something else."""
    found = response.json()
    if not isinstance(found, dict):
        raise ValueError("The reply is not a JSON object.")
    return found


def is_poll(response: httpx.Response) -> bool:
    """Whether it answers the question for a job, not the order of one."""
    return response.request.method == "GET"


def words(response: httpx.Response, *members: str) -> str:
    """What the provider says, as one line without keys.

    members: names in the JSON to look for, the most telling first; the whole text without them.
    """
    try:
        found = document(response)
    except ValueError:
        return plain(response.text, response)
    for name in members:
        if found.get(name):
            return plain(found[name], response)
    return plain(response.text, response)


def plain(said: Any, response: httpx.Response) -> str:
    """Something that was said, as one line of at most 300 characters without keys."""
    if isinstance(said, list):
        said = "; ".join(str(one) for one in said)
    text = " ".join(str(said).split())
    for secret in _secrets(response.request):
        text = text.replace(secret, "[key]")
    text = _KEY_LIKE.sub("[key]", text)
    return text if len(text) <= _LONGEST_WORDS else text[: _LONGEST_WORDS - 1] + "…"


def refused(
    provider: str, response: httpx.Response, says: str, *, billed: Billed = "no"
) -> ProviderRefused:
    """The refusal that a status of 4xx means; a provider's own meanings are looked at before.

    says: the provider's words, as of `words`.
    """
    match response.status_code:
        case 401 | 403:
            return key_refused(provider, says)
        case 402:
            return credit_refused(provider, says)
        case 404 if is_poll(response):
            return expired(provider, says)
        case status:
            return _refusal(
                "provider.refused",
                f"{provider} refused this ({status}): {says}",
                "Change what it names, or use another provider.",
                billed,
            )


def key_refused(provider: str, says: str) -> ProviderRefused:
    """The key is wrong, or may not do this."""
    return _refusal(
        "provider.key",
        f"{provider} does not accept our key: {says}",
        f"The platform team checks STUDIO_{provider.upper()}_API_KEY and what the key may do.",
    )


def credit_refused(provider: str, says: str) -> ProviderRefused:
    """The account is empty."""
    return _refusal(
        "provider.credit",
        f"Our account at {provider} has no credit left: {says}",
        f"The platform team adds credit at {provider}; until then, use another provider.",
    )


def expired(provider: str, says: str) -> ProviderRefused:
    """The result was made and billed, and is not kept any more."""
    return _refusal(
        "provider.expired",
        f"{provider} does not keep this result any more: {says}",
        "Start the item again in a new run to buy it anew.",
        "yes",
    )


def _refusal(rule: str, says: str, fix: str, billed: Billed = "no") -> ProviderRefused:
    refusal = ProviderRefused(rule=rule, says=says, fix=fix)
    refusal.billed = billed
    return refusal


def _secrets(request: httpx.Request) -> list[str]:
    """What the request's credentials consist of: "Key id:secret" also gives its two halves."""
    found = [
        request.headers[name].split()[-1] for name in _KEY_HEADERS if request.headers.get(name)
    ]
    halves = [half for one in found for half in one.split(":") if len(half) > 3]
    return [*found, *halves]
