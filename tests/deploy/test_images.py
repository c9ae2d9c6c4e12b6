"""The images: what the Dockerfile promises, and, where a container engine answers, what they do."""

import fnmatch
import json
import re
import shutil
import subprocess
import time
import tomllib
import urllib.request
from pathlib import PurePosixPath
from urllib.error import URLError

import pytest
import yaml

from studio import memory
from tests.deploy import tools
from tests.deploy.tools import ROOT

DOCKERFILE = ROOT / "deploy" / "docker" / "Dockerfile"
SERVICES = ["gateway", "create", "edit", "upscale", "optimizer", "library"]


def stages() -> dict[str, list[tuple[str, str]]]:
    """The instructions of each stage, those of the stages it begins from included."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    found: dict[str, list[tuple[str, str]]] = {}
    name = ""
    for line in filter(None, map(str.strip, text.splitlines())):
        word, _, rest = line.partition(" ")
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            found[name] = [("FROM", base), *found.get(base, [])]
        elif name:
            found[name].append((word, re.sub(r"\s+", " ", rest)))
    return found


STAGES = stages()


def last(service: str, word: str) -> str:
    """What counts of an instruction: its last mention."""
    return [rest for one, rest in STAGES[service] if one == word][-1]


def test_hadolint_has_nothing_to_say():
    said = tools.run("hadolint", DOCKERFILE)
    assert (said.stdout, said.returncode) == ("", 0)


def test_checkov_has_nothing_to_say():
    assert tools.failed_policies(DOCKERFILE, "dockerfile") == []


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_runs_its_service_as_a_numbered_user_and_answers_for_its_health(service):
    module = json.loads(last(service, "ENTRYPOINT"))[-1]
    assert json.loads(last(service, "ENTRYPOINT"))[:2] == ["python", "-m"]
    assert ROOT.joinpath(*module.split("."), "__main__.py").exists()
    assert last(service, "USER") == "10001:10001"
    assert last(service, "HEALTHCHECK").endswith('CMD ["python", "-m", "studio.healthcheck"]')
    assert set(last(service, "EXPOSE").split()) == {"8080", "50051"}
    title = f'org.opencontainers.image.title="image-studio/{service}"'
    assert ("LABEL", title) in STAGES[service]


def test_every_base_image_has_a_tag_that_is_not_latest():
    bases = {
        rest for instructions in STAGES.values() for word, rest in instructions if word == "FROM"
    }
    assert bases - STAGES.keys() == {"${PYTHON_IMAGE}"}
    default = re.search(r"^ARG PYTHON_IMAGE=(\S+)$", DOCKERFILE.read_text(), re.MULTILINE)[1]
    assert re.fullmatch(r"python:3\.11-slim-\w+", default)
    assert default in (ROOT / "Makefile").read_text()


def test_an_image_is_labelled_with_what_the_registry_and_the_auditor_ask_for():
    labels = last("edit", "LABEL") + dict(STAGES["runtime"])["LABEL"]
    asked = ("title", "version", "revision", "source", "licenses")
    assert [one for one in asked if f"org.opencontainers.image.{one}=" not in labels] == []


def test_the_c_library_is_told_what_the_kernel_tells_it():
    assert f"MALLOC_ARENA_MAX={memory._ARENAS} " in last("runtime", "ENV")


def test_nothing_but_our_lines_is_written_to_the_log():
    """gRPC's C core would write its own words between lines that are JSON."""
    assert "GRPC_VERBOSITY=NONE " in last("runtime", "ENV")


@pytest.mark.parametrize("service", SERVICES)
def test_no_compiler_and_no_installer_is_in_an_image(service):
    run = " ".join(rest for word, rest in STAGES[service] if word == "RUN")
    assert "pip uninstall" in run
    assert not re.search(r"apt-get|pip install|gcc|build-essential", run)


def test_the_list_of_services_is_the_same_wherever_it_is_written():
    names = " ".join(SERVICES)
    assert DOCKERFILE.read_text().count(f"for service in {names};") == 2
    assert f"for service in {names};" in (ROOT / "Makefile").read_text()
    assert [name for name in STAGES if name in SERVICES] == SERVICES


def is_sent(path: str) -> bool:
    """Whether .dockerignore lets a path through to the builder: the last pattern decides."""
    places = [str(place) for place in (PurePosixPath(path), *PurePosixPath(path).parents)][:-1]
    sent = True
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.removeprefix("!").removeprefix("**/")
        if not line or line.startswith("#"):
            continue
        names = [PurePosixPath(place).name for place in places] if "**/" in line else places
        if any(fnmatch.fnmatchcase(name, pattern) for name in names):
            sent = line.startswith("!")
    return sent


def test_the_builder_is_sent_what_is_copied_and_nothing_private():
    private = (".venv/bin/python", ".venv-deploy/bin/checkov", "tests/conftest.py", ".git/HEAD",
               ".studio/blobs/a", "deploy/docker/.env", "services/edit/.env", "docs/events.md",
               "studio/__pycache__/a.pyc", "deploy/k8s/base/x.yaml", "README.md")  # fmt: skip
    assert [path for path in private if is_sent(path)] == []
    copied = (
        rest for instructions in STAGES.values() for word, rest in instructions if word == "COPY"
    )
    sources = {rest.split()[0] for rest in copied if not rest.startswith("--from")}
    assert [path for path in sources if not is_sent(path)] == []
    assert is_sent("services/edit/operations/text.py")
    assert is_sent("gateway/workflows/launch.yaml")


def test_every_file_of_the_packages_is_installed_with_them():
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    kept = [pattern.removeprefix("**/") for pattern in patterns["package-data"]["*"]]
    left_out = {
        str(file.relative_to(ROOT))
        for package in ("studio", "services", "gateway")
        for file in (ROOT / package).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
        if file.suffix not in {".py", ".pyi"}
        if not any(fnmatch.fnmatchcase(file.name, pattern) for pattern in kept)
    }
    assert left_out == set()


def test_the_sizes_on_record_are_of_these_images():
    recorded = yaml.safe_load((DOCKERFILE.parent / "sizes.yaml").read_text())
    assert list(recorded["images"]) == SERVICES
    for image in recorded["images"].values():
        assert image["besides"] + image["code"] + recorded["kernel"] == pytest.approx(
            image["total"], abs=2
        )


def test_make_images_without_an_engine_says_so_and_fails():
    asked = ["make", "images", "ENGINE=false"]
    said = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    assert said.returncode != 0
    assert "No container engine answers" in said.stderr


@pytest.fixture(scope="module")
def engine() -> str:
    """Docker or Podman, if it answers and is reachable."""
    for name in ("docker", "podman"):
        found = shutil.which(name)
        if (
            found
            and not subprocess.run([found, "info"], capture_output=True, check=False).returncode
        ):
            return found
    pytest.skip("no Docker or Podman engine answers: the images are not built and not started here")


@pytest.fixture(scope="module")
def container(engine: str):
    """The gateway's image, built, and run as the manifests run it; its address."""
    image = "image-studio/gateway:under-test"
    subprocess.run(
        [engine, "build", "-f", DOCKERFILE, "--target", "gateway", "-t", image, ROOT], check=True
    )
    limits = ["--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL"]
    started = subprocess.run(
        [engine, "run", "--detach", *limits, "--publish", "127.0.0.1::8080", image],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    name = started.stdout.strip()
    try:
        port = subprocess.check_output([engine, "port", name, "8080"], text=True).strip()
        yield name, f"http://{port.splitlines()[0]}"
    finally:
        subprocess.run([engine, "rm", "--force", name], check=True, capture_output=True)


@pytest.mark.timeout(1200)
def test_a_container_without_a_root_to_write_to_lives_and_is_not_ready_without_its_stores(
    container, engine
):
    name, url = container
    assert answer(f"{url}/livez", within=60) == 200
    assert answer(f"{url}/readyz") == 503
    check = [engine, "exec", name, "python", "-m", "studio.healthcheck"]
    assert subprocess.run(check, check=False).returncode == 0
    assert subprocess.run([engine, "stop", "--time", "60", name], check=False).returncode == 0
    state = subprocess.check_output(
        [engine, "inspect", "-f", "{{.State.ExitCode}}", name], text=True
    )
    assert state.strip() == "0", "SIGTERM was not what ended it"


def answer(url: str, within: float = 5) -> int:
    """The status, asked until something answers."""
    give_up = time.monotonic() + within
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answered:
                return answered.status
        except URLError as error:
            if code := getattr(error, "code", None):
                return code
            if time.monotonic() > give_up:
                raise
        time.sleep(0.5)
