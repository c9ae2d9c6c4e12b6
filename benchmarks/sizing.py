"""Sizing: requests and limits from what benchmarks.services measured, and the page that says so.

The rule stands on the page itself; every figure there is computed from the raw ones alone. What
deploy/k8s/base/resources.yaml sets stands beside them in the runbook's table.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_RESOURCES = Path(__file__).parents[1] / "deploy" / "k8s" / "base" / "resources.yaml"

#: A request covers the peak at work and this much more.
REQUEST_SPARE = 1.2
#: A limit covers one of the largest pictures beside the ordinary work, and this much more.
LIMIT_SPARE = 1.25
_REQUEST_STEP, _LIMIT_STEP = 64, 128  # MiB
_LEAST_LIMIT = 512  # MiB: a few uploads of 64 MiB, each held in memory while it is looked at
_CPU_STEP = 50  # millicores
#: A picture at work occupies a core at least, so that is what a replica of a studio is promised.
_CPU_OF_STUDIO = 1000
#: Others are promised what this many items a second take: events, and requests.
RATES = {"library": 5, "gateway": 20}
_CPU_LIMIT = 2000  # as many cores as the figures were measured on

_ABOUT = """\
# What each service takes

Memory and CPU of the six services as separate processes on real servers, idle and at work.
`python -m benchmarks.services --page docs/services-measured.md --runbook docs/operations.md`
measures and writes this page and the table of that one; every figure is computed by
`benchmarks/sizing.py` from `benchmarks/results/services.json`.
"""

_HOW = """\
## How it is measured
- One process a service. **Ready after** is from the start of the process until `/readyz` answers
  200, in an empty installation, with nothing else starting.
- **Idle**: {idle:.0f} s without work, all six running; `/livez`, `/readyz` and `/metrics` of each
  are asked every 10 s.
- **At work**: one service after another is kept busy through the HTTP API, in both lanes, after its
  first item (weights are loaded then). The broker, the stores, the library, the gateway and the
  client share the same two cores, so items per second are less than a machine of its own gives.
- **Largest**: two at once of the largest pictures that are accepted (100 MP and 64 MiB a picture,
  40 MP a result of an upscale), one in each lane.
- Memory is resident (`VmRSS`), a sample a second; peaks are the kernel's high-water mark
  (`VmHWM`), set back before each phase. PSS counts shared pages in parts. Cores are user and system
  time of all threads by wall time.
"""

_RULE = """\
## Requests and limits, and the rule
- **Memory request**: the peak at work × {request}, rounded up to {request_step} MiB.{long}
- **Memory limit**: one of the largest pictures beside the ordinary work, that is the peak at work
  and half of what two of the largest add to the idle memory, × {limit}, rounded up to
  {limit_step} MiB, at least {least_limit} MiB (a few uploads of 64 MiB).
  Two at once need what the table says. A studio works on at most `STUDIO_PIXELS_AT_ONCE` (100 MP)
  at a time, so two of 100 MP are worked on one after the other. The library does so, too,
  since it was measured.
- **CPU request**: {cpu_of_studio} m for a studio, as a picture at work occupies a core at least;
  for the library and the gateway what {events} events and {requests} requests a second take, by
  the CPU seconds per item above, rounded up to {cpu_step} m. **CPU limit**: {cpu_limit} m, what
  was measured with. More is faster.
"""


@dataclass(frozen=True, slots=True)
class Sizes:
    """What a container asks for and may take: MiB and millicores."""

    memory_request: int
    memory_limit: int
    cpu_request: int
    cpu_limit: int = _CPU_LIMIT


def recommended(name: str, measured: dict[str, Any], long_peak: float = 0.0) -> Sizes:
    """Sizes of a service by the rule of the page.

    measured:  that service in services.json.
    long_peak: MiB; the peak of a longer run, where one was measured (benchmarks.throughput).
    """
    busy = max(measured["busy"]["peak_rss_mib"], long_peak)
    two = measured["largest"]["peak_rss_mib"] - measured["idle"]["rss_mib"]
    most = busy + max(0, two) / 2
    cpu = _CPU_OF_STUDIO
    if name in RATES:
        per_item = measured["busy"]["cpu_s"] / measured["busy"]["items"]
        cpu = max(_CPU_STEP, _up(1000 * per_item * RATES[name], _CPU_STEP))
    return Sizes(
        memory_request=_up(busy * REQUEST_SPARE, _REQUEST_STEP),
        memory_limit=max(_LEAST_LIMIT, _up(most * LIMIT_SPARE, _LIMIT_STEP)),
        cpu_request=cpu,
    )


def page(found: dict[str, Any], results: Path) -> str:
    """The measurement as Markdown. results: where throughput.json may lie beside it."""
    services, long_peaks = found["services"], _long_peaks(results)
    sizes = {
        name: recommended(name, one, long_peaks.get(name, 0.0)) for name, one in services.items()
    }
    servers = "; ".join(f"{what}: {which}" for what, which in found["servers"].items())
    machine = "; ".join(f"{what} {which}" for what, which in found["machine"].items())
    rule = _RULE.format(
        request=REQUEST_SPARE,
        request_step=_REQUEST_STEP,
        limit=LIMIT_SPARE,
        limit_step=_LIMIT_STEP,
        least_limit=_LEAST_LIMIT,
        cpu_step=_CPU_STEP,
        cpu_of_studio=_CPU_OF_STUDIO,
        events=RATES["library"],
        requests=RATES["gateway"],
        cpu_limit=_CPU_LIMIT,
        long=_long_said(services, long_peaks),
    )
    parts = [
        _ABOUT,
        measured_table(services),
        _works_table(services),
        rule,
        _sizes_table(sizes),
        _HOW.format(idle=services["gateway"]["idle"]["seconds"]),
        f"Servers: {servers}.\n",
        f"Machine: {machine}.\n",
        _load_said(found),
    ]
    return "\n".join(parts)


def measured_table(services: dict[str, Any]) -> str:
    """A line a service: start, idle, at work, largest."""
    head = ["service", "ready after s", "CPU s to start", "idle RSS MiB", "idle PSS MiB"]
    head += ["idle cores", "peak at work MiB", "cores at work", "peak, largest MiB"]
    head += ["RSS afterwards MiB"]
    lines = [
        [
            name,
            f"{one['start']['seconds']:.1f}",
            f"{one['start']['cpu_s']:.1f}",
            f"{one['idle']['rss_mib']}",
            f"{one['idle']['pss_mib']}",
            f"{one['idle']['cores']:.3f}",
            f"{one['busy']['peak_rss_mib']}",
            f"{one['busy']['cores']:.2f}",
            f"{one['largest']['peak_rss_mib']}",
            f"{one['rss_mib_afterwards']}",
        ]
        for name, one in services.items()
    ]
    return table(head, lines)


#: What each service was given to do.
FLOWS = {
    "create": "pictures of 1 MP from prompts, local engine",
    "edit": "remove background and erase, on photos of 4 MP",
    "upscale": "fast ×2 of 1 MP, local engine",
    "optimizer": "12 placements of masters of 4 MP (an item is all twelve)",
    "library": "cataloguing and organising imports of 4 MP (an item is one event)",
    "gateway": "requests (runs, assets, quotes, uploads), and one follower of a run",
}


def _works_table(services: dict[str, Any]) -> str:
    lines = []
    for name, one in services.items():
        busy = one["busy"]
        took = f"; p50 {busy['p50_ms']} ms, p95 {busy['p95_ms']} ms" if "p50_ms" in busy else ""
        doing = FLOWS[name] + took
        per_core = f"{busy['items'] / busy['cpu_s']:.2f}" if busy["cpu_s"] else "–"
        lines.append([name, doing, f"{busy['items_per_s']:.2f}", per_core, one["largest"]["work"]])
    head = [
        "service",
        "at work",
        "items/s",
        "items per CPU s of the service",
        "largest: two at once",
    ]
    return table(head, lines)


def _sizes_table(sizes: dict[str, Sizes]) -> str:
    head = ["service", "memory request", "memory limit", "CPU request", "CPU limit"]
    lines = [
        [
            name,
            f"{one.memory_request}Mi",
            f"{one.memory_limit}Mi",
            f"{one.cpu_request}m",
            f"{one.cpu_limit}m",
        ]
        for name, one in sizes.items()
    ]
    return table(head, lines)


def renewed(runbook: str, services: dict[str, Any], results: Path) -> str:
    """The runbook with its table between `<!-- sizing -->` and `<!-- /sizing -->` made anew."""
    begin, end = "<!-- sizing -->\n", "<!-- /sizing -->"
    made = begin + in_short(services, _long_peaks(results)) + end
    text, times = re.subn(f"{begin}.*?{end}", lambda _: made, runbook, flags=re.DOTALL)
    if times != 1:
        raise ValueError(f"The page must have {begin.strip()} and {end} once; it has {times}.")
    return text


def in_short(services: dict[str, Any], long_peaks: dict[str, float]) -> str:
    """A line a service: memory that was measured, sizes by the rule, and sizes that are set."""
    head = ["service", "idle MiB", "at work MiB", "two of the largest MiB"]
    head += ["memory by the rule", "memory set", "CPU set"]
    put, lines = _set(), []
    for name, one in services.items():
        rule, asked, most = recommended(name, one, long_peaks.get(name, 0.0)), *put[name]
        lines.append(
            [
                name,
                f"{one['idle']['rss_mib']}",
                f"{max(one['busy']['peak_rss_mib'], long_peaks.get(name, 0.0)):.0f}",
                f"{one['largest']['peak_rss_mib']}",
                f"{rule.memory_request}Mi to {rule.memory_limit}Mi",
                f"{asked['memory']} to {most['memory']}",
                f"{asked['cpu']} to {most['cpu']}",
            ]
        )
    return table(head, lines)


def _set() -> dict[str, tuple[dict[str, str], dict[str, str]]]:
    """Requests and limits of each service in deploy/k8s."""
    found = {}
    for one in yaml.safe_load_all(_RESOURCES.read_text()):
        (container,) = one["spec"]["template"]["spec"]["containers"]
        sizes = container["resources"]
        found[container["name"]] = (sizes["requests"], sizes["limits"])
    return found


def table(head: list[str], lines: list[list[str]]) -> str:
    """Markdown."""
    rows = [head, ["---"] * len(head), *lines]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _long_peaks(results: Path) -> dict[str, float]:
    file = results / "throughput.json"
    if not file.exists():
        return {}
    processes = json.loads(file.read_text())["processes"]
    return {name: float(one["peak_mb"]) for name, one in processes.items()}


def _long_said(services: dict[str, Any], long_peaks: dict[str, float]) -> str:
    told = [
        f"{name} {long_peaks[name]:.0f} MiB"
        for name, one in services.items()
        if long_peaks.get(name, 0.0) > one["busy"]["peak_rss_mib"]
    ]
    if not told:
        return ""
    return (
        " Where the long run of [throughput.md](throughput.md) went higher, its peak counts: "
        f"{', '.join(told)}."
    )


def _load_said(found: dict[str, Any]) -> str:
    load = found["load_before"]
    if load < 1:
        return f"The machine was quiet: its load average was {load} before the run.\n"
    return (
        f"Other work shared the machine: its load average was {load} before the run. Start-up "
        "times, rates and cores suffer from that; memory and CPU seconds to start do not, and CPU "
        "seconds per item hardly do.\n"
    )


def _up(value: float, step: int) -> int:
    return math.ceil(value / step) * step
