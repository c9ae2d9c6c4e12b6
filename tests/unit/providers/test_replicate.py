"""Replicate: what a prediction means."""

import pytest

from studio.money import Money
from studio.providers import replicate
from studio.providers.call import Job, Links, Moderated, ProviderRefused
from tests.unit.providers.replies import PNG, reply, web_page

URL = "https://replicate.delivery/x/out.png"


def prediction(status: str, **more) -> dict:
    return {"id": "abc123", "status": status, "output": None, "error": None, **more}


@pytest.mark.parametrize("status", ["starting", "processing"])
def test_a_prediction_that_has_not_ended_is_a_job(status):
    answer = replicate.read(reply("replicate", 201, prediction(status)))
    assert answer == Job("abc123", "/predictions/abc123", 5)


@pytest.mark.parametrize(("output", "urls"), [(URL, [URL]), ([URL, URL], [URL, URL])])
def test_one_that_succeeded_is_its_links(output, urls):
    body = prediction("succeeded", output=output, metrics={"predict_time": 1.5})
    answer = replicate.read(reply("replicate", 200, body, poll="/predictions/abc123"))
    assert answer == Links(urls, details={"id": "abc123", "metrics": {"predict_time": 1.5}})


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_one_that_failed_says_why_and_may_be_billed(status):
    body = prediction(status, error="CUDA out of memory")
    with pytest.raises(ProviderRefused, match="CUDA out of memory") as caught:
        replicate.read(reply("replicate", 200, body, poll="/predictions/abc123"))
    assert caught.value.billed == "unknown"


def test_a_models_filter_is_moderation():
    body = prediction("failed", error="NSFW content detected. Try running it again.")
    with pytest.raises(Moderated):
        replicate.read(reply("replicate", 200, body, poll="/predictions/abc123"))


@pytest.mark.parametrize(
    "response",
    [
        reply("replicate", 404, {"detail": "Not found."}, poll="/predictions/abc123"),
        reply("replicate", 200, prediction("succeeded"), poll="/predictions/abc123"),
    ],
)
def test_after_an_hour_the_result_is_gone_and_was_billed(response):
    with pytest.raises(ProviderRefused) as caught:
        replicate.read(response)
    assert (caught.value.rule, caught.value.billed) == ("provider.expired", "yes")


@pytest.mark.parametrize(
    ("status", "rule"),
    [
        (401, "provider.key"),
        (402, "provider.credit"),
        (404, "provider.refused"),
        (422, "provider.refused"),
    ],
)
def test_a_refusal_passes_on_the_words(status, rule):
    body = {"title": "Input validation failed", "detail": "- input: scale is too large"}
    with pytest.raises(ProviderRefused, match="scale is too large") as caught:
        replicate.read(reply("replicate", status, body))
    assert (caught.value.rule, caught.value.billed) == (rule, "no")


@pytest.mark.parametrize(
    "response",
    [
        web_page("replicate"),
        reply("replicate", json=prediction("dreaming")),
        reply("replicate", json={}),
        reply("replicate", json=prediction("succeeded", output={"no": "url"})),
    ],
)
def test_what_is_no_prediction_is_unreadable(response):
    with pytest.raises(ValueError):
        replicate.read(response)


def test_an_image_travels_in_the_input():
    call = replicate.upscale(PNG, scale=2)
    assert call.path == "/models/nightmareai/real-esrgan/predictions"
    assert call.json["input"]["image"].startswith("data:image/png;base64,")
    assert call.json["input"]["scale"] == 2


def test_pictures_are_priced_one_by_one():
    assert replicate.generate("a fox", num_outputs=3).price == Money.of("0.009")


def test_no_reply_is_waited_for():
    assert "prefer" not in {name.lower() for name in replicate.generate("a fox").headers}
