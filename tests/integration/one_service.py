"""One service as a process of its own, for tests of how it starts and ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import httpx

from tests.e2e.processes import MODULES, ROOT, free_port

PATIENCE = 60


class OneService:
    """A process; what it says is kept. Leaving the block ends it, if it goes on."""

    def __init__(
        self, name: str, environment: Mapping[str, str], directory: Path, *arguments: str
    ) -> None:
        self.http_port, self.grpc_port = free_port(), free_port()
        self._command = [sys.executable, "-m", MODULES[name], *arguments]
        inherited = {key: one for key, one in os.environ.items() if not key.startswith("STUDIO_")}
        ports = {
            "STUDIO_HTTP_PORT": str(self.http_port),
            "STUDIO_GRPC_PORT": str(self.grpc_port),
        }
        self.environment = {**inherited, **ports, **environment}
        self._log = directory / f"{name}-{self.http_port}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, env=self.environment, cwd=ROOT, stdout=log, stderr=log
            )
        return self

    def __exit__(self, *_: object) -> None:
        process = self.process
        if process.poll() is None:
            process.kill()
            process.wait()

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process, "it was not started"
        return self._process

    @property
    def said(self) -> str:
        return self._log.read_text(errors="replace")

    def signal(self, signum: int = signal.SIGTERM) -> None:
        self.process.send_signal(signum)

    def ended(self) -> int:
        """Its exit status, once it has ended."""
        return self.process.wait(PATIENCE)

    def has_said(self, words: str) -> None:
        """Wait until it has said that."""
        deadline = time.monotonic() + PATIENCE
        while words not in self.said:
            assert self.process.poll() is None, f"it ended:\n{self.said[-3000:]}"
            assert time.monotonic() < deadline, f"it never said {words!r}:\n{self.said[-3000:]}"
            time.sleep(0.05)

    def answer(self, path: str) -> httpx.Response | None:
        """What it answers now; None if nobody listens."""
        try:
            return httpx.get(f"http://127.0.0.1:{self.http_port}{path}", timeout=10)
        except httpx.TransportError:
            return None

    def answers(self, path: str, status: int, saying: str = "") -> httpx.Response:
        """Its answer, once it has that status and those words in it."""
        deadline = time.monotonic() + PATIENCE
        while True:
            answer = self.answer(path)
            if answer is not None and answer.status_code == status and saying in answer.text:
                return answer
            ended = self.process.poll()
            assert ended is None, f"it ended with {ended}:\n{self.said[-3000:]}"
            late = f"{path} is {answer and answer.text}:\n{self.said[-3000:]}"
            assert time.monotonic() < deadline, late
            time.sleep(0.05)
