"""The studios as the gateway asks them: what they can do, and what it would cost."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from google.protobuf import json_format
from pydantic import TypeAdapter

from gateway.settings import GatewaySettings
from studio.imaging.facts import ImageFacts
from studio.keyless import key_setting
from studio.money import PriceRange
from studio.problems import Problem, Refused
from studio.providers.offers import Offer
from studio.rpc import asking, channel, facts_from, facts_to, offer_from, plain, price_from, struct
from studio.slip import Step
from studio.v1 import library_pb2_grpc, optimizer_pb2_grpc, studio_pb2, studio_pb2_grpc

_SECONDS = 15

_OFFER = TypeAdapter(Offer)


@dataclass(frozen=True, slots=True)
class ForeseenFailure:
    """An output that would not be made, and the step that would prevent it, if one would."""

    label: str
    problem: Problem
    remedy: Step | None


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a studio says of a step that it has not done."""

    price: PriceRange
    outputs: list[ImageFacts]
    provider: str
    pinned: dict[str, Any]  # parameters that a run fixes now
    failures: list[ForeseenFailure]
    notes: list[str] = field(default_factory=list)  # what may fail, but only the run sees it


class Studios:
    """gRPC clients of every studio, of the library and of the optimizer's placement data."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._channels = {
            "create": channel(settings.create_grpc),
            "edit": channel(settings.edit_grpc),
            "upscale": channel(settings.upscale_grpc),
            "optimizer": channel(settings.optimizer_grpc),
            "library": channel(settings.library_grpc),
        }
        self._stubs = {
            name: studio_pb2_grpc.StudioStub(one) for name, one in self._channels.items()
        }
        self.library: Any = library_pb2_grpc.LibraryStub(self._channels["library"])
        self.placements: Any = optimizer_pb2_grpc.PlacementsStub(self._channels["optimizer"])

    async def describe(self, *studios: str) -> list[dict[str, Any]]:
        """Every operation of these studios; of all, if none is named."""
        answers = await asyncio.gather(*(self._describe(name) for name in studios or self._stubs))
        return [operation for answer in answers for operation in answer]

    async def quote(self, workspace: str, step: Step, image: ImageFacts | None) -> Foreseen:
        """What a step would cost and output. Refused as running it would be."""
        if step.studio not in self._stubs:
            raise Refused(
                rule="operation.unknown",
                says=f"There is no studio for {step.operation!r}.",
                fix="An operation is named <studio>.<verb>; GET /v1/operations lists them.",
                valid=sorted(self._stubs),
            )
        request = studio_pb2.QuoteRequest(
            workspace=workspace,
            operation=step.operation,
            params=struct(step.params),
            provider=step.provider or "",
            image=facts_to(image) if image else None,
        )
        async with asking(step.studio):
            answer = await self._stubs[step.studio].Quote(request, timeout=_SECONDS)
        return Foreseen(
            price=price_from(answer.price),
            outputs=[facts_from(one) for one in answer.outputs],
            provider=answer.provider,
            pinned=plain(answer.pinned),
            failures=[
                ForeseenFailure(
                    label=one.label,
                    problem=Problem.model_validate_json(one.problem),
                    remedy=Step.model_validate(plain(one.remedy))
                    if one.HasField("remedy")
                    else None,
                )
                for one in answer.failures
            ],
            notes=list(answer.notes),
        )

    async def close(self) -> None:
        """Close every channel."""
        await asyncio.gather(*(one.close() for one in self._channels.values()))

    async def _describe(self, name: str) -> list[dict[str, Any]]:
        async with asking(name):
            answer = await self._stubs[name].Describe(
                studio_pb2.DescribeRequest(), timeout=_SECONDS
            )
        return described(answer)


def described(answer: studio_pb2.DescribeResponse) -> list[dict[str, Any]]:
    """What a studio says of its operations, as JSON."""
    return [
        {
            "name": one.name,
            "summary": one.summary,
            "providers": list(one.providers),
            "needs_image": one.needs_image,
            "limits": list(one.limits),
            "unit_prices": {
                name: price_from(price).model_dump(mode="json")
                for name, price in one.unit_prices.items()
            },
            "engines": [_engine(engine) for engine in one.engines],
            "absent": {lack.provider: _absent(lack) for lack in one.absent},
            "parameters": json_format.MessageToDict(one.params_schema),
        }
        for one in answer.operations
    ]


def offered(offer: Offer) -> dict[str, Any]:
    """What may be bought, as JSON: every field, and the product is its name."""
    told: dict[str, Any] = _OFFER.dump_python(offer, mode="json")
    return {"name": told.pop("product"), **told}


def _engine(engine: studio_pb2.Engine) -> dict[str, Any]:
    """What may be bought of a provider, with its price and its limits."""
    return {
        "provider": engine.provider,
        "account": engine.account,
        "products": [offered(offer_from(one)) for one in engine.products],
    }


def _absent(lack: studio_pb2.AbsentProvider) -> dict[str, Any]:
    """What a provider lacks (RFC 9457), and the setting that would give it, if one would."""
    told = Problem.model_validate_json(lack.problem).as_rfc9457()
    if lack.account:
        told |= {"account": lack.account, "setting": key_setting(lack.account)}
    return told
