"""Skies: colours by the time of day, sun or moon, clouds or stars, and what falls from them."""

from __future__ import annotations

import cv2
import numpy as np

from services.create.providers.local.brief import Brief, Rgb, is_near
from services.create.providers.local.canvas import Canvas, Picture, Point, mix, paint, shine
from services.create.providers.local.vocabulary import Light, vocabulary
from studio.imaging.colour import parse_hex


def light_of(canvas: Canvas, brief: Brief) -> Light:
    """The light that the prompt names, or one of chance without unwanted colours."""
    if brief.light:
        return brief.light
    lights = vocabulary().lights
    if brief.shows & {"stars", "moon"}:
        return lights["night"]
    names = ["sunrise", "morning", "sunset", "dusk", "day", "golden hour"]
    fitting = [n for n in names if not any(is_near(parse_hex(c), brief.avoided)
                                           for c in lights[n].sky)]  # fmt: skip
    return lights[str(canvas.dice.choice(fitting or ["day"]))]


def heavens(
    canvas: Canvas, brief: Brief, light: Light, horizon: float
) -> tuple[Picture, Point, list[Rgb]]:
    """The sky over the whole picture, where its sun or moon is, and its three colours."""
    sky = _colours(canvas, brief, light)
    picture = canvas.gradient(sky, power=0.85)
    x = brief.place or float(canvas.dice.uniform(0.25, 0.75))
    sun = (x, horizon * (1 - light.sun) * 0.95)
    if light.is_night:
        if brief.has("stars", otherwise=True):
            _stars(canvas, picture)
    elif brief.has("clouds", otherwise=not brief.is_sparse):
        _clouds(canvas, picture, sky, heavy="clouds" in brief.shows)
    if brief.has("moon" if light.is_night else "sun", otherwise=True):
        _disc(canvas, picture, brief, light, sun, sky)
    return picture, sun, sky


def _colours(canvas: Canvas, brief: Brief, light: Light) -> list[Rgb]:
    sky = [parse_hex(one) for one in light.sky]
    if named := brief.parts.get("sky"):
        tint = [mix(named, (0, 0, 0), 0.2), named, mix(named, (255, 255, 255), 0.4)]
        return [mix(one, two, 0.8) for one, two in zip(sky, tint, strict=True)]
    if brief.colours:
        kin = brief.palette(canvas.dice, 3)
        return [mix(one, two, 0.45) for one, two in zip(sky, kin, strict=True)]
    return sky


def _clouds(canvas: Canvas, picture: Picture, sky: list[Rgb], *, heavy: bool) -> None:
    """Layers of cloud, stretched along the horizon and lit from below."""
    wide = canvas.noise(2.2, 6)
    part = wide[:, : max(2, canvas.width // 4)]
    flat = cv2.resize(part, (canvas.width, canvas.height), interpolation=cv2.INTER_CUBIC)
    fade = np.linspace(0.9, 0.15, canvas.height, dtype=np.float32)[:, None]
    veil = ((wide * 0.4 + flat * 0.6 - (0.44 if heavy else 0.5)) * 4).clip(0, 1) * fade
    paint(picture, veil, mix(sky[-1], (255, 255, 255), 0.55), 0.75 if heavy else 0.55)
    under = np.roll(veil, canvas.height // 60, 0) * (1 - veil)
    paint(picture, under.astype(np.float32), mix(sky[0], sky[1], 0.6), 0.25)


def _disc(
    canvas: Canvas, picture: Picture, brief: Brief, light: Light, sun: Point, sky: list[Rgb]
) -> None:
    named = brief.parts.get("sun")
    colour = named or ((235, 238, 250) if light.is_night else mix(sky[-1], (255, 250, 235), 0.75))
    shine(
        picture, canvas.glow(sun, 0.55), mix(sky[-1], colour, 0.5), 0.3 if light.is_night else 0.5
    )
    shine(picture, canvas.glow(sun, 0.16), colour, 0.4 if light.is_night else 0.5)
    radius = 0.045 * brief.scale * min(1.0, 1 / canvas.ratio + 0.15)
    paint(picture, canvas.ellipse(sun, radius), colour)


def _stars(canvas: Canvas, picture: Picture) -> None:
    count = 420
    xs = canvas.dice.integers(0, canvas.width, count)
    ys = (canvas.dice.random(count) ** 1.4 * canvas.height * 0.6).astype(int)
    size = max(1, min(canvas.width, canvas.height) // 700)
    for x, y, bright in zip(xs, ys, canvas.dice.random(count), strict=True):
        picture[y : y + size, x : x + size] += np.float32(0.15 + 0.75 * bright**3)


def weather(canvas: Canvas, picture: Picture, brief: Brief) -> None:
    """Snow and rain in front of everything, where the prompt asks for them."""
    if brief.has("snow"):
        for count, radius in ((500, 0.0016), (220, 0.003), (50, 0.0055)):
            spots = np.zeros((canvas.height, canvas.width), np.float32)
            _scatter(canvas, spots, count, radius)
            shine(picture, canvas.soft(spots, radius * 0.4), (255, 255, 255), 0.85)
    if brief.has("rain"):
        streaks = (canvas.dice.random((canvas.height, canvas.width)) > 0.9975).astype(np.float32)
        length = max(5, canvas.height // 30)
        falling = cv2.filter2D(streaks, -1, np.eye(length, dtype=np.float32)[:, ::-1] / 2)
        shine(picture, np.asarray(falling, np.float32).clip(0, 1), (220, 230, 240), 0.35)


def _scatter(canvas: Canvas, spots: np.ndarray, count: int, radius: float) -> None:
    size = max(1, round(radius * min(canvas.width, canvas.height)))
    for x, y in canvas.dice.random((count, 2)):
        centre = (int(x * canvas.width), int(y * canvas.height))
        cv2.circle(spots, centre, size, 1.0, -1, cv2.LINE_AA)
