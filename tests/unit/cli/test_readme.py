"""What the README and the pages about workflows show is there: commands, requests, names."""

import json
import re
import shlex
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from cli.__main__ import command_line
from cli.steps import read_steps
from cli.values import read
from gateway.app import openapi
from gateway.definition import find_workflow
from gateway.routes.assets import ArchiveRequest
from gateway.routes.changes import ManyChanges
from gateway.runs import RunRequest
from gateway.selection import AssetFilters
from services.create.operations.generate import Generate
from services.create.operations.import_ import Import
from services.create.styles import find_style
from services.create.templates import find_template
from services.edit.service import operations as edit_operations
from services.library.operations.organise import Organise
from services.optimizer.operations.export import Export
from services.optimizer.placements import placement_book
from services.upscale.service import operations as upscale_operations

ROOT = Path(__file__).parents[3]
PAGES = ("README.md", "docs/workflows.md", "docs/templates.md", "docs/providers.md")
TEXTS = {name: (ROOT / name).read_text() for name in PAGES}
ID, BLOB = "00000000-0000-4000-8000-000000000000", "sha256:" + "0" * 64
OPERATIONS = {
    one.name: one
    for one in (
        Generate(),
        Import(),
        *edit_operations(),
        *upscale_operations(),
        Export(),
        Organise(),
    )
}
API = openapi()["paths"]
BODIES = {
    "/v1/runs": RunRequest,
    "/v1/quotes": RunRequest,
    "/v1/assets/changes": ManyChanges,
    "/v1/assets/download": ArchiveRequest,
}


def shown(page: str) -> list[str]:
    """The lines of a page's code blocks; a continued line is one."""
    code = re.sub(r"\\?\n {8,}(?! *(?:POST|GET) )", " ", TEXTS[page])
    return [line.strip() for line in re.findall(r"^ {4,}(\S.*)$", code, re.M)]


def told(line: str) -> str:
    """A line without its comment, and with something in place of what stands for something."""
    line = re.sub(r"\b(?:ID2?|RUN)\b", ID, line.partition(" # ")[0]).replace("BLOB", BLOB)
    return line.removeprefix(".venv/bin/")


def mentioned(page: str) -> list[str]:
    """The commands within a page's sentences that are whole."""
    text = re.sub(r"^```.*?^```", "", TEXTS[page], flags=re.M | re.S)
    spans = [one for one in re.findall(r"`([^`]+)`", text) if "…" not in one and "NAME" not in one]
    return [one for one in spans if re.match(r"studio \S+ \S", one)]


COMMANDS = [
    pytest.param(shlex.split(told(line))[1:], id=f"{page}: {line}")
    for page in PAGES
    for line in [*shown(page), *mentioned(page)]
    if told(line).startswith("studio ")
]
REQUESTS = [
    pytest.param(*told(line).partition(" ")[::2], id=f"{page}: {line}")
    for page in PAGES
    for line in [*shown(page), *re.findall(r"`((?:GET|POST) /v1/[^`…]+)`", TEXTS[page])]
    if re.match(r"(GET|POST) /v1/", line)
]
STEPS = [
    pytest.param(operation, json.loads(told(params)), id=operation)
    for operation, params in re.findall(r"\| `(\w+\.\w+)` \| `(\{.*\})` \|", TEXTS[PAGES[1]])
]

FILES = re.findall(r"(?:^ {4}(?:- operation| {2}params): .*\n)+", TEXTS[PAGES[1]], re.M)


def commands_of(page: str) -> list[list[str]]:
    return [one.values[0] for one in COMMANDS if str(one.id).startswith(page)]


def check_names(parameters: dict) -> None:
    """Refused if a template, style or placement is named that there is not."""
    if "template" in parameters:
        find_template(parameters["template"])
    if "style" in parameters:
        find_style(parameters["style"])
    for one in parameters.get("placements", ()):
        if one != "all":
            placement_book(None).chosen([one])


def test_the_readme_shows_how_each_part_of_the_work_is_done():
    first = {one[0] for one in commands_of("README.md")}
    assert {"run", "workflows", "assets", "compare", "mark", "delete", "download"} <= first


def test_the_page_of_workflows_runs_each_workflow_that_there_is():
    every = [one for one in commands_of("docs/workflows.md") if one[0] == "run"]
    run = {one[1] for one in every if one[1] != "--steps"}
    there = {one.stem for one in (ROOT / "gateway" / "workflows").glob("*.yaml")}
    assert run == there


def test_each_part_of_the_guide_has_its_heading():
    headings = re.findall(r"^##+ (.*)$", TEXTS["docs/workflows.md"], re.M)
    for part in (
        "The five patterns",
        *(f"Workflow {number}" for number in range(1, 7)),
        "Weekly social content",
        "Campaign launch",
        "Content library",
        "Best practice",
        "When it is not as it should be",
        "Not part of it",
    ):
        assert any(one.startswith(part) for one in headings), part


@pytest.mark.parametrize("arguments", COMMANDS)
def test_a_command_that_is_shown_is_understood(arguments):
    options = command_line().parse_args(arguments)
    filters = read(getattr(options, "select", []), AssetFilters.model_json_schema())
    AssetFilters.model_validate(filters)
    if options.command == "run" and not options.steps:
        workflow = find_workflow(options.workflow)
        given = read(options.parameter, workflow.model.model_json_schema())
        if options.photo:
            given["photo"] = BLOB
        assert workflow.steps_for(given, from_assets=bool(options.asset or options.select))
        check_names(given)


@pytest.mark.parametrize(("method", "rest"), REQUESTS)
def test_a_request_that_is_shown_is_one_that_the_api_takes(method, rest):
    address, _, body = rest.partition(" ")
    path, query = urlsplit(address).path, urlsplit(address).query
    patterns = {one: re.sub(r"\{\w+\}", "[^/]+", one) for one in API}
    found = [API[one].get(method.lower()) for one in API if re.fullmatch(patterns[one], path)]
    assert any(found), f"{method} {path}"
    known = {one["name"] for each in found if each for one in each.get("parameters", ())}
    assert {name for name, _ in parse_qsl(query)} <= known
    if body:
        asked = BODIES[path].model_validate_json(body)
        if isinstance(asked, RunRequest) and asked.workflow:
            from_assets = bool(asked.assets or asked.selection)
            workflow = find_workflow(asked.workflow)
            assert workflow.steps_for(asked.parameters, from_assets=from_assets)
            check_names(asked.parameters)
        for step in getattr(asked, "steps", None) or ():
            OPERATIONS[step.operation].parse(step.params)


@pytest.mark.parametrize(("operation", "params"), STEPS)
def test_a_step_that_is_shown_has_parameters_that_the_operation_takes(operation, params):
    assert OPERATIONS[operation].parse(params)
    check_names(params)


@pytest.mark.parametrize("text", FILES)
def test_a_file_of_steps_that_is_shown_is_one_that_runs(text, tmp_path):
    file = tmp_path / "steps.yaml"
    file.write_text(text)
    for step in read_steps(str(file)).steps:
        assert OPERATIONS[step["operation"]].parse(step.get("params", {}))
        check_names(step.get("params", {}))


def test_a_link_between_the_pages_leads_somewhere():
    for page, text in TEXTS.items():
        for link in re.findall(r"\]\(([^)#:]*)(?:#[^)]*)?\)", text):
            assert not link or ((ROOT / page).parent / link).exists(), f"{page}: {link}"


def test_a_link_to_a_heading_leads_to_one():
    for page, text in TEXTS.items():
        for link, anchor in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", text):
            target = ((ROOT / page).parent / link) if link else ROOT / page
            headings = re.findall(r"^#+ (.*)$", target.read_text(), re.M)
            anchors = {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings}
            assert anchor in anchors, f"{page}: {link}#{anchor}"
