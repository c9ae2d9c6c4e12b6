"""The provider simulator as Gemini and as Imagen."""

import base64

import httpx
import pytest

from tests.simulator import running_simulator
from tests.simulator.pictures import decoded
from tests.simulator.purchases import PURCHASES, client_of, photo, submit

IMAGEN = PURCHASES["imagen"].path


@pytest.fixture(scope="module")
def started():
    with running_simulator() as running:
        yield running


@pytest.fixture
def simulator(started):
    started.reset()
    return started


@pytest.fixture
def gemini(simulator):
    with client_of(simulator, "gemini") as client:
        yield client


@pytest.fixture
def imagen(simulator):
    with client_of(simulator, "imagen") as client:
        yield client


def amounts(simulator) -> list[str]:
    return [one["amount"] for one in simulator.bill()["calls"]]


# Gemini


def generation(**image_config) -> dict:
    parts = [{"text": "a hill"}]
    config = {"responseModalities": ["TEXT", "IMAGE"], "imageConfig": image_config}
    return {"contents": [{"parts": parts}], "generationConfig": config}


def test_gemini_makes_two_k_pictures_for_the_price_of_one_k(simulator, gemini):
    path = PURCHASES["gemini"].path
    reply = gemini.post(path, json=generation(aspectRatio="1:1", imageSize="2K"))
    assert decoded(PURCHASES["gemini"].picture(gemini, reply)).size == (2048, 2048)
    assert amounts(simulator) == ["0.134"]


def with_picture(media_type, data):
    """A request to edit one picture."""
    document = generation()
    inline = {"mimeType": media_type, "data": base64.b64encode(data).decode()}
    document["contents"][0]["parts"].append({"inlineData": inline})
    return document


def test_gemini_edits_a_picture_by_instruction_and_keeps_its_aspect(gemini):
    document = with_picture("image/png", photo(300, 200))
    reply = gemini.post(PURCHASES["gemini"].path, json=document)
    assert decoded(PURCHASES["gemini"].picture(gemini, reply)).size == (1264, 848)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"contents": []},
        with_picture("image/jpeg", photo(300, 200)),  # a PNG
        with_picture("image/gif", photo(300, 200)),
        generation(aspectRatio="7:3"),
        generation(imageSize="2k"),
        generation(mask="x"),
        {"contents": [{"parts": [{"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]}]},
    ],
)
def test_gemini_refuses_what_its_documents_do_not_have(simulator, gemini, document):
    response = gemini.post(PURCHASES["gemini"].path, json=document)
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["status"]) == (400, 400, "INVALID_ARGUMENT")
    assert amounts(simulator) == []


def test_gemini_does_not_know_every_model(gemini):
    response = gemini.post("/v1beta/models/gemini-0:generateContent", json=generation())
    assert (response.status_code, response.json()["error"]["status"]) == (404, "NOT_FOUND")


def test_gemini_refuses_in_three_ways_and_none_has_a_picture(simulator, gemini):
    replies = {}
    for variant in ("text", "prompt", "image"):
        simulator.faults("gemini", "moderated", variant=variant)
        replies[variant] = submit(gemini, "gemini")
        assert replies[variant].status_code == 200
    assert "text" in replies["text"].json()["candidates"][0]["content"]["parts"][0]
    assert replies["prompt"].json()["promptFeedback"]["blockReason"]
    assert replies["image"].json()["candidates"][0]["finishReason"] == "IMAGE_SAFETY"
    assert amounts(simulator) == []


# Imagen


def prediction(**parameters) -> dict:
    return {"instances": [{"prompt": "a hill"}], "parameters": parameters}


def test_imagen_makes_four_pictures_unless_told_otherwise(simulator, imagen):
    made = imagen.post(IMAGEN, json=prediction(sampleImageSize="2K")).json()["predictions"]
    sizes = {decoded(base64.b64decode(one["bytesBase64Encoded"])).size for one in made}
    assert (len(made), sizes) == (4, {(2048, 2048)})
    assert amounts(simulator) == ["0.04"] * 4


def test_imagen_leaves_out_what_it_filters_and_does_not_bill_it(simulator, imagen):
    simulator.faults("imagen", "moderated", variant="some")
    made = imagen.post(IMAGEN, json=prediction(sampleCount=3)).json()["predictions"]
    assert len(made) == 2
    simulator.faults("imagen", "moderated", variant="some")
    asked = prediction(sampleCount=2, includeRaiReason=True)
    told = imagen.post(IMAGEN, json=asked).json()["predictions"]
    assert "raiFilteredReason" in told[1]
    simulator.faults("imagen", "moderated")
    assert imagen.post(IMAGEN, json=prediction()).json() == {}
    assert len(amounts(simulator)) == 3


@pytest.mark.parametrize(
    "parameters",
    [
        {"sampleCount": 5},
        {"aspectRatio": "3:2"},
        {"seed": 7},
        {"storageUri": "gs://x"},
        {"outputOptions": {"mimeType": "image/webp"}},
        {"personGeneration": "ALLOW_ALL"},
    ],
)
def test_imagen_refuses_what_its_documents_do_not_have(simulator, imagen, parameters):
    response = imagen.post(IMAGEN, json=prediction(**parameters))
    assert (response.status_code, response.json()["error"]["code"]) == (400, 400)
    assert amounts(simulator) == []


def test_imagen_keeps_a_seed_if_there_is_no_watermark(imagen):
    assert imagen.post(IMAGEN, json=prediction(seed=7, addWatermark=False)).is_success


def test_imagen_answers_at_vertex_to_a_bearer(simulator):
    path = "/v1/projects/p/locations/eu/publishers/google/models/imagen-4.0-generate-001:predict"
    headers = {"authorization": f"Bearer {simulator.keys['imagen'][0]}"}
    url = simulator.base["imagen"] + path
    assert httpx.post(url, json=prediction(sampleCount=1), headers=headers).is_success
