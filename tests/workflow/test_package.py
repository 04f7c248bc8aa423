"""The library as it is installed from a wheel: typed, with its schema, and needing nothing of the checkout."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from project import ROOT

PIP = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built with what is installed."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [*PIP, "wheel", "--no-index", "--no-build-isolation", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(command, check=True)
    (path,) = folder.glob("cevnsi-*.whl")
    return path


def test_the_wheel_holds_the_library_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    package = ROOT / "src" / "cevnsi"
    files = (path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    expected = {f"cevnsi/{path.relative_to(package).as_posix()}" for path in files}
    assert names == expected
    assert {"cevnsi/py.typed", "cevnsi/config/schema.yaml"} <= names


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment's interpreter, with nothing but the wheel in it."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    subprocess.run([*PIP, "install", "--no-index", "--no-deps", "--target", str(site), str(wheel)], check=True)
    return folder / "bin" / "python"


def test_a_type_checker_sees_types(python: Path, tmp_path: Path) -> None:
    (tmp_path / "user.py").write_text(
        "from cevnsi.questions import chi2_and_nuisances\nfrom cevnsi.scans.regions import threshold\n\n"
        "reveal_type(chi2_and_nuisances)\nlevel: str = threshold(0.9, 2)\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "mypy", "--python-executable", str(python), "--config-file=", "user.py"]
    said = subprocess.run([*command, "--cache-dir", "cache"], cwd=tmp_path, capture_output=True, text=True).stdout
    assert "missing library stubs or py.typed" not in said
    assert 'expression has type "float", variable has type "str"' in said
    assert "-> tuple[float, dict[str, float]]" in said


def test_the_installed_schema_is_read(python: Path, tmp_path: Path) -> None:
    """By the installed library, whose dependencies come from this environment."""
    (site,) = python.parents[1].glob("lib/python*/site-packages")
    code = (
        f"import sys; sys.path.insert(0, {str(site)!r})\n"
        "import cevnsi; print(cevnsi.__file__)\n"
        "from cevnsi.__main__ import main; sys.exit(main(['describe', 'nuclei']))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(str(site))
    assert "one of mean, cs_and_i" in done.stdout
