"""Docstrings are reStructuredText that renders without a remark, and say what shapes arrays have and what is raised."""

import ast
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from docutils.core import publish_doctree

from cevnsi.workflow.dependencies import PACKAGE

SCRIPTS = PACKAGE.parents[1] / "workflow" / "scripts"
FILES = sorted([*PACKAGE.rglob("*.py"), *SCRIPTS.glob("*.py")])


def remarks(text: str) -> str:
    """What docutils has to say of a text, its least remarks included."""
    said = io.StringIO()
    publish_doctree(text, settings_overrides={"report_level": 1, "halt_level": 5, "warning_stream": said})
    return said.getvalue()


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_docstrings_render(path: Path) -> None:
    said = {}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and (text := ast.get_docstring(node)):
            said[getattr(node, "name", "")] = remarks(text)
    assert said
    assert {name: remark for name, remark in said.items() if remark} == {}


@pytest.mark.parametrize("text", ["a *star", "a name_ with an underscore", "  - a list\n without an end", "|x|"])
def test_what_does_not_render_is_seen(text: str) -> None:
    assert remarks(text)


ARRAYS = re.compile(r"\b(FloatArray|IntArray|NDArray|Real|Number)\b")
AXIS = r"(\.\.\.|[a-z0-9][\w *+-]*)"
# A parenthesis of axes, (points, bins), (bins,) or (...), or words that say as much.
SHAPE = re.compile(
    rf"\({AXIS},( {AXIS},)*( {AXIS})?\)|\(\.\.\.\)|\b(any|same|in its|in their|of their|in this|of this) shape|"
    r"\b[Ii]n the shapes? (of|that)\b|\bthe shape is\b|\bwhatever the shapes\b|\bshapes are left\b|"
    r"\bbroadcasts?\b|\bscalars?\b"
)
# Of what cannot be: nobody need expect it.
FAULTS = {"AssertionError"}


def functions(tree: ast.Module | ast.ClassDef, within: str = "") -> Iterator[tuple[str, ast.FunctionDef]]:
    """Public functions and methods, those that are called as an object is and those that check a new one among them."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from functions(node, f"{within}{node.name}.")
        if isinstance(node, ast.FunctionDef) and (
            not node.name.startswith("_") or node.name in ("__call__", "__post_init__")
        ):
            yield f"{within}{node.name}", node


def has_arrays(function: ast.FunctionDef) -> bool:
    """Whether a parameter is an array or something is of arrays that is returned."""
    arguments = function.args
    listed = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    said = [each.annotation for each in listed if each is not None] + [function.returns]
    return any(ARRAYS.search(ast.unparse(each)) for each in said if each is not None)


def raised(function: ast.FunctionDef) -> set[str]:
    """Classes of the errors that a function raises itself; one that was caught and is raised again is not named."""
    found = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Raise) and node.exc is not None:
            made = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            found.add(ast.unparse(made).split(".")[-1])
    return {name for name in found - FAULTS if name[0].isupper()}


def unsaid(source: str) -> dict[str, list[str]]:
    """What docstrings of a module do not say, by function: shapes of arrays, and errors."""
    found = {}
    for name, function in functions(ast.parse(source)):
        said, *_ = (ast.get_docstring(function) or "").split(">>>")  # an example may hold any parenthesis
        missing = ["shape"] if has_arrays(function) and not SHAPE.search(said) else []
        missing += sorted(error for error in raised(function) if error not in said)
        if missing:
            found[name] = missing
    return found


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_docstrings_say_shapes_and_errors(path: Path) -> None:
    assert unsaid(path.read_text(encoding="utf-8")) == {}


MADE_UP = '''
def shapeless(x: FloatArray) -> float:
    """The largest of all (see Eq. 3), in MeV."""


def returned() -> dict[str, tuple[Real, Real]]:
    """Ends by name (Klein and Nystrand, hep-ph/9909237)."""


def in_example(x: FloatArray) -> FloatArray:
    """Twice a number.

    >>> in_example(twice(n, 1))
    2
    """


def shaped(x: FloatArray, *, y: FloatArray) -> None:
    """Of x (points, bins) and y (bins,)."""


def plain(x: Real) -> Real:
    """Twice a number of any shape."""


class Record:
    def __post_init__(self) -> None:
        """Refuse what is none."""
        if not self:
            raise ValueError("none")

    def method(self) -> float:
        """A number; ConfigError without one."""
        if not self:
            raise ConfigError("no number")
        raise files.TableError("no table")

    def caught(self) -> None:
        """What it does."""
        try:
            self.method()
        except ValueError as error:
            raise error from None
        raise AssertionError("cannot be")


class _Record:
    def method(self, x: FloatArray) -> float:
        raise ValueError
'''


def test_what_is_not_said_is_seen() -> None:
    assert unsaid(MADE_UP) == {
        "shapeless": ["shape"],
        "returned": ["shape"],
        "in_example": ["shape"],
        "Record.__post_init__": ["ValueError"],
        "Record.method": ["TableError"],
    }
