"""The commands that the README shows are commands that there are."""

import re
import shlex
from pathlib import Path

import pytest

from cli.__main__ import command_line
from cli.values import read
from gateway.definition import find_workflow
from gateway.selection import AssetFilters

README = (Path(__file__).parents[3] / "README.md").read_text()
SHOWN = [
    shlex.split(one, comments=True)[1:]
    for one in re.findall(r"^    (?:\.venv/bin/)?(studio .*)$", README.replace("\\\n", " "), re.M)
]


def test_the_readme_shows_how_each_part_of_the_work_is_done():
    first = {one[0] for one in SHOWN}
    assert {"run", "workflows", "assets", "compare", "mark", "delete", "download"} <= first


@pytest.mark.parametrize("arguments", SHOWN, ids=" ".join)
def test_a_command_of_the_readme_is_understood(arguments):
    options = command_line().parse_args(arguments)
    filters = read(getattr(options, "select", []), AssetFilters.model_json_schema())
    AssetFilters.model_validate(filters)
    if options.command == "run":
        workflow = find_workflow(options.workflow)
        given = read(options.parameter, workflow.model.model_json_schema())
        if options.photo:
            given["photo"] = "sha256:" + "0" * 64
        assert workflow.steps_for(given, from_assets=bool(options.asset or options.select))
