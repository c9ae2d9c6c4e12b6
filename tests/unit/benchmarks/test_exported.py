"""The contender "as exported" does what an export does, at the sizes and formats of its task."""

import pytest

from benchmarks.contenders import exported, ours
from benchmarks.task import Task, piece
from studio.imaging.decode import inspect
from tests.conftest import PHOTOS


def asked(way: str) -> Task:
    sizes = (((200, 160), "jpeg"), ((160, 200), "webp"), ((64, 64), "png"))
    pieces = tuple(piece(size, (512, 512), format_, {}) for size, format_ in sizes)
    return Task(master=str(PHOTOS / "astronaut.jpg"), way=way, pieces=pieces)


def test_each_rendition_has_the_size_and_the_format_of_its_piece():
    files = exported.render(asked("one"))
    assert [inspect(one).media_type for one in files] == ["image/jpeg", "image/webp", "image/png"]
    assert [(inspect(one).width, inspect(one).height) for one in files] == [
        (200, 160),
        (160, 200),
        (64, 64),
    ]
    same = [(inspect(one).width, inspect(one).height) for one in ours.render(asked(""))]
    assert same == [(200, 160), (160, 200), (64, 64)]


def test_best_of_formats_is_never_larger_than_the_one_format():
    one, best = exported.render(asked("one")), exported.render(asked("best"))
    assert len(best[1]) <= len(one[1]) * 1.02
    assert inspect(best[0]).media_type == "image/jpeg"


def test_what_cannot_be_exported_is_said_and_not_left_out():
    large = Task(
        master=str(PHOTOS / "astronaut.jpg"),
        way="one",
        pieces=(piece((2000, 2000), (512, 512), "jpeg", {}),),
    )
    with pytest.raises(RuntimeError, match="size_0"):
        exported.render(large)
