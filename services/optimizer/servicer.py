"""The optimizer's gRPC contract (proto/studio/v1/optimizer.proto): questions about placements."""

from __future__ import annotations

from datetime import date
from typing import Any

from google.protobuf import json_format
from pydantic import BaseModel, ValidationError

from services.optimizer.guides import guide_document, guide_png
from services.optimizer.placements import Placement, placement_book, placement_books
from services.optimizer.placements.compliance import RenditionFacts, breaches
from services.optimizer.placements.diff import diff
from services.optimizer.placements.model import codes
from studio.compute import compute
from studio.problems import Refused, in_words
from studio.rpc import struct
from studio.v1 import optimizer_pb2 as pb
from studio.v1 import optimizer_pb2_grpc

_MOST_RENDITIONS = 1000


class PlacementsServicer(optimizer_pb2_grpc.PlacementsServicer):
    """Answered from the packaged data; nothing is asked of anybody else."""

    full_name = pb.DESCRIPTOR.services_by_name["Placements"].full_name

    async def ListVersions(self, request: Any, context: Any) -> pb.ListVersionsResponse:  # noqa: N802
        """Every version."""
        newest = placement_book().version
        return pb.ListVersionsResponse(
            versions=[
                pb.Version(
                    version=book.version,
                    checked_on=book.checked_on.isoformat(),
                    reconstructed=book.reconstructed,
                    placements=len(book.placements),
                    newest=book.version == newest,
                )
                for book in placement_books().values()
            ]
        )

    async def ListPlacements(self, request: Any, context: Any) -> pb.ListPlacementsResponse:  # noqa: N802
        """The placements of a version, or of one platform in it."""
        book = placement_book(request.version or None)
        placements = book.of_platform(request.platform) if request.platform else book.placements
        return pb.ListPlacementsResponse(
            version=book.version,
            checked_on=book.checked_on.isoformat(),
            reconstructed=book.reconstructed,
            placements=[_placement(one) for one in placements],
            sources={code: pb.Source(**one.model_dump()) for code, one in book.sources.items()},
        )

    async def GetPlacement(self, request: Any, context: Any) -> pb.GetPlacementResponse:  # noqa: N802
        """One placement, with its sources in full."""
        book = placement_book(request.version or None)
        found = book.placement(request.id)
        named = {code: book.sources[code] for code in sorted(codes(found.source))}
        return pb.GetPlacementResponse(
            version=book.version,
            placement=_placement(found),
            sources={code: pb.Source(**one.model_dump()) for code, one in named.items()},
        )

    async def Diff(self, request: Any, context: Any) -> pb.DiffResponse:  # noqa: N802
        """From one version to another."""
        old, new = placement_book(request.old_version), placement_book(request.new_version or None)
        found = diff(old, new)
        return pb.DiffResponse(
            old_version=found.old_version,
            new_version=found.new_version,
            added=[_placement(one) for one in found.added],
            removed=[_placement(one) for one in found.removed],
            changed=[_message(one, pb.PlacementChange()) for one in found.changed],
            says=found.says,
        )

    async def Guide(self, request: Any, context: Any) -> pb.GuideResponse:  # noqa: N802
        """The layer and the numbers."""
        book = placement_book(request.version or None)
        placement = book.placement(request.placement)
        return pb.GuideResponse(
            version=book.version,
            document=struct(guide_document(placement, book.version)),
            png=await compute(guide_png, placement, book.version) if request.png else b"",
        )

    async def CheckCompliance(self, request: Any, context: Any) -> pb.CheckComplianceResponse:  # noqa: N802
        """Which rules are broken, rendition by rendition."""
        if len(request.renditions) > _MOST_RENDITIONS:
            raise Refused(
                rule="optimizer.renditions",
                says=f"{len(request.renditions):,} renditions were asked about at once; at most "
                f"{_MOST_RENDITIONS:,} are answered.",
                fix="Ask in several calls.",
            )
        book = placement_book(request.version or None)
        return pb.CheckComplianceResponse(
            version=book.version,
            renditions=[
                pb.Compliance(breaches=[_breach(one) for one in breaches(_facts(asked), book)])
                for asked in request.renditions
            ],
        )


def _placement(one: Placement) -> pb.Placement:
    message = pb.Placement()
    _message(one, message)
    return message


def _message(model: BaseModel, message: Any) -> Any:
    """A model as the message of the same fields; one that the contract lacks is an error."""
    return json_format.ParseDict(model.model_dump(mode="json"), message)


def _breach(one: Any) -> pb.Breach:
    since: date | None = one.since
    return pb.Breach(rule=one.rule, says=one.says, since=since.isoformat() if since else None)


def _facts(asked: pb.RenditionFacts) -> RenditionFacts:
    try:
        return RenditionFacts(
            placement=asked.placement,
            width=asked.width,
            height=asked.height,
            format=asked.format,
            bytes=asked.bytes,
            version=asked.version,
            has_alt_text=asked.has_alt_text,
        )
    except ValidationError as error:
        raise Refused(
            rule="optimizer.rendition",
            says=f"The facts of a rendition cannot be: {in_words(error)}.",
            fix="Send what the library tells of it.",
        ) from error
