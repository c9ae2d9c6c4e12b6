"""What `name=value` means is said by the schema of the name."""

import pytest

from cli.values import Misused, read
from gateway.definition import find_workflow

SCHEMA = find_workflow("social-media-campaign").model.model_json_schema()


@pytest.mark.parametrize(
    ("pairs", "values"),
    [
        (["prompt=42"], {"prompt": "42"}),
        (["prompt=[a] sea = blue"], {"prompt": "[a] sea = blue"}),
        (["prompt=null"], {"prompt": None}),
        (["variations=4"], {"variations": 4}),
        (["variations=four"], {"variations": "four"}),  # the API tells what is wrong with it
        (["remove_background=yes"], {"remove_background": True}),
        (["remove_background=False"], {"remove_background": False}),
        (["upscale_to=null"], {"upscale_to": None}),
        (["placements=instagram"], {"placements": ["instagram"]}),
        (["placements=x", "placements=tiktok"], {"placements": ["x", "tiktok"]}),
        (['placements=["x", "tiktok"]', "placements=meta"],
         {"placements": ["x", "tiktok", "meta"]}),
        (["placements="], {"placements": []}),
        (["placements=[]"], {"placements": []}),
        (["palette=#0b3954"], {"palette": ["#0b3954"]}),
        (['adjust={"brightness": 0.1}'], {"adjust": {"brightness": 0.1}}),
        (["adjust.brightness=0.1", "adjust.saturation=0.2"],
         {"adjust": {"brightness": 0.1, "saturation": 0.2}}),
        (["erase.words=the red cup"], {"erase": {"words": "the red cup"}}),
        (["erase.box.x0=0.5", "erase.box.x1=1"], {"erase": {"box": {"x0": 0.5, "x1": 1}}}),
        (['brand.palette=["red"]'], {"brand": {"palette": ["red"]}}),
        (["promt=sea"], {"promt": "sea"}),  # the API names the one that was meant
    ],
)  # fmt: skip
def test_a_value_is_what_its_parameter_takes(pairs, values):
    assert read(pairs, SCHEMA) == values


@pytest.mark.parametrize(
    ("pairs", "says"),
    [
        (["prompt"], "write prompt=VALUE"),
        (["=sea"], "NAME=VALUE"),
        (["adjust=brighter"], "adjust.PART=VALUE"),
        (["placements=[x"], "no JSON list"),
        (["adjust.brightness=0.1", "adjust.brightness.more=1"], "has no parts"),
    ],
)
def test_what_means_nothing_is_answered_by_what_would(pairs, says):
    with pytest.raises(Misused, match=says.replace("[", r"\[")):
        read(pairs, SCHEMA)


def test_without_a_schema_a_value_is_json_or_else_text():
    given = ["a=1", "b=one", "c=true", 'd={"e": []}']
    assert read(given, {}) == {"a": 1, "b": "one", "c": True, "d": {"e": []}}
