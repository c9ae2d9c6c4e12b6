"""Smart crops of scenes with known subjects, as every placement of the newest book asks for them.

Our windows are found without the labels, by the way that renditions take. Beside them: the centre
crop, and the smart crop of libvips ("attention"), which sharp and imgproxy have, too.
"""

from collections.abc import Callable, Iterator
from statistics import fmean

import pytest

from studio.imaging.geometry import Box
from tests.scenes import SEED, scenes
from tests.windows import (
    ENOUGH,
    Frame,
    Look,
    attention_window,
    centre_window,
    cut_faces,
    frames,
    is_possible,
    kept_area,
    least_kept,
    looks,
    our_window,
)

FRAMES = frames()
Windows = list[tuple[Look, Frame, Box]]


def windows(seen: list[Look], way: Callable[[Look, Frame], Box]) -> Windows:
    return [(look, frame, way(look, frame)) for look in seen for frame in FRAMES]


@pytest.fixture(scope="module")
def seen() -> list[Look]:
    """Every scene with its focus, found once."""
    return looks()


@pytest.fixture(scope="module")
def ours(seen: list[Look]) -> Windows:
    return windows(seen, our_window)


@pytest.fixture(scope="module", params=[centre_window, attention_window])
def theirs(request: pytest.FixtureRequest, seen: list[Look]) -> Windows:
    return windows(seen, request.param)


def told(look: Look, frame: Frame, window: Box) -> str:
    """What failed: enough to draw it."""
    corner = f"{window.x0:.3f}, {window.y0:.3f}"
    return f"{look.scene.name}, {frame.ratio}:1, safe {frame.safe}, window at {corner}"


def kept_whole(windows: Windows) -> Iterator[tuple[float, str]]:
    """The part that is kept of the worst kept subject, where geometry allows to keep all."""
    for look, frame, window in windows:
        if is_possible(look.scene, frame, look.scene.subjects):
            yield least_kept(look.scene, window), told(look, frame, window)


def cuts(windows: Windows) -> list[str]:
    """Where a face is cut although geometry allows to keep all of them whole."""
    return [
        told(look, frame, window)
        for look, frame, window in windows
        if look.scene.faces
        and is_possible(look.scene, frame, look.scene.faces)
        and cut_faces(look.scene, window)
    ]


def mean_area(windows: Windows) -> float:
    return fmean(kept_area(look.scene, window) for look, _, window in windows)


def mean_weight(windows: Windows) -> float:
    return fmean(look.kept_weight(window) for look, _, window in windows)


def test_the_same_seed_makes_the_same_scenes_and_another_seed_makes_others():
    first, again, other = scenes(SEED)[0], scenes(SEED)[0], scenes(SEED + 1)[0]
    assert first.image.pixels.tobytes() == again.image.pixels.tobytes()
    assert first.subjects == again.subjects
    assert first.image.pixels.tobytes() != other.image.pixels.tobytes()


def test_the_scenes_ask_for_something(seen: list[Look]):
    possible = [
        is_possible(look.scene, frame, look.scene.subjects) for look in seen for frame in FRAMES
    ]
    assert 0.5 < fmean(possible) < 0.95  # most can be kept whole, and some cannot
    assert sum(bool(look.scene.faces) for look in seen) >= 5
    assert sum(len(look.scene.subjects) > 1 for look in seen) >= 4


def test_a_window_has_the_ratio_of_its_placement(ours: Windows):
    for look, frame, window in ours:
        ratio = window.width / window.height * look.scene.ratio
        assert ratio == pytest.approx(frame.ratio, rel=1e-3), told(look, frame, window)


def test_every_subject_is_kept_where_geometry_allows_it(ours: Windows):
    assert [where for kept, where in kept_whole(ours) if kept < ENOUGH] == []


def test_no_face_is_cut_where_geometry_allows_to_keep_it_whole(ours: Windows):
    assert cuts(ours) == []


def test_more_of_the_subjects_is_kept_than_by_others(ours: Windows, theirs: Windows):
    assert mean_area(ours) > mean_area(theirs)


def test_more_focal_weight_is_kept_than_by_others(ours: Windows, theirs: Windows):
    assert mean_weight(ours) > mean_weight(theirs)


def test_others_do_cut_faces_in_these_scenes(theirs: Windows):
    """Otherwise that we do not would say nothing."""
    assert cuts(theirs)
