"""What a provider's balance is taken to say."""

import asyncio
import json
from collections.abc import Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from studio.providers.accounts import Account, Admin, ProviderSettings, accounts, idle_settings
from studio.providers.balances import balance, is_told, meant, missing_setting
from studio.providers.call import ProviderAway


class Bank(HTTPServer):
    """Says under every address what a test has written down."""

    body, path, authorization = "", "", ""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Teller)
        self.url = f"http://127.0.0.1:{self.server_port}"

    def told(self, provider: str, body: str) -> Decimal:
        """The balance of an account that this reply means."""
        self.body = body
        admin = Admin(f"{self.url}/v1", SecretStr("of-the-admin"))
        account = Account(provider, self.url, SecretStr("of-the-buyer"), admin=admin)

        async def asked() -> Decimal:
            async with httpx.AsyncClient() as client:
                return await balance(account, client)

        return asyncio.run(asked())


class Teller(BaseHTTPRequestHandler):
    """One question, one answer."""

    server: Bank

    def do_GET(self) -> None:
        self.server.path = self.path
        self.server.authorization = self.headers["authorization"]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.server.body.encode())

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def bank() -> Iterator[Bank]:
    with Bank() as open_:
        Thread(target=open_.serve_forever, daemon=True).start()
        yield open_
        open_.shutdown()


def of_fal(left: object, currency: str = "USD") -> str:
    told = {"current_balance": left, "currency": currency}
    return json.dumps({"username": "my-team", "credits": told})


def test_fal_tells_dollars_to_the_admin_key(bank):
    assert bank.told("fal", of_fal(24.5)) == Decimal("24.5")
    assert bank.path == "/v1/account/billing?expand=credits"
    assert bank.authorization == "Key of-the-admin"


def test_stability_tells_credits_of_a_cent_to_the_key_that_buys(bank):
    assert bank.told("stability", '{"credits": 12.5}') == Decimal("0.125")
    assert bank.path == "/v1/user/balance"
    assert bank.authorization == "Bearer of-the-buyer"


def test_a_balance_below_zero_is_one(bank):
    assert bank.told("fal", of_fal(-0.004)) == Decimal("-0.004")


@pytest.mark.parametrize(
    "body",
    [
        of_fal(24.5, "EUR"),
        of_fal(None),
        of_fal("a lot"),
        of_fal(float("nan")),
        '{"username": "my-team"}',
        '{"credits": null}',
        "[]",
        "<html>",
    ],
)
def test_whatever_else_is_said_is_no_balance(bank, body):
    with pytest.raises(ProviderAway, match="fal did not tell its balance"):
        bank.told("fal", body)


def test_what_floats_add_to_a_difference_is_not_meant(bank):
    before = bank.told("fal", of_fal(24.500000001))
    after = bank.told("fal", of_fal(24.4970000000004))
    assert before - after != Decimal("0.003")
    assert meant(before - after) == Decimal("0.003")


def test_only_an_account_with_an_admin_key_tells_fals_balance():
    settings = ProviderSettings(
        stability_api_key="one", fal_api_key="two", openai_api_key="three", fal_admin_api_key=" "
    )
    found = accounts(settings)
    told = {name: is_told(one) for name, one in found.items()}
    assert told == {"stability": True, "fal": False, "openai": False}
    missing = {name: missing_setting(one) for name, one in found.items()}
    assert missing == {"stability": None, "fal": "STUDIO_FAL_ADMIN_API_KEY", "openai": None}
    settings = ProviderSettings(fal_api_key="two", fal_admin_api_key="four\n")
    fal = accounts(settings)["fal"]
    assert (is_told(fal), missing_setting(fal)) == (True, None)
    assert fal.admin == Admin("https://api.fal.ai/v1", SecretStr("four"))


def test_of_admin_keys_one_is_meant():
    with pytest.raises(ValidationError, match="one key is meant, without commas"):
        ProviderSettings(fal_api_key="two", fal_admin_api_key="new-key,old-key")


def test_an_admin_key_beside_no_key_that_buys_is_idle():
    alone = ProviderSettings(fal_api_key=" ", fal_admin_api_key="four")
    assert idle_settings(alone) == {"STUDIO_FAL_ADMIN_API_KEY": "STUDIO_FAL_API_KEY"}
    assert idle_settings(ProviderSettings(fal_api_key="two", fal_admin_api_key="four")) == {}
    assert idle_settings(ProviderSettings(fal_api_key="two")) == {}


def test_an_account_that_is_printed_shows_no_key():
    admin = Admin("https://api.test/v1", SecretStr("of-the-admin"))
    account = Account("fal", "https://queue.test", SecretStr("of-the-buyer"), admin=admin)
    assert "of-the" not in repr(account)
