"""Do these Kubernetes objects follow their schemas, strictly?

    kubectl kustomize … | .venv-deploy/bin/python deploy/checks/manifests.py 1.31 1.37

Kubernetes' own kinds are held against the published schemas of every version named; KEDA's and
the Prometheus operator's against models generated from their CustomResourceDefinitions.
Answers a JSON list, one object for each document: `kind`, `name`, `by` (what it was held
against, null where nothing here knows the kind) and `problems` (sentences; empty is good).
"""

import json
import sys
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any

import kubernetes_validate
import yaml
from pydantic import BaseModel, RootModel, ValidationError

MODELS = {
    "keda.sh/v1alpha1": "cloudcoil.models.keda.v1alpha1",
    "monitoring.coreos.com/v1": "cloudcoil.models.prometheus_operator.v1",
}


@cache
def model(api_version: str, kind: str) -> type[BaseModel] | None:
    """Find the model of a custom resource; None where there is none."""
    module = MODELS.get(api_version)
    return getattr(import_module(module), kind, None) if module else None


def unknown_fields(found: Any, written: Any, place: str = "") -> Iterator[str]:
    """Name what was written and the model dropped: a misspelled field would have no effect."""
    if isinstance(found, RootModel):
        found = found.root
    if isinstance(found, BaseModel):
        names = {field.alias or name: name for name, field in type(found).model_fields.items()}
        for key, value in written.items():
            if key in names:
                yield from unknown_fields(getattr(found, names[key]), value, f"{place}.{key}")
            elif type(found).model_config.get("extra") != "allow":
                yield f"{place}.{key}: no such field"
    elif isinstance(found, list):
        for index, (one, value) in enumerate(zip(found, written, strict=True)):
            yield from unknown_fields(one, value, f"{place}[{index}]")
    elif isinstance(found, dict):
        for key, one in found.items():
            yield from unknown_fields(one, written[key], f"{place}.{key}")


def against_model(document: dict[str, Any], kind: type[BaseModel]) -> list[str]:
    """Hold a custom resource against its model."""
    try:
        return list(unknown_fields(kind.model_validate(document), document))
    except ValidationError as wrong:
        return [
            f".{'.'.join(str(part) for part in error['loc'])}: {error['msg']}"
            for error in wrong.errors()
        ]


def against_schema(document: dict[str, Any], version: str) -> list[str]:
    """Hold one of Kubernetes' kinds against its schema in that version."""
    try:
        kubernetes_validate.validate(document, version, strict=True)
    except kubernetes_validate.ValidationError as wrong:
        place = ".".join(str(part) for part in wrong.absolute_path)
        return [f".{place}: {wrong.message} (Kubernetes {version})"]
    return []


def answer(document: dict[str, Any], versions: list[str]) -> dict[str, Any]:
    """Check one document."""
    kind, api_version = document["kind"], document["apiVersion"]
    said = {"kind": kind, "name": document.get("metadata", {}).get("name"), "by": None}
    if known := model(api_version, kind):
        return said | {"by": MODELS[api_version], "problems": against_model(document, known)}
    try:
        problems = [wrong for version in versions for wrong in against_schema(document, version)]
    except kubernetes_validate.SchemaNotFoundError:
        return said | {"problems": []}
    return said | {"by": f"Kubernetes {', '.join(versions)}", "problems": problems}


if __name__ == "__main__":
    documents = [document for document in yaml.safe_load_all(sys.stdin) if document]
    json.dump([answer(document, sys.argv[1:]) for document in documents], sys.stdout)
