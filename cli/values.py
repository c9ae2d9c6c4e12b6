"""Values: what `name=value` on a command line means, by the JSON Schema of the name.

    prompt=42                     text stays text, whatever it looks like
    variations=4  seed=7          numbers
    remove_background=yes         yes, no, true, false
    placements=instagram          one word is a list of one; the name repeated makes it longer
    placements='["x", "tiktok"]'  or the whole list as JSON
    adjust.brightness=0.1         a part of an object; adjust='{"brightness": 0.1}' is the same
    upscale_to=null               nothing, where that is allowed

A name that the schema has not is read as JSON or else as text: whoever asked tells what it takes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

Schema = Mapping[str, Any]

_TRUTHS = {"yes": True, "true": True, "no": False, "false": False}


class Misused(Exception):
    """A command line that means nothing; the text says what would."""


def read(pairs: Iterable[str], schema: Schema) -> dict[str, Any]:
    """The values of `name=value` pairs. schema: of the object that they make.

    Misused if a pair has no `=`, or if text stands where an object is needed.
    """
    properties: Mapping[str, Schema] = schema.get("properties", {})
    found: dict[str, Any] = {}
    for pair in pairs:
        name, is_given, text = pair.partition("=")
        if not is_given or not name:
            raise Misused(f"{pair!r} has no value; write {name or 'NAME'}=VALUE.")
        first, _, inner = name.partition(".")
        if inner and first in properties and "object" in kinds(properties[first]):
            _put(found, name.split("."), _json_or_text(text))
        elif name in found and isinstance(found[name], list):
            found[name] += _listed(name, text, properties.get(name, {}))
        else:
            found[name] = value(name, text, properties.get(name, {}))
    return found


def value(name: str, text: str, schema: Schema) -> Any:
    """What a text means by a schema; what it cannot mean is left to whoever checks it."""
    wanted = kinds(schema)
    if not wanted:
        return _json_or_text(text)
    if text == "null" and "null" in wanted:
        return None
    if "array" in wanted:
        return _listed(name, text, schema)
    if "boolean" in wanted and text.casefold() in _TRUTHS:
        return _TRUTHS[text.casefold()]
    if wanted & {"integer", "number"}:
        number = _json_or_text(text)
        return number if isinstance(number, int | float) else text
    if "string" in wanted:
        return text
    return _object(name, text) if "object" in wanted else text


def kinds(schema: Schema) -> set[str]:
    """The JSON types that a schema allows; empty: it does not say."""
    if "type" in schema:
        told = schema["type"]
        return {told} if isinstance(told, str) else set(told)
    if "const" in schema:
        return {"string" if isinstance(schema["const"], str) else "number"}
    if "$ref" in schema or "allOf" in schema:
        return {"object"}
    return {kind for one in either(schema) for kind in kinds(one)}


def part(schema: Schema, kind: str) -> Schema:
    """That part of a schema which describes values of this type; empty if there is none."""
    if schema.get("type") == kind:
        return schema
    return next((found for one in either(schema) if (found := part(one, kind))), {})


def either(schema: Schema) -> list[Schema]:
    """The schemas of which a value must meet one; empty: there is no choice."""
    return [*schema.get("anyOf", ()), *schema.get("oneOf", ())]


def _listed(name: str, text: str, schema: Schema) -> list[Any]:
    if text.startswith("["):
        try:
            several = json.loads(text)
        except json.JSONDecodeError as error:
            raise Misused(f"{name}: {text!r} is no JSON list: {error}.") from error
        if isinstance(several, list):
            return several
    items = part(schema, "array").get("items", {})
    return [value(name, text, items)] if text else []


def _object(name: str, text: str) -> Any:
    found = _json_or_text(text)
    if not isinstance(found, dict):
        raise Misused(
            f"{name} is an object with parts: write {name}.PART=VALUE for each, or all as JSON."
        )
    return found


def _put(found: dict[str, Any], path: list[str], inner: Any) -> None:
    *way, last = path
    for name in way:
        found = found.setdefault(name, {})
        if not isinstance(found, dict):
            raise Misused(f"{'.'.join(path)}: {name} has a value already, which has no parts.")
    found[last] = inner


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
