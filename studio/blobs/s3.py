"""Blobs on any S3, through the `minio` SDK.

The SDK is synchronous, so it runs on a few threads of its own and never on the event loop.
Objects are `blobs/<first two hex>/<sha256>` in one bucket.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import timedelta
from itertools import islice
from typing import Any, ParamSpec, TypeVar
from urllib.parse import quote

import urllib3
from minio import Minio
from minio.error import MinioException, S3Error
from urllib3.exceptions import HTTPError

from studio.blobs.base import (
    CHUNK_BYTES,
    BlobStore,
    StoredBlob,
    corrupt,
    digest_of,
    key_of,
    missing,
)
from studio.problems import Refused, StoreAway, TooLarge, Unavailable
from studio.settings import Settings

P = ParamSpec("P")
T = TypeVar("T")

_THREADS = 8
_PREFIX = "blobs/"

#: Streams up to this size never touch a disk.
_SPOOL_BYTES = 8 * 1024 * 1024

_GONE = {"NoSuchKey", "NoSuchBucket", "NoSuchObject"}
_OVERLOADED = {"InternalError", "ServiceUnavailable", "SlowDown"}
_NOT_LET_IN = {"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"}


class S3BlobStore(BlobStore):
    """A blob store on MinIO, SeaweedFS, AWS S3 or any other S3."""

    def __init__(
        self,
        endpoint: str,
        access_key: str,
        secret_key: str,
        bucket: str,
        *,
        secure: bool = False,
        region: str = "us-east-1",
    ) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="s3")
        self._bucket = bucket
        self._has_bucket = False
        self._s3 = Minio(
            endpoint,
            access_key=access_key,
            secret_key=secret_key,
            secure=secure,
            region=region,
            http_client=urllib3.PoolManager(
                maxsize=_THREADS,
                timeout=urllib3.Timeout(connect=3, read=30),
                retries=urllib3.Retry(total=2, backoff_factor=0.2, status_forcelist=(502, 503)),
            ),
        )

    @classmethod
    def from_settings(cls, settings: Settings) -> S3BlobStore:
        """The store that the settings name."""
        return cls(
            settings.s3_endpoint,
            settings.s3_access_key.get_secret_value(),
            settings.s3_secret_key.get_secret_value(),
            settings.s3_bucket,
            secure=settings.s3_secure,
            region=settings.s3_region,
        )

    async def put(self, data: bytes) -> str:
        """Store bytes; an object that is there already is left alone."""
        key = key_of(data)
        await self._on_thread(self._put_if_absent, key, io.BytesIO(data), len(data))
        return key

    async def put_stream(self, chunks: AsyncIterator[bytes], *, limit: int) -> StoredBlob:
        """Store a stream, spooled to disk while it is hashed."""
        sha256, size = hashlib.sha256(), 0
        with tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES) as spool:
            async for chunk in chunks:
                size += len(chunk)
                if size > limit:
                    raise TooLarge(
                        rule="blob.too_large",
                        says=f"The upload has more than {limit:,} bytes.",
                        fix="Send a smaller file.",
                    )
                sha256.update(chunk)
                await asyncio.to_thread(spool.write, chunk)
            spool.seek(0)
            key = "sha256:" + sha256.hexdigest()
            await self._on_thread(self._put_if_absent, key, spool, size)
        return StoredBlob(key, size)

    async def get(self, key: str) -> bytes:
        """Read and verify."""
        data = await self._on_thread(self._read, key)
        if key_of(data) != key:
            raise corrupt(key)
        return data

    async def stream(self, key: str) -> AsyncIterator[bytes]:
        """Read in chunks; the last one is held back until the hash is known to be right."""
        response = await self._on_thread(self._open, key)
        sha256, held = hashlib.sha256(), b""
        try:
            while chunk := await self._on_thread(response.read, CHUNK_BYTES):
                sha256.update(chunk)
                if held:
                    yield held
                held = chunk
        finally:
            await self._on_thread(_release, response)
        if "sha256:" + sha256.hexdigest() != key:
            raise corrupt(key)
        yield held

    async def size(self, key: str) -> int:
        """Bytes, from the object's head."""
        return int((await self._on_thread(self._stat, key)).size)

    async def exists(self, key: str) -> bool:
        """Whether there is such an object."""
        return await self._on_thread(self._is_there, key)

    async def presigned_put(self, sha256: str, expires: timedelta) -> str:
        """A URL to put the object to; what is put is verified when it is read."""
        name = self._name(f"sha256:{sha256}")
        return await self._on_thread(self._sign, "PUT", name, expires, None)

    async def presigned_get(
        self, key: str, expires: timedelta, *, filename: str | None = None
    ) -> str:
        """A URL to get the object from."""
        headers = None
        if filename:
            disposition = f"attachment; filename*=UTF-8''{quote(filename, safe='')}"
            headers = {"response-content-disposition": disposition}
        return await self._on_thread(self._sign, "GET", self._name(key), expires, headers)

    async def keys(self) -> AsyncIterator[StoredBlob]:
        """Everything under the prefix."""
        listing = await self._on_thread(self._list)
        while True:
            page = await self._on_thread(_page, listing)
            for one in page:
                digest = one.object_name.rpartition("/")[2]
                yield StoredBlob("sha256:" + digest, one.size, one.last_modified)
            if not page:
                return

    async def delete(self, key: str) -> None:
        """Remove the object."""
        name = self._name(key)
        await self._on_thread(self._s3.remove_object, bucket_name=self._bucket, object_name=name)

    async def ping(self) -> None:
        """Ask for the bucket, which is created the first time."""
        self._has_bucket = False
        await self._on_thread(self._ensure_bucket)

    async def close(self) -> None:
        """Stop the threads; calls that are under way end first."""
        await asyncio.to_thread(self._threads.shutdown)

    async def _on_thread(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        def call() -> T:
            with _explained():
                return function(*args, **kwargs)

        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    def _name(self, key: str) -> str:
        digest = digest_of(key)
        return f"{_PREFIX}{digest[:2]}/{digest}"

    def _put_if_absent(self, key: str, data: Any, length: int) -> None:
        if length == 0:
            raise Refused(
                rule="blob.empty",
                says="There are no bytes to store.",
                fix="Send the file's content.",
            )
        self._ensure_bucket()
        if not self._is_there(key):
            self._s3.put_object(
                bucket_name=self._bucket, object_name=self._name(key), data=data, length=length
            )

    def _read(self, key: str) -> bytes:
        response = self._open(key)
        try:
            return bytes(response.read())
        finally:
            _release(response)

    def _open(self, key: str) -> Any:
        try:
            return self._s3.get_object(bucket_name=self._bucket, object_name=self._name(key))
        except S3Error as error:
            raise missing(key) if error.code in _GONE else error from error

    def _stat(self, key: str) -> Any:
        try:
            return self._s3.stat_object(bucket_name=self._bucket, object_name=self._name(key))
        except S3Error as error:
            raise missing(key) if error.code in _GONE else error from error

    def _is_there(self, key: str) -> bool:
        try:
            self._s3.stat_object(bucket_name=self._bucket, object_name=self._name(key))
        except S3Error as error:
            if error.code in _GONE:
                return False
            raise
        return True

    def _sign(
        self, method: str, name: str, expires: timedelta, headers: dict[str, Any] | None
    ) -> str:
        self._ensure_bucket()
        return self._s3.get_presigned_url(
            method=method,
            bucket_name=self._bucket,
            object_name=name,
            expires=expires,
            response_headers=headers,
        )

    def _list(self) -> Iterator[Any]:
        self._ensure_bucket()
        found: Iterator[Any] = self._s3.list_objects(
            bucket_name=self._bucket, prefix=_PREFIX, recursive=True
        )
        return found

    def _ensure_bucket(self) -> None:
        if self._has_bucket:
            return
        if not self._s3.bucket_exists(bucket_name=self._bucket):
            try:
                self._s3.make_bucket(bucket_name=self._bucket)
            except S3Error as error:  # another replica was quicker
                if error.code not in {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}:
                    raise
        self._has_bucket = True


@contextmanager
def _explained() -> Iterator[None]:
    """What the SDK and the HTTP client raise becomes ours."""
    try:
        yield
    except (HTTPError, OSError, MinioException) as error:
        if isinstance(error, S3Error) and error.code in _NOT_LET_IN:
            raise StoreAway(
                rule="blobs.credentials",
                says=f"The blob store (S3) refuses us ({error.code}): STUDIO_S3_ACCESS_KEY, "
                "STUDIO_S3_SECRET_KEY, or what that key may do with STUDIO_S3_BUCKET.",
                fix="Correct the secret and restart, or give that key its rights.",
                retry_after=5,
            ) from error
        # What a server that is there says of a request may be about that very request.
        has_answered = isinstance(error, S3Error) and error.code not in _OVERLOADED
        raise (Unavailable if has_answered else StoreAway)(
            rule="blobs.unavailable",
            says=f"The blob store (S3) does not answer as it should ({type(error).__name__}).",
            fix="Nothing, if it is restarting; the work goes on when it is back.",
            retry_after=2,
        ) from error


def _release(response: Any) -> None:
    with closing(response):
        response.release_conn()


def _page(listing: Iterator[Any], size: int = 500) -> list[Any]:
    return list(islice(listing, size))
