"""Metrics: what a platform team watches, under stable names (Prometheus conventions)."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

_OPERATE_BUCKETS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 180)

steps = Counter(
    "studio_steps_total",
    "Steps that ended, by how: made, failed, remembered (the ledger had it), cancelled.",
    ["operation", "provider", "result"],
)
step_seconds = Histogram(
    "studio_step_seconds",
    "Time to perform a step, from decode to store.",
    ["operation", "provider"],
    buckets=_OPERATE_BUCKETS,
)
deliveries = Counter(
    "studio_deliveries_total", "Deliveries settled, by how.", ["queue", "lane", "settlement"]
)
spent = Counter("studio_spent_total", "Money paid to providers.", ["provider", "currency"])
consuming = Gauge("studio_consuming", "1 while the service fetches work.", ["service"])
