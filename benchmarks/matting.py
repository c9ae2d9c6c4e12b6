"""Matting: how near the mattes of `edit.remove_background` come to mattes that are known.

    python -m benchmarks.matting [--seeds 1]

The scenes of tests/scenes.py are composed, so their alpha is known: it is that of the figures, put
where the scene says that they stand.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from uuid import UUID

import cv2
import numpy as np
from PIL import Image as Pillow

from services.edit.operations.remove_background import RemoveBackground
from services.edit.providers.local import LocalMatting
from studio.imaging.image import FloatArray, Image
from studio.operation import Output, Work
from studio.problems import Refused
from tests.scenes import _PLANS, SEED, Scene, _figure, scenes

_EDGE = 8  # px on either side of a known edge: what a person sees of a cut-out's quality
_GOOD = 0.9  # IoU from which a cut-out is the subject and little else

_ABOUT = """\
## Mattes: `edit.remove_background`

{count} scenes with known mattes ({seeds} seed{plural} of tests/scenes.py: cut-outs of the photos of
`tests/photos` and drawn objects before a gradient, noise, wood out of focus, a night sky or lights;
two thirds to one megapixel). They are composed, not photographed: their edges are clean, and none
has hair against a like ground; photographs with published mattes are not in any package that the
project installs. The matte's thresholds were chosen by eye on the same four photos, so this is no
independent test. All figures of a scene are its subject, a print with its white border, too. MAE is
the mean error of alpha, 0 to 1, over the picture; MAE at the edge, over the pixels within {edge} px
of a known edge; SAD the sum of the errors in thousands of pixels; IoU that of alpha ≥ 0.5. A
refusal (`edit.no_subject`) counts as an empty matte.

{table}

{good} of {count} scenes reach an IoU of {least}; {refused} were refused. Figures by scene:

{scenes}
"""


@dataclass(frozen=True, slots=True)
class Matte:
    """What was found in a scene, beside what is known."""

    scene: Scene
    known: FloatArray  # (h, w), 0..1
    found: FloatArray
    is_refused: bool = False

    @property
    def mae(self) -> float:
        """Mean error of alpha, 0..1."""
        return float(self._errors.mean())

    @property
    def sad(self) -> float:
        """Sum of the errors of alpha, thousands of pixels."""
        return float(self._errors.sum()) / 1000

    @property
    def edge_mae(self) -> float:
        """Mean error of alpha near the known edges."""
        opaque = (self.known >= 0.5).astype(np.uint8)
        near = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _EDGE + 1, 2 * _EDGE + 1))
        band = cv2.dilate(opaque, near) != cv2.erode(opaque, near)
        return float(self._errors[band].mean())

    @property
    def iou(self) -> float:
        """Intersection of what is more opaque than not, over the union."""
        known, found = self.known >= 0.5, self.found >= 0.5
        return float((known & found).sum() / max(1, (known | found).sum()))

    @property
    def _errors(self) -> FloatArray:
        return np.asarray(np.abs(self.found - self.known))


def mattes(seeds: int = 1) -> list[Matte]:
    """Every scene of so many seeds, cut out."""
    every = [
        (plan, scene)
        for seed in range(SEED, SEED + seeds)
        for plan, scene in zip(_PLANS, scenes(seed), strict=True)
    ]
    return [
        _cut(scene, known(scene, [piece.figure for piece in plan.pieces])) for plan, scene in every
    ]


def known(scene: Scene, figures: Sequence[str]) -> FloatArray:
    """The alpha of the figures where they stand, (h, w) float32 0..1."""
    clear = np.ones((scene.image.height, scene.image.width), np.float32)
    for name, place in zip(figures, scene.subjects, strict=True):
        left, top = round(place.x0 * scene.image.width), round(place.y0 * scene.image.height)
        right, bottom = round(place.x1 * scene.image.width), round(place.y1 * scene.image.height)
        size = right - left, bottom - top
        sized = _figure(name).pixels.resize(size, Pillow.Resampling.LANCZOS)
        alpha = np.asarray(sized.getchannel("A"), np.float32) / np.float32(255)
        clear[top:bottom, left:right] *= 1 - alpha
    return 1 - clear


def _cut(scene: Scene, alpha: FloatArray) -> Matte:
    try:
        found = asyncio.run(_found(scene.image))
    except Refused:
        return Matte(scene, alpha, np.zeros_like(alpha), is_refused=True)
    return Matte(scene, alpha, found)


async def _found(image: Image) -> FloatArray:
    operation = RemoveBackground(LocalMatting())
    work = Work(UUID(int=0), operation.parse({}), image, image.facts, "local", _no_blob)
    [made] = await operation.run(work)
    if not isinstance(made, Output) or made.image is None:
        raise SystemExit(f"{operation.name} made nothing: {made}")
    return np.asarray(made.image.pixels.getchannel("A"), np.float32) / np.float32(255)


async def _no_blob(digest: str) -> bytes:
    raise LookupError(f"there is no blob {digest} here")


def section(found: Sequence[Matte], seeds: int = 1) -> str:
    """The figures, as a section of a page."""
    return _ABOUT.format(
        count=len(found),
        seeds=seeds,
        plural="" if seeds == 1 else "s",
        edge=_EDGE,
        table="\n".join(_summary(found)),
        good=sum(one.iou >= _GOOD for one in found),
        least=_GOOD,
        refused=sum(one.is_refused for one in found),
        scenes="\n".join(_by_scene(found)),
    )


def _summary(found: Sequence[Matte]) -> Iterator[str]:
    yield "| | MAE | MAE at the edge | SAD, k | IoU |"
    yield "| --- | --- | --- | --- | --- |"
    for name, of in (("mean", fmean), ("median", median)):
        yield _row(name, *(of(column) for column in zip(*map(_figures, found), strict=True)))


def _by_scene(found: Sequence[Matte]) -> Iterator[str]:
    yield "| scene | MAE | MAE at the edge | SAD, k | IoU |"
    yield "| --- | --- | --- | --- | --- |"
    for one in sorted(found, key=lambda matte: -matte.iou):
        yield _row(one.scene.name + (" (refused)" if one.is_refused else ""), *_figures(one))


def _figures(one: Matte) -> tuple[float, float, float, float]:
    return one.mae, one.edge_mae, one.sad, one.iou


def _row(name: str, mae: float, edge: float, sad: float, iou: float) -> str:
    return f"| {name} | {mae:.4f} | {edge:.3f} | {sad:.1f} | {iou:.3f} |"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.matting", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1, help="scenes are made for each")
    wanted = parser.parse_args()
    sys.stdout.write(section(mattes(wanted.seeds), wanted.seeds))


if __name__ == "__main__":
    main()
