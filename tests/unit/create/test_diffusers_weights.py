"""Local weights: pictures by diffusers, as a GPU node with the extra makes them, but tiny."""

from __future__ import annotations

import io
from pathlib import Path
from uuid import UUID

import pytest
from PIL import Image as Pillow

from services.create.providers.diffusers import Diffusers, absent
from services.create.request import Params
from services.create.settings import CreateSettings
from studio.operation import Failure, Output, Work
from studio.problems import Broken, Moderated
from tests.unit.create.tiny_weights import saved

for package in ("torch", "diffusers", "transformers"):
    pytest.importorskip(package, reason=f"{package} is not installed: pip install '.[diffusers]'")

pytestmark = pytest.mark.filterwarnings("ignore")  # of the packages, about themselves
BLOB = "sha256:" + "0" * 64


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def engine(weights: Path) -> Diffusers:
    return Diffusers(settings(weights))


def settings(weights: Path | None) -> CreateSettings:
    return CreateSettings.model_validate({"diffusers_weights": weights, "diffusers_pixels": 16_384})


def params(**fields: object) -> Params:
    small = {"width": 100, "height": 64, "quality": "draft", "enhance": False}
    return Params.model_validate({"prompt": "a lighthouse", **small, **fields})


async def made(engine: Diffusers, **fields: object) -> list[Output | Failure]:
    async def read(key: str) -> bytes:
        assert key == BLOB
        file = io.BytesIO()
        Pillow.linear_gradient("L").convert("RGB").save(file, "PNG")
        return file.getvalue()

    work = Work(UUID(int=7), params(**fields), None, None, "diffusers", read)
    return list(await engine.run(work))


def pixels(output: Output | Failure) -> bytes:
    assert isinstance(output, Output)
    assert output.image
    return output.image.pixels.tobytes()


def test_it_is_set_up_where_the_packages_and_the_weights_are(weights):
    assert absent(settings(weights)) is None


async def test_a_picture_comes_in_multiples_of_8_px_as_forecast_and_costs_nothing(engine):
    [one] = await made(engine)
    assert one.image.facts == engine.forecast(None, params())[0]
    assert one.image.pixels.size == (96, 64)
    assert any("96×64" in note for note in one.notes)
    assert not one.cost
    assert one.image.source_type == "trainedAlgorithmicMedia"
    assert one.details["model"] == "weights (StableDiffusionPipeline)"
    assert one.details["engine_version"]


async def test_the_same_seed_gives_the_same_picture_and_another_another(engine):
    first, second = await made(engine, seed=5, variations=2)
    [again] = await made(engine, seed=6)
    assert pixels(second) == pixels(again)
    assert pixels(first) != pixels(second)
    assert [first.details["seed"], second.details["seed"]] == [5, 6]


@pytest.mark.parametrize("strength", [0.3, 1.0])
async def test_a_picture_to_follow_is_the_start_of_what_is_made(engine, strength):
    [alone] = await made(engine, seed=5)
    reference = {"blob": BLOB, "strength": strength}
    [followed] = await made(engine, seed=5, reference=reference)
    assert followed.image.pixels.size == (96, 64)
    assert pixels(followed) != pixels(alone)
    assert followed.details["reference"]["strength"] == strength


async def test_what_the_safety_checker_blackens_is_moderated(tmp_path):
    prude = Diffusers(settings(saved(tmp_path, blackens=True)))
    with pytest.raises(Moderated) as caught:
        await made(prude)
    assert caught.value.as_problem().kind == "moderated"


async def test_weights_that_cannot_be_read_are_told_as_our_fault(tmp_path):
    (tmp_path / "model_index.json").write_text("{}")
    with pytest.raises(Broken) as caught:
        await made(Diffusers(settings(tmp_path)))
    assert caught.value.rule == "create.generate.diffusers_weights"
