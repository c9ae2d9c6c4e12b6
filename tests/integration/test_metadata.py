"""Metadata: documents by id, compare-and-set, and honest trouble."""

import asyncio

import pytest

from studio.ledger import InProgress, Ledger, Outcome
from studio.metadata import AlreadyThere, Index, Metadata
from studio.problems import Unavailable
from studio.slip import derived


async def test_an_id_is_taken_once(database):
    things = database.collection("things")
    await things.insert({"_id": "a", "n": 1})
    with pytest.raises(AlreadyThere):
        await things.insert({"_id": "a", "n": 2})
    assert await things.get("a") == {"_id": "a", "n": 1}
    assert await things.get("b") is None


async def test_of_many_inserted_those_that_are_there_stay_as_they_are(database):
    things = database.collection("things")
    await things.insert({"_id": "b", "n": 0})
    assert await things.insert_many([{"_id": id_, "n": 1} for id_ in "abc"]) == 2
    assert [one["n"] for one in await things.find({}, sort=[("_id", 1)])] == [1, 0, 1]
    assert await things.insert_many([]) == 0


async def test_of_many_that_compare_and_set_one_wins(database):
    things = database.collection("things")
    await things.insert({"_id": "a", "owner": None})
    won = await asyncio.gather(
        *(
            things.update_one({"_id": "a", "owner": None}, {"$set": {"owner": number}})
            for number in range(10)
        )
    )
    assert won.count(True) == 1


async def test_upserting_keeps_what_was_set_on_insert(database):
    things = database.collection("things")
    assert await things.upsert("a", {"n": 1}, on_insert={"born": "then"})
    assert not await things.upsert("a", {"n": 2}, on_insert={"born": "now"})
    assert await things.get("a") == {"_id": "a", "n": 2, "born": "then"}


async def test_lists_are_sorted_limited_counted_and_deleted(database):
    things = database.collection("things")
    for number in range(5):
        await things.insert({"_id": str(number), "n": number, "odd": bool(number % 2)})
    found = await things.find({"odd": False}, sort=[("n", -1)], limit=2)
    assert [one["n"] for one in found] == [4, 2]
    assert [one["n"] async for one in things.each({}, sort=[("n", 1)])] == [0, 1, 2, 3, 4]
    assert await things.count({"odd": True}) == 2
    assert await things.delete_many({"odd": True}) == 2
    assert await things.delete_one({"_id": "0"})
    assert not await things.delete_one({"_id": "0"})


async def test_indexes_are_declared_once_and_used(database):
    indexes = [Index("things", (("kind", 1), ("n", 1))), Index("things", (("k", 1),), unique=True)]
    await database.ensure_indexes(indexes)
    await database.ensure_indexes(indexes)
    things = database.collection("things")
    await things.insert({"_id": "a", "kind": "x", "n": 1, "k": 1})
    with pytest.raises(AlreadyThere):
        await things.insert({"_id": "b", "k": 1})
    assert "IXSCAN" in str(await things.explain({"kind": "x"}))


async def test_a_server_that_is_away_is_unavailable():
    away = Metadata("mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=300")
    with pytest.raises(Unavailable) as error:
        await away.database("x").ping()
    assert error.value.rule == "metadata.unavailable"
    assert not error.value.counted  # however long it lasts
    await away.close()


async def test_a_step_is_claimed_by_one_and_free_when_it_fails(database):
    ledger, other = Ledger(database, lease=5), Ledger(database, lease=5)
    step = derived("step")
    async with ledger.claimed(step):
        with pytest.raises(InProgress):
            async with other.claimed(step):
                pass
    async with ledger.claimed(derived("done")):
        await ledger.record(derived("done"), Outcome(provider="local", outputs=[]))
    with pytest.raises(ValueError, match="trouble"):
        async with ledger.claimed(derived("failing")):
            raise ValueError("trouble")
    async with other.claimed(derived("failing")):
        pass


async def test_an_outcome_is_remembered(database):
    ledger = Ledger(database, lease=5)
    step = derived("step")
    assert await ledger.outcome(step) is None
    async with ledger.claimed(step, operation="create.generate"):
        await ledger.record(step, Outcome(provider="local", outputs=[], seconds=1.5))
    found = await Ledger(database, lease=5).outcome(step)
    assert found == Outcome(provider="local", outputs=[], seconds=1.5)


async def test_a_lease_that_is_renewed_is_not_taken(database):
    ledger, other = Ledger(database, lease=1), Ledger(database, lease=1)
    async with ledger.claimed(derived("long")):
        await asyncio.sleep(1.6)
        with pytest.raises(InProgress):
            async with other.claimed(derived("long")):
                pass
