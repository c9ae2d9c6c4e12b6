"""The reference pages of operators: every setting and every metric, from the code that has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from prometheus_client.metrics import MetricWrapperBase
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from gateway.settings import GatewaySettings
from services.create.settings import CreateSettings
from services.library.settings import LibrarySettings
from studio.metrics import CATALOGUE
from studio.providers.accounts import ProviderSettings
from studio.settings import Settings, is_secret

#: The settings model of each service.
SERVICES: Mapping[str, type[Settings]] = {
    "gateway": GatewaySettings,
    "create": CreateSettings,
    "edit": ProviderSettings,
    "upscale": ProviderSettings,
    "optimizer": Settings,
    "library": LibrarySettings,
}

_SETTINGS = """\
# Settings

Generated from the settings models by `make docs`; do not edit. Each is an environment variable,
or a file of that name in the directory that `STUDIO_SECRETS_DIR` names (a mounted Secret, say). A
variable goes before a file. A wrong value ends the process with one sentence and status 78
(`EX_CONFIG`), and so do a directory that is not there and a name that is almost that of a setting
(`STUDIO_AMPQ_URL`). Settings of other services may be there, too. Values marked secret are told in
no log, no error and no metric.
"""

_METRICS = """\
# Metrics

Generated from `studio/metrics.py` by `make docs`; do not edit. Every service answers `/metrics` on
its HTTP port (the gateway: beside the API). Names and labels are stable: a change is told in the
release notes. Counters begin at 0 with each process, and a label's first value appears with its
first event.

The Python client adds `process_*` and `python_*` (memory, CPU, open files, garbage collection).
Queue lengths are the broker's to tell: `rabbitmq_*` of its Prometheus plugin, by queue under
`/metrics/detailed?family=queue_coarse_metrics`; the queues are named in `studio/bus/topology.py`.
"""


def settings_page() -> str:
    """docs/settings.md: name, type, default, range, secret or not, who reads it, meaning."""
    lines = [_SETTINGS]
    for title, only_of in (
        ("Every service", Settings),
        ("Gateway", GatewaySettings),
        ("Library", LibrarySettings),
        ("Create, edit and upscale: paid providers", ProviderSettings),
        ("Create: a model of its own", CreateSettings),
    ):
        readers = [name for name, model in SERVICES.items() if issubclass(model, only_of)]
        who = "all" if only_of is Settings else ", ".join(readers)
        lines += [f"## {title}", "", f"Read by: {who}.", ""]
        lines += ["| variable | type | default | range | secret | meaning |"]
        lines += ["| --- | --- | --- | --- | --- | --- |"]
        lines += [_setting(only_of, name) for name in _own(only_of)] + [""]
    return "\n".join(lines)


def metrics_page() -> str:
    """docs/metrics.md: name, type, labels, who exports it, meaning."""
    lines = [_METRICS, "| metric | type | labels | exported by | meaning |"]
    lines += ["| --- | --- | --- | --- | --- |"]
    for metric, services in CATALOGUE:
        name, kind, labels, meaning = told(metric)
        shown = ", ".join(f"`{one}`" for one in labels)
        lines.append(f"| `{name}` | {kind} | {shown} | {services} | {meaning} |")
    return "\n".join(lines) + "\n"


def told(metric: MetricWrapperBase) -> tuple[str, str, tuple[str, ...], str]:
    """A metric's name as it is scraped, its type, its labels and its help."""
    described = next(iter(metric.describe()))
    suffix = "_total" if described.type == "counter" else ""
    return described.name + suffix, described.type, metric._labelnames, described.documentation


def _own(model: type[Settings]) -> Iterator[str]:
    """The fields that a model has of its own, or has otherwise than the one that it extends."""
    extended = getattr(model.__bases__[0], "model_fields", {})
    for name, field in model.model_fields.items():
        if repr(extended.get(name)) != repr(field):
            yield name


def _setting(model: type[Settings], name: str) -> str:
    field = model.model_fields[name]
    if not field.description:
        raise ValueError(f"STUDIO_{name.upper()} has no description")
    cells = (
        f"`STUDIO_{name.upper()}`",
        _type(field.annotation),
        _default(field),
        _range(field),
        "secret" if is_secret(model, name) else "",
        field.description.replace("|", "\\|"),
    )
    return f"| {' | '.join(cells)} |"


def _type(annotation: Any) -> str:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _type(get_args(annotation)[0])
    if origin is Literal:
        return "one of " + ", ".join(f"`{one}`" for one in get_args(annotation))
    if origin in (Union, UnionType):
        return _type(next(one for one in get_args(annotation) if one is not type(None)))
    if origin is dict:
        return "JSON object"
    names = {
        str: "text",
        SecretStr: "text",
        int: "whole number",
        float: "number",
        bool: "yes/no",
        Path: "path",
    }
    return names[annotation]


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    if value is None:
        return "none"
    if isinstance(value, SecretStr):
        value = value.get_secret_value()  # ours, of a test server: everybody knows it
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _range(field: FieldInfo) -> str:
    signs = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤", "min_length": "length ≥"}
    bounds = [
        f"{sign} {getattr(one, name)}"
        for one in field.metadata
        for name, sign in signs.items()
        if getattr(one, name, None) is not None
    ]
    patterns = [one.pattern for one in field.metadata if getattr(one, "pattern", None)]
    return ", ".join([*bounds, *(f"`{one}`" for one in patterns)])
