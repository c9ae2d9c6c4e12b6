"""Report: the table of goals and medians, made from the raw rows alone.

    python -m benchmarks.report [--results benchmarks/results] [--out docs/benchmarks.md]

Prints the goals; with --out, writes the whole page.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.goals import (
    EXPORTED,
    GOALS,
    OURS,
    PROGRESSIVE,
    SHARP,
    Goal,
    Medians,
    NotMeasured,
)

HERE = Path(__file__).parent
_RESULTS = HERE / "results"

_ABOUT = """\
# Benchmarks of the optimizer

Twenty renditions of one photograph, by the optimizer and by the best known ways to do the same.
`make bench` measures, prints the goals and writes this page; `make bench WORK=jpeg ROUNDS=1` is a
quick look (`WORK`: formats, masters such as `1024.png`, or both, separated by commas) that prints
and writes nothing here. Every figure below is computed by `benchmarks/report.py` from
`benchmarks/results/optimizer.json`. Time and peak memory of every other operation at 1 and 4 MP:
[operations-cost.md](operations-cost.md).
"""

_HOW = """\
## How it is measured
- Every contender is a process of its own. It does a small picture first, then the work once. CPU
  seconds are user + system of all its threads, from reading the master's file to the last encoded
  rendition; start-up is not in them. Peak memory is the process's high-water mark (`VmHWM`), with
  its runtime and libraries.
- Contenders take turns within every round, and another begins each round. Figures are medians.
- Masters: a phone's photograph (`benchmarks/photos/dandelion.jpg`, 5312 × 2988 px): fine bright
  hairs before grass that is out of focus. Its square of 2988 px, shrunk by Lanczos to 1024² and
  2048², and enlarged to 4096²; JPEG at quality 92, and PNG (`benchmarks/masters.py`). On busier
  photographs WebP and AVIF take all contenders longer.
- Sizes: the first twenty distinct ones of the placements that fit 2048² (`benchmarks/sizes.yaml`),
  halved for the 1024² master. All crops are centred and rounded as sharp rounds them, so that all
  contenders show the same pixels.
- Settings: JPEG quality 85; WebP 80 and AVIF 50, sharp's defaults. "Equal settings": WebP effort 4
  on both sides; AVIF speed 6 (sharp's effort 3) and 4:2:0 on both sides. Otherwise both sides use
  their own defaults: sharp WebP effort 4, AVIF effort 4 and 4:4:4, optimised Huffman tables; ours
  WebP effort 2, AVIF speed 8 and 4:2:0, the standard Huffman tables, as Pillow. "Progressive" is
  what `optimizer.export` writes unless it is told otherwise: optimised tables, ten scans. "Ours,
  fast" is for whoever counts CPU time: WebP effort 1 at quality 77, about as many bytes, a trace
  coarser; the goals of WebP and mixed that say "tuned" are measured by it. That is of this
  photograph: of those of tests/, enlarged, three of four lose more (SSIM 0.003 to 0.010 less than
  sharp's). `optimizer.export` takes both as `effort` and `quality`.
- Mixed: as the placements take them, 10 JPEG, 7 WebP, 3 PNG; none takes AVIF, so "mixed+avif" has
  two of the WebP as AVIF instead.
- sharp: "as its users write it" is one pipeline per rendition from the file, all started at once;
  "clones" shares one input; "decoded once" feeds raw pixels. The best way is the cheapest of
  the three in each work.
- libvips: `thumbnail` from the file per rendition, with sharp's encoder settings (PNG unfiltered).
- Smart crop: from the file to the windows of all twenty sizes; ours looks at the picture once,
  smartcrop.js (through its sharp adapter) once per size. Nothing is written.
- "As exported" is the product's own path (`optimizer.export`): progressive JPEG, its own quality
  (JPEG 85, WebP 86), the check of chroma, and similarity measured on every file. "Best of formats"
  writes JPEG beside every WebP and keeps the smaller.
- On 2026-11-26 the work "crop" was measured two hours after the others, in five rounds of its own,
  since words had become part of the focus by then.
- The bound: our own encoders on pixels that are already resized.
- SSIM is the mean over the renditions (luma, Wang 2004) against Lanczos in 32-bit floats from the
  same master, rounded once; "least" is the worst rendition.
"""

_EXPORTED = """\
## As users get them
The goals are about resizing and encoding with sharp's settings. An export does more: progressive
JPEG, its own quality (WebP 86 where sharp has 80), a look whether colour needs 4:4:4, and every
file measured against the floor. Beside sharp as its users write it:
"""

#: What is known of the goals that are not met; measured on the machines of 2026-11-25 and -26.
_WHY = """\
## Why some goals are not met
- **JPEG**: of our 0.18 CPU s in one thread, 0.02 are decoding, 0.06 the encoder's and 0.10 Lanczos,
  which takes as long from the full picture as over halves. Catmull-Rom takes 0.07, but loses too
  much where the picture has grain (0.9975); planes of YCbCr, resized apart, gain nothing: the
  resizer takes 0.078 s for one channel and 0.095 s for four. Two threads cost a tenth more than
  one, and halve the wait.
- **The worst master** is a 4096² PNG against sharp fed with raw pixels: half of our time is
  Pillow's PNG decoder (0.44 s). OpenCV's takes 0.39 s, libspng (imagecodecs, 80 MB) 0.28 s, and the
  Rust decoder of kornia-rs 0.16 s, but while it works no other Python thread does, so the service
  would not answer meanwhile (2026-11-26).
- **Mixed**, tuned: of 0.40 s, decoding and resizing take about 0.15; 0.34 are allowed.
- **PNG, bytes**: 0.590× on a master with more grain. Here the smallest of all (sharp's adaptive
  filters, in 4.6 times our time) is 0.591×; libdeflate's level 4 would give 0.599× and take twice
  the time, another filter a row (of "sub", "up", "average", by the sum of differences) 0.614×.
- **Equal settings**: both sides run the same encoder at the same effort; the way there differs.
- **Distances to the bound**: of WebP between 1.15× and 1.24× from run to run; of mixed, whose JPEG
  are most of the files and the least of the encoders' time, more.
- **Peak memory**, worst work: a 4096² master is held once, 64 MB, beside its half and what two
  threads resize at once; sharp streams a JPEG or a PNG and never holds it whole.
"""


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.report", description=__doc__)
    parser.add_argument("--results", type=Path, default=_RESULTS)
    parser.add_argument("--out", type=Path)
    wanted = parser.parse_args()
    known = Medians(json.loads((wanted.results / "optimizer.json").read_text()))
    machine = json.loads((wanted.results / "machine.json").read_text())
    if wanted.out:
        wanted.out.write_text(page(known, machine))
    sys.stdout.write(goals_table(known) + "\n" + works_tables(known))


def page(known: Medians, machine: Mapping[str, str]) -> str:
    """The whole document, in Markdown."""
    where = "".join(f"- {name}: {value}\n" for name, value in machine.items())
    return "\n".join(
        [
            _ABOUT,
            f"## Goals\nMedians of {known.rounds} interleaved rounds.\n",
            goals_table(known),
            _EXPORTED,
            exported_table(known),
            _WHY,
            f"## The machine\n{where}",
            _HOW,
            "## Medians\nThe range of CPU seconds over the rounds is in brackets.\n",
            works_tables(known),
        ]
    )


def goals_table(known: Medians, goals: Sequence[Goal] = GOALS) -> str:
    """Each goal, what was reached, and whether that is enough."""
    return _table(["work", "", "goal", "reached", "met"], [_goal_line(one, known) for one in goals])


def _goal_line(goal: Goal, known: Medians) -> list[str]:
    wanted = f"{goal.sense} {goal.wanted:g}{goal.unit}"
    try:
        reached = goal.measure(known)
    except NotMeasured:
        return [goal.work, goal.says, wanted, "not measured", "–"]
    told = f"{reached:.{goal.places}f}{goal.unit}"
    return [goal.work, goal.says, wanted, told, "yes" if goal.met(reached) else "**no**"]


def exported_table(known: Medians) -> str:
    """Exports as users get them beside sharp, also beside its progressive JPEG."""
    head = ["work", "beside", "faster", "bytes of its", "peak memory of its"]
    pairs = [
        (work, peer)
        for work in known.works
        for peer in (SHARP, PROGRESSIVE)
        if {EXPORTED, peer} <= set(known.contenders(work))
    ]
    return _table(head, [_exported_line(work, peer, known) for work, peer in pairs])


def _exported_line(work: str, peer: str, known: Medians) -> list[str]:
    faster = known.ratio(work, peer, EXPORTED)
    less = (known.ratio(work, EXPORTED, peer, field) for field in ("bytes", "peak_rss_mb"))
    return [work, peer, f"{faster:.2f}×", *(f"{one:.2f}×" for one in less)]


def works_tables(known: Medians) -> str:
    """For each work all contenders, the cheapest first."""
    return "\n".join(f"### {work}\n{_work_table(work, known)}" for work in known.works)


def _work_table(work: str, known: Medians) -> str:
    names = sorted(known.contenders(work), key=lambda name: known.of(work, name))
    head = ["contender", "CPU s", "by ours", "wall s", "peak MB", "MB written", "SSIM", "least"]
    return _table(head, [_contender_line(work, name, known) for name in names])


def _contender_line(work: str, name: str, known: Medians) -> list[str]:
    rounds = known.all(work, name)
    spread = f"{known.of(work, name):.3f} ({min(rounds):.3f}–{max(rounds):.3f})"
    line = [
        name,
        spread,
        _by_ours(work, name, known),
        f"{known.of(work, name, 'wall_s'):.3f}",
        f"{known.of(work, name, 'peak_rss_mb'):.0f}",
    ]
    try:
        return [
            *line,
            f"{known.of(work, name, 'bytes') / 1e6:.3f}",
            f"{known.of(work, name, 'ssim'):.4f}",
            f"{known.of(work, name, 'least_ssim'):.4f}",
        ]
    except NotMeasured:  # a crop writes no files
        return [*line, "–", "–", "–"]


def _by_ours(work: str, name: str, known: Medians) -> str:
    try:
        return f"{known.ratio(work, name, OURS):.2f}×"
    except NotMeasured:
        return "–"


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rows = [head, ["---"] * len(head), *lines]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


if __name__ == "__main__":
    main()
