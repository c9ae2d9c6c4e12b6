"""The check tools of `.venv-deploy`, and the three questions that deploy/checks answers.

`make test` installs them. Where one is missing, or made for another machine, the tests that ask
for it are skipped and say so.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CHECKS = ROOT / "deploy" / "checks"
VENV = ROOT / ".venv-deploy"
KUBERNETES = ("1.31", "1.37")  # the oldest and the newest version we say we run on


class Checked(NamedTuple):
    """What became of one manifest."""

    kind: str
    name: str
    by: str | None  # what it was held against; None: nothing here knows this kind
    problems: list[str]


class Query(NamedTuple):
    """What a PromQL expression says."""

    problem: str | None
    metrics: list[str]
    labels: list[str]


#: Where a tool comes from that no pinned package has.
_FROM = {"promtool": "Debian has it in `prometheus`; the rules were only parsed"}


@cache
def tool(name: str) -> Path:
    """Find the pinned tool, or one on the PATH; otherwise the test is skipped, aloud."""
    for found in (VENV / "bin" / name, shutil.which(name)):
        if found and runs(Path(found)):
            return Path(found)
    pytest.skip(f"{name} is not installed; {_FROM.get(name, '`make tools` installs it')}")


def runs(path: Path) -> bool:
    """Tell whether this machine can run the file (it may be made for another processor)."""
    asks = ["version", "--client"] if path.name == "kubectl" else ["--version"]
    try:
        return not subprocess.run([path, *asks], capture_output=True, check=False).returncode
    except OSError:
        return False


def run(
    name: str, *arguments: str | Path, stdin: str = "", env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a tool in the root of the repository; its exit code is the caller's to judge."""
    return subprocess.run(
        [tool(name), *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=170,
        cwd=ROOT,
        env={**os.environ, **(env or {})},
    )


@cache
def rendered(folder: Path) -> list[dict[str, Any]]:
    """Render a kustomization: what `kubectl apply -k` would send."""
    made = run("kubectl", "kustomize", folder)
    assert made.returncode == 0, made.stderr
    return [document for document in yaml.safe_load_all(made.stdout) if document]


def check_manifests(
    documents: Sequence[Mapping[str, Any]], versions: Sequence[str] = KUBERNETES
) -> list[Checked]:
    """Hold manifests against their schemas, strictly; in the order given."""
    stdin = yaml.safe_dump_all([dict(document) for document in documents])
    answered = run("python", CHECKS / "manifests.py", *versions, stdin=stdin)
    assert answered.returncode == 0, answered.stderr
    return [Checked(**said) for said in json.loads(answered.stdout)]


def parse_queries(expressions: Sequence[str]) -> list[Query]:
    """Parse PromQL; in the order given."""
    answered = run("python", CHECKS / "promql.py", stdin=json.dumps(list(expressions)))
    assert answered.returncode == 0, answered.stderr
    return [Query(**said) for said in json.loads(answered.stdout)]


def effective_compose(
    *files: Path, env_file: Path | None = None, env: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Merge compose files and fill in their variables; ValueError says what is wrong with them."""
    options = ("--env-file", env_file) if env_file else ()
    answered = run("python", CHECKS / "compose.py", *options, *files, env=env)
    if answered.returncode:
        raise ValueError(answered.stderr.strip())
    found = yaml.safe_load(answered.stdout)
    assert isinstance(found, dict)
    return found


def failed_policies(path: Path, framework: str) -> list[str]:
    """Ask checkov, offline: one line `<check> <resource> <what>` for each policy not met.

    framework: `kubernetes` (a folder or a file of rendered manifests), `dockerfile`.
    An exception is written beside what it excuses: an annotation `checkov.io/skip1: CKV_…=why`
    of the object, a comment `# checkov:skip=CKV_…: why` in the Dockerfile.
    """
    where = ("--directory" if path.is_dir() else "--file", path)
    how = ("--skip-download", "--quiet", "--compact", "--output", "json")
    answered = run("checkov", *where, "--framework", framework, *how, env={"LOG_LEVEL": "ERROR"})
    report = json.loads(answered.stdout)
    assert "results" in report, f"checkov found nothing to check: {report}"
    return [
        f"{failed['check_id']} {failed['resource']} {failed['check_name']}"
        for failed in report["results"]["failed_checks"]
    ]


def yaml_problems(*paths: Path) -> list[str]:
    """Lint YAML files or folders by deploy/checks/yamllint.yaml."""
    found = run(
        "yamllint", "--format", "parsable", "--config-file", CHECKS / "yamllint.yaml", *paths
    )
    return found.stdout.splitlines()
