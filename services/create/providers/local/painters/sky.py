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
    xs = (canvas.dice.random(count) * canvas.width).astype(int)
    ys = (canvas.dice.random(count) ** 1.4 * canvas.height * 0.6).astype(int)
    wide = min(canvas.width, canvas.height) / 700  # px
    size = max(1, int(wide))
    light = min(1.0, wide**2)  # of what is smaller than a pixel
    for x, y, bright in zip(xs, ys, canvas.dice.random(count), strict=True):
        picture[y : y + size, x : x + size] += np.float32((0.15 + 0.75 * bright**3) * light)


def weather(canvas: Canvas, picture: Picture, brief: Brief) -> None:
    """Snow and rain in front of everything, where the prompt asks for them."""
    if brief.has("snow"):
        for count, radius in ((500, 0.0016), (220, 0.003), (50, 0.0055)):
            spots = np.zeros((canvas.height, canvas.width), np.float32)
            _scatter(canvas, spots, count, radius)
            shine(picture, canvas.soft(spots, radius * 0.4), (255, 255, 255), 0.85)
    if brief.has("rain"):
        _rain(canvas, picture)


def _rain(canvas: Canvas, picture: Picture) -> None:
    """Slanting streaks, a pixel wide in a picture of 1024."""
    streaks = np.zeros((canvas.height, canvas.width), np.float32)
    long = canvas.height / 30
    wide = min(canvas.width, canvas.height) / 1024
    for x, y in canvas.dice.random((2600, 2)) * (canvas.width, canvas.height):
        ends = (int(x + long / 2), int(y - long / 2)), (int(x - long / 2), int(y + long / 2))
        cv2.line(streaks, *ends, min(1.0, wide), max(1, round(wide)), cv2.LINE_AA)
    shine(picture, streaks, (220, 230, 240), 0.18)


def _scatter(canvas: Canvas, spots: np.ndarray, count: int, radius: float) -> None:
    size = radius * min(canvas.width, canvas.height)
    light = min(1.0, (size + 0.5) ** 2)  # a flake smaller than a pixel
    for x, y in canvas.dice.random((count, 2)):
        centre = (int(x * canvas.width * 16), int(y * canvas.height * 16))  # 4 bits of sub-pixel
        cv2.circle(spots, centre, max(8, round(size * 16)), light, -1, cv2.LINE_AA, 4)
