"""The locked files: what they pin, how they fit each other, and that what is installed here is what they say."""

import ast
import re
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from project import ROOT

ENVS = ROOT / "envs"
LOCKS = ("requirements", "checks", "docs", "browser", "uv")
LAID_OVER = [("checks", "requirements"), ("docs", "requirements"), ("docs", "checks"), ("browser", "requirements")]


def asked(name: str) -> dict[str, Requirement]:
    """What a file of requirements asks for, by name."""
    lines = (ENVS / f"{name}.in").read_text(encoding="utf-8").splitlines()
    wanted = [Requirement(line) for line in lines if line and not line.startswith("#")]
    assert len({each.name for each in wanted}) == len(wanted)
    return {canonicalize_name(each.name): each for each in wanted}


def blocks(name: str) -> list[str]:
    """A locked file, one package after the other."""
    return re.split(r"\n(?=\S)", (ENVS / f"{name}.lock").read_text(encoding="utf-8").rstrip())


def pinned(name: str) -> list[Requirement]:
    """What a locked file pins; a package stands twice where versions of Python differ."""
    return [Requirement(block.splitlines()[0].removesuffix("\\")) for block in blocks(name)]


def holds(requirement: Requirement, extras: Iterable[str] = ("",)) -> bool:
    """Whether it is of this platform and this Python, or of one of the extras."""
    return requirement.marker is None or any(requirement.marker.evaluate({"extra": extra}) for extra in extras)


def here(name: str) -> dict[str, str]:
    """Versions that a locked file pins for this platform and this Python."""
    found = [(each.name, str(each.specifier).removeprefix("==")) for each in pinned(name) if holds(each)]
    assert len(dict(found)) == len(found)
    return dict(found)


def installed(name: str) -> str:
    """The version that is installed, or none."""
    try:
        return distribution(name).version
    except PackageNotFoundError:
        return ""


def needed(roots: Iterable[Requirement]) -> set[str]:
    """Names of packages and of all that they need in turn, as the installed ones say."""
    found: set[tuple[str, str]] = set()
    todo = list(roots)
    while todo:
        each = todo.pop()
        name = canonicalize_name(each.name)
        for extra in ("", *each.extras):
            if (name, extra) not in found:
                found.add((name, extra))
                todo += [one for one in map(Requirement, distribution(name).requires or ()) if holds(one, [extra])]
    return {name for name, _ in found}


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_pins_every_requirement_with_hashes_and_no_address(name: str) -> None:
    wanted = asked(name)
    assert set(wanted) <= {each.name for each in pinned(name)}
    for each in pinned(name):
        (version,) = each.specifier
        assert version.operator == "=="
        assert each.name not in wanted or version.version in wanted[each.name].specifier
    hashed = r"[a-z0-9-]+==\S+( ; .*)?( \\\n    --hash=sha256:[0-9a-f]{64})+"
    assert [block for block in blocks(name) if not re.fullmatch(hashed, block)] == []


@pytest.mark.parametrize(("name", "below"), LAID_OVER)
def test_a_lock_that_is_laid_over_another_changes_nothing_of_it(name: str, below: str) -> None:
    base = {(each.name, str(each.specifier)) for each in pinned(below)}
    over = {(each.name, str(each.specifier)) for each in pinned(name)}
    names = {each[0] for each in base}
    assert {each for each in over if each[0] in names} <= base


@pytest.mark.parametrize("name", ["requirements", "checks"])
def test_a_lock_holds_what_is_asked_for_and_what_that_needs_alone(name: str) -> None:
    assert set(here(name)) == needed(asked(name).values())


@pytest.mark.parametrize("name", ["requirements", "checks"])
def test_what_is_installed_is_what_is_locked(name: str) -> None:
    """Whichever tool installed it."""
    assert {package: installed(package) for package in here(name)} == here(name)


RUN = (
    "src/cevnsi",
    "workflow",
    "benchmarks",
    "tests/support/project.py",
    "tests/reference/verify.py",
    "docs/generate.py",
)


def files(places: Iterable[str]) -> Iterator[Path]:
    """Python files in folders, or the file itself."""
    for place in places:
        path = ROOT / place
        yield from sorted(path.rglob("*.py")) if path.is_dir() else [path]


def imported(paths: Iterable[Path]) -> set[str]:
    """Names of packages that are imported, wherever in a file."""
    names: set[str] = set()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names.add((node.module or "").split(".")[0])
    known = packages_distributions()
    return {canonicalize_name(found) for name in names for found in known.get(name, ())}


def test_a_run_asks_for_what_it_imports_and_for_nothing_of_the_checks() -> None:
    assert imported(files(RUN)) - {"cevnsi"} <= set(asked("requirements"))
    assert not set(asked("requirements")) & set(asked("checks"))
    assert imported([Path(__file__)]) == {"pytest", "packaging"}  # such as what would be seen
