"""gRPC: the sync questions between services, with problems that survive the wire.

A StudioError raised in a servicer becomes a status whose trailing metadata carries the whole
problem; the caller's side turns it back into the same error.
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import date
from typing import Any, TypeVar

import grpc
from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health
from grpc_reflection.v1alpha import reflection
from opentelemetry.instrumentation.grpc import aio_client_interceptors, aio_server_interceptor

from studio.imaging.facts import ImageFacts
from studio.keyless import MissingKey
from studio.listening import listener
from studio.money import Money, PriceRange
from studio.naming import did_you_mean
from studio.operation import AnyEngine, AnyOperation, Failure, needs_image
from studio.problems import Broken, Problem, Refused, StudioError, Unavailable
from studio.providers.offers import Offer, offers, spanning
from studio.v1 import studio_pb2, studio_pb2_grpc

log = logging.getLogger(__name__)

OperationT = TypeVar("OperationT", bound=AnyOperation)

PROBLEM_KEY = "studio-problem-bin"

_STATUS = {
    "refused": grpc.StatusCode.INVALID_ARGUMENT,
    "moderated": grpc.StatusCode.INVALID_ARGUMENT,
    "not_found": grpc.StatusCode.NOT_FOUND,
    "conflict": grpc.StatusCode.ALREADY_EXISTS,
    "too_large": grpc.StatusCode.INVALID_ARGUMENT,
    "not_an_image": grpc.StatusCode.INVALID_ARGUMENT,
    "unauthorized": grpc.StatusCode.UNAUTHENTICATED,
    "unavailable": grpc.StatusCode.UNAVAILABLE,
    "broken": grpc.StatusCode.INTERNAL,
}


class ProblemInterceptor(grpc.aio.ServerInterceptor):
    """Turns what a servicer raises into a status with the problem as detail."""

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """Wrap unary handlers; health and reflection stream and explain themselves."""
        handler = await continuation(handler_call_details)
        if handler is None or handler.unary_unary is None:
            return handler

        async def answer(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
            try:
                return await handler.unary_unary(request, context)
            except StudioError as error:
                await _abort(context, error)
            except grpc.aio.AbortError:
                raise
            except Exception as error:
                log.exception("A gRPC call failed")
                await _abort(context, Broken.because(error))

        return grpc.unary_unary_rpc_method_handler(
            answer, handler.request_deserializer, handler.response_serializer
        )


async def _abort(context: grpc.aio.ServicerContext[Any, Any], error: StudioError) -> None:
    detail = error.as_problem().model_dump_json().encode()
    status = _STATUS.get(error.kind, grpc.StatusCode.UNKNOWN)
    await context.abort(status, error.says, ((PROBLEM_KEY, detail),))


@asynccontextmanager
async def asking(whom: str) -> AsyncIterator[None]:
    """Around a call to another service: its failure becomes the error that it raised there."""
    try:
        yield
    except grpc.aio.AioRpcError as error:
        for key, value in error.trailing_metadata() or ():
            if key == PROBLEM_KEY:
                raise StudioError.from_problem(Problem.model_validate_json(value)) from error
        raise Unavailable(
            rule=f"{whom}.unavailable",
            says=f"The {whom} service does not answer ({error.code().name.lower()}).",
            fix="Try again in a moment; /readyz of that service tells what it waits for.",
            retry_after=2,
        ) from error


def channel(address: str) -> grpc.aio.Channel:
    """A channel that reconnects quickly and carries the trace."""
    return grpc.aio.insecure_channel(
        address,
        interceptors=aio_client_interceptors(),
        options=[
            ("grpc.max_reconnect_backoff_ms", 5_000),
            ("grpc.initial_reconnect_backoff_ms", 200),
            ("grpc.max_receive_message_length", 16 * 1024 * 1024),
        ],
    )


class GrpcServer:
    """A server with health, reflection, problems and traces; services register on `server`."""

    def __init__(self) -> None:
        self.server = grpc.aio.server(
            interceptors=[aio_server_interceptor(), ProblemInterceptor()],
            options=[("grpc.so_reuseport", 0)],  # else a second process would share the port
        )
        self._health = health.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self.server)

    async def start(self, host: str, port: int, names: Iterable[str]) -> int:
        """Listen; `names` are the full names of the registered services. Returns the port.

        Misconfigured if it is taken.
        """
        names = list(names)
        reflection.enable_server_reflection(
            (*names, health_pb2.DESCRIPTOR.services_by_name["Health"].full_name,
             reflection.SERVICE_NAME),
            self.server,
        )  # fmt: skip
        listener("STUDIO_GRPC_PORT", host, port).close()  # gRPC's own words are no sentence
        bound: int = self.server.add_insecure_port(f"{host}:{port}")
        await self.server.start()
        for name in ("", *names):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        return bound

    async def stop(self, grace: float) -> None:
        """Say NOT_SERVING, finish running calls, close."""
        await self._health.enter_graceful_shutdown()
        await self.server.stop(grace)


class StudioServicer(studio_pb2_grpc.StudioServicer):
    """Describe and Quote, answered from the operations themselves."""

    full_name = studio_pb2.DESCRIPTOR.services_by_name["Studio"].full_name

    def __init__(self, studio: str, operations: Iterable[AnyOperation]) -> None:
        self._studio = studio
        self._operations = {operation.name: operation for operation in operations}

    async def Describe(self, request: Any, context: Any) -> studio_pb2.DescribeResponse:  # noqa: N802
        """Every operation with the JSON Schema of its parameters."""
        return studio_pb2.DescribeResponse(
            studio=self._studio,
            operations=[
                studio_pb2.Operation(
                    name=one.name,
                    summary=one.summary,
                    params_schema=struct(one.params_type.model_json_schema()),
                    providers=one.offered,
                    needs_image=one.needs_image,
                    limits=one.limits,
                    unit_prices=_unit_prices(one),
                    engines=[_engine_to(engine) for engine in one.paid.values()],
                    absent=[_absent_to(name, lack) for name, lack in one.absent.items()],
                )
                for one in self._operations.values()
            ],
        )

    async def Quote(self, request: Any, context: Any) -> studio_pb2.QuoteResponse:  # noqa: N802
        """Price and outputs of one step; every rule that running it would check is checked."""
        operation = find_operation(self._operations, request.operation)
        params = operation.parse(plain(request.params))
        provider = choose_provider(operation, request.provider or None)
        image = facts_from(request.image) if request.HasField("image") else None
        engine = operation.engine(provider)
        if operation.needs_image and image is None:
            raise needs_image()
        engine.check(image, params)
        return studio_pb2.QuoteResponse(
            price=price_to(engine.price(image, params, provider)),
            outputs=[facts_to(one) for one in engine.forecast(image, params)],
            provider=provider,
            pinned=struct(dict(operation.pinned(params))),
            failures=[_failure_to(one) for one in engine.failures(image, params)],
            notes=engine.notes(image, params),
        )


def _unit_prices(operation: AnyOperation) -> dict[str, studio_pb2.PriceRange]:
    """Of every provider: from the cheapest to the dearest product that may be bought."""
    prices = {name: operation.unit_price(name) for name in operation.providers}
    for name, engine in operation.paid.items():
        prices[name] = spanning(_offers(engine)) or operation.unit_price(name)
    return {name: price_to(price) for name, price in prices.items()}


def _offers(engine: AnyEngine) -> list[Offer]:
    products = engine.products()
    return offers(engine.account, products) if products else []


def _engine_to(engine: AnyEngine) -> studio_pb2.Engine:
    return studio_pb2.Engine(
        provider=engine.provider,
        account=getattr(engine, "account", ""),  # nobody pays for a model of one's own
        products=[offer_to(one) for one in _offers(engine)],
    )


def _absent_to(provider: str, lack: Problem) -> studio_pb2.AbsentProvider:
    return studio_pb2.AbsentProvider(
        provider=provider,
        problem=lack.model_dump_json(),
        account=lack.account if isinstance(lack, MissingKey) else "",
    )


def _failure_to(failure: Failure) -> studio_pb2.ForeseenFailure:
    remedy = failure.details.get("remedy")
    return studio_pb2.ForeseenFailure(
        label=failure.label,
        problem=failure.problem.model_dump_json(),
        remedy=struct(remedy) if remedy else None,
    )


def find_operation(operations: Mapping[str, OperationT], name: str) -> OperationT:
    """The operation of that name; Refused lists those that there are."""
    if name not in operations:
        raise Refused(
            rule="operation.unknown",
            says=f"There is no operation {name!r} here.",
            fix=did_you_mean(
                name, operations, "Use one of the valid ones; GET /v1/operations describes them."
            ),
            valid=sorted(operations),
        )
    return operations[name]


def choose_provider(operation: AnyOperation, asked: str | None) -> str:
    """The provider that was asked for, or the operation's first; Refused if it has no such."""
    if asked is None:
        return operation.providers[0]
    if asked in operation.absent:
        raise StudioError.from_problem(operation.absent[asked])
    if asked not in operation.offered:
        raise Refused(
            rule="operation.provider",
            says=f"{operation.name} cannot be done by {asked!r}.",
            fix="Leave the provider out, or use one of the valid ones.",
            valid=list(operation.offered),
        )
    return asked


def struct(value: dict[str, Any]) -> Struct:
    """JSON as a protobuf Struct."""
    return json_format.Parse(json.dumps(value), Struct())


def plain(value: Struct) -> dict[str, Any]:
    """A Struct as JSON; whole numbers become ints again (a Struct knows doubles only)."""
    whole: dict[str, Any] = whole_numbers(json_format.MessageToDict(value))
    return whole


def whole_numbers(value: Any) -> Any:
    """JSON from a Struct with its whole numbers as ints."""
    if isinstance(value, dict):
        return {key: whole_numbers(one) for key, one in value.items()}
    if isinstance(value, list):
        return [whole_numbers(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def facts_to(facts: ImageFacts) -> studio_pb2.ImageFacts:
    """Image facts for the wire."""
    return studio_pb2.ImageFacts(**facts.model_dump())


def facts_from(facts: studio_pb2.ImageFacts) -> ImageFacts:
    """Image facts from the wire."""
    return ImageFacts(
        width=facts.width, height=facts.height, media_type=facts.media_type, alpha=facts.alpha
    )


def offer_to(offer: Offer) -> studio_pb2.Product:
    """An offer for the wire."""
    return studio_pb2.Product(
        name=offer.product,
        unit=offer.unit,
        price=price_to(offer.price),
        limits=offer.limits,
        source=offer.source,
        checked_on=offer.checked_on.isoformat(),
        note=offer.note or "",
    )


def offer_from(product: studio_pb2.Product) -> Offer:
    """An offer from the wire."""
    return Offer(
        product=product.name,
        unit=product.unit,
        price=price_from(product.price),
        limits=tuple(product.limits),
        source=product.source,
        checked_on=date.fromisoformat(product.checked_on),
        note=product.note or None,
    )


def money_to(money: Money) -> studio_pb2.Money:
    """Money for the wire."""
    return studio_pb2.Money(**money.model_dump())


def money_from(money: studio_pb2.Money) -> Money:
    """Money from the wire; an unset message is nothing."""
    return Money.of(money.amount or "0", money.currency or "USD")


def price_to(price: PriceRange) -> studio_pb2.PriceRange:
    """A price range for the wire."""
    return studio_pb2.PriceRange(
        minimum=money_to(price.minimum),
        expected=money_to(price.expected),
        maximum=money_to(price.maximum),
    )


def price_from(price: studio_pb2.PriceRange) -> PriceRange:
    """A price range from the wire."""
    return PriceRange(
        minimum=money_from(price.minimum),
        expected=money_from(price.expected),
        maximum=money_from(price.maximum),
    )
