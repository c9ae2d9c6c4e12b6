"""The simulator as one application: a provider behind each prefix, and the test's own door."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from pydantic import BaseModel, Field

from tests.simulator.fal import Fal
from tests.simulator.faults import Fault
from tests.simulator.gemini import Gemini
from tests.simulator.huggingface import HuggingFace
from tests.simulator.ideogram import Ideogram
from tests.simulator.imagen import Imagen
from tests.simulator.openai import OpenAI
from tests.simulator.provider import Provider, Refusal, Simulation
from tests.simulator.replicate import Replicate
from tests.simulator.settings import SimulatorSettings
from tests.simulator.stability import Stability

PROVIDERS: tuple[type[Provider], ...] = (
    Stability, OpenAI, Gemini, Imagen, HuggingFace, Ideogram, Replicate, Fal,
)  # fmt: skip


class Passage(BaseModel):
    """How far a test lets time pass."""

    seconds: float = Field(ge=0)


def simulator(settings: SimulatorSettings) -> FastAPI:
    """Build the application; `app.state.simulation` is what it remembers."""
    app = FastAPI(title="Provider simulator", docs_url=None, redoc_url=None)
    app.state.simulation = simulation = Simulation(settings)
    providers = [one(simulation) for one in PROVIDERS]
    for provider in providers:
        app.include_router(provider.routes(), prefix=f"/{provider.name}")
    app.include_router(_door(simulation, providers), prefix="/_sim")

    @app.exception_handler(Refusal)
    async def refused(request: Request, refusal: Refusal) -> Response:
        return refusal.response

    return app


def _door(simulation: Simulation, providers: list[Provider]) -> APIRouter:
    """What only tests use: the bill, the faults, the clock."""
    door = APIRouter()

    @door.get("/bill")
    async def bill() -> dict[str, Any]:
        for provider in providers:
            provider.catch_up()
        return simulation.bill.to_json()

    @door.get("/faults")
    async def open_faults() -> list[Fault]:
        return simulation.faults.still_open()

    @door.post("/faults", status_code=201)
    async def order(fault: Fault) -> Fault:
        simulation.faults.order(fault)
        return fault

    @door.delete("/faults", status_code=204)
    async def clear_faults() -> None:
        simulation.faults.clear()

    @door.post("/clock", status_code=204)
    async def advance(passage: Passage) -> None:
        simulation.clock.advance(passage.seconds)

    @door.post("/reset", status_code=204)
    async def reset() -> None:
        for part in (simulation.bill, simulation.faults, simulation.shelf):
            part.clear()
        for provider in providers:
            provider.reset()
        simulation.clock.reset()

    return door
