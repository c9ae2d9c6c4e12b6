"""The embedded mode: it starts alone or says why not, and accepted work outlives a kill -9."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.e2e.processes import ROOT, free_port

pytestmark = pytest.mark.timeout(240)

STEPS = [
    {"operation": "create.generate",
     "params": {"prompt": "calm sea", "variations": 6, "width": 900, "height": 900}},
    {"operation": "upscale.conservative", "params": {"factor": 1.5}, "provider": "lanczos"},
    {"operation": "optimizer.export", "params": {"placements": ["instagram_square"],
                                                 "fit": "cover"}},
]  # fmt: skip


def command(data: Path, port: int) -> list[str]:
    return [sys.executable, "-m", "cli", "up", "--data", str(data), "--port", str(port)]


def up(data: Path, port: int) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        command(data, port),
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=(data.parent / "up.log").open("ab"),
        env={**os.environ, "STUDIO_LEASE": "2"},
    )
    deadline = time.monotonic() + 60
    while True:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=2).status_code == 200:
                return process
        except httpx.TransportError:
            pass
        assert process.poll() is None, (data.parent / "up.log").read_text()[-3000:]
        assert time.monotonic() < deadline, "it did not become ready"
        time.sleep(0.1)


def refused(data: Path, port: int) -> tuple[int, str]:
    """The status and the words of a platform that does not start."""
    ended = subprocess.run(
        command(data, port), cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    return ended.returncode, ended.stderr + ended.stdout


def test_a_taken_port_is_told_in_one_sentence_before_anything_starts(tmp_path):
    data = tmp_path / "data"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, told = refused(data, port)
    sentence = f"Configuration: STUDIO_HTTP_PORT: port {port} of 127.0.0.1 is taken.\n"
    assert (status, told) == (78, sentence)
    assert not data.exists()


def test_a_second_platform_leaves_the_stores_of_the_first_alone(tmp_path):
    data, port = tmp_path / "data", free_port()
    data.mkdir()
    process = up(data, port)
    try:
        status, told = refused(data, free_port())
        ready = httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=5)
    finally:
        process.terminate()
        assert process.wait(40) == 0
    assert (status, ready.status_code) == (1, 200)
    assert told == (
        f"studio: Another Image Studio runs on the data in {data}. "
        "Stop it, or name another folder with --data.\n"
    )


async def test_work_that_was_accepted_goes_on_after_a_kill(tmp_path):
    data, port = tmp_path / "data", free_port()
    data.mkdir()
    url = f"http://127.0.0.1:{port}"
    process = up(data, port)
    async with httpx.AsyncClient(base_url=url, timeout=30) as http:
        run = (await http.post("/v1/runs", json={"steps": STEPS})).json()["id"]
        async with asyncio.timeout(60):
            while not (await http.get("/v1/assets", params={"run": run})).json()["assets"]:
                await asyncio.sleep(0.05)
        before = (await http.get(f"/v1/runs/{run}")).json()
    assert before["status"] == "running"
    process.send_signal(signal.SIGKILL)
    process.wait()

    process = up(data, port)
    try:
        async with httpx.AsyncClient(base_url=url, timeout=30) as http:
            async with asyncio.timeout(90):
                while (state := (await http.get(f"/v1/runs/{run}")).json())["status"] == "running":
                    await asyncio.sleep(0.2)
            assets = (await http.get("/v1/assets", params={"run": run, "limit": 100})).json()
    finally:
        process.terminate()
        assert process.wait(40) == 0
    assert (state["status"], state["progress"]["share"]) == ("completed", "1")
    assert state["counts"] == {"catalogued": 6}
    assert len(assets["assets"]) == 18
