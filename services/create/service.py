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
from services.create.settings import CreateSettings
from studio.keyless import equip, keyed
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
    return [engine() for engine in keyed(ENGINES, keys)]


def create(ports: Ports) -> Service:
    """Generate and import."""
    keys = accounts(ports.settings)
    settings = ports.settings
    own = settings if isinstance(settings, CreateSettings) else CreateSettings.model_construct()
    missing = absent(own)
    generate = Generate()
    unpaid = [] if missing else [Diffusers(own)]
    equip(generate, [*engines(keys), *unpaid], ENGINES, keys)
    generate.absent = {**generate.absent, **({NAME: missing} if missing else {})}
    return StudioService("create", ports, [generate, Import()])
