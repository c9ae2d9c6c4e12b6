"""Pictures: every local operation on the photos of the tests, to be looked at; and what each costs.

    python -m benchmarks.pictures --page docs/pictures.md [--only edit.erase,edit.text]
    python -m benchmarks.pictures --costs docs/operations-cost.md

Runs the operations themselves. The sheets go to a folder beside the page, named as the page is;
with `--only`, those sheets are made and the page stays. What was measured for `--costs` is kept in
benchmarks/.work/costs; remove it to have it measured anew.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import re
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import cv2
import numpy as np
from PIL import Image as Pillow

from benchmarks import machine, matting, upscale
from benchmarks.cells import CELL, Cell, drawn
from benchmarks.subjects import SUBJECTS, Case, Params, Subject, box_mask, point_mask
from services.create.operations.generate import Generate
from services.edit.service import operations as edits
from services.upscale.operations.conservative import Conservative
from services.upscale.operations.creative import Creative
from services.upscale.operations.fast import Fast
from studio.imaging.decode import decode
from studio.imaging.encode import encode
from studio.imaging.image import Image
from studio.operation import AnyOperation, Output, Work
from studio.problems import Refused

HERE = Path(__file__).parent
_PHOTOS = HERE.parent / "tests" / "photos"
_COSTS = HERE / ".work" / "costs"
_JUDGED_ON = "2026-11-25"

#: Of tests/photos, and its folder `more`.
NAMES = ("astronaut", "chelsea", "coffee", "rocket", "china")

_SELECTED = (255, 0, 200)  # the outline of what was selected
_SMALL = 280  # px across a cell, where there are five

#: Of each photo, px: what is enlarged, by ×4; and how much is enlarged around it and cut off.
_DETAILS = {
    "astronaut": (186, 74),
    "chelsea": (130, 72),
    "coffee": (196, 214),
    "rocket": (285, 122),
    "china": (160, 70),
}
_DETAIL, _AROUND, _FACTOR = 75, 24, 4

_ABOUT = """\
# Every local operation, seen

What the local engines make of the five photos of `tests/photos`, and of ten prompts. Made by
`make pictures`; the parameters are below each sheet, all others are at their defaults. The photo of
the tower is by danielbuechele (CC BY 2.0; see NOTICE).

- The photos are 451 to 640 px wide and used as they are; what is shown is shrunk to {cell} px. The
  upscales show {detail} × {detail} px of a photo, enlarged {factor} times.
- An outline in magenta shows what was selected. Chequers are transparency. What was refused says
  so, in its own words; what says of itself that it may be poor is marked “a person should look”.
- `picture:mountains`, `picture:leaves` and `picture:cup` stand for blobs: two pictures that
  `create.generate` made, and the cup of `coffee.jpg`, cut out by `edit.remove_background`.
- Below each sheet is what was seen in it by eye, on {judged_on}. What the operations cost and how
  true they are is in [operations-cost.md](operations-cost.md).
"""


# Running


class Bench:
    """The operations, and the blobs that they read and write, in memory."""

    def __init__(self) -> None:
        every = [Generate(), *edits(), Fast(), Conservative(), Creative()]
        self._operations: dict[str, AnyOperation] = {one.name: one for one in every}
        self._blobs: dict[str, bytes] = {}
        self._named: dict[str, str] = {}

    async def run(self, name: str, image: Image | None, params: Params) -> Output:
        """One output of an operation. Refused as the operation refuses."""
        operation = self._operations[name]
        parsed = operation.parse(await self._with_blobs(params))
        facts = image.facts if image else None
        operation.check(facts, parsed)
        work = Work(
            UUID(int=0),
            parsed,
            image,
            facts,
            operation.providers[0],
            self.read,
            write_blob=self.write,
        )
        [made] = await operation.run(work)
        if not isinstance(made, Output) or made.image is None:
            raise SystemExit(f"{name} made nothing: {made}")
        return made

    async def read(self, digest: str) -> bytes:
        """A blob's bytes."""
        return self._blobs[digest]

    async def write(self, data: bytes) -> str:
        """Keep a blob."""
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        self._blobs[digest] = data
        return digest

    async def _with_blobs(self, params: Params) -> dict[str, Any]:
        return {
            name: await self._digest(value.removeprefix("picture:"))
            if isinstance(value, str) and value.startswith("picture:")
            else value
            for name, value in params.items()
        }

    async def _digest(self, name: str) -> str:
        """The digest of a picture that parameters name."""
        if name not in self._named:
            image = await self._picture(name)
            self._named[name] = await self.write(encode(image, "image/png"))
        return self._named[name]

    async def _picture(self, name: str) -> Image:
        if name == "cup":
            made = (await self.run("edit.remove_background", photo("coffee"), {})).image
            assert made
            return made.with_pixels(made.pixels.crop(made.pixels.getchannel("A").getbbox()))
        prompt = {
            "mountains": "a calm sunrise over misty mountains",
            "leaves": "botanical leaves, sage and cream, pattern",
        }[name]
        made = (await self.run("create.generate", None, {"prompt": prompt})).image
        assert made
        return made


def photo(name: str) -> Image:
    """A photo of the tests."""
    [path] = _PHOTOS.glob(f"**/{name}.jpg")
    return decode(path.read_bytes())


# Sheets


async def sheet(subject: Subject, bench: Bench) -> bytes:
    """A JPEG with everything that a subject shows."""
    if subject.operation == "create.generate":
        cells = [await _generated(case, bench) for case in subject.cases]
        return drawn([cells[:5], cells[5:]], _SMALL)
    if subject.operation.startswith("upscale."):
        return drawn(await _enlarged(subject, bench))
    return drawn(await _edited(subject, bench))


async def _generated(case: Case, bench: Bench) -> Cell:
    made = await bench.run("create.generate", None, case.params)
    assert made.image
    style = made.details["style"] or "no style"
    return Cell(made.image.pixels, f"{case.params['prompt']} ({style})")


async def _edited(subject: Subject, bench: Bench) -> list[list[Cell]]:
    """A row of photos, unless each case shows its own with what was selected; a row a case."""
    rows: list[list[Cell]] = []
    shown: list[str] = []
    for case in subject.cases:
        before, after = [], []
        for name in NAMES:
            image = photo(name)
            title = case.title or case.params["instruction"]
            try:
                made = await bench.run(subject.operation, image, case.of(name))
            except Refused as refused:
                before.append(Cell(image.pixels, name))
                after.append(Cell(None, f"{title}: refused. {refused.says}"))
                continue
            mask = made.details.get("mask")
            pixels = _outlined(image.pixels, await bench.read(mask)) if mask else image.pixels
            before.append(Cell(pixels, f"{name}: {_selection(case.of(name))}" if mask else name))
            assert made.image
            doubt = " (a person should look)" if made.details.get("needs_review") else ""
            after.append(Cell(made.image.pixels, title + doubt))
        words = [cell.words for cell in before]
        if words != shown and (not rows or any(": " in one for one in words)):
            rows.append(before)
        shown = words
        rows.append(after)
    return rows


def _selection(params: Params) -> str:
    """How it was selected, in a word or two."""
    if "select" in params:
        return f"“{params['select']}”"
    return ", ".join(params["mask"])


def _outlined(pixels: Pillow.Image, mask: bytes) -> Pillow.Image:
    selected = np.asarray(decode(mask).pixels.convert("L")) >= 128
    edges, _ = cv2.findContours(selected.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    canvas = np.array(pixels.convert("RGB"))
    cv2.drawContours(canvas, edges, -1, _SELECTED, 2)
    return Pillow.fromarray(canvas)


async def _enlarged(subject: Subject, bench: Bench) -> list[list[Cell]]:
    """Small parts of the photos: their pixels, by bicubic, and by the operation."""
    side = _DETAIL * _FACTOR
    before, bicubic = [], []
    after: list[list[Cell]] = [[] for _ in subject.cases]
    for name, (left, top) in _DETAILS.items():
        pixels = photo(name).pixels
        part = pixels.crop((left, top, left + _DETAIL, top + _DETAIL))
        wide = Image(pixels.crop((left - _AROUND, top - _AROUND, left + _DETAIL + _AROUND,
                                  top + _DETAIL + _AROUND)))  # fmt: skip
        before.append(Cell(part.resize((side, side), Pillow.Resampling.NEAREST), f"{name}: before"))
        smooth = wide.pixels.resize(
            (wide.width * _FACTOR, wide.height * _FACTOR), Pillow.Resampling.BICUBIC
        )
        bicubic.append(Cell(_inner(smooth), "bicubic, to compare with"))
        for row, case in zip(after, subject.cases, strict=True):
            made = await bench.run(subject.operation, wide, case.params)
            assert made.image
            row.append(Cell(_inner(made.image.pixels), case.title))
    return [before, bicubic, *after]


def _inner(pixels: Pillow.Image) -> Pillow.Image:
    cut, side = _AROUND * _FACTOR, _DETAIL * _FACTOR
    return pixels.crop((cut, cut, cut + side, cut + side))


def matte_sheet(found: Sequence[matting.Matte]) -> bytes:
    """The scenes whose mattes are worst: the scene, what is known, and what was found."""
    worst = sorted(found, key=lambda one: one.iou)[:5]
    rows = [
        [Cell(one.scene.image.pixels, f"{one.scene.name}: IoU {one.iou:.3f}") for one in worst],
        [Cell(_grey(one.known), "known") for one in worst],
        [Cell(_grey(one.found), "refused" if one.is_refused else "found") for one in worst],
    ]
    return drawn(rows, _SMALL)


def _grey(matte: np.ndarray[Any, np.dtype[np.float32]]) -> Pillow.Image:
    return Pillow.fromarray((matte * 255 + 0.5).astype(np.uint8)).convert("RGB")


# The page


def page(folder: str) -> str:
    """The page that shows the sheets of a folder."""
    about = _ABOUT.format(cell=CELL, detail=_DETAIL, factor=_FACTOR, judged_on=_JUDGED_ON)
    return "\n".join([about, *(line for one in SUBJECTS for line in _section(one, folder))])


def _section(subject: Subject, folder: str) -> Iterator[str]:
    yield f"## {subject.operation}"
    yield ""
    yield f"![What {subject.operation} made.]({folder}/{subject.operation}.jpg)"
    yield ""
    yield from textwrap.wrap(subject.judged, 100)
    yield ""
    yield "| row | parameters |"
    yield "| --- | --- |"
    for number, case in enumerate(subject.cases, 1):
        told = [_told(case.params)] if case.params or not case.each else []
        told += [f"{name}: {_told(params)}" for name, params in case.each.items()]
        yield f"| {case.title or number} | {'<br>'.join(told)} |"
    yield ""


def _told(params: Params) -> str:
    return f"`{json.dumps(params, ensure_ascii=False)}`" if params else "all at their defaults"


# Costs

#: On the astronaut, as large as asked; what is made is as large, but for upscales and outpainting.
COSTED: tuple[tuple[str, Params], ...] = (
    *(("create.generate", case.params) for case in SUBJECTS[0].cases),
    ("edit.adjust", {"brightness": 0.2, "contrast": 0.2, "temperature": -0.4, "saturation": 0.3}),
    ("edit.adjust", {"palette": ["#0a3d62", "#e58e26", "#f8efba"]}),
    ("edit.erase", box_mask(0.68, 0.0, 0.93, 0.56)),
    ("edit.general", {"instruction": "brighter and slightly warmer, crop to 1:1"}),
    ("edit.inpaint", point_mask(0.33, 0.75)),
    ("edit.outpaint", {"ratio": "16:9"}),
    ("edit.remove_background", {}),
    ("edit.replace_background", {"colour": "white"}),
    ("edit.replace_background", {"gradient": {"first": "white", "last": "#5b7fa6"}}),
    ("edit.replace_background", {"image": "picture:mountains", "relight": 0.7}),
    ("edit.resize", {"max_side": 512}),
    ("edit.search_recolor", {"select": "the orange suit", "colour": "#1f5fbf"}),
    ("edit.search_replace", {"select": "the orange suit", "erase": True}),
    ("edit.search_replace", {"select": "the orange suit", "image": "picture:leaves"}),
    ("edit.text", {"text": "Grand opening"}),
    ("upscale.fast", {"factor": 2}),
    ("upscale.conservative", {"factor": 2}),
    ("upscale.creative", {"factor": 2}),
)
SIZES = {"1 MP": 1024, "4 MP": 2048}  # px a side
_WARM = 256  # px a side, of the picture that it has done before
_LONGEST = 150.0  # s: no longer is waited for one measurement

_COST_ABOUT = """\
# What the local operations cost, and how true they are

Made by `python -m benchmarks.pictures --costs docs/operations-cost.md`, from measurements only;
nothing here is written by hand. What the operations make is shown in [pictures.md](pictures.md).
Measured on: {where}. Other work shared the machine
while the costs were measured; CPU times grow with the load, too. What had been measured at a load
average above 4 was dropped and measured again; it was {least:.1f} to {most:.1f} for what is here.

## Time and memory

One run of an operation in a fresh process that has done it once before, on {warm} × {warm} px, so
that weights are loaded. The picture is the astronaut, resized to 1024 × 1024 (1 MP) and to 2048 ×
2048 px (4 MP); `create.generate` makes that size, upscales double its sides. Decoding and encoding
are not counted. Peak is the process's high-water mark during the run (`VmHWM`) with Python and all
libraries; before is what it held (`VmRSS`) when the run began, at 1 MP. No run is waited for longer
than {longest:.0f} s. `optimizer.export` is in [benchmarks.md](benchmarks.md).

{table}

"""


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one run."""

    cpu_s: float
    wall_s: float
    peak_mb: float  # of the process, MiB
    idle_mb: float  # before, MiB
    load: float  # of the machine, over the minute before


def costs() -> str:
    """The page: time and memory, how true upscales are, how near mattes come."""
    rows = [["operation", "parameters", "before MiB"]]
    rows[0] += [f"{what}, {size}" for size in SIZES for what in ("CPU s", "wall s", "peak MiB")]
    loads: list[float] = []
    for name, params in COSTED:
        row, before = [f"`{name}`", _told(params)], "–"
        for side in SIZES.values():
            told = _kept_cost(name, params, side)
            if isinstance(told, str):
                row += [told, "–", "–"]
                continue
            loads.append(told.load)
            before = f"{told.idle_mb:.0f}" if before == "–" else before
            row += [f"{told.cpu_s:.2f}", f"{told.wall_s:.2f}", f"{told.peak_mb:.0f}"]
        rows.append([*row[:2], before, *row[2:]])
    rows.insert(1, ["---"] * len(rows[0]))
    about = _COST_ABOUT.format(
        where=", ".join(machine.host().values()),
        least=min(loads),
        most=max(loads),
        warm=_WARM,
        longest=_LONGEST,
        table="\n".join(f"| {' | '.join(row)} |" for row in rows),
    )
    return about + upscale.quality()


def _kept_cost(name: str, params: Params, side: int) -> Cost | str:
    """The cost, measured now unless it was before; or why there is none."""
    asked = json.dumps({"name": name, "params": params, "side": side}, sort_keys=True)
    file = _COSTS / f"{name}-{side}-{hashlib.sha256(asked.encode()).hexdigest()[:8]}.json"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(_of_a_fresh_process(asked)))
    kept = json.loads(file.read_text())
    return kept if isinstance(kept, str) else Cost(**kept)


def _of_a_fresh_process(asked: str) -> Any:
    try:
        told = subprocess.run(
            [sys.executable, "-m", "benchmarks.pictures", "--cost", asked],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            timeout=_LONGEST,
        ).stdout
    except subprocess.TimeoutExpired:
        return f"over {_LONGEST:.0f} s"
    return json.loads(told.splitlines()[-1])


async def _cost(name: str, params: Params, side: int) -> Cost | str:
    """Measured in this process; or the rule by which the operation refuses."""
    bench = Bench()
    try:
        await bench.run(name, *_asked(name, params, _WARM))
        image, asked = _asked(name, params, side)
        load, idle = os.getloadavg()[0], _status_mb("VmRSS")
        _forget_the_peak()
        cpu, wall = time.process_time(), time.perf_counter()
        await bench.run(name, image, asked)
    except Refused as refused:
        return f"refused: `{refused.rule}`"
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return Cost(cpu, wall, _status_mb("VmHWM"), idle, load)


def _asked(name: str, params: Params, side: int) -> tuple[Image | None, Params]:
    if name == "create.generate":
        return None, {**params, "width": side, "height": side}
    pixels = photo("astronaut").pixels.resize((side, side), Pillow.Resampling.BICUBIC)
    return Image(pixels), params


def _forget_the_peak() -> None:
    """The high-water mark begins anew: making the picture that is asked for is not the work."""
    Path("/proc/self/clear_refs").write_text("5")


def _status_mb(name: str) -> float:
    """Memory in MiB."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    if found is None:
        raise RuntimeError(f"/proc/self/status tells no {name}")
    return int(found[1]) / 1024


async def _pictures(file: Path, only: Sequence[str]) -> None:
    folder = file.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    bench = Bench()
    for subject in SUBJECTS:
        if not only or subject.operation in only:
            (folder / f"{subject.operation}.jpg").write_bytes(await sheet(subject, bench))
    file.write_text(page(folder.name), encoding="utf-8")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.pictures", description=__doc__)
    parser.add_argument("--page", type=Path, help="page to write, with its sheets")
    parser.add_argument("--only", default="", help="operations, separated by commas")
    parser.add_argument("--costs", type=Path, help="page to write, of costs and figures")
    parser.add_argument("--cost", help=argparse.SUPPRESS)  # one measurement, in its own process
    wanted = parser.parse_args()
    if wanted.cost:
        told = asyncio.run(_cost(**json.loads(wanted.cost)))
        sys.stdout.write(json.dumps(told if isinstance(told, str) else asdict(told)) + "\n")
    if wanted.page:
        asyncio.run(_pictures(wanted.page, wanted.only.split(",") if wanted.only else []))
    if wanted.costs:
        found = matting.mattes()
        folder = wanted.costs.with_name("pictures")
        (folder / "mattes.jpg").write_bytes(matte_sheet(found))
        shown = "![The five worst mattes.](pictures/mattes.jpg)\n"
        text = "\n".join([costs(), matting.section(found), shown])
        wanted.costs.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
