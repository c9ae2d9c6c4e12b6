"""A shop: an HTTP server on loopback that sells pictures, and does as it is told.

What buying must survive is set by the path: `/picture`, `/job`, `/lost` (the reply breaks off),
`/busy` (429 so often as asked), `/down` (500), `/proxy` (504, and billed), `/text` (200, and no
picture), `/filtered`, `/refused`, `/link`, `/links` (three, of which the second is gone). Every
call that a provider would bill is counted.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

PICTURE = b"\x89PNG\r\n\x1a\n a picture"


class Shop:
    """Plain HTTP/1.1, spoken by hand: only so can a reply break off in the middle."""

    def __init__(self) -> None:
        self.billed: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        self.headers: list[dict[str, str]] = []
        self.busy = 0
        self.store = "open"  # away, gone
        self.work = 2  # polls until a job is done
        self.is_locked = False  # 401 for whoever comes
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one request."""
        try:
            path = (await reader.readline()).split()[1].decode()
            headers = {}
            while line := (await reader.readline()).strip():
                name, _, value = line.decode().partition(":")
                headers[name.lower()] = value.strip()
            await reader.readexactly(int(headers.get("content-length", 0)))
            self.asked[path] += 1
            self.headers.append(headers)
            locked = _http("401 Who", b"wrong key", "text/plain")
            writer.write(locked if self.is_locked else self._reply(path))
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, IndexError):
            pass
        finally:
            writer.close()

    def _reply(self, path: str) -> bytes:  # noqa: PLR0912 (one case a path)
        match path:
            case "/busy" if self.busy > 0:
                self.busy -= 1
                return _http("429 Too Many", b"slow down", "text/plain", "retry-after: 0\r\n")
            case "/down":
                return _http("500 Oops", b"<html>", "text/html")
            case "/proxy":
                self.billed[path] += 1
                return _http("504 Gateway Timeout", b"<html>", "text/html")
            case "/refused":
                return _http("400 Bad", b"the prompt is missing", "text/plain")
            case "/result" if self.asked[path] < self.work:
                return _http("202 Accepted", b"working", "text/plain")
            case "/stored" if self.store == "away":
                return _http("503 Away", b"later", "text/plain")
            case "/stored/2":
                return _http("404 Gone", b"expired", "text/plain")
            case "/stored" if self.store == "gone":
                return _http("404 Gone", b"expired", "text/plain")
            case "/result" | "/stored" | "/stored/1" | "/stored/3":
                return _http("200 OK", PICTURE, "image/png")
        self.billed[path] += 1
        match path:
            case "/text":
                return _http("200 OK", b"<html>hello</html>", "text/html")
            case "/job":
                return _http("200 OK", b"job-1", "text/job")
            case "/link":
                return _http("200 OK", f"{self.url}/stored".encode(), "text/uri-list")
            case "/links":
                urls = "\n".join(f"{self.url}/stored/{number}" for number in (1, 2, 3))
                return _http("200 OK", urls.encode(), "text/uri-list")
            case "/filtered":
                return _http("200 OK", PICTURE, "image/png", "finish-reason: FILTERED\r\n")
            case "/lost":
                return _http("200 OK", PICTURE, "image/png")[:-9]
        return _http("200 OK", PICTURE, "image/png")


def _http(status: str, body: bytes, kind: str, more: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n{more}"
    return f"{head}connection: close\r\n\r\n".encode() + body


@asynccontextmanager
async def open_shop() -> AsyncIterator[Shop]:
    """A shop on a free port of loopback."""
    shop = Shop()
    server = await asyncio.start_server(shop.serve, "127.0.0.1", 0)
    shop.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield shop
