"""Google: what the replies of Gemini and Imagen mean."""

import pytest

from studio.money import Money
from studio.providers import google
from studio.providers.call import Files, Moderated, ProviderRefused
from tests.unit.providers.replies import BASE64, PNG, encoded, reply, web_page

IMAGEN = "generate.imagen-4.0-generate-001"
INLINE = {"inlineData": {"mimeType": "image/png", "data": BASE64}}
MADE = {"bytesBase64Encoded": BASE64, "mimeType": "image/png"}


def candidate(*parts: dict, reason: str = "STOP") -> dict:
    return {"candidates": [{"content": {"parts": list(parts)}, "finishReason": reason}]}


def error(status: int, name: str, message: str) -> dict:
    return {"error": {"code": status, "message": message, "status": name}}


def imagen(response, n: int = 2):
    return google.read_imagen(response, IMAGEN, n)


def test_gemini_gives_its_pictures_and_the_words_are_left():
    answer = google.read_gemini(reply("google", json=candidate({"text": "Here it is"}, INLINE)))
    assert answer == Files([PNG])


def test_a_blocked_prompt_is_moderated_and_free():
    with pytest.raises(Moderated, match="PROHIBITED_CONTENT") as caught:
        google.read_gemini(
            reply("google", json={"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}})
        )
    assert caught.value.billed == "no"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (candidate({"text": "I cannot draw this."}), "I cannot draw this"),
        (candidate(reason="IMAGE_SAFETY"), "IMAGE_SAFETY"),
        ({"candidates": [{"finishReason": "SAFETY", "content": None}]}, "SAFETY"),
    ],
)
def test_no_picture_means_that_it_was_filtered_and_nobody_knows_the_bill(body, says):
    with pytest.raises(Moderated, match=says) as caught:
        google.read_gemini(reply("google", json=body))
    assert caught.value.billed == "unknown"


def test_imagen_gives_all_that_were_asked_for():
    assert imagen(reply("google", json={"predictions": [MADE, MADE]})) == Files([PNG, PNG])


def test_a_short_list_is_delivered_and_only_what_came_is_paid():
    answer = imagen(
        reply("google", json={"predictions": [MADE, {"raiFilteredReason": "58061214"}]})
    )
    assert answer.files == [PNG]
    assert answer.cost == Money.of("0.04")
    assert answer.details == {"filtered": 1, "reason": "58061214"}


@pytest.mark.parametrize(
    "body", [{}, {"predictions": []}, {"predictions": [{"raiFilteredReason": "unsafe"}]}]
)
def test_an_empty_list_is_moderated(body):
    with pytest.raises(Moderated) as caught:
        imagen(reply("google", json=body))
    assert caught.value.billed == "unknown"


@pytest.mark.parametrize(
    ("status", "name", "message", "rule"),
    [
        (400, "INVALID_ARGUMENT", "Bad aspect ratio", "provider.refused"),
        (400, "INVALID_ARGUMENT", "API key not valid.", "provider.key"),
        (403, "PERMISSION_DENIED", "Not yours", "provider.key"),
        (404, "NOT_FOUND", "No such model", "provider.refused"),
    ],
)
@pytest.mark.parametrize("read", [google.read_gemini, imagen])
def test_a_refusal_names_its_rule(read, status, name, message, rule):
    with pytest.raises(ProviderRefused, match=message) as caught:
        read(reply("google", status, error(status, name, message)))
    assert (caught.value.rule, caught.value.billed) == (rule, "no")


@pytest.mark.parametrize("read", [google.read_gemini, imagen])
@pytest.mark.parametrize("body", [None, [], "text", {"candidates": 3, "predictions": 3}])
def test_what_is_no_picture_is_unreadable(read, body):
    with pytest.raises(ValueError):
        read(web_page("google") if body is None else reply("google", json=body))


def test_an_edit_carries_its_pictures_in_line():
    call = google.gemini_edit(
        [PNG, encoded("JPEG")],
        "blue",
        model="gemini-3.1-flash-image",
        aspect_ratio="4:5",
        size="2K",
    )
    assert call.path == "/models/gemini-3.1-flash-image:generateContent"
    assert call.product == "edit.gemini-3.1-flash-image.2k"
    text, first, second = call.json["contents"][0]["parts"]
    assert text == {"text": "blue"}
    assert first == INLINE
    assert second["inlineData"]["mimeType"] == "image/jpeg"
    shape = call.json["generationConfig"]["imageConfig"]
    assert shape == {"aspectRatio": "4:5", "imageSize": "2K"}


def test_a_seed_turns_imagens_watermark_off():
    plain = google.imagen_generate("a fox", model="imagen-4.0-generate-001", n=3)
    seeded = google.imagen_generate("a fox", model="imagen-4.0-generate-001", seed=4)
    assert "addWatermark" not in plain.json["parameters"]
    assert seeded.json["parameters"]["addWatermark"] is False
    assert plain.price == Money.of("0.12")
