"""Metrics: every one is declared in one place, and calls to providers are counted by their end."""

import pytest
from prometheus_client import REGISTRY

import gateway.service  # noqa: F401 - so that whatever declares a metric has done it
import services.create.service
import services.edit.service
import services.library.service
import services.optimizer.service
import services.upscale.service  # noqa: F401
from cli.reference import SERVICES, told
from services.optimizer.operations.export import Export
from studio import metrics
from studio.settling import labels_among
from studio.slip import Step


def test_every_metric_of_ours_is_in_the_catalogue():
    declared = {one.name for one in REGISTRY.collect() if one.name.startswith("studio_")}
    catalogued = {told(one)[0].removesuffix("_total") for one, _ in metrics.CATALOGUE}
    assert declared == catalogued


def test_every_metric_says_what_it_is_and_which_services_have_it():
    for metric, exporters in metrics.CATALOGUE:
        name, _, labels, meaning = told(metric)
        assert meaning.endswith("."), name
        assert exporters == "all" or set(exporters.split(", ")) <= set(SERVICES), name
        assert not {"id", "path", "run", "item", "workspace"} & set(labels), name


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(200, "answered"), (202, "answered"), (402, "refused"), (429, "throttled"), (503, "failed")],
)
def test_a_call_is_counted_by_its_reply(unique, status, outcome):
    with metrics.provider_call(unique, "edit.erase") as replied:
        replied(status)
    assert calls(unique) == {outcome: 1}


@pytest.mark.parametrize(("error", "outcome"), [(ConnectionError, "unsent"), (OSError, "lost")])
def test_a_call_without_a_reply_is_lost_unless_it_never_left(unique, error, outcome):
    with (
        pytest.raises(error),
        metrics.provider_call(unique, "edit.erase", unsent=(ConnectionError,)),
    ):
        raise error
    assert calls(unique) == {outcome: 1}
    labels = {"provider": unique, "operation": "edit.erase"}
    assert REGISTRY.get_sample_value("studio_provider_call_seconds_count", labels) == 1


def calls(provider: str) -> dict[str, float]:
    """How often each outcome was counted."""
    return {
        sample.labels["outcome"]: sample.value
        for sample in next(iter(metrics.provider_calls.collect())).samples
        if sample.name.endswith("_total") and sample.labels["provider"] == provider
    }


def test_a_failed_step_is_counted_by_an_operation_and_a_provider_that_exist():
    exporting = Export()
    labels = labels_among({exporting.name: exporting})
    assert labels(Step(operation="optimizer.export")) == ("optimizer.export", "local")
    assert labels(Step(operation="optimizer.export", provider="me")) == (
        "optimizer.export",
        "local",
    )
    assert labels(Step(operation="optimizer.mine")) == ("unknown", "none")
