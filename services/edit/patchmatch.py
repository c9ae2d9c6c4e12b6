"""PatchMatch: what is missing is put together from patches of what is there.

Coarse to fine (Wexler, Shechtman & Irani, “Space-time completion of video”, PAMI 2007, in the form
of Newson et al., “Non-local patch-based image inpainting”, IPOL 7, 2017): the hole is peeled from
its border at the coarsest level; then, level by level, every patch that touches the hole looks for
its nearest neighbour among the sources and every pixel becomes the mean of what its patches say.
Neighbours are searched as Barnes et al. do (“PatchMatch”, SIGGRAPH 2009), here for all patches at
once: propagation by jumps, then random search. Patches are compared by their leading principal
components, a tenth of the numbers. Randomness is seeded: the same picture gives the same fill.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from services.edit.patches import RADIUS, Basis, basis_of, patches_at, windows
from services.edit.smoothing import smoothly_filled
from studio.imaging.image import FloatArray

Bytes = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int32]

_COARSEST = 24  # px, the shorter side below which no further level is made
_ROUNDS = (6, 3, 2)  # of searching and voting: at the coarsest level, in between, at the finest
_JUMPS = (1, 3, 1)  # px, of propagation
_SEED = 20_260_101
_TRUST = 1.25  # a patch a pixel further into the hole counts this many times less
_COARSE_AREA = 30_000  # px
_PEELED_FROM = 20_000  # sources: long thin pictures have no coarser level
_EXACT = 60_000_000  # comparisons up to which every source is looked at
_LEAST_SOURCES = 64
_MIDDLE = 18.0  # px²: a patch speaks best of its own middle
_NEARBY = 0.1  # of colour units a px: of two equal sources the nearer one is right
_STRANGE = 5.0  # ΔE from the mean of all that is said of a pixel
_HUNCH = 0.4  # how much a smooth fill counts beside what is known, while peeling


@dataclass(slots=True)
class _Level:
    """One size of the picture: what is being made, and where patches are and may come from."""

    image: FloatArray  # (h, w, 3), Lab-like floats
    hole: Bools
    sources: Bools  # centres of patches that are whole and may be copied
    targets: Ints  # (n, 2) centres (row, column) of patches that touch the hole
    trust: FloatArray  # (n,)
    nearest: Ints  # (n, 2) centres of their sources


def filled(image: FloatArray, hole: Bools, usable: Bools) -> tuple[FloatArray, Ints] | None:
    """Fill a hole from the usable places around.

    image:  (h, w, 3) float32; its values in the hole do not matter.
    hole:   (h, w), True = to be made.
    usable: (h, w), True = may be copied from; places in the hole never are.
    Returns the picture, its hole filled by means, and the source of each pixel, (h, w, 2) rows and
    columns, also for 3 px around the hole, where it tells of the seam; -1 elsewhere. None if there
    are too few sources. CPU work, deterministic.
    """
    sizes = _pyramid(image, hole, usable)
    level: _Level | None = None
    chance = np.random.default_rng(_SEED)
    for index, (small, gone, free) in enumerate(sizes):
        made = _level(small, gone, free)
        if made is None or not len(made.targets):  # specks are lost at small sizes
            continue
        rounds = _ROUNDS[0] if level is None else _ROUNDS[1 if index + 1 < len(sizes) else 2]
        if level is None:
            _peel(made)
        else:
            _inherit(made, level, chance)
        basis = basis_of(windows(made.image), _centres(made))
        for _ in range(rounds):
            _search(made, basis, chance)
            _vote(made)
        level = made
    if level is None:
        return None
    return level.image, _settled(level)


def _pyramid(
    image: FloatArray, hole: Bools, usable: Bools
) -> list[tuple[FloatArray, Bools, Bools]]:
    """The picture at ever larger sizes, the last one its own."""
    sizes = [(image, hole, usable & ~hole)]
    while min(sizes[0][1].shape) >= 2 * _COARSEST and _is_too_fine(sizes[0][1]):
        colours, gone, free = sizes[0]
        half = (gone.shape[1] + 1) // 2, (gone.shape[0] + 1) // 2
        known = (~gone).astype(np.float32)
        share = np.asarray(cv2.resize(known, half, interpolation=cv2.INTER_AREA))
        mean = cv2.resize(colours * known[..., None], half, interpolation=cv2.INTER_AREA)
        mean = mean / np.maximum(share, 1e-3)[..., None]
        open_to = cv2.resize(free.astype(np.float32), half, interpolation=cv2.INTER_AREA)
        sizes.insert(0, (np.asarray(mean, np.float32), share < 0.75, open_to > 0.99))
    return sizes


def _is_too_fine(hole: Bools) -> bool:
    """Whether the hole is deeper than a patch, or the picture too large to look at every patch."""
    depth = cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, 3).max()
    return bool(depth > RADIUS or hole.size > _COARSE_AREA)


def _level(image: FloatArray, hole: Bools, usable: Bools) -> _Level | None:
    """A level with its patches; None if it has too few sources."""
    window = np.ones((2 * RADIUS + 1, 2 * RADIUS + 1), np.uint8)
    beyond = cv2.BORDER_CONSTANT
    whole = cv2.erode(usable.astype(np.uint8), window, borderType=beyond, borderValue=0)
    sources = np.asarray(whole > 0)
    if int(sources.sum()) < _LEAST_SOURCES:
        return None
    touching = cv2.dilate(hole.astype(np.uint8), window) > 0
    targets = np.argwhere(touching).astype(np.int32)
    depth = cv2.distanceTransform(np.asarray(hole, np.uint8), cv2.DIST_L2, 5)
    trust = _TRUST ** -np.minimum(depth[touching], 40)
    nearest = np.zeros_like(targets)
    return _Level(image.copy(), hole, sources, targets, np.asarray(trust, np.float32), nearest)


def _peel(level: _Level) -> None:
    """A first guess at the coarsest level: ring by ring from the border inwards, by what of each
    patch is known already."""
    missing = level.hole.copy()
    centres = _centres(level)
    centres = centres[:: 1 + len(centres) // _PEELED_FROM]
    whole = patches_at(windows(level.image), centres)
    squares = (whole**2).T
    field = np.full((*level.hole.shape, 2), -1, np.int32)
    level.image[:] = smoothly_filled(level.image, ~missing)
    while missing.any():
        ring = missing & (cv2.erode(missing.astype(np.uint8), np.ones((3, 3), np.uint8)) == 0)
        at = np.argwhere(ring if ring.any() else missing).astype(np.int32)
        count = np.where(missing, np.float32(_HUNCH), np.float32(1))
        known = patches_at(windows(np.repeat(count[..., None], 3, axis=2)), at)
        seen = patches_at(windows(level.image), at) * known
        best = centres[(known @ squares - 2 * seen @ whole.T).argmin(axis=1)]
        level.image[at[:, 0], at[:, 1]] = level.image[best[:, 0], best[:, 1]]
        field[at[:, 0], at[:, 1]] = best
        missing[at[:, 0], at[:, 1]] = False
    _adopt(level, field[level.targets[:, 0], level.targets[:, 1]], np.random.default_rng(_SEED))


def _inherit(level: _Level, coarse: _Level, chance: np.random.Generator) -> None:
    """Neighbours from the next coarser level, and the picture that they make."""
    height, width = level.hole.shape
    field = np.full((*coarse.hole.shape, 2), -1, np.int32)
    field[coarse.targets[:, 0], coarse.targets[:, 1]] = coarse.nearest
    above = np.minimum(level.targets // 2, np.array(coarse.hole.shape) - 1)
    found = field[above[:, 0], above[:, 1]]
    _adopt(level, np.where(found < 0, -1, found * 2 + level.targets % 2), chance)
    larger = cv2.resize(coarse.image, (width, height), interpolation=cv2.INTER_LINEAR)
    level.image[level.hole] = larger[level.hole]
    _vote(level, even=True)


def _adopt(level: _Level, guess: Ints, chance: np.random.Generator) -> None:
    """Take guessed neighbours; what is no source becomes a random one."""
    lost = ~_valid(level, guess)
    centres = _centres(level)
    guess[lost] = centres[chance.integers(0, len(centres), int(lost.sum()))]
    level.nearest = guess.astype(np.int32)


def _valid(level: _Level, centres: Ints) -> Bools:
    height, width = level.hole.shape
    rows, columns = centres[:, 0], centres[:, 1]
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    clipped = rows.clip(0, height - 1), columns.clip(0, width - 1)
    return np.asarray(inside & level.sources[clipped])


def _centres(level: _Level) -> Ints:
    return np.argwhere(level.sources).astype(np.int32)


def _search(level: _Level, basis: Basis, chance: np.random.Generator) -> None:
    """Better neighbours for all targets."""
    centres = _centres(level)
    seen = windows(level.image)
    near = _NEARBY * max(1.0, 128 / max(level.hole.shape))
    wanted = _placed(basis.project(seen, level.targets), level.targets, near)
    if len(centres) * len(level.targets) <= _EXACT:
        known = _placed(basis.project(seen, centres), centres, near)
        _look_at_all(level, known, centres, wanted)
        return
    grid = np.moveaxis(np.indices(level.hole.shape, np.int32), 0, -1)
    known = _placed(basis.project_all(seen), grid, near)
    cost = _cost(known, wanted, level.nearest)
    index = np.full(level.hole.shape, -1, np.int32)
    index[level.targets[:, 0], level.targets[:, 1]] = np.arange(len(level.targets))
    for jump in _JUMPS:
        for step in ((0, jump), (jump, 0), (0, -jump), (-jump, 0)):
            _propagate(level, known, wanted, cost, index, step)
        _wander(level, known, wanted, cost, chance)


def _placed(features: FloatArray, places: Ints, near: float) -> FloatArray:
    """Features and where they are: far apart is unlike too."""
    return np.concatenate([features, np.asarray(places, np.float32) * np.float32(near)], axis=-1)


def _look_at_all(level: _Level, known: FloatArray, centres: Ints, wanted: FloatArray) -> None:
    squares = (known**2).sum(1)
    step = max(1, _EXACT // 16 // len(centres))
    for start in range(0, len(wanted), step):
        best = (squares - 2 * wanted[start : start + step] @ known.T).argmin(axis=1)
        level.nearest[start : start + step] = centres[best]


def _cost(known: FloatArray, wanted: FloatArray, centres: Ints) -> FloatArray:
    apart = known[centres[:, 0], centres[:, 1]] - wanted
    return np.asarray(np.einsum("nd,nd->n", apart, apart), np.float32)


def _improve(
    level: _Level, known: FloatArray, wanted: FloatArray, cost: FloatArray, which: Ints, to: Ints
) -> None:
    """Take candidates that are valid and nearer than what was found."""
    good = _valid(level, to)
    which, to = which[good], to[good]
    other = _cost(known, wanted[which], to)
    better = other < cost[which]
    cost[which[better]] = other[better]
    level.nearest[which[better]] = to[better]


def _propagate(
    level: _Level,
    known: FloatArray,
    wanted: FloatArray,
    cost: FloatArray,
    index: Ints,
    step: tuple[int, int],
) -> None:
    """Whoever is beside a target tells it where it found its own neighbour."""
    height, width = level.hole.shape
    beside = level.targets + np.array(step, np.int32)
    inside = (beside >= 0).all(1) & (beside[:, 0] < height) & (beside[:, 1] < width)
    told = np.full(len(beside), -1, np.int32)
    told[inside] = index[beside[inside, 0], beside[inside, 1]]
    which = np.flatnonzero(told >= 0).astype(np.int32)
    to = level.nearest[told[which]] - np.array(step, np.int32)
    changes = (to != level.nearest[which]).any(1)
    _improve(level, known, wanted, cost, which[changes], to[changes])


def _wander(
    level: _Level,
    known: FloatArray,
    wanted: FloatArray,
    cost: FloatArray,
    chance: np.random.Generator,
) -> None:
    """Random places around the neighbour, ever nearer to it."""
    reach = max(level.hole.shape) / 2
    everyone = np.arange(len(level.targets), dtype=np.int32)
    while reach >= 1:
        away = chance.uniform(-reach, reach, level.nearest.shape)
        _improve(level, known, wanted, cost, everyone, level.nearest + away.astype(np.int32))
        reach /= 2.5


def _vote(level: _Level, *, even: bool = False) -> None:
    """Each pixel of the hole becomes the weighted mean of what the patches over it say.

    even: patches count by their place alone, not by how well they match.
    """
    weights = level.trust if even else level.trust * _nearness(level)
    level.image[level.hole] = _means(level, weights)[level.hole]


def _means(level: _Level, weights: FloatArray) -> FloatArray:
    """What all patches over a pixel say of it, (h, w, 3); 0 where none says anything."""
    height, width = level.hole.shape
    said = np.concatenate([level.image, np.ones((height, width, 1), np.float32)], axis=2)
    total = np.zeros(((height + 2 * RADIUS) * (width + 2 * RADIUS), 4), np.float32)
    for voice, to, source in _voices(level, weights):
        total[to] += said.reshape(-1, 4)[source] * voice[:, None]
    total = total.reshape(height + 2 * RADIUS, -1, 4)[RADIUS:-RADIUS, RADIUS:-RADIUS]
    return np.asarray(total[..., :3] / np.maximum(total[..., 3:], 1e-12), np.float32)


def _settled(level: _Level) -> Ints:
    """The source of each pixel by the patch that knows it best, (h, w, 2); -1: none speaks of it.

    Copies instead of means: textures keep their sharpness. What is far from the mean is no texture
    but a thing at the edge of some patch.
    """
    height, width = level.hole.shape
    colours = level.image.reshape(-1, 3)
    edge = ((RADIUS, RADIUS), (RADIUS, RADIUS), (0, 0))
    weights = level.trust * _nearness(level)
    mean = np.pad(_means(level, weights), edge).reshape(-1, 3)
    best = np.zeros((height + 2 * RADIUS) * (width + 2 * RADIUS), np.float32)
    origin = np.full(len(best), -1, np.int32)
    for said, to, source in _voices(level, weights):
        apart = colours[source] - mean[to]
        voice = said * np.exp(np.einsum("nc,nc->n", apart, apart) / (-2 * _STRANGE**2))
        louder = voice > best[to]
        best[to[louder]] = voice[louder]
        origin[to[louder]] = source[louder]
    origin = origin.reshape(height + 2 * RADIUS, -1)[RADIUS:-RADIUS, RADIUS:-RADIUS]
    places = np.stack([origin // width, origin % width], axis=-1)
    return np.asarray(np.where(origin[..., None] < 0, -1, places), np.int32)


def _voices(level: _Level, weights: FloatArray) -> Iterator[tuple[FloatArray, Ints, Ints]]:
    """For each place in a patch: how loud every target speaks of it, the pixel spoken of (flat, in
    the picture with a margin of 3 px), and the pixel of the source (flat)."""
    width = level.hole.shape[1]
    wide = width + 2 * RADIUS
    at = (level.targets[:, 0] + RADIUS) * wide + level.targets[:, 1] + RADIUS
    source = level.nearest[:, 0] * width + level.nearest[:, 1]
    for down in range(-RADIUS, RADIUS + 1):
        for across in range(-RADIUS, RADIUS + 1):
            middle = np.float32(np.exp(-(down * down + across * across) / _MIDDLE))
            yield weights * middle, at + (down * wide + across), source + (down * width + across)


def _nearness(level: _Level) -> FloatArray:
    """How much each target's source is like it, 0..1 (the 75th percentile is e^-½)."""
    apart = np.empty(len(level.targets), np.float32)
    seen = windows(level.image)
    for start in range(0, len(apart), 16_384):
        part = slice(start, start + 16_384)
        difference = patches_at(seen, level.targets[part])
        difference -= patches_at(seen, level.nearest[part])
        apart[part] = np.einsum("nd,nd->n", difference, difference)
    spread = 2 * max(float(np.quantile(apart, 0.75)), 1e-6)
    return np.asarray(np.exp(-apart / spread), np.float32)
