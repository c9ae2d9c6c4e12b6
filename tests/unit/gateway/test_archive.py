"""Archives of renditions: no name twice, on any file system."""

import pytest

from gateway.archive import FileNames
from studio.v1.library_pb2 import Asset


def asset(label: str, title: str = "") -> Asset:
    made = Asset(id="a", label=label, title=title, operation="optimizer.export")
    made.image.media_type = "image/png"
    return made


@pytest.mark.parametrize("template", ["manifest.json", "Manifest.JSON"])
def test_no_picture_takes_the_name_of_the_manifest(template):
    assert FileNames(template).name(asset("a")).casefold() != "manifest.json"


def test_names_that_differ_by_case_alone_are_told_apart():
    names = FileNames("{title}.{ext}")
    made = [names.name(asset("x", title)) for title in ("Summer", "summer", "SUMMER")]
    assert made == ["Summer.png", "summer (2).png", "SUMMER (3).png"]
