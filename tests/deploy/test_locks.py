"""Each image installs what its service imports: nothing is missing, and nothing is for nothing."""

import ast
import re
import runpy
import subprocess
import sys
import tomllib

import pytest

from studio.imaging.weights import weight_files
from tests.deploy.imports import foreign, modules, provider
from tests.deploy.tools import ROOT

LOCKS = ROOT / "deploy" / "docker" / "requirements"
SPLIT = runpy.run_path(str(LOCKS / "split.py"))
SERVICES = SPLIT["SERVICES"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
WEIGHTS = (ROOT / "requirements-weights.txt").read_text()


def pins(text):
    """The distributions of a lock: name and version, and the sums of their files."""
    return {
        (name, version): set(re.findall(r"sha256:[0-9a-f]{64}", rest))
        for name, version, rest in re.findall(
            r"^([a-z0-9-]+)==([^\s;]+)(.*?)(?=^\S|\Z)", text, re.MULTILINE | re.DOTALL
        )
    }


def lock(name):
    return pins((LOCKS / f"{name}.lock").read_text())


def installed(service):
    """The names of everything in the service's image."""
    return {name for name, _ in (*lock("kernel"), *lock(service))}


def test_the_locks_of_the_images_are_cut_from_the_lock_of_today():
    asked = [sys.executable, LOCKS / "split.py", "--check"]
    found = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (0, "")


@pytest.mark.parametrize("name", ["kernel", "build", *SERVICES])
def test_an_image_installs_the_very_files_that_the_tests_ran_with(name):
    tested = pins((ROOT / "requirements.lock").read_text()) | pins(WEIGHTS)
    for pin, sums in lock(name).items():
        assert sums, f"{pin} has no hash"
        assert sums == tested.get(pin), f"{name}.lock has {pin}, which requirements.lock has not"


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_finds_everything_that_it_imports(service):
    there = installed(service)
    missing = {
        f"{name}, which {module.relative_to(ROOT)} imports, comes with {provider(name) or 'nobody'}"
        for name, module in foreign(service).items()
        if not provider(name) & there
    }
    assert missing == set()


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_carries_no_dependency_that_it_does_not_import(service):
    used = {holder for name in foreign(service) for holder in provider(name)}
    assert SPLIT["roots"](PROJECT, service) - used == set()


def test_every_dependency_of_the_kernel_is_imported_by_every_service():
    for service in SERVICES:
        used = {holder for name in foreign(service) for holder in provider(name)}
        assert SPLIT["roots"](PROJECT) - used == set()


@pytest.mark.parametrize("service", ["gateway", "library"])
def test_who_performs_no_operation_carries_no_engine(service):
    engines = {"onnxruntime", "ncnn", "opencv-python-headless", "cykooz-resizer", "uharfbuzz"}
    assert installed(service) & engines == set()


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_carries_the_weights_that_its_code_names(service):
    said = {
        node.value
        for module in modules(service)
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    read = {
        file.distribution
        for name, file in weight_files().items()
        if said & {name, name.removesuffix("-param"), name.removesuffix("-bin")}
    }
    assert {name for name, _ in lock(service)} & {name for name, _ in pins(WEIGHTS)} == read
