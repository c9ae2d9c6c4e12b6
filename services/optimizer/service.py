"""The optimizer, wired."""

from __future__ import annotations

from services.optimizer.operations.export import Export
from studio.service import Ports, Service, StudioService


def optimizer(ports: Ports) -> Service:
    """Export."""
    return StudioService("optimizer", ports, [Export()])
