"""Scaling follows the queues that exist, and never takes away what is still at work."""

import yaml

from studio.bus.base import Lane
from studio.bus.topology import Names
from tests.deploy.manifests import (
    BASE,
    K8S,
    PRODUCTION,
    SERVICES,
    Document,
    entry,
    environment,
    every,
    one,
)


def scaled() -> dict[str, Document]:
    return {each["metadata"]["name"]: each["spec"] for each in every("ScaledObject", PRODUCTION)}


def test_each_lane_of_each_studio_is_scaled_by_a_queue_that_exists() -> None:
    assert set(scaled()) == set(SERVICES) - {"gateway"}
    for service, spec in scaled().items():
        pod = one("Deployment", service, PRODUCTION)["spec"]["template"]
        queues = Names(environment(pod, PRODUCTION)["STUDIO_AMQP_PREFIX"])
        asked = {each["name"]: each["metadata"]["queueName"] for each in spec["triggers"]}
        assert asked == {str(lane): queues.work(entry(service).name, lane) for lane in Lane}
        assert spec["scaleTargetRef"]["name"] == service


def test_what_is_unacknowledged_counts() -> None:
    for spec in scaled().values():
        for trigger in spec["triggers"]:
            assert trigger["metadata"]["protocol"] == "http"
            assert trigger["metadata"].get("excludeUnacknowledged", "false") == "false"
            assert one("TriggerAuthentication", trigger["authenticationRef"]["name"], PRODUCTION)


def test_the_target_of_the_interactive_lane_is_what_a_replica_fetches() -> None:
    for service, spec in scaled().items():
        pod = one("Deployment", service, PRODUCTION)["spec"]["template"]
        variables = environment(pod, PRODUCTION)
        default = entry(service).kind.model_fields["prefetch"].default
        fetched = int(variables.get("STUDIO_PREFETCH", default))
        wanted = {each["name"]: int(each["metadata"]["value"]) for each in spec["triggers"]}
        assert wanted == {"interactive": fetched, "bulk": 10 * fetched}


def test_no_replica_is_taken_away_before_the_last_one_has_drained() -> None:
    for service, spec in scaled().items():
        scaling = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]["scaleDown"]
        (policy,) = scaling["policies"]
        pod = one("Deployment", service, PRODUCTION)["spec"]["template"]["spec"]
        assert policy["value"] == 1
        assert policy["periodSeconds"] >= pod["terminationGracePeriodSeconds"]
        assert scaling["stabilizationWindowSeconds"] >= 300


def test_the_chain_never_scales_to_zero_and_production_keeps_two() -> None:
    component = yaml.safe_load((K8S / "components" / "keda" / "scaling.yaml").read_text())
    assert {each["path"]: each["value"] for each in component}["/spec/minReplicaCount"] == 1
    assert {each["minReplicaCount"] for each in scaled().values()} == {2}
    assert one("HorizontalPodAutoscaler", "gateway", PRODUCTION)["spec"]["minReplicas"] >= 2


def test_who_is_scaled_names_no_number_of_replicas() -> None:
    for service in SERVICES:
        assert "replicas" not in one("Deployment", service, PRODUCTION)["spec"]
        assert one("Deployment", service, BASE)["spec"]["replicas"] == 2
