"""The provider simulator as Stability AI: sizes, limits, asynchronous results, moderation."""

import base64
import re

import numpy as np
import pytest
from PIL import Image

from tests.simulator import Rate, running_simulator
from tests.simulator.bill import prices
from tests.simulator.pictures import decoded, encoded
from tests.simulator.purchases import client_of, photo, submit

STABLE = "/v2beta/stable-image/"
IMAGE = photo(200, 100)
WORDS = {"prompt": "a hill"}


def mask_white_on_the_left(width: int = 200, height: int = 100) -> bytes:
    mask = Image.new("L", (width, height), 0)
    mask.paste(255, (0, 0, width // 2, height))
    return encoded(mask, "png")


#: Endpoint: text fields, pictures, size of the result, credits.
GOOD = {
    "generate/ultra": (WORDS, {}, (1024, 1024), 8),
    "generate/core": (WORDS | {"aspect_ratio": "2:3"}, {}, (1024, 1536), 3),
    "generate/sd3": (WORDS | {"aspect_ratio": "16:9"}, {}, (1344, 768), 6.5),
    "edit/remove-background": ({}, {"image": IMAGE}, (200, 100), 5),
    "edit/erase": ({}, {"image": IMAGE, "mask": mask_white_on_the_left()}, (200, 100), 5),
    "edit/inpaint": (WORDS, {"image": IMAGE, "mask": mask_white_on_the_left()}, (200, 100), 5),
    "edit/outpaint": ({"left": "30", "down": "20"}, {"image": IMAGE}, (230, 120), 4),
    "edit/search-and-replace": (WORDS | {"search_prompt": "sky"}, {"image": IMAGE}, (200, 100), 5),
    "edit/search-and-recolor": (WORDS | {"select_prompt": "car"}, {"image": IMAGE}, (200, 100), 5),
    "edit/replace-background-and-relight": (
        {"background_prompt": "sea", "keep_original_background": "false"},
        {"subject_image": IMAGE},
        (200, 100),
        8,
    ),
    "upscale/fast": ({}, {"image": IMAGE}, (800, 400), 2),
    "upscale/conservative": (WORDS, {"image": IMAGE}, (2896, 1448), 40),
    "upscale/creative": (WORDS, {"image": IMAGE}, (4072, 2036), 60),
}
#: Endpoint, fields, pictures, and what the refusal says.
BAD = [
    ("generate/core", {}, {}, "prompt: is required"),
    ("generate/core", WORDS | {"aspect_ratio": "4:3"}, {}, "aspect_ratio: must be one of"),
    ("generate/core", WORDS | {"seed": "4294967295"}, {}, "seed: must be less"),
    ("generate/core", WORDS | {"style_preset": "baroque"}, {}, "style_preset: must be one of"),
    ("generate/core", WORDS | {"steps": "30"}, {}, "steps: is not a documented field"),
    ("generate/core", {"prompt": "x" * 10_001}, {}, "prompt: must have at most"),
    ("generate/core", {"prompt": "(fog:1.5)"}, {}, "weights must be between 0 and 1"),
    ("generate/ultra", WORDS, {"image": IMAGE}, "strength: is required"),
    ("generate/sd3", WORDS | {"output_format": "webp"}, {}, "output_format: must be one of"),
    ("generate/sd3", WORDS | {"mode": "image-to-image"}, {"image": IMAGE}, "strength: is required"),
    ("edit/remove-background", {"output_format": "jpeg"}, {"image": IMAGE}, "output_format: must"),
    ("edit/remove-background", {}, {"image": photo(2049, 2048)}, "4,194,304 pixels"),
    ("edit/remove-background", {}, {"image": photo(63, 100)}, "sides of 64"),
    ("edit/remove-background", {}, {"image": b"GIF89a"}, "image: must be a jpeg, png or webp"),
    ("edit/remove-background", {"image": "text"}, {}, "image: must be a file"),
    ("edit/erase", {}, {"image": IMAGE}, "mask: is required"),
    ("edit/outpaint", {}, {"image": IMAGE}, "at least one of left, right, up, down"),
    ("edit/outpaint", {"left": "2001"}, {"image": IMAGE}, "left: must be less"),
    ("edit/outpaint", {"left": "1"}, {"image": photo(300, 100)}, "aspect ratio"),
    ("edit/search-and-recolor", WORDS | {"search_prompt": "x"}, {"image": IMAGE}, "select_prompt"),
    ("edit/search-and-replace", WORDS, {"image": IMAGE}, "search_prompt: is required"),
    ("edit/replace-background-and-relight", {"background_prompt": "sea"}, {"image": IMAGE}, "sub"),
    ("edit/replace-background-and-relight", {}, {"subject_image": IMAGE}, "background_reference"),
    ("upscale/fast", {}, {"image": photo(1536, 1024)}, "1,048,576 pixels"),
    ("upscale/fast", {}, {"image": photo(1537, 100)}, "sides of 32 to 1536"),
    ("upscale/conservative", {}, {"image": IMAGE}, "prompt: is required"),
    ("upscale/conservative", WORDS | {"creativity": "0.6"}, {"image": IMAGE}, "creativity: must"),
    ("upscale/creative", WORDS, {"image": photo(1080, 1350)}, "1,048,576 pixels"),
]


@pytest.fixture(scope="module")
def started():
    with running_simulator(job_s=60) as running:
        yield running


@pytest.fixture
def simulator(started):
    started.reset()
    return started


@pytest.fixture
def client(simulator):
    with client_of(simulator, "stability") as client:
        yield client


def ask(client, endpoint, values, images, **headers):
    files = {name: (f"{name}.png", data) for name, data in images.items()}
    return client.post(
        STABLE + endpoint, data=values, files=files or {"none": ("", b"")}, headers=headers
    )


def finished(simulator, client, response):
    """The reply of an asynchronous job when it is there."""
    simulator.advance(60)
    return client.get(f"/v2beta/results/{response.json()['id']}")


@pytest.mark.parametrize("endpoint", GOOD)
def test_each_endpoint_gives_the_documented_size_for_the_documented_credits(
    simulator, client, endpoint
):
    values, images, size, credits_spent = GOOD[endpoint]
    response = ask(client, endpoint, values, images)
    assert response.status_code == 200, response.text
    if endpoint in ("upscale/creative", "edit/replace-background-and-relight"):
        assert re.fullmatch("[0-9a-f]{64}", response.json()["id"])
        response = finished(simulator, client, response)
    assert response.headers["finish-reason"] == "SUCCESS"
    assert int(response.headers["seed"]) > 0
    assert decoded(response.content).size == size
    assert client.get("/v1/user/balance").json() == {"credits": 1000 - credits_spent}
    assert float(simulator.bill()["total"]["USD"]) == pytest.approx(credits_spent / 100)


@pytest.mark.parametrize(("endpoint", "values", "images", "says"), BAD)
def test_what_the_documents_refuse_is_refused_and_not_billed(
    simulator, client, endpoint, values, images, says
):
    response = ask(client, endpoint, values, images)
    body = response.json()
    assert response.status_code == 400
    assert re.fullmatch("[0-9a-f]{32}", body["id"])
    assert body["name"] == "bad_request"
    assert says in body["errors"][0]
    assert simulator.bill()["calls"] == []


@pytest.mark.parametrize("output_format", ["png", "jpeg", "webp"])
def test_a_picture_comes_in_the_format_that_was_asked_for(client, output_format):
    values = WORDS | {"output_format": output_format}
    response = ask(client, "generate/core", values, {}, accept="image/*")
    assert response.headers["content-type"] == f"image/{output_format}"
    assert decoded(response.content).format == output_format.upper()


def test_a_picture_comes_as_base64_to_whom_accepts_json(client):
    response = ask(client, "generate/core", WORDS | {"seed": "7"}, {}, accept="application/json")
    body = response.json()
    assert response.headers["content-type"] == "application/json; type=image/png"
    assert (body["finish_reason"], body["seed"]) == ("SUCCESS", 7)
    assert decoded(base64.b64decode(body["image"])).size == (1248, 1248)


def test_a_cut_out_has_transparency_and_a_subject(client):
    cut = decoded(ask(client, "edit/remove-background", {}, {"image": IMAGE}).content)
    alpha = np.asarray(cut.getchannel("A"))
    assert alpha[0, 0] == 0
    assert alpha[50, 100] == 255


def test_white_of_a_mask_is_changed_and_black_is_kept(client):
    images = {"image": IMAGE, "mask": mask_white_on_the_left(50, 25)}
    edited = np.asarray(decoded(ask(client, "edit/inpaint", WORDS, images).content))
    before = np.asarray(decoded(IMAGE).convert("RGB"))
    assert (edited[:, 110:] == before[:, 110:]).all()
    assert (edited[:, :90] != before[:, :90]).any()


def test_a_picture_of_one_megapixel_just_fits_the_fast_upscaler(client):
    response = ask(client, "upscale/fast", {"output_format": "jpeg"}, {"image": photo(1024, 1024)})
    assert decoded(response.content).size == (4096, 4096)


def test_a_body_beyond_ten_mebibytes_is_413(simulator, client):
    response = ask(client, "upscale/fast", {}, {"image": b"\0" * 10_485_760})
    assert (response.status_code, response.json()["name"]) == (413, "payload_too_large")
    assert simulator.bill()["calls"] == []


def test_a_prompt_that_is_not_english_is_422(client):
    assert ask(client, "generate/core", {"prompt": "зелёный холм"}, {}).status_code == 422


def test_a_body_that_is_no_form_is_refused(client):
    assert client.post(STABLE + "generate/core", json=WORDS).status_code == 400


def test_an_account_without_credits_is_402():
    with (
        running_simulator(stability_credits=2) as poor,
        client_of(poor, "stability") as client,
    ):
        assert submit(client, "stability").status_code == 402
        assert client.get("/v1/user/balance").json() == {"credits": 2.0}


def test_a_job_is_in_progress_until_it_is_done(simulator, client):
    values, images, _, _ = GOOD["upscale/creative"]
    job = ask(client, "upscale/creative", values, images).json()["id"]
    reply = client.get(f"/v2beta/results/{job}")
    assert (reply.status_code, reply.json()) == (202, {"id": job, "status": "in-progress"})
    simulator.advance(60)
    assert client.get(f"/v2beta/results/{job}").status_code == 200
    assert len(simulator.bill()["calls"]) == 1


def test_a_result_is_not_there_for_another_key(simulator, client):
    values, images, _, _ = GOOD["upscale/creative"]
    job = ask(client, "upscale/creative", values, images).json()["id"]
    simulator.advance(60)
    with client_of(simulator, "stability", 1) as other:
        assert other.get(f"/v2beta/results/{job}").status_code == 404
    assert client.get(f"/v2beta/results/{job}").status_code == 200


def test_a_result_is_kept_for_a_day(simulator, client):
    values, images, _, _ = GOOD["edit/replace-background-and-relight"]
    job = ask(client, "edit/replace-background-and-relight", values, images).json()["id"]
    simulator.advance(24 * 3600)
    assert client.get(f"/v2beta/results/{job}").status_code == 200
    simulator.advance(120)
    assert client.get(f"/v2beta/results/{job}").status_code == 404


def test_an_expired_result_can_be_ordered_and_leaves_the_submission_alone(simulator, client):
    simulator.faults("stability", "expired")
    values, images, _, _ = GOOD["upscale/creative"]
    job = ask(client, "upscale/creative", values, images).json()["id"]
    reply = client.get(f"/v2beta/results/{job}")
    assert (reply.status_code, reply.json()["name"]) == (404, "not_found")


def test_whoever_polls_too_fast_is_429():
    with (
        running_simulator(poll_s=10, job_s=5) as patient,
        client_of(patient, "stability") as client,
    ):
        values, images, _, _ = GOOD["upscale/creative"]
        job = ask(client, "upscale/creative", values, images).json()["id"]
        path = f"/v2beta/results/{job}"
        assert [client.get(path).status_code for _ in range(2)] == [202, 429]
        patient.advance(10)
        assert client.get(path).status_code == 200


def test_too_many_requests_shut_the_account_out_for_a_while():
    rate = Rate(3, window_s=10, timeout_s=60)
    with (
        running_simulator(stability_rate=rate) as strict,
        client_of(strict, "stability") as client,
        client_of(strict, "stability", 1) as other,
    ):
        path = "/v1/user/balance"
        assert [client.get(path).status_code for _ in range(4)] == [200, 200, 200, 429]
        assert other.get(path).status_code == 200
        strict.advance(30)  # the window is over, the time-out is not
        assert client.get(path).status_code == 429
        strict.advance(31)
        assert client.get(path).status_code == 200


def test_a_flagged_prompt_is_403_and_free(simulator, client):
    simulator.faults("stability", "moderated")
    response = submit(client, "stability")
    assert (response.status_code, response.json()["name"]) == (403, "content_moderation")
    assert simulator.bill()["calls"] == []


@pytest.mark.parametrize("accept", ["image/*", "application/json"])
def test_a_filtered_picture_is_a_200_with_a_blur_and_is_billed(simulator, client, accept):
    simulator.faults("stability", "blurred_200")
    values = WORDS | {"aspect_ratio": "3:2"}
    response = ask(client, "generate/core", values, {}, accept=accept)
    is_json = accept == "application/json"
    reason = response.json()["finish_reason"] if is_json else response.headers["finish-reason"]
    data = base64.b64decode(response.json()["image"]) if is_json else response.content
    assert (response.status_code, reason) == (200, "CONTENT_FILTERED")
    assert decoded(data).size == (1536, 1024)
    assert simulator.bill()["total"] == {"USD": "0.03"}


def test_whether_a_filtered_picture_is_billed_is_a_switch():
    with (
        running_simulator(content_filtered_billed=False) as lenient,
        client_of(lenient, "stability") as client,
    ):
        lenient.faults("stability", "blurred_200")
        assert submit(client, "stability").headers["finish-reason"] == "CONTENT_FILTERED"
        assert lenient.bill()["calls"] == []


def test_a_lost_submission_leaves_a_job_that_was_paid_for(simulator, client):
    simulator.faults("stability", "close_before_reply", "upscale/creative")
    values, images, _, _ = GOOD["upscale/creative"]
    with pytest.raises(Exception, match="disconnected"):
        ask(client, "upscale/creative", values, images)
    assert simulator.bill()["total"] == {"USD": "0.6"}


@pytest.mark.parametrize("header", ["stability-client-id", "stability-client-version"])
def test_an_identity_of_more_than_256_characters_is_refused(client, header):
    assert ask(client, "generate/core", WORDS, {}, **{header: "x" * 257}).status_code == 400


def test_every_endpoint_has_a_price():
    priced = {item for provider, item in prices() if provider == "stability"}
    assert set(GOOD) - {"generate/sd3"} <= priced
