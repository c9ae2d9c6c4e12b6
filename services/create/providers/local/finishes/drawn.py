"""Drawn: contours, hatching, ink and cels."""

from __future__ import annotations

import cv2
import numpy as np

from services.create.providers.local.canvas import Canvas, Mask, Picture, blurred, luma, unit

_PAPER = unit((249, 246, 238))


def line(picture: Picture, canvas: Canvas, strength: float) -> Picture:
    """Dark contours on pale paper, with a breath of the colours."""
    bright = np.sqrt(blurred(picture, _short(canvas) * 0.006).clip(0, 1))
    tint = _PAPER + (bright - _PAPER) * np.float32(0.17)
    lines = contours(picture, canvas)
    if lines.mean() < 0.004:  # nothing has an edge: lines of equal lightness, as on a map
        lines = np.maximum(lines, _isolines(picture, canvas))
    drawn = tint * (1 - lines * np.float32(0.88))[..., None]
    return np.asarray(picture + (drawn - picture) * np.float32(strength), np.float32)


def pencil(picture: Picture, canvas: Canvas, strength: float) -> Picture:
    """Graphite: contours, and hatching that crosses where it is dark."""
    light = _stretched(luma(blurred(picture, _short(canvas) * 0.003)))
    shadow = 1 - light
    strokes = shadow * 0.2
    for angle, start in ((35, 0.15), (-40, 0.45), (80, 0.7)):
        strokes += _hatching(canvas, angle) * ((shadow - start) / 0.35).clip(0, 1) * 0.42
    strokes = np.maximum(strokes, contours(picture, canvas) * 0.8)
    tooth = 0.75 + 0.5 * canvas.noise(170, 1)
    ink = (strokes * tooth).clip(0, 0.92)[..., None]
    drawn = _PAPER + (unit((52, 52, 58)) - _PAPER) * ink
    return np.asarray(picture + (drawn - picture) * np.float32(strength), np.float32)


def ink(picture: Picture, canvas: Canvas, strength: float) -> Picture:
    """Bold contours, four tones of vivid colour, halftone dots in the shadows."""
    smooth = _smoothed(picture, canvas)
    light = _stretched(luma(smooth))
    steps = np.floor(light * 3.999) / 3
    vivid = smooth * ((steps * 0.75 + 0.3) / (luma(smooth) + 0.08))[..., None]
    grey = luma(vivid)[..., None]
    vivid = (grey + (vivid - grey) * np.float32(1.3)).clip(0, 1)
    dots = _halftone(canvas, ((0.55 - light) / 0.55).clip(0, 1))
    inked = vivid * (1 - 0.75 * dots)[..., None]
    inked = inked * (1 - contours(picture, canvas, bold=1.8))[..., None]
    return np.asarray(picture + (inked - picture) * np.float32(strength), np.float32)


def cel(picture: Picture, canvas: Canvas, strength: float) -> Picture:
    """Flat cels: five tones with narrow edges between them, fine dark contours."""
    smooth = _smoothed(picture, canvas)
    light = luma(smooth)
    scaled = light * 5
    whole = np.floor(scaled)
    tone = (whole + ((scaled - whole - 0.42) / 0.16).clip(0, 1)) / 5
    toned = smooth * ((tone + 0.03) / (light + 0.03))[..., None]
    outlined = toned * (1 - contours(picture, canvas) * 0.7)[..., None]
    return np.asarray(picture + (outlined - picture) * np.float32(strength), np.float32)


def contours(picture: Picture, canvas: Canvas, bold: float = 1.0) -> Mask:
    """Ink lines, 0 = paper .. 1 = ink: extended difference of Gaussians (Winnemöller, 2011)."""
    lightness = luma(picture) * 0.6 + picture.max(-1) * 0.4  # so that hues have edges, too
    sigma = _short(canvas) * 0.0016 * bold
    edge = blurred(lightness, sigma) - blurred(lightness, sigma * 1.7)
    drawn = (-edge - 0.006) / 0.02
    return np.asarray(drawn.clip(0, 1), np.float32)


def _isolines(picture: Picture, canvas: Canvas) -> Mask:
    """Thin lines along twelve levels of lightness."""
    levels = _stretched(luma(blurred(picture, _short(canvas) * 0.02))) * 12
    steep = np.hypot(*np.gradient(levels)).clip(1e-4, None)
    away = np.abs(levels - np.round(levels)) / steep  # px
    return np.asarray((1.6 - away).clip(0, 1), np.float32)


def _smoothed(picture: Picture, canvas: Canvas) -> Picture:
    """Edges kept, texture gone; worked out on at most 700 px, where it takes a tenth."""
    scale = min(1.0, 700 / _short(canvas))
    size = (max(2, round(canvas.width * scale)), max(2, round(canvas.height * scale)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    for _ in range(2):
        small = cv2.bilateralFilter(small, 7, 0.12, 4)
    grown = cv2.resize(small, (canvas.width, canvas.height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(grown, np.float32).clip(0, 1)


def _stretched(light: Mask) -> Mask:
    low, high = (float(one) for one in np.quantile(light[::3, ::3], (0.02, 0.98)))
    return np.asarray(((light - low) / max(high - low, 0.05)).clip(0, 1), np.float32)


def _hatching(canvas: Canvas, degrees: float) -> Mask:
    """Strokes of uneven pressure at an angle, 0..1."""
    angle = np.deg2rad(degrees)
    ys, xs = np.mgrid[0 : canvas.height, 0 : canvas.width].astype(np.float32)
    across = (xs * np.cos(angle) + ys * np.sin(angle)) / (_short(canvas) * 0.0062)
    wobble = canvas.noise(5, 2) * 3
    wave: Mask = 0.5 + 0.5 * np.sin(2 * np.pi * (across + wobble))
    return wave * (0.55 + 0.6 * canvas.noise(24, 2))


def _halftone(canvas: Canvas, dark: Mask) -> Mask:
    """Round dots on a grid turned by 30°, as large as it is dark."""
    ys, xs = np.mgrid[0 : canvas.height, 0 : canvas.width].astype(np.float32)
    pitch = _short(canvas) * 0.011
    cos, sin = np.cos(np.pi / 6), np.sin(np.pi / 6)
    u, v = (xs * cos + ys * sin) / pitch, (ys * cos - xs * sin) / pitch
    away = np.hypot(u - np.round(u), v - np.round(v))
    return np.asarray(((dark**0.5 * 0.62 - away) * pitch + 0.5).clip(0, 1), np.float32)


def _short(canvas: Canvas) -> int:
    return min(canvas.width, canvas.height)
