"""What a container engine would be told: compose files merged, variables filled in, checked.

    .venv-deploy/bin/python deploy/checks/compose.py [--env-file FILE] compose.yaml [override.yaml]

Prints the effective compose file, or says what is wrong and exits with 1. No engine is needed.
`docker compose config` does the same where it is installed; this works on every machine.
"""

import subprocess
import sys
from pathlib import Path

from compose_spec import PyCompose


def rendered(arguments: list[str]) -> str:
    """Merge and fill in with podman-compose.

    It asks for podman's version before anything else, and `config` never calls podman again:
    this interpreter answers the question. ValueError: a file is missing, is no YAML, or a
    required variable has no value.
    """
    options = list[str]()
    while arguments and arguments[0].startswith("--"):
        options += [arguments.pop(0), arguments.pop(0)]
    for file in arguments:
        options += ["--file", file]
    podman_compose = Path(sys.executable).with_name("podman-compose")
    command = [str(podman_compose), "--podman-path", sys.executable, *options, "config"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if found.returncode:
        raise ValueError(found.stderr.strip().splitlines()[-1])
    return found.stdout


def main() -> int:
    """Print the effective file; 1 and a sentence where it breaks the specification."""
    try:
        text = rendered(sys.argv[1:])
        PyCompose.from_yaml(text)
    except ValueError as wrong:
        print(wrong, file=sys.stderr)
        return 1
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
