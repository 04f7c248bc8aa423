"""`python -m cevnsi`: numbers as the library computes them, and complaints on standard error with exit status 2."""

import csv
import io
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from cevnsi.__main__ import main
from cevnsi.model import Model
from cevnsi.questions import chi2_and_nuisances, predict


@pytest.fixture(autouse=True)
def _in_the_project(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)


@pytest.fixture
def table(capsys: pytest.CaptureFixture[str]) -> Callable[..., list[dict[str, str]]]:
    """The rows that a command prints."""

    def rows(*arguments: str) -> list[dict[str, str]]:
        assert main(arguments) == 0
        said = capsys.readouterr()
        assert said.err == ""
        return list(csv.DictReader(io.StringIO(said.out)))

    return rows


def test_the_spectrum_of_the_standard_model(table: Callable[..., list[dict[str, str]]]) -> None:
    rows = table("spectrum", "--analysis", "release")
    assert [float(row["bin_low_pe"]) for row in rows] == list(range(6, 30, 2))
    assert sum(float(row["predicted_counts"]) for row in rows) == pytest.approx(162.8, abs=0.05)
    assert [float(row["observed_counts"]) for row in rows[:4]] == [9, 11, 24, 25]
    for row in rows:
        flavors = [float(row[f"{flavor}_counts"]) for flavor in ("nu_e", "nu_mu", "nu_mu_bar")]
        assert float(row["predicted_counts"]) == pytest.approx(sum(flavors), rel=1e-12)


def test_the_spectrum_of_a_mediator_in_all_bins(table: Callable[..., Any], model: Callable[..., Model]) -> None:
    rows = table("spectrum", "mediator_mass_mev=10", "coupling=1e-4", "--all-bins")
    assert len(rows) == 25
    expected = predict(model("paper"), {"mediator_mass_mev": 10.0, "coupling": 1e-4}).sum(axis=0)
    assert [float(row["predicted_counts"]) for row in rows[3:15]] == pytest.approx(list(expected), rel=1e-12)


def test_a_range_has_its_unit_in_letters(table: Callable[..., Any]) -> None:
    fixed = ("--fixed", "u_mu4_squared=0.3", "--confidence-level", "0.5")
    rows = table("range", "delta_m2_41_ev2", *fixed, "--from", "0.1", "--to", "3")
    assert float(rows[0]["lower_ev2"]) == 0.1
    assert 0.1 < float(rows[0]["upper_ev2"]) < 3


@pytest.mark.parametrize(
    "point", [{}, {"eps_ee_dV": 0.2, "eps_etau_uV": -0.1}, {"mediator_mass_mev": 9.0, "coupling": 0.1}]
)
def test_chi2_at_a_point(point: dict[str, float], table: Callable[..., Any], model: Callable[..., Model]) -> None:
    (row,) = table("chi2", *(f"{name}={value}" for name, value in point.items()))
    expected, nuisances = chi2_and_nuisances(model("paper"), point)
    assert (float(row["chi2"]), float(row["normalization_pull"])) == (expected, nuisances["normalization"])
    assert float(row["standard_model_chi2"]) == chi2_and_nuisances(model("paper"), {})[0]
    assert row["bins"] == "12"


@pytest.mark.parametrize("number", ["-5e-1", "-.5", "-0.5", "-500e-3"])
def test_a_negative_number_is_no_option(number: str, table: Callable[..., Any]) -> None:
    rows = table("range", "eps_ee_dV", "--from", number, "--to", "1", "--fixed", "eps_mumu_dV=-1e-2")
    assert rows == table("range", "eps_ee_dV", "--from=-0.5", "--to=1", "--fixed=eps_mumu_dV=-0.01")
    assert float(rows[0]["lower"]) >= -0.5


def test_a_file_is_laid_over_the_configuration(table: Callable[..., Any], tmp_path: Path) -> None:
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text("analyses: {paper: {normalization_uncertainty: 0.01}}", encoding="utf-8")
    laid = table("chi2", "eps_ee_dV=0.2", "--configfile", str(overlay))
    assert laid != table("chi2", "eps_ee_dV=0.2")
    assert laid[0]["standard_model_chi2"] != table("chi2")[0]["standard_model_chi2"]


def test_a_configuration_is_checked_before_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its files by the line, its keys, its studies and its inputs, as the workflow does."""
    overlay = tmp_path / "overlay.yaml"
    complaints = {
        "analyses:\n  paper: {a: [}": "overlay.yaml: while parsing a flow node",
        "analyses: {paper: {form_factr: helm}}": "overlay.yaml: the configuration cannot be used",
        "analyses: {paper: {study: mine}}": "analyses.paper.study: 'mine' is unknown",
        "analyses: {paper: {photoelectron_range: [7, 30]}}": "7 is not a bin edge of dataset figure3",
    }
    for text, said in complaints.items():
        overlay.write_text(text, encoding="utf-8")
        assert main(["check", "--configfile", str(overlay)]) == 2
        assert said in capsys.readouterr().err
    overlay.write_text("analyses: {mine: {like: paper, study: null}}", encoding="utf-8")
    assert main(["check", "--configfile", str(overlay)]) == 0
    assert capsys.readouterr().out.startswith("can be used\nanalyses: a plain run makes those of the study")


def test_it_says_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--version"])
    assert left.value.code == 0
    assert capsys.readouterr().out == f"cevnsi {version('cevnsi')}\n"


def test_the_range_of_a_matter_parameter(table: Callable[..., Any]) -> None:
    domains = [f"--domain=eps_{pair}_{quark}V=-1:1" for pair in ("ee", "mumu") for quark in "ud"]
    (row,) = table("range", "eps_mumu_matter", *domains)
    assert (float(row["lower"]), float(row["upper"])) == pytest.approx((-0.633527, 1.704368), abs=1e-6)  # scorecard's
    assert (row["other_parameters"], row["ends_at_grid"]) == ("profiled", "")
    assert (row["lower_set_by"], row["upper_set_by"]) == ("eps_mumu_uV >= -1", "eps_mumu_uV <= 1")


@pytest.mark.parametrize("points", [[], *(["--points", str(n)] for n in (3, 11, 51, 101, 1001, 10001))])
def test_a_wide_range_does_not_depend_on_how_many_values_are_looked_at(
    points: list[str], table: Callable[..., Any]
) -> None:
    (row,) = table("range", "eps_ee_dV", "--from=-1000", "--to", "1000", *points)
    assert (float(row["lower"]), float(row["upper"])) == pytest.approx((-0.12736, 0.48431), abs=5e-6)
    first = [float(row[side]) for side in ("lower", "upper")]
    (row,) = table("range", "eps_ee_dV", *points)  # from -1 to 1
    assert [float(row[side]) for side in ("lower", "upper")] == pytest.approx(first, abs=1e-10)
    assert (row["ends_at_grid"], row["lower_set_by"], row["upper_set_by"], row["warning"]) == ("", "", "", "")


def test_the_columns_of_a_range(capsys: pytest.CaptureFixture[str]) -> None:
    for line, unit in (("eps_ee_dV", ""), ("mediator_mass_mev --fixed coupling=1e-4", "_mev")):
        assert main(["range", *line.split()]) == 0
        assert capsys.readouterr().out.splitlines()[0] == (
            f"parameter,confidence_level,n_dof,delta_chi2,interval,lower{unit},upper{unit},other_parameters,"
            "ends_at_grid,lower_set_by,upper_set_by,warning,method"
        )


def test_a_range_that_no_datum_makes_says_so(table: Callable[..., Any]) -> None:
    (row,) = table("range", "eps_tautau_dV")
    assert row["warning"] == "no sensitivity: chi2 does not depend on eps_tautau_dV"
    assert (row["lower_set_by"], row["upper_set_by"]) == ("eps_tautau_dV >= -1", "eps_tautau_dV <= 1")
    (row,) = table("range", "eps_ee_dV", "--domain=eps_ee_uV=-100:100")
    assert row["warning"] == "no sensitivity: chi2 does not depend on eps_ee_dV once minimised over the others"


def test_the_range_of_a_mediator(table: Callable[..., Any]) -> None:
    (row,) = table(
        "range", "coupling", "--fixed", "mediator_mass_mev=1", "--confidence-level", "0.9545", "--n-dof", "2"
    )
    assert float(row["delta_chi2"]) == pytest.approx(6.18, abs=0.001)
    assert float(row["lower"]) == 1e-6
    (row,) = table(
        "range", "mediator_mass_mev", "--fixed", "coupling=1e-4", "--from", "20", "--to", "2000", "--points", "99"
    )
    assert float(row["upper_mev"]) == 2000
    assert (row["ends_at_grid"], row["upper_set_by"]) == ("upper", "mediator_mass_mev <= 2000")
    assert float(row["lower_mev"]) == pytest.approx(86.0093836, abs=1e-6)
    (row, strip) = table("range", "coupling", "--fixed", "mediator_mass_mev=1000")
    assert (row["interval"], strip["interval"]) == ("0", "1")
    assert float(row["upper"]) < float(strip["lower"])


def test_keys_are_described(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["describe", "nuclei"]) == 0
    assert capsys.readouterr().out == (
        "analyses.<name>.nuclei: What the detector is of: one mean nucleus of CsI (mean), cesium and iodine separately "
        "(cs_and_i), or argon 40 (argon).\n"
        "    one of mean, cs_and_i, argon; required\n"
    )
    assert main(["describe"]) == 0
    assert "scans.<name>.chunks: Number of jobs that share the grid.\n" in capsys.readouterr().out


COMPLAINTS = [
    ("chi2 eps_ee_dv=0.1", "cevnsi: eps_ee_dv: unknown parameter; did you mean 'eps_ee_dV'?"),
    ("chi2 eps_ee_dV=1 eps_ee_dV=2", "cevnsi: eps_ee_dV: is given twice"),
    ("chi2 eps_ee_dV", "'eps_ee_dV' is not NAME=VALUE"),
    ("chi2 eps_ee_dV=1_0", "'1_0' is not a finite number in plain decimal digits"),
    ("chi2 eps_ee_dV=nan", "'nan' is not a finite number in plain decimal digits"),
    ("chi2 eps_ee_dV=x", "'x' is not a number"),
    ("chi2 eps_ee_dV=1e31", "'1e31' is not from 1e-30 to 1e+30 in magnitude, or 0"),
    ("chi2 --analysis relase", "cevnsi: analyses: 'relase' is unknown; did you mean 'release'?"),
    ("chi2 --config nothing.yaml", "cevnsi: nothing.yaml: "),
    ("spectrum --config README.md", "cevnsi: README.md: "),
    ("spectrum --config tests/config/faults.yaml", "tests/config/faults.yaml: the configuration cannot be used:\n"),
    ("spectrum coupling=1", "cevnsi: mediator_mass_mev: is missing"),
    ("range eps_ee_dV --domain eps_ee_uV=1", "'eps_ee_uV=1' is not NAME=LOW:HIGH"),
    ("range eps_ee_dV --domain eps_ee_uV=1:0", "cevnsi: the range cannot be used:\n  range.domain.eps_ee_uV: [1, 0]"),
    ("range eps_ee_dV --points 2", "'2' is not a whole number from 3 to 10001"),
    ("range eps_ee_dV --points 1e3", "'1e3' is not a whole number from 3 to 10001"),
    ("range eps_ee_dV --n-dof 0", "'0' is not a whole number from 1 to 100"),
    ("range eps_ee_dV --confidence-level 90", "'90' is not between 0 and 1"),
    ("cite --analysis relase", "cevnsi: analyses: 'relase' is unknown; did you mean 'release'?"),
    ("cite --config tests/config/faults.yaml", "the configuration cannot be used:\n"),
    ("describe nucleus", "cevnsi: nucleus: unknown key; did you mean 'nuclei'?"),
    ("spectrm", "invalid choice: 'spectrm' (choose from "),
    ("", "the following arguments are required: COMMAND"),
]


@pytest.mark.parametrize(("line", "said"), COMPLAINTS)
def test_a_complaint_is_one_of_few_words(line: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        status: Any = main(line.split())
    except SystemExit as stop:  # argparse's own
        status = stop.code
    shown = capsys.readouterr()
    assert (status, shown.out) == (2, "")
    assert said in shown.err


def test_a_file_that_is_not_the_published_one_is_refused(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Data are looked for beside the configuration."""
    (tmp_path / "config.yaml").write_bytes((root / "config.yaml").read_bytes())
    assert main(["chi2", "--config", str(tmp_path / "config.yaml")]) == 2
    assert f"{tmp_path / 'data' / 'SHA256SUMS'}: cannot be read" in capsys.readouterr().err


def test_it_runs_as_a_module(root: Path) -> None:
    command = [sys.executable, "-m", "cevnsi"]
    done = subprocess.run([*command, "--help"], cwd=root, capture_output=True, text=True, check=True)
    assert all(name in done.stdout for name in ("spectrum", "chi2", "range", "describe"))
    done = subprocess.run([*command, "describe", "xyz"], cwd=root, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
