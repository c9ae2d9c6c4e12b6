"""Placements, seen: every placement of the newest book for five very different photos.

    python -m benchmarks.placements_sheet [--only astronaut,coffee] [--out docs]

Runs the operations themselves, `upscale.conservative`, `edit.remove_background` and
`optimizer.export`, and writes a contact sheet a photo, and the page that shows all of them unless
only some were asked for. Enlarged masters stay in benchmarks/.work; remove them to have them made
anew.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from benchmarks.contact_sheet import Tile, sheet
from services.edit.operations.remove_background import RemoveBackground
from services.edit.providers.local import LocalMatting
from services.optimizer.focus import Focus, find_focus
from services.optimizer.operations.export import Export
from services.optimizer.placements import Placement, placement_book
from services.optimizer.product import framed
from services.optimizer.rendition import Fitting, render
from services.optimizer.resize import Pyramid
from services.upscale.operations.conservative import Conservative
from studio.imaging.decode import decode
from studio.imaging.encode import encode
from studio.imaging.image import Image
from studio.imaging.similarity import ssim
from studio.operation import AnyOperation, Failure, Output, Work

HERE = Path(__file__).parent
_PHOTOS = HERE.parent / "tests" / "photos"
_MASTERS = HERE / ".work" / "placements"

#: What a master covers, px: stories are 1920 tall. A few placements need more and refuse it.
_COVER = {"width": 2560, "height": 1920}
_WHITE = (255, 255, 255)
#: The figure of a reason that differs between placements: what was measured, not what is asked.
_FIGURE = re.compile(r"\b\d+%?(?= of the subject| of what stands| of the frame;| px needed)")
_RATIO = re.compile(r"with ratio \d+:\d+")

_ABOUT = """\
# Every placement, five photos

The renditions that `optimizer.export` makes of five very different photos for all {count}
placements of version {version}, with nothing set but the alt text. This page and its sheets are
made by `python -m benchmarks.placements_sheet`.

- The photos of `tests/photos` are about 512 px wide. They were enlarged first, by
  `upscale.conservative`, to cover {cover}. What is soft is soft for that reason.
- Below each tile: the placement, its size in px, the format that was chosen, the size of the file,
  the encoder's quality, and the SSIM of the file against the pixels that were to be encoded.
- The green line is the safe zone, the green circle what the platform shows. Both are drawn on the
  sheet, never in a file. Chequers are transparency.
- **Review** marks a file that was made and that a person should look at. **Refused** marks one
  that was not made; all other placements of the run were.
- What is said by eye was seen on the sheets on {seen_on}.
"""


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo of tests/photos, and what is said of it."""

    name: str
    title: str
    alt_text: str
    judged: str  # by eye, on `_SEEN_ON`
    source: str = ""  # the photo that it is cut out of, if it is a cut-out

    @property
    def master(self) -> Path:
        """Where its enlarged master is kept."""
        return _MASTERS / f"{self.name}.png"


#: When the sheets were last looked at: whoever makes them anew looks again, and changes this day.
_SEEN_ON = "2026-11-26"

PHOTOS = (
    Photo(
        "astronaut",
        "A face",
        "An astronaut in an orange suit smiles before a flag.",
        "The head is whole wherever the placement is tall enough; the flattest banners cut it and "
        "say so. In stories the hair reaches above the safe zone: the photo has no room above it. "
        "Round profile pictures zoom in on the face.",
    ),
    Photo(
        "chelsea",
        "An animal that fills the frame",
        "A tabby cat looks past the camera.",
        "Landscape is good; the flattest banners keep little more than the eyes. Squares graze the "
        "right eye and are not marked; portraits and stories cut or lose it, and are: no human "
        "face is there to be kept, so the share of what stands out decides.",
    ),
    Photo(
        "coffee",
        "An object on a table",
        "An espresso in a red cup, with a spoon.",
        "Squares and portraits are good. Landscape cuts the saucer and a little of the rim, which "
        "is not marked; stories and flat banners leave too little of the cup, and are marked.",
    ),
    Photo(
        "rocket",
        "A dark scene",
        "A rocket stands lit on its pad at night.",
        "The rocket is whole and upright in all but the flattest banners, which are marked. No "
        "banding in the sky at tile size.",
    ),
    Photo(
        "coffee-cut-out",
        "A cut-out",
        "An espresso in a red cup, cut out.",
        "The cup stands whole inside every safe zone. No fringe of the table or of white on "
        "the parts of its edge seen at full size (amazon_main). JPEG has the white ground that "
        "is the default. Files of fewer colours show bands in the shadows at full size "
        "(facebook_cover).",
        source="coffee",
    ),
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of one photo."""

    photo: Photo
    master: Image
    focus: Focus
    tiles: tuple[Tile, ...]


async def seen(photo: Photo) -> Seen:
    """Every placement for one photo."""
    image = await _master(photo)
    made = await _run(Export(), image, placements=["all"], alt_text=photo.alt_text)
    focus = find_focus(image)
    pyramid = Pyramid(image.pixels)
    tiles = [
        _tile(placement, one, _Reference(image, focus, pyramid))
        for placement, one in zip(placement_book().placements, made, strict=True)
    ]
    return Seen(photo, image, focus, tuple(tiles))


async def _master(photo: Photo) -> Image:
    """The enlarged photo, or what `edit.remove_background` leaves of it; made once, then kept."""
    if not photo.master.exists():
        source = (_PHOTOS / f"{photo.source or photo.name}.jpg").read_bytes()
        image = await _image(Conservative(), decode(source), cover=_COVER)
        if photo.source:
            image = await _image(RemoveBackground(LocalMatting()), image)
        photo.master.parent.mkdir(parents=True, exist_ok=True)
        photo.master.write_bytes(encode(image, "image/png"))
    return decode(photo.master.read_bytes())


async def _image(operation: AnyOperation, image: Image, **params: Any) -> Image:
    [made] = await _run(operation, image, **params)
    if isinstance(made, Failure) or made.image is None:
        raise SystemExit(f"{operation.name} made nothing: {made}")
    return made.image


async def _run(operation: AnyOperation, image: Image, **params: Any) -> Sequence[Output | Failure]:
    parsed = operation.parse(params)
    operation.check(image.facts, parsed)
    return await operation.run(
        Work(UUID(int=0), parsed, image, image.facts, operation.providers[0], _no_blob)
    )


async def _no_blob(digest: str) -> bytes:
    raise LookupError(f"there is no blob {digest} here")


@dataclass(frozen=True, slots=True)
class _Reference:
    """The pixels that were to be encoded; export compares them only where it had to search."""

    master: Image
    focus: Focus
    pyramid: Pyramid

    def similarity(self, placement: Placement, data: bytes) -> float:
        """SSIM, on white where the file is transparent."""
        wanted = framed(self.master, placement, Fitting(), self.pyramid) or render(
            self.master, placement, self.focus, pyramid=self.pyramid
        )
        file = decode(data).flattened(_WHITE)
        pixels = wanted.image.flattened(_WHITE)
        return ssim(pixels if pixels.size == file.size else pixels.resize(file.size), file)


def _tile(placement: Placement, made: Output | Failure, reference: _Reference) -> Tile:
    if isinstance(made, Failure):
        return Tile(placement, None, refused=_refusal(made))
    data, details = made.data or b"", made.details
    similarity = details["ssim"] or reference.similarity(placement, data)
    quality = f"q {details['quality']}" if details["quality"] else "no loss"
    quality = "fewer colours" if any("colours" in note for note in made.notes) else quality
    facts = f"{details['encoder']}\n{len(data) / 1000:,.0f} kB, {quality}, SSIM {similarity:.3f}"
    return Tile(placement, data, facts, review=details["needs_review"])


def _refusal(made: Failure) -> str:
    remedy = made.details.get("remedy")
    if remedy:
        return f"It would have to be enlarged: {remedy['params']['long_side']} px needed."
    return made.problem.says


def page(all_seen: Sequence[Seen]) -> str:
    """The page that shows the sheets."""
    book = placement_book()
    cover = f"{_COVER['width']} × {_COVER['height']}"
    about = _ABOUT.format(
        count=len(book.placements), version=book.version, cover=cover, seen_on=_SEEN_ON
    )
    return "\n".join([about, *(line for one in all_seen for line in _section(one))])


def _section(one: Seen) -> Iterator[str]:
    photo, master, tiles = one.photo, one.master, one.tiles
    made = sum(tile.data is not None for tile in tiles)
    review = sum(tile.review is not None for tile in tiles)
    origin = f"tests/photos/{photo.source or photo.name}.jpg"
    by = "enlarged, then `edit.remove_background`" if photo.source else "enlarged"
    yield f"## {photo.title}: {photo.name}"
    yield ""
    yield f"`{origin}`, {by}: {master.width} × {master.height}."
    yield f"{made} of {len(tiles)} were made, {review} of them are marked for review."
    yield from _found(one.focus)
    yield ""
    yield from textwrap.wrap(f"By eye: {photo.judged}", 100)
    yield ""
    yield f"![{photo.alt_text} {len(tiles)} placements.](placements/{photo.name}.jpg)"
    yield ""
    yield from _table(tiles)
    yield ""


def _found(focus: Focus) -> Iterator[str]:
    """What the crops were led by."""
    kinds = [region.kind for region in focus.regions]
    led = f"{kinds.count('face')} faces" if "face" in kinds else "no face"
    subject = "a subject" if focus.subject.any() else "no subject (what stands out fills the scene)"
    yield f"Found: {led.replace('1 faces', 'one face')}, {subject}."


def _table(tiles: Sequence[Tile]) -> Iterator[str]:
    """What was refused or needs review, the same reasons together."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for verdict in ("refused", "review"):
        for tile in tiles:
            if said := getattr(tile, verdict):
                said, figure = _without_figure(said.replace(tile.placement.id, "the placement"))
                name = f"`{tile.placement.id}` {figure}".strip()
                reasons.setdefault((verdict, said), []).append(name)
    if not reasons:
        yield "Nothing was refused and nothing needs review."
        return
    yield "| | why | placements |"
    yield "| --- | --- | --- |"
    for (verdict, why), names in reasons.items():
        yield f"| {verdict} | {why[:1].upper()}{why[1:]} | {', '.join(names)} |"


def _without_figure(reason: str) -> tuple[str, str]:
    """A reason without its first figure, which differs between placements; and that figure."""
    reason = _RATIO.sub("with its ratio", reason)
    figure = _FIGURE.search(reason)
    return (_FIGURE.sub("…", reason, count=1), figure[0]) if figure else (reason, "")


async def main() -> None:
    """Make the sheets, and the page if they are all there."""
    parser = argparse.ArgumentParser(description="Every placement for five photos.")
    parser.add_argument("--only", default="", help="names of photos, separated by commas")
    parser.add_argument("--out", type=Path, default=HERE.parent / "docs")
    wanted = parser.parse_args()
    only = wanted.only.split(",") if wanted.only else [one.name for one in PHOTOS]
    folder = wanted.out / "placements"
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for photo in (one for one in PHOTOS if one.name in only):
        found.append(await seen(photo))
        (folder / f"{photo.name}.jpg").write_bytes(sheet(found[-1].tiles))
    if len(found) == len(PHOTOS):
        (wanted.out / "placements.md").write_text(page(found), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main())
