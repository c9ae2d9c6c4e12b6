"""Crops: what ours, the centre's, libvips' and smartcrop.js' windows keep of known subjects.

    python -m benchmarks.crops [--seeds 5] [--page docs/crops.md]

The scenes and the measures are those of tests/unit/optimizer/test_labelled_scenes.py; here are more
seeds, and one contender more if `npm ci` was run in benchmarks/peers.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from services.optimizer.placements import placement_book
from studio.imaging.geometry import Box
from tests.scenes import SEED
from tests.windows import (
    ENOUGH,
    Frame,
    Look,
    attention_window,
    centre_window,
    cut_faces,
    frames,
    is_possible,
    kept_area,
    least_kept,
    looks,
    our_window,
    window_sides,
)

PEERS = Path(__file__).parent / "peers"

_ABOUT = """\
# What crops keep

Does the smart crop keep the subject? {scenes} composed scenes ({seeds} seeds of {kinds} kinds), of
which it is known where their subjects and faces are, cut to all {frames} frames (ratio and safe
zone) that the {placements} placements of version {version} ask for. Made
by `make crops`.

{table}

- **Kept area**: the mean part of the area of the subjects' boxes that is in the window, over all
  windows, those that have no room for all subjects among them.
- **Subjects kept**: the windows that keep at least 95 % of each subject, of those for which
  geometry allows it: the largest window of the ratio has room for the box around all subjects.
- **Faces cut**: the windows in which a face, hairline to chin, is not whole, of those that have
  room for all faces of the scene.
- **Kept weight**: the mean part of the focal weight. The weight is our own measure, so this column
  says how far our windows are from what they look for; the other three are independent of it.

## How it is measured

- The scenes are made by `tests/scenes.py`: 3:2, 1:1, 16:9 and 9:16, 675 to 1200 px a side;
  cut-outs of the photos of `tests/photos` and drawn objects before a gradient, noise, wood out of
  focus, or lights; one subject in the middle or off it, two, larger than any safe zone, faces, and
  a person. The seed moves each piece by up to 2 % and makes the ground.
- Nobody is told where the subjects are. Ours are the windows that renditions are cut by, with the
  safe zones of the placements; the others know no safe zones.
- All windows are the largest of their ratio: no contender zooms in.
- libvips is {vips}, `smartcrop` with `attention`, on the scene in full size.{smartcrop}
- `tests/unit/optimizer/test_labelled_scenes.py` holds the first seed, {seed}, to all of it: every
  subject and every face kept where geometry allows it, and more kept than by the centre crop and
  by libvips.

## Where ours fail

What the saliency net does not see is not kept, unless it is a face or the user names it.

{failures}
"""
_SMARTCROP = """
- smartcrop.js is {version}, through its sharp adapter, with its defaults."""

Windows = Sequence[tuple[Look, Frame, Box]]


@dataclass(frozen=True, slots=True)
class Score:
    """What a contender's windows keep."""

    area: float  # mean, 0..1
    kept: int  # windows with enough of every subject …
    possible: int  # … of those that have room for all
    cut: int  # windows that cut a face …
    uncut: int  # … of those that have room for all faces
    weight: float  # mean, 0..1


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.crops", description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="sets of twenty scenes")
    parser.add_argument("--page", type=Path, help="file to write; by default the table is printed")
    wanted = parser.parse_args()
    seen = [look for seed in range(SEED, SEED + wanted.seeds) for look in looks(seed)]
    found = {
        "ours": _windows(seen, our_window),
        "centre": _windows(seen, centre_window),
        "libvips, attention": _windows(seen, attention_window),
    }
    if (PEERS / "node_modules").is_dir():
        found["smartcrop.js"] = _of_smartcrop(seen)
    table = _table({name: score(windows) for name, windows in found.items()})
    if wanted.page:
        wanted.page.write_text(_page(table, seen, wanted.seeds, found))
    sys.stdout.write(table + "\n" + "\n".join(_failures(found["ours"])) + "\n")


def score(windows: Windows) -> Score:
    """The sums and means of a contender's windows."""
    least = [
        least_kept(look.scene, window)
        for look, frame, window in windows
        if is_possible(look.scene, frame, look.scene.subjects)
    ]
    cut = [
        bool(cut_faces(look.scene, window))
        for look, frame, window in windows
        if look.scene.faces and is_possible(look.scene, frame, look.scene.faces)
    ]
    return Score(
        area=fmean(kept_area(look.scene, window) for look, _, window in windows),
        kept=sum(one >= ENOUGH for one in least),
        possible=len(least),
        cut=sum(cut),
        uncut=len(cut),
        weight=fmean(look.kept_weight(window) for look, _, window in windows),
    )


def _windows(seen: Sequence[Look], way: Callable[[Look, Frame], Box]) -> Windows:
    return [(look, frame, way(look, frame)) for look in seen for frame in frames()]


def _of_smartcrop(seen: Sequence[Look]) -> Windows:
    """One call a ratio, as it knows no safe zones; from files, as its users have them."""
    by_ratio = {frame.ratio: frame for frame in frames()}
    with tempfile.TemporaryDirectory(prefix="crops-") as name:
        asked = []
        for index, look in enumerate(seen):
            file, image = Path(name) / f"{index}.png", look.scene.image
            image.pixels.save(file, compress_level=1)
            for frame in by_ratio.values():
                wide, tall = window_sides(look.scene, frame)
                size = {"width": round(wide * image.width), "height": round(tall * image.height)}
                asked.append({"file": str(file), **size})
        task = Path(name) / "asked.json"
        task.write_text(json.dumps(asked))
        told = subprocess.run(
            ["node", "windows.mjs", str(task)], cwd=PEERS, check=True, stdout=subprocess.PIPE
        ).stdout
    answers = iter(json.loads(told))
    found = {
        (id(look), ratio): _placed(look, frame, next(answers))
        for look in seen
        for ratio, frame in by_ratio.items()
    }
    return [(look, frame, found[id(look), frame.ratio]) for look in seen for frame in frames()]


def _placed(look: Look, frame: Frame, answer: dict[str, float]) -> Box:
    """Its window at its exact size: it answers in whole pixels of a smaller picture."""
    image, (wide, tall) = look.scene.image, window_sides(look.scene, frame)
    x = (answer["x"] + answer["width"] / 2) / image.width - wide / 2
    y = (answer["y"] + answer["height"] / 2) / image.height - tall / 2
    x, y = min(max(x, 0.0), 1 - wide), min(max(y, 0.0), 1 - tall)
    return Box(x0=x, y0=y, x1=min(1.0, x + wide), y1=min(1.0, y + tall))


def _table(scores: dict[str, Score]) -> str:
    lines = [
        "| | kept area | subjects kept | faces cut | kept weight |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, one in scores.items():
        kept = f"{one.kept / one.possible:.1%} ({one.kept} of {one.possible})"
        cells = (name, f"{one.area:.1%}", kept, f"{one.cut} of {one.uncut}", f"{one.weight:.1%}")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _failures(windows: Windows) -> Iterator[str]:
    """Scenes in which something is lost that geometry allows to keep."""
    lost, cut, least = Counter[int](), Counter[int](), dict[int, float]()
    scenes = {id(look): look for look, _, _ in windows}
    for look, frame, window in windows:
        scene, key = look.scene, id(look)
        if is_possible(scene, frame, scene.subjects):
            kept = least_kept(scene, window)
            lost[key] += kept < ENOUGH
            least[key] = min(kept, least.get(key, 1.0))
        if scene.faces and is_possible(scene, frame, scene.faces):
            cut[key] += bool(cut_faces(scene, window))
    for index, (key, look) in enumerate(scenes.items()):
        if lost[key] or cut[key]:
            yield (
                f"- Scene {index + 1}, “{look.scene.name}”: {lost[key]} windows lose more than 5 % "
                f"of a subject (down to {least[key]:.0%} kept), {cut[key]} cut a face."
            )


def _page(table: str, seen: Sequence[Look], seeds: int, found: dict[str, Windows]) -> str:
    import pyvips

    book = placement_book()
    versions = json.loads((PEERS / "package.json").read_text())["dependencies"]
    return _ABOUT.format(
        scenes=len(seen),
        seeds=seeds,
        kinds=len(seen) // seeds,
        frames=len(frames()),
        placements=len(book.placements),
        version=book.version,
        table=table,
        vips=".".join(str(pyvips.version(part)) for part in range(3)),
        smartcrop=_SMARTCROP.format(version=versions["smartcrop"])
        if "smartcrop.js" in found
        else "",
        seed=SEED,
        failures="\n".join(_failures(found["ours"])) or "Nowhere in these scenes.",
    )


if __name__ == "__main__":
    main()
