"""Ideogram 3: generate, generate-transparent, edit, remix, reframe, replace-background, upscale.

providers.md §4.5. A fault `moderated` is the 422 on the prompt; its variant "output" is the 200
with is_image_safe=false and no URL. URLs are served here and expire.
"""

from __future__ import annotations

import asyncio
import json
import re
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response
from PIL import Image, ImageOps

from tests.simulator import pictures
from tests.simulator.bill import usd
from tests.simulator.forms import Form, limits_of
from tests.simulator.pictures import Size
from tests.simulator.provider import Call, Provider, Simulation, reply_json

_OPERATIONS = (
    "generate", "generate-transparent", "edit", "remix", "reframe", "replace-background",
)  # fmt: skip
_TEN_MB = 10_485_760
_UNSAFE = "Prompt provided failed safety check due to the inclusion of prohibited content."
_HEX = re.compile(r"#[0-9A-Fa-f]{6}")


@dataclass(frozen=True)
class Order:
    """What was asked for, checked."""

    endpoint: str
    values: dict[str, Any]
    images: dict[str, Image.Image]

    @property
    def count(self) -> int:
        """How many pictures."""
        return int(self.values.get("num_images", 1))

    @property
    def seed(self) -> int:
        """The asked one, or one that follows from the request."""
        default = zlib.crc32(repr(sorted(self.values.items())).encode()) & 0x7FFFFFFF
        return int(self.values.get("seed", default))

    @property
    def image(self) -> Image.Image:
        """The picture that is worked on."""
        return self.images.get("image") or self.images["image_file"]


class Ideogram(Provider):
    """api.ideogram.ai."""

    name = "ideogram"

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(simulation)
        self._in_flight: Counter[str] = Counter()

    def routes(self) -> APIRouter:
        router = self.file_route()
        router.post("/v1/ideogram-v3/{operation}")(self.make)
        router.post("/upscale")(self.upscale)
        return router

    def reset(self) -> None:
        self._in_flight.clear()

    def key_of(self, request: Request) -> str:
        return request.headers.get("api-key", "")

    def problem(self, status: int, says: str, name: str = "") -> Response:
        return reply_json({"error": says}, status)

    async def make(self, operation: str, request: Request) -> Response:
        """One paid call."""
        if operation not in _OPERATIONS:
            self.refuse(404, "There is no such endpoint.")
        return await self._in_turn(request, operation)

    async def upscale(self, request: Request) -> Response:
        """POST /upscale: twice the size (assumed)."""
        return await self._in_turn(request, "upscale")

    async def _in_turn(self, request: Request, endpoint: str) -> Response:
        key = self.key_of(request)
        if self._in_flight[key] >= self.settings.ideogram_in_flight:
            self.refuse(429, "Too many requests in flight.")
        self._in_flight[key] += 1
        try:
            call = await self.begin(request, endpoint)
            order = await self._order(request, endpoint)
            return await self._sell(call, order)
        finally:
            self._in_flight[key] -= 1

    async def _sell(self, call: Call, order: Order) -> Response:
        if call.suffers("moderated", ""):
            self.refuse(422, _UNSAFE)
        unsafe = call.suffers("moderated")
        speed = order.values.get("rendering_speed", "DEFAULT")
        item = "upscale" if order.endpoint == "upscale" else f"v3/{speed}"
        made = [] if unsafe else await asyncio.to_thread(_pictures, call, order)
        facts = {"prompt": order.values.get("prompt", ""), "seed": order.seed}
        facts["style_type"] = order.values.get("style_type", "GENERAL")
        data = []
        for image, encoded in made:
            call.bill(usd(self.name, item))
            url = self.shelve(call.request, encoded, "png", self.settings.ideogram_url_s)
            size = f"{image.width}x{image.height}"
            data.append({"url": url, "resolution": size, "is_image_safe": True, **facts})
        nothing = {"url": None, "resolution": "1024x1024", "is_image_safe": False, **facts}
        data = data or [nothing] * order.count
        return call.reply(reply_json({"created": self.clock.stamp().isoformat(), "data": data}))

    async def _order(self, request: Request, endpoint: str) -> Order:
        is_json = request.headers.get("content-type", "").startswith("application/json")
        if is_json and endpoint == "generate":
            form = Form(values=await self.document(request))
        else:
            form = await self.form(request)
        self._check(endpoint, form, from_form=not is_json)
        if endpoint == "upscale":
            form.values = self._image_request(form.values["image_request"])
        self._check_style(form)
        return Order(endpoint, form.values, await asyncio.to_thread(self._images, form))

    def _check(self, endpoint: str, form: Form, *, from_form: bool) -> None:
        for name, says in self.limits.complaints(endpoint, form, from_form=from_form).items():
            self.refuse(400, f"{name} {says}")
        if "resolution" in form.values and "aspect_ratio" in form.values:
            self.refuse(400, "Only one of resolution and aspect_ratio can be given")
        resolution = form.values.get("resolution", "1024x1024")
        if resolution not in self.limits.models["resolutions"]:
            self.refuse(400, f"resolution {resolution} is not supported")

    def _image_request(self, text: str) -> dict[str, Any]:
        try:
            asked = json.loads(text)
        except ValueError:
            asked = None
        if not isinstance(asked, dict):
            self.refuse(400, "image_request must be a JSON object")
        self._check("upscale/request", Form(values=asked), from_form=False)
        return asked

    def _check_style(self, form: Form) -> None:
        references = form.files.get("style_reference_images", [])
        if sum(len(one.data) for one in references) > _TEN_MB:
            self.refuse(400, "style_reference_images must be at most 10 MB together")
        palette = form.values.get("color_palette")
        if palette is not None and not _is_palette(palette):
            self.refuse(400, "color_palette must name a preset or list members with color_hex")

    def _images(self, form: Form) -> dict[str, Image.Image]:
        images = {}
        for name in ("image", "mask", "image_file"):
            for upload in form.files.get(name, []):
                images[name] = self._decoded(name, upload.data)
        if "mask" in images and images["mask"].size != images["image"].size:
            self.refuse(400, "mask must have the same size as image")
        return images

    def _decoded(self, name: str, data: bytes) -> Image.Image:
        if len(data) > _TEN_MB:
            self.refuse(400, f"{name} must be at most 10 MB")
        try:
            return pictures.decoded(data)
        except pictures.NotAPicture:
            self.refuse(400, f"{name} must be a JPEG, PNG or WebP image")


def _is_palette(given: Any) -> bool:
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError:
            return False
    if not isinstance(given, dict) or given.keys() - {"name", "members"}:
        return False
    members = given.get("members", [])
    return bool(given) and all(
        isinstance(one, dict) and _HEX.fullmatch(str(one.get("color_hex", ""))) for one in members
    )


def _pictures(call: Call, order: Order) -> list[tuple[Image.Image, bytes]]:
    made = []
    for number in range(order.count):
        seed = f"{order.seed}/{number}/{order.values.get('prompt', '')}"
        image = call.finished(PAINTERS[order.endpoint](order, seed))
        made.append((image, pictures.encoded(image, "png")))
    return made


def _asked_size(order: Order) -> Size:
    if resolution := order.values.get("resolution"):
        width, height = map(int, resolution.split("x"))
        return width, height
    return limits_of("ideogram").sizes["aspects"][order.values.get("aspect_ratio", "1x1")]


def _generated(order: Order, seed: str) -> Image.Image:
    return pictures.painted(seed, _asked_size(order))


def _transparent(order: Order, seed: str) -> Image.Image:
    times = int(order.values.get("upscale_factor", "X1")[1])
    width, height = _asked_size(order)
    return pictures.cut_out(pictures.painted(seed, (width * times, height * times)))


def _edited(order: Order, seed: str) -> Image.Image:
    """Black of the mask is edited."""
    marks = ImageOps.invert(order.images["mask"].convert("L"))
    return pictures.repainted(order.image, marks, seed)


def _remixed(order: Order, seed: str) -> Image.Image:
    weight = int(order.values.get("image_weight", 50)) / 100
    size = _asked_size(order)
    kept = pictures.opaque(order.image).resize(size)
    return Image.blend(pictures.painted(seed, size), kept, weight)


def _reframed(order: Order, seed: str) -> Image.Image:
    canvas = pictures.painted(seed, _asked_size(order))
    inside = ImageOps.contain(pictures.opaque(order.image), canvas.size)
    canvas.paste(inside, ((canvas.width - inside.width) // 2, (canvas.height - inside.height) // 2))
    return canvas


def _new_background(order: Order, seed: str) -> Image.Image:
    around = pictures.painted(seed, order.image.size)
    around.paste(order.image, mask=pictures.cut_out(order.image).getchannel("A"))
    return around


def _doubled(order: Order, seed: str) -> Image.Image:
    return order.image.resize((order.image.width * 2, order.image.height * 2))


PAINTERS: dict[str, Callable[[Order, str], Image.Image]] = {
    "generate": _generated,
    "generate-transparent": _transparent,
    "edit": _edited,
    "remix": _remixed,
    "reframe": _reframed,
    "replace-background": _new_background,
    "upscale": _doubled,
}
