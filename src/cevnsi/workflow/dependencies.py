"""What a result depends on: the modules that a Python file imports, directly and through others, and all code."""

import ast
import hashlib
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[1]


def module_file(name: str) -> Path | None:
    """File of a module or subpackage of the package, by its dotted name without the package's own; None if none.

    >>> module_file("workflow.dependencies") == Path(__file__), module_file("numpy")
    (True, None)
    """
    place = PACKAGE.joinpath(*name.split("."))
    found = (path for path in (place.parent / f"{place.name}.py", place / "__init__.py") if path.exists())
    return next(found, None) if name else None


@cache
def direct_imports(file: Path) -> frozenset[str]:
    """Dotted names of the package's modules and subpackages that one file imports anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == PACKAGE.name:
            inside = node.module.split(".")[1:]
            for alias in node.names:
                inner = ".".join([*inside, alias.name])
                names.add(inner if module_file(inner) else ".".join(inside))
        elif isinstance(node, ast.Import):
            names |= {
                a.name.removeprefix(f"{PACKAGE.name}.") for a in node.names if a.name.startswith(f"{PACKAGE.name}.")
            }
    return frozenset(name for name in names if module_file(name))


def _with_parents(name: str) -> set[str]:
    """A module and the subpackages that it is in, which Python loads first."""
    parts = name.split(".")
    return {".".join(parts[:i]) for i in range(1, len(parts) + 1)}


def module_files(file: Path) -> list[Path]:
    """Files of all modules of the package that a file needs, subpackages included, sorted."""
    found: dict[str, Path] = {}
    todo = set().union(*map(_with_parents, direct_imports(file)))
    while todo:
        name = todo.pop()
        if path := module_file(name):
            found[name] = path
            todo |= set().union(*map(_with_parents, direct_imports(path))) - found.keys()
    return sorted(found.values())


def code_digest(package: Path = PACKAGE) -> str:
    """sha256 of a package's code: relative paths and bytes of its .py and .yaml files, wherever it is installed."""
    files = {p.relative_to(package).as_posix(): p for p in package.rglob("*") if p.suffix in (".py", ".yaml")}
    listed = [f"{hashlib.sha256(files[name].read_bytes()).hexdigest()}  {name}\n" for name in sorted(files)]
    return hashlib.sha256("".join(listed).encode()).hexdigest()
