"""Built: pictures made of clay, facets, folded paper, tiles and square pixels."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from services.create.providers.local.canvas import Canvas, Mask, Picture, blurred, luma


def clay(picture: Picture, canvas: Canvas, strength: float) -> Picture:
    """Rounded forms with a soft sheen; at full strength with the marks of fingers."""
    size = min(31, max(3, int(_short(canvas) * 0.016 * strength) | 1))
    levels = (picture * 255).clip(0, 255).astype(np.uint8)
    round_ = np.asarray(cv2.medianBlur(levels, size), np.float32) / np.float32(255)
    height = blurred(luma(round_), _short(canvas) * 0.006) * 1.6
    height += (canvas.noise(26, 2) - 0.5) * np.float32(0.07 * strength**2)
    gx, gy = (cv2.Sobel(height, cv2.CV_32F, dx, 1 - dx, ksize=5) for dx in (1, 0))
    slope = (gx + gy) * np.float32(_short(canvas) / 1024)
    lit = round_ * (1 + 0.5 * strength * np.tanh(slope * 1.4))[..., None]
    sheen = ((slope - 0.25) / 0.6).clip(0, 1)[..., None] * 0.25 * strength
    return np.asarray(lit + (1 - lit) * sheen, np.float32)


def facets(picture: Picture, canvas: Canvas, strength: float) -> Picture:
    """Triangles of one colour each, smaller where there is more to see."""
    made, _ = _faceted(picture, canvas, 24, relief=0.05)
    return np.asarray(picture + (made - picture) * np.float32(strength), np.float32)


def folded(picture: Picture, canvas: Canvas, strength: float) -> Picture:
    """Larger facets, turned more strongly to the light, with pale creases and paper's fibre."""
    made, creases = _faceted(picture, canvas, 12, relief=0.16)
    made += (1 - made) * (creases * np.float32(0.3))[..., None]
    soft = np.roll(blurred(creases, _short(canvas) * 0.006), _short(canvas) // 160, 1)
    made *= 1 - 0.3 * soft[..., None]
    made *= 1 + 0.07 * (canvas.noise(120, 2) - 0.5)[..., None]
    return np.asarray(picture + (made - picture) * np.float32(strength), np.float32)


def _faceted(picture: Picture, canvas: Canvas, across: int, relief: float) -> tuple[Picture, Mask]:
    """The triangulated picture, and its edges 0..1. across: points along the shorter side."""
    height, width = canvas.height, canvas.width
    soft = blurred(picture, _short(canvas) * 0.006)
    sheet = np.zeros((height, width, 3), np.uint8)
    lines = np.zeros((height, width), np.uint8)
    thick = max(1, canvas.asked[0] // 900) * width / canvas.asked[0]  # px
    ink = round(255 * min(1.0, thick))  # a draft's creases are coarse, and so fainter
    for corners in _triangles(_corners(picture, canvas, across), width, height):
        x, y = corners.mean(0).clip(0, (width - 1, height - 1)).astype(int)
        sides = np.roll(corners, -1, 0) - corners
        longest = sides[np.hypot(*sides.T).argmax()]  # whichever corner comes first
        turn = relief * np.cos(np.arctan2(*longest) * 2 + 0.7)
        colour = (soft[y, x] * (1 + turn) * 255).clip(0, 255)
        points = np.round(corners * 16).astype(np.int32)  # 4 bits of sub-pixel
        cv2.fillConvexPoly(sheet, points, tuple(float(c) for c in colour), cv2.LINE_AA, 4)
        cv2.polylines(lines, [points], True, ink, max(1, round(thick)), cv2.LINE_AA, 4)
    return sheet.astype(np.float32) / np.float32(255), lines.astype(np.float32) / np.float32(255)


def _corners(picture: Picture, canvas: Canvas, across: int) -> npt.NDArray[np.float32]:
    """A jittered grid, and half as many points again where the picture has edges; (n, 2) px."""
    columns, rows = (round(side * across / min(canvas.asked)) + 1 for side in canvas.asked)
    pitch = _short(canvas) / across
    xs, ys = np.meshgrid(
        np.linspace(0, canvas.width - 1, columns), np.linspace(0, canvas.height - 1, rows)
    )
    inner = (xs > 0) & (xs < canvas.width - 1) & (ys > 0) & (ys < canvas.height - 1)
    jitter = canvas.dice.uniform(-0.42, 0.42, (2, *xs.shape)) * pitch * inner
    grid = np.stack([(xs + jitter[0]).ravel(), (ys + jitter[1]).ravel()], -1)
    grey = blurred(luma(picture), _short(canvas) * 0.004)
    steep = np.hypot(*np.gradient(grey)) ** 1.2 + 1e-7
    # of very many places those that win a draw weighted by steepness (Efraimidis, Spirakis, 2006):
    # each is decided by what is there, so that a draft has nearly all corners in the same places
    places = canvas.dice.random((len(grid) * 40, 2))
    x, y = canvas.pixels_of(places).T
    won = np.argsort(np.log(canvas.dice.random(len(places))) / steep[y, x])[-len(grid) * 3 // 2 :]
    edges = places[np.sort(won)] * (canvas.width - 1, canvas.height - 1)
    return np.concatenate([grid, edges]).astype(np.float32)


def _triangles(points: npt.NDArray[np.float32], width: int, height: int) -> npt.NDArray[np.float32]:
    """Delaunay triangles that lie within the picture, (n, 3, 2) px."""
    division = cv2.Subdiv2D((0, 0, width, height))
    division.insert(points.clip(0, (width - 1, height - 1)).tolist())
    found = np.asarray(division.getTriangleList(), np.float32).reshape(-1, 3, 2)
    inside = ((found >= -1) & (found <= (width, height))).all((1, 2))
    return np.asarray(found[inside])


def pixels(picture: Picture, canvas: Canvas, strength: float) -> Picture:
    """Square pixels, 96 along the shorter side (fewer when weaker), in 24 colours."""
    small = 96 / max(strength, 0.2) / _short(canvas)
    if small >= 1:
        return picture
    size = (max(8, round(canvas.width * small)), max(8, round(canvas.height * small)))
    levels = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    coarse = Pillow.fromarray((levels * 255).clip(0, 255).astype(np.uint8))
    cut = coarse.quantize(24, method=Pillow.Quantize.MEDIANCUT, kmeans=2).convert("RGB")
    grown = cut.resize((canvas.width, canvas.height), Pillow.Resampling.NEAREST)
    return np.asarray(grown, np.float32) / np.float32(255)


def mosaic(picture: Picture, canvas: Canvas, strength: float) -> Picture:
    """Small stones of one colour each, set with joints (cells of Voronoi, jittered grid)."""
    across = 46
    pitch = _short(canvas) / across
    x, y = canvas.pixels_of(canvas.grid(1 / across, (-0.22, 0.22), 0.5)).T
    seeds = np.full((canvas.height, canvas.width), 255, np.uint8)
    seeds[y, x] = 0
    _, cells = cv2.distanceTransformWithLabels(
        seeds, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    stones = _means(picture, np.asarray(cells, np.int32), canvas, cells[y, x])
    edge = (cells != np.roll(cells, 1, 0)) | (cells != np.roll(cells, 1, 1))
    away = cv2.distanceTransform((~edge).astype(np.uint8), cv2.DIST_L2, 5) / np.float32(pitch)
    stone = ((away - 0.06) / 0.05).clip(0, 1)[..., None]
    slope = cv2.Sobel(blurred(away, pitch * 0.08), cv2.CV_32F, 1, 1, ksize=3) * pitch / 22
    stones *= 1 + np.asarray(slope, np.float32).clip(-0.25, 0.25)[..., None] * np.float32(1.6)
    joint = np.asarray((0.86, 0.83, 0.78), np.float32) * (0.6 + 0.4 * luma(picture).mean())
    made = joint + (stones - joint) * stone
    return np.asarray(picture + (made - picture) * np.float32(strength), np.float32)


def _means(
    picture: Picture,
    cells: npt.NDArray[np.int32],
    canvas: Canvas,
    order: npt.NDArray[np.int32],
) -> Picture:
    """Each cell in its mean colour, a little lighter or darker by chance; drawn in an order."""
    flat = cells.ravel()
    count = np.bincount(flat).clip(1)
    table = np.stack(
        [np.bincount(flat, picture[..., c].ravel()) / count for c in range(3)], -1
    ).astype(np.float32)
    table[order] *= canvas.dice.normal(1, 0.055, (len(order), 1)).astype(np.float32)
    return np.asarray(table[cells], np.float32)


def _short(canvas: Canvas) -> int:
    return min(canvas.width, canvas.height)
