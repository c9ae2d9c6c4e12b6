"""Six processes on real servers, for tests that kill them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded.servers import S3Address
from tests.e2e.processes import Processes


@pytest.fixture
def environment(broker_url: str, mongo_url: str, s3: S3Address, unique: str) -> dict[str, str]:
    """Settings of one's own on the session's servers: names, databases, bucket."""
    return {
        "STUDIO_AMQP_URL": broker_url,
        "STUDIO_AMQP_PREFIX": unique,
        "STUDIO_MONGO_URL": mongo_url,
        "STUDIO_DATABASE_PREFIX": unique,
        "STUDIO_S3_ENDPOINT": s3.endpoint,
        "STUDIO_S3_ACCESS_KEY": s3.access_key,
        "STUDIO_S3_SECRET_KEY": s3.secret_key,
        "STUDIO_S3_BUCKET": unique,
        "STUDIO_LEASE": "3",
        "STUDIO_SWEEP_INTERVAL": "2",
    }


@pytest.fixture
def processes(environment: dict[str, str], tmp_path: Path) -> Iterator[Processes]:
    """The whole platform, each service its own process."""
    with Processes(environment, tmp_path) as running:
        yield running
