"""Uploads: pictures come in, streamed, and get a blob key."""

from __future__ import annotations

from datetime import timedelta

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from gateway.http import PROBLEMS, Workspace
from studio.blobs.base import BlobStore
from studio.compute import compute
from studio.imaging.decode import inspect
from studio.problems import TooLarge

router = APIRouter(prefix="/v1/uploads", tags=["uploads"], responses=PROBLEMS)

_EXPIRES = timedelta(hours=1)


class Upload(BaseModel):
    """A stored picture."""

    blob: str = Field(examples=["sha256:2cf24dba…"], description="name it in runs and events")
    bytes: int
    media_type: str
    width: int
    height: int


class PresignRequest(BaseModel):
    """What will be put."""

    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="hex digest of the picture's bytes")


class Presigned(BaseModel):
    """Where to put it."""

    blob: str
    url: str = Field(description="PUT the bytes here")
    expires_in: int = Field(description="s")


@router.post("", status_code=201, summary="Upload a picture")
async def upload(request: Request, workspace: Workspace) -> Upload:
    """Send the bytes as the body: `curl --data-binary @photo.jpg`. Streamed, never held whole.

    The picture must be one (JPEG, PNG, WebP, AVIF, GIF, TIFF, BMP); its bytes are kept as they are.
    """
    limit = request.app.state.settings.max_upload_bytes
    length = request.headers.get("content-length", "0")
    if length.isdigit() and int(length) > limit:
        raise TooLarge(
            rule="blob.too_large",
            says=f"The upload has {int(length):,} bytes; at most {limit:,} are accepted.",
            fix="Send a smaller file.",
        )
    blobs: BlobStore = request.app.state.blobs
    stored = await blobs.put_stream(request.stream(), limit=limit)
    facts = await compute(inspect, await blobs.get(stored.key))
    return Upload(
        blob=stored.key,
        bytes=stored.bytes,
        media_type=facts.media_type,
        width=facts.width,
        height=facts.height,
    )


@router.post("/presigned", summary="Get a URL to put a picture to")
async def presigned(request: Request, body: PresignRequest, workspace: Workspace) -> Presigned:
    """For systems that publish events: put the bytes, then name the blob in an `image.created`."""
    blobs: BlobStore = request.app.state.blobs
    url = await blobs.presigned_put(body.sha256, _EXPIRES)
    return Presigned(
        blob=f"sha256:{body.sha256}", url=url, expires_in=int(_EXPIRES.total_seconds())
    )
