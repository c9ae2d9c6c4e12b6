"""Goals: what the optimizer promises, as ratios that anyone can recompute from the raw rows.

The bound, the peers and the numbers are those of issue 3. A ratio of costs is the peer's CPU
seconds by ours: above 1 we are faster. Medians over all rounds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

Row = dict[str, Any]
Field = Literal["cpu_s", "wall_s", "peak_rss_mb", "idle_rss_mb", "bytes", "ssim", "least_ssim"]

OURS, FAST, EQUAL, BOUND = "ours", "ours, fast", "ours, equal settings", "bound"
SHARP, SHARP_EQUAL, ADAPTIVE = "sharp", "sharp, equal settings", "sharp, adaptive filters"
EXPORTED, PROGRESSIVE = "ours, as exported", "sharp, progressive"
SHARPS = (SHARP, "sharp, clones", "sharp, decoded once")
PILLOW = "pillow, decoded once"
MAIN = "2048.jpg"
ENCODED = ("jpeg", "webp", "avif", "png", "mixed", "mixed+avif")


class NotMeasured(Exception):
    """The rows lack what a goal is computed from."""


class Medians:
    """Medians over the rounds, by work and contender."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows: dict[tuple[str, str], list[Row]] = {}
        for row in rows:
            self._rows.setdefault((row["work"], row["contender"]), []).append(row)

    @property
    def works(self) -> list[str]:
        """In the order measured."""
        return list(dict.fromkeys(work for work, _ in self._rows))

    @property
    def rounds(self) -> int:
        """The fewest that anything was measured in."""
        return min((len(rows) for rows in self._rows.values()), default=0)

    def contenders(self, work: str) -> list[str]:
        """Who did a work, by name."""
        return sorted(name for known, name in self._rows if known == work)

    def of(self, work: str, contender: str, field: Field = "cpu_s") -> float:
        """NotMeasured if nobody did."""
        values = self.all(work, contender, field)
        return float(median(values))

    def all(self, work: str, contender: str, field: Field = "cpu_s") -> list[float]:
        """The value of every round."""
        rows = self._rows.get((work, contender), [])
        values = [row[field] for row in rows if row.get(field) is not None]
        if not values:
            raise NotMeasured(f"{field} of {contender} at {work}")
        return values

    def ratio(self, work: str, peer: str, ours: str, field: Field = "cpu_s") -> float:
        """The peer's median by ours."""
        return self.of(work, peer, field) / self.of(work, ours, field)

    def best_sharp(self, work: str) -> str:
        """The way of driving sharp that took the least CPU; NotMeasured if any is missing."""
        return min(SHARPS, key=lambda name: self.of(work, name))


Measure = Callable[[Medians], float]


@dataclass(frozen=True, slots=True)
class Goal:
    """A number that is to be at least, or at most, something."""

    work: str
    says: str
    sense: Literal["≥", "≤"]
    wanted: float
    measure: Measure
    unit: str = "×"
    places: int = 2

    def met(self, reached: float) -> bool:
        """Compared as measured, not as printed."""
        return reached >= self.wanted if self.sense == "≥" else reached <= self.wanted


def faster(format_: str, ours: str, peer: str, wanted: float, says: str) -> Goal:
    """CPU seconds of a peer by ours, on the master that the goals name."""
    work = f"{format_} {MAIN}"
    return Goal(_title(format_), says, "≥", wanted, lambda known: known.ratio(work, peer, ours))


def smaller(format_: str, ours: str, peer: str, wanted: float, says: str) -> Goal:
    """Our bytes by a peer's."""
    work = f"{format_} {MAIN}"

    def measure(known: Medians) -> float:
        return known.ratio(work, ours, peer, "bytes")

    return Goal(_title(format_), says, "≤", wanted, measure, places=3)


def drop(format_: str, ours: str, peer: str, wanted: float, says: str) -> Goal:
    """By how much our mean SSIM is lower than a peer's."""
    work = f"{format_} {MAIN}"

    def measure(known: Medians) -> float:
        return known.of(work, peer, "ssim") - known.of(work, ours, "ssim")

    return Goal(_title(format_), says, "≤", wanted, measure, unit="", places=4)


def _title(format_: str) -> str:
    return format_ if format_.startswith("mixed") else format_.upper().replace("WEBP", "WebP")


def _works(known: Medians, *formats: str) -> list[str]:
    found = [one for one in known.works if one.split()[0] in formats]
    if not found:
        raise NotMeasured(", ".join(formats))
    return found


def worst_master(known: Medians) -> float:
    """JPEG on the master where the best way to drive sharp comes nearest to us."""
    works = _works(known, "jpeg")
    return min(known.ratio(one, known.best_sharp(one), OURS) for one in works)


def distance(format_: str, ours: str = OURS) -> Measure:
    """Our CPU seconds by those of the encoders alone."""
    return lambda known: known.ratio(f"{format_} {MAIN}", ours, BOUND)


def least_resized(known: Medians) -> float:
    """The worst rendition on the worst master."""
    return min(known.of(one, OURS, "least_ssim") for one in _works(known, "resize"))


def mean_resized(known: Medians) -> float:
    """The mean of the renditions on the worst master."""
    return min(known.of(one, OURS, "ssim") for one in _works(known, "resize"))


def worst_encoded(known: Medians) -> float:
    """Our SSIM less sharp's, at equal settings, in the work where we are worst."""
    pairs = [(one, _equal(known, one)) for one in _works(known, *ENCODED)]
    return min(
        known.of(work, ours, "ssim") - known.of(work, theirs, "ssim")
        for work, (ours, theirs) in pairs
    )


def _equal(known: Medians, work: str) -> tuple[str, str]:
    """The two contenders whose settings are equal; where there are no special ones, the usual."""
    names = known.contenders(work)
    return (EQUAL if EQUAL in names else OURS, SHARP_EQUAL if SHARP_EQUAL in names else SHARP)


def memory(known: Medians) -> float:
    """Our peak by sharp's, in the work where it is worst."""
    return max(1 / known.ratio(one, SHARP, OURS, "peak_rss_mb") for one in _works(known, *ENCODED))


def memory_main(known: Medians) -> float:
    """Our peak by sharp's, JPEG on the master that the goals name."""
    return known.ratio(f"jpeg {MAIN}", OURS, SHARP, "peak_rss_mb")


AS_USERS = "sharp as its users write it"

GOALS: tuple[Goal, ...] = (
    faster("jpeg", OURS, SHARP, 5, f"faster than {AS_USERS}"),
    faster("jpeg", OURS, SHARP, 4, "… and, at bytes as in the next line"),
    smaller("jpeg", OURS, SHARP, 1.02, "… bytes of its"),
    faster("jpeg", OURS, PILLOW, 4, "faster than Pillow, decoded once"),
    Goal(
        "JPEG, worst master",
        "faster than the best way to drive sharp",
        "≥",
        2,
        worst_master,
    ),
    faster("mixed", EQUAL, SHARP, 2.5, "equal settings: faster than sharp"),
    faster("mixed", FAST, SHARP, 4, "tuned: faster than sharp"),
    smaller("mixed", FAST, SHARP, 1.0, "… at bytes of its"),
    faster("mixed+avif", EQUAL, SHARP_EQUAL, 2.5, "equal settings: faster than sharp"),
    faster("mixed+avif", OURS, SHARP, 4, "tuned: faster than sharp"),
    smaller("mixed+avif", OURS, SHARP, 1.0, "… at bytes of its"),
    faster("webp", EQUAL, SHARP, 1.5, "equal settings: faster than sharp"),
    faster("webp", FAST, SHARP, 3.5, "tuned: faster than sharp"),
    smaller("webp", FAST, SHARP, 1.08, "… at bytes of its"),
    drop("webp", FAST, SHARP, 0.005, "… and SSIM lower by"),
    faster("avif", EQUAL, SHARP_EQUAL, 1.1, "equal speed: faster than sharp"),
    faster("avif", OURS, SHARP, 3, "tuned: faster than sharp"),
    smaller("avif", OURS, SHARP, 1.3, "… at bytes of its"),
    drop("avif", OURS, SHARP, 0.003, "… and SSIM lower by"),
    faster("png", OURS, SHARP, 2, "faster than sharp's default"),
    smaller("png", OURS, SHARP, 0.6, "… at bytes of its"),
    faster("png", OURS, ADAPTIVE, 3.5, "faster than sharp's adaptive filters"),
    smaller("png", OURS, ADAPTIVE, 1.12, "… at bytes of its"),
    Goal("mixed", "distance to the bound", "≤", 1.25, distance("mixed")),
    Goal("mixed+avif", "distance to the bound", "≤", 1.25, distance("mixed+avif")),
    Goal("WebP", "distance to the bound", "≤", 1.2, distance("webp")),
    Goal("JPEG", "distance to the bound", "≤", 4, distance("jpeg")),
    Goal(
        "fidelity",
        "resized, mean SSIM against Lanczos, worst master",
        "≥",
        0.998,
        mean_resized,
        unit="",
        places=4,
    ),
    Goal(
        "fidelity",
        "encoded at equal settings, SSIM less sharp's, worst work",
        "≥",
        -0.001,
        worst_encoded,
        unit="",
        places=4,
    ),
    Goal("peak memory", f"of {AS_USERS}, JPEG", "≤", 0.6, memory_main),
    Goal("peak memory", f"of {AS_USERS}, worst work", "≤", 0.6, memory),
    Goal(
        "smart crop",
        "CPU of smartcrop.js, 20 windows",
        "≤",
        0.4,
        lambda known: known.ratio(f"crop {MAIN}", OURS, "smartcrop.js"),
    ),
)
