"""What all the simulated providers have in common: accounts, faults, the bill, the reply.

A request goes the same way everywhere: whose key is it, is there a rate left, does a fault
befall it, are its fields in order, is it decent; then the picture is made and billed; then the
reply is sent, if a fault does not tear it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar, NoReturn

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from PIL import Image
from starlette.types import Receive, Scope, Send

from tests.simulator import pictures
from tests.simulator.bill import Bill, Charge
from tests.simulator.clock import Clock
from tests.simulator.faults import STATUS_OF, Fault, Faults
from tests.simulator.forms import Form, NotAForm, ProviderLimits, limits_of, parse_form
from tests.simulator.settings import SimulatorSettings
from tests.simulator.shelf import Shelf

_PROXY_PAGE = "<!doctype html><html><body><h1>Please wait…</h1></body></html>"
MEDIA_TYPES = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}


class Refusal(Exception):
    """The answer is no, and this is how the provider says it."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


@dataclass
class Simulation:
    """The one state that all providers share."""

    settings: SimulatorSettings
    clock: Clock = field(default_factory=Clock)
    faults: Faults = field(default_factory=Faults)
    sever: Callable[[Any], None] | None = None
    """Cuts the connection of a client address; set by the server that runs the app."""

    def __post_init__(self) -> None:
        self.bill = Bill(self.clock)
        self.shelf = Shelf(self.clock)


class Torn(Response):
    """A reply that does not arrive whole: cut before it, or in the middle of its body."""

    def __init__(self, whole: Response, sever: Callable[[Any], None] | None, fault: Fault) -> None:
        super().__init__(whole.body, whole.status_code)
        self.raw_headers = whole.raw_headers
        self._sever = sever
        self._fault = fault

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send what arrives of it."""
        if self._fault.kind == "timeout_mid_body":
            start = {"status": self.status_code, "headers": self.raw_headers}
            await send({"type": "http.response.start", **start})
            half = self.body[: len(self.body) // 2]
            await send({"type": "http.response.body", "body": half, "more_body": True})
            await asyncio.sleep(self._fault.seconds)
        if self._sever is None:
            raise ConnectionError("the simulator has no server whose connection it could cut")
        self._sever(scope["client"])
        await asyncio.sleep(0.01)  # until the server has seen it: it would send a 500 otherwise


@dataclass
class Call:
    """One admitted request on its way to a reply."""

    provider: Provider
    request: Request
    key: str
    endpoint: str
    fault: Fault | None
    charges: list[Charge] = field(default_factory=list)

    def suffers(self, kind: str, *variants: str) -> bool:
        """Whether this fault befalls it (in one of these variants, if any are named)."""
        fault = self.fault
        return (
            fault is not None and fault.kind == kind and (not variants or fault.variant in variants)
        )

    def finished(self, image: Image.Image) -> Image.Image:
        """The picture as it leaves: of another size, if that is its fault."""
        return pictures.misshapen(image) if self.suffers("wrong_size") else image

    def bill(self, amount: Decimal) -> None:
        """Charge the account, US dollars."""
        client_id = self.request.headers.get(self.provider.client_header)
        bill = self.provider.simulation.bill
        name = self.provider.name
        self.charges.append(bill.add(name, self.key, self.endpoint, amount, client_id))

    def reply(self, response: Response) -> Response:
        """What arrives of a reply."""
        if self.fault and self.fault.kind in ("timeout_mid_body", "close_before_reply"):
            return Torn(response, self.provider.simulation.sever, self.fault)
        return _proxy_page() if self.suffers("html") else response


class Provider:
    """A simulated provider; each says in its own words who calls and why not."""

    name: ClassVar[str]
    client_header: ClassVar[str] = "x-studio-step"

    def __init__(self, simulation: Simulation) -> None:
        self.simulation = simulation
        self.settings = simulation.settings
        self.clock = simulation.clock

    @property
    def limits(self) -> ProviderLimits:
        """What its documents say."""
        return limits_of(self.name)

    def routes(self) -> APIRouter:
        """Its endpoints, under the path of its real host."""
        raise NotImplementedError

    def key_of(self, request: Request) -> str:
        """The key that a request carries; empty if it carries none."""
        return bearer(request)

    def problem(self, status: int, says: str, name: str = "") -> Response:
        """A refusal in the provider's words."""
        raise NotImplementedError

    def check(self, key: str, endpoint: str) -> None:
        """Raise Refusal unless the key is good for the endpoint."""
        if key not in self.settings.keys[self.name]:
            self.refuse(401, "The key is missing or not valid.")

    def admit(self, request: Request, key: str, endpoint: str) -> None:
        """Raise Refusal if the account asks too much at once."""

    def catch_up(self) -> None:
        """Bill what has been done since, where that is not billed with the call."""

    def reset(self) -> None:
        """Forget everything."""

    def refuse(self, status: int, says: str, name: str = "") -> NoReturn:
        """Say no."""
        raise Refusal(self.problem(status, says, name))

    async def begin(self, request: Request, endpoint: str, *, sells: bool = True) -> Call:
        """Admit a request, or refuse it for its key, its rate or a fault."""
        key = self.key_of(request)
        self.check(key, endpoint)
        self.admit(request, key, endpoint)
        fault = self.simulation.faults.take(self.name, endpoint, sells=sells)
        slow = fault.seconds if fault and fault.kind == "slow" else 0.0
        await asyncio.sleep(self.settings.latency_s + slow)
        if fault and fault.kind in STATUS_OF:
            self._fail(fault)
        if fault and fault.kind == "html" and not fault.billed:
            raise Refusal(_proxy_page())
        return Call(self, request, key, endpoint, fault)

    def _fail(self, fault: Fault) -> NoReturn:
        status = STATUS_OF[fault.kind]
        response = self.problem(status, f"simulated {fault.kind}", fault.variant)
        if status == 429:
            response.headers["retry-after"] = str(fault.retry_after)
        raise Refusal(response)

    async def form(self, request: Request) -> Form:
        """The multipart body of a request; 413 and 400 in the provider's words."""
        body = await self.body(request)
        try:
            return parse_form(request.headers.get("content-type", ""), body)
        except NotAForm as why:
            self.refuse(400, f"content-type: must be multipart/form-data ({why})")

    async def document(self, request: Request) -> dict[str, Any]:
        """The JSON object that is the body of a request."""
        body = await self.body(request)
        try:
            document = json.loads(body)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            self.refuse(400, "The body must be a JSON object.")
        return document

    async def body(self, request: Request) -> bytes:
        """The bytes of a request, no more than are allowed."""
        body = await request.body()
        most = self.limits.body_bytes
        if most is not None and len(body) > most:
            self.refuse(413, f"The request body must be at most {most:,} bytes.")
        return body

    def file_route(self) -> APIRouter:
        """Serves what it keeps, without a key, as long as it keeps it."""
        router = APIRouter()

        @router.get("/files/{name}")
        async def file(name: str, request: Request) -> Response:
            fault = self.simulation.faults.take(self.name, "files", sells=False)
            if fault and fault.kind == "slow":
                await asyncio.sleep(fault.seconds)
            kept = self.simulation.shelf.get(name.partition(".")[0])
            if kept is None or (fault and fault.kind == "expired"):
                return Response("This file does not exist or has expired.", 404)
            whole = Response(kept.data, media_type=kept.media_type)
            if fault and fault.kind in ("500", "503", "429"):
                return Response("", int(fault.kind))
            return Call(self, request, "", "files", fault).reply(whole)

        return router

    def shelve(self, request: Request, data: bytes, kind: str, seconds: float) -> str:
        """Keep a picture (kind: png, jpeg, webp) and return the URL that serves it."""
        name = self.simulation.shelf.put(data, MEDIA_TYPES[kind], seconds)
        return f"{base_of(request)}/{self.name}/files/{name}.{kind}"


def bearer(request: Request, scheme: str = "Bearer") -> str:
    """The credentials in the Authorization header."""
    given, _, credentials = request.headers.get("authorization", "").partition(" ")
    return credentials.strip() if given.lower() == scheme.lower() else ""


def base_of(request: Request) -> str:
    """The simulator's own address, as the client sees it."""
    return str(request.base_url).rstrip("/")


def reply_json(content: Any, status: int = 200) -> JSONResponse:
    """JSON as every provider sends it."""
    return JSONResponse(content, status)


def _proxy_page() -> Response:
    return Response(_PROXY_PAGE, 200, media_type="text/html")
