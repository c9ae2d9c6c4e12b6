"""diffusers where it is not set up: it is not offered, and whoever names it is told why."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.create.operations.generate import Generate
from services.create.providers.diffusers import NAME, Diffusers, absent
from services.create.request import Params
from services.create.settings import CreateSettings
from studio.problems import Refused
from studio.rpc import choose_provider


def settings(weights: Path | None = None) -> CreateSettings:
    return CreateSettings.model_validate({"diffusers_weights": weights})


def test_without_weights_a_step_that_names_it_is_refused_with_what_to_set():
    generate = Generate()
    problem = absent(settings())
    assert problem
    generate.absent = {NAME: problem}
    assert NAME not in generate.offered
    with pytest.raises(Refused, match="was given no weights") as refused:
        choose_provider(generate, NAME)
    assert refused.value.rule == "create.generate.diffusers"
    assert "STUDIO_DIFFUSERS_WEIGHTS" in str(refused.value.fix)


def test_with_weights_but_without_the_packages_it_says_which_are_missing(tmp_path, monkeypatch):
    monkeypatch.setattr("services.create.providers.diffusers._PACKAGES", ("torch_of_nobody",))
    problem = absent(settings(tmp_path))
    assert problem
    assert "torch_of_nobody" in problem.says
    assert "extra `diffusers`" in str(problem.fix)


def test_a_directory_that_has_no_pipeline_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("services.create.providers.diffusers._PACKAGES", ())
    problem = absent(settings(tmp_path))
    assert problem
    assert "model_index.json" in problem.says
    (tmp_path / "model_index.json").write_text("{}")
    assert absent(settings(tmp_path)) is None


def test_sizes_are_multiples_of_8_px_within_what_the_model_was_trained_on():
    engine = Diffusers(settings())
    params = Params.model_validate({"prompt": "a cup", "width": 1923, "height": 1083})
    [facts] = engine.forecast(None, params)
    assert (facts.width % 8, facts.height % 8) == (0, 0)
    assert 900_000 < facts.width * facts.height <= 1_048_576
    assert not engine.price(None, params, NAME).expected


def test_a_transparent_picture_is_refused():
    params = Params.model_validate({"prompt": "a cup", "transparent": True})
    with pytest.raises(Refused) as refused:
        Diffusers(settings()).check(None, params)
    assert refused.value.rule == "create.generate.transparent"
    assert "ideogram" in refused.value.valid
