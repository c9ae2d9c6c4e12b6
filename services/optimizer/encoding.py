"""Encoding: the smallest file of good quality that a placement accepts.

A format is chosen (by what the placement takes and what the picture needs), then written at the
usual quality, and finer where that is under the floor of structural similarity. Only if that breaks
a limit of bytes is there a search: over quality, then, where the placement takes smaller pictures,
over size; never under the floor.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from PIL import Image as Pillow

from services.optimizer.batch import Encoding
from services.optimizer.chroma import subsampling_for
from services.optimizer.likeness import Original
from services.optimizer.placements import Format, Placement
from services.optimizer.placements.demands import check_format
from services.optimizer.resize import Pyramid
from studio.imaging.encode import Effort, Subsampling
from studio.imaging.image import Image
from studio.problems import Refused

DEFAULT_FLOOR = 0.92  # SSIM; below it the artefacts are seen at arm's length

#: The usual quality of each format. All three give a mean SSIM of 0.98 on the photos of tests/
#: (2026-11-23), each on its own scale: that is what "equal quality" means here.
USUAL_QUALITY = {"jpeg": 85, "webp": 86, "avif": 69}
LEAST_QUALITY = 30
BEST_QUALITY = 100

#: Trial encodes of one search; the bytes of a quality are predicted well enough for three or four.
_TRIALS = 6
#: A file that fills this much of its limit is not searched further.
_FULL_ENOUGH = 0.94
#: By how much ln(bytes) grows a point of quality, in the middle of the scale; the first guess only.
_GROWTH = 0.028
#: Two files are of equal quality if their SSIM differs by less; one that looks worse is made finer
#: by so many points at a time.
_AS_GOOD, _FINER = 0.005, 6
#: From the usual quality of AVIF, the lowest, it is so many steps to the best.
_FINER_TRIES = 6
#: A file is measured whole if sixteen tiles of it are less than this above the floor: on the photos
#: of tests/ tiles and whole differ by at most 0.004 (2026-11-26).
_NEAR = 0.03
#: Mean difference to 256 colours, of 255, up to which flat art has them all and a photo shows no
#: bands (a cut-out cup has 3.9, and bands in its shadows).
_SAME_COLOURS = 1.5
#: Sides tried, relative to the placement's, where it takes smaller pictures.
_SIDES = (0.85, 0.72, 0.61, 0.5)

_MEDIA = {"jpeg": "image/jpeg", "png": "image/png", "webp": "image/webp", "avif": "image/avif"}
_LOSSY: tuple[Format, ...] = ("jpeg", "webp", "avif")
_WITH_ALPHA: tuple[Format, ...] = ("png", "webp", "avif")

Rgb = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Encoded:
    """A file, and how it was made.

    ssim: of luma, against the pixels that were to be encoded. Of the whole picture where it is near
    the floor, under a limit of bytes, or small; else of sixteen tiles of 64² px, evenly spread.
    """

    data: bytes
    encoding: Encoding
    width: int
    height: int
    ssim: float | None = None  # None: not measured yet
    sampled: bool = False  # whether only tiles of it were measured
    trials: int = 1
    notes: tuple[str, ...] = ()

    @property
    def media_type(self) -> str:
        """Its format."""
        return self.encoding.media_type

    @property
    def quality(self) -> int | None:
        """On the encoder's own scale; None if it is lossless."""
        return self.encoding.quality


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user wants of all files."""

    format: Format | None = None  # None: whatever is smallest at equal quality
    floor: float = DEFAULT_FLOOR
    quality: int | None = None  # of lossy formats; None: each format's usual
    background: Rgb = (255, 255, 255)
    effort: Effort = "balanced"
    progressive: bool = True


def encode_for(image: Image, placement: Placement, wish: Wish | None = None) -> Encoded:
    """Encode pixels of the placement's size within its limits of bytes, and at least at the floor.

    The similarity of what comes back is always known (`Encoded.ssim`).
    Refused: optimizer.format (it does not take the wanted one), optimizer.quality_floor,
    optimizer.max_bytes, optimizer.min_bytes (each says the best that was reached).
    """
    wish = wish or Wish()
    original = Original(image, wish.background)
    first = _usuals(original, placement, wish)
    searches = [_Search(original, one, wish) for one in first]
    files = [one.measured(one.begun()) for one in searches]
    if wish.quality is None:
        files = _equals(searches, files)
    files = _fine_enough(original, placement, wish, files)
    best = min(files, key=lambda one: len(one.data))
    if placement.max_bytes and len(best.data) > placement.max_bytes:
        best = _within(original, placement, wish, files)
    elif placement.advised_bytes and len(best.data) > placement.advised_bytes:
        best = _advised(original, placement, wish, best)
    return _large_enough(original, placement, wish, best)


def keeps_transparency(placement: Placement, wish: Wish) -> bool:
    """Whether a file for the placement may be transparent; else what is clear gets a background."""
    formats = (wish.format,) if wish.format else placement.formats
    return any(one in _WITH_ALPHA for one in formats)


def _equals(searches: list[_Search], files: list[Encoded]) -> list[Encoded]:
    """Files of equal quality, so that the smallest is the best: what looks worse than the
    best of the usual files is made finer, and what still does is left out."""
    lossy = [one.ssim or 0 for one in files if one.quality is not None]
    wanted = max(lossy, default=0) - _AS_GOOD
    made = [one.at_least(wanted, file) for one, file in zip(searches, files, strict=True)]
    return [one for one in made if (one.ssim or 0) >= wanted]


def _fine_enough(
    original: Original, placement: Placement, wish: Wish, files: list[Encoded]
) -> list[Encoded]:
    """Files that reach a floor which the usual quality may miss: finer ones, or else PNG."""
    made = []
    for one in files:
        search = _Search(original, one.encoding, wish, one)
        made.append(search.at_least(wish.floor, search.measured(one), tries=_FINER_TRIES))
    if "png" in placement.formats and wish.format is None and not _reaching(made, wish.floor):
        exact = _Search(original, _usual("png", wish, "4:2:0"), wish)
        made.append(exact.measured(exact.begun()))
    if good := _reaching(made, wish.floor):
        return good
    best = max(made, key=lambda one: one.ssim or 0)
    raise Refused(
        rule="optimizer.quality_floor",
        says=f"The best that was reached for {placement.id} is an SSIM of {best.ssim:.4f} as "
        f"{best.media_type.removeprefix('image/').upper()}, and the floor is {wish.floor:g}.",
        fix="Use a lower quality_floor, or a placement that takes PNG.",
    )


def _reaching(files: list[Encoded], floor: float) -> list[Encoded]:
    return [one for one in files if (one.ssim or 0) >= floor]


def _candidates(image: Image, placement: Placement, wish: Wish) -> list[Format]:
    """The formats worth trying, all of which the placement takes."""
    if wish.format is not None:
        check_format(placement, wish.format)
        return [wish.format]
    taken = placement.formats
    if image.has_alpha and (clear := [one for one in taken if one in _WITH_ALPHA]):
        return clear
    lossy = [one for one in taken if one in _LOSSY]
    has_few_colours = image.pixels.getcolors(256) is not None
    if "png" in taken and (has_few_colours or not lossy):
        return [*lossy, "png"]
    return lossy


def _usuals(original: Original, placement: Placement, wish: Wish) -> list[Encoding]:
    """How each format worth trying is usually written.

    Lossy WebP always halves the chroma, which similarity, measured in luma, does not see: it is no
    equal where that would be seen, if the placement takes anything else.
    """
    formats = _candidates(original.image, placement, wish)
    chroma: Subsampling = "4:2:0"
    if {"jpeg", "avif"} & set(formats) or len(formats) > 1:
        chroma = subsampling_for(original.flat)
    if chroma == "4:4:4":
        formats = [one for one in formats if one != "webp"] or formats
    return [_usual(one, wish, chroma if one in ("jpeg", "avif") else "4:2:0") for one in formats]


def _usual(format_: Format, wish: Wish, subsampling: Subsampling) -> Encoding:
    return Encoding(
        media_type=_MEDIA[format_],
        quality=wish.quality or USUAL_QUALITY[format_] if format_ in _LOSSY else None,
        subsampling=subsampling,
        effort=wish.effort,
        progressive=wish.progressive,
        background=wish.background,
    )


def _within(original: Original, placement: Placement, wish: Wish, files: list[Encoded]) -> Encoded:
    """The best file within the upper limit: by quality, by fewer colours, then by size."""
    limit = placement.max_bytes or 0
    reached: list[Encoded] = []
    for side in (1.0, *_sides(placement)):
        sized = original if side == 1 else Original(_scaled(original.image, side), wish.background)
        found = [_fitted(sized, one, wish, limit) for one in files]
        reached += [one for one in found if one is not None]
        good = [one for one in reached if len(one.data) <= limit and (one.ssim or 0) >= wish.floor]
        if good:
            return max(good, key=lambda one: one.ssim or 0)
    raise _too_large(placement, wish, reached)


def _fitted(original: Original, usual: Encoded, wish: Wish, limit: int) -> Encoded:
    """The best of a format within a limit; what is known of the same size is not written again."""
    is_known = (usual.width, usual.height) == original.image.pixels.size
    search = _Search(original, usual.encoding, wish, usual if is_known else None)
    found = search.by_quality(limit) if usual.quality else search.by_colours(limit)
    return search.exactly(found)


def _advised(original: Original, placement: Placement, wish: Wish, usual: Encoded) -> Encoded:
    """Within what the platform advises, if quality allows; it is advice, so otherwise as it was."""
    advised = placement.advised_bytes or 0
    found = _fitted(original, usual, wish, advised)
    is_good = (found.ssim or 0) >= max(wish.floor, DEFAULT_FLOOR)
    if is_good and found.quality is None:  # of fewer colours, whose bands luma does not show
        is_good = original.colour_error(found.data) <= _SAME_COLOURS
    if is_good and len(found.data) <= advised:
        return found
    said = f"{placement.id} advises at most {advised:,} bytes; good quality needs more."
    return replace(usual, notes=(*usual.notes, said))


def _large_enough(original: Original, placement: Placement, wish: Wish, file: Encoded) -> Encoded:
    """Some platforms refuse files that are too small: finer quality, and in the end stored PNG."""
    if len(file.data) >= placement.min_bytes:
        return file
    limit = placement.max_bytes or math.inf
    finer = replace(file.encoding, quality=BEST_QUALITY, subsampling="4:4:4", progressive=False)
    stored = Encoding(media_type=_MEDIA["png"], effort="none")
    tries = [finer] if file.quality is not None else []
    tries += [stored] if "png" in placement.formats and wish.format in (None, "png") else []
    for encoding in tries:
        image, data = original.image, encoding.write(original.image)
        if placement.min_bytes <= len(data) <= limit:
            found = Encoded(data, encoding, image.width, image.height, trials=file.trials + 1)
            return _Search(original, encoding, wish).measured(found)
    raise Refused(
        rule="optimizer.min_bytes",
        says=f"{placement.id} takes no file under {placement.min_bytes:,} bytes; this picture "
        f"makes {len(file.data):,}.",
        fix="Use a picture with more detail, or leave the format to the optimizer.",
    )


class _Search:
    """Trial encodes of one picture in one format."""

    def __init__(
        self, original: Original, encoding: Encoding, wish: Wish, begun: Encoded | None = None
    ) -> None:
        """begun: the file of this picture and encoding, if there is one already."""
        self._original, self._encoding, self._wish = original, encoding, wish
        self._begun, self._trials = begun, begun.trials if begun else 0

    def begun(self) -> Encoded:
        """The file at the usual settings."""
        return self._begun or self._file(self._encoding)

    def by_quality(self, limit: int) -> Encoded:
        """The highest quality within the limit; the least quality's file if none is.

        Bytes grow about exponentially with quality, so the next trial is where a line through the
        logarithms of the two nearest trials crosses the limit: three or four are enough.
        """
        usual = self._encoding.quality or BEST_QUALITY
        top = self.begun()
        if len(top.data) <= limit:
            return top
        slope, low, high = _GROWTH, LEAST_QUALITY - 1, usual
        last, best = top, None
        for _ in range(_TRIALS - 1):
            if high - low <= 1:
                break
            gap = math.log(limit * 0.98 / len(last.data))
            guess = round((last.quality or usual) + gap / slope)
            file = self._file(replace(self._encoding, quality=min(max(guess, low + 1), high - 1)))
            slope = _slope(last, file) or slope
            last, quality = file, file.quality or 0
            if len(file.data) > limit:
                high = quality
                continue
            best, low = file, quality
            if len(file.data) >= _FULL_ENOUGH * limit:
                break
        return best or self._file(replace(self._encoding, quality=LEAST_QUALITY))

    def at_least(self, wanted: float, file: Encoded, tries: int = 2) -> Encoded:
        """A file whose similarity is at least the wanted one, if so many finer trials reach it."""
        for _ in range(tries):
            if (file.ssim or 0) >= wanted or file.quality in (None, BEST_QUALITY):
                break
            finer = min((file.quality or 0) + _FINER, BEST_QUALITY)
            file = self.measured(self._file(replace(self._encoding, quality=finer)))
        return file

    def by_colours(self, limit: int) -> Encoded:
        """PNG with fewer colours: the most that fit, or the fewest if none do."""
        file = self.begun()
        for colours in (256, 128, 64, 32):
            if len(file.data) <= limit:
                break
            image = self._original.image
            few = image.pixels.quantize(colours, method=Pillow.Quantize.FASTOCTREE)
            reduced = image.with_pixels(few.convert(image.pixels.mode))
            self._trials += 1
            file = replace(
                file,
                data=self._encoding.write(reduced),
                ssim=None,
                trials=self._trials,
                notes=(f"Reduced to {colours} colours to stay within {limit:,} bytes.",),
            )
        return file

    def measured(self, file: Encoded) -> Encoded:
        """The same file with its similarity: of tiles, or whole if it may be under the floor."""
        if file.ssim is not None:
            return file
        sample = self._original.sampled(file.data, file.encoding)
        if sample is None or sample < self._wish.floor + _NEAR:
            return self.exactly(file)
        return replace(file, ssim=round(sample, 4), sampled=True)

    def exactly(self, file: Encoded) -> Encoded:
        """The same file with the similarity of the whole picture."""
        if file.ssim is not None and not file.sampled:
            return file
        alike = self._original.whole(file.data, file.encoding)
        return replace(file, ssim=round(alike, 4), sampled=False)

    def _file(self, encoding: Encoding) -> Encoded:
        self._trials += 1
        data = encoding.write(self._original.image)
        alike = None if encoding.quality else 1.0  # PNG
        size = self._original.image.pixels.size
        return Encoded(data, encoding, *size, ssim=alike, trials=self._trials)


def _slope(one: Encoded, other: Encoded) -> float | None:
    step = (one.quality or 0) - (other.quality or 0)
    if step == 0 or len(one.data) == len(other.data):
        return None
    return max(0.005, math.log(len(one.data) / len(other.data)) / step)


def _sides(placement: Placement) -> list[float]:
    """Smaller sizes that the placement still takes; none where it needs its exact size."""
    if placement.min_width is None or placement.min_height is None:
        return []
    least = max(placement.min_width / placement.width, placement.min_height / placement.height)
    return [side for side in _SIDES if side >= least]


def _scaled(image: Image, side: float) -> Image:
    size = (round(image.width * side), round(image.height * side))
    return image.with_pixels(Pyramid(image.pixels).resized(size))


def _too_large(placement: Placement, wish: Wish, reached: list[Encoded]) -> Refused:
    smallest = min(reached, key=lambda one: len(one.data))
    fitting = [one for one in reached if len(one.data) <= (placement.max_bytes or 0)]
    best = max(fitting, key=lambda one: one.ssim or 0, default=smallest)
    return Refused(
        rule="optimizer.max_bytes",
        says=f"{placement.id} takes at most {placement.max_bytes:,} bytes; the best that was "
        f"reached is an SSIM of {best.ssim:.3f} at {len(best.data):,} bytes, and the floor is "
        f"{wish.floor:.2f}.",
        fix="Use another format, a lower quality_floor, or a picture with less fine detail.",
    )
