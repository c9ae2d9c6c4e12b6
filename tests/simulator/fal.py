"""fal's queue: submit, status, result, cancel; and the balance, which only an admin key may read.

providers.md §4.7; the balance: fal.ai/docs/platform-apis/v1/account/billing. The queue takes
everything, unless no money is left; what is wrong with an input is said by the result (422), when
the request has run. It is billed then, too. A fault `moderated` is the 422 of the content checker.
Beyond the account's concurrency requests wait. Webhooks and status streams are not simulated.
"""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import Any
from uuid import uuid4

from fastapi import APIRouter, Request, Response
from PIL import Image

from tests.simulator import pictures
from tests.simulator.bill import prices, usd
from tests.simulator.forms import Form
from tests.simulator.jobs import BadInput, Job, picture_of, starts
from tests.simulator.provider import (
    MEDIA_TYPES,
    Provider,
    Refusal,
    Simulation,
    base_of,
    bearer,
    reply_json,
)

_FLAGGED = "The content could not be processed because it was flagged by a content checker."
_LOCKED = (
    "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing."
)
_BILLING = "account/billing"
#: A balance is told as inexactly as sums of floats are: 24.5 as 24.5000000000245.
_FLOATS = 1 + 1e-12
_LIFECYCLE = "x-fal-object-lifecycle-preference"


class Fal(Provider):
    """queue.fal.run, and of api.fal.ai what tells the balance."""

    name = "fal"

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(simulation)
        self._jobs: dict[str, Job] = {}

    def routes(self) -> APIRouter:
        router = self.file_route()
        router.get(f"/v1/{_BILLING}")(self.billing)  # of api.fal.ai
        router.get("/{app:path}/requests/{job_id}/status")(self.status)
        router.put("/{app:path}/requests/{job_id}/cancel")(self.cancel)
        router.get("/{app:path}/requests/{job_id}")(self.result)
        router.post("/{app:path}")(self.submit)
        return router

    def reset(self) -> None:
        self._jobs.clear()

    def catch_up(self) -> None:
        for job in self._jobs.values():
            if job.due and self._status(job) == "COMPLETED":
                for amount in job.due:
                    job.call.bill(amount)
                job.due = []

    def key_of(self, request: Request) -> str:
        return bearer(request, "Key")

    def check(self, key: str, endpoint: str) -> None:
        """The admin key is really good for everything; here it buys nothing, as nobody should."""
        if endpoint != _BILLING:
            super().check(key, endpoint)
        elif key in self.settings.keys[self.name]:
            raise Refusal(_platform_error(403, "An API key with ADMIN scope is required."))
        elif key not in self.settings.admin_keys[self.name]:
            raise Refusal(_platform_error(401, "Authentication is required."))

    def problem(self, status: int, says: str, name: str = "") -> Response:
        return reply_json({"detail": says}, status)

    async def submit(self, app: str, request: Request) -> Response:
        """POST /{app}: into the queue."""
        call = await self.begin(request, "submit")
        if app not in self.limits.endpoints:
            self.refuse(404, f"Application '{app}' not found")
        if self._balance(call.key) <= 0:
            self.refuse(403, _LOCKED)
        values = await self.document(request)
        job = Job(str(uuid4()), app, values, call, self.clock.now())
        wrong = self._detail(job)
        self._jobs[job.id] = job
        if not wrong:
            job.due = [usd(self.name, app) * self._units(job)] * values.get("num_images", 1)
        elif self.settings.fal_422_billed:
            job.due = [usd(self.name, app)]
        urls = self._urls(job)
        position = {"queue_position": self._position(job)}
        ids = {"request_id": job.id, "gateway_request_id": job.id}
        return call.reply(reply_json({**ids, **urls, **position, "status": "IN_QUEUE"}))

    async def billing(self, request: Request) -> Response:
        """GET /v1/account/billing: the name, and the balance where it is asked for."""
        call = await self.begin(request, _BILLING, sells=False)
        number = self.settings.admin_keys[self.name].index(call.key)
        told: dict[str, Any] = {"username": f"team-{number}"}
        if "credits" in request.query_params.getlist("expand"):
            left = float(self._balance(self.settings.keys[self.name][number]))
            told["credits"] = {"current_balance": left * _FLOATS, "currency": "USD"}
        return call.reply(reply_json(told))

    def _balance(self, key: str) -> Decimal:
        """US dollars; below 0 if the last request took more than was left. What has ended just now
        is not in it yet."""
        self.catch_up()
        seen = self.clock.now() - self.settings.fal_balance_lag - self.settings.job_s
        late = [self._jobs[id_] for id_, start in self._starts(key).items() if start > seen]
        unseen = sum((one.amount for job in late for one in job.call.charges), Decimal(0))
        return self.settings.fal_credits - self.simulation.bill.spent(self.name, key) + unseen

    async def status(self, app: str, job_id: str, request: Request) -> Response:
        """GET …/status."""
        call = await self.begin(request, "status", sells=False)
        job = self._job(job_id, call.key)
        status = self._status(job)
        queued = {"queue_position": self._position(job)} if status == "IN_QUEUE" else {}
        reply = {"status": status, "request_id": job.id, **queued, **self._urls(job)}
        return call.reply(reply_json(reply, 200 if status == "COMPLETED" else 202))

    async def result(self, app: str, job_id: str, request: Request) -> Response:
        """GET …/requests/{id}."""
        call = await self.begin(request, "result", sells=False)
        job = self._job(job_id, call.key)
        if self._status(job) != "COMPLETED":
            self.refuse(400, "Request is still in progress")
        if job.cancelled_at is not None:
            self.refuse(400, "Request was cancelled")
        if detail := self._detail(job):
            return call.reply(reply_json({"detail": detail}, 422))
        if not job.urls:
            await asyncio.to_thread(self._run, job)
        return call.reply(reply_json(self._made(job)))

    async def cancel(self, app: str, job_id: str, request: Request) -> Response:
        """PUT …/cancel."""
        call = await self.begin(request, "cancel", sells=False)
        job = self._jobs.get(job_id)
        if job is None or job.call.key != call.key:
            return call.reply(reply_json({"status": "NOT_FOUND"}, 404))
        if self._status(job) == "COMPLETED":
            return call.reply(reply_json({"status": "ALREADY_COMPLETED"}, 400))
        job.cancelled_at = self.clock.now()
        job.due = []
        return call.reply(reply_json({"status": "CANCELLATION_REQUESTED"}, 202))

    def _job(self, job_id: str, key: str) -> Job:
        self.catch_up()
        job = self._jobs.get(job_id)
        if job is None or job.call.key != key:
            self.refuse(404, "Request not found")
        return job

    def _urls(self, job: Job) -> dict[str, str]:
        owner_and_alias = "/".join(job.model.split("/")[:2])
        here = f"{base_of(job.call.request)}/{self.name}/{owner_and_alias}/requests/{job.id}"
        return {
            "response_url": here,
            "status_url": f"{here}/status",
            "cancel_url": f"{here}/cancel",
        }

    def _starts(self, key: str) -> dict[str, float]:
        own = [one for one in self._jobs.values() if one.call.key == key]
        return starts(own, self.settings.fal_concurrency, self.settings.job_s)

    def _status(self, job: Job) -> str:
        start, now = self._starts(job.call.key)[job.id], self.clock.now()
        if job.cancelled_at is not None or now >= start + self.settings.job_s:
            return "COMPLETED"
        return "IN_PROGRESS" if now >= start else "IN_QUEUE"

    def _position(self, job: Job) -> int:
        """How many wait before it."""
        begun, now = self._starts(job.call.key), self.clock.now()
        waiting = [one for one, start in begun.items() if start > now]
        return waiting.index(job.id) if job.id in waiting else 0

    def _detail(self, job: Job) -> list[dict[str, Any]]:
        """What is wrong with a request, as its result tells it; empty if nothing is."""
        if job.call.suffers("moderated"):
            where = ["body", "prompt"]
            return [{"loc": where, "msg": _FLAGGED, "type": "content_policy_violation"}]
        form = Form(values=job.values)
        wrong = self.limits.complaints(job.model, form, from_form=False)
        if "image_size" in job.values and self._size(job.values["image_size"]) is None:
            wrong["image_size"] = "is not a known size"
        try:
            if not wrong and "image_url" in job.values:
                picture_of(job.values["image_url"], self.limits.endpoints[job.model].picture)
        except BadInput as why:
            wrong["image_url"] = str(why)
        return [
            {"loc": ["body", name], "msg": f"{name} {says}", "type": "value_error"}
            for name, says in wrong.items()
        ]

    def _size(self, asked: Any) -> tuple[int, int] | None:
        if isinstance(asked, dict):
            sides = asked.get("width"), asked.get("height")
            good = all(type(one) is int and 1 <= one <= 4096 for one in sides)
            return sides if good else None  # type: ignore[return-value]
        return self.limits.sizes["flux"].get(str(asked))

    def _units(self, job: Job) -> int:
        """What a picture is billed as: megapixels of 2²⁰ of the result, begun ones as whole ones
        (assumed), where the price is by them."""
        if prices()[self.name, job.model].unit != "megapixel":
            return 1
        width, height = picture_of(job.values["image_url"]).size
        factor = job.values.get("upscale_factor", 2) if "clarity" in job.model else 1
        return -(-round(width * factor) * round(height * factor) // 2**20)

    def _run(self, job: Job) -> None:
        kind = self._kind(job)
        life_s = _lifetime(job.call.request, self.settings.fal_file_s)
        for number in range(job.values.get("num_images", 1)):
            image = job.call.finished(self._painted(job, number))
            job.sizes.append(image.size)
            data = pictures.encoded(image, kind)
            job.urls.append(self.shelve(job.call.request, data, kind, life_s))

    def _kind(self, job: Job) -> str:
        usual = "jpeg" if "flux" in job.model else "webp" if "recraft" in job.model else "png"
        return str(job.values.get("output_format", usual))

    def _painted(self, job: Job, number: int) -> Image.Image:
        values = job.values
        if "image_url" not in values:
            size = self._size(values.get("image_size", "landscape_4_3")) or (1024, 768)
            return pictures.painted(f"{values.get('seed', 0)}/{number}/{values['prompt']}", size)
        image = picture_of(values["image_url"])
        if job.model.endswith("birefnet"):
            return pictures.cut_out(image)
        if "recraft" in job.model:
            return pictures.by_recraft(image)
        if "flux" in job.model:
            new = pictures.painted(
                f"{values.get('seed', 0)}/{number}/{values['prompt']}", image.size
            )
            return Image.blend(pictures.opaque(image), new, values.get("strength", 0.95))
        scale = values.get("upscale_factor" if "clarity" in job.model else "scale", 2)
        return image.resize((round(image.width * scale), round(image.height * scale)))

    def _made(self, job: Job) -> dict[str, Any]:
        media_type = MEDIA_TYPES[self._kind(job)]
        images = [
            {"url": url, "width": width, "height": height, "content_type": media_type}
            for url, (width, height) in zip(job.urls, job.sizes, strict=True)
        ]
        if "clarity" in job.model:
            return {"image": images[0], "seed": job.values.get("seed", 0), "timings": {}}
        if "flux" not in job.model:
            return {"image": images[0]}
        safe = [False] * len(images)
        facts = {"seed": job.values.get("seed", 0), "prompt": job.values["prompt"]}
        return {"images": images, "has_nsfw_concepts": safe, **facts}


def _platform_error(status: int, says: str) -> Response:
    """As api.fal.ai words it; its form is assumed, only the statuses are documented."""
    return reply_json({"error": {"type": "authorization_error", "message": says}}, status)


def _lifetime(request: Request, default: float) -> float:
    """Seconds that the request's own header gives its files."""
    try:
        return float(json.loads(request.headers[_LIFECYCLE])["expiration_duration_seconds"])
    except (KeyError, TypeError, ValueError):
        return default
