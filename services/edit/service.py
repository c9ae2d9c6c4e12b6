"""The edit studio, wired."""

from __future__ import annotations

from services.edit.operations.adjust import Adjust
from services.edit.operations.remove_background import RemoveBackground
from services.edit.providers.local import LocalMatting
from studio.service import Ports, Service, StudioService


def edit(ports: Ports) -> Service:
    """Adjust and remove the background."""
    return StudioService("edit", ports, [Adjust(), RemoveBackground(LocalMatting())])
