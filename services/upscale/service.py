"""The upscale studio, wired."""

from __future__ import annotations

from services.upscale.operations.conservative import Conservative
from studio.service import Ports, Service, StudioService


def upscale(ports: Ports) -> Service:
    """Conservative."""
    return StudioService("upscale", ports, [Conservative()])
