"""Metrics: what a platform team watches, under stable names (Prometheus conventions).

Every metric is declared here, with the services that export it; docs/metrics.md is generated from
these declarations. Labels take few values: operations, providers, queues, rules and route
templates that exist in the code, never an id, a path or a word that somebody else chose.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from time import perf_counter
from typing import TypeVar

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

MetricT = TypeVar("MetricT", bound=MetricWrapperBase)

ALL = "all"
STUDIOS = "create, edit, upscale, optimizer"
WORKING = f"{STUDIOS}, library"
BUYING = "create, edit, upscale"
GATEWAY = "gateway"

#: Every metric with the services that export it, in the order of docs/metrics.md.
CATALOGUE: list[tuple[MetricWrapperBase, str]] = []

_OPERATE_BUCKETS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 180)
_AGE_BUCKETS = (0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 180, 600, 1800, 3600)
_CALL_BUCKETS = (0.1, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 180)
_HTTP_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


def _by(services: str, metric: MetricT) -> MetricT:
    CATALOGUE.append((metric, services))
    return metric


steps = _by(
    WORKING,
    Counter(
        "studio_steps_total",
        "Steps that ended, by how: made, failed, remembered (the ledger had it), cancelled.",
        ["operation", "provider", "result"],
    ),
)
step_seconds = _by(
    STUDIOS,
    Histogram(
        "studio_step_seconds",
        "Time to perform a step, from decode to store; only steps that were made.",
        ["operation", "provider"],
        buckets=_OPERATE_BUCKETS,
    ),
)
deliveries = _by(
    ALL,
    Counter(
        "studio_deliveries_total",
        "Deliveries settled, by how: done, later (it comes again), dead.",
        ["queue", "lane", "settlement"],
    ),
)
delivery_age = _by(
    ALL,
    Histogram(
        "studio_delivery_age_seconds",
        "Queue age: from the moment that a message was due (published, or back from a delay) to "
        "the moment that its handling began.",
        ["queue", "lane"],
        buckets=_AGE_BUCKETS,
    ),
)
dead_letters = _by(
    ALL,
    Counter(
        "studio_dead_letters_total",
        "Messages that this service put among the dead letters, by the rule that says why. What "
        "the broker buried by itself (rule bus.delivery_limit) is not among them.",
        ["queue", "rule"],
    ),
)
provider_calls = _by(
    BUYING,
    Counter(
        "studio_provider_calls_total",
        "Orders sent to a provider, by how they ended: answered, refused (4xx), throttled (429), "
        "failed (5xx), unsent (no byte left us), lost (sent, and no reply came). Questions after "
        "a job are not counted.",
        ["provider", "operation", "outcome"],
    ),
)
provider_call_seconds = _by(
    BUYING,
    Histogram(
        "studio_provider_call_seconds",
        "Time from an order to its reply, or to the end of our patience.",
        ["provider", "operation"],
        buckets=_CALL_BUCKETS,
    ),
)
spent = _by(
    BUYING,
    Counter(
        "studio_spent_total",
        "Money billed by providers, in units of the currency; what is in doubt is not counted.",
        ["provider", "currency"],
    ),
)
shares_outstanding = _by(
    GATEWAY,
    Gauge(
        "studio_shares_outstanding",
        "The sum over all open runs of what their items have not returned yet. Every gateway "
        "reads the same database: take the maximum over them, not the sum.",
    ),
)
runs_open = _by(
    GATEWAY,
    Gauge(
        "studio_runs_open",
        "Runs that have not ended. Every gateway reads the same database: take the maximum.",
    ),
)
http_requests = _by(
    GATEWAY,
    Counter(
        "studio_http_requests_total",
        "Requests answered, by route template (unmatched: there is no such route). Probes are "
        "not counted.",
        ["method", "route", "status"],
    ),
)
http_request_seconds = _by(
    GATEWAY,
    Histogram(
        "studio_http_request_seconds",
        "Time until an answer begins; streams and downloads go on after that.",
        ["method", "route"],
        buckets=_HTTP_BUCKETS,
    ),
)
dependency_up = _by(
    ALL,
    Gauge(
        "studio_dependency_up",
        "1 while a dependency answers, as readiness sees it; asked anew at every scrape. "
        "bus, metadata, blobs, and tasks: the service's own long-lived tasks do not keep failing.",
        ["service", "dependency"],
    ),
)
consuming = _by(
    ALL,
    Gauge(
        "studio_consuming",
        "1 once the service has begun to consume, until it drains. An outage of the broker does "
        "not change it: studio_dependency_up and studio_lane_consuming tell of that.",
        ["service"],
    ),
)
lane_consuming = _by(
    ALL,
    Gauge(
        "studio_lane_consuming",
        "1 while the broker sends this lane's work to the service; 0 while its consumer begins, is "
        "tried again or is restored, and from a drain on.",
        ["queue", "lane"],
    ),
)
task_failures = _by(
    ALL,
    Counter(
        "studio_task_failures_total",
        "Times that a long-lived task's work raised.",
        ["service", "task"],
    ),
)
build_info = _by(
    ALL, Gauge("studio_build_info", "1; the labels say what runs.", ["service", "version"])
)


@cache
def version() -> str:
    """The installed version of Image Studio, or `unknown`."""
    try:
        return version_of("image-studio")
    except PackageNotFoundError:
        return "unknown"


@contextmanager
def provider_call(
    provider: str, operation: str, *, unsent: tuple[type[Exception], ...] = ()
) -> Iterator[Callable[[int], None]]:
    """Around one order to a provider: call what is yielded with the status of its reply.

    unsent: the exceptions that mean that no byte of it left us; any other one means `lost`.
    """
    outcome, begun = "lost", perf_counter()

    def replied(status: int) -> None:
        nonlocal outcome
        outcome = _outcome(status)

    try:
        yield replied
    except unsent:
        outcome = "unsent"
        raise
    finally:
        provider_calls.labels(provider, operation, outcome).inc()
        provider_call_seconds.labels(provider, operation).observe(perf_counter() - begun)


def _outcome(status: int) -> str:
    if status == 429:
        return "throttled"
    if status >= 500:
        return "failed"
    return "refused" if status >= 400 else "answered"
