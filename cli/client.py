"""A client of the HTTP API, as any other program would write one."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import httpx

_OPEN = ("running", "cancelling")
#: Seconds that a gateway may be away while a run is followed.
_PATIENCE = 60
#: An event may be long in coming, but a stream says every few seconds that it is alive.
_STREAM = httpx.Timeout(10, read=60)


class ApiProblem(Exception):
    """The API refused; the text is the problem's own sentence and what to do."""

    @classmethod
    def from_response(cls, response: httpx.Response) -> Self:
        """Read an RFC 9457 answer."""
        try:
            problem = response.json()
        except json.JSONDecodeError:
            return cls(f"{response.status_code}: {response.text[:300]}")
        says = [problem.get("detail") or problem.get("title") or "No reason given."]
        if problem.get("fix"):
            says.append(problem["fix"])
        if problem.get("valid"):
            says.append("Valid: " + ", ".join(problem["valid"]))
        return cls(" ".join(says))


class Client:
    """Talks to one gateway."""

    def __init__(self, url: str, key: str | None = None, workspace: str | None = None) -> None:
        """workspace: which one is meant, where no keys are asked for; a key has its own."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        headers |= {"X-Workspace": workspace} if workspace else {}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=60)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, path: str, **params: Any) -> Any:
        """GET a JSON document."""
        return self._ask("GET", path, params={k: v for k, v in params.items() if v is not None})

    def post(self, path: str, body: Any, headers: dict[str, str] | None = None) -> Any:
        """POST a JSON document."""
        return self._ask("POST", path, json=body, headers=headers)

    def upload(self, photo: Path) -> str:
        """Upload a file; returns its blob key."""
        with photo.open("rb") as file:
            answer = self._ask("POST", "/v1/uploads", content=file)
        return str(answer["blob"])

    def start(self, body: dict[str, Any], idempotency_key: str | None = None) -> Any:
        """Start a run; the same key starts it once."""
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else None
        return self.post("/v1/runs", body, headers)

    def events(self, run: str) -> Iterator[dict[str, Any]]:
        """The run's events as they happen, until it is over (server-sent events).

        A gateway that is replaced ends its stream; the next one is asked for the rest.
        """
        last: str | None = None
        is_over, waited = False, 0
        while not is_over:
            try:
                for id_, event in self._stream(run, last):
                    last, waited = id_, 0
                    yield event
                is_over = self.get(f"/v1/runs/{run}")["status"] not in _OPEN
            except httpx.TransportError:
                waited += 1
                if waited > _PATIENCE:
                    raise
                time.sleep(1)

    def _stream(self, run: str, after: str | None) -> Iterator[tuple[str | None, dict[str, Any]]]:
        """One answer's events with their ids, those after an id."""
        headers = {"Last-Event-ID": after} if after else {}
        path = f"/v1/runs/{run}/events"
        with self._http.stream("GET", path, headers=headers, timeout=_STREAM) as response:
            if response.is_error:
                response.read()
                raise ApiProblem.from_response(response)
            id_ = after
            for line in response.iter_lines():
                name, _, value = line.partition(":")
                if name == "id":
                    id_ = value.strip()
                elif name == "data":
                    yield id_, json.loads(value)

    def assets(self, **filters: Any) -> Iterator[dict[str, Any]]:
        """Every asset that matches, page by page."""
        cursor = None
        while True:
            page = self.get("/v1/assets", cursor=cursor, limit=200, **filters)
            yield from page["assets"]
            cursor = page.get("next_cursor")
            if not cursor:
                return

    def save(self, path: str, to: Path, body: Any = None) -> int:
        """Stream an answer into a file; returns its size in bytes."""
        method = "GET" if body is None else "POST"
        to.parent.mkdir(parents=True, exist_ok=True)
        with self._http.stream(method, path, json=body) as response:
            if response.is_error:
                response.read()
                raise ApiProblem.from_response(response)
            with to.open("wb") as file:
                for chunk in response.iter_bytes():
                    file.write(chunk)
        return to.stat().st_size

    def _ask(self, method: str, path: str, **how: Any) -> Any:
        response = self._http.request(method, path, **how)
        if response.is_error:
            raise ApiProblem.from_response(response)
        return response.json() if response.content else None
