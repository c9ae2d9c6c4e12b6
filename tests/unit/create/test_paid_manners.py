"""Following a picture, leaving the background out, or both: who does it, and who says no."""

import pytest

from services.create.operations.generate import Generate
from services.create.providers.fal import Fal
from services.create.providers.google import Gemini, Imagen
from services.create.providers.ideogram import Ideogram
from services.create.providers.openai import OpenAI
from services.create.providers.stability import Stability
from services.create.quality import ladder
from services.create.request import requested
from studio.problems import Refused
from tests.unit.create.test_paid_engines import BLOB, EVERY, FOLLOWING, params, picture


def test_a_reference_that_would_not_be_followed_is_refused_before_it_is_paid():
    Imagen().check(None, params(reference={"blob": BLOB, "strength": 0}))
    with pytest.raises(Refused) as refused:
        Imagen().check(None, params(reference={"blob": BLOB}))
    assert refused.value.rule == "create.generate.reference"
    assert {"local", "stability", "fal"} <= set(refused.value.valid)


@pytest.mark.parametrize(
    "engine", [Stability(), Gemini(), Fal()], ids=["stability", "google", "fal"]
)
def test_a_background_that_would_be_made_is_refused_where_none_is_asked_for(engine):
    with pytest.raises(Refused) as refused:
        engine.check(None, params(transparent=True))
    assert refused.value.rule == "create.generate.transparent"
    assert refused.value.valid == ["ideogram", "openai"]


def test_the_local_engine_refuses_pictures_without_a_background():
    with pytest.raises(Refused, match="whole pictures only") as refused:
        Generate().check(None, params(transparent=True))
    assert "edit.remove_background" in refused.value.fix


@EVERY
def test_who_documents_no_cut_out_that_follows_a_picture_is_not_asked_for_one(engine):
    asked = params(transparent=True, **FOLLOWING)
    if engine.provider == "openai":
        engine.check(None, asked)
        return
    with pytest.raises(Refused) as refused:
        engine.check(None, asked)
    assert refused.value.rule == "create.generate.transparent_reference"
    assert ladder(engine.ladder).source in refused.value.says
    assert refused.value.valid == ["openai"]
    assert "edit.remove_background" in refused.value.fix


def test_pictures_without_a_background_are_forecast_as_such():
    for engine in (OpenAI(), Ideogram()):
        [facts] = engine.forecast(None, params(transparent=True))
        assert facts.alpha
    [facts] = OpenAI().forecast(None, params(transparent=True, **FOLLOWING))
    assert facts.alpha


def test_openai_is_told_both_the_picture_to_follow_and_to_leave_the_background_out():
    request = requested(params(transparent=True, **FOLLOWING))
    engine = OpenAI()
    call = engine.call(request, engine.plan(request), range(1), picture(64, 64))
    assert call.path == "/images/edits"
    assert call.form["background"] == "transparent"
    assert [name for name, _ in call.files] == ["image"]
    alone = requested(params(**FOLLOWING))
    assert "background" not in engine.call(alone, engine.plan(alone), range(1), picture(9, 9)).form
