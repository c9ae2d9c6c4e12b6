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
)
#: Where a provider has a header of its own for the caller's name of a call.
_CLIENT_NAME = {"stability": "stability-client-user-id"}
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
    return await client.post(
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


async def ask(
    client: httpx.AsyncClient, account: Account, path: str, headers: Mapping[str, str]
) -> httpx.Response:
    """Ask for a job."""
    return await client.get(
        account.url + path,
        headers={**_credentials(account), **headers},
        timeout=httpx.Timeout(60),
    )


async def fetch(client: httpx.AsyncClient, url: str, provider: str, cost: Money) -> bytes:
    """A result that lies elsewhere; no key is sent there.

    ProviderRefused (`provider.expired`) if it is gone, ProviderAway if it may come yet.
    """
    try:
        response = await client.get(url, timeout=httpx.Timeout(60), follow_redirects=True)
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


def retry_after(response: httpx.Response) -> float | None:
    """Seconds, if the header gives them as a number (dates are not used by any provider)."""
    try:
        return max(0.0, float(response.headers["retry-after"]))
    except (KeyError, ValueError):
        return None


def _credentials(account: Account) -> dict[str, str]:
    name, form = _HEADERS.get(account.provider, ("Authorization", "Bearer {}"))
    return {name: form.format(account.key.get_secret_value())}
