"""Steps in a file: what is written is what is sent, and what is wrong is told with its line."""

from __future__ import annotations

import io
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent

import pytest

from cli.__main__ import main
from cli.client import ApiProblem
from cli.steps import OwnSteps, read_steps
from cli.values import Misused

STEPS = [
    {"operation": "create.generate", "params": {"prompt": "a red cup", "variations": 2}},
    {"operation": "optimizer.export", "params": {"placements": ["x"]}, "provider": "local"},
]
YAML = """\
- operation: create.generate
  params: {prompt: a red cup, variations: 2}
- operation: optimizer.export
  params:
    placements: [x]
  provider: local
"""
JSON = """\
{"steps": [
\t{"operation": "create.generate", "params": {"prompt": "a red cup", "variations": 2}},
\t{"operation": "optimizer.export", "params": {"placements": ["x"]}, "provider": "local"}
]}
"""


@contextmanager
def closed_port() -> Iterator[str]:
    """The address of nobody."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


def written(text: str, folder: Path, name: str = "steps.yaml") -> OwnSteps:
    file = folder / name
    file.write_text(dedent(text))
    return read_steps(str(file))


@pytest.mark.parametrize(
    ("text", "lines"), [(YAML, [1, 3]), (f"steps:\n{YAML}", [2, 4]), (JSON, [2, 3])]
)
def test_steps_are_read_from_yaml_and_from_json(text, lines, tmp_path):
    own = written(text, tmp_path)
    assert (own.steps, own.lines) == (STEPS, lines)


def test_standard_input_is_a_file_too(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(YAML))
    own = read_steps("-")
    assert (own.steps, own.source) == (STEPS, "standard input")


@pytest.mark.parametrize(
    ("plain", "value"),
    [
        ("0.1", 0.1), ("1e-1", 0.1), ("-0", 0), ("12", 12), ("-3.5E+2", -350.0), ("true", True),
        ("false", False), ("null", None), ("[1, a]", [1, "a"]), ("{of: 1}", {"of": 1}),
        *((text, text) for text in (
            "16:9", "9:30", "12:30:45", "2026-11-26", "On", "off", "yes", "n", "True", "NULL",
            "010", "0x1F", "0o7", "1_000", "+1", ".5", "5.", ".inf", ".nan", "=", "12 cups",
            "1.2.3", "nullify", "trueish", "-1a",
        )),
        ('"12"', "12"), ("'null'", "null"), ('""', ""), ('"#d7263d"', "#d7263d"), ("'~'", "~"),
    ],
)  # fmt: skip
def test_a_value_is_what_json_would_have_and_else_text(plain, value, tmp_path):
    [step] = written(f"- operation: edit.text\n  params:\n    of: {plain}\n", tmp_path).steps
    assert step["params"] == {"of": value}
    assert type(step["params"]["of"]) is type(value)


def test_a_name_is_text_also_where_yaml_reads_a_truth(tmp_path):
    [step] = written("- {operation: edit.text, params: {y: 1, no: 2}}", tmp_path).steps
    assert step["params"] == {"y": 1, "no": 2}


def test_json_is_read_as_json(tmp_path):
    [step] = written(
        '[{"operation": "edit.text", "params": {"text": "\\ud83d\\ude00", "size": 1e-1}}]', tmp_path
    ).steps
    assert step["params"] == {"text": "😀", "size": 0.1}


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("- operation: edit.search_recolor\n  params:\n    colour: #d7263d\n", 3, "nothing"),
        ("- operation: edit.text\n  params: {text: , size: 1}\n", 2, "nothing"),
        ("- operation: edit.text\n  params:\n", 2, "nothing"),
        ("- operation: edit.adjust\n- operation: edit.adjust\n  params:\n    palette:\n"
         "    - #fff\n    - white\n", 5, "nothing"),
        ("- operation: edit.text\n  params:\n    text: ~\n", 3, "~"),
    ],
)  # fmt: skip
def test_nothing_is_no_value_for_a_colour_without_quotes_is_a_comment(text, line, says, tmp_path):
    with pytest.raises(Misused, match=f"has {says} where a value is due") as wrong:
        written(text, tmp_path)
    assert f", line {line}: " in str(wrong.value)
    assert 'text that does goes into quotes, such as "#d7263d"' in str(wrong.value)


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("- operation: edit.adjust\n  params: {brightness: 0.1\n", 3, "expected ',' or '}'"),
        ("- operation: edit.adjust\n\tparams: {}\n", 2, "cannot start any token"),
        ("- operation: edit.adjust\n params: {}\n", 2, "expected"),
        ('[\n {"operation": "edit.adjust",}\n {}]', 3, "expected"),
        ("operation: edit.adjust\n", 1, "Begin it with a dash"),
        ("# a run\nworkflow: x\n", 2, "only `steps` is read here, not 'workflow'"),
        ("steps:\n  operation: edit.adjust\n", 2, "there is no list of steps"),
        ("steps:\n", 1, "there is no list of steps"),
        ("just words\n", 1, "there is no list of steps"),
        ("[]\n", 1, "a run has 1 to 64 steps, not 0"),
        ("- operation: edit.adjust\n" * 65, 1, "not 65"),
        ("- operation: edit.adjust\n- edit.text\n", 2, "step 2 is no mapping"),
        ("- operation: edit.adjust\n- params: {}\n", 2, "step 2: operation"),
        ("- operation: edit.adjust\n  parms: {}\n", 2, "parms"),
        ("- operation: edit.adjust\n  params: [1]\n", 2, "step 1: params"),
        ("- operation: edit.adjust\n  params: {}\n  operation: edit.text\n", 3,
         "'operation' is there twice, the first time in line 1"),
        ("- operation: edit.adjust\n- operation: edit.adjust\n  params: {of: !!float NaN}\n", 2,
         "JSON does not know"),
        ("- operation: edit.text\n  params: {text: \x07}\n", 2, "a character that no text has"),
        ("- &a\n  operation: edit.adjust\n  params: {inner: *a}\n", 1, "JSON does not know"),
        ("- operation: edit.adjust\n  params: {of: !!binary aGk=}\n", 2, "constructor"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line_and_what_to_write(text, line, says, tmp_path):
    with pytest.raises(Misused) as wrong:
        written(text, tmp_path)
    told = str(wrong.value)
    assert told.startswith(f"{tmp_path / 'steps.yaml'}, line {line}: ")
    assert says in told
    assert any(
        one in told for one in ("Write a list of steps", "dash", "options: --asset", "Take it out")
    )


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        (b"# nothing yet\n", "is empty"),
        (b"\xff\xfe\x00", "no text in UTF-8"),
        (b"- {operation: edit.adjust, params: {brightness: !!int much}}", "not what its tag says"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_list_of_steps_at_all_is_told_without_a_line(data, says, tmp_path):
    file = tmp_path / "steps.yaml"
    file.write_bytes(data)
    with pytest.raises(Misused, match=says):
        read_steps(str(file))


def test_a_file_that_cannot_be_read_is_told(tmp_path):
    with pytest.raises(Misused, match="there is no file"):
        read_steps(str(tmp_path / "none.yaml"))
    with pytest.raises(Misused, match="cannot be read"):
        read_steps(str(tmp_path))


def test_what_the_api_says_of_a_step_is_told_with_the_line_of_that_step(tmp_path):
    own = written(YAML, tmp_path)
    refused = ApiProblem("Step 2 (optimizer.export): placements: is missing.")
    assert str(own.located(refused)).startswith(f"{own.source}, line 3: Step 2 (optimizer.export)")
    other = ApiProblem("The run costs at least 2 USD.")
    assert own.located(other) is other


def test_a_photo_goes_before_the_steps_and_shifts_none_of_their_lines(tmp_path):
    own = written("- operation: edit.adjust\n", tmp_path)
    begun = own.after({"operation": "create.import", "params": {"blob": "sha256:0"}})
    assert [one["operation"] for one in begun.steps] == ["create.import", "edit.adjust"]
    located = begun.located(ApiProblem("Step 2 (edit.adjust): no."))
    assert str(located).startswith(f"{own.source}, line 1: Step 2")
    unread = ApiProblem("Step 1 (create.import): no.")
    assert begun.located(unread) is unread


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (YAML, r"line 1: create\.generate makes a picture of its own"),
        ("- operation: edit.adjust\n" * 64, r"--photo makes one step more of 64"),
    ],
)
def test_steps_that_no_photo_can_go_before_are_refused_before_it_is_uploaded(
    text, says, tmp_path, capsys
):
    (tmp_path / "photo.png").write_bytes(b"")
    (tmp_path / "steps.yaml").write_text(text)
    files = ["--steps", str(tmp_path / "steps.yaml"), "--photo", str(tmp_path / "photo.png")]
    with closed_port() as url:  # where an upload would end with status 1
        assert main(["--url", url, "run", *files]) == 2
    assert re.search(says, capsys.readouterr().err)


def test_a_photo_goes_before_63_steps(tmp_path):
    own = written("- operation: edit.adjust\n" * 63, tmp_path)
    own.check_takes_photo()
    assert len(own.after({"operation": "create.import"}).steps) == 64
