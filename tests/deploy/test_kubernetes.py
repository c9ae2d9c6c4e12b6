"""The manifests are true: they render, follow their schemas, and say what the code says."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from fastapi import FastAPI

from gateway.app import create_app
from studio.probes import Readiness, add_probes
from studio.settings import Settings, load
from tests.deploy import tools
from tests.deploy.manifests import (
    BASE,
    BY_NAME,
    DEV,
    EXAMPLES,
    K8S,
    OVERLAYS,
    PRODUCTION,
    SERVICES,
    Document,
    entry,
    environment,
    every,
    image,
    module,
    names,
    one,
    ours,
    pods,
    secret_items,
    secret_values,
    selects,
    service_of,
    shared_databases,
    stem,
    title,
)

RENDERED = (BASE, *OVERLAYS, EXAMPLES)

#: Kinds of which no model can be had here: only their form as YAML is checked.
UNCHECKED = {"RabbitmqCluster", "MongoDBCommunity", "Tenant", "ExternalSecret"}

each_overlay = pytest.mark.parametrize("folder", OVERLAYS, ids=title)
each_rendered = pytest.mark.parametrize("folder", RENDERED, ids=title)
each_service = pytest.mark.parametrize("service", SERVICES)


def test_what_is_rendered_follows_its_schemas_strictly() -> None:
    documents = [one for folder in RENDERED for one in tools.rendered(folder)]
    checked = tools.check_manifests(documents)
    assert not [(each.kind, each.name, each.problems) for each in checked if each.problems]
    assert {each.kind for each in checked if each.by is None} == UNCHECKED


def test_the_yaml_is_well_kept() -> None:
    assert tools.yaml_problems(K8S) == []


def test_every_component_is_rendered_by_an_overlay() -> None:
    said = yaml.safe_load((PRODUCTION / "kustomization.yaml").read_text())
    used = {str((PRODUCTION / each).resolve().name) for each in said["components"]}
    assert used | {"pod"} == {each.name for each in (K8S / "components").iterdir()}


@each_rendered
def test_no_two_objects_have_one_name(folder: Path) -> None:
    named = Counter(
        (each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"])
        for each in tools.rendered(folder)
    )
    assert not [name for name, times in named.items() if times > 1]


@each_overlay
def test_every_object_is_in_the_namespace(folder: Path) -> None:
    outside = [
        (each["kind"], each["metadata"]["name"])
        for each in tools.rendered(folder)
        if each["metadata"].get("namespace") != "image-studio"
    ]
    assert outside == [("Namespace", "image-studio")]


def given(service: str, folder: Path, where: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings of a service, read as its pod would read them."""
    pod = one("Deployment", service, folder)["spec"]["template"]
    variables = environment(pod, folder)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    for name, key, path, optional in secret_items(pod):
        values = secret_values(name, folder) if folder == DEV else PLAUSIBLE
        if key in values or not optional:
            (where / path).write_text(values[key] + "\n")
    monkeypatch.setenv("STUDIO_SECRETS_DIR", str(where))
    return load(entry(service).kind)


PLAUSIBLE = {
    "STUDIO_AMQP_URL": "amqps://user:word@rabbitmq.image-studio-stores.svc:5671/",
    "STUDIO_MONGO_URL": "mongodb+srv://user:word@mongodb.example/admin?tls=true",
    "STUDIO_S3_ACCESS_KEY": "access",
    "STUDIO_S3_SECRET_KEY": "secret",
    "STUDIO_API_KEYS": '{"key": "workspace"}',
}


@each_overlay
@each_service
def test_a_service_reads_settings_that_exist_and_are_valid(
    service: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = given(service, folder, tmp_path, monkeypatch)
    pod = one("Deployment", service, folder)["spec"]["template"]
    variables = [name for name in environment(pod, folder) if name.startswith("STUDIO_")]
    read = {f"STUDIO_{field.upper()}" for field in type(settings).model_fields}
    assert set(variables) - {"STUDIO_SECRETS_DIR"} <= read
    assert settings.model_fields_set, "nothing was read"
    assert settings.amqp_url != Settings.model_fields["amqp_url"].default


@each_overlay
def test_every_secret_is_a_setting_of_who_mounts_it(folder: Path) -> None:
    for workload, pod in ours(folder):
        fields = {f"STUDIO_{field.upper()}" for field in entry(service_of(pod)).kind.model_fields}
        found = list(secret_items(pod))
        assert {stem(name) for name, _, _, _ in found} == {"image-studio"}
        assert all(path == key for _, key, path, _ in found)
        assert {key for _, key, _, _ in found} <= fields, workload["metadata"]["name"]


@each_overlay
def test_every_provider_key_may_be_given_and_none_must(folder: Path) -> None:
    for service in ("create", "edit", "upscale"):
        pod = one("Deployment", service, folder)["spec"]["template"]
        kept = {key for _, key, _, optional in secret_items(pod) if optional}
        known = entry(service).kind.model_fields
        assert kept == {f"STUDIO_{field.upper()}" for field in known if field.endswith("_api_key")}


@each_overlay
def test_the_gateway_does_not_start_without_keys(folder: Path) -> None:
    pod = one("Deployment", "gateway", folder)["spec"]["template"]
    must = {key for _, key, _, optional in secret_items(pod) if not optional}
    assert "STUDIO_API_KEYS" in must


@each_overlay
def test_a_changed_setting_or_secret_of_the_overlay_rolls_the_pods(folder: Path) -> None:
    made = names(every("ConfigMap|Secret", folder))
    without_hash = {name for name in made if stem(name) == name}
    used = [name for _, pod in pods(folder) for name in referred(pod)]
    assert used
    assert without_hash.isdisjoint(used)


def referred(part: Any) -> Iterator[str]:
    """The ConfigMaps and Secrets that a pod, or a part of it, names."""
    inner = part.items() if isinstance(part, dict) else enumerate(part)
    for key, value in inner:
        if isinstance(value, dict | list):
            if key in ("configMap", "configMapRef", "secret", "secretRef", "secretKeyRef"):
                yield value["name"]
            yield from referred(value)


def test_no_secret_is_in_the_repository_for_production() -> None:
    assert every("Secret", PRODUCTION) == every("Secret", BASE) == every("Secret", EXAMPLES) == []


@each_service
def test_probes_ask_what_the_code_answers(service: str) -> None:
    app = FastAPI()
    add_probes(app, Readiness({}))
    answered = {getattr(route, "path", "") for route in app.routes}
    (container,) = one("Deployment", service, BASE)["spec"]["template"]["spec"]["containers"]
    asked = {
        name: container[f"{name}Probe"]["httpGet"] for name in ("startup", "readiness", "liveness")
    }
    assert {name: each["path"] for name, each in asked.items()} == {
        "startup": "/startupz",
        "readiness": "/readyz",
        "liveness": "/livez",
    }
    assert {each["path"] for each in asked.values()} <= answered
    assert {each["port"] for each in asked.values()} == {"http"}


@each_service
def test_ports_are_those_that_the_service_listens_on(service: str) -> None:
    pod = one("Deployment", service, BASE)["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    variables = environment(pod, BASE)
    ports = {each["name"]: str(each["containerPort"]) for each in container["ports"]}
    assert ports.pop("http") == variables["STUDIO_HTTP_PORT"]
    grpc = {} if service == "gateway" else {"grpc": variables["STUDIO_GRPC_PORT"]}
    assert ports == grpc
    offered = one("Service", service, BASE)["spec"]["ports"]
    assert {each["targetPort"] for each in offered} == {"http", *grpc}
    exposed = {variables["STUDIO_HTTP_PORT"], variables["STUDIO_GRPC_PORT"]}
    dockerfile = (tools.ROOT / "deploy" / "docker" / "Dockerfile").read_text()
    assert set(re.findall(r"^EXPOSE (.*)$", dockerfile, re.MULTILINE)[0].split()) == exposed


def test_the_gateway_asks_services_that_exist_at_the_port_they_offer() -> None:
    pod = one("Deployment", "gateway", BASE)["spec"]["template"]
    asked = {
        name: value for name, value in environment(pod, BASE).items() if name.endswith("_GRPC")
    }
    fields = entry("gateway").kind.model_fields
    assert set(asked) == {f"STUDIO_{name.upper()}" for name in fields if name.endswith("_grpc")}
    for name, address in asked.items():
        host, _, port = address.partition(":")
        assert name == f"STUDIO_{host.upper()}_GRPC"
        assert int(port) in [each["port"] for each in one("Service", host, BASE)["spec"]["ports"]]


@each_overlay
def test_images_are_those_that_are_built(folder: Path) -> None:
    version = tomllib.loads((tools.ROOT / "pyproject.toml").read_text())["project"]["version"]
    for workload, pod in ours(folder):
        service = service_of(pod)
        assert image(pod).endswith(f"image-studio/{service}:{version}")
        assert workload["metadata"]["name"] in (service, f"prepare-{service}")
    assert {service_of(pod) for _, pod in ours(folder)} == set(SERVICES)


def test_stores_and_collector_are_of_the_versions_that_compose_runs() -> None:
    compose = yaml.safe_load((tools.ROOT / "deploy" / "docker" / "compose.yaml").read_text())
    composed = {str(each.get("image", "")) for each in compose["services"].values()}
    foreign = {image(pod) for folder in OVERLAYS for _, pod in pods(folder)}
    foreign = {each for each in foreign if "image-studio/" not in each}
    assert len(foreign) == 4
    assert foreign <= composed


@each_overlay
def test_the_kubelet_waits_longer_than_a_service_drains(folder: Path) -> None:
    for service in SERVICES:
        spec = one("Deployment", service, folder)["spec"]["template"]["spec"]
        variables = environment({"spec": spec}, folder)
        drain, delay = (float(variables[f"STUDIO_DRAIN_{each}"]) for each in ("GRACE", "DELAY"))
        assert drain == entry(service).kind.model_fields["drain_grace"].default
        assert 3 <= delay <= 5, "long enough for every node, and part of the grace"
        assert "lifecycle" not in spec["containers"][0], "a preStop would come on top"
        assert spec["terminationGracePeriodSeconds"] >= drain + 15


@each_service
def test_starting_may_wait_ten_minutes_and_a_rollout_longer(service: str) -> None:
    spec = one("Deployment", service, BASE)["spec"]
    probe = spec["template"]["spec"]["containers"][0]["startupProbe"]
    waits = probe["periodSeconds"] * probe["failureThreshold"]
    assert waits >= 600
    assert spec["progressDeadlineSeconds"] > waits


@each_overlay
def test_a_budget_guards_each_service_and_nothing_else(folder: Path) -> None:
    guarded = []
    for budget in every("PodDisruptionBudget", folder):
        selector = budget["spec"]["selector"]
        (found,) = (
            each["metadata"]["name"]
            for each, pod in pods(folder)
            if selects(selector, pod["metadata"]["labels"])
        )
        assert found == budget["metadata"]["name"]
        guarded.append(found)
    assert sorted(guarded) == list(SERVICES)


@each_overlay
def test_a_service_and_a_deployment_select_their_own_pods_only(folder: Path) -> None:
    labels = {each["metadata"]["name"]: pod["metadata"]["labels"] for each, pod in pods(folder)}
    for each in every("Service|Deployment|StatefulSet", folder):
        selector = each["spec"]["selector"]
        wanted = selector if each["kind"] != "Service" else {"matchLabels": selector}
        chosen = [name for name, found in labels.items() if selects(wanted, found)]
        assert chosen == [each["metadata"]["name"]], each["kind"]


@each_overlay
def test_every_pod_has_an_account_of_its_own_without_a_token(folder: Path) -> None:
    accounts = {each["metadata"]["name"]: each for each in every("ServiceAccount", folder)}
    for workload, pod in pods(folder):
        account = pod["spec"]["serviceAccountName"]
        assert account == workload["metadata"]["name"].removeprefix("prepare-")
        assert pod["spec"]["automountServiceAccountToken"] is False
        assert accounts[account]["automountServiceAccountToken"] is False


@each_service
def test_a_service_asks_for_what_was_measured_and_may_take_no_less(service: str) -> None:
    page = (tools.ROOT / "docs" / "services-measured.md").read_text()
    row = rf"^\| {service} \| (\d+Mi) \| (\d+Mi) \| (\d+m) \| (\d+m) \|$"
    (measured,) = re.findall(row, page, re.MULTILINE)
    found = resources(service)
    asked, most = found["requests"], found["limits"]
    assert (asked["memory"], asked["cpu"], most["cpu"]) == (measured[0], *measured[2:])
    assert mebibytes(most["memory"]) >= mebibytes(measured[1])


@each_service
def test_memory_cpu_and_disk_are_bounded(service: str) -> None:
    assert set(resources(service)["requests"]) == {"cpu", "memory"}
    assert set(resources(service)["limits"]) == {"cpu", "memory"}
    spec = one("Deployment", service, BASE)["spec"]["template"]["spec"]
    scratch = [each["emptyDir"] for each in spec["volumes"] if "emptyDir" in each]
    assert [each["sizeLimit"] for each in scratch] == ["1Gi"]


def mebibytes(quantity: str) -> int:
    return int(quantity.removesuffix("Mi"))


def resources(service: str) -> Document:
    (container,) = one("Deployment", service, BASE)["spec"]["template"]["spec"]["containers"]
    return dict(container["resources"])


# What belongs to one component


def test_the_alerts_are_those_of_deploy_monitoring() -> None:
    source = yaml.safe_load((tools.ROOT / "deploy" / "monitoring" / "rules.yaml").read_text())
    (rule,) = every("PrometheusRule", PRODUCTION)
    assert rule["spec"]["groups"] == source["groups"], "run components/monitoring/rules.py"


def test_every_service_is_scraped_and_keeps_its_own_labels() -> None:
    (monitor,) = every("ServiceMonitor", PRODUCTION)
    (endpoint,) = monitor["spec"]["endpoints"]
    chosen = [
        each
        for each in every("Service", PRODUCTION)
        if selects(monitor["spec"]["selector"], each["metadata"].get("labels", {}))
    ]
    assert names(chosen) == list(SERVICES)
    for each in chosen:
        assert endpoint["port"] in [port["name"] for port in each["spec"]["ports"]]
    assert endpoint["path"] == "/metrics"
    assert endpoint["honorLabels"] is True


def test_every_dashboard_becomes_a_config_map() -> None:
    boards = (tools.ROOT / "deploy" / "monitoring" / "dashboards").glob("*.json")
    held = [key for each in every("ConfigMap", PRODUCTION) for key in each["data"]]
    found = [each.name for each in boards]
    assert found
    assert set(found) <= set(held)


def test_spans_are_sent_to_the_collector_that_is_there() -> None:
    offered = one("Service", "otel-collector", PRODUCTION)["spec"]["ports"]
    for service in SERVICES:
        pod = one("Deployment", service, PRODUCTION)["spec"]["template"]
        endpoint = environment(pod, PRODUCTION)["STUDIO_OTLP_ENDPOINT"]
        assert endpoint in [f"http://otel-collector:{each['port']}" for each in offered]


def test_the_jobs_prepare_every_service_as_the_code_offers_it() -> None:
    commands = {
        each["metadata"]["name"]: pod["spec"]["containers"][0]["command"]
        for each, pod in ours(PRODUCTION)
        if each["kind"] == "Job"
    }
    assert commands == {
        f"prepare-{service}": ["python", "-m", module(service), "--prepare"] for service in SERVICES
    }


def routed(folder: Path) -> list[Any]:
    (ingress,) = every("Ingress", folder)
    (rule,) = ingress["spec"]["rules"]
    return list(rule["http"]["paths"])


def test_the_ingress_leads_to_the_api_and_hides_metrics_and_probes() -> None:
    paths = create_app().openapi()["paths"]
    (route,) = routed(PRODUCTION)
    assert all(path.startswith(f"{route['path']}/") for path in paths)
    assert not [path for path in ("/metrics", "/readyz") if path.startswith(route["path"])]
    backend = route["backend"]["service"]
    offered = one("Service", backend["name"], PRODUCTION)["spec"]["ports"]
    assert backend["port"]["name"] in [each["name"] for each in offered]


def test_the_ingress_takes_the_largest_upload() -> None:
    (ingress,) = every("Ingress", PRODUCTION)
    body = ingress["metadata"]["annotations"]["nginx.ingress.kubernetes.io/proxy-body-size"]
    limit = entry("gateway").kind.model_fields["max_upload_bytes"].default
    assert int(body.removesuffix("m")) * 2**20 > limit


def test_production_speaks_tls_to_everybody_outside_the_namespace() -> None:
    pod = one("Deployment", "gateway", PRODUCTION)["spec"]["template"]
    assert environment(pod, PRODUCTION)["STUDIO_S3_SECURE"] == "true"
    (ingress,) = every("Ingress", PRODUCTION)
    hosts = [each["host"] for each in ingress["spec"]["rules"]]
    assert [host for each in ingress["spec"]["tls"] for host in each["hosts"]] == hosts


def test_the_example_database_user_may_use_every_database_that_is_ours_and_no_other() -> None:
    (database,) = every("MongoDBCommunity", EXAMPLES)
    (user,) = database["spec"]["users"]
    pod = one("Deployment", "gateway", PRODUCTION)["spec"]["template"]
    prefix = environment(pod, PRODUCTION)["STUDIO_DATABASE_PREFIX"]
    used = {f"{prefix}_{each}" for each in (*SERVICES, *shared_databases())}
    assert {role["db"] for role in user["roles"]} == used


def test_the_example_bucket_is_the_one_that_is_used() -> None:
    (tenant,) = every("Tenant", EXAMPLES)
    pod = one("Deployment", "gateway", PRODUCTION)["spec"]["template"]
    bucket = environment(pod, PRODUCTION)["STUDIO_S3_BUCKET"]
    assert [each["name"] for each in tenant["spec"]["buckets"]] == [bucket]


def test_pods_of_one_service_keep_apart() -> None:
    for service in SERVICES:
        spec = one("Deployment", service, BASE)["spec"]["template"]["spec"]
        spreads = spec["topologySpreadConstraints"]
        assert {each["topologyKey"] for each in spreads} == {
            "kubernetes.io/hostname",
            "topology.kubernetes.io/zone",
        }
        assert all(BY_NAME in each["matchLabelKeys"] for each in spreads)
