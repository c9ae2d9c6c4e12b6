"""One good purchase at every provider, by plain HTTP: what contract tests and faults run on."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import numpy as np
from PIL import Image

from tests.simulator.pictures import decoded, encoded
from tests.simulator.running import RunningSimulator

_PATIENCE_SECONDS = 10


@dataclass(frozen=True)
class Purchase:
    """A call that is in order, and what must come of it."""

    path: str
    """After the provider's base."""
    endpoint: str
    """On the bill and for faults."""
    size: tuple[int, int]
    usd: str
    picture: Callable[[httpx.Client, httpx.Response], bytes]
    request: dict[str, Any] = field(default_factory=dict)
    """Arguments of httpx.request; `without` leaves one field out."""

    def without(self, name: str) -> dict[str, Any]:
        """The request with one field missing."""
        return {kind: _dropped(part, name) for kind, part in self.request.items()}


def _dropped(part: Any, name: str) -> Any:
    if isinstance(part, dict):
        return {key: _dropped(value, name) for key, value in part.items() if key != name}
    return [_dropped(one, name) for one in part] if isinstance(part, list) else part


def headers_of(provider: str, key: str) -> dict[str, str]:
    """How each provider is shown a key."""
    if provider in ("gemini", "imagen"):
        return {"x-goog-api-key": key}
    if provider == "ideogram":
        return {"api-key": key}
    return {"authorization": f"{'Key' if provider == 'fal' else 'Bearer'} {key}"}


def client_of(running: RunningSimulator, provider: str, account: int = 0) -> httpx.Client:
    """A client with the base and a key of a provider."""
    headers = headers_of(provider, running.keys[provider][account])
    base = running.base[provider]
    return httpx.Client(base_url=base, headers=headers, timeout=30, verify=False)


def submit(client: httpx.Client, provider: str) -> httpx.Response:
    """The good call, whatever comes of it."""
    good = PURCHASES[provider]
    return client.post(good.path, **good.request)


def buy(client: httpx.Client, provider: str) -> Image.Image:
    """The good call to its end: the picture, decoded."""
    response = submit(client, provider)
    response.raise_for_status()
    return decoded(PURCHASES[provider].picture(client, response))


def photo(width: int, height: int, output_format: str = "png") -> bytes:
    """A picture to send: a ramp, so that what an edit changed can be told."""
    ramp = np.linspace(0, 255, width, dtype=np.uint8)
    pixels = np.repeat(np.tile(ramp, (height, 1))[:, :, None], 3, axis=2)
    return encoded(Image.fromarray(pixels), output_format)


def data_uri(data: bytes) -> str:
    """How Replicate and fal are sent a picture without an address."""
    return f"data:image/png;base64,{base64.b64encode(data).decode()}"


def poll(client: httpx.Client, url: str, done: str) -> httpx.Response:
    """Until the status is `done`."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        response = client.get(url)
        if response.json()["status"] == done:
            return response
        time.sleep(0.03)
    raise TimeoutError(f"{url} is not {done}")


def _raw(client: httpx.Client, response: httpx.Response) -> bytes:
    return response.content


def _openai(client: httpx.Client, response: httpx.Response) -> bytes:
    return base64.b64decode(response.json()["data"][0]["b64_json"])


def _gemini(client: httpx.Client, response: httpx.Response) -> bytes:
    parts = response.json()["candidates"][0]["content"]["parts"]
    return base64.b64decode(next(one["inlineData"]["data"] for one in parts if "inlineData" in one))


def _imagen(client: httpx.Client, response: httpx.Response) -> bytes:
    return base64.b64decode(response.json()["predictions"][0]["bytesBase64Encoded"])


def _ideogram(client: httpx.Client, response: httpx.Response) -> bytes:
    return client.get(response.json()["data"][0]["url"]).raise_for_status().content


def _replicate(client: httpx.Client, response: httpx.Response) -> bytes:
    done = poll(client, response.json()["urls"]["get"], "succeeded").json()
    return client.get(done["output"]).raise_for_status().content


def _fal(client: httpx.Client, response: httpx.Response) -> bytes:
    urls = response.json()
    poll(client, urls["status_url"], "COMPLETED")
    result = client.get(urls["response_url"]).raise_for_status().json()
    return client.get(result["images"][0]["url"]).raise_for_status().content


PURCHASES: dict[str, Purchase] = {
    "stability": Purchase(
        "/v2beta/stable-image/generate/core",
        "generate/core",
        (1536, 1024),
        "0.03",
        _raw,
        {"data": {"prompt": "a hill", "aspect_ratio": "3:2"}, "files": {"none": ("", b"")}},
    ),
    "openai": Purchase(
        "/images/generations",
        "images/generations",
        (1024, 1024),
        "0.04225",  # 1,056 tokens of output and 2 of text
        _openai,
        {
            "json": {
                "model": "gpt-image-1",
                "prompt": "a hill",
                "quality": "medium",
                "size": "1024x1024",
            }
        },
    ),
    "gemini": Purchase(
        "/v1beta/models/gemini-3-pro-image:generateContent",
        "generateContent",
        (928, 1152),
        "0.134",
        _gemini,
        {
            "json": {
                "contents": [{"parts": [{"text": "a hill"}]}],
                "generationConfig": {"imageConfig": {"aspectRatio": "4:5"}},
            }
        },
    ),
    "imagen": Purchase(
        "/v1beta/models/imagen-4.0-generate-001:predict",
        "predict",
        (1408, 768),
        "0.04",
        _imagen,
        {
            "json": {
                "instances": [{"prompt": "a hill"}],
                "parameters": {"sampleCount": 1, "aspectRatio": "16:9"},
            }
        },
    ),
    "huggingface": Purchase(
        "/fal-ai/models/black-forest-labs/FLUX.1-Krea-dev",
        "text-to-image",
        (768, 512),
        "0.025",
        _raw,
        {"json": {"inputs": "a hill", "parameters": {"width": 768, "height": 512}}},
    ),
    "ideogram": Purchase(
        "/v1/ideogram-v3/generate",
        "generate",
        (736, 1312),
        "0.03",
        _ideogram,
        {"json": {"prompt": "a hill", "aspect_ratio": "9x16", "rendering_speed": "TURBO"}},
    ),
    "replicate": Purchase(
        "/models/black-forest-labs/flux-dev/predictions",
        "predictions",
        (832, 1216),
        "0.00195",
        _replicate,
        {"json": {"input": {"prompt": "a hill", "aspect_ratio": "2:3"}}},
    ),
    "fal": Purchase(
        "/fal-ai/flux/dev",
        "submit",
        (576, 1024),
        "0.025",
        _fal,
        {"json": {"prompt": "a hill", "image_size": "portrait_16_9"}},
    ),
}
