"""Colouring: what is done to the colours of a painted picture, whoever painted it.

Mood and light grade it, a brand or a reference takes its colours over, unwanted colours leave it.
Arithmetic on colour is in CIE L*a*b* under D65, where distances are about as large as they look.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from services.create.providers.local.brief import Brief, Rgb
from services.create.providers.local.canvas import Canvas, Picture, blurred, luma, mix
from services.create.templates import Space
from studio.imaging.colour import parse_hex

#: Painters whose sky or lamps show the time of day; the others are lit by it in `graded`.
PAINT_LIGHT = frozenset({"landscape", "skyline", "bokeh"})


def graded(picture: Picture, brief: Brief) -> Picture:
    """Saturation, contrast, warmth and brightness as the mood says, and the light of the day."""
    mood = brief.mood
    grey = luma(picture)[..., None]
    picture = grey + (picture - grey) * np.float32(mood.saturation)
    picture = (picture - 0.5) * np.float32(mood.contrast) + 0.5
    warmth = np.float32(0.07 * mood.warmth)
    picture = picture * np.asarray((1 + warmth, 1 + warmth * 0.2, 1 - warmth), np.float32)
    if brief.light and brief.painter not in PAINT_LIGHT:
        ambient = mix((255, 255, 255), parse_hex(brief.light.sky[2]), 0.3)
        level = min(max(brief.light.brightness, 0.5), 1.05)
        picture = picture * (np.asarray(ambient, np.float32) * np.float32(level / 255))
    return np.asarray(picture * np.float32(mood.brightness), np.float32).clip(0, 1)


def in_lab(picture: Picture) -> Picture:
    """L* 0..100, a* and b* about -110..110, of sRGB 0..1; (h, w, 3) float32."""
    return np.asarray(cv2.cvtColor(picture.clip(0, 1), cv2.COLOR_RGB2Lab), np.float32)


def from_lab(lab: Picture) -> Picture:
    """The inverse of `in_lab`, clipped to what sRGB can show."""
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_Lab2RGB), np.float32).clip(0, 1)


def recoloured(picture: Picture, palette: Sequence[Rgb], amount: float) -> Picture:
    """Draw every colour towards those of the palette that are nearest to it.

    palette: 1..8 colours; a tint and a shade of the first join them where it has none, so that
             forms stay visible.
    amount:  0 = unchanged, 1 = the palette's colours with a third of the lightness around them.
    """
    table = _lab_table(_with_ends(palette))
    lab = in_lab(picture)
    total = np.zeros_like(lab)
    weights = np.zeros(lab.shape[:2], np.float32)
    for index, entry in enumerate(table):
        # lightness counts less than hue: a shadow on red cloth is red
        distance = 0.6 * np.abs(lab[..., 0] - entry[0]) + np.hypot(
            lab[..., 1] - entry[1], lab[..., 2] - entry[2]
        )
        lead = 1.0 if index < len(palette) else 0.5
        weight = lead * np.exp(-distance / np.float32(6.5)) + np.float32(1e-9)
        total += weight[..., None] * entry
        weights += weight
    target = total / weights[..., None]
    target[..., 0] += (lab[..., 0] - target[..., 0]) * np.float32(0.33)
    return from_lab(lab + (target - lab) * np.float32(amount))


def _with_ends(palette: Sequence[Rgb]) -> list[Rgb]:
    light = _lab_table(palette)[:, 0]
    ends: list[Rgb] = []
    if light.max() < 70:
        ends.append(mix(palette[0], (255, 255, 255), 0.82))
    if light.min() > 40:
        ends.append(mix(palette[0], (10, 10, 16), 0.7))
    return [*palette, *ends]


def _lab_table(colours: Sequence[Rgb]) -> Picture:
    table = np.asarray([colours], np.float32) / np.float32(255)
    return np.asarray(in_lab(table)[0], np.float32)


def toned(picture: Picture, tones: Sequence[float], amount: float) -> Picture:
    """Give it the lightness distribution of another picture.

    tones: L* of the other at evenly spaced quantiles from the darkest to the lightest.
    """
    lab = in_lab(picture)
    at = np.linspace(0, 1, len(tones))
    own = np.quantile(lab[::4, ::4, 0], at)
    own += np.arange(len(own)) * 1e-4  # np.interp wants them rising
    matched = np.interp(lab[..., 0], own, tones).astype(np.float32)
    lab[..., 0] += (matched - lab[..., 0]) * np.float32(amount)
    return from_lab(lab)


def without(picture: Picture, colours: Sequence[Rgb]) -> Picture:
    """Take the hues of unwanted colours out: what has such a hue becomes nearly grey.

    Black, grey and white have no hue and are left to the palette.
    """
    lab = in_lab(picture)
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    angle = np.arctan2(lab[..., 2], lab[..., 1])
    for _, a, b in _lab_table(colours) if colours else ():
        if np.hypot(a, b) < 14:
            continue
        away = np.abs((angle - np.arctan2(b, a) + np.pi) % (2 * np.pi) - np.pi)
        hit = (1.25 - away / 0.5).clip(0, 1) * (chroma / 12).clip(0, 1)  # 0.5 rad ≈ 29°
        lab[..., 1:] *= (1 - 0.9 * hit)[..., None]
    return from_lab(lab)


def calmed(picture: Picture, canvas: Canvas, space: Space) -> Picture:
    """Quieten a part for words or a logo: its detail blurs into its own mean colour."""
    ys, xs = np.mgrid[0 : canvas.height, 0 : canvas.width].astype(np.float32)
    xs, ys = xs / canvas.width, ys / canvas.height
    mask = {
        "left": (0.52 - xs) / 0.2,
        "right": (xs - 0.48) / 0.2,
        "top": (0.42 - ys) / 0.16,
        "centre": (0.36 - np.maximum(np.abs(xs - 0.5), np.abs(ys - 0.5))) / 0.14,
    }[space].clip(0, 1)
    smooth = blurred(picture, min(canvas.width, canvas.height) * 0.09)
    mean = (picture * mask[..., None]).sum((0, 1)) / max(float(mask.sum()), 1.0)
    quiet = smooth + (mean - smooth) * np.float32(0.55)
    return np.asarray(picture + (quiet - picture) * (0.9 * mask)[..., None], np.float32)
