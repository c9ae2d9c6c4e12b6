"""The compose files hold what they promise, and agree with the code, the images and Kubernetes."""

import json
import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from studio.probes import PATHS
from studio.providers.accounts import PROVIDERS
from studio.settings import Settings
from tests.deploy import tools
from tests.deploy.manifests import entry, shared_databases

DOCKER = tools.ROOT / "deploy" / "docker"
BASE, HOST, EXAMPLE = DOCKER / "compose.yaml", DOCKER / "compose.host.yaml", DOCKER / ".env.example"
SERVICES = ("gateway", "create", "edit", "upscale", "optimizer", "library")
MODELS: dict[str, type[Settings]] = {service: entry(service).kind for service in SERVICES}
REQUIRED = {
    "RABBITMQ_PASSWORD",
    "MONGO_ROOT_PASSWORD",
    "MONGO_PASSWORD",
    "MINIO_ROOT_PASSWORD",
    "GRAFANA_ADMIN_PASSWORD",
}
SECRETS = {name: f"secret{number}" for number, name in enumerate(sorted(REQUIRED))}

#: Their images have no program that could ask; nobody waits for them, and Prometheus asks.
WITHOUT_HEALTH_CHECK = {"otel-collector", "jaeger"}


@cache
def compose(*overrides: Path) -> dict[str, Any]:
    """The effective services, with all secrets given."""
    found: dict[str, Any] = tools.effective_compose(BASE, *overrides, env=SECRETS)["services"]
    return found


def environment(service: dict[str, Any]) -> dict[str, Any]:
    found = service.get("environment", {})
    return dict(found)


def mounts(services: dict[str, Any]) -> Iterator[str]:
    """The files and folders that are mounted, as they are written."""
    for service in services.values():
        for volume in service.get("volumes", []):
            source = volume["source"] if isinstance(volume, dict) else volume.split(":")[0]
            if source.startswith(("./", "../")):
                yield source


def example_variables() -> dict[str, bool]:
    """The variables of .env.example; True: it must be filled in."""
    pattern = re.compile(r"^(#?)([A-Z][A-Z0-9_]*)=", re.MULTILINE)
    return {name: not comment for comment, name in pattern.findall(EXAMPLE.read_text())}


def interpolated(text: str) -> dict[str, bool]:
    """The variables that a compose file fills in; True: with `:?`, so they are required."""
    found: dict[str, bool] = {}
    for name, required in re.findall(r"\$\{([A-Z][A-Z0-9_]*)(:\?)?", text):
        found[name] = found.get(name, False) or bool(required)
    return found


def megabytes(text: str) -> float:
    """A size as compose and Kubernetes write it; both count in powers of two here."""
    number, unit = re.fullmatch(r"([\d.]+)([MG])i?", text).groups()  # type: ignore[union-attr]
    return float(number) * {"M": 1, "G": 1024}[unit]


def in_kubernetes(service: str) -> dict[str, Any]:
    """The service's container as deploy/k8s/base has it."""
    (container,) = [
        container
        for one in tools.rendered(tools.ROOT / "deploy" / "k8s" / "base")
        if one["kind"] == "Deployment" and one["metadata"]["name"] == service
        for container in one["spec"]["template"]["spec"]["containers"]
    ]
    return dict(container)


@pytest.mark.parametrize("overrides", [(), (HOST,)], ids=["base", "host"])
def test_the_files_are_valid_and_have_all_services(overrides):
    services = compose(*overrides)
    assert set(SERVICES) <= set(services)
    assert len(services) == 14


@pytest.mark.parametrize("missing", sorted(REQUIRED))
def test_compose_refuses_to_start_without_a_password_and_says_which(missing):
    given = {name: value for name, value in SECRETS.items() if name != missing}
    with pytest.raises(ValueError, match=missing):
        tools.effective_compose(BASE, env={**given, missing: ""})


def test_docker_compose_itself_accepts_the_files():
    if not shutil.which("docker"):
        pytest.skip("there is no docker here; podman-compose and compose-spec judged instead")
    known = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    if known.returncode:
        pytest.skip("docker has no compose plugin; podman-compose and compose-spec judged instead")
    for files in (["-f", BASE], ["-f", BASE, "-f", HOST]):
        judged = subprocess.run(
            ["docker", "compose", *files, "config", "--quiet"],
            env={**os.environ, **SECRETS},
            capture_output=True,
            text=True,
            check=False,
        )
        assert judged.returncode == 0, judged.stderr


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("overrides", [(), (HOST,)], ids=["base", "host"])
def test_every_setting_of_a_service_is_one_that_it_reads(service, overrides):
    fields = {f"STUDIO_{name.upper()}" for name in MODELS[service].model_fields}
    given = environment(compose(*overrides)[service])
    assert set(given) - fields == set()


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("overrides", [(), (HOST,)], ids=["base", "host"])
def test_the_settings_of_a_service_are_accepted_by_its_model(service, overrides, monkeypatch):
    given = environment(compose(*overrides)[service])
    for name in [name for name in os.environ if name.startswith("STUDIO_")]:
        monkeypatch.delenv(name)
    for name, value in given.items():
        if value is not None:
            monkeypatch.setenv(name, str(value))
    settings = MODELS[service]()
    assert settings.amqp_url.startswith("amqp://studio:" + SECRETS["RABBITMQ_PASSWORD"] + "@")
    assert "replicaSet=rs0" in settings.mongo_url
    assert " " not in settings.mongo_url + settings.amqp_url
    assert settings.s3_secret_key.get_secret_value() == SECRETS["MINIO_ROOT_PASSWORD"]


def test_whoever_buys_is_given_every_providers_key_if_there_is_one():
    for service in ("create", "edit", "upscale"):
        keys = {name for name in environment(compose()[service]) if name.endswith("_API_KEY")}
        known = MODELS[service].model_fields
        assert keys == {f"STUDIO_{field.upper()}" for field in known if field.endswith("_api_key")}
        assert keys >= {f"STUDIO_{provider.upper()}_API_KEY" for provider in PROVIDERS}


def test_every_variable_is_explained_in_the_example_and_used():
    asked = interpolated(BASE.read_text()) | {
        name: False
        for service in SERVICES
        for name, value in environment(compose()[service]).items()
        if value is None  # passed on from .env
    }
    assert {name for name, required in asked.items() if required} == REQUIRED
    assert set(asked) == set(example_variables())
    assert set(interpolated(HOST.read_text())) <= set(asked)


def test_the_example_holds_no_secret_and_demands_what_is_required():
    assert {name for name, demanded in example_variables().items() if demanded} == REQUIRED
    for line in EXAMPLE.read_text().splitlines():
        name, _, value = line.partition("=")
        if name in REQUIRED:
            assert value == ""


def test_every_setting_of_the_example_exists():
    fields = {f"STUDIO_{name.upper()}" for model in MODELS.values() for name in model.model_fields}
    settings = {name for name in example_variables() if name.startswith("STUDIO_")}
    assert settings
    assert settings - fields == set()


@pytest.mark.parametrize("service", SERVICES)
def test_the_image_is_built_by_its_own_target_and_tagged_with_our_version(service):
    version = tomllib.loads((tools.ROOT / "pyproject.toml").read_text())["project"]["version"]
    dockerfile = (DOCKER / "Dockerfile").read_text()
    found = compose()[service]
    assert found["image"] == f"image-studio/{service}:{version}"
    assert found["build"]["dockerfile"] == "deploy/docker/Dockerfile"
    assert f"\nFROM runtime AS {found['build']['target']}\n" in dockerfile
    assert found["build"]["target"] == service


@pytest.mark.parametrize("service", SERVICES)
def test_our_containers_may_do_nothing_that_they_need_not(service):
    found = compose()[service]
    assert found["read_only"] is True
    assert found["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in found["security_opt"]
    assert found["user"] == "10001:10001"
    assert found["tmpfs"][0].startswith("/tmp:size=")
    assert not found.get("privileged")
    assert "volumes" not in found


def test_every_server_is_restarted_bounded_and_pinned():
    for name, service in compose().items():
        image, _, tag = service["image"].partition(":")
        assert re.search(r"\d", tag), f"{image}:{tag}"
        if name == "mongo-init":
            assert service["restart"] == "no"
            continue
        assert service["restart"] == "unless-stopped", name
        limits = service["deploy"]["resources"]["limits"]
        assert limits["cpus"], name
        assert limits["memory"], name


def test_every_server_is_asked_for_its_health_if_its_image_can_ask():
    checked = {name for name, service in compose().items() if "healthcheck" in service}
    assert checked == set(compose()) - WITHOUT_HEALTH_CHECK - {"mongo-init"}


@pytest.mark.parametrize("service", SERVICES)
def test_our_health_check_asks_the_images_own_way_a_path_that_there_is(service):
    *command, path = compose()[service]["healthcheck"]["test"]
    assert command == ["CMD", "python", "-m", "studio.healthcheck"]
    assert path in PATHS


def test_nobody_waits_for_a_server_without_a_health_check_to_be_healthy():
    for name, service in compose().items():
        for other, how in service.get("depends_on", {}).items():
            healthy = how["condition"] == "service_healthy"
            assert not (healthy and other in WITHOUT_HEALTH_CHECK), name
            if other == "mongo-init":
                assert how["condition"] == "service_completed_successfully"


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_waits_for_its_broker_and_its_stores(service):
    assert {"rabbitmq", "mongo-init", "minio"} <= set(compose()[service]["depends_on"])


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_given_its_drain_and_fifteen_seconds_more(service):
    found = compose()[service]
    grace = float(environment(found)["STUDIO_DRAIN_GRACE"])
    assert grace == MODELS[service].model_fields["drain_grace"].default
    assert found["stop_grace_period"] == f"{grace + 15:g}s"


def test_only_the_api_and_pages_for_people_are_published_and_on_loopback():
    published = {
        name: service["ports"] for name, service in compose().items() if service.get("ports")
    }
    pages = {"gateway", "grafana", "prometheus", "jaeger", "rabbitmq", "minio"}
    assert set(published) == pages
    for ports in published.values():
        assert [str(port).startswith("127.0.0.1:") for port in ports] == [True]


@pytest.mark.parametrize("service", [one for one in SERVICES if one != "gateway"])
def test_a_studio_can_be_scaled(service):
    found = compose()[service]
    assert not found.get("ports")
    assert "container_name" not in found
    assert "hostname" not in found


def test_the_gateway_finds_every_studio_at_its_port():
    for overrides in ((), (HOST,)):
        services = compose(*overrides)
        for studio in SERVICES[1:]:
            host, port = environment(services["gateway"])[f"STUDIO_{studio.upper()}_GRPC"].split(
                ":"
            )
            assert host == (studio if not overrides else "127.0.0.1")
            assert port == environment(services[studio])["STUDIO_GRPC_PORT"]


def test_with_the_hosts_network_everything_is_there_and_no_port_is_taken_twice():
    services = compose(HOST)
    assert {service["network_mode"] for service in services.values()} == {"host"}
    assert not any(service.get("ports") for service in services.values())
    taken = [
        environment(services[name])[variable]
        for name in SERVICES
        for variable in ("STUDIO_HTTP_PORT", "STUDIO_GRPC_PORT")
    ]
    assert all(int(port) < 32_768 for port in taken)  # above, Linux lends them to whoever connects
    others = ["5672", "15672", "15692", "27017", "9000", "9001", "4317", "9090", "3000", "16686"]
    assert len(set(taken + others)) == len(taken + others)
    for name in SERVICES:
        assert environment(services[name])["STUDIO_HOST"] == "127.0.0.1"


def test_with_the_hosts_network_prometheus_asks_every_service():
    config = yaml.safe_load((DOCKER / "prometheus" / "prometheus.host.yaml").read_text())
    jobs = {job["job_name"]: job for job in config["scrape_configs"]}
    asked = jobs["image-studio"]["static_configs"][0]["targets"]
    ports = [environment(compose(HOST)[name])["STUDIO_HTTP_PORT"] for name in SERVICES]
    assert asked == [f"127.0.0.1:{port}" for port in ports]


def test_prometheus_finds_every_replica_by_name():
    config = yaml.safe_load((DOCKER / "prometheus" / "prometheus.yaml").read_text())
    jobs = {job["job_name"]: job for job in config["scrape_configs"]}
    found = jobs["image-studio"]["dns_sd_configs"][0]
    assert found["names"] == list(SERVICES)
    assert {environment(compose()[name])["STUDIO_HTTP_PORT"] for name in SERVICES} == {
        str(found["port"])
    }


@pytest.mark.parametrize("overrides", [(), (HOST,)], ids=["base", "host"])
def test_everything_that_is_mounted_exists(overrides):
    sources = list(mounts(compose(*overrides)))
    assert sources
    for source in sources:
        assert (DOCKER / source).exists(), source


def test_grafana_is_given_the_dashboards_and_the_addresses_that_it_asks_for():
    grafana = compose()["grafana"]
    provisioning = DOCKER / "grafana" / "provisioning"
    sources = yaml.safe_load((provisioning / "datasources" / "image-studio.yaml").read_text())
    for source in sources["datasources"]:
        assert source["url"].removeprefix("$") in environment(grafana)
        assert source["uid"].startswith("image-studio-")
    boards = yaml.safe_load((provisioning / "dashboards" / "image-studio.yaml").read_text())
    path = boards["providers"][0]["options"]["path"]
    assert f"../monitoring/dashboards:{path}:ro" in grafana["volumes"]


def test_the_collector_is_given_every_variable_of_its_configuration():
    config = (DOCKER / "otel" / "collector.yaml").read_text()
    asked = set(re.findall(r"\$\{env:(\w+)\}", config))
    for overrides in ((), (HOST,)):
        assert asked == set(environment(compose(*overrides)["otel-collector"]))
    used = yaml.safe_load(config)["service"]
    assert used["extensions"] == ["health_check"]
    assert used["pipelines"]["traces"]["processors"] == ["memory_limiter", "batch"]


def test_mongo_init_lets_the_user_write_every_database_that_is_ours_and_no_other():
    script = (DOCKER / "mongo" / "init.js").read_text()
    (listed,) = re.findall(r"const services = (\[.*?\]);", script)
    (besides,) = re.findall(r"const roles = \[\.\.\.services, (.*?)\]\.map\(", script)
    assert json.loads(listed) == list(SERVICES)
    assert json.loads(f"[{besides}]") == shared_databases() != []
    asked = set(re.findall(r"process\.env\.(\w+)", script)) | set(
        re.findall(r"\b((?:MONGO|STUDIO)_\w+):", script)
    )
    assert asked <= set(environment(compose()["mongo-init"]))


@pytest.mark.parametrize("service", SERVICES)
def test_a_container_may_take_at_least_what_it_may_in_kubernetes(service):
    """There scratch space is on disk; here it counts as memory, so the gateway has more."""
    there = in_kubernetes(service)["resources"]["limits"]
    here = compose()[service]["deploy"]["resources"]["limits"]
    assert megabytes(here["memory"]) >= megabytes(there["memory"])


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_works_on_as_much_at_a_time_as_in_kubernetes(service):
    there = {one["name"]: one.get("value") for one in in_kubernetes(service)["env"]}
    assert environment(compose()[service]).get("STUDIO_PREFETCH") == there.get("STUDIO_PREFETCH")


def test_kubernetes_has_the_same_images():
    pattern = re.compile(r"^ *image: *([a-z][^\s:@]*):([\w.-]+)", re.MULTILINE)
    here = dict(service["image"].split(":") for service in compose().values())
    there = {
        image
        for file in (tools.ROOT / "deploy" / "k8s").rglob("*.yaml")
        for image in pattern.findall(file.read_text())
    }
    shared = {(name, tag) for name, tag in there if name in here}
    assert set(SERVICES) <= {name.removeprefix("image-studio/") for name, _ in shared}
    assert {name: tag for name, tag in shared if here[name] != tag} == {}


def test_yaml_is_tidy():
    assert tools.yaml_problems(DOCKER) == []
