"""The Kubernetes manifests as tests read them: rendered overlays, and what their pods are given."""

import base64
import re
import runpy
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from studio.settings import Settings
from tests.deploy import tools

Document = dict[str, Any]

K8S = tools.ROOT / "deploy" / "k8s"
BASE, DEV, PRODUCTION = K8S / "base", K8S / "overlays" / "dev", K8S / "overlays" / "production"
EXAMPLES = PRODUCTION / "examples"
OVERLAYS = (DEV, PRODUCTION)
SERVICES = ("create", "edit", "gateway", "library", "optimizer", "upscale")

BY_NAME = "app.kubernetes.io/name"


class Entry(NamedTuple):
    """What a service's `__main__` hands to the host."""

    name: str
    kind: type[Settings]


@cache
def entry(service: str) -> Entry:
    """Run `python -m` of a service up to where it would begin."""
    given: list[Any] = []
    host = patch("studio.startup.main", lambda *arguments: given.extend(arguments))
    with host, patch("signal.signal"):  # studio.signals would end this process
        runpy.run_module(module(service), run_name="__main__")
    name, _, *kind = given
    return Entry(name, kind[0] if kind else Settings)


def shared_databases() -> list[str]:
    """The databases beside one for each service, without their prefix."""
    opening = (tools.ROOT / "studio" / "startup.py").read_text()
    return re.findall(r'database_prefix}_([a-z]+)"', opening)


def module(service: str) -> str:
    """What `python -m` is told."""
    return service if service == "gateway" else f"services.{service}"


def title(folder: Path) -> str:
    """Name a folder in a test's id."""
    return str(folder.relative_to(K8S))


def every(kind: str, folder: Path) -> list[Document]:
    """The rendered objects of a kind (`Deployment|Job`: of either)."""
    return [one for one in tools.rendered(folder) if one["kind"] in kind.split("|")]


def one(kind: str, name: str, folder: Path) -> Document:
    """The rendered object of this kind and name."""
    (found,) = (each for each in every(kind, folder) if each["metadata"]["name"] == name)
    return found


def pods(folder: Path) -> list[tuple[Document, Document]]:
    """Whatever runs pods, and the pod it would run."""
    return [
        (each, each["spec"]["template"]) for each in every("Deployment|StatefulSet|Job", folder)
    ]


def ours(folder: Path) -> list[tuple[Document, Document]]:
    """The pods that run the project's own images."""
    return [(each, pod) for each, pod in pods(folder) if "image-studio/" in image(pod)]


def image(pod: Document) -> str:
    """The image of a pod's container."""
    (container,) = pod["spec"]["containers"]
    return str(container["image"])


def service_of(pod: Document) -> str:
    """The service whose image a pod runs."""
    return image(pod).rpartition("/")[2].partition(":")[0].partition("@")[0]


def environment(pod: Document, folder: Path) -> dict[str, str]:
    """The variables that the container begins with."""
    (container,) = pod["spec"]["containers"]
    found: dict[str, str] = {}
    for source in container.get("envFrom", ()):
        found |= one("ConfigMap", source["configMapRef"]["name"], folder)["data"]
    return found | {each["name"]: each["value"] for each in container.get("env", ())}


def secret_items(pod: Document) -> Iterator[tuple[str, str, str, bool]]:
    """Each file of the secrets' directory: its secret, key, path, and whether it may be missing."""
    for volume in pod["spec"]["volumes"]:
        for source in volume.get("projected", {}).get("sources", ()):
            secret = source["secret"]
            for item in secret["items"]:
                yield secret["name"], item["key"], item["path"], secret.get("optional", False)


def secret_values(name: str, folder: Path) -> dict[str, str]:
    """What a Secret of the overlay holds."""
    data = one("Secret", name, folder)["data"]
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def selects(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Whether a label selector matches; an empty one matches everything."""
    selector = selector or {}
    wanted: Mapping[str, str] = selector.get("matchLabels", {})
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        _meets(each, labels) for each in selector.get("matchExpressions", ())
    )


def _meets(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    assert expression["operator"] == "In", "teach this function the operator"
    return labels.get(expression["key"]) in expression["values"]


def stem(name: str) -> str:
    """A generated name without its hash."""
    return re.sub(r"-[a-z0-9]{10}$", "", name)


def names(documents: Iterable[Document]) -> list[str]:
    """Their names, sorted."""
    return sorted(each["metadata"]["name"] for each in documents)
