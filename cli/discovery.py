"""`studio workflows` and `studio operations`: what there is, and what it takes."""

from __future__ import annotations

import argparse
import json
import shlex
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from cli.client import ApiProblem
from cli.options import add_json, client_of
from cli.table import show, table, width
from cli.values import either, kinds, part

Described = Mapping[str, Any]

_KINDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "yes or no",
    "object": "object",
}
_ASSETS = "--asset ID (repeated) or --select FILTER=VALUE begins with assets of the library."
_MANY = 12  # values of a parameter that are not all listed
_BLOB = "sha256:"  # how the pattern of an upload's key begins


def add(commands: Any) -> None:
    """The commands of this module."""
    workflows = commands.add_parser("workflows", help="the workflows, or one with its parameters")
    workflows.add_argument("name", nargs="?")
    add_json(workflows)
    workflows.set_defaults(run=_workflows)

    operations = commands.add_parser("operations", help="the operations, or one of them")
    operations.add_argument("name", nargs="?")
    add_json(operations)
    operations.set_defaults(run=_operations)


def _workflows(options: argparse.Namespace) -> int:
    with client_of(options) as client:
        found = client.get(f"/v1/workflows/{options.name}" if options.name else "/v1/workflows")
    if options.json:
        show(found)
    elif options.name:
        _tell_workflow(found)
    else:
        rows = [(one["name"], needs(one), one["summary"]) for one in found]
        print(table(("workflow", "needs", "what it does"), rows))
        print("\n`studio workflows NAME` tells its parameters, `studio run NAME` runs it.")
    return 0


def _operations(options: argparse.Namespace) -> int:
    with client_of(options) as client:
        found = client.get("/v1/operations")
    if options.name:
        named = [one for one in found if one["name"] == options.name]
        if not named:
            valid = ", ".join(one["name"] for one in found)
            raise ApiProblem(f"There is no operation {options.name!r}. Valid: {valid}")
        [found] = named
    if options.json:
        show(found)
    elif options.name:
        print(f"{found['name']}: {found['summary']}\nBy: {', '.join(found['providers'])}\n")
        print(parameters(found["parameters"]))
    else:
        rows = [(one["name"], ", ".join(one["providers"]), one["summary"]) for one in found]
        print(table(("operation", "by", "what it does"), rows))
    return 0


def needs(workflow: Described) -> str:
    """What a workflow cannot do without: `campaign; prompt, photo or assets`."""
    required = list(workflow["parameters"].get("required", ()))
    if begins_with_assets(workflow):
        required.append("assets")
    one_of = list(workflow["needs_one_of"])
    if one_of and workflow["takes_assets"] and not begins_with_assets(workflow):
        one_of.append("assets")
    return "; ".join(filter(None, (", ".join(required), _either(one_of))))


def begins_with_assets(workflow: Described) -> bool:
    """Whether it makes no picture of its own, so that it needs some of the library."""
    return not any(step["operation"].startswith("create.") for step in workflow["steps"])


def _either(names: Sequence[Any]) -> str:
    """`prompt, photo or assets`."""
    *first, last = map(str, names or ("",))
    return " or ".join(filter(None, (", ".join(first), last)))


def _tell_workflow(workflow: Described) -> None:
    steps = ", ".join(_step(step) for step in workflow["steps"])
    print(f"{workflow['title']} ({workflow['name']}): {workflow['summary']}")
    print(f"Needs: {needs(workflow)}")
    print("\n".join(_wrapped(f"Steps: {steps}", 0)) + "\n")
    print(parameters(workflow["parameters"]))
    if workflow["takes_assets"]:
        print(f"\n{_ASSETS}", end="")
    print(f"\nFor example: {_example(workflow)}")


def _step(step: Described) -> str:
    conditions = {"when": "if", "unless": "unless"}
    told = [f" {word} {_names(step[key])}" for key, word in conditions.items() if step.get(key)]
    return f"{step['operation']}{''.join(told)}"


def _names(condition: Any) -> str:
    several: list[str] = [condition] if isinstance(condition, str) else condition
    return " and ".join(several)


def parameters(schema: Described) -> str:
    """The properties of a JSON Schema: what each takes, its default, meaning and an example."""
    required = set(schema.get("required", ()))
    longest = max(map(len, schema.get("properties", {"": None})))
    lines = []
    for name, one in sorted(
        schema.get("properties", {}).items(), key=lambda pair: pair[0] not in required
    ):
        default = ", ".join(map(_text, _several(one.get("default"))))
        state = "needed" if name in required else f"default {default}" if default else ""
        lines += _wrapped(f"{name:<{longest}}  {'; '.join(filter(None, (_kind(one), state)))}", 2)
        lines += _wrapped(one.get("description", ""), longest + 4)
        for example in one.get("examples", ())[:1]:
            lines.append(" " * (longest + 4) + " ".join(_given(name, example)))
    return "\n".join(lines)


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _wrapped(text: str, indent: int) -> list[str]:
    """Lines that begin at `indent`; what continues the first one is further in."""
    return textwrap.wrap(
        text,
        width(),
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent if indent > 2 else 6),
        break_on_hyphens=False,
    )


def _given(name: str, value: Any) -> list[str]:
    """A value as it is written on a command line: a -p for each of its parts."""
    if isinstance(value, dict):
        return [part for key, one in value.items() for part in _given(f"{name}.{key}", one)]
    if isinstance(value, list) and "." not in name and all(isinstance(one, str) for one in value):
        return [part for one in value for part in _given(name, one)]
    return [f"-p {shlex.quote(f'{name}={_text(value)}')}"]


def _kind(schema: Described) -> str:
    """`whole number 1 to 10`, `draft, standard or premium`, `list of text`."""
    if inner := part(schema, "array"):
        return f"list of {_kind(inner.get('items', {}))}"
    named = _choices(schema)
    if len(named) > _MANY:
        return f"one of {len(named)}: {named[0]}, {named[1]} …"
    if named:
        return _either(named)
    told = [_KINDS[kind] + _range(part(schema, kind)) for kind in _KINDS if kind in kinds(schema)]
    if _BLOB in str(part(schema, "string").get("pattern", "")):
        return "upload"
    return " or ".join(told) or "anything"


def _choices(schema: Described) -> list[Any]:
    own = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
    return [*own, *(choice for one in either(schema) for choice in _choices(one))]


def _range(schema: Described) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f" {low:g} to {high:g}"
    return f" ≥ {low:g}" if low is not None else f" ≤ {high:g}" if high is not None else ""


def _text(value: Any) -> str:
    """A value as -p takes it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _example(workflow: Described) -> str:
    """A command that runs it."""
    properties = workflow["parameters"]["properties"]
    wanted = [*workflow["parameters"].get("required", ()), *workflow["needs_one_of"][:1]]
    given = []
    for name in wanted:
        examples = properties[name].get("examples") or [name.upper()]
        given += _given(name, examples[0])
    if begins_with_assets(workflow):
        given.append("-s favourite=yes")
    return " ".join(["studio run", workflow["name"], *given])
