"""The runbook is whole: its figures are those that were measured, its commands name what exists."""

import json
import re

import pytest

from benchmarks import sizing
from benchmarks.services import main
from tests.deploy import tools
from tests.deploy.manifests import PRODUCTION, every, names

RUNBOOK = tools.ROOT / "docs" / "operations.md"
PAGE = tools.ROOT / "docs" / "services-measured.md"
RESULTS = tools.ROOT / "benchmarks" / "results"
BUYERS = ["create", "edit", "upscale"]


def measured() -> dict[str, dict]:
    found: dict[str, dict] = json.loads((RESULTS / "services.json").read_text())
    return found


def anchors() -> set[str]:
    """What GitHub makes of the headings."""
    headings = re.findall(r"^#+ +(.+?) *$", RUNBOOK.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_sizes_are_those_that_were_measured_and_those_that_are_set():
    runbook = RUNBOOK.read_text()
    assert sizing.renewed(runbook, measured()["services"], RESULTS) == runbook, (
        "python -m benchmarks.services --again --runbook docs/operations.md"
    )
    assert len(re.findall(r"^\| \w+ \| \d+ \| \d+ \| \d+ \|", runbook, re.MULTILINE)) == 6


def test_a_new_measurement_reaches_the_runbook_by_one_command(tmp_path, monkeypatch, capsys):
    found = measured()
    found["services"]["edit"]["idle"]["rss_mib"] = 4711
    (tmp_path / "services.json").write_text(json.dumps(found))
    copy = tmp_path / "operations.md"
    copy.write_text(RUNBOOK.read_text())
    asked = ["--again", "--results", str(tmp_path), "--runbook", str(copy)]
    monkeypatch.setattr("sys.argv", ["benchmarks.services", *asked])
    main()
    assert capsys.readouterr().out
    assert "| edit | 4711 |" in copy.read_text()
    before, _, _ = RUNBOOK.read_text().partition("<!-- sizing -->")
    assert copy.read_text().startswith(before)


def test_a_page_without_a_place_for_the_table_is_refused():
    with pytest.raises(ValueError, match="sizing"):
        sizing.renewed("# Nothing\n", measured()["services"], RESULTS)


def test_the_page_of_the_measurement_is_made_of_it():
    assert sizing.page(measured(), RESULTS) == PAGE.read_text()


def test_no_place_is_left_to_be_filled_in():
    marks = re.findall(r"<!-- (/?)(\w+) -->", RUNBOOK.read_text())
    begun = [name for end, name in marks if not end]
    assert begun == [name for end, name in marks if end]
    assert begun == ["sizing"]
    for name in begun:
        held = re.search(rf"<!-- {name} -->(.*)<!-- /{name} -->", RUNBOOK.read_text(), re.DOTALL)
        assert held
        assert held[1].strip()


def test_every_link_of_the_runbook_leads_somewhere():
    links = re.findall(r"\]\(([^)\s]+)\)", RUNBOOK.read_text())
    assert len(links) > 20
    broken = [
        link
        for link in links
        if (link.startswith("#") and link[1:] not in anchors())
        or (not link.startswith("#") and not (RUNBOOK.parent / link.partition("#")[0]).exists())
    ]
    assert broken == []


def test_who_is_paused_is_scaled_and_whoever_buys_is_among_them():
    text = RUNBOOK.read_text().replace("\\\n", " ")
    paused = [
        sorted(found.split())
        for found in re.findall(r"annotate scaledobject ([a-z ]+?) +autoscaling", text)
    ]
    all_scaled = names(every("ScaledObject", PRODUCTION))
    assert paused == [all_scaled, all_scaled, BUYERS, BUYERS]
    undone = [mark == "-" for mark in re.findall(r"paused-replicas(=0|-)", text)]
    assert undone == [False, True, False, True]
