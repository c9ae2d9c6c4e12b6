"""OpenAI Images: generations (JSON) and edits (multipart), GPT image models only.

providers.md §4.2. Variants of a fault `429`: "insufficient_quota" (never retry); otherwise
rate_limit_exceeded. Streaming, dall-e and JSON edits are not simulated.
"""

from __future__ import annotations

import asyncio
import base64
import re
import secrets
import time
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from fastapi import APIRouter, Request, Response
from PIL import Image

from tests.simulator import pictures
from tests.simulator.bill import usd
from tests.simulator.forms import Form
from tests.simulator.pictures import Size
from tests.simulator.provider import Call, Provider, Refusal, Simulation, reply_json
from tests.simulator.rates import Window
from tests.simulator.settings import Rate

#: Output tokens by quality, for square, portrait and landscape (community.openai.com 1371851).
TOKENS = {
    "square": {"low": 272, "medium": 1056, "high": 4160},
    "portrait": {"low": 408, "medium": 1584, "high": 6240},
    "landscape": {"low": 400, "medium": 1568, "high": 6208},
}
_MASK_BYTES = 4_000_000
_FREE = Decimal(0)
_TYPES = {
    401: ("invalid_request_error", "invalid_api_key"),
    403: ("invalid_request_error", "organization_not_verified"),
    429: ("requests", "rate_limit_exceeded"),
    500: ("server_error", "server_error"),
    503: ("server_error", "service_unavailable"),
}
_BLOCKED = "Your request was rejected by the safety system."


@dataclass(frozen=True)
class Order:
    """What was asked for, with what the server chooses filled in."""

    values: dict[str, Any]
    size: Size
    quality: str
    output_format: str
    images: tuple[Image.Image, ...] = ()
    mask: Image.Image | None = None

    @property
    def model(self) -> str:
        """As on the price list: without a date, and the alias resolved."""
        name = re.sub(r"-\d{4}-\d{2}-\d{2}$", "", self.values["model"])
        return "gpt-image-1.5" if name == "chatgpt-image-latest" else name

    @property
    def count(self) -> int:
        """How many pictures."""
        return int(self.values.get("n", 1))

    @property
    def tokens(self) -> int:
        """Output tokens of one picture; free sizes by their area (assumed)."""
        width, height = self.size
        shape = "square" if width == height else "portrait" if width < height else "landscape"
        usual = 1024 * 1024 if shape == "square" else 1024 * 1536
        return round(TOKENS[shape][self.quality] * width * height / usual)

    @property
    def usage(self) -> dict[str, Any]:
        """The tokens of the call, as its reply tells them."""
        text = -(-len(self.values["prompt"]) // 4)  # about 4 characters per token
        seen = sum(_input_tokens(one.size) for one in self.images)
        output = self.tokens * self.count
        return {
            "input_tokens": text + seen,
            "input_tokens_details": {"text_tokens": text, "image_tokens": seen},
            "output_tokens": output,
            "total_tokens": text + seen + output,
        }

    @property
    def price(self) -> Decimal:
        """US dollars for the call: every token that its usage tells."""
        usage = self.usage
        told = usage["input_tokens_details"]
        tokens = {
            "text_input": told["text_tokens"],
            "image_input": told["image_tokens"],
            "output": usage["output_tokens"],
        }
        return sum((usd("openai", f"{self.model}/{kind}") * n for kind, n in tokens.items()), _FREE)


class OpenAI(Provider):
    """api.openai.com/v1."""

    name = "openai"

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(simulation)
        self._images = Window(Rate(self.settings.openai_images_per_minute, 60), self.clock)

    def routes(self) -> APIRouter:
        router = APIRouter(prefix="/v1")
        router.post("/images/generations")(self.generate)
        router.post("/images/edits")(self.edit)
        return router

    def reset(self) -> None:
        self._images.clear()

    def problem(self, status: int, says: str, name: str = "") -> Response:
        kind, code = _TYPES.get(status, ("invalid_request_error", None))
        if name == "insufficient_quota":
            kind, code = name, name
        elif name == "moderation_blocked":
            kind, code = "image_generation_user_error", name
        elif name:
            code = "missing_required_parameter" if says.endswith("is required") else "invalid_value"
        param = name if code in ("missing_required_parameter", "invalid_value") else None
        error = {"message": says, "type": kind, "param": param, "code": code}
        headers = {"x-request-id": f"req_{secrets.token_hex(16)}"}
        response = reply_json({"error": error}, status)
        response.headers.update(headers)
        return response

    async def generate(self, request: Request) -> Response:
        """POST /images/generations."""
        call = await self.begin(request, "images/generations")
        form = Form(values=await self.document(request))
        self._check(call.endpoint, form, from_form=False)
        return await self._sell(call, self._order(form, (), None))

    async def edit(self, request: Request) -> Response:
        """POST /images/edits."""
        call = await self.begin(request, "images/edits")
        form = await self.form(request)
        self._check(call.endpoint, form, from_form=True)
        images, mask = await asyncio.to_thread(self._inputs, form)
        return await self._sell(call, self._order(form, images, mask))

    async def _sell(self, call: Call, order: Order) -> Response:
        if call.suffers("moderated"):
            self.refuse(400, _BLOCKED, "moderation_blocked")
        if wait := self._images.admit(call.key, order.count):
            refusal = self.problem(429, f"Rate limit reached. Try again in {wait:.0f}s.")
            refusal.headers["retry-after"] = str(max(1, round(wait)))
            raise Refusal(self._with_limits(call, refusal))
        call.bill(order.price)
        reply = await asyncio.to_thread(self._reply, call, order)
        return call.reply(self._with_limits(call, reply))

    def _with_limits(self, call: Call, response: Response) -> Response:
        response.headers["x-ratelimit-limit-requests"] = str(self._images.rate.requests)
        response.headers["x-ratelimit-remaining-requests"] = str(self._images.left(call.key))
        response.headers["x-ratelimit-reset-requests"] = "60s"
        return response

    def _check(self, endpoint: str, form: Form, *, from_form: bool) -> None:
        wrong = self.limits.complaints(endpoint, form, from_form=from_form)
        for name, says in wrong.items():
            self.refuse(400, f"{name} {says}", name)
        models = self.limits.models
        known = models["images"] + (models["edits"] if endpoint == "images/edits" else ())
        model, values = form.values["model"], form.values
        if model not in known:
            self.refuse(400, f"The model '{model}' does not exist.", "model")
        if values.get("background") == "transparent" and values.get("output_format") == "jpeg":
            self.refuse(400, "Transparent needs output_format png or webp", "background")
        if "output_compression" in values and values.get("output_format", "png") == "png":
            self.refuse(400, "output_compression is for jpeg and webp", "output_compression")
        if "input_fidelity" in values and model.endswith("-mini"):
            self.refuse(400, "input_fidelity is not supported by this model", "input_fidelity")

    def _inputs(self, form: Form) -> tuple[tuple[Image.Image, ...], Image.Image | None]:
        uploads = [*form.files.get("image", []), *form.files.get("image[]", [])]
        if not uploads:
            self.refuse(400, "image is required", "image")
        if len(uploads) > 16:
            self.refuse(400, "At most 16 images are allowed", "image")
        most = self.limits.endpoints["images/edits"].picture.bytes or 0
        images = tuple(self._decoded("image", one.data, most) for one in uploads)
        if not (masks := form.files.get("mask")):
            return images, None
        mask = self._decoded("mask", masks[0].data, _MASK_BYTES - 1)
        if mask.format != "PNG" or mask.mode != "RGBA":
            self.refuse(400, "mask must be a PNG with an alpha channel", "mask")
        if mask.size != images[0].size:
            self.refuse(400, "mask size does not match image size", "mask")
        return images, mask

    def _decoded(self, name: str, data: bytes, most: int) -> Image.Image:
        if len(data) > most:
            self.refuse(400, f"{name} must be at most {most} bytes", name)
        try:
            return pictures.decoded(data)
        except pictures.NotAPicture:
            self.refuse(400, f"{name} must be a png, webp or jpg file", name)

    def _order(
        self, form: Form, images: tuple[Image.Image, ...], mask: Image.Image | None
    ) -> Order:
        values = form.values
        asked = values.get("quality", "auto")
        quality = "medium" if asked == "auto" else asked  # what auto means is not documented
        size = self._size(values, images)
        return Order(values, size, quality, values.get("output_format", "png"), images, mask)

    def _size(self, values: dict[str, Any], images: tuple[Image.Image, ...]) -> Size:
        fixed = self.limits.sizes["fixed"]
        asked = values.get("size", "auto")
        if asked == "auto":
            return fixed[pictures.nearest_aspect(images[0].size, fixed)] if images else (1024, 1024)
        match = re.fullmatch(r"(\d{1,4})x(\d{1,4})", asked)
        size = (int(match[1]), int(match[2])) if match else (0, 0)
        is_free = values["model"].startswith("gpt-image-2")
        if size not in fixed.values() and not (is_free and _is_free_size(size)):
            self.refuse(400, f"Invalid value: '{asked}' for size", "size")
        return size

    def _reply(self, call: Call, order: Order) -> Response:
        data = [{"b64_json": self._picture(call, order, number)} for number in range(order.count)]
        is_clear = order.values.get("background") == "transparent"
        background = "transparent" if is_clear else "opaque"
        size = "{}x{}".format(*order.size)
        reply = {"created": int(time.time()), "background": background, "quality": order.quality}
        reply |= {"output_format": order.output_format, "size": size, "data": data}
        reply |= {"usage": order.usage}
        response = reply_json(reply)
        response.headers["x-request-id"] = f"req_{secrets.token_hex(16)}"
        return response

    def _picture(self, call: Call, order: Order, number: int) -> str:
        seed = f"{number}/{order.values['prompt']}"
        image = pictures.painted(seed, order.size)
        if order.images:
            first = order.images[0]
            edited = pictures.painted(seed, first.size)
            if order.mask:  # alpha 0 = edit
                edited = pictures.repainted(first, pictures.transparency(order.mask), seed)
            image = edited.resize(order.size)
        if order.values.get("background") == "transparent":
            image = pictures.cut_out(image)
        quality = int(order.values.get("output_compression", 100))
        data = pictures.encoded(call.finished(image), order.output_format, max(1, quality))
        return base64.b64encode(data).decode()


def _is_free_size(size: Size) -> bool:
    """What gpt-image-2 makes: multiples of 16, 1:3 to 3:1, at most 3840x2160 either way up."""
    short, long = sorted(size)
    return (
        bool(short)
        and not (short % 16 or long % 16)
        and long <= 3 * short
        and (long <= 3840 and short <= 2160)
    )


def _input_tokens(size: Size) -> int:
    """Image input: 65 + 129 per 512-px tile with the short side at 512 (OpenAI's vision guide)."""
    short, long = sorted(size)
    return 65 + 129 * -(-long // short)
