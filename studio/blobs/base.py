"""The blob store protocol: immutable bytes under the name of their own SHA-256.

Because the key follows from the content, putting twice is harmless, nothing is ever overwritten,
and every read can be verified.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from studio.problems import Broken, NotFound, Refused

#: How much of a large blob is in memory at a time.
CHUNK_BYTES = 1024 * 1024

_KEY = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """A blob that is in the store."""

    key: str
    bytes: int
    stored_at: datetime | None = None


class BlobStore(Protocol):
    """All methods may raise Unavailable; those that take a key Refused if it is not one."""

    async def put(self, data: bytes) -> str:
        """Store bytes; returns their key. The same bytes again change nothing."""

    async def put_stream(self, chunks: AsyncIterator[bytes], *, limit: int) -> StoredBlob:
        """Store a stream without holding it in memory; TooLarge above `limit` bytes."""

    async def get(self, key: str) -> bytes:
        """The verified bytes. NotFound; Broken(rule="blob.corrupt") if they have changed."""

    def stream(self, key: str) -> AsyncIterator[bytes]:
        """The bytes in chunks. The last chunk is released only if the whole was verified."""

    async def size(self, key: str) -> int:
        """Bytes. NotFound if there is no such blob."""

    async def exists(self, key: str) -> bool:
        """Whether it is there."""

    async def presigned_put(self, sha256: str, expires: timedelta) -> str:
        """A URL that anyone may PUT the bytes with this SHA-256 to."""

    async def presigned_get(
        self, key: str, expires: timedelta, *, filename: str | None = None
    ) -> str:
        """A URL that anyone may GET the bytes from, saved under `filename` if given."""

    def keys(self) -> AsyncIterator[StoredBlob]:
        """Everything that is stored."""

    async def delete(self, key: str) -> None:
        """Delete for good; deleting what is not there is harmless."""

    async def ping(self) -> None:
        """Raise Unavailable unless the store answers now."""

    async def close(self) -> None:
        """Give up connections and threads."""


def key_of(data: bytes) -> str:
    """The key of these bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def digest_of(key: str) -> str:
    """The 64 hex digits of a key; Refused if it is not one."""
    if not _KEY.fullmatch(key):
        raise Refused(
            rule="blob.key",
            says=f"{key[:90]!r} is not the key of a blob.",
            fix='A key is "sha256:" and the 64 lower-case hex digits of the hash.',
        )
    return key.removeprefix("sha256:")


def missing(key: str) -> NotFound:
    """The error for a blob that is not there."""
    return NotFound(
        rule="blob.missing",
        says=f"There is no blob {key}.",
        fix="Upload it first (POST /v1/uploads), or put it through a presigned URL.",
    )


def corrupt(key: str) -> Broken:
    """The error for a blob whose bytes are not what they were."""
    return Broken(
        rule="blob.corrupt",
        says=f"The blob {key} was read, but its bytes do not have that hash.",
        fix="Restore it from a backup of the blob store, then replay the dead letter.",
    )
