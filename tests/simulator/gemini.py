"""Gemini's native image models: generateContent.

providers.md §4.3. Variants of a fault `moderated`: "" or "text" (a reply of text only),
"prompt" (promptFeedback.blockReason), "image" (finishReason IMAGE_SAFETY).
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from typing import Any

from fastapi import APIRouter, Request, Response
from PIL import Image

from tests.simulator import pictures
from tests.simulator.bill import usd
from tests.simulator.provider import Call, Provider, reply_json

_STATUSES = {
    400: "INVALID_ARGUMENT",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
_TOP = {"contents", "generationConfig", "safetySettings", "systemInstruction"}
_CONFIG = {
    "responseModalities", "imageConfig", "temperature", "topP", "topK", "seed", "candidateCount",
    "maxOutputTokens", "stopSequences",
}  # fmt: skip
_IMAGE_CONFIG = {"aspectRatio", "imageSize"}
_TIMES = {"1K": 1, "2K": 2, "4K": 4}
_READ = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}  # what Pillow calls them
_TOKENS = 1290  # of one picture, as reported; the bill is per picture


class Google(Provider):
    """What both of Google's interfaces share: the key, and how errors are told."""

    def key_of(self, request: Request) -> str:
        return request.headers.get("x-goog-api-key", "")

    def problem(self, status: int, says: str, name: str = "") -> Response:
        status = 403 if status == 401 else status
        error = {"code": status, "message": says, "status": _STATUSES[status]}
        return reply_json({"error": error}, status)


class Gemini(Google):
    """generativelanguage.googleapis.com, :generateContent."""

    name = "gemini"

    def routes(self) -> APIRouter:
        router = APIRouter(prefix="/v1beta")
        router.post("/models/{model}:generateContent")(self.generate)
        return router

    async def generate(self, model: str, request: Request) -> Response:
        """One reply: a picture, or words instead of it."""
        call = await self.begin(request, "generateContent")
        if model not in self.limits.models["images"]:
            self.refuse(404, f"models/{model} is not found for API version v1beta.")
        document = await self.document(request)
        text, images = await asyncio.to_thread(self._contents, document)
        config = self._config(document)
        words_only = "IMAGE" not in config.get("responseModalities", ["TEXT", "IMAGE"])
        if words_only or call.suffers("moderated", "", "text"):
            return call.reply(_words(model, "I cannot create this image."))
        if call.suffers("moderated", "prompt"):
            blocked = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}
            return call.reply(reply_json({**blocked, "modelVersion": model}))
        if call.suffers("moderated"):
            candidate = {"finishReason": "IMAGE_SAFETY", "index": 0}
            return call.reply(reply_json({"candidates": [candidate], "modelVersion": model}))
        image_config = config.get("imageConfig", {})
        size = image_config.get("imageSize", "1K")
        call.bill(usd(self.name, f"{model}/{size}"))
        made = await asyncio.to_thread(self._picture, call, text, images, image_config)
        return call.reply(_pictured(model, made))

    def _contents(self, document: dict[str, Any]) -> tuple[str, list[Image.Image]]:
        self._only(document, _TOP)
        contents = document.get("contents")
        if not isinstance(contents, list) or not contents:
            self.refuse(400, "* GenerateContentRequest.contents: contents is not specified")
        texts, images = [], []
        for content in contents:
            self._only(content, {"parts", "role"})
            for part in content.get("parts") or [{}]:
                self._only(part, {"text", "inlineData"})
                if len(part) != 1:
                    self.refuse(400, "A part must have exactly one of text and inlineData.")
                if "text" in part:
                    texts.append(str(part["text"]))
                else:
                    images.append(self._inline(part["inlineData"]))
        if not any(texts):
            self.refuse(400, "The request has no text.")
        return "\n".join(texts), images

    def _inline(self, inline: Any) -> Image.Image:
        self._only(inline, {"mimeType", "data"})
        told = inline.get("mimeType")
        if told not in _READ:
            self.refuse(400, f"Unsupported MIME type: {told}")
        try:
            image = pictures.decoded(base64.b64decode(inline.get("data", ""), validate=True))
        except (binascii.Error, TypeError, pictures.NotAPicture):
            self.refuse(400, "Unable to process input image.")
        if image.format != _READ[told]:
            self.refuse(400, f"The data is not {told}.")
        return image

    def _config(self, document: dict[str, Any]) -> dict[str, Any]:
        config: dict[str, Any] = document.get("generationConfig", {})
        self._only(config, _CONFIG)
        modalities = config.get("responseModalities", ["IMAGE"])
        if not modalities or not set(modalities) <= {"TEXT", "IMAGE"}:
            self.refuse(400, f"Invalid value at 'responseModalities': {modalities}")
        image_config = config.get("imageConfig", {})
        self._only(image_config, _IMAGE_CONFIG)
        aspect = image_config.get("aspectRatio", "1:1")
        if aspect not in self.limits.sizes["1K"]:
            self.refuse(400, f"Invalid value at 'imageConfig.aspectRatio': {aspect}")
        if image_config.get("imageSize", "1K") not in _TIMES:
            self.refuse(400, "Invalid value at 'imageConfig.imageSize': must be 1K, 2K or 4K")
        return config

    def _only(self, given: Any, known: set[str]) -> None:
        if not isinstance(given, dict):
            self.refuse(400, "Invalid JSON payload received: an object was expected.")
        for name in given.keys() - known:
            self.refuse(400, f'Invalid JSON payload received. Unknown name "{name}".')

    def _picture(
        self, call: Call, text: str, images: list[Image.Image], config: dict[str, Any]
    ) -> bytes:
        sizes = self.limits.sizes["1K"]
        nearest = pictures.nearest_aspect(images[0].size, sizes) if images else "1:1"
        width, height = sizes[config.get("aspectRatio", nearest)]
        times = _TIMES[config.get("imageSize", "1K")]
        size = (width * times, height * times)
        image = pictures.painted(text, size)
        if images:
            image = pictures.middle_repainted(images[0], text).resize(size)
        return pictures.encoded(call.finished(image), "png")


def _words(model: str, says: str) -> Response:
    return _candidate(model, [{"text": says}], 8)


def _pictured(model: str, data: bytes) -> Response:
    inline = {"mimeType": "image/png", "data": base64.b64encode(data).decode()}
    return _candidate(model, [{"inlineData": inline}], _TOKENS)


def _candidate(model: str, parts: list[dict[str, Any]], tokens: int) -> Response:
    content = {"role": "model", "parts": parts}
    usage = {"promptTokenCount": 16, "candidatesTokenCount": tokens}
    usage["totalTokenCount"] = 16 + tokens
    candidate = {"content": content, "finishReason": "STOP", "index": 0}
    reply = {"candidates": [candidate], "usageMetadata": usage, "modelVersion": model}
    return reply_json(reply)
