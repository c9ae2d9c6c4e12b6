"""The create studio, wired."""

from __future__ import annotations

from services.create.operations.generate import Generate
from services.create.operations.import_ import Import
from studio.service import Ports, Service, StudioService


def create(ports: Ports) -> Service:
    """Generate and import."""
    return StudioService("create", ports, [Generate(), Import()])
