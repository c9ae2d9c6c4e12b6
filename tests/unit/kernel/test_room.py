"""Room: the pixels that are at work at once are bounded, and nobody waits for ever."""

import asyncio

import pytest

from studio.room import Room


class Visitors:
    """Pictures that come and go when they are told to."""

    def __init__(self, room: Room) -> None:
        self.room, self.inside = room, []
        self.leave: dict[str, asyncio.Event] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def come(self, name: str, pixels: int) -> None:
        self.leave[name] = asyncio.Event()
        self.tasks[name] = asyncio.create_task(self._visit(name, pixels))
        await self.settle()

    async def go(self, name: str) -> None:
        self.leave[name].set()
        await self.settle()

    async def settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    async def _visit(self, name: str, pixels: int) -> None:
        async with self.room.of(pixels):
            self.inside.append(name)
            await self.leave[name].wait()
            self.inside.remove(name)


@pytest.fixture
async def visitors() -> Visitors:
    return Visitors(Room(100))


async def test_pictures_work_together_as_long_as_there_is_room(visitors):
    await visitors.come("one", 60)
    await visitors.come("two", 40)
    await visitors.come("three", 1)
    assert visitors.inside == ["one", "two"]
    await visitors.go("two")
    assert visitors.inside == ["one", "three"]


async def test_a_large_picture_is_not_overtaken_by_small_ones(visitors):
    await visitors.come("small", 10)
    await visitors.come("large", 100)
    await visitors.come("late", 10)
    assert visitors.inside == ["small"]
    await visitors.go("small")
    assert visitors.inside == ["large"]
    await visitors.go("large")
    assert visitors.inside == ["late"]


async def test_a_picture_larger_than_the_room_has_it_to_itself(visitors):
    await visitors.come("giant", 1_000)
    await visitors.come("small", 1)
    assert visitors.inside == ["giant"]
    await visitors.go("giant")
    assert visitors.inside == ["small"]


async def test_what_has_no_pixels_waits_for_nobody_who_has_them(visitors):
    await visitors.come("large", 100)
    await visitors.come("none", 0)
    assert visitors.inside == ["large", "none"]


async def test_who_is_cancelled_while_waiting_leaves_the_room_as_it_was(visitors):
    await visitors.come("one", 100)
    await visitors.come("two", 50)
    await visitors.come("three", 50)
    visitors.tasks["two"].cancel()
    await visitors.settle()
    await visitors.go("one")
    assert visitors.inside == ["three"]
    await visitors.come("four", 50)
    assert visitors.inside == ["three", "four"]


async def test_who_is_cancelled_in_the_moment_of_being_let_in_gives_the_room_back(visitors):
    await visitors.come("one", 100)
    await visitors.come("two", 100)
    visitors.leave["one"].set()
    await asyncio.sleep(0)  # the first has left, the second has not come in yet
    assert visitors.inside == []
    visitors.tasks["two"].cancel()
    await visitors.settle()
    await visitors.come("three", 100)
    assert visitors.inside == ["three"]
