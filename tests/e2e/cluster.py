"""What Kubernetes does with the six services, as far as a rolling update depends on it.

Every service has a fixed port, as a Service has a fixed address: connections to it go to a replica
that is ready and is not being ended. Probes ask every replica all the time. A replica is replaced
by starting the new one, waiting until it is ready, taking the old one out of the Service, and
sending it SIGTERM (maxUnavailable 0).
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx

from tests.e2e.processes import MODULES, STUDIOS, Processes

_PROBE_EVERY = 0.25  # s
_PROBE_PATIENCE = 10.0  # s until a probe counts as unanswered
_PATIENCE = 200.0  # s for a replica to become ready, or not ready


@dataclass
class Probed:
    """What the probes of one replica have answered."""

    problems: dict[str, str] | None = None  # of the last answer of /readyz; None: no answer
    has_been_ready: bool = False
    flips: list[dict[str, str]] = field(default_factory=list)  # the problems of each loss
    not_alive: list[str] = field(default_factory=list)  # answers of /livez that were not 200

    @property
    def is_ready(self) -> bool:
        """Whether /readyz said so when it was last asked."""
        return self.problems == {}


@dataclass(frozen=True)
class Drain:
    """How a replica ended after SIGTERM."""

    service: str
    status: int
    seconds: float
    said: dict[str, str]  # what /readyz told meanwhile, if it was asked in time


class Cluster:
    """Six deployments of one replica each, and their Services."""

    def __init__(
        self,
        environment: Mapping[str, str],
        logs: Path,
        own: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        """own: what only one service is told, by its name."""
        self._environment, self._logs, self._own = environment, logs, own or {}
        self.current = {name: f"{name}.1" for name in MODULES}
        self.probed: dict[str, Probed] = {}
        self._leaving: set[str] = set()
        self._turn = itertools.count()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._listeners: dict[str, asyncio.Server] = {}
        self.processes: Processes
        self.url = ""

    async def __aenter__(self) -> Self:
        self._probing = httpx.AsyncClient(timeout=_PROBE_PATIENCE)
        for name in MODULES:
            self._listeners[name] = await self._service(name)
        ports = {name: one.sockets[0].getsockname()[1] for name, one in self._listeners.items()}
        self.url = f"http://127.0.0.1:{ports['gateway']}"
        peers = {f"STUDIO_{one.upper()}_GRPC": f"127.0.0.1:{ports[one]}" for one in STUDIOS}
        self.processes = Processes({**self._environment, **peers}, self._logs, self._own)
        for replica in self.current.values():
            self._start(replica)
        try:
            await asyncio.gather(*(self.until(one, ready=True) for one in self.current.values()))
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: Any) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        await asyncio.to_thread(self.processes.stop)
        for listener in self._listeners.values():
            listener.close()
        await self._probing.aclose()

    async def replace(self, service: str, between: Callable[[], Awaitable[object]]) -> Drain:
        """Replace the replica of a service; how the old one ended.

        between: done while both are ready, before the old one is told to end.
        """
        old = self.current[service]
        number = int(old.rpartition(".")[2])
        new = f"{service}.{number + 1}"
        self._start(new)
        await self.until(new, ready=True)
        await between()
        return await self._end(service, old, new)

    async def until(self, replica: str, *, ready: bool) -> None:
        """Wait until the probes of a replica say that it is ready, or that it is not."""
        deadline = time.monotonic() + _PATIENCE
        while self.probed[replica].is_ready is not ready:
            if time.monotonic() > deadline or self.processes.has_ended(replica):
                log = await asyncio.to_thread(self.processes.log, replica)
                raise AssertionError(
                    f"{replica} is not {'ready' if ready else 'unready'} in time: "
                    f"{self.probed[replica].problems}\n{log[-3000:]}"
                )
            await asyncio.sleep(0.05)

    async def _end(self, service: str, old: str, new: str) -> Drain:
        said: dict[str, str] = {}
        self.current[service] = new
        self._leaving.add(old)
        begun = time.monotonic()
        ending = asyncio.create_task(asyncio.to_thread(self.processes.terminate, old, _PATIENCE))
        while not ending.done():
            with suppress(httpx.TransportError):
                answer = await self._probing.get(self._address(old, "readyz"))
                said = said or answer.json().get("problems", {})
            await asyncio.sleep(0.02)
        seconds = time.monotonic() - begun
        self._tasks.pop(old).cancel()
        return Drain(service, await ending, seconds, said)

    def _address(self, replica: str, path: str) -> str:
        return f"http://127.0.0.1:{self.processes.http[replica]}/{path}"

    def _start(self, replica: str) -> None:
        self.processes.start(replica)
        self.probed[replica] = Probed()
        self._tasks[replica] = asyncio.create_task(self._probe(replica))

    async def _probe(self, replica: str) -> None:
        """As the kubelet does, only more often."""
        known = self.probed[replica]
        while True:
            try:
                answer = await self._probing.get(self._address(replica, "readyz"))
                problems = answer.json().get("problems", {})
                assert (answer.status_code == 200) is (not problems)
            except (httpx.TransportError, ValueError) as error:
                problems = {"probe": type(error).__name__}
            if known.is_ready and problems and replica not in self._leaving:
                known.flips.append(problems)
            known.problems = problems
            known.has_been_ready |= known.is_ready
            if known.has_been_ready:
                await self._ask_for_life(replica, known)
            await asyncio.sleep(_PROBE_EVERY)

    async def _ask_for_life(self, replica: str, known: Probed) -> None:
        try:
            status = (await self._probing.get(self._address(replica, "livez"))).status_code
        except httpx.TransportError as error:
            if replica not in self._leaving:  # else it has closed its doors
                known.not_alive.append(type(error).__name__)
            return
        if status != 200:
            known.not_alive.append(str(status))

    async def _service(self, name: str) -> asyncio.Server:
        """A port whose connections go to the ready replicas in turn."""

        async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            ready = [
                replica
                for replica, known in self.probed.items()
                if replica.startswith(f"{name}.")
                and known.is_ready
                and replica not in self._leaving
            ]
            if not ready:
                writer.transport.abort()
                return
            replica = ready[next(self._turn) % len(ready)]
            ports = self.processes.http if name == "gateway" else self.processes.grpc
            await _joined(reader, writer, ports[replica])

        return await asyncio.start_server(forward, "127.0.0.1", 0)


async def _joined(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    """Carry bytes both ways until either side ends."""
    try:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        writer.transport.abort()
        return
    await asyncio.gather(_carry(reader, far_writer), _carry(far_reader, writer))


async def _carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(65_536):
            sink.write(data)
            await sink.drain()
    with suppress(OSError):
        sink.close()


@dataclass
class Asked:
    """Answers to what was asked of the gateway through its Service, by phase."""

    answers: dict[str, Counter[str]] = field(default_factory=dict)
    phase: str = ""

    def note(self, answer: str) -> None:
        """Count one answer."""
        self.answers.setdefault(self.phase, Counter())[answer] += 1
