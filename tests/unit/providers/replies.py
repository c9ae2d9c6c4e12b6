"""Replies as the providers send them: real httpx responses, with the request that led to them."""

import base64
import io
from typing import Any

import httpx
from PIL import Image

KEYS = {
    "stability": ("authorization", "Bearer sk-stability-4f1d2c3b4a596877"),
    "openai": ("authorization", "Bearer sk-proj-1a2b3c4d5e6f"),
    "google": ("x-goog-api-key", "AIzaSyD-made-up-key-0123"),
    "huggingface": ("authorization", "Bearer hf_madeUpKey0123"),
    "ideogram": ("api-key", "ideogram-made-up-key-0123"),
    "replicate": ("authorization", "Bearer r8_madeUpKey0123"),
    "fal": ("authorization", "Key 0f1e2d3c-made-up:5b6a7988fedc"),
}


def encoded(kind: str = "PNG") -> bytes:
    """A small picture."""
    buffer = io.BytesIO()
    Image.new("RGB", (8, 6), "teal").save(buffer, kind)
    return buffer.getvalue()


PNG = encoded()
BASE64 = base64.b64encode(PNG).decode()


def reply(
    provider: str,
    status: int = 200,
    json: Any = None,
    *,
    content: bytes | None = None,
    headers: dict[str, str] | None = None,
    poll: str | None = None,
) -> httpx.Response:
    """A reply to a call, or, with a path, to a poll."""
    name, value = KEYS[provider]
    request = httpx.Request(
        "GET" if poll else "POST",
        f"https://provider.example{poll or '/call'}",
        headers={name: value},
    )
    return httpx.Response(status, json=json, content=content, headers=headers, request=request)


def web_page(provider: str) -> httpx.Response:
    """What a proxy says when it has lost the provider."""
    page = b"<!doctype html><html><body>Please wait</body></html>"
    return reply(provider, content=page, headers={"content-type": "text/html"})
