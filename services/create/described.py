"""Names described: the JSON Schema of `template` and `style` lists every one that there is.

Whoever reads Describe (GET /v1/operations, /v1/templates, /v1/styles) learns from it what can be
named and what each name stands for, without a second contract.
"""

from __future__ import annotations

from typing import Any

from services.create.styles import Style, styles
from services.create.templates import Template, templates

Schema = dict[str, Any]


def one_of_the_templates(schema: Schema) -> None:
    """Name every template in the schema of a parameter that takes one."""
    _names(schema, [_template(one) for one in templates().values()])


def one_of_the_styles(schema: Schema) -> None:
    """Name every style likewise."""
    _names(schema, [_style(one) for one in styles().values()])


def _names(schema: Schema, named: list[Schema]) -> None:
    schema["anyOf"] = [{"oneOf": named}, {"type": "null"}]


def _template(one: Template) -> Schema:
    words = "; ".join(one.hints)
    size = f"{one.width} × {one.height} px"
    return {
        "const": one.id,
        "title": one.name,
        "description": f"{size}: {words}." if words else f"{size}.",
        "x-template": one.model_dump(
            include={
                "category", "width", "height", "style", "quality", "placement", "copy_space",
                "alone", "note",
            }
        ),
    }  # fmt: skip


def _style(one: Style) -> Schema:
    return {
        "const": one.id,
        "title": one.name,
        "description": one.description,
        "x-style": {"spoken": list(one.spoken), "presets": dict(one.presets)},
    }
