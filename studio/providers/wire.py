"""The wire: how a call, a question for a job and a result's link are asked over HTTP.

An account's key goes into one header, and to its provider only.
"""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from studio.money import Money
from studio.providers.accounts import Account
from studio.providers.call import Call, ProviderAway
from studio.providers.pictures import expired, picture

MAX_REPLY = 64 * 1024 * 1024  # bytes
_STORE = "the provider's store"
_ERROR, _GONE = 400, {403, 404, 410}
#: Errors of requests of which no byte was sent.
NEVER_LEFT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.LocalProtocolError,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)
#: Where a provider has a header of its own for the caller's name of a call.
_CLIENT_NAME = {"stability": "stability-client-user-id"}
#: They say how a body travels; ours is unpacked.
_OF_A_BODY = {"content-encoding", "content-length", "transfer-encoding"}
_HEADERS = {
    "google": ("x-goog-api-key", "{}"),
    "ideogram": ("Api-Key", "{}"),
    "fal": ("Authorization", "Key {}"),
}


async def send(
    client: httpx.AsyncClient, account: Account, call: Call, name: str
) -> httpx.Response:
    """Send a call. Its name goes along, for whoever searches the provider's logs."""
    files = [(field, (one.name, one.data, one.media_type)) for field, one in call.files]
    request = client.build_request(
        "POST",
        account.url + call.path,
        headers={
            **_credentials(account),
            _CLIENT_NAME.get(call.provider, "x-studio-step"): name,
            **call.headers,
        },
        json=call.json,
        data=call.form,
        files=files or None,
        timeout=httpx.Timeout(call.patience, connect=10),
    )
    return await _reply(client, request)


async def ask(
    client: httpx.AsyncClient, account: Account, path: str, headers: Mapping[str, str]
) -> httpx.Response:
    """Ask for a job."""
    request = client.build_request(
        "GET",
        account.url + path,
        headers={**_credentials(account), **headers},
        timeout=httpx.Timeout(60),
    )
    return await _reply(client, request)


async def fetch(client: httpx.AsyncClient, url: str, provider: str, cost: Money) -> bytes:
    """A result that lies elsewhere; no key is sent there.

    ProviderRefused (`provider.expired`) if it is gone, ProviderAway if it may come yet.
    """
    try:
        request = client.build_request("GET", url, timeout=httpx.Timeout(60))
        response = await _reply(client, request, follow_redirects=True)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ProviderAway.because(_STORE, type(error).__name__, None, cost) from error
    if response.status_code in _GONE:
        raise expired(provider, f"its store answers {response.status_code}. It was billed.")
    if response.status_code >= _ERROR or len(response.content) > MAX_REPLY:
        raise ProviderAway.because(_STORE, f"HTTP {response.status_code}", None, cost)
    try:
        return picture(response.content)
    except ValueError as error:
        raise ProviderAway.because(_STORE, "no picture", None, cost) from error


async def _reply(
    client: httpx.AsyncClient, request: httpx.Request, *, follow_redirects: bool = False
) -> httpx.Response:
    """The reply with its body; of one that is larger than MAX_REPLY, what had come by then."""
    response = await client.send(request, stream=True, follow_redirects=follow_redirects)
    body = bytearray()
    try:
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > MAX_REPLY:
                break
    finally:
        await response.aclose()
    headers = httpx.Headers(
        [(name, value) for name, value in response.headers.multi_items() if name not in _OF_A_BODY]
    )
    return httpx.Response(
        response.status_code, headers=headers, content=bytes(body), request=response.request
    )


def retry_after(response: httpx.Response) -> float | None:
    """Seconds, if the header gives them as a number (dates are not used by any provider)."""
    try:
        return max(0.0, float(response.headers["retry-after"]))
    except (KeyError, ValueError):
        return None


def _credentials(account: Account) -> dict[str, str]:
    name, form = _HEADERS.get(account.provider, ("Authorization", "Bearer {}"))
    return {name: form.format(account.key.get_secret_value())}
