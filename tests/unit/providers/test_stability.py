"""Stability: what a reply of v2beta means."""

import pytest

from studio.providers import stability
from studio.providers.call import Files, Job, Moderated, ProviderRefused
from tests.unit.providers.replies import BASE64, PNG, encoded, reply, web_page

JOB = "ab" * 32


def error(name: str, *errors: str) -> dict:
    return {"id": "0" * 32, "name": name, "errors": list(errors)}


def test_raw_bytes_are_a_picture_with_its_seed():
    headers = {"content-type": "image/png", "finish-reason": "SUCCESS", "seed": "343940597"}
    answer = stability.read(
        reply("stability", content=PNG, headers=headers | {"x-request-id": "r1"})
    )
    assert answer == Files([PNG], details={"seed": 343940597, "request": "r1"})


def test_base64_in_json_is_the_same_picture():
    answer = stability.read(
        reply("stability", json={"image": BASE64, "finish_reason": "SUCCESS", "seed": 7})
    )
    assert answer == Files([PNG], details={"seed": 7})


def test_a_submitted_job_is_asked_for_every_ten_seconds():
    answer = stability.read(reply("stability", json={"id": JOB}))
    assert answer == Job(JOB, f"/v2beta/results/{JOB}", 10)


def test_a_job_in_progress_stays_a_job():
    body = {"id": JOB, "status": "in-progress"}
    answer = stability.read(reply("stability", 202, body, poll=f"/v2beta/results/{JOB}"))
    assert isinstance(answer, Job)
    assert answer.id == JOB


def test_a_finished_job_is_its_picture():
    response = reply(
        "stability",
        content=PNG,
        headers={"content-type": "image/png"},
        poll=f"/v2beta/results/{JOB}",
    )
    assert stability.read(response) == Files([PNG])


@pytest.mark.parametrize(
    "response",
    [
        reply("stability", content=PNG, headers={"finish-reason": "CONTENT_FILTERED"}),
        reply("stability", json={"image": BASE64, "finish_reason": "CONTENT_FILTERED", "seed": 1}),
    ],
)
def test_a_blurred_picture_under_200_is_moderated_and_billed(response):
    with pytest.raises(Moderated) as caught:
        stability.read(response)
    assert caught.value.billed == "yes"


def test_a_flagged_input_is_moderated_and_free():
    with pytest.raises(Moderated, match="flagged") as caught:
        stability.read(
            reply("stability", 403, error("content_moderation", "flagged by moderation"))
        )
    assert caught.value.billed == "no"


def test_a_result_that_is_gone_was_billed():
    response = reply("stability", 404, error("not_found", "gone"), poll=f"/v2beta/results/{JOB}")
    with pytest.raises(ProviderRefused) as caught:
        stability.read(response)
    assert (caught.value.rule, caught.value.billed) == ("provider.expired", "yes")


@pytest.mark.parametrize(
    ("status", "rule"),
    [
        (400, "provider.refused"),
        (401, "provider.key"),
        (402, "provider.credit"),
        (404, "provider.refused"),
        (413, "provider.refused"),
        (422, "provider.refused"),
    ],
)
def test_a_refusal_passes_on_the_providers_words(status, rule):
    with pytest.raises(ProviderRefused, match="some-field: is required; and more") as caught:
        stability.read(
            reply("stability", status, error("x", "some-field: is required", "and more"))
        )
    assert (caught.value.rule, caught.value.billed) == (rule, "no")
    assert caught.value.fix


@pytest.mark.parametrize(
    "response",
    [
        web_page("stability"),
        reply("stability", content=b"\x89PN"),
        reply("stability", json={}),
        reply("stability", json={"image": "bm90IGEgcGljdHVyZQ=="}),
    ],
)
def test_what_is_no_picture_is_unreadable(response):
    with pytest.raises(ValueError):
        stability.read(response)


def test_a_call_without_a_file_is_a_form_all_the_same():
    call = stability.generate_core("a calm sea", aspect_ratio="16:9", seed=5)
    assert call.form == {
        "prompt": "a calm sea",
        "aspect_ratio": "16:9",
        "seed": "5",
        "output_format": "png",
    }
    assert [name for name, _ in call.files] == ["none"]
    assert call.headers["stability-client-id"] == "image-studio"
    assert str(call.price) == "0.03 USD"


def test_relighting_names_its_subject_and_writes_booleans_as_words():
    call = stability.replace_background(
        PNG,
        background_prompt="a beach",
        background_reference=encoded("JPEG"),
        keep_original_background=True,
    )
    assert call.path.endswith("/edit/replace-background-and-relight")
    assert call.form["keep_original_background"] == "true"
    sent = {name: (file.name, file.media_type) for name, file in call.files}
    assert sent == {
        "subject_image": ("subject_image.png", "image/png"),
        "background_reference": ("background_reference.jpeg", "image/jpeg"),
    }


def test_recoloring_selects_and_replacing_searches():
    assert stability.search_recolor(PNG, "red", "the car").form["select_prompt"] == "the car"
    assert stability.search_replace(PNG, "a bus", "the car").form["search_prompt"] == "the car"


def test_an_image_decides_the_shape_of_what_sd3_makes_of_it():
    of_words = stability.generate_sd3("a fox", model="sd3.5-medium", aspect_ratio="1:1")
    of_image = stability.generate_sd3("a fox", aspect_ratio="1:1", image=PNG, strength=0.5)
    assert (of_words.form["mode"], of_words.form["aspect_ratio"]) == ("text-to-image", "1:1")
    assert of_image.form["mode"] == "image-to-image"
    assert "aspect_ratio" not in of_image.form
    assert of_words.product == "generate.sd3.5-medium"


def test_a_mask_goes_along_as_given():
    mask = encoded()
    files = dict(stability.erase(PNG, mask, grow_mask=3).files)
    assert files["mask"].data == mask


def test_outpainting_sends_only_the_sides_that_grow():
    form = stability.outpaint(PNG, left=100, down=20).form
    assert {"left": "100", "down": "20"}.items() <= form.items()
    assert "right" not in form
