"""API keys: who has none is told that before anything else, and learns nothing of what is here but
the description of the API, and whether it is well."""

from collections.abc import AsyncIterator

import httpx
import pytest

from gateway.service import gateway
from gateway.settings import GatewaySettings
from studio.bus.memory import MemoryBus
from studio.service import Ports, running

KEY = {"Authorization": "Bearer s3cret"}
MOST = 1000  # bytes of a body

#: Requests that are wrong besides: method, path, how, and what a caller with a key is told.
WRONG = [
    pytest.param("GET", "/v1/runs?colour=red", {}, 422, "request.parameter", id="a parameter"),
    pytest.param("GET", "/v1/assets?limit=x", {}, 422, "request.invalid", id="a value"),
    pytest.param("POST", "/v1/runs", {"json": {"step": []}}, 422, "request.invalid", id="a field"),
    pytest.param("POST", "/v1/runs", {"content": "{"}, 422, "request.invalid", id="no JSON"),
    pytest.param("POST", "/v1/runs", {"content": " " * 2 * MOST}, 413, "request.too_large",
                 id="a long body"),
    pytest.param("GET", "/v1/secrets", {}, 404, "http.404", id="a path"),
    pytest.param("GET", "/v1/runs/none/such", {}, 404, "http.404", id="a path of a thing"),
    pytest.param("GET", "/v1/", {}, 404, "http.404", id="no path"),
    pytest.param("GET", "/v1", {}, 404, "http.404", id="the version alone"),
    pytest.param("GET", "/%761/secrets", {}, 404, "http.404", id="a path in disguise"),
    pytest.param("DELETE", "/v1/runs", {}, 405, "http.405", id="a method"),
    pytest.param("OPTIONS", "/v1/runs", {}, 405, "http.405", id="a question for methods"),
]  # fmt: skip


@pytest.fixture
async def http(blobs, database) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway that asks for a key."""
    bus = MemoryBus()
    settings = GatewaySettings.model_validate(
        {"api_keys": {"s3cret": "acme"}, "max_body_bytes": MOST}
    )
    async with (
        running(gateway(Ports(bus, blobs, database, settings))) as addresses,
        httpx.AsyncClient(base_url=f"http://{addresses.http}") as client,
    ):
        yield client
    await bus.close()


@pytest.mark.parametrize(("method", "path", "how", "status", "rule"), WRONG)
async def test_who_has_no_key_is_told_that_before_what_else_is_wrong(
    http, method, path, how, status, rule
):
    headers = {"Content-Type": "application/json"}
    for credentials in ({}, {"Authorization": "Bearer another"}):
        answer = await http.request(method, path, headers=headers | credentials, **how)
        assert (answer.status_code, answer.headers.get("www-authenticate")) == (401, "Bearer")
        told = answer.json()
        assert told["type"] == "urn:image-studio:problem:api.key"
        assert "valid" not in told
    answer = await http.request(method, path, headers=headers | KEY, **how)
    assert answer.status_code == status
    assert answer.json()["type"] == f"urn:image-studio:problem:{rule}"


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/openapi.json"])
async def test_probes_and_the_description_of_the_api_ask_for_no_key(http, path):
    assert (await http.get(path)).status_code == 200


async def test_what_is_not_there_beside_the_api_is_no_secret(http):
    assert (await http.get("/v2/runs")).status_code == 404
