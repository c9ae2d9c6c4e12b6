"""Keys of providers are in no log, trace, event, error, answer or row, whatever happens."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import pytest

from studio.metadata import Metadata
from tests.e2e.otlp import receiver
from tests.e2e.processes import MODULES, Processes
from tests.simulator import running_simulator
from tests.simulator.settings import ADMIN_KEYS, KEYS

GOOD, OTHER, WRONG = "sk-good-7f3a9", "sk-other-c41d2", "sk-wrong-be860"
BUYER, ADMIN, REVOKED = "id-buyer-2c8e1:key", "id-admin-90b7d:key", "id-revoked-5d4f6:key"

pytestmark = pytest.mark.timeout(300)


def ended(http: httpx.Client, steps: list[dict]) -> dict:
    """A run of steps, once it is over."""
    answer = http.post("/v1/runs", json={"steps": steps})
    assert answer.status_code == 202, answer.text
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        run = http.get(answer.headers["Location"]).json()
        if run["progress"]["share"] == "1":
            return run
        time.sleep(0.3)
    raise AssertionError(f"the run did not end: {run}")


def answers(http: httpx.Client, processes: Processes) -> list[str]:
    """What the API and every service's metrics say."""
    letters = [
        http.get("/v1/dead-letters", params={"queue": queue}).text for queue in ("create", "edit")
    ]
    pages = [httpx.get(f"http://127.0.0.1:{processes.http[name]}/metrics").text for name in MODULES]
    return [http.get("/v1/operations").text, *letters, *pages]


async def rows(mongo_url: str, prefix: str) -> str:
    """Every document of every service, as text."""
    metadata, found = Metadata(mongo_url), []
    names = (
        "steps", "purchases", "turns", "statements", "findings", "runs", "items", "events",
        "beginnings", "assets", "idempotency",
    )  # fmt: skip
    for service in (*MODULES, "accounts"):
        database = metadata.database(f"{prefix}_{service}")
        for name in names:
            found += await database.collection(name).find({})
    await metadata.close()
    assert len(found) > 10
    return repr(found)


async def test_no_key_of_a_provider_is_told_anywhere(
    environment: dict[str, str], tmp_path: Path, mongo_url: str, unique: str
) -> None:
    keys = {**KEYS, "stability": (GOOD, OTHER), "fal": (BUYER, KEYS["fal"][1])}
    admins = {"fal": (ADMIN, ADMIN_KEYS["fal"][1])}
    make = {"operation": "create.generate", "provider": "stability", "params": {"prompt": "a cup"}}
    cut = {"operation": "edit.remove_background", "provider": "stability"}
    with running_simulator(keys=keys, admin_keys=admins) as simulator, receiver() as otlp:
        settings = {
            **environment,
            "STUDIO_OTLP_ENDPOINT": otlp.endpoint,
            "STUDIO_LOG_LEVEL": "DEBUG",
            "STUDIO_STABILITY_URL": simulator.base["stability"],
            "STUDIO_STABILITY_API_KEY": GOOD,
            "STUDIO_FAL_URL": simulator.base["fal"],
            "STUDIO_FAL_API_KEY": BUYER,
            "STUDIO_FAL_ADMIN_URL": simulator.admin_base["fal"],
            "STUDIO_FAL_ADMIN_API_KEY": ADMIN,
            "STUDIO_RECONCILE_INTERVAL": "1",
        }
        refused_keys = {"STUDIO_STABILITY_API_KEY": WRONG, "STUDIO_FAL_ADMIN_API_KEY": REVOKED}
        own = {"edit": refused_keys}
        with (
            Processes(settings, tmp_path, own) as processes,
            httpx.Client(base_url=processes.url, timeout=30) as http,
        ):
            paid = ended(http, [make])
            assert paid["counts"] == {"catalogued": 1}
            refused = ended(http, [make, cut])  # 401: the key of the edit studio is wrong
            assert refused["counts"] == {"failed": 1}
            simulator.faults("stability", "timeout_mid_body", "generate/core", times=1)
            doubtful = ended(http, [make])
            assert doubtful["counts"] == {"failed": 1}
            told = [repr([paid, refused, doubtful]), *answers(http, processes)]
            books = len(told)
            told.append(await rows(mongo_url, unique))
        told += [processes.log(name) for name in MODULES]
        told += [one.decode("latin-1") for one in otlp.raw]
        assert otlp.raw
    assert "provider.key" in told[0]
    assert "the key in STUDIO_FAL_ADMIN_API_KEY (HTTP 401)" in processes.log("edit")
    assert "'_id': 'fal " in told[books]  # a statement: its balance was read with the other one
    everything = "\n".join(told)
    for key in (GOOD, WRONG, BUYER, ADMIN, REVOKED):
        assert key not in everything
    assert paid["cost"]["amount"] == "0.03"  # it really was paid
