"""What a result depends on: the modules that a Python file imports, directly and through others, and all code."""

import ast
import hashlib
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent


@cache
def direct_imports(file: Path) -> frozenset[str]:
    """Names of the package's modules that one file imports anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "cevnsi":
            tail = node.module.split(".")[1:]
            names |= {tail[0]} if tail else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {a.name.split(".")[1] for a in node.names if a.name.startswith("cevnsi.")}
    return frozenset(name for name in names if (PACKAGE / f"{name}.py").exists())


def module_files(file: Path) -> list[Path]:
    """Files of all modules of the package that a file needs, sorted."""
    found: set[str] = set()
    todo = set(direct_imports(file))
    while todo:
        name = todo.pop()
        found.add(name)
        todo |= direct_imports(PACKAGE / f"{name}.py") - found
    return sorted(PACKAGE / f"{name}.py" for name in found)


def code_digest(package: Path = PACKAGE) -> str:
    """sha256 of a package's code: relative paths and bytes of its .py and .yaml files, wherever it is installed."""
    files = {p.relative_to(package).as_posix(): p for p in package.rglob("*") if p.suffix in (".py", ".yaml")}
    listed = [f"{hashlib.sha256(files[name].read_bytes()).hexdigest()}  {name}\n" for name in sorted(files)]
    return hashlib.sha256("".join(listed).encode()).hexdigest()
