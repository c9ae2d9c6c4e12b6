"""The provider simulator as Replicate and fal: what is submitted now and fetched later."""

import base64
import json
from decimal import Decimal

import httpx
import pytest

from tests.simulator import Rate, running_simulator
from tests.simulator.pictures import decoded
from tests.simulator.purchases import buy, client_of, data_uri, photo, submit

IMAGE = data_uri(photo(60, 40))
ESRGAN = "/models/nightmareai/real-esrgan/predictions"
JOB_S = 60


@pytest.fixture(scope="module")
def started():
    """Its jobs end when a test lets the time pass."""
    with running_simulator(job_s=JOB_S) as running:
        yield running


@pytest.fixture(scope="module")
def quick():
    """Its jobs end by themselves, almost at once."""
    with running_simulator(job_s=0.05) as running:
        yield running


@pytest.fixture
def simulator(started):
    started.reset()
    return started


@pytest.fixture
def waited(quick):
    """A client of Replicate whose `Prefer: wait` is worth waiting for."""
    quick.reset()
    with client_of(quick, "replicate") as client:
        client.headers["prefer"] = "wait"
        yield client


@pytest.fixture
def replicate(simulator):
    with client_of(simulator, "replicate") as client:
        yield client


@pytest.fixture
def fal(simulator):
    with client_of(simulator, "fal") as client:
        yield client


def amounts(simulator) -> list[str]:
    return [one["amount"] for one in simulator.bill()["calls"]]


def over(simulator, client, url):
    """The reply when every job is done."""
    simulator.advance(JOB_S)
    return client.get(url)


# Replicate


def test_a_prediction_starts_and_then_succeeds(simulator, replicate):
    response = submit(replicate, "replicate")
    begun = response.json()
    assert (response.status_code, begun["status"], begun["output"]) == (201, "starting", None)
    simulator.advance(JOB_S)
    done = replicate.get(begun["urls"]["get"]).json()
    assert (done["status"], done["metrics"]) == ("succeeded", {"predict_time": 2.0})


def test_a_prediction_can_be_waited_for(waited):
    document = {"input": {"image": IMAGE, "scale": 2}}
    done = waited.post(ESRGAN, json=document).json()
    assert done["status"] == "succeeded"
    assert decoded(waited.get(done["output"]).content).size == (120, 80)


def test_a_prediction_names_its_model_in_the_path_or_the_body(waited):
    document = {"model": "men1scus/birefnet", "input": {"image": IMAGE}}
    done = waited.post("/predictions", json=document, headers={"prefer": "wait=5"}).json()
    assert decoded(waited.get(done["output"]).content).mode == "RGBA"


@pytest.mark.parametrize(
    ("document", "headers", "status"),
    [
        ({"input": {}}, {}, 422),
        ({"input": {"image": IMAGE, "scale": 11}}, {}, 422),
        ({"input": {"image": IMAGE, "upscale": 2}}, {}, 422),
        ({"input": {"image": IMAGE}}, {"prefer": "wait=61"}, 422),
        ({"input": {"image": IMAGE}}, {"cancel-after": "soon"}, 422),
        ({"input": {"image": IMAGE}, "webhook": "https://example.org"}, {}, 422),
    ],
)
def test_replicate_refuses_what_it_does_not_know(simulator, replicate, document, headers, status):
    response = replicate.post(ESRGAN, json=document, headers=headers)
    assert (response.status_code, response.json()["status"]) == (status, status)
    assert amounts(simulator) == []


def test_a_prediction_on_something_that_is_no_picture_fails_and_is_free(quick, waited):
    text = data_uri(b"text")
    document = {"input": {"image": text}}
    done = waited.post(ESRGAN, json=document).json()
    assert (done["status"], done["output"]) == ("failed", None)
    assert done["error"]
    assert amounts(quick) == []


def test_a_prediction_is_not_there_for_another_key(simulator, replicate):
    url = submit(replicate, "replicate").json()["urls"]["get"]
    with client_of(simulator, "replicate", 1) as other:
        assert other.get(url).status_code == 404


def test_a_cancelled_prediction_is_not_billed(simulator, replicate):
    begun = submit(replicate, "replicate").json()
    assert replicate.post(begun["urls"]["cancel"]).json()["status"] == "canceled"
    assert amounts(simulator) == []
    simulator.advance(JOB_S)
    assert replicate.get(begun["urls"]["get"]).json()["status"] == "canceled"


def test_what_is_over_cannot_be_cancelled(simulator, replicate):
    begun = submit(replicate, "replicate").json()
    simulator.advance(JOB_S)
    assert replicate.post(begun["urls"]["cancel"]).json()["status"] == "succeeded"
    assert amounts(simulator) == ["0.00195"]


def test_the_data_of_a_prediction_are_gone_after_an_hour(simulator, replicate):
    begun = submit(replicate, "replicate").json()
    output = over(simulator, replicate, begun["urls"]["get"]).json()["output"]
    assert replicate.get(output).status_code == 200
    simulator.advance(3601)
    late = replicate.get(begun["urls"]["get"]).json()
    assert (late["status"], late["input"], late["output"]) == ("succeeded", {}, None)
    assert replicate.get(output).status_code == 404


def test_an_expired_file_can_be_ordered(simulator, replicate):
    begun = submit(replicate, "replicate").json()
    output = over(simulator, replicate, begun["urls"]["get"]).json()["output"]
    simulator.faults("replicate", "expired", "files")
    assert replicate.get(output).status_code == 404
    assert replicate.get(output).status_code == 200


def test_a_moderated_prediction_fails_and_is_not_billed(simulator, replicate):
    simulator.faults("replicate", "moderated")
    begun = submit(replicate, "replicate").json()
    failed = over(simulator, replicate, begun["urls"]["get"]).json()
    assert "NSFW" in failed["error"]
    assert amounts(simulator) == []


def test_replicate_throttles_predictions_and_not_what_asks_for_them():
    with (
        running_simulator(replicate_creates=Rate(1, 60)) as strict,
        client_of(strict, "replicate") as client,
    ):
        begun = submit(client, "replicate").json()
        refused = submit(client, "replicate")
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) > 0
        assert client.get(begun["urls"]["get"]).status_code == 200


# fal


def test_a_request_waits_runs_and_completes(simulator, fal):
    begun = submit(fal, "fal").json()
    status = fal.get(begun["status_url"])
    assert (status.status_code, status.json()["status"]) == (202, "IN_PROGRESS")
    assert fal.get(begun["response_url"]).status_code == 400
    simulator.advance(JOB_S)
    assert fal.get(begun["status_url"]).json()["status"] == "COMPLETED"
    image = fal.get(begun["response_url"]).json()["images"][0]
    assert (image["width"], image["height"]) == (576, 1024)


def test_beyond_the_concurrency_requests_wait_and_are_never_refused(simulator, fal):
    begun = [submit(fal, "fal").json() for _ in range(4)]
    states = [fal.get(one["status_url"]).json() for one in begun]
    assert [one["status"] for one in states] == ["IN_PROGRESS"] * 2 + ["IN_QUEUE"] * 2
    assert [one.get("queue_position") for one in states] == [None, None, 0, 1]
    simulator.advance(JOB_S)
    states = [fal.get(one["status_url"]).json()["status"] for one in begun]
    assert states == ["COMPLETED"] * 2 + ["IN_PROGRESS"] * 2


def test_fal_says_with_the_result_what_is_wrong_and_does_not_bill_it(simulator, fal):
    begun = fal.post("/fal-ai/flux/dev", json={"image_size": "huge"}).json()
    over(simulator, fal, begun["status_url"])
    result = fal.get(begun["response_url"])
    assert result.status_code == 422
    wrong = {one["loc"][1] for one in result.json()["detail"]}
    assert wrong == {"prompt", "image_size"}
    assert amounts(simulator) == []


def test_fal_works_on_pictures(simulator, fal):
    begun = fal.post("/fal-ai/esrgan", json={"image_url": IMAGE, "scale": 3}).json()
    over(simulator, fal, begun["status_url"])
    image = fal.get(begun["response_url"]).json()["image"]
    assert decoded(fal.get(image["url"]).content).size == (180, 120)


def test_fal_flags_content_with_422(simulator, fal):
    simulator.faults("fal", "moderated")
    begun = submit(fal, "fal").json()
    over(simulator, fal, begun["status_url"])
    result = fal.get(begun["response_url"])
    assert result.status_code == 422
    assert result.json()["detail"][0]["type"] == "content_policy_violation"
    assert amounts(simulator) == []


def test_whether_fal_bills_a_422_is_a_switch():
    with (
        running_simulator(fal_422_billed=True) as strict,
        client_of(strict, "fal") as client,
    ):
        strict.faults("fal", "moderated")
        submit(client, "fal")
        strict.advance(JOB_S)
        assert strict.bill()["total"] == {"USD": "0.025"}


def test_a_cancelled_request_is_not_billed_and_frees_its_place(simulator, fal):
    begun = [submit(fal, "fal").json() for _ in range(3)]
    cancelled = fal.put(begun[0]["cancel_url"])
    assert (cancelled.status_code, cancelled.json()["status"]) == (202, "CANCELLATION_REQUESTED")
    assert fal.get(begun[2]["status_url"]).json()["status"] == "IN_PROGRESS"
    simulator.advance(JOB_S)
    assert len(amounts(simulator)) == 2


def test_fal_bills_a_request_when_it_has_run_and_not_while_it_waits(simulator, fal):
    for _ in range(3):  # two at a time
        submit(fal, "fal")
    assert amounts(simulator) == []
    simulator.advance(JOB_S)
    assert amounts(simulator) == ["0.025"] * 2
    simulator.advance(JOB_S)
    assert amounts(simulator) == ["0.025"] * 3


def test_fals_balance_may_follow_its_bill_late():
    with (
        running_simulator(job_s=JOB_S, fal_balance_lag=300) as late,
        client_of(late, "fal") as client,
    ):
        submit(client, "fal")
        late.advance(JOB_S + 200)
        assert (late.bill()["total"], left_on(late)) == ({"USD": "0.025"}, pytest.approx(1000))
        late.advance(200)
        assert left_on(late) == pytest.approx(999.975)


def test_what_is_completed_or_unknown_cannot_be_cancelled(simulator, fal):
    begun = submit(fal, "fal").json()
    simulator.advance(JOB_S)
    late = fal.put(begun["cancel_url"])
    assert (late.status_code, late.json()["status"]) == (400, "ALREADY_COMPLETED")
    with client_of(simulator, "fal", 1) as other:
        assert other.put(begun["cancel_url"]).status_code == 404
        assert other.get(begun["status_url"]).status_code == 404
        assert other.get(begun["response_url"]).status_code == 404


def test_files_of_fal_live_as_long_as_the_request_says(simulator, fal):
    life = json.dumps({"expiration_duration_seconds": 60})
    fal.headers["x-fal-object-lifecycle-preference"] = life
    begun = submit(fal, "fal").json()
    over(simulator, fal, begun["status_url"])
    url = fal.get(begun["response_url"]).json()["images"][0]["url"]
    assert fal.get(url).status_code == 200
    simulator.advance(61)
    assert fal.get(url).status_code == 404


def test_an_unknown_app_is_404(fal):
    assert fal.post("/someone/something", json={}).status_code == 404


def billing_of(simulator, key, **query):
    """What fal tells of an account to whoever has this key."""
    url = f"{simulator.admin_base['fal']}/account/billing"
    return httpx.get(url, params=query, headers={"authorization": f"Key {key}"})


def left_on(simulator):
    """US$ on the first account at fal."""
    told = billing_of(simulator, simulator.admin_keys["fal"][0], expand="credits").json()
    return told["credits"]["current_balance"]


def test_fal_tells_what_is_left_to_the_admin_key_of_the_account(simulator, fal):
    fal.post("/fal-ai/flux/dev", json={"prompt": "a cup", "num_images": 2})
    simulator.advance(JOB_S)
    mine, other = simulator.admin_keys["fal"]
    told = billing_of(simulator, mine, expand="credits").json()
    assert told["credits"] == {"current_balance": pytest.approx(999.95), "currency": "USD"}
    told = billing_of(simulator, other, expand="credits").json()
    assert told["credits"]["current_balance"] == pytest.approx(1000)
    assert billing_of(simulator, mine).json() == {"username": "team-0"}


def test_fal_tells_nobody_else_what_is_left(simulator, fal):
    assert billing_of(simulator, simulator.keys["fal"][0], expand="credits").status_code == 403
    assert billing_of(simulator, "nobody:at-all", expand="credits").status_code == 401
    fal.headers["authorization"] = f"Key {simulator.admin_keys['fal'][0]}"
    assert submit(fal, "fal").status_code == 401  # and it buys nothing


def test_whoever_has_used_up_the_balance_is_locked_out_of_the_queue():
    with (
        running_simulator(fal_credits=Decimal("0.03")) as poor,
        client_of(poor, "fal") as client,
    ):
        document = {"prompt": "a cup", "num_images": 2}  # 0.05: it is noticed afterwards
        assert client.post("/fal-ai/flux/dev", json=document).status_code == 200
        poor.advance(JOB_S)
        locked = client.post("/fal-ai/flux/dev", json=document)
        assert locked.status_code == 403
        assert "Exhausted balance" in locked.json()["detail"]


@pytest.mark.parametrize("provider", ["replicate", "fal"])
def test_a_fetch_can_be_torn_and_tried_again(quick, provider):
    quick.reset()
    quick.faults(provider, "timeout_mid_body", "files", seconds=0)
    with client_of(quick, provider) as client:
        with pytest.raises(Exception, match=r"peer closed|[Dd]isconnect|reset|ReadError|^$"):
            buy(client, provider)
        assert buy(client, provider).size


def test_a_data_uri_is_read_whole(waited):
    half = base64.b64encode(photo(60, 40)[:60]).decode()
    document = {"input": {"image": f"data:image/png;base64,{half}"}}
    done = waited.post(ESRGAN, json=document).json()
    assert done["status"] == "failed"
