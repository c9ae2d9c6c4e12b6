"""One trace, from the HTTP request to the last catalogued rendition, through AMQP and gRPC."""

import asyncio

import httpx
import pytest

from tests.e2e.doubling import doubling
from tests.e2e.otlp import receiver
from tests.e2e.processes import MODULES, Processes

pytestmark = pytest.mark.timeout(300)

CAMPAIGN = {
    "workflow": "social-media-campaign",
    "parameters": {
        "campaign": "Traced",
        "prompt": "calm sea at sunset",
        "variations": 2,
        "quality": "draft",
        "adjust": {"brightness": 0.1},
        "placements": ["instagram_square", "x_landscape"],
    },
}


async def test_a_campaign_is_one_trace_without_orphans_also_after_redeliveries(
    environment, tmp_path, broker_url, unique
):
    with receiver() as otlp:
        settings = {**environment, "STUDIO_OTLP_ENDPOINT": otlp.endpoint}
        with Processes(settings, tmp_path) as processes:
            async with (
                doubling(broker_url, unique, share=0.3, seed=3) as doubled,
                httpx.AsyncClient(base_url=processes.url, timeout=60) as http,
            ):
                run = (await http.post("/v1/runs", json=CAMPAIGN)).json()
                async with asyncio.timeout(120):
                    while (await http.get(run["links"]["self"])).json()["status"] == "running":
                        await asyncio.sleep(0.3)
                await asyncio.sleep(2)
                found = (await http.get("/v1/assets", params={"run": run["id"]})).json()["assets"]
            for name in MODULES:
                assert processes.terminate(name) == 0  # drains, and sends what it still has
        spans = [span for span in otlp.spans if span.trace == run["trace_id"]]

    assert doubled.copied > 0
    assert len(found) == 8
    assert {asset["trace_id"] for asset in found} == {run["trace_id"]}

    by_id = {span.id: span for span in spans}
    roots = [span for span in spans if not span.parent]
    assert [root.name for root in roots] == ["POST /v1/runs"]
    assert [span.name for span in spans if span.parent and span.parent not in by_id] == []

    consumers = [span for span in spans if span.is_consumer]
    assert all(by_id[span.parent].is_producer for span in consumers)
    heard = {span.parent for span in consumers}
    producers = [span for span in spans if span.is_producer]
    assert [span.name for span in producers if span.id not in heard] == []
    studios = {"gateway", "create", "edit", "optimizer", "library"}
    assert {f"image-studio-{name}" for name in studios} <= {span.service for span in spans}

    names = {span.name for span in spans}
    assert {"fetch", "decode", "operate", "encode", "store", "thumbnail"} <= names
    assert any("Quote" in name for name in names)
    hops = {(by_id[span.parent].name, span.name) for span in consumers}
    assert ("workflow.started publish", "create process workflow.started") in hops
    assert ("image.created publish", "edit process image.created") in hops
    assert ("image.edited publish", "library process image.edited") in hops
    assert ("image.catalogued publish", "optimizer process image.catalogued") in hops
    assert ("image.optimized publish", "library process image.optimized") in hops
    assert ("image.catalogued publish", "tracker process image.catalogued") in hops
