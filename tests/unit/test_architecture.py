"""Arrows between packages point one way, and the tree is what the page says."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STUDIOS = ("create", "edit", "upscale", "optimizer", "library")

#: What each package may import of ours, besides itself.
ALLOWED = {
    "studio": set(),
    "gateway": {"studio"},
    "embedded": {"studio", "gateway", "services"},
    "cli": {"studio", "gateway", "services", "embedded"},
    **{f"services/{one}": {"studio"} for one in STUDIOS},
}
OURS = {"studio", "gateway", "embedded", "cli", "services"}


def imports(file: Path) -> set[str]:
    """The modules that a file imports, as dotted names."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
    return found


@pytest.mark.parametrize("package", ALLOWED)
def test_a_package_imports_only_what_its_arrows_allow(package):
    own = package.replace("/", ".")
    wrong = []
    for file in (ROOT / package).rglob("*.py"):
        for name in imports(file):
            top = name.partition(".")[0]
            if top not in OURS or name == own or name.startswith(own + "."):
                continue
            if top not in ALLOWED[package]:
                wrong.append(f"{file.relative_to(ROOT)} imports {name}")
    assert wrong == []


def test_motor_and_minio_are_imported_in_one_module_each():
    for library, module in (("motor", "studio/metadata.py"), ("minio", "studio/blobs/s3.py")):
        users = [
            str(file.relative_to(ROOT))
            for package in OURS
            for file in (ROOT / package).rglob("*.py")
            if any(name.partition(".")[0] == library for name in imports(file))
        ]
        assert users == [module]


def test_the_gateway_loads_no_engine():
    engines = ("onnxruntime", "ncnn", "cv2")
    for file in (ROOT / "gateway").rglob("*.py"):
        assert not {name.partition(".")[0] for name in imports(file)} & set(engines)


def test_every_service_has_its_wiring_and_its_entry_point():
    for studio in STUDIOS:
        folder = ROOT / "services" / studio
        assert (folder / "service.py").exists()
        assert (folder / "operations").is_dir()
        assert len((folder / "__main__.py").read_text().splitlines()) <= 9


def test_the_tree_has_the_rooms_that_the_architecture_names():
    rooms = (
        "Makefile", "README.md", "proto/studio/v1", "studio/events.py", "studio/slip.py",
        "studio/shares.py", "studio/money.py", "studio/settings.py", "studio/problems.py",
        "studio/telemetry.py", "studio/bus/base.py", "studio/bus/rabbit.py",
        "studio/bus/memory.py", "studio/blobs/base.py", "studio/blobs/s3.py",
        "studio/metadata.py", "studio/imaging", "studio/service.py", "gateway/workflows",
        "gateway/tracker.py", "embedded", "cli", "tests/unit", "tests/conformance",
        "tests/integration", "tests/contract", "tests/e2e", "docs/adr", "docs/events.md",
    )  # fmt: skip
    assert [room for room in rooms if not (ROOT / room).exists()] == []
