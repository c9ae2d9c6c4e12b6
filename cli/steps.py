"""Steps of one's own, from a YAML or JSON file: what is wrong with it is told with its line.

    - operation: create.generate
      params: {prompt: a red cup, variations: 2}
    - operation: optimizer.export
      params: {placements: [instagram]}

The same list under `steps:`, as the body of a request has it, will do. Numbers, true, false and
null are written as in JSON; whatever else has no quotes is text. What an operation makes of its
parameters is for the API to judge; a step that it refuses is told with its line, too.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from cli.client import ApiProblem
from cli.values import Misused
from studio.problems import in_words
from studio.slip import MAX_STEPS, Step

_FORM = (
    "Write a list of steps, each `- operation: NAME` and below it, indented alike, `params:`; "
    "`studio operations` lists the names, `studio operations NAME` the parameters."
)
_RETYPE = "Take it out; it came from no keyboard, and editors may not show it."
_NUMBERED = re.compile(r"Step (\d+) \(")
_COMMENTED = (
    'What begins with # is a comment: text that does goes into quotes, such as "#d7263d"; nothing '
    "is written as null."
)
_TAG = "tag:yaml.org,2002:"
_CONTAINERS = {f"{_TAG}{one}" for one in ("str", "seq", "map")}
#: How JSON writes what is no text, by its first letter; all else is text, such as 16:9, on and 010.
_JSON = {
    "n": ("null", "null"),
    "tf": ("bool", "true|false"),
    "-0123456789": ("float", r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?"),
}


class _Loader(yaml.SafeLoader):
    """YAML that means JSON: what JSON would not read as another value is text, also a date, and
    what has no JSON form is refused."""

    def construct_json(self, node: yaml.Node) -> Any:
        """ValueError if that is no JSON."""
        return json.loads(str(node.value))


_Loader.yaml_constructors = {
    tag: one
    for tag, one in yaml.SafeLoader.yaml_constructors.items()
    if tag is None or tag in _CONTAINERS
}
_Loader.yaml_implicit_resolvers = {"<": yaml.SafeLoader.yaml_implicit_resolvers["<"]}  # merging
for _first, (_kind, _form) in _JSON.items():
    _Loader.add_implicit_resolver(f"{_TAG}{_kind}", re.compile(f"(?:{_form})$"), list(_first))
for _kind in ("null", "bool", "int", "float"):
    _Loader.add_constructor(f"{_TAG}{_kind}", _Loader.construct_json)


@dataclass(frozen=True, slots=True)
class OwnSteps:
    """The steps as the API takes them, and where each is written."""

    source: str
    steps: Sequence[dict[str, Any]]
    lines: Sequence[int | None]  # None: in no file

    def after(self, step: dict[str, Any]) -> OwnSteps:
        """With a step before them."""
        return OwnSteps(self.source, [step, *self.steps], [None, *self.lines])

    def check_takes_photo(self) -> None:
        """Misused if no photo can go before them: they begin with a picture of their own, or are
        as many as a run may have."""
        first = self.steps[0]["operation"]
        if first.startswith("create."):
            raise _wrong(
                self.source,
                self.lines[0],
                f"{first} makes a picture of its own, so the steps do not begin with a photo, too",
                "Leave out --photo, or that step.",
            )
        if len(self.steps) >= MAX_STEPS:
            raise Misused(
                f"{self.source}: --photo makes one step more of {len(self.steps)}; a run has "
                f"1 to {MAX_STEPS}. Leave one out, or begin with --asset."
            )

    def located(self, problem: ApiProblem) -> ApiProblem:
        """What the API says of a step, with the line where that is written."""
        numbered = _NUMBERED.search(str(problem))
        at = int(numbered[1]) - 1 if numbered else len(self.lines)
        line = self.lines[at] if at < len(self.lines) else None
        return ApiProblem(f"{self.source}, line {line}: {problem}") if line else problem


def read_steps(source: str) -> OwnSteps:
    """The steps in a file; `-` is standard input. Misused says which line is wrong, and what to
    write instead."""
    name = "standard input" if source == "-" else source
    value, node = _parsed(name, _text(source, name))
    if node is None:
        raise Misused(f"{name} is empty. {_FORM}")
    _check_keys(name, node)
    steps, nodes = _listed(name, value, node)
    if not 1 <= len(steps) <= MAX_STEPS:
        says = f"a run has 1 to {MAX_STEPS} steps, not {len(steps)}"
        raise _wrong(name, _line(node), says)
    for number, (step, its) in enumerate(zip(steps, nodes, strict=True), start=1):
        _check(name, number, step, its)
    return OwnSteps(name, steps, [_line(one) for one in nodes])


def _text(source: str, name: str) -> str:
    try:
        if source == "-":
            return sys.stdin.read()
        return Path(source).read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise Misused(f"--steps: there is no file {source}.") from error
    except OSError as error:
        raise Misused(f"--steps: {source} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise Misused(f"{name} is no text in UTF-8. {_FORM}") from error


def _parsed(name: str, text: str) -> tuple[Any, yaml.Node | None]:
    """The value, and the nodes that know their lines; of what is JSON, the value is JSON's."""
    try:
        value, is_json = json.loads(text), True
        text = text.replace("\t", " ")  # in JSON no more than a space, in YAML an error
    except (ValueError, RecursionError):
        value, is_json = None, False
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        return value if is_json or node is None else loader.construct_document(node), node
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        says = error.problem or error.context or "it is no YAML"
        raise _wrong(name, mark.line + 1 if mark else None, says) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _wrong(name, line, "there is a character that no text has", _RETYPE) from error
    except (ValueError, KeyError) as error:  # a tag says `!!int`, and its text is none
        raise Misused(f"{name} has a value that is not what its tag says. {_FORM}") from error
    except RecursionError as error:
        raise Misused(f"{name} is nested too deeply. {_FORM}") from error


def _check_keys(name: str, root: yaml.Node) -> None:
    """Misused if a mapping has a key twice: the first would be lost, such as a whole step whose
    successor was written without its dash."""
    for node in _nodes(root):
        seen: dict[str, int] = {}
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in seen and key.value != "<<":
                says = f"{key.value!r} is there twice, the first time in line {seen[key.value]}"
                fix = "Begin the next step with a dash of its own." if "operation" in seen else None
                raise _wrong(name, _line(key), says, fix)
            seen[key.value] = _line(key)


def _nodes(root: yaml.Node) -> Iterator[yaml.Node]:
    """Every node once, also of a document that contains itself."""
    waiting, seen = [root], set[int]()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
        elif isinstance(node, yaml.MappingNode):
            waiting += [one for pair in node.value for one in pair]


def _listed(name: str, value: Any, node: yaml.Node) -> tuple[list[Any], list[yaml.Node]]:
    """The list of steps, and their nodes."""
    if isinstance(value, dict) and isinstance(node, yaml.MappingNode):
        if "operation" in value:
            raise _wrong(name, _line(node), "a single step is no list", "Begin it with a dash.")
        for key, inner in node.value:
            if key.value != "steps":
                raise _wrong(
                    name,
                    _line(key),
                    f"only `steps` is read here, not {key.value!r}",
                    "What a run begins with, its budget and its providers are options: --asset, "
                    "--select, --photo, --budget, --providers.",
                )
            value, node = value["steps"], inner
    if not isinstance(value, list):
        raise _wrong(name, _line(node), "there is no list of steps")
    return value, list(node.value)


def _check(name: str, number: int, step: Any, node: yaml.Node) -> None:
    """Misused if that is no step which JSON can tell."""
    if not isinstance(step, dict):
        raise _wrong(name, _line(node), f"step {number} is no mapping")
    for one in _nodes(node):
        if isinstance(one, yaml.ScalarNode) and one.value in ("", "~") and not one.style:
            says = f"step {number} has {one.value or 'nothing'} where a value is due"
            raise _wrong(name, _line(one), says, _COMMENTED)
    try:
        Step.model_validate(step)
        json.dumps(step, allow_nan=False)
    except ValidationError as error:
        wrong = {one["loc"][0] for one in error.errors() if one["loc"]}
        keys = [key for key, _ in node.value if key.value in wrong]
        says = f"step {number}: {in_words(error, Step)}"
        raise _wrong(name, _line(keys[0] if keys else node), says) from error
    except (TypeError, ValueError, RecursionError) as error:
        says = f"step {number} has a value that JSON does not know, such as NaN"
        raise _wrong(name, _line(node), says) from error


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _wrong(name: str, line: int | None, says: str, fix: str | None = None) -> Misused:
    where = f"{name}, line {line}" if line else name
    return Misused(f"{where}: {says}. {fix or _FORM}")
