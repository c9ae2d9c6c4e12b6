"""Fixtures of every test: real servers, and names of one's own on them."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings

from embedded.servers import S3Address
from studio.blobs.s3 import S3BlobStore
from studio.metadata import Database, Metadata
from tests.servers.found import Found, Servers

PHOTOS = Path(__file__).parent / "photos"

# Tests are never timed: on a busy machine a slow example is no failure.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

_servers = pytest.StashKey[Servers]()
_found = pytest.StashKey[Found]()


def pytest_configure(config: pytest.Config) -> None:
    """The controlling process starts the servers; workers are told where they are."""
    worker = getattr(config, "workerinput", None)
    if worker is not None:
        config.stash[_found] = Found.from_json(worker["servers"])
    elif not config.option.collectonly:
        config.stash[_servers] = servers = Servers()
        config.stash[_found] = servers.start()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """pytest-xdist: before a worker starts."""
    node.workerinput["servers"] = node.config.stash[_found].to_json()  # type: ignore[attr-defined]


def pytest_unconfigure(config: pytest.Config) -> None:
    """The servers end with the session."""
    if servers := config.stash.get(_servers, None):
        servers.stop()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """What failed is told at once: a session that is cut off has no summary."""
    if report.failed and not os.environ.get("PYTEST_XDIST_WORKER"):
        print(
            f"\nFAILED ({report.when}) {report.nodeid}\n{report.longreprtext[-4000:]}", flush=True
        )


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Which servers the tests really ran on."""
    found = config.stash.get(_found, None)
    return [f"{what}: {which}" for what, which in found.described.items()] if found else []


@pytest.fixture(scope="session")
def servers(request: pytest.FixtureRequest) -> Found:
    """Where the servers are."""
    return request.config.stash[_found]


@pytest.fixture
def broker_url(servers: Found) -> str:
    """A real RabbitMQ. Where there must be one, its absence is a failure, not a skip."""
    if servers.amqp_url is None:
        if os.environ.get("CI") or os.environ.get("STUDIO_TEST_REQUIRE_BROKER"):
            pytest.fail(servers.described["broker"])
        pytest.skip(servers.described["broker"])
    return servers.amqp_url


@pytest.fixture
def unique() -> str:
    """A name that no other test uses."""
    return "t" + uuid4().hex[:12]


@pytest.fixture
def mongo_url(servers: Found) -> str:
    """A MongoDB wire server."""
    return servers.mongo_url


@pytest.fixture
def s3(servers: Found) -> S3Address:
    """An S3 server."""
    return servers.s3


@pytest.fixture
async def metadata(mongo_url: str) -> AsyncIterator[Metadata]:
    """A connection to the metadata server."""
    client = Metadata(mongo_url)
    yield client
    await client.close()


@pytest.fixture
async def database(metadata: Metadata, unique: str) -> AsyncIterator[Database]:
    """A database of one's own, dropped afterwards."""
    own = metadata.database(unique)
    yield own
    await own.drop()


@pytest.fixture
async def blobs(s3: S3Address) -> AsyncIterator[S3BlobStore]:
    """The blob store of the session (content-addressed: tests cannot collide)."""
    store = S3BlobStore(s3.endpoint, s3.access_key, s3.secret_key, "studio-tests")
    yield store
    await store.close()


@pytest.fixture
def photos() -> Path:
    """Real photographs, see LICENSES.md there."""
    return PHOTOS
