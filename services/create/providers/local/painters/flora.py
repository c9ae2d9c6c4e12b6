"""Flora: what grows in vases and pots."""

from __future__ import annotations

from math import cos, pi, sin

from services.create.providers.local.brief import Brief, Rgb
from services.create.providers.local.canvas import Point, mix
from services.create.providers.local.painters.objects import WHITE, Stand, leaf, turned


def vase(stand: Stand) -> None:
    """A vase with a loose bouquet; as a product it holds flowers only if they are named."""
    if not stand.brief.is_alone or blooms(stand.brief):
        _bouquet(stand)
    profile = [(0, 0.2), (0.06, 0.25), (0.35, 0.36), (0.62, 0.3), (0.85, 0.14), (1.0, 0.19)]
    turned(stand, stand.colour, profile)
    if stand.brief.is_alone and not blooms(stand.brief):
        stand.dab(stand.oval(0, 0.995, 0.15, 0.03), mix(stand.colour, (20, 14, 14), 0.6))


def blooms(brief: Brief) -> str:
    """The word for what is in the vase, if the prompt has one."""
    kinds = ("tulip", "roses", "flower", "bouquet")
    return next((one for one in kinds if any(one in word for word in brief.words)), "")


def _bouquet(stand: Stand) -> None:
    dice = stand.canvas.dice
    petals = [c for c in stand.brief.palette(dice, 5) if c != stand.colour] or [stand.accent]
    if named := stand.brief.parts.get("petals"):
        petals = [named, mix(named, WHITE, 0.22), mix(named, (60, 10, 30), 0.16)]
    elif stand.brief.colours:
        petals = [*stand.brief.colours[:2], *petals[:1]] if not _owns(stand) else petals
    stems = 5 if stand.brief.is_sparse else 9
    heads = []
    for number in range(stems):
        angle = pi / 2 + (number - (stems - 1) / 2) * 1.7 / stems + float(dice.uniform(-0.06, 0.06))
        reach = float(dice.uniform(0.62, 1.02)) * (1.1 if number % 2 else 0.85)
        head = (reach * cos(angle) * 1.05, 0.98 + reach * sin(angle))
        heads.append(head)
        _stem(stand, head, number)
    draw = _tulip if blooms(stand.brief) == "tulip" else _bloom
    for number, head in enumerate(heads):
        draw(stand, head, 0.2 + 0.06 * (number % 3), petals[number % len(petals)])


def _owns(stand: Stand) -> bool:
    return any(kind == "vase" and colour for kind, colour in stand.brief.things)


def _stem(stand: Stand, head: Point, number: int) -> None:
    green = mix((78, 122, 72), (40, 78, 60), (number % 3) / 2)
    x, y = head
    line = [(x * t**1.4, 0.95 + (y - 0.95) * t) for t in (i / 12 for i in range(13))]
    strip = [stand.at(px - 0.014, py) for px, py in line]
    strip += [stand.at(px + 0.014, py) for px, py in reversed(line)]
    stand.dab(strip, green)
    for at, side in ((5, 1), (8, -1)):
        stand.dab(leaf(stand, line[at], 0.26, pi / 2 - side * 0.9, 0.42), mix(green, WHITE, 0.1))


def _tulip(stand: Stand, head: Point, size: float, colour: Rgb) -> None:
    """A closed cup of three petals that looks away from the vase."""
    turn = pi / 2 - head[0] * 0.55 + float(stand.canvas.dice.uniform(-0.12, 0.12))
    long = size * 1.5
    foot = (head[0] - 0.5 * long * cos(turn), head[1] - 0.5 * long * sin(turn))
    dark = mix(colour, (60, 10, 30), 0.2)
    for side, ink in ((0.0, dark), (-0.3, mix(colour, WHITE, 0.12)), (0.3, colour)):
        stand.dab(leaf(stand, foot, long, turn + side, 0.62), ink)
    stand.dab(leaf(stand, foot, long * 0.86, turn, 0.5), mix(colour, WHITE, 0.26))


def _bloom(stand: Stand, head: Point, size: float, colour: Rgb) -> None:
    turn = float(stand.canvas.dice.uniform(0, pi))
    for ring, (count, reach, tone) in enumerate(((8, 1.0, 0.0), (6, 0.68, 0.18), (4, 0.4, 0.32))):
        for petal in range(count):
            angle = turn + ring * 0.4 + 2 * pi * petal / count
            ink = mix(mix(colour, WHITE, tone), (60, 20, 40), 0.12 * (petal % 2))
            stand.dab(leaf(stand, head, size * reach, angle, 0.85), ink)
    stand.dab(stand.oval(*head, size * 0.16, size * 0.16), mix(colour, (90, 50, 20), 0.55))


def plant(stand: Stand) -> None:
    """A plant in a pot."""
    dice = stand.canvas.dice
    greens: tuple[Rgb, ...] = ((62, 112, 72), (86, 140, 84), (44, 88, 66), (112, 158, 96))
    for number in range(11):
        angle = pi / 2 + (number - 5) * 0.25 + float(dice.uniform(-0.1, 0.1))
        length = 1.05 - 0.05 * abs(number - 5) + float(dice.uniform(-0.12, 0.1))
        stand.dab(leaf(stand, (0, 0.58), length, angle, 0.26), greens[number % 4])
        stand.dab(leaf(stand, (0, 0.58), length * 0.94, angle + 0.02, 0.03), (190, 214, 168), 0.5)
    turned(stand, stand.colour, [(0, 0.3), (0.5, 0.42), (0.52, 0.46), (0.64, 0.46)])
    stand.dab(stand.oval(0, 0.63, 0.4, 0.085), (62, 46, 36))
    for turn in (1.2, 1.57, 1.95):
        stand.dab(leaf(stand, (0, 0.6), 0.75, turn, 0.3), greens[int(turn * 10) % 4])
