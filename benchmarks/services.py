"""Services: what each of the six processes takes, idle and at work, on real servers.

    python -m benchmarks.services [--results benchmarks/results] [--page docs/services-measured.md]
                                  [--runbook docs/operations.md] [--again]

Each service is started alone and timed; then all idle together, probed as Kubernetes does. Then one
after another is kept busy by a flow of its own over the HTTP API, in both lanes, and last each is
given two of the largest pictures that it accepts, side by side. Every second the CPU time and the
memory of each process are read from /proc; the high-water mark is set back before every phase.
benchmarks.sizing makes the page and the recommendations.
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from PIL import Image as Pillow
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.machine import host
from benchmarks.sizing import page, renewed
from benchmarks.throughput import PLACEMENTS, SIDE, masters, settings
from tests.e2e.processes import MODULES, Processes
from tests.servers.found import Servers

IDLE_SECONDS = 30.0
BUSY_SECONDS = {
    "library": 25.0,
    "create": 30.0,
    "edit": 40.0,
    "upscale": 25.0,
    "optimizer": 40.0,
    "gateway": 30.0,
}
#: What is asked of the gateway, a second, while one client follows a run.
REQUESTS_PER_SECOND = 20

_MASTERS = 24
_PROBE_EVERY = 10.0  # s, as kubelet does by default
_PATIENCE = 900.0  # s for what was begun to end
#: As many runs of one picture each are open as keep both lanes filled.
_OPEN_RUNS = {"create": 16, "library": 24, "edit": 4, "upscale": 16, "optimizer": 6}
_TICKS = os.sysconf("SC_CLK_TCK")
_PHOTO = Path(__file__).parents[1] / "tests" / "photos" / "astronaut.jpg"
_PROMPTS = (
    ("a calm sunrise over misty mountains", None),
    ("a red cup of coffee on a wooden table", "photographic"),
    ("a vase of tulips, pink and yellow", "watercolor"),
    ("a green perfume bottle on a beige plinth", "product-photography"),
    ("a poster that says “Summer Sale” in coral and navy", None),
    ("botanical leaves, sage and cream", "pattern"),
)

Steps = list[dict[str, Any]]
Flow = Iterator[dict[str, Any]]


@dataclass
class Reading:
    """What a process used in one phase. Memory in MiB, CPU in seconds."""

    rss: list[float] = field(default_factory=list)
    pss: list[float] = field(default_factory=list)
    peak: float = 0.0
    cpu: float = 0.0
    seconds: float = 0.0

    def told(self) -> dict[str, float]:
        """Means and peaks, rounded to what they are worth."""
        return {
            "rss_mib": round(sum(self.rss) / len(self.rss)),
            "pss_mib": round(sum(self.pss) / len(self.pss)),
            "peak_rss_mib": round(self.peak),
            "cpu_s": round(self.cpu, 2),
            "cores": round(self.cpu / self.seconds, 3),
            "seconds": round(self.seconds, 1),
        }


class Watch:
    """Reads /proc of every process once a second, in a thread of its own."""

    def __init__(self, pids: dict[str, int]) -> None:
        self._pids = pids
        self.readings = {name: Reading() for name in pids}
        self._stop = threading.Event()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch while the block runs; the marks of the peaks begin anew."""
        for pid in self._pids.values():
            Path(f"/proc/{pid}/clear_refs").write_text("5")  # proc(5): resets VmHWM
        before = {name: cpu_seconds(pid) for name, pid in self._pids.items()}
        begun = time.monotonic()
        thread = threading.Thread(target=self._read)
        thread.start()
        try:
            yield
        finally:
            seconds = time.monotonic() - begun
            for name, pid in self._pids.items():
                self.readings[name].cpu = cpu_seconds(pid) - before[name]
                self.readings[name].seconds = seconds
            self._stop.set()
            thread.join()

    def _read(self) -> None:
        while True:
            for name, pid in self._pids.items():
                one, now = self.readings[name], memory(pid)
                one.rss.append(now["Rss"])
                one.pss.append(now["Pss"])
                one.peak = max(one.peak, now["VmHWM"])
            if self._stop.wait(1):
                return


def cpu_seconds(pid: int) -> float:
    """User and system time of a process with all its threads, s."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def memory(pid: int) -> dict[str, float]:
    """Rss, Pss and VmHWM of a process now, MiB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    lines += Path(f"/proc/{pid}/status").read_text().splitlines()
    told = dict(line.split(":", 1) for line in lines if ":" in line)
    return {name: int(told[name].split()[0]) / 1024 for name in ("Rss", "Pss", "VmHWM")}


class Bench:
    """Six running services, and a client of their API."""

    def __init__(self, processes: Processes, http: httpx.Client) -> None:
        self.processes, self.http = processes, http

    @property
    def pids(self) -> dict[str, int]:
        """Of every service."""
        return {name: self.processes.pid(name) for name in MODULES}

    def begin(self, body: dict[str, Any]) -> str:
        """Start a run; its id."""
        return str(self.http.post("/v1/runs", json=body).raise_for_status().json()["id"])

    def open_runs(self) -> int:
        """How many runs are not over (200: as many or more)."""
        answer = self.http.get("/v1/runs?status=running&limit=200").raise_for_status()
        return len(answer.json()["runs"])

    def assets(self, collection: str) -> list[str]:
        """The ids of what was imported into a collection."""
        query: dict[str, str | int] = {
            "collection": collection,
            "operation": "create.import",
            "limit": _MASTERS,
        }
        answer = self.http.get("/v1/assets", params=query).raise_for_status()
        return [one["id"] for one in answer.json()["assets"]]

    def await_ends(self) -> None:
        """Wait until every run is over. TimeoutError after the patience."""
        deadline = time.monotonic() + _PATIENCE
        while left := self.open_runs():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{left} runs did not end")
            time.sleep(0.3)

    def upload(self, data: bytes) -> str:
        """Put a file; its blob."""
        return str(self.http.post("/v1/uploads", content=data).raise_for_status().json()["blob"])

    def done(self, service: str) -> float:
        """Deliveries that a service has settled as done since it began."""
        url = f"http://127.0.0.1:{self.processes.http[service]}/metrics"
        families = text_string_to_metric_families(httpx.get(url, timeout=10).text)
        return sum(
            sample.value
            for family in families
            for sample in family.samples
            if sample.name == "studio_deliveries_total" and sample.labels["settlement"] == "done"
        )


def started(processes: Processes) -> dict[str, dict[str, float]]:
    """Start one service after another; s and CPU s until each is ready, and what it then holds."""
    told = {}
    for name in MODULES:
        begun = time.monotonic()
        processes.start(name)
        processes.wait_until_ready(name)
        pid = processes.pid(name)
        told[name] = {
            "seconds": round(time.monotonic() - begun, 1),
            "cpu_s": round(cpu_seconds(pid), 2),
            "rss_mib": round(memory(pid)["Rss"]),
        }
    return told


def idle(bench: Bench, seconds: float) -> dict[str, dict[str, float]]:
    """Nothing to do but to answer probes."""
    watch, deadline = Watch(bench.pids), time.monotonic() + seconds
    with watch.watching():
        while (left := deadline - time.monotonic()) > 0:
            for port in bench.processes.http.values():
                for probe in ("livez", "readyz", "metrics"):
                    httpx.get(f"http://127.0.0.1:{port}/{probe}", timeout=10)
            time.sleep(min(_PROBE_EVERY, left))
    return {name: one.told() for name, one in watch.readings.items()}


def busy(bench: Bench, service: str, flow: Flow, seconds: float) -> dict[str, Any]:
    """Keep a service busy with a flow of runs; what it and the others used, items per second."""
    wanted = _OPEN_RUNS[service]
    _fill(bench, flow, wanted)
    _first_done(bench, service)
    watch, before, begun = Watch(bench.pids), bench.done(service), time.monotonic()
    with watch.watching():
        while time.monotonic() - begun < seconds:
            _fill(bench, flow, wanted)
            time.sleep(0.5)
        items, wall = bench.done(service) - before, time.monotonic() - begun
    bench.await_ends()
    readings = {name: one.told() for name, one in watch.readings.items()}
    return {"items": round(items), "items_per_s": round(items / wall, 2), "readings": readings}


def _fill(bench: Bench, flow: Flow, wanted: int) -> None:
    for _ in range(wanted - bench.open_runs()):
        bench.begin(next(flow))


def _first_done(bench: Bench, service: str) -> None:
    """Weights are loaded and caches warm once something has come out."""
    before, deadline = bench.done(service), time.monotonic() + _PATIENCE
    while bench.done(service) == before:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{service} does nothing")
        time.sleep(0.2)


def asked(bench: Bench, followed: str, seconds: float) -> dict[str, Any]:
    """Ask the gateway REQUESTS_PER_SECOND while a client follows a run."""
    watch, stop = Watch(bench.pids), threading.Event()
    heard: list[str] = []
    follower = threading.Thread(target=_follow, args=(bench, followed, heard, stop))
    small = _jpeg(512)
    quote = {"steps": [{"operation": "create.generate", "params": {"prompt": "calm sea"}}]}
    ask: list[Callable[[], httpx.Response]] = [
        lambda: bench.http.get("/v1/runs?limit=20"),
        lambda: bench.http.get(f"/v1/runs/{followed}"),
        lambda: bench.http.get("/v1/assets?limit=20"),
        lambda: bench.http.post("/v1/quotes", json=quote),
        lambda: bench.http.post("/v1/uploads", content=small),
    ]
    took: list[float] = []
    with watch.watching():
        follower.start()
        begun = time.monotonic()
        for number, one in enumerate(itertools.cycle(ask)):
            due = begun + number / REQUESTS_PER_SECOND
            if due > begun + seconds:
                break
            time.sleep(max(0.0, due - time.monotonic()))
            asked_at = time.monotonic()
            one().raise_for_status()
            took.append(time.monotonic() - asked_at)
        wall = time.monotonic() - begun
    stop.set()
    follower.join(30)
    readings = {name: one.told() for name, one in watch.readings.items()}
    quantiles = {f"p{q}_ms": round(1000 * sorted(took)[len(took) * q // 100]) for q in (50, 95)}
    return {
        "items": len(took),
        "items_per_s": round(len(took) / wall, 2),
        "events_followed": len(heard),
        **quantiles,
        "readings": readings,
    }


def _follow(bench: Bench, run: str, heard: list[str], stop: threading.Event) -> None:
    url = f"{bench.processes.url}/v1/runs/{run}/events"
    with httpx.Client(timeout=60) as http, http.stream("GET", url) as answer:
        for line in answer.iter_lines():
            if line.startswith("id:"):
                heard.append(line)
            if stop.is_set():
                return


def _steps(operation: str, **params: Any) -> Steps:
    return [{"operation": operation, "params": params}]


def _lanes() -> Iterator[str]:
    return itertools.cycle(("interactive", "bulk"))


def imports(blobs: list[str], collection: str) -> Flow:
    """Runs that import one picture each and organise it."""
    organise = {"operation": "library.organise", "params": {"collection": collection}}
    for blob, lane in zip(itertools.cycle(blobs), _lanes()):
        yield {"steps": [*_steps("create.import", blob=blob), organise], "lane": lane}


def prompts() -> Flow:
    """Runs that make one picture of 1 MP each."""
    for (prompt, style), lane in zip(itertools.cycle(_PROMPTS), _lanes()):
        about = {"prompt": prompt, "variations": 1, "width": 1024, "height": 1024}
        if style:
            about["style"] = style
        yield {"steps": _steps("create.generate", **about), "lane": lane}


def through(assets: list[str], *steps: Steps) -> Flow:
    """Runs of one asset each, through one of the steps after the other."""
    for asset, (one, lane) in zip(itertools.cycle(assets), zip(itertools.cycle(steps), _lanes())):
        yield {"steps": one, "assets": [asset], "lane": lane}


EDITS = (
    _steps("edit.remove_background"),
    _steps("edit.erase", mask={"box": {"x0": 0.68, "y0": 0.0, "x1": 0.93, "y1": 0.56}}),
)


def imported(bench: Bench, collection: str, pictures: Iterable[bytes]) -> list[str]:
    """Put pictures into a collection of the library; their blobs."""
    blobs = [bench.upload(one) for one in pictures]
    flow = imports(blobs, collection)
    for _ in blobs:
        bench.begin(next(flow))
    bench.await_ends()
    return blobs


def worked(bench: Bench) -> dict[str, dict[str, Any]]:
    """Each service kept busy, one after another."""
    blobs = imported(bench, "4 MP", masters(_MASTERS))
    imported(bench, "1 MP", (_jpeg(1024, seed) for seed in range(_MASTERS)))
    large, small = bench.assets("4 MP"), bench.assets("1 MP")
    flows = {
        "library": imports(blobs, "Again"),
        "create": prompts(),
        "edit": through(large, *EDITS),
        "upscale": through(small, _steps("upscale.fast")),
        "optimizer": through(large, _steps("optimizer.export", placements=PLACEMENTS)),
    }
    told = {}
    for name, flow in flows.items():
        _say(f"busy: {name}")
        told[name] = busy(bench, name, flow, BUSY_SECONDS[name])
    _say("busy: gateway")
    run = bench.begin({"steps": _steps("upscale.fast"), "assets": small})
    told["gateway"] = asked(bench, run, BUSY_SECONDS["gateway"])
    bench.await_ends()
    return told


#: What the largest work is: two at once of what takes the most memory at the largest size.
LARGEST = {
    "create": "importing 100 MP",
    "library": "cataloguing 100 MP",
    "edit": "removing the background of 100 MP",
    "upscale": "40 MP from 10 MP (conservative, by the Lanczos engine)",
    "optimizer": "12 placements of 100 MP",
    "gateway": "uploading 100 MP",
}


def largest(bench: Bench) -> dict[str, dict[str, Any]]:
    """Two at once of the largest pictures, through every service."""
    hundred = [_jpeg(10_000, seed) for seed in (1, 2)]
    ten = [_jpeg(3160, seed) for seed in (1, 2)]
    conservative = {"operation": "upscale.conservative", "params": {"factor": 2}}
    told: dict[str, dict[str, Any]] = {}

    def phase(work: Callable[[], object], *services: str) -> None:
        _say(f"largest: {', '.join(services)}")
        watch = Watch(bench.pids)
        with watch.watching():
            work()
        told.update({one: watch.readings[one].told() for one in services})

    phase(lambda: imported(bench, "100 MP", hundred), "gateway", "create", "library")
    imported(bench, "10 MP", ten)
    for service, collection, steps in (
        ("edit", "100 MP", EDITS[0]),
        ("upscale", "10 MP", [{**conservative, "provider": "lanczos"}]),
        ("optimizer", "100 MP", _steps("optimizer.export", placements=PLACEMENTS)),
    ):
        phase(partial(_both_through, bench, bench.assets(collection), steps), service)
    return told


def _both_through(bench: Bench, assets: list[str], steps: Steps) -> None:
    flow = through(assets, steps)
    for _ in assets:
        bench.begin(next(flow))
    bench.await_ends()


def _jpeg(side: int, seed: int = 0) -> bytes:
    """The astronaut, enlarged to side² px and turned a little, so that no two are alike."""
    with Pillow.open(_PHOTO) as opened:
        pixels = opened.convert("RGB").rotate(seed / 4)
    file = io.BytesIO()
    pixels.resize((side, side), Pillow.Resampling.BICUBIC).save(file, "JPEG", quality=88)
    return file.getvalue()


def _say(what: str) -> None:
    print(f"{time.strftime('%X')} {what}", file=sys.stderr, flush=True)


def measured() -> dict[str, Any]:
    """The whole measurement as one document."""
    before = os.getloadavg()[0]
    with ExitStack() as stack:
        servers = Servers()
        stack.callback(servers.stop)
        found = servers.start()
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        processes = Processes(settings(found, f"b{uuid4().hex[:10]}"), logs)
        stack.callback(processes.stop)
        _say("starting")
        starts = started(processes)
        http = stack.enter_context(httpx.Client(base_url=processes.url, timeout=120))
        bench = Bench(processes, http)
        _say("idle")
        idles = idle(bench, IDLE_SECONDS)
        works = worked(bench)
        largests = largest(bench)
        rests = {name: memory(pid)["Rss"] for name, pid in bench.pids.items()}
    services = {
        name: {
            "start": starts[name],
            "idle": idles[name],
            "busy": {**works[name], **works[name]["readings"][name]},
            "largest": {"work": LARGEST[name], **largests[name]},
            "rss_mib_afterwards": round(rests[name]),
        }
        for name in MODULES
    }
    return {
        "machine": host(),
        "servers": found.described,
        "load_before": round(before, 2),
        "master_side": SIDE,
        "services": services,
    }


def main() -> None:
    """Measure, write the raw figures and the page."""
    parser = argparse.ArgumentParser(prog="benchmarks.services", description=__doc__)
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results")
    parser.add_argument("--page", type=Path)
    parser.add_argument("--runbook", type=Path, help="its table of sizes is made anew")
    parser.add_argument("--again", action="store_true", help="only the pages, of known figures")
    wanted = parser.parse_args()
    file = wanted.results / "services.json"
    if not wanted.again:
        wanted.results.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(measured(), indent=1, ensure_ascii=False) + "\n")
    found = json.loads(file.read_text())
    text = page(found, wanted.results)
    print(text)
    if wanted.page:
        wanted.page.write_text(text)
    if wanted.runbook:
        runbook = renewed(wanted.runbook.read_text(), found["services"], wanted.results)
        wanted.runbook.write_text(runbook)


if __name__ == "__main__":
    main()
