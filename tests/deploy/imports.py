"""What a service imports, directly or through what it imports, and who provides it."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import distributions
from pathlib import Path

from tests.deploy.tools import ROOT

OURS = {"studio", "services", "gateway"}


def package_of(service: str) -> Path:
    """Find the folder of a service's own package."""
    return ROOT / ("gateway" if service == "gateway" else f"services/{service}")


def modules(service: str) -> set[Path]:
    """List every module of ours that may run in the service's process: its own, and what they
    import at any time (an import inside a function counts, one for types alone does not).
    """
    found = set[Path]()
    waiting = [*package_of(service).rglob("*.py"), ROOT / "studio" / "healthcheck.py"]
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting += [file for name in imported(module) for file in files_of(name)]
    return found


def foreign(service: str) -> dict[str, Path]:
    """Name what those modules import of others, by dotted name, with one module that does."""
    found = {
        name: module
        for module in sorted(modules(service), reverse=True)
        for name in imported(module)
        if name.partition(".")[0] not in OURS | sys.stdlib_module_names
    }
    above = {name.rpartition(".")[0] for name in found}  # `opentelemetry` alone is nobody's
    return {name: module for name, module in found.items() if provider(name) or name not in above}


@cache
def imported(module: Path) -> frozenset[str]:
    """Name what one file imports: `a.b` for `import a.b`, `a` and `a.b` for `from a import b`."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    return frozenset(name for node in run_nodes(tree) for name in names_in(node))


def run_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Walk everything but the branches that only a type checker takes."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from run_nodes(child)


def names_in(node: ast.AST) -> set[str]:
    """Name what this statement imports; nothing here imports relatively."""
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names}
    if isinstance(node, ast.ImportFrom):
        assert node.module, "a relative import"
        return {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return set()


def files_of(name: str) -> list[Path]:
    """Find the files of ours that importing this name runs: the module, and the packages above."""
    parts = name.split(".")
    if parts[0] not in OURS:
        return []
    places = [ROOT.joinpath(*parts[: count + 1]) for count in range(len(parts))]
    candidates = [
        file for place in places for file in (place / "__init__.py", place.with_suffix(".py"))
    ]
    return [file for file in candidates if file.exists()]


@cache
def providers() -> dict[str, set[str]]:
    """Map every module path of the installed distributions (`a/b`) to those that hold it."""
    found = dict[str, set[str]]()
    for one in distributions():
        name = one.metadata["Name"].replace("_", "-").lower()
        for file in one.files or ():
            place = (
                file.parent if file.name == "__init__.py" else file.parent / file.name.split(".")[0]
            )
            if file.suffix in {".py", ".so"}:
                found.setdefault(place.as_posix(), set()).add(name)
    return found


def provider(name: str) -> set[str]:
    """Name who can provide `a.b.c`: the distributions with the longest part that is a module."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        if holders := providers().get("/".join(parts[:count])):
            return holders
    return set()
