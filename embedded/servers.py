"""The stores of the embedded mode: real servers from PyPI, as child processes.

SecantusDB speaks MongoDB's wire protocol, SeaweedFS speaks S3; both keep their data on disk and
start in about a second. They are only ever run, never imported.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from studio.blobs.s3 import S3BlobStore
from studio.metadata import Metadata
from studio.problems import StudioError, Unavailable

_START_SECONDS = 30
_STOP_SECONDS = 10
#: The S3 server is five services with two ports each.
BLOB_PORTS = 10
_PR_SET_PDEATHSIG = 1  # prctl(2)


@dataclass(frozen=True, slots=True)
class S3Address:
    """Where an S3 server listens, and the keys that it accepts."""

    endpoint: str
    access_key: str
    secret_key: str


@asynccontextmanager
async def metadata_server(directory: Path, port: int | None = None) -> AsyncIterator[str]:
    """A MongoDB wire server with its data in `directory`; yields its URL. port: None, any."""
    port = port or free_ports(1)[0]
    url = f"mongodb://127.0.0.1:{port}/?directConnection=true"
    command = [_program("secantusd-py"), "--host", "127.0.0.1", "--port", str(port)]
    command += ["--storage-path", str(_made(directory / "data")), "--log-level", "WARNING"]

    async def answers() -> None:
        metadata = Metadata(url)
        try:
            await metadata.database("admin").ping()
        finally:
            await metadata.close()

    async with _server("metadata", command, directory, answers):
        yield url


@asynccontextmanager
async def blob_server(
    directory: Path, ports: Sequence[int] | None = None
) -> AsyncIterator[S3Address]:
    """An S3 server with its data in `directory`; yields its address.

    ports: BLOB_PORTS of them, the first is S3's; None: any.
    """
    services = ("s3", "master", "volume", "filer", "admin")
    names = [f"{one}.port{kind}" for one in services for kind in ("", ".grpc")]
    listening = dict(zip(names, ports or free_ports(BLOB_PORTS), strict=True))
    address = S3Address(f"127.0.0.1:{listening['s3.port']}", "embedded", "embedded-secret")
    command = [_program("weed"), "mini", f"-dir={_made(directory / 'data')}"]
    command += ["-ip=127.0.0.1", "-ip.bind=127.0.0.1"]
    command += [f"-{name}={port}" for name, port in listening.items()]
    command += ["-s3.port.iceberg=0", "-s3.port.lance=0", "-admin.ui=false", "-webdav=false"]
    command += ["-master.telemetry=false"]
    keys = {
        "AWS_ACCESS_KEY_ID": address.access_key,
        "AWS_SECRET_ACCESS_KEY": address.secret_key,
    }

    async def answers() -> None:
        """Its health endpoint answers too early: ready is what can put and get."""
        blobs = S3BlobStore(
            address.endpoint, address.access_key, address.secret_key, "readiness-probe"
        )
        try:
            await blobs.get(await blobs.put(b"ready"))
        finally:
            await blobs.close()

    async with _server("blobs", command, directory, answers, keys):
        yield address


@asynccontextmanager
async def _server(
    what: str,
    command: Sequence[str],
    directory: Path,
    answers: Callable[[], Awaitable[None]],
    environment: Mapping[str, str] | None = None,
) -> AsyncIterator[None]:
    log = directory / "server.log"
    await _end_stale(directory / "server.pid", command[0])
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdout=output,
            stderr=output,
            stdin=asyncio.subprocess.DEVNULL,
            env={**os.environ, **(environment or {})},
            cwd=directory,
            start_new_session=True,
            preexec_fn=_die_with_parent,
        )
    (directory / "server.pid").write_text(str(process.pid))
    try:
        await _until_it_answers(what, process, answers, log)
        yield
    finally:
        await _stop(process)
        (directory / "server.pid").unlink(missing_ok=True)


async def _until_it_answers(
    what: str,
    process: asyncio.subprocess.Process,
    answers: Callable[[], Awaitable[None]],
    log: Path,
) -> None:
    deadline = asyncio.get_running_loop().time() + _START_SECONDS
    while process.returncode is None:
        with suppress(StudioError, TimeoutError):
            await asyncio.wait_for(answers(), 6)
            return
        if asyncio.get_running_loop().time() > deadline:
            break
        await asyncio.sleep(0.1)
    last = "\n".join(log.read_text(errors="replace").splitlines()[-12:])
    raise Unavailable(
        rule=f"embedded.{what}",
        says=f"The embedded {what} server did not start. Its last words ({log}):\n{last}",
        fix="Free disk space and memory, or remove the data folder to begin anew.",
    )


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), _STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()


async def _end_stale(pid_file: Path, program: str) -> None:
    """A parent that was killed may have left its child for a moment: it holds the data's lock."""
    with suppress(FileNotFoundError, ValueError, ProcessLookupError):
        pid = int(pid_file.read_text())
        if Path(program).name.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes():
            return
        os.kill(pid, signal.SIGTERM)
        for _ in range(_STOP_SECONDS * 20):
            os.kill(pid, 0)
            await asyncio.sleep(0.05)
        os.kill(pid, signal.SIGKILL)


def free_ports(count: int) -> list[int]:
    """That many loopback ports that nobody listens on, all different."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def _die_with_parent() -> None:
    """In the child, before exec: Linux ends it when its parent ends, however that happens."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _program(name: str) -> str:
    path = Path(sys.executable).parent / name
    if not path.exists():
        raise Unavailable(
            rule="embedded.not_installed",
            says=f"{name} is not installed beside {sys.executable}.",
            fix="Install the project with its `embedded` extra (make does).",
        )
    return str(path)


def _made(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    return directory.resolve()
