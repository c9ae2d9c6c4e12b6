"""A private RabbitMQ node from Debian's package: own ports, own data, own epmd."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from embedded.servers import free_ports

_START_SECONDS = 90


class NoRabbitMQ(Exception):
    """There is none on this machine, and none could be installed."""


class RabbitNode:
    """A node that a test session owns; it can be stopped and started again on its data."""

    def __init__(self) -> None:
        self._server = installed()
        self._directory = Path(tempfile.mkdtemp(prefix="studio-rabbit-"))
        self._port, self._dist, self._epmd = free_ports(3)
        self._process: subprocess.Popen[bytes] | None = None
        (self._directory / "plugins").write_text("[].\n")
        (self._directory / "rabbitmq.conf").write_text(
            "vm_memory_high_watermark.relative = 0.3\n"
            "disk_free_limit.absolute = 50MB\n"
            "collect_statistics_interval = 60000\n"
        )

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"amqp://guest:guest@127.0.0.1:{self._port}/"

    @property
    def version(self) -> str:
        """As the package names it."""
        return self._server.parents[1].name.rpartition("-")[2]

    def start(self) -> None:
        """Start it and wait until it speaks AMQP."""
        log = (self._directory / "node.log").open("ab")
        with log:
            self._process = subprocess.Popen(
                [str(self._server)],
                env=self._environment(),
                cwd=self._directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + _START_SECONDS
        while not self._speaks_amqp():
            if self._process.poll() is not None or time.monotonic() > deadline:
                tail = (self._directory / "node.log").read_text(errors="replace")[-2000:]
                raise NoRabbitMQ(f"RabbitMQ did not start:\n{tail}")
            time.sleep(0.2)

    def stop(self, signum: int = signal.SIGTERM) -> None:
        """Stop the node; its data stays. SIGKILL ends the Erlang VM at once."""
        if self._process is None:
            return
        os.killpg(self._process.pid, signum)
        self._process.wait(60)
        self._process = None

    def remove(self) -> None:
        """Stop it for good, with its epmd and its data."""
        self.stop()
        epmd = shutil.which("epmd")
        if epmd:
            environment = {"ERL_EPMD_PORT": str(self._epmd), "PATH": os.environ["PATH"]}
            subprocess.run([epmd, "-kill"], env=environment, capture_output=True, check=False)
        shutil.rmtree(self._directory, ignore_errors=True)

    def _environment(self) -> dict[str, str]:
        here = self._directory
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(here),
            "LANG": "C.UTF-8",
            "RABBITMQ_NODENAME": f"studio{self._port}@localhost",
            "RABBITMQ_NODE_PORT": str(self._port),
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_DIST_PORT": str(self._dist),
            "RABBITMQ_MNESIA_BASE": str(here / "data"),
            "RABBITMQ_LOG_BASE": str(here / "log"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(here / "plugins"),
            "RABBITMQ_CONFIG_FILE": str(here / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "ERL_EPMD_PORT": str(self._epmd),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }

    def _speaks_amqp(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self._port), 1) as peer:
                peer.settimeout(5)
                peer.sendall(b"AMQP\x00\x00\x09\x01")
                return peer.recv(1) == b"\x01"  # a method frame: Connection.Start
        except OSError:
            return False


@contextmanager
def private_node() -> Iterator[RabbitNode]:
    """A node that one test may stop. Where there must be one, none is a failure, not a skip."""
    try:
        node = RabbitNode()
        node.start()
    except NoRabbitMQ as missing:
        if os.environ.get("CI") or os.environ.get("STUDIO_TEST_REQUIRE_BROKER"):
            pytest.fail(str(missing))
        pytest.skip(str(missing))
    try:
        yield node
    finally:
        node.remove()


def installed() -> Path:
    """The server's own start script; installed with apt when root and missing."""
    found = _find()
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        _install()
        found = _find()
    if found is None:
        raise NoRabbitMQ("rabbitmq-server is not installed, and it could not be installed here")
    return found


def _find() -> Path | None:
    # not the wrapper in sbin: that one switches to the user `rabbitmq`
    scripts = Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/sbin/rabbitmq-server")
    return max(scripts, default=None)


def _install() -> None:
    """Install the package without letting it start the system's own node."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    policy = Path("/usr/sbin/policy-rc.d")
    ours = not policy.exists()
    if ours:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    try:
        for command in (
            ["update"],
            ["install", "-y", "--no-install-recommends", "rabbitmq-server"],
        ):
            subprocess.run(
                ["apt-get", "-qq", *command], env=environment, check=False, capture_output=True
            )
    finally:
        if ours:
            policy.unlink()
