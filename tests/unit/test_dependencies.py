"""Imports run one way, by folder, and importing the library brings in nothing that it need not."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cevnsi.physics.interactions import INTERACTIONS
from cevnsi.workflow.dependencies import PACKAGE, code_digest, direct_imports, module_file, module_files

FILES = [path for path in sorted(PACKAGE.rglob("*.py")) if path != PACKAGE / "__init__.py"]
# Folders, or modules beside them, from the bottom: one imports from those before it, and within itself.
ORDER = [
    ("constants", "parameters", "arrays", "references", "files", "statistics"),
    ("workflow", "physics"),
    ("experiments",),
    ("templates",),
    ("model",),
    ("domains", "fits", "toys"),
    ("fast",),
    ("scans",),
    ("config", "output"),
    ("studies", "shown"),
    ("questions",),
    ("__main__",),
]
RANK = {place: i for i, places in enumerate(ORDER) for place in places}


def place(name: str) -> str:
    """The folder of a module, or the module itself where it lies beside the folders."""
    return name.split(".")[0]


def dotted(path: Path) -> str:
    """Name of a module by its file, without the package's own."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


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


def arrows_back(path: Path) -> set[tuple[str, str]]:
    """Which folders a file imports from that come after its own."""
    mine = RANK[place(dotted(path))]
    later = {place(name) for name in direct_imports(path) if RANK[place(name)] > mine}
    return {(path.relative_to(PACKAGE).as_posix(), name) for name in later}


def test_every_folder_has_its_place() -> None:
    assert {place(dotted(path)) for path in FILES} == set(RANK)


def test_no_arrow_runs_back() -> None:
    assert {arrow for path in FILES for arrow in arrows_back(path)} == set()


def test_places_side_by_side_do_not_go_round() -> None:
    """Of places of one rank one may use the other, but not both each other."""
    used = {(place(dotted(path)), place(name)) for path in FILES for name in direct_imports(path)}
    assert {pair for pair in used if pair[0] < pair[1] and pair[::-1] in used} == set()


@pytest.mark.parametrize("path", [path for path in FILES if path.stem != "__init__"], ids=dotted)
def test_no_module_needs_itself(path: Path) -> None:
    assert path not in module_files(path)


@pytest.mark.parametrize("path", sorted((PACKAGE / "physics").rglob("*.py")), ids=dotted)
def test_physics_sees_neither_files_nor_experiments_nor_anything_shown(path: Path) -> None:
    assert {place(dotted(file)) for file in module_files(path)} <= {"physics", "parameters", "arrays", "constants"}


@pytest.mark.parametrize("name", ["intervals", "descent", "interpolation", "thresholds", "toys"])
def test_mathematics_know_no_physics(name: str) -> None:
    assert direct_imports(PACKAGE / "statistics" / f"{name}.py") <= {"arrays"}


@pytest.mark.parametrize("path", FILES, ids=dotted)
def test_the_library_knows_no_workflow_manager(path: Path) -> None:
    frames = {"pandas"} if dotted(path) == "shown" else set()
    assert imports(path) & {"snakemake", "pandas", "runner"} == frames


@pytest.mark.parametrize("path", [path for path in FILES if dotted(path) != "files.tables"], ids=dotted)
def test_only_tables_knows_file_formats(path: Path) -> None:
    assert imports(path) & {"pyarrow", "csv"} == set()


def test_needed_files_are_the_modules_that_python_loads() -> None:
    code = "import sys, cevnsi.scans.rows; print(*(m[7:] for m in sys.modules if m.startswith('cevnsi.')))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    rows = PACKAGE / "scans" / "rows.py"
    assert {dotted(path) for path in module_files(rows)} | {"scans", "scans.rows"} == set(loaded)


def test_needed_files_of_a_script(tmp_path: Path) -> None:
    """Modules of subpackages too, however they are imported, and the subpackages themselves."""
    script = tmp_path / "script.py"
    script.write_text(
        "import cevnsi.physics.flux\nimport numpy\nfrom cevnsi.physics import nuclei\nfrom cevnsi import __version__\n"
        "from pathlib import Path\ndef f():\n    from cevnsi.physics.muon_g2 import coupling_band\n",
        encoding="utf-8",
    )
    assert direct_imports(script) == {"physics.flux", "physics.nuclei", "physics.muon_g2"}
    found = {dotted(path) for path in module_files(script)}
    assert {"constants", "physics", "physics.flux", "physics.muon_g2", "physics.nuclei"} <= found
    assert {place(name) for name in found} <= {"constants", "arrays", "physics"}


def test_every_script_lists_modules_of_subpackages() -> None:
    """One that imports from a subpackage would else list no code as input, and an edit would rerun nothing."""
    none_of_its_own = ("runner", "figures")  # which calls others; its rule lists them beside it
    folder = PACKAGE.parents[1] / "workflow" / "scripts"
    scripts = [path for path in folder.glob("*.py") if path.stem not in none_of_its_own]
    assert len(scripts) > 10
    for script in scripts:
        assert [path for path in module_files(script) if path.parent != PACKAGE], script.name


def test_a_file_of_a_module_or_of_none() -> None:
    assert module_file("physics.flux") == PACKAGE / "physics" / "flux.py"
    assert module_file("physics") == PACKAGE / "physics" / "__init__.py"
    assert module_file("physics.nothing") is None
    assert module_file("") is None


def test_the_same_code_has_the_same_digest_wherever_it_is(tmp_path: Path) -> None:
    installed = tmp_path / "elsewhere"
    shutil.copytree(PACKAGE, installed)
    (installed / "__pycache__").mkdir(exist_ok=True)
    (installed / "__pycache__" / "flux.cpython-311.pyc").write_bytes(b"compiled")
    assert code_digest(installed) == code_digest(PACKAGE) == code_digest()


EVERY_FILE = sorted(
    path.relative_to(PACKAGE).as_posix()
    for path in PACKAGE.rglob("*")
    if path.is_file() and "__pycache__" not in path.parts
)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package. Tests leave it as they found it."""
    return Path(shutil.copytree(PACKAGE, tmp_path_factory.mktemp("package") / "cevnsi", ignore=NO_BYTECODE))


NO_BYTECODE = shutil.ignore_patterns("__pycache__")


@pytest.mark.parametrize("name", EVERY_FILE)
def test_other_code_has_another_digest(name: str, package: Path) -> None:
    """Whichever file of the package is edited, lost or renamed; only the mark of a typed package says nothing."""
    assert code_digest(package) == code_digest()
    path, found = package / name, {code_digest()}
    content, renamed = path.read_bytes(), path.with_name(f"new_{path.name}")
    path.write_bytes(content + b"\n")
    found.add(code_digest(package))
    path.unlink()
    found.add(code_digest(package))
    renamed.write_bytes(content)
    found.add(code_digest(package))
    renamed.unlink()
    path.write_bytes(content)
    assert len(found) == (1 if name == "py.typed" else 4)


LIGHT = """
import importlib, sys, tempfile, numpy
from pathlib import Path
names = sys.argv[1:]
for name in names:
    importlib.import_module("cevnsi." + name)
print(*sorted(m for m in ("matplotlib", "pandas", "snakemake", "jinja2", "plotly") if m in sys.modules))
importlib.import_module("cevnsi.output.figures")
from cevnsi.files.tables import read_parquet, write_parquet
path = Path(tempfile.mkdtemp()) / "t.parquet"
write_parquet(path, {"a": numpy.arange(3.0), "b": ["x", "y", "z"]})
read_parquet(path)
path.unlink()
print(*sorted(m for m in ("matplotlib.pyplot", "pandas", "snakemake") if m in sys.modules))
"""


def test_importing_brings_in_no_plotting_and_no_pandas() -> None:
    drawing = ("output.figures", "output.fit_figures", "output.together", "studies.liao_marfatia_2017.figures")
    names = [name for name in map(dotted, FILES) if name not in drawing]
    done = subprocess.run([sys.executable, "-c", LIGHT, *names], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["", ""]


def test_a_chunk_does_not_wait_for_scipy() -> None:
    """Which takes longer to import than most chunks take to compute; it is needed where a minimum is followed down."""
    modules = "cevnsi.scans.rows, cevnsi.scans.limits, cevnsi.scans.chunks, cevnsi.experiments.release"
    code = f"import sys, {modules}; print('scipy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_figures_do_bring_in_matplotlib() -> None:
    """So that the test above can see it if another module does."""
    code = "import sys, cevnsi.output.figures; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"


def test_only_scans_and_questions_ask_for_fast_ways() -> None:
    """Each has its plain twin, and these choose."""
    users = {place(dotted(path)) for path in FILES for name in direct_imports(path) if place(name) == "fast"}
    assert users - {"fast"} <= {"scans", "questions"}


@pytest.mark.parametrize("folder", ["scans", "fast", "statistics"])
def test_no_interaction_is_asked_for_by_name(folder: str) -> None:
    for path in sorted((PACKAGE / folder).glob("*.py")):
        texts = {node.value for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Constant)}
        assert texts & set(INTERACTIONS) == set(), path.name


def test_reading_inputs_depends_on_no_physics() -> None:
    """Else an edit of a formula would have every input read anew."""
    script = PACKAGE.parents[1] / "workflow" / "scripts" / "inputs.py"
    used = [path.relative_to(PACKAGE) for path in module_files(script)]
    assert {path.parts[0] for path in used} == {"arrays.py", "constants.py", "experiments", "files", "statistics"}
    assert {path.stem for path in used if path.parts[0] == "statistics"} <= {"__init__", "nuisances"}
