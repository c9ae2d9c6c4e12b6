"""The provider simulator as OpenAI, Hugging Face and Ideogram."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import numpy as np
import pytest
from PIL import Image

from tests.simulator import running_simulator
from tests.simulator.bill import usd
from tests.simulator.openai import TOKENS
from tests.simulator.pictures import decoded, encoded
from tests.simulator.purchases import PURCHASES, buy, client_of, photo, submit

IMAGE = photo(200, 100)
GPT = {"model": "gpt-image-1", "prompt": "a hill"}
KONTEXT = "/replicate/models/black-forest-labs/FLUX.1-Kontext-dev"


@pytest.fixture(scope="module")
def started():
    with running_simulator() as running:
        yield running


@pytest.fixture
def simulator(started):
    started.reset()
    return started


@pytest.fixture
def openai(simulator):
    with client_of(simulator, "openai") as client:
        yield client


@pytest.fixture
def huggingface(simulator):
    with client_of(simulator, "huggingface") as client:
        yield client


@pytest.fixture
def ideogram(simulator):
    with client_of(simulator, "ideogram") as client:
        yield client


def amounts(simulator) -> list[str]:
    return [one["amount"] for one in simulator.bill()["calls"]]


def left_marked(size, marked, rest, mode) -> bytes:
    """A mask whose left half is `marked`."""
    mask = Image.new(mode, size, rest)
    mask.paste(marked, (0, 0, size[0] // 2, size[1]))
    return encoded(mask, "png")


def assert_only_the_left_half_changed(edited: Image.Image) -> None:
    after = np.asarray(edited.convert("RGB"))
    before = np.asarray(decoded(IMAGE).convert("RGB").resize(edited.size))
    middle = edited.width // 2
    assert np.abs(after[:, middle + 20 :].astype(int) - before[:, middle + 20 :]).max() <= 2
    assert (after[:, : middle - 20] != before[:, : middle - 20]).any()


def openai_picture(response) -> Image.Image:
    return decoded(base64.b64decode(response.json()["data"][0]["b64_json"]))


# OpenAI


@pytest.mark.parametrize(
    ("size", "quality", "tokens", "usd"),
    [
        ("1024x1024", "low", 272, "0.01089"),  # 272 of US$ 40 and 2 of US$ 5 per million
        ("1024x1024", "high", 4160, "0.16641"),
        ("1024x1536", "medium", 1584, "0.06337"),
        ("1536x1024", "low", 400, "0.01601"),
    ],
)
def test_openai_bills_every_token(simulator, openai, size, quality, tokens, usd):
    response = openai.post("/images/generations", json={**GPT, "size": size, "quality": quality})
    assert response.json()["usage"]["output_tokens"] == tokens
    assert "{}x{}".format(*openai_picture(response).size) == size
    assert amounts(simulator) == [usd]


def test_openai_makes_and_bills_as_many_as_were_asked_for(simulator, openai):
    response = openai.post("/images/generations", json={**GPT, "n": 3, "quality": "low"})
    assert len(response.json()["data"]) == 3
    assert response.json()["usage"]["output_tokens"] == 3 * 272
    assert amounts(simulator) == ["0.03265"]  # the prompt once


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"size": "1000x1000"}, "size"),
        ({"quality": "hd"}, "quality"),
        ({"n": 11}, "n"),
        ({"n": "1"}, "n"),
        ({"model": "dall-e-9"}, "model"),
        ({"prompt": "x" * 32_001}, "prompt"),
        ({"aspect_ratio": "1:1"}, "aspect_ratio"),
        ({"background": "transparent", "output_format": "jpeg"}, "background"),
    ],
)
def test_openai_refuses_what_its_documents_do_not_have(simulator, openai, fields, param):
    response = openai.post("/images/generations", json=GPT | fields)
    error = response.json()["error"]
    assert response.status_code == 400
    assert (error["type"], error["param"]) == ("invalid_request_error", param)
    assert amounts(simulator) == []


@pytest.mark.parametrize(("size", "is_made"), [("1600x912", True), ("1600x900", False)])
def test_gpt_image_2_makes_any_size_in_multiples_of_16(openai, size, is_made):
    response = openai.post(
        "/images/generations", json={**GPT, "model": "gpt-image-2", "size": size}
    )
    assert response.is_success == is_made


def test_openai_edits_where_the_mask_is_transparent(simulator, openai):
    mask = left_marked((200, 100), (0, 0, 0, 0), (0, 0, 0, 255), "RGBA")
    files = {"image": ("a.png", IMAGE), "mask": ("m.png", mask)}
    response = openai.post("/images/edits", data={**GPT, "quality": "low"}, files=files)
    picture = openai_picture(response)
    assert picture.size == (1536, 1024)  # auto: the nearest aspect
    assert_only_the_left_half_changed(picture)
    seen = response.json()["usage"]["input_tokens_details"]["image_tokens"]
    assert seen > 0
    assert amounts(simulator) == [str(Decimal("0.01601") + seen * Decimal("0.00001"))]


@pytest.mark.parametrize("quality", ["low", "medium", "high"])
@pytest.mark.parametrize("model", ["gpt-image-1", "gpt-image-1.5", "gpt-image-1-mini"])
def test_openais_tokens_cost_what_it_tells_of_a_square(model, quality):
    told = usd("openai", f"{model}/{quality}")  # rounded to a tenth of a cent, some of them up
    exact = usd("openai", f"{model}/output") * TOKENS["square"][quality]
    assert abs(exact - told) < Decimal("0.001")


@pytest.mark.parametrize(
    ("files", "param"),
    [
        ({}, "image"),
        ({"image": b"text"}, "image"),
        ({"image": IMAGE, "mask": photo(200, 100)}, "mask"),  # no alpha channel
        ({"image": IMAGE, "mask": left_marked((100, 100), 0, 255, "L")}, "mask"),
    ],
)
def test_openai_refuses_an_edit_without_fitting_pictures(simulator, openai, files, param):
    parts = {name: (f"{name}.png", data) for name, data in files.items()} or {"none": ("", b"")}
    response = openai.post("/images/edits", data=GPT, files=parts)
    assert (response.status_code, response.json()["error"]["param"]) == (400, param)
    assert amounts(simulator) == []


def test_openai_blocks_what_is_flagged(simulator, openai):
    simulator.faults("openai", "moderated")
    response = submit(openai, "openai")
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "moderation_blocked"


def test_openai_tells_a_spent_quota_from_a_rate(simulator, openai):
    simulator.faults("openai", "429", variant="insufficient_quota")
    assert submit(openai, "openai").json()["error"]["code"] == "insufficient_quota"
    simulator.faults("openai", "429")
    assert submit(openai, "openai").json()["error"]["code"] == "rate_limit_exceeded"


def test_openai_counts_images_per_minute():
    with (
        running_simulator(openai_images_per_minute=2) as tier,
        client_of(tier, "openai") as client,
    ):
        assert submit(client, "openai").headers["x-ratelimit-remaining-requests"] == "1"
        refused = client.post("/images/generations", json={**GPT, "n": 2})
        assert refused.status_code == 429
        assert 0 < int(refused.headers["retry-after"]) <= 60
        tier.advance(60)
        assert client.post("/images/generations", json={**GPT, "n": 2}).is_success


# Hugging Face


def test_the_router_sends_raw_bytes_and_says_of_what_kind(huggingface):
    response = submit(huggingface, "huggingface")
    assert response.headers["content-type"] == "image/jpeg"
    assert decoded(response.content).format == "JPEG"


def test_the_router_edits_raw_bytes_and_base64(huggingface):
    raw = huggingface.post(KONTEXT, content=IMAGE, headers={"content-type": "image/png"})
    assert decoded(raw.content).size == (200, 100)
    parameters = {"prompt": "snow", "target_size": {"width": 320, "height": 160}}
    document = {"inputs": base64.b64encode(IMAGE).decode(), "parameters": parameters}
    assert decoded(huggingface.post(KONTEXT, json=document).content).size == (320, 160)


@pytest.mark.parametrize(
    ("path", "document", "status"),
    [
        (KONTEXT, {"inputs": "not an image"}, 400),
        ("/fal-ai/models/Qwen/Qwen-Image", {"inputs": "x", "parameters": {"size": 1}}, 400),
        ("/fal-ai/models/Qwen/Qwen-Image", {"inputs": "x", "parameters": {"width": "9"}}, 400),
        ("/fal-ai/models/someone/something", {"inputs": "x"}, 404),
        ("/someone/models/Qwen/Qwen-Image", {"inputs": "x"}, 404),
    ],
)
def test_the_router_refuses_in_json(simulator, huggingface, path, document, status):
    response = huggingface.post(path, json=document)
    assert (response.status_code, list(response.json())) == (status, ["error"])
    assert amounts(simulator) == []


def test_the_router_says_how_long_a_model_loads(simulator, huggingface):
    simulator.faults("huggingface", "503")
    assert submit(huggingface, "huggingface").json()["estimated_time"] == 20.0


def test_the_router_stops_at_the_end_of_the_credit():
    with (
        running_simulator(huggingface_credit_usd=Decimal("0.05")) as poor,
        client_of(poor, "huggingface") as client,
    ):
        statuses = [submit(client, "huggingface").status_code for _ in range(3)]
        assert statuses == [200, 200, 402]
        assert poor.bill()["total"] == {"USD": "0.05"}


# Ideogram


def ideogram_picture(client, response) -> Image.Image:
    return decoded(client.get(response.json()["data"][0]["url"]).content)


@pytest.mark.parametrize(
    ("path", "values", "images", "size", "usd"),
    [
        ("generate", {"prompt": "a", "resolution": "1536x640"}, [], (1536, 640), "0.06"),
        ("generate-transparent", {"prompt": "a", "upscale_factor": "X2"}, [], (2048, 2048), "0.06"),
        ("remix", {"prompt": "a", "aspect_ratio": "4x5"}, ["image"], (896, 1120), "0.06"),
        ("reframe", {"resolution": "736x1312"}, ["image"], (736, 1312), "0.06"),
        ("replace-background", {"prompt": "a", "rendering_speed": "QUALITY"}, ["image"],
         (200, 100), "0.09"),
    ],
)  # fmt: skip
def test_ideogram_makes_the_asked_size(simulator, ideogram, path, values, images, size, usd):
    files = {name: (f"{name}.png", IMAGE) for name in images} or {"none": ("", b"")}
    response = ideogram.post(f"/v1/ideogram-v3/{path}", data=values, files=files)
    assert response.status_code == 200, response.text
    assert ideogram_picture(ideogram, response).size == size
    assert response.json()["data"][0]["resolution"] == "{}x{}".format(*size)
    assert amounts(simulator) == [usd]


def test_ideogram_edits_where_the_mask_is_black(ideogram):
    mask = left_marked((200, 100), 0, 255, "L")
    files = {"image": ("a.png", IMAGE), "mask": ("m.png", mask)}
    response = ideogram.post("/v1/ideogram-v3/edit", data={"prompt": "a"}, files=files)
    assert_only_the_left_half_changed(ideogram_picture(ideogram, response))


def test_ideogram_upscales_to_twice_the_size(ideogram):
    asked = json.dumps({"resemblance": 60, "detail": 90})
    files = {"image_file": ("a.png", IMAGE)}
    response = ideogram.post("/upscale", data={"image_request": asked}, files=files)
    assert ideogram_picture(ideogram, response).size == (400, 200)


@pytest.mark.parametrize(
    "values",
    [
        {"prompt": "a", "aspect_ratio": "9:16"},
        {"prompt": "a", "resolution": "1000x1000"},
        {"prompt": "a", "resolution": "1536x640", "aspect_ratio": "1x1"},
        {"prompt": "a", "num_images": 9},
        {"prompt": "a", "color_palette": {"members": [{"color_hex": "red"}]}},
    ],
)
def test_ideogram_refuses_what_its_documents_do_not_have(simulator, ideogram, values):
    response = ideogram.post("/v1/ideogram-v3/generate", json=values)
    assert response.status_code == 400
    assert amounts(simulator) == []


def test_ideogram_takes_the_colours_of_a_brand(ideogram):
    members = [{"color_hex": "#FF8800", "color_weight": 0.5}]
    values = {"prompt": "a", "color_palette": {"members": members}}
    assert ideogram.post("/v1/ideogram-v3/generate", json=values).is_success


def test_ideogram_wants_a_mask_of_the_same_size(ideogram):
    files = {"image": ("a.png", IMAGE), "mask": ("m.png", photo(100, 100))}
    response = ideogram.post("/v1/ideogram-v3/edit", data={"prompt": "a"}, files=files)
    assert response.status_code == 400


def test_an_address_of_ideogram_expires(simulator, ideogram):
    url = submit(ideogram, "ideogram").json()["data"][0]["url"]
    assert ideogram.get(url).status_code == 200
    simulator.faults("ideogram", "expired")
    assert ideogram.get(url).status_code == 404
    simulator.advance(3601)
    assert ideogram.get(url).status_code == 404


def test_ideogram_refuses_a_prompt_or_hides_a_picture(simulator, ideogram):
    simulator.faults("ideogram", "moderated")
    assert submit(ideogram, "ideogram").status_code == 422
    simulator.faults("ideogram", "moderated", variant="output")
    (hidden,) = submit(ideogram, "ideogram").json()["data"]
    assert (hidden["url"], hidden["is_image_safe"]) == (None, False)
    assert amounts(simulator) == []


def test_ideogram_works_on_so_many_at_once():
    with (
        running_simulator(ideogram_in_flight=2, latency_s=0.3) as strict,
        client_of(strict, "ideogram") as client,
        ThreadPoolExecutor(3) as threads,
    ):
        asked = [threads.submit(submit, client, "ideogram") for _ in range(3)]
        assert sorted(one.result().status_code for one in asked) == [200, 200, 429]
        assert buy(client, "ideogram").size == PURCHASES["ideogram"].size
