"""Run: every contender does every work, interleaved, each in a process of its own.

    python -m benchmarks.run [--work jpeg,webp] [--rounds 5]

Writes benchmarks/results/optimizer.json and machine.json (after each round, so that a run that is
ended early is still of use); benchmarks.report makes the table of them.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.machine import description
from benchmarks.masters import master, warming
from benchmarks.reference import Judge
from benchmarks.works import Contender, chosen, contenders, task, warm_task

HERE = Path(__file__).parent
RESULTS = HERE / "results"
_MASTERS = HERE / ".work"
#: A contender that takes longer than this (s) hangs.
_PATIENCE = 600

Row = dict[str, Any]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.run", description=__doc__)
    parser.add_argument("--work", default="", help="formats, masters or works; all by default")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder to write to")
    wanted = parser.parse_args()
    works = chosen(wanted.work)
    wanted.results.mkdir(parents=True, exist_ok=True)
    (wanted.results / "machine.json").write_text(json.dumps(description(), indent=1) + "\n")
    rows: list[Row] = []
    judge = Judge()
    for round_ in range(1, wanted.rounds + 1):
        for work in works:
            for row in measured(work, round_, judge):
                rows.append(row)
                sys.stderr.write(_told(row) + "\n")
        _save(rows, wanted.results / "optimizer.json")


def measured(work: str, round_: int, judge: Judge) -> Iterator[Row]:
    """One row a contender. Who begins changes from round to round."""
    _MASTERS.mkdir(exist_ok=True)
    source = master(work.split()[1], _MASTERS)
    these = contenders(work)
    first = round_ % len(these)
    for one in these[first:] + these[:first]:
        yield _row(work, one, round_, source, judge)


def _row(work: str, contender: Contender, round_: int, source: Path, judge: Judge) -> Row:
    asked = task(work, contender, source)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        warm_task(work, contender, warming()).save(folder / "warm.json")
        asked.save(folder / "task.json")
        (folder / "out").mkdir()
        told = json.loads(_run(contender, folder))
        files = [one.read_bytes() for one in sorted((folder / "out").iterdir())]
    seen: Row = {"bytes": None, "ssim": None, "least_ssim": None}
    if files:
        alike = judge.judged(asked, files)
        seen = {
            "bytes": sum(len(one) for one in files),
            "ssim": round(sum(alike) / len(alike), 5),
            "least_ssim": round(min(alike), 5),
        }
    rounded = {name: round(value, 4) for name, value in told.items()}
    return {"work": work, "contender": contender.name, "round": round_} | rounded | seen


def _run(contender: Contender, folder: Path) -> str:
    program = contender.program
    if program.endswith(".mjs"):
        command = [shutil.which("node") or "node", str(HERE / "peers" / program)]
    else:
        command = [sys.executable, "-m", f"benchmarks.contenders.{program}"]
    given = [str(folder / "warm.json"), str(folder / "task.json"), str(folder / "out")]
    done = subprocess.run(
        [*command, *given],
        cwd=HERE.parent,
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{contender.name} failed:\n{done.stderr}")
    return done.stdout


def _save(rows: list[Row], file: Path) -> None:
    lines = ",\n".join(json.dumps(row) for row in rows)
    file.write_text(f"[\n{lines}\n]\n")


def _told(row: Row) -> str:
    return (
        f"{row['round']}  {row['work']:16} {row['contender']:24} {row['cpu_s']:8.3f} s"
        f" {row['peak_rss_mb']:6.0f} MB {row['bytes'] or 0:12,} B  SSIM {row['ssim'] or 0:.4f}"
    )


if __name__ == "__main__":
    main()
