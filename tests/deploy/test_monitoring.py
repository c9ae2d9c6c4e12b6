"""What is watched exists: metrics, labels, buckets, panels, runbook anchors."""

import ast
import inspect
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from prometheus_client import Histogram

from studio import metrics, settling, worker
from studio.bus.base import Lane, Settlement
from studio.bus.topology import Names
from studio.providers.accounts import PROVIDERS
from tests.deploy import tools

MONITORING = tools.ROOT / "deploy" / "monitoring"
RULES = MONITORING / "rules.yaml"
DASHBOARDS = sorted((MONITORING / "dashboards").glob("*.json"))
PROMETHEUS = tools.ROOT / "deploy" / "docker" / "prometheus"
OPERATIONS = tools.ROOT / "docs" / "operations.md"

#: Labels that whoever scrapes adds, and that a histogram has.
ADDED = {"instance", "namespace", "le"}
PER_QUEUE = {"vhost", "queue"}

#: Not ours. RabbitMQ: seen on a node of 3.10 with its Prometheus plugin, and in metrics.md and
#: metrics-detailed.md of rabbitmq-server/deps/rabbitmq_prometheus (4.x);
#: unreachable_cluster_peers_count in prometheus_rabbitmq_dynamic_collector.erl, since 3.12.
#: Kubernetes: docs/metrics of kube-state-metrics. ALERTS: Prometheus' own.
OTHERS: dict[str, set[str]] = {
    "rabbitmq_build_info": set(),
    "rabbitmq_alarms_memory_used_watermark": set(),
    "rabbitmq_alarms_free_disk_space_watermark": set(),
    "rabbitmq_process_resident_memory_bytes": set(),
    "rabbitmq_resident_memory_limit_bytes": set(),
    "rabbitmq_disk_space_available_bytes": set(),
    "rabbitmq_disk_space_available_limit_bytes": set(),
    "rabbitmq_unreachable_cluster_peers_count": set(),
    "rabbitmq_detailed_queue_messages": PER_QUEUE,
    "rabbitmq_detailed_queue_messages_ready": PER_QUEUE,
    "rabbitmq_detailed_queue_messages_unacked": PER_QUEUE,
    "rabbitmq_detailed_queue_consumers": PER_QUEUE,
    "kube_pod_container_status_restarts_total": {"pod", "container"},
    "kube_deployment_spec_replicas": {"deployment"},
    "kube_deployment_status_replicas_available": {"deployment"},
    "kube_horizontalpodautoscaler_status_current_replicas": {"horizontalpodautoscaler"},
    "kube_horizontalpodautoscaler_spec_max_replicas": {"horizontalpodautoscaler"},
    "ALERTS": {"alertname", "alertstate"},
}


@cache
def groups() -> list[dict[str, Any]]:
    """The rule file's groups."""
    found: list[dict[str, Any]] = yaml.safe_load(RULES.read_text())["groups"]
    return found


def rules() -> list[dict[str, Any]]:
    return [rule for group in groups() for rule in group["rules"]]


def alerts() -> list[dict[str, Any]]:
    return [rule for rule in rules() if "alert" in rule]


@cache
def dashboard(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def panels(path: Path) -> list[dict[str, Any]]:
    """The panels of a dashboard that show something."""
    return [panel for panel in dashboard(path)["panels"] if panel["type"] != "row"]


def expressions() -> Iterator[tuple[str, str]]:
    """Every PromQL expression with where it is."""
    for rule in rules():
        yield rule.get("alert") or rule["record"], rule["expr"]
    for path in DASHBOARDS:
        for panel in panels(path):
            for target in panel["targets"]:
                expression = re.sub(r"\$__(rate_interval|range)", "5m", target["expr"])
                yield f"{path.name}: {panel['title']}", expression


@cache
def known() -> dict[str, set[str]]:
    """Every series that may be named, with the labels that it has."""
    found = {name: set(labels) for name, labels in OTHERS.items()}
    for metric, _ in metrics.CATALOGUE:
        for family in metric.describe():
            labels = set(metric._labelnames)
            found |= {family.name + suffix: labels for suffix in suffixes(family.type)}
    for rule in rules():
        if "record" in rule:
            found[rule["record"]] = set(rule["labels"])
    return found


def suffixes(kind: str) -> tuple[str, ...]:
    """What Prometheus' text format appends to a family's name."""
    return {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}.get(kind, ("",))


def test_every_metric_and_label_that_is_asked_for_exists():
    places = list(expressions())
    wrong = []
    for (place, _), query in zip(
        places, tools.parse_queries([expression for _, expression in places]), strict=True
    ):
        missing = [name for name in query.metrics if name not in known()]
        labels = ADDED.union(*(known().get(name, set()) for name in query.metrics))
        strange = [label for label in query.labels if label not in labels]
        if query.problem or missing or strange:
            wrong.append(f"{place}: {query.problem or ''} metrics {missing} labels {strange}")
    assert wrong == []


def test_limits_lie_within_the_buckets_of_their_histograms():
    """Beyond the last bound a quantile is that bound, and an alert above it can never fire."""
    bounds = {
        metric._name: [bound for bound in metric._upper_bounds if bound != float("inf")]
        for metric, _ in metrics.CATALOGUE
        if isinstance(metric, Histogram)
    }
    limits = {}
    for alert in alerts():
        if asked := re.search(
            r"histogram_quantile.*?(studio_\w+)_bucket.*?> (\d+)", alert["expr"], re.S
        ):
            limits[alert["alert"]] = (asked[1], float(asked[2]))
    assert set(limits) == {"InteractiveWorkWaits", "BulkWorkWaits", "GatewaySlow"}
    assert all(limit < max(bounds[name]) for name, limit in limits.values())


def test_patterns_for_queues_match_the_queues_that_there_are():
    names = Names("studio")
    work = {names.work("edit", lane) for lane in Lane}
    queues = {*work, names.dead("edit"), names.delay(0.5)}
    wanted = [
        work,
        {names.work("edit", Lane.BULK)},
        {names.work("edit", Lane.INTERACTIVE)},
        {names.dead("edit")},
        {names.delay(0.5)},
        queues,
    ]
    patterns = {
        pattern
        for _, expression in expressions()
        for pattern in re.findall(r'queue=~"([^"]+)"', expression)
    }
    assert len(patterns) == len(wanted)
    for pattern in patterns:
        assert {one for one in queues if re.fullmatch(pattern, one)} in wanted, pattern


def results() -> set[str]:
    """What the studios count steps by."""
    found = set()
    for module in (worker, settling):
        nodes = list(ast.walk(ast.parse(inspect.getsource(module))))
        said = [
            node.args[-1]
            for node in nodes
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "metrics.steps.labels"
        ]
        said += [
            node.value
            for node in nodes
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "result"
        ]
        for each in [part for one in said for part in ast.walk(one)]:
            if isinstance(each, ast.Constant):
                found.add(each.value)
            elif isinstance(each, ast.Name) and isinstance(getattr(module, each.id, None), str):
                found.add(getattr(module, each.id))
    return found


def outcomes() -> set[str]:
    """What orders to a provider are counted by, however they end."""
    for status in (200, 404, 429, 500):
        with metrics.provider_call("nobody", "any") as replied:
            replied(status)
    for error in (ConnectionRefusedError, ConnectionResetError):
        with (
            suppress(error),
            metrics.provider_call("nobody", "any", unsent=(ConnectionRefusedError,)),
        ):
            raise error
    return {
        sample.labels["outcome"]
        for family in metrics.provider_calls.collect()
        for sample in family.samples
        if sample.labels["provider"] == "nobody"
    }


def test_results_outcomes_and_settlements_that_are_asked_for_are_told_by_the_code():
    told = {
        "result": results(),
        "outcome": outcomes(),
        "settlement": {kind.__name__.lower() for kind in get_args(Settlement)},
    }
    assert told == {
        "result": {"made", "remembered", "failed", "cancelled"},
        "outcome": {"answered", "refused", "throttled", "failed", "unsent", "lost"},
        "settlement": {"done", "later", "dead"},
    }
    for label, known_words in told.items():
        asked = {
            word
            for _, expression in expressions()
            for words in re.findall(rf'\b{label}=~?"([^"]+)"', expression)
            for word in words.split("|")
        }
        assert asked
        assert asked - known_words == set()


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_an_alert_says_to_a_person_what_is_wrong_and_where_to_read_on(alert):
    assert alert["labels"]["severity"] in {"critical", "warning"}
    told = alert["annotations"]
    assert set(told) == {"summary", "description", "runbook_url"}
    assert told["summary"].endswith(".")
    assert len(told["description"].split()) >= 10
    assert told["runbook_url"] == f"docs/operations.md#{alert['alert'].lower()}"


def test_labels_that_alerts_speak_of_survive_their_expressions():
    """`sum by (queue)` leaves only `queue`: {{ $labels.service }} would be a gap in a sentence."""
    outermost = re.compile(r"(?:histogram_quantile\([\d.]+, )?\w+ by \(([^)]*)\)")
    queries = tools.parse_queries([alert["expr"] for alert in alerts()])
    for alert, query in zip(alerts(), queries, strict=True):
        spoken = set(re.findall(r"\$labels\.(\w+)", " ".join(alert["annotations"].values())))
        left = outermost.match(alert["expr"])
        carried = left[1].split(", ") if left else set().union(*map(known().get, query.metrics))
        assert spoken <= set(carried), alert["alert"]


def test_every_alert_has_its_part_of_the_runbook():
    headings = re.findall(r"^#+ +(.+?) *$", OPERATIONS.read_text(), re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    missing = [alert["alert"] for alert in alerts() if alert["alert"].lower() not in anchors]
    assert missing == []


def test_there_are_two_dashboards_with_fixed_addresses():
    found = {dashboard(path)["uid"]: dashboard(path)["title"] for path in DASHBOARDS}
    assert found == {
        "image-studio-chain": "Image Studio: the chain",
        "image-studio-money": "Image Studio: money and providers",
    }


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_is_whole(path):
    board = dashboard(path)
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids)
    assert len({panel["title"] for panel in panels(path)}) == len(panels(path))
    for panel in panels(path):
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["description"], panel["title"]
        assert panel["targets"], panel["title"]
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_panels_lie_side_by_side_and_not_on_each_other(path):
    taken: set[tuple[int, int]] = set()
    for panel in dashboard(path)["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert at["x"] + at["w"] <= 24, panel["title"]
        assert not cells & taken, panel["title"]
        taken |= cells


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_uses_the_variables_that_it_has_and_no_others(path):
    board = dashboard(path)
    has = {variable["name"] for variable in board["templating"]["list"]}
    shown = json.dumps(board["panels"])
    used = set(re.findall(r"\$\{?(\w+)", shown)) - {"__rate_interval", "__range", "__all"}
    assert used == has


def test_the_paid_providers_of_the_dashboard_are_those_of_the_code():
    lists = re.findall(r'provider=~\\"(\w+(?:\|\w+)+)\\"', (DASHBOARDS[1]).read_text())
    assert {frozenset(found.split("|")) for found in lists} == {frozenset(PROVIDERS)}


@pytest.mark.parametrize("name", ["prometheus.yaml", "prometheus.host.yaml"])
def test_prometheus_asks_the_services_and_both_pages_of_rabbitmq(name):
    config = yaml.safe_load((PROMETHEUS / name).read_text())
    jobs = {job["job_name"]: job for job in config["scrape_configs"]}
    assert jobs["image-studio"].get("metrics_path", "/metrics") == "/metrics"
    assert "metrics_path" not in jobs["rabbitmq"]
    assert jobs["rabbitmq-queues"]["metrics_path"] == "/metrics/detailed"
    families = jobs["rabbitmq-queues"]["params"]["family"]
    assert families == ["queue_coarse_metrics", "queue_consumer_count"]
    assert config["rule_files"] == ["/etc/prometheus/rules/*.yaml"]


@pytest.mark.parametrize("name", ["prometheus.yaml", "prometheus.host.yaml"])
def test_promtool_accepts_the_configuration(name):
    checked = tools.run("promtool", "check", "config", "--syntax-only", PROMETHEUS / name)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_yaml_is_tidy():
    assert tools.yaml_problems(MONITORING) == []
