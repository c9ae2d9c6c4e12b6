"""Stability AI v2beta: generate, edit, upscale; asynchronous results; the balance.

providers.md §4.1. A fault `moderated` is the 403 on input; `blurred_200` is the 200 with
CONTENT_FILTERED and a picture that nothing can be told on.
"""

from __future__ import annotations

import asyncio
import base64
import re
import secrets
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from fastapi import APIRouter, Request, Response
from PIL import Image

from tests.simulator import pictures
from tests.simulator.bill import usd
from tests.simulator.forms import Form, limits_of
from tests.simulator.pictures import Size
from tests.simulator.provider import MEDIA_TYPES, Call, Provider, Simulation, reply_json
from tests.simulator.rates import Window

ASYNCHRONOUS = ("edit/replace-background-and-relight", "upscale/creative")
_MASKED = ("edit/erase", "edit/inpaint")
_SAME_SHAPE = 0.01  # of a ratio; assumed
_ONE_MP, _FOUR_MP = 1_048_576, 4_194_304
#: "4K class": assumed the area of 3840×2160.
_CREATIVE_PIXELS = 8_294_400

_NAMES = {
    400: "bad_request",
    401: "unauthorized",
    402: "payment_required",
    403: "content_moderation",
    404: "not_found",
    413: "payload_too_large",
    422: "invalid_language",
    429: "rate_limit_exceeded",
    500: "internal_error",
    503: "service_unavailable",
}
_FLAGGED = (
    "Your request was flagged by our content moderation system, as a result your request "
    "was denied and you were not charged."
)
_WEIGHT = re.compile(r"\([^():]*:([^():]*)\)")
_LATIN_ENDS = 0x250
_SIDES = ("left", "right", "up", "down")
_IDENTITY = ("stability-client-id", "stability-client-user-id", "stability-client-version")


@dataclass(frozen=True)
class Order:
    """What was asked for, checked."""

    endpoint: str
    values: dict[str, Any]
    images: dict[str, Image.Image]
    seed: int

    @property
    def paint(self) -> str:
        """What decides the pixels."""
        return f"{self.seed}/{self.values.get('prompt', '')}"


@dataclass
class Result:
    """What a job will have made, and for whom."""

    key: str
    order: Order
    call: Call
    ready_at: float
    gone_at: float
    polled_at: float = float("-inf")


class Stability(Provider):
    """api.stability.ai."""

    name = "stability"
    client_header = "stability-client-user-id"

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(simulation)
        self._window = Window(self.settings.stability_rate, self.clock)
        self._results: dict[str, Result] = {}

    def routes(self) -> APIRouter:
        router = APIRouter()
        router.post("/v2beta/stable-image/{family}/{operation}")(self.make)
        router.get("/v2beta/results/{result_id}")(self.result)
        router.get("/v1/user/balance")(self.balance)
        return router

    def reset(self) -> None:
        self._window.clear()
        self._results.clear()

    def problem(self, status: int, says: str, name: str = "") -> Response:
        name = name or _NAMES[status]
        body = {"id": secrets.token_hex(16), "name": name, "errors": [says]}
        return reply_json(body, status)

    def admit(self, request: Request, key: str, endpoint: str) -> None:
        if wait := self._window.admit(key):
            says = f"You have exceeded the rate limit of {self._window.rate.requests} requests."
            self.refuse(429, f"{says} Wait {wait:.0f} s.")

    async def make(self, family: str, operation: str, request: Request) -> Response:
        """One paid call."""
        endpoint = f"{family}/{operation}"
        if endpoint not in self.limits.endpoints:
            self.refuse(404, "There is no such endpoint.")
        call = await self.begin(request, endpoint)
        self._check_headers(request)
        form = await self.form(request)
        order = await asyncio.to_thread(self._order, endpoint, form)
        self._check_words(order)
        price = self._price(order)
        if self._balance(call.key) < price:
            self.refuse(402, "You do not have enough credits.")
        if call.suffers("moderated"):
            self.refuse(403, _FLAGGED)
        if not call.suffers("blurred_200") or self.settings.content_filtered_billed:
            call.bill(price)
        if endpoint in ASYNCHRONOUS:
            return call.reply(reply_json({"id": self._submit(call, order)}))
        return call.reply(await asyncio.to_thread(self._picture_reply, request, call, order))

    async def result(self, result_id: str, request: Request) -> Response:
        """The picture of an asynchronous job, or that it is not ready."""
        call = await self.begin(request, "results", sells=False)
        self._check_headers(request)
        result = self._results.get(result_id)
        now = self.clock.now()
        if result is None or result.key != call.key or now >= result.gone_at:
            self.refuse(404, "id: no result with this id, or it has expired")
        too_fast = now - result.polled_at < self.settings.poll_s
        result.polled_at = now
        if too_fast:
            self.refuse(429, f"Poll at most once every {self.settings.poll_s} seconds.")
        if now < result.ready_at:
            status = {"id": result_id, "status": "in-progress"}
            return call.reply(reply_json(status, 202))
        made = await asyncio.to_thread(self._picture_reply, request, result.call, result.order)
        return call.reply(made)

    async def balance(self, request: Request) -> Response:
        """The credits that are left."""
        call = await self.begin(request, "user/balance", sells=False)
        credits_left = self._balance(call.key) / Decimal("0.01")
        return call.reply(reply_json({"credits": float(credits_left)}))

    def _balance(self, key: str) -> Decimal:
        """US dollars."""
        start = self.settings.stability_credits * Decimal("0.01")
        return start - self.simulation.bill.spent(self.name, key)

    def _price(self, order: Order) -> Decimal:
        if order.endpoint != "generate/sd3":
            return usd(self.name, order.endpoint)
        return usd(self.name, f"generate/sd3/{order.values.get('model', 'sd3.5-large')}")

    def _submit(self, call: Call, order: Order) -> str:
        result_id = secrets.token_hex(32)
        now = self.clock.now()
        gone_at = now + self.settings.job_s + self.settings.stability_result_s
        ready_at = now + self.settings.job_s
        self._results[result_id] = Result(call.key, order, call, ready_at, gone_at)
        return result_id

    def _check_headers(self, request: Request) -> None:
        accept = request.headers.get("accept", "image/*")
        if accept not in ("image/*", "*/*", "application/json"):
            self.refuse(400, "accept: must be image/* or application/json")
        for name in _IDENTITY:
            if len(request.headers.get(name, "")) > 256:
                self.refuse(400, f"{name}: must have at most 256 characters")

    def _order(self, endpoint: str, form: Form) -> Order:
        wrong = self.limits.complaints(endpoint, form, from_form=True)
        wrong = wrong or _combination_complaints(endpoint, form)
        for name, says in wrong.items():
            self.refuse(400, f"{name}: {says}")
        images = {name: self._image(endpoint, name, form) for name in form.files}
        seed = int(form.values.get("seed", 0)) or zlib.crc32(repr(form.values).encode()) or 1
        return Order(endpoint, form.values, images, min(seed, 4_294_967_294))

    def _image(self, endpoint: str, name: str, form: Form) -> Image.Image:
        try:
            image = pictures.decoded(form.files[name][0].data)
        except pictures.NotAPicture:
            self.refuse(400, f"{name}: must be a jpeg, png or webp image")
        # A mask of any size is resized to the image.
        limits = self.limits.endpoints[endpoint].picture
        if name != "mask" and (says := limits.complaint(image.size)):
            self.refuse(400, f"{name}: {says}")
        if endpoint in _MASKED and "mask" not in form.files and image.mode != "RGBA":
            self.refuse(400, "mask: is required if the image has no alpha channel")
        return image

    def _check_words(self, order: Order) -> None:
        for name, text in order.values.items():
            if not name.endswith("prompt"):
                continue
            if any(not _is_weight(one) for one in _WEIGHT.findall(text)):
                self.refuse(400, f"{name}: weights must be between 0 and 1")
            letters = [one for one in text if one.isalpha()]
            if sum(ord(one) >= _LATIN_ENDS for one in letters) * 2 > len(letters):
                self.refuse(422, f"{name}: must be in English")

    def _picture_reply(self, request: Request, call: Call, order: Order) -> Response:
        image = call.finished(PAINTERS[order.endpoint](order))
        reason = "SUCCESS"
        if call.suffers("blurred_200"):
            image, reason = pictures.blurred(image), "CONTENT_FILTERED"
        kind = order.values.get("output_format", "png")
        data = pictures.encoded(image, kind)
        media_type = MEDIA_TYPES[kind]
        common = {"x-request-id": secrets.token_hex(16)}
        if request.headers.get("accept") == "application/json":
            text = base64.b64encode(data).decode()
            reply = reply_json({"image": text, "finish_reason": reason, "seed": order.seed})
            reply.headers.update(common)
            reply.headers["content-type"] = f"application/json; type={media_type}"
            return reply
        headers = {**common, "finish-reason": reason, "seed": str(order.seed)}
        return Response(data, media_type=media_type, headers=headers)


def _is_weight(text: str) -> bool:
    try:
        return 0 <= float(text) <= 1
    except ValueError:
        return True  # "(time: noon)" is prose


def _combination_complaints(endpoint: str, form: Form) -> dict[str, str]:
    """Fields that need or exclude each other."""
    values, files = form.values, form.files
    if endpoint == "generate/ultra" and "image" in files and "strength" not in values:
        return {"strength": "is required with image"}
    if endpoint == "generate/sd3":
        return _sd3_complaints(form)
    sides = [int(values.get(side, 0)) for side in _SIDES]
    if endpoint == "edit/outpaint" and not any(sides):
        return {"left": "at least one of left, right, up, down must be greater than 0"}
    if endpoint == "edit/replace-background-and-relight":
        return _relight_complaints(form)
    return {}


def _sd3_complaints(form: Form) -> dict[str, str]:
    if form.values.get("mode", "text-to-image") == "image-to-image":
        needed = [name for name in ("image", "strength") if name not in form.values | form.files]
        wrong = dict.fromkeys(needed, "is required with mode image-to-image")
        if "aspect_ratio" in form.values:
            wrong["aspect_ratio"] = "is only for mode text-to-image"
        return wrong
    given = [name for name in ("image", "strength") if name in form.values | form.files]
    return dict.fromkeys(given, "is only for mode image-to-image")


def _relight_complaints(form: Form) -> dict[str, str]:
    given = form.values | form.files
    if "background_prompt" not in given and "background_reference" not in given:
        return {"background_prompt": "background_prompt or background_reference is required"}
    has_light = "light_source_direction" in given or "light_reference" in given
    if "light_source_strength" in given and not has_light:
        return {"light_source_strength": "needs light_source_direction or light_reference"}
    return {}


def _sizes(table: str) -> dict[str, Size]:
    return limits_of("stability").sizes[table]


def _generated(table: str) -> Callable[[Order], Image.Image]:
    def paint(order: Order) -> Image.Image:
        size = _sizes(table)[order.values.get("aspect_ratio", "1:1")]
        return pictures.painted(order.paint, size)

    return paint


def _sd3(order: Order) -> Image.Image:
    if "image" not in order.images:
        return _generated("one_mp")(order)
    image, sizes = order.images["image"], _sizes("one_mp")
    size = pictures.on_grid(image.size, _ONE_MP)
    near = sizes[pictures.nearest_aspect(image.size, sizes)]
    if abs(near[0] * image.height / (near[1] * image.width) - 1) < _SAME_SHAPE:
        size = near  # a picture in one of its shapes comes in that shape
    return _departed(order, image, size)


def _ultra(order: Order) -> Image.Image:
    if "image" not in order.images:
        return _generated("one_mp")(order)
    size = _sizes("one_mp")[order.values.get("aspect_ratio", "1:1")]
    return _departed(order, order.images["image"], size)


def _departed(order: Order, image: Image.Image, size: Size) -> Image.Image:
    """strength: 0 is the picture itself, 1 as if there were none."""
    kept = pictures.opaque(image).resize(size)
    new = pictures.painted(order.paint, size)
    return Image.blend(kept, new, float(order.values["strength"]))


def _masked(order: Order) -> Image.Image:
    """White of the mask is changed; without a mask, what is transparent."""
    image = order.images["image"]
    mask = order.images.get("mask")
    marks = mask.convert("L") if mask else pictures.transparency(image)
    small = image.resize(pictures.no_larger(image.size, _FOUR_MP))
    return pictures.repainted(small, marks, order.paint)


def _replaced(order: Order) -> Image.Image:
    image = order.images["image"]
    small = image.resize(pictures.no_larger(image.size, _FOUR_MP))
    return pictures.middle_repainted(small, order.paint)


def _outpainted(order: Order) -> Image.Image:
    left, right, up, down = (int(order.values.get(side, 0)) for side in _SIDES)
    return pictures.grown(order.images["image"], (left, right, up, down), order.paint)


def _relit(order: Order) -> Image.Image:
    subject = order.images["subject_image"]
    small = subject.resize(pictures.no_larger(subject.size, _FOUR_MP))
    around = pictures.painted(order.paint, small.size)
    around.paste(small, mask=pictures.cut_out(small).getchannel("A"))
    return around


def _upscaled(pixels: int) -> Callable[[Order], Image.Image]:
    def paint(order: Order) -> Image.Image:
        image = order.images["image"]
        return image.resize(pictures.scaled_to(image.size, pixels), Image.Resampling.BILINEAR)

    return paint


def _four_times(order: Order) -> Image.Image:
    image = order.images["image"]
    return image.resize((image.width * 4, image.height * 4), Image.Resampling.BILINEAR)


PAINTERS: dict[str, Callable[[Order], Image.Image]] = {
    "generate/ultra": _ultra,
    "generate/core": _generated("core"),
    "generate/sd3": _sd3,
    "edit/remove-background": lambda order: pictures.cut_out(order.images["image"]),
    "edit/erase": _masked,
    "edit/inpaint": _masked,
    "edit/outpaint": _outpainted,
    "edit/search-and-replace": _replaced,
    "edit/search-and-recolor": lambda order: pictures.middle_repainted(
        order.images["image"], order.paint
    ),
    "edit/replace-background-and-relight": _relit,
    "upscale/fast": _four_times,
    "upscale/conservative": _upscaled(_FOUR_MP),
    "upscale/creative": _upscaled(_CREATIVE_PIXELS),
}
