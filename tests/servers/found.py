"""Finding servers: the environment's, Docker's, the machine's, or the embedded ones.

They are started once a test session, by the process that controls it, and end with it.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from embedded.servers import S3Address, blob_server, metadata_server
from tests.servers.rabbitmq import NoRabbitMQ, RabbitNode

_DOCKER_SECONDS = 3


@dataclass(frozen=True)
class Found:
    """Where the servers are, and what they are."""

    amqp_url: str | None
    mongo_url: str
    s3: S3Address
    described: dict[str, str]

    def to_json(self) -> str:
        """For the workers of a parallel session."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Found:
        """In a worker."""
        fields = json.loads(text)
        return cls(**{**fields, "s3": S3Address(**fields["s3"])})


class Servers:
    """Every server that the session needs, started side by side."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        # one thread lives as long as the servers: Linux ends them when it ends
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._stack = AsyncExitStack()
        self._directory = Path(tempfile.mkdtemp(prefix="studio-stores-"))
        self._node: RabbitNode | None = None
        self._containers: list[Any] = []

    def start(self) -> Found:
        """Find or start them all."""
        self._thread.start()
        has_docker = _docker_answers()
        with ThreadPoolExecutor(3) as side_by_side:
            broker = side_by_side.submit(self._broker, has_docker)
            metadata = side_by_side.submit(self._metadata, has_docker)
            blobs = side_by_side.submit(self._blobs, has_docker)
            amqp_url, broker_is = broker.result()
            mongo_url, metadata_is = metadata.result()
            s3, blobs_are = blobs.result()
        described = {"broker": broker_is, "metadata": metadata_is, "blobs": blobs_are}
        return Found(amqp_url, mongo_url, s3, described)

    def stop(self) -> None:
        """End what was started."""
        if self._node:
            self._node.remove()
        for container in self._containers:
            container.stop()
        self._await(self._stack.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        shutil.rmtree(self._directory, ignore_errors=True)

    def _broker(self, has_docker: bool) -> tuple[str | None, str]:
        if url := os.environ.get("STUDIO_TEST_AMQP_URL"):
            return url, "RabbitMQ named by STUDIO_TEST_AMQP_URL"
        if has_docker:
            from testcontainers.rabbitmq import RabbitMqContainer

            container = self._contain(RabbitMqContainer("rabbitmq:4"))
            host, port = container.get_container_host_ip(), container.get_exposed_port(5672)
            return f"amqp://guest:guest@{host}:{port}/", "RabbitMQ 4 in Docker"
        try:
            node = RabbitNode()
            node.start()
        except NoRabbitMQ as missing:
            return None, f"NONE, tests on a real broker cannot run ({missing})"
        self._node = node
        return node.url, f"RabbitMQ {node.version} (Debian package, private node)"

    def _metadata(self, has_docker: bool) -> tuple[str, str]:
        if url := os.environ.get("STUDIO_TEST_MONGO_URL"):
            return url, "MongoDB named by STUDIO_TEST_MONGO_URL"
        if has_docker:
            from testcontainers.mongodb import MongoDbContainer

            container = self._contain(MongoDbContainer("mongo:8"))
            return container.get_connection_url(), "MongoDB 8 in Docker"
        url = self._await(self._stack.enter_async_context(metadata_server(self._directory / "m")))
        return url, "SecantusDB (embedded wire server, PyPI)"

    def _blobs(self, has_docker: bool) -> tuple[S3Address, str]:
        if endpoint := os.environ.get("STUDIO_TEST_S3_ENDPOINT"):
            keys = (
                os.environ["STUDIO_TEST_S3_ACCESS_KEY"],
                os.environ["STUDIO_TEST_S3_SECRET_KEY"],
            )
            return S3Address(endpoint, *keys), "S3 named by STUDIO_TEST_S3_ENDPOINT"
        if has_docker:
            from testcontainers.minio import MinioContainer

            container = self._contain(MinioContainer())
            config = container.get_config()
            address = S3Address(config["endpoint"], config["access_key"], config["secret_key"])
            return address, "MinIO in Docker"
        address = self._await(self._stack.enter_async_context(blob_server(self._directory / "b")))
        return address, "SeaweedFS (embedded S3 server, PyPI)"

    def _contain(self, container: Any) -> Any:
        container.start()
        self._containers.append(container)
        return container

    def _await(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(120)


def _docker_answers() -> bool:
    with suppress(Exception):
        import docker

        client = docker.from_env(timeout=_DOCKER_SECONDS)
        return bool(client.ping())
    return False
