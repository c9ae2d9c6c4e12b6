"""Replicate: predictions, held open by `Prefer: wait`, got, cancelled, and gone after an hour.

providers.md §4.6. A fault `moderated` makes the prediction fail as its model does. Billed at
submission by GPU seconds, unless it is going to fail; withdrawn if it is cancelled. Webhooks and
the streaming of logs are not simulated.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from decimal import Decimal
from typing import Any

from fastapi import APIRouter, Request, Response
from PIL import Image

from tests.simulator import pictures
from tests.simulator.bill import prices, usd
from tests.simulator.forms import Form
from tests.simulator.jobs import BadInput, Job, picture_of
from tests.simulator.pictures import Size
from tests.simulator.provider import Provider, Refusal, Simulation, base_of, reply_json
from tests.simulator.rates import Window

_TITLES = {401: "Unauthenticated", 404: "Not found", 422: "Input validation failed"}
_NSFW = "NSFW content detected. Try running it again, or try a different prompt."
_KNOWN = {"input", "version", "model"}
_PREFER = re.compile(r"wait(?:=(\d{1,3}))?")
_CANCEL_AFTER = re.compile(r"\d+[smh]?")
_KINDS = {"webp": "webp", "jpg": "jpeg", "png": "png"}


class Replicate(Provider):
    """api.replicate.com/v1."""

    name = "replicate"

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(simulation)
        self._creates = Window(self.settings.replicate_creates, self.clock)
        self._others = Window(self.settings.replicate_others, self.clock)
        self._jobs: dict[str, Job] = {}

    def routes(self) -> APIRouter:
        router = self.file_route()
        router.post("/v1/predictions")(self.predict)
        router.post("/v1/models/{owner}/{model}/predictions")(self.predict_with)
        router.get("/v1/predictions/{job_id}")(self.get)
        router.post("/v1/predictions/{job_id}/cancel")(self.cancel)
        return router

    def reset(self) -> None:
        self._creates.clear()
        self._others.clear()
        self._jobs.clear()

    def problem(self, status: int, says: str, name: str = "") -> Response:
        title = {"title": _TITLES[status]} if status in _TITLES else {}
        return reply_json({**title, "detail": says, "status": status}, status)

    def admit(self, request: Request, key: str, endpoint: str) -> None:
        window = self._creates if endpoint == "predictions" else self._others
        if wait := window.admit(key):
            says = f"Request was throttled. Expected available in {wait:.0f} seconds."
            response = self.problem(429, says)
            response.headers["retry-after"] = str(max(1, round(wait)))
            raise Refusal(response)

    async def predict(self, request: Request) -> Response:
        """POST /predictions, the model in the body."""
        return await self._create(request, None)

    async def predict_with(self, owner: str, model: str, request: Request) -> Response:
        """POST /models/{owner}/{name}/predictions."""
        return await self._create(request, f"{owner}/{model}")

    async def get(self, job_id: str, request: Request) -> Response:
        """GET /predictions/{id}."""
        call = await self.begin(request, "predictions.get", sells=False)
        return call.reply(reply_json(await self._prediction(self._job(job_id, call.key))))

    async def cancel(self, job_id: str, request: Request) -> Response:
        """POST /predictions/{id}/cancel: what is over stays as it is."""
        call = await self.begin(request, "predictions.cancel", sells=False)
        job = self._job(job_id, call.key)
        if job.cancelled_at is None and self.clock.now() < self._over_at(job):
            job.cancelled_at = self.clock.now()
            for charge in job.call.charges:
                self.simulation.bill.withdraw(charge)
        return call.reply(reply_json(await self._prediction(job)))

    async def _create(self, request: Request, model: str | None) -> Response:
        call = await self.begin(request, "predictions")
        document = await self.document(request)
        wait_s = self._wait_s(request)
        model, values = self._input(document, model)
        job = Job(secrets.token_hex(13), model, values, call, self.clock.now())
        fault = await asyncio.to_thread(self._fault_of, job)
        job.error = _NSFW if call.suffers("moderated") else fault
        self._jobs[job.id] = job
        if not job.error:
            call.bill(self._price(model))
        until = self.clock.now() + wait_s
        # in steps: a test may let the time pass meanwhile, and a sleep may end a moment early
        while self.clock.now() < min(until, self._over_at(job)):
            await asyncio.sleep(0.01)
        return call.reply(reply_json(await self._prediction(job), 201))

    def _price(self, model: str) -> Decimal:
        """Official models may have a price of their own; others are billed by the second."""
        if (self.name, model) in prices():
            return usd(self.name, model)
        return usd(self.name, "gpu_second") * self.settings.replicate_gpu_s

    def _fault_of(self, job: Job) -> str | None:
        """Why the model will fail on its input."""
        try:
            if "image" in job.values:
                picture_of(job.values["image"], self.limits.endpoints[job.model].picture)
        except BadInput as why:
            return str(why)
        return None

    def _wait_s(self, request: Request) -> float:
        """How long the reply is held, 0..60 s."""
        after = request.headers.get("cancel-after", "1h")
        if not _CANCEL_AFTER.fullmatch(after):
            self.refuse(422, "- Cancel-After: must be a duration such as 5m\n")
        prefer = request.headers.get("prefer")
        if prefer is None:
            return 0.0
        match = _PREFER.fullmatch(prefer)
        if not match or not 1 <= int(match[1] or 60) <= 60:
            self.refuse(422, "- Prefer: must be wait or wait=1..60\n")
        return float(match[1] or 60)

    def _input(self, document: dict[str, Any], model: str | None) -> tuple[str, dict[str, Any]]:
        for name in document.keys() - _KNOWN:
            self.refuse(422, f"- {name}: is not simulated\n")
        named = model or document.get("model") or str(document.get("version", "")).split(":")[0]
        if not named:
            self.refuse(422, "- version: version is required\n")
        if named not in self.limits.endpoints:
            self.refuse(404, "The requested resource could not be found.")
        values = document.get("input")
        if not isinstance(values, dict):
            self.refuse(422, "- input: input is required\n")
        wrong = self.limits.complaints(named, Form(values=values), from_form=False)
        if wrong:
            self.refuse(422, "".join(f"- input.{name}: {says}\n" for name, says in wrong.items()))
        return named, values

    def _job(self, job_id: str, key: str) -> Job:
        job = self._jobs.get(job_id)
        if job is None or job.call.key != key:
            self.refuse(404, "Prediction not found.")
        return job

    def _over_at(self, job: Job) -> float:
        return job.submitted_at + self.settings.job_s

    def _status(self, job: Job) -> str:
        now = self.clock.now()
        if job.cancelled_at is not None:
            return "canceled"
        if now < self._over_at(job):
            is_new = now < job.submitted_at + self.settings.job_s / 4
            return "starting" if is_new else "processing"
        return "failed" if job.error else "succeeded"

    async def _prediction(self, job: Job) -> dict[str, Any]:
        """The prediction object as it is now; without its data when they are an hour old."""
        if self._status(job) == "succeeded" and not job.urls:
            await asyncio.to_thread(self._run, job)
        status = self._status(job)
        removed = self.clock.now() >= self._over_at(job) + self.settings.replicate_data_s
        here = f"{base_of(job.call.request)}/{self.name}/v1/predictions/{job.id}"
        seconds = {"predict_time": float(self.settings.replicate_gpu_s)}
        is_made = status == "succeeded" and not removed
        single = job.urls[0] if len(job.urls) == 1 and "num_outputs" not in job.values else job.urls
        return {
            "id": job.id,
            "model": job.model,
            "status": status,
            "urls": {"get": here, "cancel": f"{here}/cancel"},
            "input": {} if removed else job.values,
            "output": single if is_made else None,
            "error": job.error if status == "failed" else None,
            "logs": "",
            "metrics": seconds if status == "succeeded" else {},
            "data_removed": removed,
        }

    def _run(self, job: Job) -> None:
        is_webp = "flux" in job.model or job.model.endswith("creative-upscale")
        kind = _KINDS[job.values.get("output_format", "webp" if is_webp else "png")]
        life_s = self._over_at(job) + self.settings.replicate_data_s - self.clock.now()
        for number in range(job.values.get("num_outputs", 1)):
            image = job.call.finished(_painted(self, job, number))
            data = pictures.encoded(image, kind)
            job.urls.append(self.shelve(job.call.request, data, kind, life_s))


def _nearest_flux(provider: Provider, image: Image.Image) -> Size:
    sizes = provider.limits.sizes["flux"]
    return sizes[pictures.nearest_aspect(image.size, sizes)]


def _painted(provider: Provider, job: Job, number: int) -> Image.Image:
    values = job.values
    if "image" not in values:
        size = provider.limits.sizes["flux"][values.get("aspect_ratio", "1:1")]
        return pictures.painted(f"{values.get('seed', 0)}/{number}/{values['prompt']}", size)
    image = picture_of(values["image"])
    if "prompt" in values:  # its shape, at the size that the model makes of it
        size = _nearest_flux(provider, image)
        new = pictures.painted(f"{values.get('seed', 0)}/{number}/{values['prompt']}", size)
        kept = pictures.opaque(image).resize(size)
        return Image.blend(kept, new, values.get("prompt_strength", 0.8))
    if job.model.endswith(("birefnet", "remove-background")):
        return pictures.cut_out(image)
    if job.model.endswith("creative-upscale"):
        return pictures.by_recraft(image)
    scale = values.get("scale", 4)
    return image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))))
