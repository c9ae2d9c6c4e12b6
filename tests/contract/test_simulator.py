"""The provider simulator, what all providers share: keys, pictures, the bill, every fault."""

import re
import time
from decimal import Decimal

import httpx
import pytest

from tests.simulator import running_simulator
from tests.simulator.bill import account_of, prices
from tests.simulator.pictures import NotAPicture, decoded
from tests.simulator.purchases import PURCHASES, buy, client_of, headers_of, submit

A_JOB = 0.1  # s; queues bill what has run
ALL = sorted(PURCHASES)
#: How each says that a required field is missing: the field, the status, and words of the body.
MISSING = {
    "stability": ("prompt", 400, "prompt: is required"),
    "openai": ("prompt", 400, "missing_required_parameter"),
    "gemini": ("contents", 400, "INVALID_ARGUMENT"),
    "imagen": ("prompt", 400, "INVALID_ARGUMENT"),
    "huggingface": ("inputs", 400, "inputs is required"),
    "ideogram": ("prompt", 400, "prompt is required"),
    "replicate": ("prompt", 422, "input.prompt: is required"),
}
#: What each answers to a key that it does not know.
WRONG_KEY = dict.fromkeys(ALL, 401) | {"gemini": 403, "imagen": 403}


@pytest.fixture(scope="module")
def started():
    with running_simulator(job_s=A_JOB) as running:
        yield running


@pytest.fixture
def simulator(started):
    started.reset()
    return started


def amounts(simulator) -> list[str]:
    return [one["amount"] for one in simulator.bill()["calls"]]


@pytest.mark.parametrize("provider", ALL)
def test_a_good_request_gives_a_picture_of_the_documented_size(simulator, provider):
    with client_of(simulator, provider) as client:
        assert buy(client, provider).size == PURCHASES[provider].size


@pytest.mark.parametrize("provider", ALL)
def test_the_same_request_gives_the_same_pixels(simulator, provider):
    with client_of(simulator, provider) as client:
        assert buy(client, provider).tobytes() == buy(client, provider).tobytes()


@pytest.mark.parametrize("provider", ALL)
def test_a_call_is_billed_once_to_its_account_and_its_step(simulator, provider):
    header = "stability-client-user-id" if provider == "stability" else "x-studio-step"
    with client_of(simulator, provider) as client:
        client.headers[header] = "step-7"
        buy(client, provider)
    bill = simulator.bill()
    (call,) = bill["calls"]
    assert call["provider"] == provider
    assert call["account"] == account_of(simulator.keys[provider][0])
    assert call["endpoint"] == PURCHASES[provider].endpoint
    assert (call["amount"], call["currency"]) == (PURCHASES[provider].usd, "USD")
    assert call["client_id"] == "step-7"
    assert bill["total"] == {"USD": PURCHASES[provider].usd}


@pytest.mark.parametrize("provider", ALL)
@pytest.mark.parametrize("key", ["wrong", ""])
def test_an_unknown_key_is_refused_and_buys_nothing(simulator, provider, key):
    good = PURCHASES[provider]
    url = simulator.base[provider] + good.path
    headers = headers_of(provider, key) if key else {}
    response = httpx.post(url, headers=headers, **good.request)
    assert response.status_code == WRONG_KEY[provider]
    assert amounts(simulator) == []


@pytest.mark.parametrize("provider", sorted(MISSING))
def test_a_missing_field_is_refused_in_the_providers_words_and_not_billed(simulator, provider):
    field, status, words = MISSING[provider]
    good = PURCHASES[provider]
    with client_of(simulator, provider) as client:
        response = client.post(good.path, **good.without(field))
    assert response.status_code == status
    assert words in response.text
    assert amounts(simulator) == []


@pytest.mark.parametrize("provider", ALL)
@pytest.mark.parametrize("kind", ["429", "500", "503"])
def test_a_failed_call_is_not_billed_and_the_next_one_goes_well(simulator, provider, kind):
    simulator.faults(provider, kind, retry_after=7)
    with client_of(simulator, provider) as client:
        failed = submit(client, provider)
        assert failed.status_code == int(kind)
        assert failed.headers["content-type"] == "application/json"
        assert failed.headers.get("retry-after") == ("7" if kind == "429" else None)
        assert amounts(simulator) == []
        assert submit(client, provider).is_success


@pytest.mark.parametrize("provider", ALL)
def test_a_call_whose_reply_never_comes_is_billed(simulator, provider):
    simulator.faults(provider, "close_before_reply")
    with client_of(simulator, provider) as client, pytest.raises(httpx.RemoteProtocolError):
        submit(client, provider)
    simulator.advance(A_JOB)
    assert amounts(simulator) == [PURCHASES[provider].usd]


@pytest.mark.parametrize("provider", ALL)
def test_a_call_whose_reply_ends_in_the_middle_is_billed(simulator, provider):
    simulator.faults(provider, "timeout_mid_body", seconds=0.05)
    with client_of(simulator, provider) as client, pytest.raises(httpx.TransportError):
        submit(client, provider)
    simulator.advance(A_JOB)
    assert amounts(simulator) == [PURCHASES[provider].usd]


@pytest.mark.parametrize("provider", ALL)
def test_a_reply_that_hangs_in_the_middle_outlasts_the_readers_patience(simulator, provider):
    simulator.faults(provider, "timeout_mid_body", seconds=1)
    with client_of(simulator, provider) as client:
        client.timeout = httpx.Timeout(0.4, connect=5)
        with pytest.raises(httpx.ReadTimeout):
            submit(client, provider)


@pytest.mark.parametrize("provider", ALL)
def test_a_slow_call_takes_its_time_and_goes_well(simulator, provider):
    simulator.faults(provider, "slow", seconds=0.2)
    with client_of(simulator, provider) as client:
        begun = time.monotonic()
        assert submit(client, provider).is_success
        assert time.monotonic() - begun >= 0.2


@pytest.mark.parametrize("provider", ALL)
@pytest.mark.parametrize("billed", [False, True])
def test_a_web_page_may_stand_where_the_picture_should(simulator, provider, billed):
    simulator.faults(provider, "html", billed=billed)
    with client_of(simulator, provider) as client:
        response = submit(client, provider)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")
    with pytest.raises(NotAPicture):
        decoded(response.content)
    simulator.advance(A_JOB)
    assert len(amounts(simulator)) == billed


@pytest.mark.parametrize("provider", ALL)
def test_a_picture_may_have_another_size_than_was_asked_for(simulator, provider):
    simulator.faults(provider, "wrong_size")
    with client_of(simulator, provider) as client:
        assert buy(client, provider).size != PURCHASES[provider].size


@pytest.mark.parametrize("provider", sorted(set(ALL) - {"replicate", "fal"}))
def test_a_moderated_call_makes_no_picture_and_is_not_billed(simulator, provider):
    simulator.faults(provider, "moderated")
    with client_of(simulator, provider) as client:
        response = submit(client, provider)
        with pytest.raises((NotAPicture, KeyError, StopIteration)):
            decoded(PURCHASES[provider].picture(client, response))
    assert amounts(simulator) == []


def test_a_fault_waits_for_its_turn_and_ends_after_its_times(simulator):
    simulator.faults("openai", "500", "images/generations", after=1, times=2)
    with client_of(simulator, "openai") as client:
        statuses = [submit(client, "openai").status_code for _ in range(4)]
    assert statuses == [200, 500, 500, 200]


def test_a_fault_of_one_endpoint_or_provider_leaves_the_others_alone(simulator):
    simulator.faults("openai", "500", "images/edits")
    simulator.faults("fal", "500")
    with client_of(simulator, "openai") as client:
        assert submit(client, "openai").is_success


def test_faults_can_be_cleared(simulator):
    simulator.faults("openai", "500", times=9)
    simulator.clear_faults()
    with client_of(simulator, "openai") as client:
        assert submit(client, "openai").is_success


def test_a_fault_that_nobody_knows_is_refused(simulator):
    order = {"provider": "openai", "kind": "blurred_200"}
    response = httpx.post(f"{simulator.url}/_sim/faults", json=order)
    assert response.status_code == 422


def test_a_reset_forgets_the_bill_and_the_faults(simulator):
    with client_of(simulator, "openai") as client:
        submit(client, "openai")
        simulator.faults("openai", "500")
        simulator.reset()
        assert simulator.bill() == {"calls": [], "total": {"USD": "0"}}
        assert submit(client, "openai").is_success


def test_no_key_is_printed_on_the_bill(simulator):
    with client_of(simulator, "stability", 0) as one, client_of(simulator, "stability", 1) as two:
        submit(one, "stability")
        submit(two, "stability")
    calls = simulator.bill()["calls"]
    assert len({call["account"] for call in calls}) == 2
    assert not any(key in str(calls) for key in simulator.keys["stability"])


def test_every_price_says_where_it_is_from():
    for price in prices().values():
        assert price.amount > Decimal(0)
        assert re.match(r"providers\.md |[a-z.-]+\.[a-z]{2,3}/", price.source), price.source
        assert price.checked_on
        assert price.assumed == ("names no price" in price.source)
