"""`python -m services.<name> --prepare` makes what a service needs in the stores, and ends."""

import aio_pika
import pytest
from minio import Minio

from studio.metadata import Metadata
from tests.e2e.conftest import environment  # noqa: F401
from tests.e2e.processes import MODULES, free_port
from tests.integration.one_service import OneService

QUEUES = {name: "tracker" if name == "gateway" else name for name in MODULES}


@pytest.mark.parametrize("name", MODULES)
async def test_the_indexes_the_queues_and_the_bucket_are_there_before_any_service_runs(
    name,
    environment,  # noqa: F811
    tmp_path,
    broker_url,
    mongo_url,
    s3,
    unique,
):
    for _ in range(2):  # doing it again changes nothing
        with OneService(name, environment, tmp_path, "--prepare") as service:
            assert service.ended() == 0, service.said
    assert "indexes, queues and bucket are there" in service.said

    connection = await aio_pika.connect(broker_url)
    async with connection:
        channel = await connection.channel()
        for kind in ("interactive", "bulk", "dead"):
            queue = await channel.declare_queue(f"{unique}.{QUEUES[name]}.{kind}", passive=True)
            assert queue.declaration_result.consumer_count == 0
        await channel.get_exchange(f"{unique}.events.bulk")

    metadata = Metadata(mongo_url)
    collection = {"gateway": "runs", "library": "assets"}.get(name, "steps")
    database = metadata._client[f"{unique}_{name}"]
    indexes = await database[collection].index_information()
    await metadata.close()
    assert len(indexes) > 1

    store = Minio(s3.endpoint, s3.access_key, s3.secret_key, secure=False)
    assert store.bucket_exists(bucket_name=unique)


def test_preparing_waits_for_a_store_that_is_away_and_can_be_ended(
    environment,  # noqa: F811
    tmp_path,
):
    settings = {**environment, "STUDIO_S3_ENDPOINT": f"127.0.0.1:{free_port()}"}
    with OneService("optimizer", settings, tmp_path, "--prepare") as service:
        service.has_said("Waiting: The blob store (S3) does not answer")
        service.signal()
        assert service.ended() == 0
