"""Docstrings are reStructuredText that renders without a remark."""

import ast
import io
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
