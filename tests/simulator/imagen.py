"""Imagen: predict, text to image (the Vertex-only edit and upscale are not simulated).

providers.md §4.3. A fault `moderated` filters every picture, its variant "some" one of them:
filtered pictures are missing, or with includeRaiReason a reason stands in their place.
"""

from __future__ import annotations

import asyncio
import base64
from typing import Any

from fastapi import APIRouter, Request, Response

from tests.simulator import pictures
from tests.simulator.bill import usd
from tests.simulator.forms import Form
from tests.simulator.gemini import Google
from tests.simulator.provider import Call, bearer, reply_json

_FILTERED = (
    "Unable to show generated images. All images were filtered out because they violated "
    "Google's Responsible AI practices. Support codes: 58061214"
)
_KINDS = {"image/png": "png", "image/jpeg": "jpeg"}


class Imagen(Google):
    """:predict of the Gemini API, and of Vertex AI with an OAuth bearer."""

    name = "imagen"

    def routes(self) -> APIRouter:
        router = APIRouter()
        vertex = "/v1/projects/{project}/locations/{region}/publishers/google"
        for prefix in ("/v1beta", vertex):
            router.post(prefix + "/models/{model}:predict")(self.predict)
        return router

    def key_of(self, request: Request) -> str:
        return super().key_of(request) or bearer(request)

    async def predict(self, model: str, request: Request) -> Response:
        """Up to four pictures."""
        call = await self.begin(request, "predict")
        if model not in self.limits.models["images"]:
            self.refuse(404, f"models/{model} is not found.")
        document = await self.document(request)
        prompt = self._prompt(document)
        parameters = self._parameters(model, document.get("parameters", {}))
        count = parameters.get("sampleCount", 4)
        filtered = 0
        if call.suffers("moderated"):
            filtered = 1 if call.suffers("moderated", "some") else count
        for _ in range(count - filtered):
            call.bill(usd(self.name, model))
        made = await asyncio.to_thread(self._made, call, prompt, parameters, count - filtered)
        if parameters.get("includeRaiReason") and filtered:
            made.append({"raiFilteredReason": _FILTERED})
        return call.reply(reply_json({"predictions": made} if made else {}))

    def _prompt(self, document: dict[str, Any]) -> str:
        for name in document.keys() - {"instances", "parameters"}:
            self.refuse(400, f'Invalid JSON payload received. Unknown name "{name}".')
        instances = document.get("instances")
        if not isinstance(instances, list) or len(instances) != 1:
            self.refuse(400, "Exactly one instance is required.")
        prompt = instances[0].get("prompt") if isinstance(instances[0], dict) else None
        if not isinstance(prompt, str) or not prompt:
            self.refuse(400, "The instance has no prompt.")
        return prompt

    def _parameters(self, model: str, parameters: Any) -> dict[str, Any]:
        if not isinstance(parameters, dict):
            self.refuse(400, "parameters must be an object.")
        wrong = self.limits.complaints("predict", Form(values=parameters), from_form=False)
        for name, says in wrong.items():
            self.refuse(400, f"parameters.{name} {says}.")
        if "sampleImageSize" in parameters and model.startswith("imagen-3"):
            self.refuse(400, "sampleImageSize is not supported by this model.")
        if "seed" in parameters and parameters.get("addWatermark", True):
            self.refuse(400, "seed is not supported when addWatermark is enabled.")
        options = parameters.get("outputOptions", {})
        if not isinstance(options, dict):
            self.refuse(400, "parameters.outputOptions must be an object.")
        if options.get("mimeType", "image/png") not in _KINDS:
            self.refuse(400, "outputOptions.mimeType must be image/png or image/jpeg.")
        if not 0 <= options.get("compressionQuality", 75) <= 100:
            self.refuse(400, "outputOptions.compressionQuality must be 0 to 100.")
        return parameters

    def _made(
        self, call: Call, prompt: str, parameters: dict[str, Any], count: int
    ) -> list[dict[str, str]]:
        width, height = self.limits.sizes["1K"][parameters.get("aspectRatio", "1:1")]
        times = 2 if parameters.get("sampleImageSize") == "2K" else 1
        options = parameters.get("outputOptions", {})
        mime = options.get("mimeType", "image/png")
        made = []
        for number in range(count):
            seed = f"{parameters.get('seed', 0)}/{number}/{prompt}"
            image = call.finished(pictures.painted(seed, (width * times, height * times)))
            quality = max(1, options.get("compressionQuality", 75))
            data = pictures.encoded(image, _KINDS[mime], quality)
            made.append({"bytesBase64Encoded": base64.b64encode(data).decode(), "mimeType": mime})
        return made
