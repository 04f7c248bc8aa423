"""The notebook: every cell runs, and shows what is kept in it."""

import ast
import re
import runpy
from pathlib import Path
from typing import Any

import nbformat
import pytest

from project import ROOT

TOUR = ROOT / "docs" / "tour.ipynb"
EXECUTED = runpy.run_path(str(ROOT / "docs" / "tour.py"))["executed"]
NUMBER = re.compile(r"-?\d+\.?\d*(?:e[-+]?\d+)?")


def shown(notebook: Any) -> list[tuple[list[str], str, list[float]]]:
    """Of every cell of code the kinds of what it shows, and its text apart from numbers, and these."""
    found = []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            kinds = [kind for output in cell.outputs for kind in sorted(output.get("data", {output.output_type: ""}))]
            text = "\n".join(str(o.get("data", {}).get("text/plain", o.get("text", ""))) for o in cell.outputs)
            words = re.sub(r"\s+", " ", NUMBER.sub("#", text))
            found.append((kinds, words, [float(number) for number in NUMBER.findall(text)]))
    return found


@pytest.fixture(scope="module")
def kept() -> Any:
    return nbformat.read(TOUR, as_version=4)


def differences(kept: Any, now: Any) -> list[tuple[Any, Any]]:
    """What cells show otherwise; two toys that another processor ranks the other way move a critical value by 1e-3."""
    pairs = zip(shown(kept), shown(now), strict=True)
    return [(a, b) for a, b in pairs if a[:2] != b[:2] or a[2] != pytest.approx(b[2], rel=2e-3, abs=1e-5)]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
def test_cells_show_what_is_kept(kept: Any) -> None:
    assert differences(kept, EXECUTED(TOUR)) == []


def test_what_differs_is_seen(kept: Any) -> None:
    text = nbformat.writes(kept)
    assert differences(kept, nbformat.reads(text, as_version=4)) == []
    for old, new in (("147.94", "147.54"), ("image/png", "image/svg+xml"), ("sigma; chi2", "sigma, chi2")):
        assert old in text
        assert differences(kept, nbformat.reads(text.replace(old, new), as_version=4)) != [], old


def test_an_error_of_a_cell_is_raised(tmp_path: Path) -> None:
    broken = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 / 0")])
    nbformat.write(broken, tmp_path / "broken.ipynb")
    with pytest.raises(Exception, match="ZeroDivisionError"):
        EXECUTED(tmp_path / "broken.ipynb")


def test_every_public_name_is_used(kept: Any) -> None:
    """The names that `dir(cevnsi)` shows are those that the tour is about."""
    import cevnsi

    code = "\n".join(cell.source for cell in kept.cells if cell.cell_type == "code").replace("%matplotlib", "#")
    nodes = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Attribute)]
    used = {node.attr for node in nodes if isinstance(node.value, ast.Name) and node.value.id == "cevnsi"}
    assert used == {*cevnsi.__all__} - {"ConfigError"}  # which nothing of it raises
