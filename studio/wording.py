"""Wording: what a validator found, as a person would say it; and words in whatever capitals.

pydantic tells a rule in its own terms ("string should match pattern …"). Here every rule is told as
what is wanted, with an example where a form is wanted, and with the near name where one is unknown.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ValidationError
from pydantic.fields import FieldInfo

from studio.naming import near, spelled

ModelT = TypeVar("ModelT", bound=BaseModel)

_MOST = 8  # faults that are told at once
_SHOWN = 40  # characters of a value that are repeated
_WHOLE = ("value_error", "assertion_error")  # rules of our own, whose words are ours
_TAG = re.compile(r"[\[\]]|^constrained-|^(str|int|float|bool)$")

#: Forms, each with an example: a pattern is told as the first form whose example it matches.
_FORMS = (
    ("a name of lower-case letters", "spring"),
    ("the name of an operation, <studio>.<verb>", "edit.remove_background"),
    ("a colour as # and six hexadecimal digits", "#0a3d62"),
    ("a ratio of width to height", "16:9"),
    ("the key of a blob, as POST /v1/uploads answers it", "sha256:" + "0123456789abcdef" * 4),
    ("a SHA-256 of 64 lower-case hexadecimal digits", "0123456789abcdef" * 4),
    ("a currency of three capital letters", "USD"),
    ("a year and a month", "2026-11"),
    ("a media type", "image/png"),
    ("a traceparent (W3C)", f"00-{'0123456789abcdef' * 2}-{'0123456789abcdef'}-01"),
    ("a path that begins with /", "/v1/pictures"),
    ("an address", "https://example.com/picture.png"),
)

#: By pydantic's type of error; `{…}` is its context, `{input}` the value that was given.
_RULES = {
    "missing": "is missing",
    "string_too_long": "takes at most {max_length:,} characters",
    "greater_than": "must be more than {gt}, not {input}",
    "greater_than_equal": "must be at least {ge}, not {input}",
    "less_than": "must be less than {lt}, not {input}",
    "less_than_equal": "must be at most {le}, not {input}",
    "multiple_of": "must be a multiple of {multiple_of}, not {input}",
    "finite_number": "must be a finite number",
    "too_long": "takes at most {max_length:,}, not {actual_length}",
    "json_invalid": "is not JSON: {error}",
    "timezone_aware": "needs a time zone, such as 2026-11-26T09:00:00Z",
    "none_required": "takes null only",
    "bytes_too_long": "takes at most {max_length:,} bytes",
    "model_attributes_type": "must be an object with named fields, not {input}",
}  # fmt: skip

#: What a value must be, by the beginning of the error's type: "int_type", "int_parsing", …
_KINDS = (
    ("int", "a whole number"),
    ("float", "a number"),
    ("decimal", "a number"),
    ("bool", "true or false"),
    ("string", "text"),
    ("list", "a list"),
    ("tuple", "a list"),
    ("set", "a list"),
    ("dict", "an object with named fields"),
    ("model", "an object with named fields"),
    ("mapping", "an object with named fields"),
    ("uuid", "a UUID, such as 6d1f7c9e-0d0b-5f0a-9c38-3a1a8a6f3e11"),
    ("datetime", "a day and a time, such as 2026-11-26T09:00:00Z"),
    ("date", "a day, such as 2026-11-26"),
    ("time_delta", "a duration"),
    ("url", "an address, such as https://example.com"),
)


def validated(model: type[ModelT], raw: Mapping[str, Any]) -> ModelT:
    """The model of raw values, where enumerated words may be spelled in any capitals ("Draft").

    Raises pydantic's ValidationError.
    """
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        mended = copy.deepcopy(dict(raw))
        respelled = [_respelled(mended, one) for one in error.errors(include_url=False)]
        if not any(respelled):
            raise
    return model.model_validate(mended)


def spelled_as(known: Callable[[], Iterable[str]]) -> BeforeValidator:
    """Marks a parameter whose words are enumerated as data: `Annotated[str, spelled_as(styles)]`.

    A word in other capitals becomes the known one; an unknown one stays, to be refused by name.
    """

    def canonical(value: Any) -> Any:
        return (spelled(value, known()) or value) if isinstance(value, str) else value

    return BeforeValidator(canonical)


def told(errors: Iterable[Any], model: type[BaseModel] | None = None, root: str = "value") -> str:
    """Validation errors as one clause: `steps: must be at most 10, not 12; prompt: is missing`.

    errors: as pydantic lists them. model: what was validated, to name near fields and examples.
    root: what the whole is called.
    """
    said: dict[str, list[str]] = {}
    for one in _first_hand(list(errors)):
        path = ".".join(str(part) for part in one["loc"] if not _is_tag(part))
        if not path and one["type"] not in _WHOLE:
            path = root
        if path not in said and len(said) == _MOST:
            break  # a body may have a hundred thousand faults, and nobody reads so many
        if len(said.setdefault(path, [])) == _MOST:
            continue
        wording = _worded(one, model)
        if wording not in said[path]:
            said[path].append(wording)
    clauses = [f"{path}: {', or '.join(each)}".removeprefix(": ") for path, each in said.items()]
    return "; ".join(clauses)


def _first_hand(errors: Sequence[Any]) -> list[Any]:
    """Without lists that are too short only because an element was left out for its own fault."""
    within = {tuple(one["loc"])[:-1] for one in errors if one["loc"]}
    return [one for one in errors if one["type"] != "too_short" or tuple(one["loc"]) not in within]


def _worded(error: Mapping[str, Any], model: type[BaseModel] | None) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown(error["loc"], model)
    if kind in ("literal_error", "enum"):
        return _none_of(error.get("input"), context["expected"])
    if kind == "string_pattern_mismatch":
        return _not_in_form(error.get("input"), context["pattern"], _field(model, error["loc"]))
    if kind in ("too_short", "string_too_short"):
        return _too_few(kind, context, _field(model, error["loc"]))
    if kind in _WHOLE:
        return str(error["msg"]).partition(", ")[2]
    if kind in _RULES:
        bounds = {name: _plain_number(value) for name, value in context.items()}
        return _RULES[kind].format(**bounds, input=_shown(error.get("input")))
    for beginning, wanted in _KINDS:
        if kind.startswith(f"{beginning}_"):
            return f"must be {wanted}, not {_shown(error.get('input'))}"
    return str(error["msg"]).lower().replace("input should", "must")


def _unknown(loc: Sequence[Any], model: type[BaseModel] | None) -> str:
    found = near(str(loc[-1]), _names(_models_at(model, loc)), n=1)
    return f"there is no such field{_meant(found)}"


def _meant(found: Sequence[str]) -> str:
    return f" (did you mean {found[0]!r}?)" if found else ""


def _none_of(given: Any, expected: str) -> str:
    found = near(given, _quoted(expected), n=1) if isinstance(given, str) else []
    return f"must be {expected}, not {_shown(given)}{_meant(found)}"


def _not_in_form(given: Any, pattern: str, field: FieldInfo | None) -> str:
    own = _example(field)
    for form, example in _FORMS:
        if re.search(pattern, example):
            return f"must be {form}, such as {own or repr(example)}, not {_shown(given)}"
    such = f"; an example is {own}" if own else ""
    return f"{_shown(given)} has not the form that is wanted{such}"


def _too_few(kind: str, context: Mapping[str, Any], field: FieldInfo | None) -> str:
    least = context["min_length"]
    if kind == "string_too_short":
        return "must not be empty" if least == 1 else f"needs at least {least} characters"
    own = _example(field)
    such = f", such as {own}" if own else ""
    return f"give at least {'one' if least == 1 else least}{such}"


def _example(field: FieldInfo | None) -> str | None:
    """The field's own first example; of a list, its first element."""
    if field is None or not field.examples:
        return None
    first = field.examples[0]
    while isinstance(first, list | tuple) and first:
        first = first[0]
    return repr(first) if isinstance(first, str | int | float) else None


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return repr(value if len(value) <= _SHOWN else value[: _SHOWN - 1] + "…")
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, bytes):
        return "text that is not JSON"
    if isinstance(value, list | tuple | set):
        return "a list"
    return "an object" if isinstance(value, Mapping | BaseModel) else type(value).__name__


def _plain_number(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _is_tag(part: Any) -> bool:
    """Whether a part of a path names a branch of a union, not a place: "literal['auto']"."""
    return isinstance(part, str) and _TAG.search(part) is not None


def _quoted(expected: str) -> list[str]:
    return re.findall(r"'([^']*)'", expected)


def _respelled(values: Any, error: Mapping[str, Any]) -> bool:
    """Put the enumerated word where it was spelled otherwise; whether there was one."""
    if error["type"] not in ("literal_error", "enum") or not isinstance(error["input"], str):
        return False
    word = spelled(error["input"], _quoted(error["ctx"]["expected"]))
    return word is not None and _put(values, error["loc"], error["input"], word)


def _put(values: Any, loc: Sequence[Any], given: str, word: str) -> bool:
    """Replace what is at a path, whose last parts may name branches of unions."""
    for part in loc:
        inner = _inside(values, part)
        if inner == given and isinstance(values, dict | list):
            values[part] = word
            return True
        values = values if inner is None else inner
    return False


def _inside(values: Any, part: Any) -> Any:
    if isinstance(values, dict):
        return values.get(part)
    if isinstance(values, list) and isinstance(part, int):
        return values[part]
    return None


def _names(models: Iterable[type[BaseModel]]) -> list[str]:
    return [field.alias or name for one in models for name, field in one.model_fields.items()]


def _models_at(model: type[BaseModel] | None, loc: Sequence[Any]) -> list[type[BaseModel]]:
    """The models of which the last part of a path would be a field."""
    models = [model] if model else []
    for part in loc[:-1]:
        fields = [one.model_fields[part] for one in models if part in one.model_fields]
        if fields:
            models = [one for field in fields for one in _models_in(field.annotation)]
    return models


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)


def _field(model: type[BaseModel] | None, loc: Sequence[Any]) -> FieldInfo | None:
    """The field that a path leads to, or whose list it leads into."""
    for end in range(len(loc), 0, -1):
        for one in _models_at(model, loc[:end]):
            if loc[end - 1] in one.model_fields:
                return one.model_fields[loc[end - 1]]
    return None
