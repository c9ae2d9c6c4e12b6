"""Throughput: many masters × twelve placements through six processes on a real broker.

    python -m benchmarks.throughput [--masters 200] [--results benchmarks/results] [--page …]

Masters are imported over HTTP and exported as one run of a selection, so everything is real: the
API, RabbitMQ, gRPC, the stores, the catalogue, the run's tracking. Every second the CPU time and
the resident memory of each process are read from /proc. Memory is flat if the mean of the last
quarter of the run is at most a twentieth over that of the second (the first one warms up).
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import numpy as np
from PIL import Image as Pillow

from benchmarks.machine import host
from tests.e2e.processes import MODULES, Processes
from tests.servers.found import Found, Servers

PLACEMENTS = [
    "instagram_portrait", "instagram_square", "instagram_story", "facebook_link",
    "facebook_cover", "x_landscape", "linkedin_landscape", "youtube_thumbnail",
    "pinterest_pin", "tiktok_photo", "threads_post", "open_graph",
]  # fmt: skip
SIDE = 2048  # px of a master
COLLECTION = "Throughput"
_PHOTOS = Path(__file__).parents[1] / "tests" / "photos"
_TICKS = os.sysconf("SC_CLK_TCK")
#: A process whose memory grew by more, from the second to the last quarter of the run, grows.
_FLAT = 1.05


@dataclass
class Usage:
    """What a process used, a sample a second."""

    rss_mb: list[float] = field(default_factory=list)
    cpu_s: float = 0.0
    peak_mb: float = 0.0

    def sample(self, pid: int) -> None:
        """Read /proc now."""
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        self.cpu_s = (int(fields[11]) + int(fields[12])) / _TICKS
        status = dict(
            line.split(":", 1)
            for line in Path(f"/proc/{pid}/status").read_text().splitlines()
            if ":" in line
        )
        self.rss_mb.append(int(status["VmRSS"].split()[0]) / 1024)
        self.peak_mb = int(status["VmHWM"].split()[0]) / 1024

    def quarter(self, number: int) -> float:
        """Mean resident memory, MB, in a quarter of the run, 1..4."""
        step = max(1, len(self.rss_mb) // 4)
        part = self.rss_mb[(number - 1) * step : number * step] or self.rss_mb
        return sum(part) / len(part)


def masters(count: int) -> list[bytes]:
    """JPEGs of SIDE² px that all differ: windows of real photos with a seeded grain."""
    dice = np.random.default_rng(20261124)
    photos = [
        Pillow.open(path).convert("RGB").resize((SIDE + 400, SIDE + 400), Pillow.Resampling.LANCZOS)
        for path in sorted(_PHOTOS.glob("*.jpg"))
    ]
    made = []
    for number in range(count):
        left, top = (int(one) for one in dice.integers(0, 400, 2))
        window = photos[number % len(photos)].crop((left, top, left + SIDE, top + SIDE))
        grain = dice.normal(0, 3, (SIDE, SIDE, 1)).astype(np.float32)
        pixels = np.clip(np.asarray(window) + grain, 0, 255).astype(np.uint8)
        file = io.BytesIO()
        Pillow.fromarray(pixels).save(file, "JPEG", quality=92)
        made.append(file.getvalue())
    return made


def imported(http: httpx.Client, count: int) -> None:
    """Put the masters into the library."""
    for data in masters(count):
        blob = http.post("/v1/uploads", content=data).raise_for_status().json()["blob"]
        step = {"operation": "create.import", "params": {"blob": blob}}
        organise = {"operation": "library.organise", "params": {"collection": COLLECTION}}
        http.post("/v1/runs", json={"steps": [step, organise]}).raise_for_status()
    while True:
        kept = {one["name"]: one["assets"] for one in http.get("/v1/collections").json()}
        if kept.get(COLLECTION, 0) >= count:
            return
        time.sleep(0.5)


def exported(
    http: httpx.Client, processes: Processes
) -> tuple[dict[str, Any], float, dict[str, Usage]]:
    """Run the export of all masters; the run, its wall time, s, and what each process used."""
    before, usage = {name: Usage() for name in MODULES}, {name: Usage() for name in MODULES}
    for name, one in before.items():
        one.sample(processes.pid(name))
    export = {"operation": "optimizer.export", "params": {"placements": PLACEMENTS}}
    body = {"steps": [export], "selection": {"collection": COLLECTION}, "lane": "bulk"}
    begun = time.perf_counter()
    run = http.post("/v1/runs", json=body).raise_for_status().json()["id"]
    while True:
        for name, one in usage.items():
            one.sample(processes.pid(name))
        state = http.get(f"/v1/runs/{run}").json()
        print(f"\r{state['progress']['fraction']:6.1%} {state['counts']}", end="", file=sys.stderr)
        if state["status"] != "running":
            break
        time.sleep(1)
    print(file=sys.stderr)
    wall = time.perf_counter() - begun
    for name, one in usage.items():
        one.cpu_s -= before[name].cpu_s
    return state, wall, usage


def settings(found: Found, name: str) -> dict[str, str]:
    """Of the six processes: names of their own on the servers that were found."""
    assert found.amqp_url, found.described["broker"]
    return {
        "STUDIO_AMQP_URL": found.amqp_url,
        "STUDIO_AMQP_PREFIX": name,
        "STUDIO_MONGO_URL": found.mongo_url,
        "STUDIO_DATABASE_PREFIX": name,
        "STUDIO_S3_ENDPOINT": found.s3.endpoint,
        "STUDIO_S3_ACCESS_KEY": found.s3.access_key,
        "STUDIO_S3_SECRET_KEY": found.s3.secret_key,
        "STUDIO_S3_BUCKET": name,
    }


def measured(count: int) -> dict[str, Any]:
    """The whole measurement as one document."""
    servers = Servers()
    try:
        found = servers.start()
        with (
            tempfile.TemporaryDirectory() as logs,
            Processes(settings(found, f"b{uuid4().hex[:10]}"), Path(logs)) as processes,
            httpx.Client(base_url=processes.url, timeout=120) as http,
        ):
            imported(http, count)
            state, wall, usage = exported(http, processes)
    finally:
        servers.stop()
    made = sum(state["counts"].values())
    return {
        "machine": host(),
        "servers": found.described,
        "masters": count,
        "placements": len(PLACEMENTS),
        "counts": state["counts"],
        "wall_s": round(wall, 1),
        "renditions_per_s": round(made / wall, 2),
        "renditions_per_optimizer_cpu_s": round(made / usage["optimizer"].cpu_s, 2),
        "renditions_per_cpu_s": round(made / sum(one.cpu_s for one in usage.values()), 2),
        "processes": {
            name: {
                "cpu_s": round(one.cpu_s, 1),
                "peak_mb": round(one.peak_mb),
                "rss_mb_second_quarter": round(one.quarter(2)),
                "rss_mb_last_quarter": round(one.quarter(4)),
                "rss_mb": [round(value) for value in one.rss_mb],
            }
            for name, one in usage.items()
        },
    }


def memory_said(processes: dict[str, dict[str, Any]]) -> str:
    """Whether memory is flat: as much as the figures allow to say."""
    growing = []
    for name, one in processes.items():
        second, last = one["rss_mb_second_quarter"], one["rss_mb_last_quarter"]
        if last > _FLAT * second:
            growing.append(f"{name} by {last / second - 1:.0%}")
    quarters = "from the second to the last quarter of the run"
    if growing:
        return (
            f"Memory is **not flat**: {quarters} it grew in {', '.join(growing)} "
            f"(more than {_FLAT - 1:.0%} is growth)."
        )
    return f"Memory is flat: no process grew by more than {_FLAT - 1:.0%} {quarters}."


def page(found: dict[str, Any]) -> str:
    """The measurement as Markdown."""
    rows = [
        f"| {name} | {one['cpu_s']} | {one['rss_mb_second_quarter']} | "
        f"{one['rss_mb_last_quarter']} | {one['peak_mb']} |"
        for name, one in found["processes"].items()
    ]
    servers = "; ".join(f"{what}: {which}" for what, which in found["servers"].items())
    counts = ", ".join(f"{count:,} {state}" for state, count in found["counts"].items())
    return "\n".join(
        [
            "# Throughput of exports",
            "",
            f"{found['masters']} masters of {SIDE}² px × {found['placements']} placements as one "
            "run of a selection, smart crops, formats and quality as the placements ask: "
            "`make throughput` measures and writes this page.",
            "",
            f"- {counts}, in {found['wall_s']} s: **{found['renditions_per_s']} renditions/s** "
            "with one process a service, its servers and the client on the same machine.",
            f"- **{found['renditions_per_optimizer_cpu_s']} renditions per CPU second** of the "
            f"optimizer; {found['renditions_per_cpu_s']} per CPU second of all six services.",
            "",
            f"{memory_said(found['processes'])} Resident MB on average in the second and in the "
            "last quarter, and the peak:",
            "",
            "| process | CPU s | MB, 2nd quarter | MB, last quarter | MB, peak |",
            "| --- | ---: | ---: | ---: | ---: |",
            *rows,
            "",
            f"Servers: {servers}.",
            "",
            "Machine: " + "; ".join(f"{what} {which}" for what, which in found["machine"].items()),
            "",
        ]
    )


def main() -> None:
    """Measure, write the raw figures and the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--masters", type=int, default=200)
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results")
    parser.add_argument("--page", type=Path)
    asked = parser.parse_args()
    found = measured(asked.masters)
    asked.results.mkdir(parents=True, exist_ok=True)
    (asked.results / "throughput.json").write_text(json.dumps(found, indent=1) + "\n")
    text = page(found)
    print(text)
    if asked.page:
        asked.page.write_text(text)


if __name__ == "__main__":
    main()
