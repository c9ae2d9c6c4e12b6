"""The optimizer, wired."""

from __future__ import annotations

from collections.abc import Sequence

from services.optimizer.operations.export import Export
from services.optimizer.servicer import PlacementsServicer
from studio.rpc import GrpcServer
from studio.service import Ports, Service, StudioService
from studio.v1 import optimizer_pb2_grpc


class Optimizer(StudioService):
    """A studio that also answers questions about placements."""

    def register(self, grpc: GrpcServer) -> Sequence[str]:
        """Its operations' contract, and its own."""
        optimizer_pb2_grpc.add_PlacementsServicer_to_server(PlacementsServicer(), grpc.server)
        return (*super().register(grpc), PlacementsServicer.full_name)


def optimizer(ports: Ports) -> Service:
    """Export, and the placement data that it goes by."""
    return Optimizer("optimizer", ports, [Export()])
