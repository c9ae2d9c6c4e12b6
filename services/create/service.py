"""The create studio, wired."""

from __future__ import annotations

from collections.abc import Container

from services.create.operations.generate import Generate
from services.create.operations.import_ import Import
from services.create.providers.diffusers import NAME, Diffusers, absent
from services.create.providers.fal import Fal
from services.create.providers.google import Gemini, Imagen
from services.create.providers.huggingface import HuggingFace
from services.create.providers.ideogram import Ideogram
from services.create.providers.openai import OpenAI
from services.create.providers.paid import PaidGenerate
from services.create.providers.replicate import Replicate
from services.create.providers.stability import Stability
from services.create.request import Params
from services.create.settings import CreateSettings
from studio.keyless import missing_keys
from studio.operation import PaidEngine
from studio.providers.accounts import accounts
from studio.service import Ports, Service, StudioService

ENGINES: tuple[type[PaidGenerate], ...] = (
    Stability,
    OpenAI,
    Gemini,
    Imagen,
    HuggingFace,
    Ideogram,
    Replicate,
    Fal,
)


def engines(keys: Container[str]) -> list[PaidGenerate]:
    """The paid engines whose account is among those that have a key."""
    return [engine() for engine in ENGINES if engine.account in keys]


def create(ports: Ports) -> Service:
    """Generate and import."""
    keys = accounts(ports.settings)
    paid: list[PaidEngine[Params]] = [*engines(keys)]
    settings = ports.settings
    own = settings if isinstance(settings, CreateSettings) else CreateSettings.model_construct()
    missing = absent(own)
    if missing is None:
        paid.append(Diffusers(own))
    generate = Generate().with_engines(paid)
    generate.absent = missing_keys(generate, ENGINES, keys) | ({NAME: missing} if missing else {})
    return StudioService("create", ports, [generate, Import()])
