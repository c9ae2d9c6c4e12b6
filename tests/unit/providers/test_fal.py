"""fal: what the queue's replies mean."""

import pytest

from studio.providers import fal
from studio.providers.call import Job, Links, Moderated, ProviderRefused
from tests.unit.providers.replies import PNG, reply, web_page

APP = "fal-ai/flux/dev"
RESULT = "/fal-ai/flux/requests/r-1"
URL = "https://v3.fal.media/files/x.png"


def read(response):
    return fal.read(response, APP)


def test_a_submitted_request_is_asked_for_without_the_apps_own_path():
    body = {"request_id": "r-1", "response_url": f"https://queue.fal.run{RESULT}"}
    assert read(reply("fal", json=body)) == Job("r-1", RESULT, 5)


@pytest.mark.parametrize(
    "response",
    [
        reply("fal", 400, {"detail": "Request is still in progress"}, poll=RESULT),
        reply("fal", 202, {"status": "IN_PROGRESS", "request_id": "r-1"}, poll=RESULT),
        reply("fal", 202, {"status": "IN_QUEUE", "queue_position": 2}, poll=f"{RESULT}/status"),
        reply("fal", 200, {"status": "COMPLETED", "request_id": "r-1"}, poll=f"{RESULT}/status"),
    ],
)
def test_a_request_in_the_queue_stays_a_job(response):
    assert read(response) == Job("r-1", RESULT, 5)


@pytest.mark.parametrize(
    "body", [{"images": [{"url": URL}], "seed": 9}, {"image": {"url": URL}, "seed": 9}]
)
def test_a_result_is_its_links(body):
    assert read(reply("fal", json=body, poll=RESULT)) == Links([URL], details={"seed": 9})


@pytest.mark.parametrize(
    ("told", "sizes"),
    [
        ([{"width": 1280, "height": 1024}], ((1280, 1024),)),
        ([{"width": 8, "height": 9}, {"width": 7, "height": 6}], ((8, 9), (7, 6))),
        ([{"width": 8, "height": 9}, {"width": None, "height": None}], ()),  # they may be null
        ([{"width": 8}], ()),
        ([{"width": 0, "height": 9}], ()),
        ([{}], ()),
    ],
)
def test_a_result_tells_the_sizes_of_all_its_pictures_or_none(told, sizes):
    body = {"images": [{"url": URL, **one} for one in told]}
    assert read(reply("fal", json=body, poll=RESULT)).sizes == sizes


def test_a_blackened_picture_is_moderated_and_billed_by_its_size():
    picture = {"url": URL, "width": 1280, "height": 1024}
    body = {"images": [picture], "has_nsfw_concepts": [True]}
    with pytest.raises(Moderated) as caught:
        read(reply("fal", json=body, poll=RESULT))
    assert (caught.value.billed, caught.value.sizes) == ("yes", ((1280, 1024),))


def test_a_flagged_prompt_is_moderated_and_may_be_billed():
    fault = {"loc": ["body", "prompt"], "msg": "It was flagged", "type": "content_policy_violation"}
    with pytest.raises(Moderated, match="prompt: It was flagged") as caught:
        read(reply("fal", 422, {"detail": [fault]}, poll=RESULT))
    assert caught.value.billed == "unknown"


def test_a_wrong_input_may_be_billed_too():
    fault = {"loc": ["body", "image_size"], "msg": "unknown size", "type": "value_error"}
    with pytest.raises(ProviderRefused, match="image_size: unknown size") as caught:
        read(reply("fal", 422, {"detail": [fault]}, poll=RESULT))
    assert (caught.value.rule, caught.value.billed) == ("provider.refused", "unknown")


@pytest.mark.parametrize(
    ("status", "detail", "rule"),
    [
        (400, "Request was cancelled", "provider.refused"),
        (401, "Cannot access application", "provider.key"),
        (403, "User is locked. Reason: Exhausted balance.", "provider.credit"),
        (404, "Application not found", "provider.refused"),
    ],
)
def test_a_refusal_names_its_rule(status, detail, rule):
    with pytest.raises(ProviderRefused) as caught:
        read(reply("fal", status, {"detail": detail}))
    assert (caught.value.rule, caught.value.billed) == (rule, "no")


def test_a_result_that_is_gone_was_billed():
    with pytest.raises(ProviderRefused) as caught:
        read(reply("fal", 404, {"detail": "Request not found"}, poll=RESULT))
    assert (caught.value.rule, caught.value.billed) == ("provider.expired", "yes")


@pytest.mark.parametrize(
    "response",
    [
        web_page("fal"),
        reply("fal", json={}),
        reply("fal", json={"images": []}, poll=RESULT),
        reply("fal", json={"images": ["?"]}, poll=RESULT),
    ],
)
def test_what_has_no_links_is_unreadable(response):
    with pytest.raises(ValueError):
        read(response)


def test_a_model_is_an_app():
    call = fal.generate("a fox", model="flux.dev", image_size="portrait_4_3")
    assert (call.path, call.product) == ("/fal-ai/flux/dev", "generate.flux.dev")
    assert call.json["image_size"] == "portrait_4_3"


def test_an_image_travels_in_the_input():
    call = fal.upscale(PNG)
    assert call.path == "/fal-ai/clarity-upscaler"
    assert call.json["image_url"].startswith("data:image/png;base64,")
    assert call.json["upscale_factor"] == 2
