"""Painted: oil, watercolour, flat colour and printing inks."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image as Pillow

from services.create.providers.local.canvas import Canvas, Mask, Picture, blurred, luma, unit

_PAPER = unit((250, 248, 242))


def oil(picture: Picture, canvas: Canvas, strength: float) -> Picture:
    """Strokes along the forms in three sizes (Hertzmann, 1998), lit as thick paint."""
    painted = (blurred(picture, _short(canvas) * 0.012) * 255).clip(0, 255).astype(np.uint8)
    relief = np.full((canvas.height, canvas.width), 128, np.uint8)
    for wide, detail in ((0.034, 0.0), (0.017, 0.018), (0.0085, 0.045)):
        _strokes(picture, canvas, painted, relief, wide, detail)
    height = blurred(relief.astype(np.float32) / np.float32(255), max(0.7, _short(canvas) * 0.0012))
    slope = cv2.Sobel(height, cv2.CV_32F, 1, 1, ksize=3)
    lit = painted.astype(np.float32) / 255 * (1 - 0.55 * slope.clip(-0.5, 0.5))[..., None]
    return np.asarray(picture + (lit - picture) * np.float32(strength), np.float32)


def _strokes(
    picture: Picture,
    canvas: Canvas,
    painted: np.ndarray,
    relief: np.ndarray,
    wide: float,
    detail: float,
) -> None:
    """One layer, in place; fine strokes go only where the layers before are wrong by `detail`."""
    size = max(2.0, wide * _short(canvas))
    source = (blurred(picture, size * 0.5) * 255).clip(0, 255)
    off = np.abs(source - painted).mean(-1) / 255
    grey = blurred(luma(picture), size)
    gx, gy = (cv2.Sobel(grey, cv2.CV_32F, dx, 1 - dx, ksize=3) for dx in (1, 0))
    slow = canvas.noise(2, 2) * 4 * np.pi
    pitch = max(2 / min(canvas.asked), wide) * 0.62
    spots = canvas.pixels_of(canvas.grid(pitch, (0, 1)))
    spots = spots[canvas.dice.permutation(len(spots))]
    pressure = canvas.dice.integers(60, 200, len(spots))
    tint = canvas.dice.normal(1, 0.035, len(spots))
    for (x, y), height, shift in zip(spots, pressure, tint, strict=True):
        if detail and off[y, x] < detail:
            continue
        steep = abs(gx[y, x]) + abs(gy[y, x]) > 0.004
        angle = np.arctan2(gx[y, x], -gy[y, x]) if steep else slow[y, x]
        dx, dy = np.cos(angle) * size * 1.1, np.sin(angle) * size * 1.1
        ends = (int(x - dx), int(y - dy)), (int(x + dx), int(y + dy))
        colour = tuple(float(one) for one in (source[y, x] * shift).clip(0, 255))
        thick = max(1, round(size * 0.8))
        cv2.line(painted, *ends, colour, thick, cv2.LINE_AA)
        cv2.line(relief, *ends, int(height), thick, cv2.LINE_AA)


def wash(picture: Picture, canvas: Canvas, strength: float) -> Picture:
    """Transparent washes: wandering edges, pigment gathered along them, white paper around."""
    soft = _wandering(picture, canvas)
    grey = luma(soft)[..., None]
    soft = grey + (soft - grey) * np.float32(1.25)
    density = 1 - (0.2 + 0.8 * soft.clip(0, 1))
    pooled = np.abs(soft - blurred(soft, _short(canvas) * 0.012)).max(-1)
    blooms = canvas.noise(3, 4) * 0.85 + canvas.noise(60, 2) * 0.15
    density *= (0.62 + 0.75 * blooms + 1.1 * pooled)[..., None]
    tooth = 1 - 0.1 * (canvas.noise(190, 1) - 0.5)
    painted = _PAPER * (1 - density.clip(0, 1)) * tooth[..., None]
    cover = (_sheet(canvas) * np.float32(strength))[..., None]
    return np.asarray(_PAPER * tooth[..., None] + (painted - _PAPER * tooth[..., None]) * cover)


def _wandering(picture: Picture, canvas: Canvas) -> Picture:
    """Detail melted into patches, and every edge moved a little, as by a wet brush."""
    reach = _short(canvas) * 0.022
    ys, xs = np.mgrid[0 : canvas.height, 0 : canvas.width].astype(np.float32)
    xs += (canvas.noise(9, 3) - 0.5) * reach
    ys += (canvas.noise(9, 3) - 0.5) * reach
    moved = cv2.remap(picture, xs, ys, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    levels = (moved * 255).clip(0, 255).astype(np.uint8)
    size = max(3, int(_short(canvas) * 0.012) | 1)
    return np.asarray(cv2.medianBlur(levels, min(size, 31)), np.float32) / np.float32(255)


def _sheet(canvas: Canvas) -> Mask:
    """Where paint is: all but a ragged margin."""
    y = np.linspace(0, 1, canvas.height, dtype=np.float32)[:, None]
    x = np.linspace(0, 1, canvas.width, dtype=np.float32)[None, :]
    short = _short(canvas)
    edge = np.minimum(
        np.minimum(x, 1 - x) * canvas.width / short, np.minimum(y, 1 - y) * canvas.height / short
    )
    ragged = edge - 0.03 - 0.09 * canvas.noise(4, 5)
    return np.asarray((ragged / 0.012).clip(0, 1), np.float32)


def flat(picture: Picture, canvas: Canvas, strength: float) -> Picture:
    """Nine flat colours with clean edges, worked out at twice the size of small pictures."""
    levels = (picture * 255).clip(0, 255).astype(np.uint8)
    size = min(31, max(3, int(_short(canvas) * 0.014) | 1))
    calm = Pillow.fromarray(cv2.medianBlur(levels, size))
    table = calm.resize((256, 256)).quantize(9, method=Pillow.Quantize.MEDIANCUT, kmeans=3)
    cut = calm.quantize(palette=table, dither=Pillow.Dither.NONE).convert("RGB")
    clean = cv2.medianBlur(np.asarray(cut), min(size, 9))
    smooth = blurred(clean.astype(np.float32) / np.float32(255), 0.7)
    return np.asarray(picture + (smooth - picture) * np.float32(strength), np.float32)


def riso(picture: Picture, canvas: Canvas, strength: float) -> Picture:
    """Two inks on cream paper, each grainy and a little out of register."""
    paper = unit((247, 241, 226))
    inks = _two_inks(picture)
    density = -np.log((picture / paper).clip(0.02, 1))
    basis = -np.log((np.stack(inks) / paper).clip(0.05, 1))
    amounts = (density.reshape(-1, 3) @ np.linalg.pinv(basis)).reshape(*picture.shape[:2], 2)
    shift = max(1, round(_short(canvas) * 0.003))
    printed = np.broadcast_to(paper, picture.shape).copy()
    for number, colour in enumerate(inks):
        moved = shift * number
        cover = np.pad(amounts[..., number], ((moved, 0), (moved, 0)), mode="edge")
        cover = cover[: canvas.height, : canvas.width]
        grain = canvas.apart.random(cover.shape, dtype=np.float32)
        grain = blurred(grain, max(0.5, _short(canvas) * 0.0007))
        grain = (grain - grain.mean()) / max(float(grain.std()), 1e-6)
        grain *= np.float32(canvas.width / canvas.asked[0])  # a draft's grains are coarse
        cover = ((cover - 0.5) * 1.15 + 0.5 + grain * 0.07).clip(0, 1)
        printed *= 1 - (1 - colour / paper) * cover[..., None]
    return np.asarray(picture + (printed - picture) * np.float32(strength), np.float32)


def _two_inks(picture: Picture) -> tuple[np.ndarray, np.ndarray]:
    """The most colourful main colour, and a dark one of the farthest hue."""
    few = cv2.resize(picture, (64, 64), interpolation=cv2.INTER_AREA)
    small = Pillow.fromarray((few * 255).clip(0, 255).astype(np.uint8))
    cut = small.quantize(8, method=Pillow.Quantize.MEDIANCUT, kmeans=2)
    table = np.asarray(cut.getpalette(), np.float32).reshape(-1, 3)[:8] / np.float32(255)
    chroma = table.max(1) - table.min(1)
    first = table[int(chroma.argmax())]
    other = table[int((np.abs(table - first).sum(1) + chroma * 0.5 - luma(table)).argmax())]
    vivid = (first - first.min()) / max(float(first.max() - first.min()), 0.05)
    deep = other * np.float32(0.55 / max(float(other.max()), 0.2))
    return vivid * 0.85 + 0.1, deep.astype(np.float32)


def _short(canvas: Canvas) -> int:
    return min(canvas.width, canvas.height)
