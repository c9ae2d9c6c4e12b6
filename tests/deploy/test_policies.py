"""The manifests are strict: restricted pods, and exceptions to checkov's policies have reasons."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.deploy import tools
from tests.deploy.manifests import (
    DEV,
    OVERLAYS,
    PRODUCTION,
    Document,
    every,
    ours,
    pods,
    title,
)

each_overlay = pytest.mark.parametrize("folder", OVERLAYS, ids=title)

#: Volumes that the restricted Pod Security Standard knows (Kubernetes' documentation).
VOLUMES = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim",
    "projected", "secret",
}  # fmt: skip


def unrestricted(pod: Document) -> Iterator[str]:
    """What of a pod the restricted standard forbids, as Kubernetes 1.37 words it."""
    spec = pod["spec"]
    outer = spec.get("securityContext", {})
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(key):
            yield key
    for volume in spec.get("volumes", ()):
        if not (set(volume) - {"name"}) <= VOLUMES:
            yield f"volume {volume['name']}"
    for container in (*spec["containers"], *spec.get("initContainers", ())):
        inner = container.get("securityContext", {})
        both = {**outer, **inner}
        if both.get("runAsNonRoot") is not True or both.get("runAsUser", 1) == 0:
            yield "it may run as root"
        if both.get("seccompProfile", {}).get("type") not in ("RuntimeDefault", "Localhost"):
            yield "no seccomp profile"
        if inner.get("allowPrivilegeEscalation") is not False or inner.get("privileged"):
            yield "it may gain privileges"
        if inner.get("capabilities") not in ({"drop": ["ALL"]},):
            yield "it keeps capabilities"
        if any(port.get("hostPort") for port in container.get("ports", ())):
            yield "hostPort"


@each_overlay
def test_every_pod_is_restricted_and_its_namespace_enforces_it(folder: Path) -> None:
    (namespace,) = every("Namespace", folder)
    levels = namespace["metadata"]["labels"]
    assert levels["pod-security.kubernetes.io/enforce"] == "restricted"
    found = {each["metadata"]["name"]: list(unrestricted(pod)) for each, pod in pods(folder)}
    assert len(found) >= 7
    assert {name: problems for name, problems in found.items() if problems} == {}


@pytest.mark.parametrize(
    "loosened",
    [
        {"hostNetwork": True},
        {"securityContext": {"runAsNonRoot": False}},
        {"securityContext": {"runAsNonRoot": True}},
        {"volumes": [{"name": "host", "hostPath": {"path": "/"}}]},
        {"containers": [{"securityContext": {"allowPrivilegeEscalation": False}}]},
    ],
    ids=str,
)
def test_a_pod_that_is_not_restricted_would_be_noticed(loosened: Document) -> None:
    _, pod = pods(DEV)[0]
    assert list(unrestricted({"spec": pod["spec"]})) == []
    assert list(unrestricted({"spec": pod["spec"] | loosened}))


@each_overlay
def test_every_container_has_a_read_only_root_and_our_user_is_the_image_s(folder: Path) -> None:
    for _, pod in pods(folder):
        (container,) = pod["spec"]["containers"]
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert "/tmp" in [each["mountPath"] for each in container.get("volumeMounts", ())] or (
            "image-studio/" not in container["image"]
        )
    users = {pod["spec"]["securityContext"]["runAsUser"] for _, pod in ours(folder)}
    dockerfile = (tools.ROOT / "deploy" / "docker" / "Dockerfile").read_text()
    assert users == {10001}
    assert "USER 10001:10001" in dockerfile


def test_every_dev_store_has_its_home_where_it_may_write() -> None:
    """Each makes a folder or a file there: ~/.minio, ~/.mongodb, ~/.erlang.cookie."""
    homes = {}
    for store, pod in pods(DEV):
        if store["kind"] == "StatefulSet":
            (container,) = pod["spec"]["containers"]
            variables = {each["name"]: each.get("value", "") for each in container["env"]}
            mounted = {each["mountPath"] for each in container["volumeMounts"]}
            homes[store["metadata"]["name"]] = variables.get("HOME", "/") in mounted
    assert homes == {"minio": True, "mongodb": True, "rabbitmq": True}


def test_checkov_finds_nothing_that_is_not_excused(tmp_path: Path) -> None:
    for folder in OVERLAYS:
        rendered = yaml.safe_dump_all(tools.rendered(folder))
        (tmp_path / f"{folder.name}.yaml").write_text(rendered)
    assert tools.failed_policies(tmp_path, "kubernetes") == []


@each_overlay
def test_every_exception_says_why(folder: Path) -> None:
    excuses = [
        text
        for each in tools.rendered(folder)
        for key, text in each["metadata"].get("annotations", {}).items()
        if key.startswith("checkov.io/skip")
    ]
    assert excuses
    for text in excuses:
        policy, _, reason = text.partition("=")
        assert policy.startswith("CKV")
        assert len(reason.split()) >= 4, text


def test_images_of_production_come_from_a_registry_that_is_named() -> None:
    for _, pod in ours(PRODUCTION):
        registry = pod["spec"]["containers"][0]["image"].partition("/")[0]
        assert "." in registry
