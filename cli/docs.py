"""Generated documents: `make docs` writes them, and a test fails when they are out of date.

The models and the data are the one source: docs/events.md, docs/asyncapi.yaml, docs/openapi.json,
docs/settings.md, docs/metrics.md, docs/templates.md and docs/providers.md say nothing that they do
not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from cli.provider_page import providers_page
from cli.reference import metrics_page, settings_page
from cli.template_page import templates_page
from gateway.app import openapi
from studio.events import EVENT_TYPES, FACT_OF_STUDIO, Event, schema_urn

DOCS = Path(__file__).parent.parent / "docs"

_EXAMPLE_BLOB = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

_OUTSIDER = {
    "specversion": "1.0",
    "id": "dam-4711",
    "source": "/dam/paris",
    "type": "image.created",
    "data": {
        "image": {"blob": _EXAMPLE_BLOB, "width": 2400, "height": 1600, "media_type": "image/jpeg"},
        "about": {"title": "Harbour at dusk", "tags": ["harbour"], "collection": "Marseille"},
        "slip": {
            "steps": [
                {"operation": "optimizer.export", "params": {"placements": ["instagram"]}},
                {"operation": "library.organise", "params": {"tags": ["rendition"]}},
            ]
        },
    },
}


def documents() -> Iterator[tuple[Path, str]]:
    """Every generated document: where it belongs, and what it says now."""
    yield DOCS / "events.md", events_page()
    yield DOCS / "asyncapi.yaml", yaml.safe_dump(asyncapi(), sort_keys=False, width=100)
    yield DOCS / "openapi.json", json.dumps(openapi(), indent=1, sort_keys=True) + "\n"
    yield DOCS / "settings.md", settings_page()
    yield DOCS / "metrics.md", metrics_page()
    yield DOCS / "templates.md", templates_page()
    yield DOCS / "providers.md", providers_page()


def events_page() -> str:
    """The events, for a person who wants to publish or read one."""
    Event.model_validate(_OUTSIDER)
    lines = [
        "# Events",
        "",
        "Generated from `studio/events.py` by `make docs`; do not edit.",
        "",
        "Events are CloudEvents 1.0 in structured JSON on the topic exchange `studio.events`",
        "(bulk lane: `studio.events.bulk`). The routing key is the type, plus the studio that",
        "must act next when the slip has steps ahead: `image.created.optimizer`. Readers ignore",
        "fields that they do not know.",
        "",
        "## Publish one",
        "",
        "Put the picture through a presigned URL (`POST /v1/uploads/presigned`), then publish",
        f"this under the routing key `{Event.model_validate(_OUTSIDER).routing_key}`. Without",
        "`slip`, and under `image.created`, it is just catalogued. Ids that you leave out are",
        "derived from `source` and `id`, so publishing again changes nothing.",
        "",
        "```json",
        json.dumps(_OUTSIDER, indent=2),
        "```",
        "",
        "## Envelope",
        "",
        *_fields(Event.model_json_schema(), skip=("data",)),
        "",
        "## Types",
    ]
    for name, model in EVENT_TYPES.items():
        schema = model.model_json_schema()
        by = [studio for studio, fact in FACT_OF_STUDIO.items() if fact == name]
        lines += ["", f"### {name}", "", " ".join((model.__doc__ or "").split())]
        lines += [f"Published by the {by[0]} studio."] if by else []
        lines += [f"`dataschema`: `{schema_urn(name)}`", "", *_fields(schema)]
    return "\n".join(lines) + "\n"


def asyncapi() -> dict[str, Any]:
    """The AsyncAPI 3 document of the bus."""
    schemas: dict[str, Any] = {}
    messages = {}
    for name, model in EVENT_TYPES.items():
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= schema.pop("$defs", {})
        schemas[model.__name__] = schema
        envelope = {
            "allOf": [
                {"$ref": "#/components/schemas/Envelope"},
                {
                    "properties": {
                        "type": {"const": name},
                        "data": {"$ref": f"#/components/schemas/{model.__name__}"},
                    }
                },
            ]
        }
        messages[name] = {
            "name": name,
            "summary": " ".join((model.__doc__ or "").split()),
            "contentType": Event.content_type,
            "payload": envelope,
        }
    envelope_schema = Event.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= envelope_schema.pop("$defs", {})
    refs = {name: {"$ref": f"#/components/messages/{name}"} for name in messages}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Image Studio events",
            "version": "1",
            "description": "Facts about images and runs; see events.md.",
        },
        "channels": {
            "events": {
                "address": "{type}.{studio}",
                "description": "Routing keys of the topic exchanges studio.events (interactive) "
                "and studio.events.bulk; `.{studio}` is there only if somebody must act.",
                "parameters": {"type": {}, "studio": {"enum": sorted(FACT_OF_STUDIO)}},
                "messages": refs,
            }
        },
        "operations": {
            "publish": {"action": "send", "channel": {"$ref": "#/channels/events"}},
            "consume": {"action": "receive", "channel": {"$ref": "#/channels/events"}},
        },
        "components": {"messages": messages, "schemas": {"Envelope": envelope_schema, **schemas}},
    }


def _fields(schema: dict[str, Any], skip: tuple[str, ...] = ()) -> list[str]:
    required = set(schema.get("required", ()))
    rows = ["| field | type | needed | meaning |", "| --- | --- | --- | --- |"]
    for name, field in schema["properties"].items():
        if name not in skip:
            needed = "yes" if name in required else ""
            meaning = field.get("description", "")
            rows.append(f"| `{name}` | {_kind(field)} | {needed} | {meaning} |")
    return rows


def _kind(field: dict[str, Any]) -> str:
    if "$ref" in field:
        return str(field["$ref"]).rpartition("/")[2]
    if "anyOf" in field:
        return " or ".join(_kind(one) for one in field["anyOf"])
    if "const" in field:
        return f'"{field["const"]}"'
    kind = str(field.get("format") or field.get("type") or "any")
    return f"list of {_kind(field['items'])}" if kind == "array" and "items" in field else kind


def main() -> None:
    """Write them all."""
    for path, text in documents():
        path.write_text(text)


if __name__ == "__main__":
    main()
