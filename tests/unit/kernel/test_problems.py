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


def test_an_error_survives_pickling():
    error = pickle.loads(pickle.dumps(NotFound(rule="a.b", says="Gone.")))
    assert (type(error), error.rule, error.says) == (NotFound, "a.b", "Gone.")
