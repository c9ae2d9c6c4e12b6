"""Each alert fires in the case that it is for, and stays silent in the case next to it.

The cases are given to `promtool test rules`: series a minute apart, as Prometheus writes them
(`0+5x60`: 0, 5, 10, … 300).
"""

from typing import Any, NamedTuple

import pytest
import yaml

from tests.deploy import tools

RULES = tools.ROOT / "deploy" / "monitoring" / "rules.yaml"

Series = dict[str, str]


class Case(NamedTuple):
    """An alert, the labels by which it is known, and the minute at which it is looked for."""

    alert: str
    labels: str
    minute: int
    fires: Series
    silent: Series


def ages(lane: str, within: str, all_within: str, *, quick: int) -> Series:
    """Ten messages a minute, `quick` of them within the first bound and all within the second."""
    name, where = "studio_delivery_age_seconds_bucket", f'queue="edit",lane="{lane}"'
    return {
        f'{name}{{{where},le="{within}"}}': f"0+{quick}x120",
        f'{name}{{{where},le="{all_within}"}}': "0+10x120",
        f'{name}{{{where},le="+Inf"}}': "0+10x120",
    }


def calls(**outcomes: str) -> Series:
    """Orders to a provider, by outcome."""
    name, where = "studio_provider_calls_total", 'provider="fal",operation="edit.erase"'
    return {f'{name}{{{where},outcome="{how}"}}': rate for how, rate in outcomes.items()}


def steps(**results: str) -> Series:
    """Steps of one operation, by result."""
    name, where = "studio_steps_total", 'operation="edit.erase",provider="local"'
    return {f'{name}{{{where},result="{how}"}}': rate for how, rate in results.items()}


def requests(**statuses: str) -> Series:
    """Requests to one route, by status (`s200`)."""
    name, where = "studio_http_requests_total", 'method="GET",route="/v1/assets"'
    return {f'{name}{{{where},status="{how[1:]}"}}': rate for how, rate in statuses.items()}


def answers(*, quick: int) -> Series:
    """Ten answers a minute, `quick` of them within a second."""
    name, where = "studio_http_request_seconds_bucket", 'method="GET",route="/v1/assets"'
    return {
        f'{name}{{{where},le="1"}}': f"0+{quick}x60",
        f'{name}{{{where},le="5"}}': "0+10x60",
        f'{name}{{{where},le="+Inf"}}': "0+10x60",
        **requests(s200="0+10x60"),
    }


def queue(messages: str, ready: str, consumers: str) -> Series:
    """A work queue as RabbitMQ tells it."""
    of = '{vhost="/",queue="studio.edit.bulk",instance="rabbitmq"}'
    return {
        f"rabbitmq_detailed_queue_messages{of}": messages,
        f"rabbitmq_detailed_queue_messages_ready{of}": ready,
        f"rabbitmq_detailed_queue_consumers{of}": consumers,
    }


def broker(metric: str, value: str, limit: str = "") -> Series:
    """A metric of a RabbitMQ node, and its limit."""
    name, bound = f"rabbitmq_{metric}_bytes", f"rabbitmq_{metric}_limit_bytes"
    bound = bound.replace("process_resident", "resident")
    return {f'{name}{{instance="r0"}}': value, f'{bound}{{instance="r0"}}': limit}


def kube(name: str, value: str, labels: str, *, ours: bool) -> Series:
    """A metric of kube-state-metrics, in a namespace with or without Image Studio."""
    namespace = "here" if ours else "elsewhere"
    build = 'studio_build_info{namespace="here",service="edit",version="0.1.0"}'
    return {f'kube_{name}{{namespace="{namespace}",{labels}}}': value, build: "1x60"}


def replicas(kind: str, what: str, has: int, of: int) -> Series:
    """Replicas that are there, and how many there should or may be."""
    there, wanted = {
        "deployment": ("status_replicas_available", "spec_replicas"),
        "horizontalpodautoscaler": ("status_current_replicas", "spec_max_replicas"),
    }[kind]
    label = f'{kind}="{what}"'
    return {
        **kube(f"{kind}_{there}", f"{has}x60", label, ours=True),
        **kube(f"{kind}_{wanted}", f"{of}x60", label, ours=True),
    }


EDIT, QUEUE = 'service="edit"', 'queue="studio.edit.bulk"'
UP = 'studio_dependency_up{service="edit",dependency="bus",instance="%s"}'
CONSUMING = 'studio_consuming{service="edit",instance="%s"}'
BUILD = 'studio_build_info{service="edit",version="%s",instance="%s"}'
TASK = 'studio_task_failures_total{service="edit",task="sweeping"}'
LETTERS = 'studio_dead_letters_total{queue="edit",rule="image.too_large"}'
DEAD = 'rabbitmq_detailed_queue_messages{vhost="/",queue="studio.edit.dead"}'
SETTLED = 'studio_deliveries_total{queue="edit",lane="bulk",settlement="%s"}'
SPENT = 'studio_spent_total{provider="fal",currency="%s"}'
RESTARTS = ("pod_container_status_restarts_total", "0+1x60", 'pod="edit-1",container="edit"')

CASES = [
    Case("ServiceNotConsuming", EDIT, 5,
         {CONSUMING % "a": "0x30", CONSUMING % "b": "0x30"},
         {CONSUMING % "a": "0x30", CONSUMING % "b": "1x30"}),
    Case("ServiceNotConsuming", 'service="library"', 5,
         {CONSUMING % "a": "1x30"},
         {'studio_consuming{service="library"}': "1x30"}),
    Case("DependencyDown", EDIT, 5,
         {UP % "a": "1 0x30", UP % "b": "1 0x30"},
         {UP % "a": "1 0x30", UP % "b": "1x30"}),
    Case("DependencyUnsteady", EDIT, 20, {UP % "a": "1 1 1 0x4 1x30"}, {UP % "a": "1x20 0x1 1x9"}),
    Case("TaskFailing", EDIT, 20, {TASK: "0+1x30"}, {TASK: "0x9 1x20"}),
    Case("RolloutUnfinished", EDIT, 90,
         {BUILD % ("0.1.0", "a"): "1x120", BUILD % ("0.2.0", "b"): "1x120"},
         {BUILD % ("0.1.0", "a"): "1x120", BUILD % ("0.1.0", "b"): "1x120"}),
    Case("InteractiveWorkWaits", 'queue="edit"', 15,
         ages("interactive", "30", "60", quick=5), ages("interactive", "5", "30", quick=5)),
    Case("BulkWorkWaits", 'queue="edit"', 60,
         ages("bulk", "1800", "3600", quick=2), ages("bulk", "1800", "3600", quick=8)),
    Case("QueueNotConsumed", QUEUE, 6,
         queue("5x30", "5x30", "0x30"), queue("5x30", "5x30", "1x30")),
    Case("BacklogNotScaled", QUEUE, 45,
         queue("0+9x60", "0+9x60", "2x60"), queue("0+9x60", "0+9x60", "1+1x60")),
    Case("DeadLettersRising", 'queue="edit"', 20, {LETTERS: "0+1x30"}, {LETTERS: "0x9 2x20"}),
    Case("DeadLettersRising", 'rule="image.too_large"', 20,  # six at once, and none before
         {LETTERS: "_x9 6x20"}, {LETTERS: "_x9 2x20"}),
    Case("DeadLettersWaiting", 'queue="studio.edit.dead"', 70, {DEAD: "150x90"}, {DEAD: "50x90"}),
    Case("RetriesDominate", 'queue="edit"', 45,
         {SETTLED % "later": "0+8x60", SETTLED % "done": "0+2x60"},
         {SETTLED % "later": "0+2x60", SETTLED % "done": "0+8x60"}),
    Case("OperationFailing", 'operation="edit.erase"', 30,
         steps(failed="0+3x60", made="0+3x60"), steps(failed="0+1x60", made="0+50x60")),
    Case("RunsStuck", "", 60,
         {"studio_shares_outstanding": "1.5x90", "studio_runs_open": "2x90"},
         {"studio_shares_outstanding": "90-1x89", "studio_runs_open": "2x90"}),
    Case("ProviderFailing", 'provider="fal"', 20,
         calls(failed="0+2x60", lost="0+2x60", answered="0+3x60"),
         calls(failed="0+1x60", refused="0+9x60", answered="0+9x60")),
    Case("ProviderRefusing", 'provider="fal"', 30,
         calls(refused="0+3x60", answered="0+1x60"), calls(refused="0+1x60", answered="0+3x60")),
    Case("ProviderThrottling", 'provider="fal"', 45,
         calls(throttled="0+3x60", answered="0+3x60"),
         calls(throttled="0+1x60", answered="0+9x60")),
    Case("PaidCallsInDoubt", 'provider="fal"', 20,
         calls(lost="0x9 1x30"), calls(unsent="0x9 1x30", lost="0x60")),
    Case("PaidCallsInDoubt", 'provider="fal"', 30,  # the first that there ever was
         calls(lost="_x9 1x30"), calls(unsent="_x9 1x30")),
    Case("SpendAboveLimit", 'currency="USD"', 20,  # in one go, and nothing before
         {SPENT % "USD": "_x9 25x20"}, {SPENT % "USD": "_x9 15x20"}),
    Case("SpendAboveLimit", 'currency="USD"', 65,
         {SPENT % "USD": "0+1x90"}, {SPENT % "USD": "0+0.2x90"}),
    Case("SpendWithoutLimit", "", 30, {SPENT % "EUR": "0+1x90"}, {SPENT % "USD": "0+1x90"}),
    Case("GatewayFailing", "", 15,
         requests(s200="0+10x30", s503="0+2x30"), requests(s200="0+10x30", s422="0+9x30")),
    Case("GatewaySlow", 'route="/v1/assets"', 30, answers(quick=5), answers(quick=10)),
    Case("BrokerAway", "", 5, {}, {'rabbitmq_build_info{instance="r0"}': "1x30"}),
    Case("BrokerBlocked", 'instance="r0"', 5,
         {'rabbitmq_alarms_free_disk_space_watermark{instance="r0"}': "1x30",
          'rabbitmq_alarms_memory_used_watermark{instance="r0"}': "0x30"},
         {'rabbitmq_alarms_free_disk_space_watermark{instance="r0"}': "0x30",
          'rabbitmq_alarms_memory_used_watermark{instance="r0"}': "0x30"}),
    Case("BrokerMemoryHigh", 'instance="r0"', 15,
         broker("process_resident_memory", "900x30", "1000x30"),
         broker("process_resident_memory", "700x30", "1000x30")),
    Case("BrokerDiskLow", 'instance="r0"', 15,
         broker("disk_space_available", "1900x30", "1000x30"),
         broker("disk_space_available", "2100x30", "1000x30")),
    Case("BrokerPeersUnreachable", 'instance="r0"', 5,
         {'rabbitmq_unreachable_cluster_peers_count{instance="r0"}': "1x30"},
         {'rabbitmq_unreachable_cluster_peers_count{instance="r0"}': "0x30"}),
    Case("QueueWithoutQuorum", QUEUE, 20,
         queue("3x9 stale", "3x9 stale", "1x9 stale"), queue("3x30", "3x30", "1x30")),
    Case("PodRestarts", 'pod="edit-1"', 30,
         kube(*RESTARTS, ours=True), kube(*RESTARTS, ours=False)),
    Case("ReplicasMissing", 'deployment="edit"', 20,
         replicas("deployment", "edit", 1, 2), replicas("deployment", "edit", 2, 2)),
    Case("ScaledToMaximum", 'horizontalpodautoscaler="edit"', 40,
         replicas("horizontalpodautoscaler", "edit", 10, 10),
         replicas("horizontalpodautoscaler", "edit", 9, 10)),
]  # fmt: skip


def as_test(case: Case, *, fires: bool) -> dict[str, Any]:
    """One test in the form of promtool."""
    series = case.fires if fires else case.silent
    labels = f",{case.labels}" if case.labels else ""
    alerts = f'ALERTS{{alertname="{case.alert}",alertstate="firing"{labels}}}'
    expected = [{"labels": f'{{alertname="{case.alert}"}}', "value": 1}] if fires else []
    return {
        "name": f"{case.alert} {'fires' if fires else 'is silent'} ({case.labels})",
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {
                "expr": f"group by (alertname) ({alerts})",
                "eval_time": f"{case.minute}m",
                "exp_samples": expected,
            }
        ],
    }


def test_every_alert_has_a_case():
    groups = yaml.safe_load(RULES.read_text())["groups"]
    alerts = {rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule}
    assert {case.alert for case in CASES} == alerts


@pytest.mark.parametrize("fires", [True, False], ids=["fires", "is silent"])
def test_alerts_fire_in_their_case_and_in_no_other(fires, tmp_path):
    tests = [as_test(case, fires=fires) for case in CASES]
    document = {"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": tests}
    file = tmp_path / "cases.yaml"
    file.write_text(yaml.safe_dump(document, sort_keys=False))
    tested = tools.run("promtool", "test", "rules", file)
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_promtool_accepts_the_rules():
    checked = tools.run("promtool", "check", "rules", RULES)
    assert checked.returncode == 0, checked.stdout + checked.stderr
