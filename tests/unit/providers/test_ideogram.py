"""Ideogram: what a reply means."""

import json

import httpx
import pytest

from studio.money import Money
from studio.providers import ideogram
from studio.providers.call import Links, Moderated, ProviderRefused
from tests.unit.providers.replies import PNG, encoded, reply, web_page

SAFE = {
    "url": "https://ideogram.ai/api/images/ephemeral/x.png?exp=1",
    "prompt": "a fox",
    "resolution": "1024x1024",
    "seed": 12345,
    "is_image_safe": True,
    "style_type": "GENERAL",
}
UNSAFE = SAFE | {"url": None, "is_image_safe": False}


def made(*data: dict) -> dict:
    return {"created": "2026-11-25T10:00:00Z", "data": list(data)}


def test_a_picture_is_a_link_with_its_seed():
    answer = ideogram.read(reply("ideogram", json=made(SAFE)))
    assert answer == Links([SAFE["url"]], details={"seed": 12345})


def test_an_unsafe_picture_has_no_link_and_an_unknown_bill():
    with pytest.raises(Moderated) as caught:
        ideogram.read(reply("ideogram", json=made(UNSAFE)))
    assert caught.value.billed == "unknown"


def test_safe_pictures_are_delivered_beside_unsafe_ones():
    answer = ideogram.read(reply("ideogram", json=made(UNSAFE, SAFE)))
    assert answer.urls == [SAFE["url"]]
    assert answer.details["filtered"] == 1


def test_an_unsafe_prompt_is_moderated_and_free():
    with pytest.raises(Moderated, match="safety check") as caught:
        ideogram.read(reply("ideogram", 422, {"error": "Prompt failed safety check"}))
    assert caught.value.billed == "no"


@pytest.mark.parametrize(
    ("status", "rule"),
    [
        (400, "provider.refused"),
        (401, "provider.key"),
        (402, "provider.credit"),
        (403, "provider.key"),
    ],
)
def test_a_refusal_passes_on_the_words(status, rule):
    with pytest.raises(ProviderRefused, match="No such resolution") as caught:
        ideogram.read(reply("ideogram", status, {"error": "No such resolution"}))
    assert (caught.value.rule, caught.value.billed) == (rule, "no")


@pytest.mark.parametrize(
    "response",
    [
        web_page("ideogram"),
        reply("ideogram", json=made()),
        reply("ideogram", json={"data": [None]}),
        reply("ideogram", json=made(SAFE | {"url": "file:///etc/passwd"})),
    ],
)
def test_what_has_no_links_is_unreadable(response):
    with pytest.raises(ValueError):
        ideogram.read(response)


def test_words_alone_are_sent_as_a_form_too():
    call = ideogram.generate("ein Füchslein", speed="TURBO", aspect_ratio="16:9", num_images=2)
    assert call.form is None
    files = [(name, (one.name, one.data, one.media_type)) for name, one in call.files]
    sent = httpx.Request("POST", "https://example.org", files=files)
    assert sent.headers["content-type"].startswith("multipart/form-data")
    body = sent.read().decode()
    assert "ein Füchslein" in body
    assert "16x9" in body
    assert "filename" not in body
    assert call.price == Money.of("0.06")


def test_the_brands_colours_go_along():
    call = ideogram.generate("a poster", colors=["#0B7285", "#FFD43B"], style_references=[PNG])
    palette = json.loads(call.form["color_palette"])
    assert palette == {"members": [{"color_hex": "#0B7285"}, {"color_hex": "#FFD43B"}]}
    assert [name for name, _ in call.files] == ["style_reference_images"]


def test_an_edit_carries_image_and_mask():
    call = ideogram.edit(encoded("JPEG"), PNG, "a hat")
    assert [(name, one.name) for name, one in call.files] == [
        ("image", "image.jpeg"),
        ("mask", "mask.png"),
    ]


def test_an_upscales_wishes_are_one_field():
    call = ideogram.upscale(PNG, resemblance=70)
    assert [name for name, _ in call.files] == ["image_file"]
    assert json.loads(call.form["image_request"]) == {"resemblance": 70, "num_images": 1}
