"""An internal system that knows nothing of our code: plain aio-pika, plain HTTP."""

import asyncio
import hashlib
import json

import aio_pika
import httpx
import pytest

PATIENCE = 60

pytestmark = pytest.mark.timeout(240)


async def put(url: str, photo: bytes) -> str:
    """Put a picture through a presigned URL."""
    digest = hashlib.sha256(photo).hexdigest()
    async with httpx.AsyncClient() as http:
        answer = await http.post(f"{url}/v1/uploads/presigned", json={"sha256": digest})
        stored = await http.put(answer.json()["url"], content=photo)
        assert stored.status_code == 200
    return answer.json()["blob"]


async def publish(broker: str, prefix: str, key: str, event: dict) -> None:
    connection = await aio_pika.connect(broker)
    async with connection:
        channel = await connection.channel()
        exchange = await channel.get_exchange(f"{prefix}.events")
        await exchange.publish(aio_pika.Message(json.dumps(event).encode()), routing_key=key)


async def assets(url: str, count: int, **filters: str) -> list[dict]:
    async with httpx.AsyncClient(base_url=url) as http:
        for _ in range(PATIENCE * 4):
            found = (await http.get("/v1/assets", params={"limit": 100, **filters})).json()[
                "assets"
            ]
            if len(found) >= count:
                break
            await asyncio.sleep(0.25)
        await asyncio.sleep(0.5)
        return (await http.get("/v1/assets", params={"limit": 100, **filters})).json()["assets"]


def created(blob: str, id_: str, **data) -> dict:
    return {
        "specversion": "1.0",
        "id": id_,
        "source": "/dam/paris",
        "type": "image.created",
        "data": {"image": {"blob": blob, "width": 1, "height": 1}, **data},
    }


async def test_one_published_event_is_enough_to_use_the_studios_or_the_library(
    processes, environment, broker_url, unique, photos
):
    blob = await put(processes.url, (photos / "astronaut.jpg").read_bytes())
    slip = {
        "steps": [
            {"operation": "optimizer.export",
             "params": {"placements": ["instagram_square", "x_landscape"], "fit": "contain"}},
            {"operation": "library.organise", "params": {"collection": "From the DAM"}},
        ]
    }  # fmt: skip
    event = created(blob, "with-a-slip", slip=slip)
    await publish(broker_url, unique, "image.created.optimizer", event)
    renditions = await assets(processes.url, 2, operation="optimizer.export")
    assert {(one["image"]["width"], one["image"]["height"]) for one in renditions} == {
        (1080, 1080),
        (1600, 900),
    }
    assert all(one["collections"] == ["From the DAM"] for one in renditions)
    [run] = {one["run"] for one in renditions}

    # the same system also follows its run over HTTP
    async with httpx.AsyncClient(base_url=processes.url) as http:
        for _ in range(PATIENCE * 4):
            state = (await http.get(f"/v1/runs/{run}")).json()
            if state["status"] != "running":
                break
            await asyncio.sleep(0.25)
    assert (state["status"], state["progress"]["share"], state["origin"]) == (
        "completed",
        "1",
        "event",
    )

    # without a slip it is just catalogued, with the facts as they are and not as they were claimed
    alone = created(blob, "without-a-slip", about={"title": "Eileen", "tags": ["crew"]})
    await publish(broker_url, unique, "image.created", alone)
    await publish(broker_url, unique, "image.created", alone)
    [kept] = await assets(processes.url, 1, query="eileen")
    assert (kept["image"]["width"], kept["image"]["height"], kept["tags"]) == (512, 512, ["crew"])
