"""Problems: one error, told over HTTP, over gRPC and in a dead letter."""

import pickle

import pytest

from studio.problems import (
    Broken,
    Conflict,
    NotFound,
    Problem,
    Refused,
    StudioError,
    TooLarge,
    Unavailable,
)
from studio.providers.call import InDoubt, Moderated, ProviderAway


@pytest.mark.parametrize("kind", [Refused, NotFound, Conflict, TooLarge, Unavailable, Broken])
def test_an_error_survives_as_a_problem(kind):
    error = kind(rule="image.max_pixels", says="Too many.", fix="Use fewer.", valid=["a"])
    problem = Problem.model_validate_json(error.as_problem("0" * 32).model_dump_json())
    again = StudioError.from_problem(problem)
    assert type(again) is kind
    assert (again.rule, again.says, again.fix, again.valid) == (
        error.rule,
        error.says,
        error.fix,
        error.valid,
    )


def test_a_problem_is_an_rfc9457_document():
    body = Refused(rule="a.b", says="It is so.", fix="Do this.").as_problem().as_rfc9457("/v1/runs")
    assert body == {
        "type": "urn:image-studio:problem:a.b",
        "title": "refused",
        "status": 422,
        "detail": "It is so.",
        "instance": "/v1/runs",
        "fix": "Do this.",
    }


def test_our_own_faults_do_not_tell_their_insides():
    assert "secret" not in Broken.because(ValueError("secret")).as_problem().model_dump_json()


REMEDY = {"operation": "edit.resize", "params": {"max_pixels": 1_048_576}}


@pytest.mark.parametrize(
    "error",
    [
        NotFound(rule="a.b", says="Gone.", fix="Look.", valid=["c"]),
        Refused(rule="a.b", says="Too many.", remedy=REMEDY),
        Unavailable(rule="a.b", says="Away.", retry_after=3),
        ProviderAway(rule="a.b", says="Away.", retry_after=3),
        Moderated(provider="stability", says="no cats", billed="yes"),
        InDoubt("stability", "edit.erase"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_all_that_an_error_tells_survives_pickling(error):
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert again.__dict__ == error.__dict__
    assert again.as_problem() == error.as_problem()
    assert str(again) == str(error)
