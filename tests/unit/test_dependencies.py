"""Imports run one way, and importing the library brings in nothing that it need not."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cevnsi.dependencies import PACKAGE, code_digest, direct_imports, module_files

MODULES = {path.stem: path for path in PACKAGE.glob("*.py") if path.stem != "__init__"}

# Layers from the bottom; a module imports from lower ones, or from its own without a circle.
LAYERS = [
    [
        "constants",
        "tables",
        "regions",
        "provenance",
        "dependencies",
        "run_folder",
        "strict_yaml",
        "lines",
        "intervals",
        "descent",
        "progress",
    ],
    [
        "nuclei",
        "form_factors",
        "flux",
        "interactions",
        "cross_section",
        "muon_g2",
        "inputs",
        "run_record",
        "rule_graph",
    ],
    ["detector"],
    ["templates", "config"],
    ["likelihood", "spectra"],
    ["profile", "loading"],
    ["scan"],
    ["limits"],
    ["grids", "from_config", "points", "config_keys"],
    ["sensitivity", "figures", "captions"],
    ["scorecard"],
    ["hepdata", "__main__", "report", "digitization"],
]
LAYER = {name: i for i, names in enumerate(LAYERS) for name in names}
PHYSICS = (
    "nuclei",
    "form_factors",
    "flux",
    "interactions",
    "cross_section",
    "detector",
    "templates",
    "likelihood",
    "lines",
    "intervals",
    "descent",
)
PRESENTATION = {
    "figures",
    "regions",
    "limits",
    "tables",
    "grids",
    "scorecard",
    "sensitivity",
    "digitization",
    "inputs",
    "loading",
    "provenance",
    "hepdata",
}
PRESENTATION |= {"captions", "report", "rule_graph", "run_record"}


def imports(path: Path) -> set[str]:
    """Top-level names of everything that a file imports, wherever in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: a relative import"
            names.add((node.module or "").split(".")[0])
    return names


def test_every_module_has_a_layer() -> None:
    assert sorted(LAYER) == sorted(MODULES)


@pytest.mark.parametrize("name", MODULES)
def test_no_arrow_runs_back(name: str) -> None:
    backwards = {other for other in direct_imports(MODULES[name]) if LAYER[other] > LAYER[name]}
    assert backwards == set()


@pytest.mark.parametrize("name", MODULES)
def test_no_module_needs_itself(name: str) -> None:
    assert MODULES[name] not in module_files(MODULES[name])


@pytest.mark.parametrize("name", [*PHYSICS, "profile", "scan"])
def test_physics_sees_no_files_and_no_figures(name: str) -> None:
    assert {path.stem for path in module_files(MODULES[name])} & PRESENTATION == set()


@pytest.mark.parametrize("name", ["likelihood", "lines", "intervals", "descent"])
def test_mathematics_know_no_physics(name: str) -> None:
    assert direct_imports(MODULES[name]) == set()


def test_regions_and_figures_see_tables_only() -> None:
    assert direct_imports(MODULES["regions"]) == set()
    assert direct_imports(MODULES["figures"]) <= {"regions", "tables"}


@pytest.mark.parametrize("name", MODULES)
def test_the_library_knows_no_workflow(name: str) -> None:
    assert imports(MODULES[name]) & {"snakemake", "pandas", "runner"} == set()


@pytest.mark.parametrize("name", [name for name in MODULES if name != "tables"])
def test_only_tables_knows_file_formats(name: str) -> None:
    assert imports(MODULES[name]) & {"pyarrow", "csv"} == set()


def test_needed_files_are_the_modules_that_python_loads() -> None:
    code = "import sys, cevnsi.scan; print(*(m[7:] for m in sys.modules if m.startswith('cevnsi.')))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {path.stem for path in module_files(MODULES["scan"])} | {"scan"} == set(loaded)


def test_needed_files_of_a_script(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import cevnsi.flux\nimport numpy\nfrom cevnsi import nuclei, __version__\nfrom pathlib import Path\n"
        "def f():\n    from cevnsi.muon_g2 import coupling_band\n",
        encoding="utf-8",
    )
    assert direct_imports(script) == {"flux", "nuclei", "muon_g2"}
    expected = sorted(MODULES[name] for name in ("constants", "flux", "muon_g2", "nuclei"))
    assert module_files(script) == expected


def test_the_same_code_has_the_same_digest_wherever_it_is(tmp_path: Path) -> None:
    installed = tmp_path / "elsewhere"
    shutil.copytree(PACKAGE, installed)
    (installed / "__pycache__").mkdir(exist_ok=True)
    (installed / "__pycache__" / "flux.cpython-311.pyc").write_bytes(b"compiled")
    assert code_digest(installed) == code_digest(PACKAGE) == code_digest()


@pytest.mark.parametrize("name", sorted(path.name for path in PACKAGE.iterdir() if path.is_file()))
def test_other_code_has_another_digest(name: str, tmp_path: Path) -> None:
    """Whichever file of the package is edited, lost or renamed; only the mark of a typed package says nothing."""
    found = {code_digest()}
    for change in ("edited", "lost", "renamed"):
        package = tmp_path / change
        shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
        path = package / name
        if change == "edited":
            path.write_bytes(path.read_bytes() + b"\n")
        elif change == "lost":
            path.unlink()
        else:
            path.rename(package / f"new_{name}")
        found.add(code_digest(package))
    assert len(found) == (1 if name == "py.typed" else 4)


LIGHT = """
import importlib, sys, tempfile, numpy
from pathlib import Path
names = sys.argv[1:]
for name in names:
    importlib.import_module("cevnsi." + name)
print(*sorted(m for m in ("matplotlib", "pandas", "snakemake", "jinja2", "plotly") if m in sys.modules))
importlib.import_module("cevnsi.figures")
from cevnsi.tables import read_parquet, write_parquet
path = Path(tempfile.mkdtemp()) / "t.parquet"
write_parquet(path, {"a": numpy.arange(3.0), "b": ["x", "y", "z"]})
read_parquet(path)
path.unlink()
print(*sorted(m for m in ("matplotlib.pyplot", "pandas", "snakemake") if m in sys.modules))
"""


def test_importing_brings_in_no_plotting_and_no_pandas() -> None:
    names = [name for name in MODULES if name not in ("figures", "hepdata")]
    done = subprocess.run([sys.executable, "-c", LIGHT, *names], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["", ""]


def test_a_chunk_does_not_wait_for_scipy() -> None:
    """Which takes longer to import than most chunks take to compute; where a minimum is followed down it is needed."""
    code = "import sys, cevnsi.scan, cevnsi.limits, cevnsi.grids, cevnsi.loading; print('scipy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_figures_do_bring_in_matplotlib() -> None:
    """So that the test above can see it if another module does."""
    code = "import sys, cevnsi.figures; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"
