"""Upscale: how true the local engines are, how long they take, and what memory.

    python -m benchmarks.upscale [--longest 180] [--page FILE.md]

Prints the section, or writes it as a page of its own. Each time and peak is of a fresh process;
`--longest 0` measures none and leaves that table out.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import fmean

from PIL import Image as Pillow

from benchmarks import machine
from services.upscale.detail import Detail, enhance
from services.upscale.enlarge import enlarged
from services.upscale.fidelity import fidelity
from services.upscale.operations import fast
from services.upscale.operations.creative import MAX_INPUT
from services.upscale.providers.lanczos import LanczosEngine
from services.upscale.providers.sharpened import SharpenedLanczos
from services.upscale.providers.waifu2x import Waifu2x
from services.upscale.waifu2x.net import CUNET
from studio.imaging.enlargement import MAX_PIXELS
from studio.imaging.image import Image
from studio.imaging.similarity import psnr, ssim

PHOTOS = Path(__file__).parents[1] / "tests" / "photos"
FACTORS = (2, 4)

_BORDER = 8  # px that are not compared: filters see no neighbours there
_LONGEST = 180.0  # s: what would take longer is left out, unless another bound is given
_SIZES = ((1024, 1024), (2048, 2048))
_EIGHT_K = (1365, 768), (7680, 4321)

_ABOUT = """\
## Upscaling: the local engines

Means over the photographs of `tests/photos`, cut to a multiple of 8 px: each is the truth, and what
is enlarged is its bicubic reduction. PSNR and SSIM are of luma, without the outer 8 px. "Back" is
what the studio itself measures, without the truth: the SSIM of the source and the result shrunk
back. Clean reductions favour faithful nets; creative is not meant to come near a truth.

{quality}
"""
_COST = """
Time and memory of one enlargement in a fresh process that has enlarged a small picture before: the
astronaut, resized. The peak is the process's high-water mark (`VmHWM`) with Python and all
libraries; "result" is what the decoded result itself needs. Made by `benchmarks/upscale.py`; rows
that would take more than {longest:.0f} s are left out, and those beyond the limits of their mode.

{cost}

Measured on: {where}.
"""


class Bicubic:
    """Pillow's bicubic filter, to compare with."""

    name, version = "bicubic", ""

    def enlarged(self, pixels: Pillow.Image, width: int, height: int) -> Pillow.Image:
        """At exactly that size."""
        return pixels.resize((width, height), Pillow.Resampling.BICUBIC)


def creative(image: Image, width: int, height: int) -> Image:
    """As `upscale.creative` at its default."""
    made = enlarged(image, width, height, Waifu2x())
    enhance(made.pixels, Detail(creativity=0.3, scale=width / image.width, seed=0))
    return made


#: By the name that tables have, with the mode whose engine it is.
CONTENDERS: dict[str, Callable[[Image, int, int], Image]] = {
    "bicubic": partial(enlarged, engine=Bicubic()),
    "Lanczos": partial(enlarged, engine=LanczosEngine()),
    "fast: Lanczos, sharpened": partial(enlarged, engine=SharpenedLanczos()),
    "fast: waifu2x photo, one pass": partial(enlarged, engine=Waifu2x(most_passes=1)),
    "conservative: waifu2x photo": partial(enlarged, engine=Waifu2x()),
    "conservative: waifu2x CUNet": partial(enlarged, engine=Waifu2x(CUNET)),
    "creative: 0.3": creative,
}


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one enlargement."""

    cpu_s: float
    wall_s: float
    peak_mb: float  # of the process, MiB
    idle_mb: float  # before, MiB


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.upscale", description=__doc__)
    parser.add_argument("--page", type=Path, help="file to write; by default it is printed")
    parser.add_argument("--cost", help=argparse.SUPPRESS)  # one measurement, in its own process
    parser.add_argument(
        "--longest", type=float, default=_LONGEST, help="s; what would take longer is left out"
    )
    wanted = parser.parse_args()
    if wanted.cost:
        told = asdict(_measured(**json.loads(wanted.cost)))
        sys.stdout.write(json.dumps(told) + "\n")
        return
    section = quality()
    if wanted.longest:
        where = ", ".join(machine.host().values())
        cost = _cost_table(wanted.longest)
        section += _COST.format(cost=cost, longest=wanted.longest, where=where)
    if wanted.page:
        wanted.page.write_text(section, encoding="utf-8")
    else:
        sys.stdout.write(section)


def quality() -> str:
    """How true each engine is, as a section."""
    return _ABOUT.format(quality=_quality_table())


def _quality_table() -> str:
    heads = [f"{what} ×{factor}" for factor in FACTORS for what in ("PSNR, dB", "SSIM", "back")]
    rows = []
    for name, contender in CONTENDERS.items():
        cells = [name]
        for factor in FACTORS:
            scores = [_scores(contender, truth, factor) for truth in _truths()]
            decibels, structure, back = (fmean(one) for one in zip(*scores, strict=True))
            cells += [f"{decibels:.2f}", f"{structure:.4f}", f"{back:.4f}"]
        rows.append(cells)
    return _table(["engine", *heads], rows)


def _truths() -> Iterator[Pillow.Image]:
    for file in sorted(PHOTOS.glob("*.jpg")):
        photo = Pillow.open(file).convert("RGB")
        yield photo.crop((0, 0, photo.width // 8 * 8, photo.height // 8 * 8))


def _scores(
    contender: Callable[[Image, int, int], Image], truth: Pillow.Image, factor: int
) -> tuple[float, float, float]:
    """PSNR and SSIM of luma against the truth, and the SSIM against the source."""
    size = truth.width // factor, truth.height // factor
    small = Image(truth.resize(size, Pillow.Resampling.BICUBIC))
    made = contender(small, *truth.size)
    inside = (_BORDER, _BORDER, truth.width - _BORDER, truth.height - _BORDER)
    one, other = (part.convert("L").crop(inside) for part in (truth, made.pixels))
    return psnr(one, other), ssim(one, other), fidelity(small, made).ssim


def _cost_table(longest: float) -> str:
    heads = ["engine", "from", "to", "CPU s", "wall s", "peak MiB", "before MiB", "result MiB"]
    rows: list[list[str]] = []
    for name in CONTENDERS:
        seconds = 0.0  # for each pixel of the result, so far
        for source, size in _enlargements():
            pixels = math.prod(size)
            if not _is_offered(name, math.prod(source), pixels) or seconds * pixels > longest:
                continue
            cost = _of_a_fresh_process(name, source, size)
            seconds = max(seconds, cost.wall_s / pixels)
            rows.append(
                [
                    name,
                    "×".join(map(str, source)),
                    "×".join(map(str, size)),
                    f"{cost.cpu_s:.1f}",
                    f"{cost.wall_s:.1f}",
                    f"{cost.peak_mb:.0f}",
                    f"{cost.idle_mb:.0f}",
                    f"{pixels * 4 / 2**20:.0f}",
                ]
            )
    return _table(heads, rows)


def _is_offered(name: str, source: int, result: int) -> bool:
    """Whether the mode whose engine it is takes so many pixels and makes so many."""
    mode = name.partition(":")[0]
    most = fast.MAX_PIXELS if mode == "fast" else MAX_PIXELS
    return result <= most and (mode != "creative" or source <= MAX_INPUT)


def _enlargements() -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Sizes before and after."""
    for width, height in _SIZES:
        for factor in FACTORS:
            yield (width, height), (width * factor, height * factor)
    yield _EIGHT_K


def _of_a_fresh_process(name: str, source: tuple[int, int], size: tuple[int, int]) -> Cost:
    asked = json.dumps({"name": name, "source": source, "size": size})
    told = subprocess.run(
        [sys.executable, "-m", "benchmarks.upscale", "--cost", asked],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    return Cost(**json.loads(told.splitlines()[-1]))


def _measured(name: str, source: Sequence[int], size: Sequence[int]) -> Cost:
    contender = CONTENDERS[name]
    photo = Pillow.open(PHOTOS / "astronaut.jpg").convert("RGB")
    contender(Image(photo.crop((0, 0, 24, 24))), 96, 96)
    image = Image(photo.resize((source[0], source[1]), Pillow.Resampling.BICUBIC))
    idle, cpu, wall = _status_mb("VmRSS"), time.process_time(), time.perf_counter()
    contender(image, size[0], size[1])
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return Cost(cpu, wall, _status_mb("VmHWM"), idle)


def _status_mb(name: str) -> float:
    """Memory in MiB."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    if found is None:
        raise RuntimeError(f"/proc/self/status tells no {name}")
    return int(found[1]) / 1024


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


if __name__ == "__main__":
    main()
