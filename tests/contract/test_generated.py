"""What is generated is what the models say now."""

import subprocess
import sys
from pathlib import Path

import pytest

from cli.docs import documents
from gateway.app import openapi
from gateway.definition import workflows
from studio.events import EVENT_TYPES

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("path", "text"), [pytest.param(p, t, id=p.name) for p, t in documents()])
def test_a_generated_document_is_up_to_date(path, text):
    assert path.read_text() == text, "run `make docs`"


def test_the_grpc_code_is_what_the_contracts_say(tmp_path):
    protos = sorted((ROOT / "proto").rglob("*.proto"))
    subprocess.run(
        [sys.executable, "-m", "grpc_tools.protoc", "-I", str(ROOT / "proto"),
         f"--python_out={tmp_path}", f"--pyi_out={tmp_path}", f"--grpc_python_out={tmp_path}",
         *map(str, protos)],
        check=True,
    )  # fmt: skip
    for made in tmp_path.rglob("*_pb2*.py*"):
        if made.name == "onnx_pb2_grpc.py":  # a file format, which has no services
            continue
        kept = ROOT / made.relative_to(tmp_path)
        assert kept.read_text() == made.read_text(), "run `make proto`"


def test_every_route_says_what_it_is_for_and_how_it_fails():
    for path, methods in openapi()["paths"].items():
        for method, operation in methods.items():
            assert operation.get("summary"), f"{method} {path} has no summary"
            assert operation.get("description"), f"{method} {path} has no description"
            assert {"404", "422", "503"} <= set(operation["responses"]), f"{method} {path}"


def test_the_asyncapi_document_names_every_event():
    import yaml

    document = yaml.safe_load((ROOT / "docs" / "asyncapi.yaml").read_text())
    assert set(document["components"]["messages"]) == set(EVENT_TYPES)


def test_the_guides_patterns_and_first_workflows_are_there():
    patterns = [name for name in workflows() if name.startswith("pattern-")]
    assert len(patterns) == 5
    assert {"quick-social-post", "social-media-campaign"} <= set(workflows())
