"""The provider simulator's models of Replicate and fal that take a picture, by their own pages."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.simulator import running_simulator
from tests.simulator.pictures import decoded
from tests.simulator.purchases import client_of, data_uri, photo

RECRAFT = "/models/recraft-ai/recraft-remove-background/predictions"
FLUX = "/models/black-forest-labs/flux-dev/predictions"
CREATIVE = "/models/recraft-ai/recraft-creative-upscale/predictions"
CRISP = "/fal-ai/recraft/upscale/crisp"
CLARITY, FOLLOWED = "/fal-ai/clarity-upscaler", "/fal-ai/flux/dev/image-to-image"


@pytest.fixture(scope="module")
def started():
    with running_simulator(job_s=0.0, latency_s=0.0) as running:
        yield running


@pytest.fixture
def simulator(started):
    started.reset()
    return started


@pytest.fixture
def replicate(simulator):
    with client_of(simulator, "replicate") as client:
        yield client


@pytest.fixture
def fal(simulator):
    with client_of(simulator, "fal") as client:
        yield client


def amounts(simulator) -> list[Decimal]:
    return [Decimal(one["amount"]) for one in simulator.bill()["calls"]]


def predicted(client, path: str, **inputs):
    begun = client.post(path, json={"input": inputs}).json()
    return client.get(begun["urls"]["get"]).json()


def requested(client, path: str, **inputs):
    begun = client.post(path, json=inputs).json()
    return client.get(begun["response_url"])


def test_recraft_cuts_a_subject_out_for_a_cent(simulator, replicate):
    done = predicted(replicate, RECRAFT, image=data_uri(photo(300, 256)))
    made = decoded(replicate.get(done["output"]).content)
    assert (made.mode, made.size) == ("RGBA", (300, 256))
    assert amounts(simulator) == [Decimal("0.01")]


@pytest.mark.parametrize(
    ("size", "says"), [((255, 400), "256 to 4096"), ((4097, 300), "256 to 4096")]
)
def test_recraft_fails_on_a_picture_beyond_its_sides_and_bills_nothing(
    simulator, replicate, size, says
):
    failed = predicted(replicate, RECRAFT, image=data_uri(photo(*size)))
    assert (failed["status"], failed["output"]) == ("failed", None)
    assert says in failed["error"]
    assert amounts(simulator) == []


def test_recraft_takes_a_picture_and_nothing_else(simulator, replicate):
    document = {"input": {"image": data_uri(photo(300, 300)), "feather": 2}}
    assert replicate.post(RECRAFT, json=document).status_code == 422
    assert replicate.post(RECRAFT, json={"input": {}}).status_code == 422
    assert amounts(simulator) == []


def test_flux_follows_a_picture_in_its_shape(simulator, replicate):
    image = data_uri(photo(300, 200))
    done = predicted(replicate, FLUX, prompt="a cup", image=image, prompt_strength=0.0)
    made = decoded(replicate.get(done["output"][0] if isinstance(done["output"], list)
                                 else done["output"]).content)  # fmt: skip
    assert made.size == (1216, 832)
    wrong = {"input": {"prompt": "a cup", "image": image, "prompt_strength": 1.1}}
    assert replicate.post(FLUX, json=wrong).status_code == 422


def test_clarity_enlarges_by_the_factor_and_bills_the_result_by_the_megapixel(simulator, fal):
    image = data_uri(photo(800, 600))
    found = requested(fal, CLARITY, image_url=image, upscale_factor=4, creativity=0.3, seed=5)
    told = found.json()
    assert (told["image"]["width"], told["image"]["height"], told["seed"]) == (3200, 2400, 5)
    assert amounts(simulator) == [Decimal("0.24")]  # 7.3 of 2²⁰ pixels


@pytest.mark.parametrize(
    ("field", "value"),
    [("upscale_factor", 4.5), ("creativity", 1.2), ("resemblance", -0.1), ("scale", 2)],
)
def test_clarity_tells_a_field_that_is_wrong_when_its_result_is_asked_for(
    simulator, fal, field, value
):
    found = requested(fal, CLARITY, image_url=data_uri(photo(64, 64)), **{field: value})
    assert found.status_code == 422
    assert found.json()["detail"][0]["loc"] == ["body", field]
    assert amounts(simulator) == []


def test_flux_at_fal_makes_pictures_of_the_size_of_the_one_that_is_followed(simulator, fal):
    image = data_uri(photo(320, 192))
    found = requested(fal, FOLLOWED, image_url=image, prompt="a cup", num_images=2, strength=0.5)
    assert [(one["width"], one["height"]) for one in found.json()["images"]] == [(320, 192)] * 2
    assert amounts(simulator) == [Decimal("0.03")] * 2
    few = requested(fal, FOLLOWED, image_url=image, prompt="a cup", num_inference_steps=9)
    assert few.status_code == 422


def test_recraft_enlarges_four_times_but_no_side_beyond_4096(simulator, replicate, fal):
    crisp = requested(fal, CRISP, image_url=data_uri(photo(64, 32))).json()["image"]
    assert (crisp["width"], crisp["height"]) == (256, 128)
    done = predicted(replicate, CREATIVE, image=data_uri(photo(2048, 300)))
    assert decoded(replicate.get(done["output"]).content).size == (4096, 600)
    assert amounts(simulator) == [Decimal("0.004"), Decimal("0.3")]


@pytest.mark.parametrize(
    ("image", "says"),
    [
        (data_uri(photo(31, 400)), "32 to 4096"),
        (data_uri(photo(4097, 400)), "32 to 4096"),
        (data_uri(photo(64, 64, "jpeg")), "must be PNG, is JPEG"),
    ],
    ids=["a short side", "a long side", "a JPEG"],
)
def test_crisp_takes_no_other_picture_than_its_pages_say(simulator, fal, image, says):
    found = requested(fal, CRISP, image_url=image)
    assert found.status_code == 422
    assert says in found.json()["detail"][0]["msg"]
    assert amounts(simulator) == []


def test_creative_upscale_takes_no_side_below_256(simulator, replicate):
    failed = predicted(replicate, CREATIVE, image=data_uri(photo(255, 400)))
    assert (failed["status"], failed["output"]) == ("failed", None)
    assert "256 to 4096" in failed["error"]
    assert amounts(simulator) == []
