"""Hugging Face's router: raw bytes of a picture, JSON when something is wrong.

providers.md §4.4. When an account has spent its monthly credit it gets 402; a fault `503` is a
model that is still loading (estimated_time); a fault `moderated` is the 400 of a partner.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from typing import Any

from fastapi import APIRouter, Request, Response
from PIL import Image

from tests.simulator import pictures
from tests.simulator.bill import usd
from tests.simulator.forms import Form
from tests.simulator.pictures import Size
from tests.simulator.provider import MEDIA_TYPES, Call, Provider, reply_json

_TASKS = ("text-to-image", "image-to-image")
_LOADING_SECONDS = 20.0


class HuggingFace(Provider):
    """router.huggingface.co."""

    name = "huggingface"

    def routes(self) -> APIRouter:
        router = APIRouter()
        router.post("/{partner}/models/{model:path}")(self.infer)
        return router

    def problem(self, status: int, says: str, name: str = "") -> Response:
        loading = {"estimated_time": _LOADING_SECONDS} if status == 503 else {}
        return reply_json({"error": says, **loading}, status)

    async def infer(self, partner: str, model: str, request: Request) -> Response:
        """One picture from a prompt, or from a picture."""
        models = self.limits.models
        task = next((one for one in _TASKS if model in models[one]), "text-to-image")
        call = await self.begin(request, task)
        if partner not in models["providers"] or model not in models[task]:
            self.refuse(404, f"Model {model} is not supported by provider {partner}.")
        inputs, parameters = await self._inputs(request, task)
        price = usd(self.name, task)
        spent = self.simulation.bill.spent(self.name, call.key)
        if spent + price > self.settings.huggingface_credit_usd:
            self.refuse(402, "You have exceeded your monthly included credits.")
        if call.suffers("moderated"):
            self.refuse(400, "The request was flagged as NSFW content by the provider.")
        call.bill(price)
        kind = "png" if partner == "hf-inference" else "jpeg"  # read the Content-Type
        data = await asyncio.to_thread(_picture, call, inputs, parameters, kind)
        return call.reply(Response(data, media_type=MEDIA_TYPES[kind]))

    async def _inputs(
        self, request: Request, task: str
    ) -> tuple[str | Image.Image, dict[str, Any]]:
        raw = request.headers.get("content-type", "").startswith("image/")
        if raw and task == "image-to-image":
            return self._decoded(await self.body(request)), {}
        document = await self.document(request)
        for name in document.keys() - {"inputs", "parameters"}:
            self.refuse(400, f"{name} is not a documented field")
        inputs, parameters = document.get("inputs"), document.get("parameters", {})
        if not isinstance(inputs, str) or not inputs:
            self.refuse(400, "inputs is required")
        if not isinstance(parameters, dict):
            self.refuse(400, "parameters must be an object")
        wrong = self.limits.complaints(task, Form(values=parameters), from_form=False)
        for name, says in wrong.items():
            self.refuse(400, f"parameters.{name} {says}")
        self._check_target(parameters.get("target_size"))
        return self._image(inputs) if task == "image-to-image" else inputs, parameters

    def _check_target(self, target: Any) -> None:
        if target is None:
            return
        rule = self.limits.fields["width"]
        sides = target if isinstance(target, dict) else {}
        for side in ("width", "height"):
            if says := rule.complaint(sides.get(side), from_form=False):
                self.refuse(400, f"parameters.target_size.{side} {says}")

    def _image(self, inputs: str) -> Image.Image:
        try:
            return self._decoded(base64.b64decode(inputs, validate=True))
        except binascii.Error:
            self.refuse(400, "inputs must be a base64-encoded image")

    def _decoded(self, data: bytes) -> Image.Image:
        try:
            return pictures.decoded(data)
        except pictures.NotAPicture:
            self.refuse(400, "inputs cannot be identified as an image")


def _picture(call: Call, inputs: str | Image.Image, parameters: dict[str, Any], kind: str) -> bytes:
    if isinstance(inputs, str):
        size = (parameters.get("width", 1024), parameters.get("height", 1024))
        image = pictures.painted(f"{parameters.get('seed', 0)}/{inputs}", size)
    else:
        words = json.dumps(parameters, sort_keys=True)
        image = pictures.middle_repainted(inputs, words)
        image = image.resize(_target(parameters, inputs.size))
    return pictures.encoded(call.finished(image), kind)


def _target(parameters: dict[str, Any], size: Size) -> Size:
    target = parameters.get("target_size")
    return (target["width"], target["height"]) if target else size
