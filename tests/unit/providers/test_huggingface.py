"""Hugging Face's router: what a reply means."""

import pytest

from studio.problems import Refused
from studio.providers import huggingface
from studio.providers.call import Files, Moderated, ProviderRefused
from tests.unit.providers.replies import BASE64, PNG, encoded, reply, web_page


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_raw_bytes_are_the_picture(kind):
    data = encoded(kind)
    assert huggingface.read(reply("huggingface", content=data)) == Files([data])


@pytest.mark.parametrize(
    ("status", "rule"),
    [
        (400, "provider.refused"),
        (401, "provider.key"),
        (402, "provider.credit"),
        (404, "provider.refused"),
    ],
)
def test_a_refusal_passes_on_the_words(status, rule):
    with pytest.raises(ProviderRefused, match="not served") as caught:
        huggingface.read(reply("huggingface", status, {"error": "Model not served"}))
    assert (caught.value.rule, caught.value.billed) == (rule, "no")


def test_a_partners_filter_is_moderation():
    with pytest.raises(Moderated) as caught:
        huggingface.read(reply("huggingface", 422, {"error": "NSFW content detected"}))
    assert caught.value.billed == "unknown"


@pytest.mark.parametrize(
    "response", [web_page("huggingface"), reply("huggingface", json={"images": []})]
)
def test_what_is_no_picture_is_unreadable(response):
    with pytest.raises(ValueError):
        huggingface.read(response)


def test_the_path_names_the_host_and_the_model():
    call = huggingface.text_to_image("a fox", width=1024, height=768, seed=3, bill_to="our-org")
    assert call.path == "/fal-ai/models/black-forest-labs/FLUX.1-Krea-dev"
    assert call.json == {
        "inputs": "a fox",
        "parameters": {"width": 1024, "height": 768, "seed": 3},
    }
    assert call.headers["x-hf-bill-to"] == "our-org"


def test_an_image_is_sent_as_base64_with_its_instruction():
    call = huggingface.image_to_image(PNG, "in winter", size=(640, 480))
    assert call.json["inputs"] == BASE64
    assert call.json["parameters"] == {
        "prompt": "in winter",
        "target_size": {"width": 640, "height": 480},
    }


def test_a_model_without_a_price_is_not_bought():
    with pytest.raises(Refused) as caught:
        huggingface.text_to_image("a fox", model="somebody-elses")
    assert caught.value.rule == "price.unknown"
