"""OpenAI Images: what a reply means and what it costs."""

import pytest

from studio.money import Money
from studio.providers import openai
from studio.providers.call import Files, Moderated, ProviderRefused
from tests.unit.providers.replies import BASE64, PNG, encoded, reply, web_page

MODEL = "gpt-image-1"


def read(response):
    return openai.read(response, MODEL)


def error(code: str, message: str = "It cannot be.") -> dict:
    return {
        "error": {"message": message, "type": "image_error", "param": None, "code": code},
    }


def test_pictures_cost_what_their_tokens_do():
    usage = {
        "input_tokens": 60,
        "input_tokens_details": {"text_tokens": 10, "image_tokens": 50},
        "output_tokens": 1056,
        "total_tokens": 1116,
    }
    answer = read(
        reply("openai", json={"created": 1, "data": [{"b64_json": BASE64}], "usage": usage})
    )
    assert isinstance(answer, Files)
    assert answer.files == [PNG]
    # 10 × 5 + 50 × 10 + 1,056 × 40 dollars a million
    assert answer.cost == Money.of("0.04279")
    assert answer.details["usage"] == usage


def test_input_of_no_told_kind_counts_as_the_dearer():
    usage = {"input_tokens": 100, "output_tokens": 0}
    answer = read(reply("openai", json={"data": [{"b64_json": BASE64}], "usage": usage}))
    assert answer.cost == Money.of("0.001")


def test_without_usage_the_price_book_decides():
    answer = read(reply("openai", json={"data": [{"b64_json": BASE64}, {"b64_json": BASE64}]}))
    assert answer.files == [PNG, PNG]
    assert answer.cost is None


def test_a_blocked_prompt_is_moderated_and_free():
    with pytest.raises(Moderated, match="safety system") as caught:
        read(reply("openai", 400, error("moderation_blocked", "Rejected by the safety system.")))
    assert caught.value.billed == "no"


@pytest.mark.parametrize(
    ("status", "code", "rule"),
    [
        (400, "invalid_request_error", "provider.refused"),
        (400, "billing_hard_limit_reached", "provider.credit"),
        (401, "invalid_api_key", "provider.key"),
        (403, "organization_not_verified", "provider.key"),
        (429, "insufficient_quota", "provider.credit"),
    ],
)
def test_a_refusal_names_its_rule(status, code, rule):
    with pytest.raises(ProviderRefused, match="It cannot be") as caught:
        read(reply("openai", status, error(code)))
    assert (caught.value.rule, caught.value.billed) == (rule, "no")


def test_a_refusal_in_an_unknown_form_is_passed_on():
    with pytest.raises(ProviderRefused, match="teapot"):
        read(reply("openai", 418, content=b"I am a teapot"))


@pytest.mark.parametrize(
    "response",
    [
        web_page("openai"),
        reply("openai", json={"data": []}),
        reply("openai", json=[]),
        reply("openai", json={"data": [{"url": "https://example.org/x.png"}]}),
        reply("openai", json={"data": ["?"]}),
    ],
)
def test_what_is_no_picture_is_unreadable(response):
    with pytest.raises(ValueError):
        read(response)


def test_a_generation_is_json_without_what_is_not_asked_for():
    call = openai.generate("a fox", model=MODEL, size="1024x1536", quality="low", n=2)
    assert call.path == "/images/generations"
    assert call.product == "generate.gpt-image-1.low.portrait"
    assert call.json == {
        "prompt": "a fox",
        "model": MODEL,
        "size": "1024x1536",
        "quality": "low",
        "n": 2,
        "output_format": "png",
    }
    assert call.price == Money.of("0.03464")


def test_an_edit_sends_one_image_or_several_and_the_mask():
    one = openai.edit([PNG], "blue", model=MODEL, mask=encoded())
    assert [name for name, _ in one.files] == ["image", "mask"]
    two = openai.edit([PNG, encoded("WEBP")], "blue", model=MODEL)
    assert [name for name, _ in two.files] == ["image[]", "image[]"]
    assert two.files[1][1].media_type == "image/webp"


def test_sizes_are_named_by_their_shape():
    shapes = [openai.shape(size) for size in ("1024x1024", "1536x1024", "1024x1536")]
    assert shapes == ["square", "landscape", "portrait"]
