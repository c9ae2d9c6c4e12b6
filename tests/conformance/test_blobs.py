"""What every blob store does."""

import asyncio
import hashlib
import io
from datetime import timedelta

import httpx
import pytest
from minio import Minio

from studio.blobs.base import CHUNK_BYTES, key_of
from studio.blobs.s3 import S3BlobStore
from studio.problems import Broken, NotFound, Refused, TooLarge, Unavailable

HOUR = timedelta(hours=1)


async def chunks(data: bytes, size: int = 70_000):
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def read_into(sizes: list[int], stream) -> None:
    async for chunk in stream:
        sizes.append(len(chunk))


def fresh(unique: str, size: int = 100) -> bytes:
    """Bytes that no other test has."""
    return (unique.encode() * (size // len(unique) + 1))[:size]


async def test_bytes_come_back_as_they_went(blobs, unique):
    data = fresh(unique)
    key = await blobs.put(data)
    assert key == "sha256:" + hashlib.sha256(data).hexdigest()
    assert await blobs.get(key) == data
    assert await blobs.size(key) == len(data)
    assert await blobs.exists(key)


async def test_putting_twice_changes_nothing(blobs, unique):
    data = fresh(unique)
    assert await blobs.put(data) == await blobs.put(data)
    found = [one async for one in blobs.keys() if one.key == key_of(data)]  # noqa: SIM118
    assert len(found) == 1
    assert found[0].bytes == len(data)


async def test_a_stream_is_stored_under_the_hash_of_the_whole(blobs, unique):
    data = fresh(unique, 20_000_000)
    stored = await blobs.put_stream(chunks(data), limit=len(data))
    assert (stored.key, stored.bytes) == (key_of(data), len(data))
    sizes, digest = [], hashlib.sha256()
    async for chunk in blobs.stream(stored.key):
        sizes.append(len(chunk))
        digest.update(chunk)
    assert "sha256:" + digest.hexdigest() == stored.key
    assert max(sizes) <= CHUNK_BYTES


async def test_a_stream_over_the_limit_is_refused_and_not_kept(blobs, unique):
    data = fresh(unique, 200_000)
    with pytest.raises(TooLarge) as refused:
        await blobs.put_stream(chunks(data), limit=199_999)
    assert refused.value.rule == "blob.too_large"
    assert not await blobs.exists(key_of(data))


async def test_nothing_is_not_stored(blobs):
    with pytest.raises(Refused) as refused:
        await blobs.put(b"")
    assert refused.value.rule == "blob.empty"


async def test_what_was_changed_in_the_store_is_not_handed_out(blobs, s3, unique):
    data = fresh(unique, 3_000_000)
    key = await blobs.put(data)
    digest = key.removeprefix("sha256:")
    client = Minio(s3.endpoint, s3.access_key, s3.secret_key, secure=False)
    changed = bytes([data[0] ^ 1]) + data[1:]
    await asyncio.to_thread(
        client.put_object,
        bucket_name="studio-tests",
        object_name=f"blobs/{digest[:2]}/{digest}",
        data=io.BytesIO(changed),
        length=len(changed),
    )
    with pytest.raises(Broken) as broken:
        await blobs.get(key)
    assert broken.value.rule == "blob.corrupt"
    handed_out: list[int] = []
    with pytest.raises(Broken):
        await read_into(handed_out, blobs.stream(key))
    assert sum(handed_out) < len(data)
    await blobs.delete(key)


@pytest.mark.parametrize("key", ["", "sha256:xyz", "md5:" + "0" * 64, "sha256:" + "A" * 64])
async def test_what_is_no_key_is_refused(blobs, key):
    with pytest.raises(Refused) as refused:
        await blobs.get(key)
    assert refused.value.rule == "blob.key"


async def test_what_is_not_there_is_not_found(blobs):
    key = "sha256:" + "0" * 64
    assert not await blobs.exists(key)
    with pytest.raises(NotFound):
        await blobs.get(key)
    with pytest.raises(NotFound):
        await blobs.size(key)
    with pytest.raises(NotFound):
        await read_into([], blobs.stream(key))
    await blobs.delete(key)


async def test_an_outsider_puts_and_gets_through_presigned_urls(blobs, unique):
    data = fresh(unique)
    digest = hashlib.sha256(data).hexdigest()
    async with httpx.AsyncClient() as http:
        put = await http.put(await blobs.presigned_put(digest, HOUR), content=data)
        assert put.status_code == 200
        assert await blobs.get(f"sha256:{digest}") == data
        url = await blobs.presigned_get(f"sha256:{digest}", HOUR, filename="Müsli 1.png")
        got = await http.get(url)
    assert got.content == data
    assert "M%C3%BCsli%201.png" in got.headers["content-disposition"]


async def test_a_store_that_is_away_is_unavailable_and_not_an_error_of_ours():
    away = S3BlobStore("127.0.0.1:1", "a", "b", "bucket")
    try:
        for attempt in (away.ping(), away.put(b"x"), away.get("sha256:" + "0" * 64)):
            with pytest.raises(Unavailable):
                await attempt
    finally:
        await away.close()
