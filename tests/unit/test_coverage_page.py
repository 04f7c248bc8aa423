"""What pages say of coverage, from tables made by hand."""

from dataclasses import astuple, replace
from pathlib import Path

import numpy as np
import pytest

from cevnsi.files.tables import (
    BY_METHOD,
    COVERED_RANGES,
    GOODNESS,
    MEASURED,
    PUBLISHED,
    RANGES,
    as_columns,
    read_table,
    write_csv,
)
from cevnsi.output.coverage_page import goodness_rows, measured_rows, range_rows
from cevnsi.scans.axes import FELDMAN_COUSINS, WILKS
from cevnsi.scans.goodness import Goodness
from cevnsi.scans.measured import Measured
from cevnsi.scans.ranges import AllowedRange, CoveredRange
from cevnsi.scans.regions import Grid
from cevnsi.studies.liao_marfatia_2017.scorecard import by_method, by_method_markdown
from project import ROOT

MADE = Measured(
    grid="plane",
    truth="standard_model",
    first="eps_ee_dV",
    first_value=0.0,
    second="eps_mumu_dV",
    second_value=0.0,
    nuisances="profiled",
    method=WILKS,
    confidence_level=0.9,
    delta_chi2=4.61,
    coverage=0.957,
    coverage_error=0.003,
    toys=4000,
    moved_by=0.0,
)
RANGE = AllowedRange(
    scan="line",
    parameter="eps_ee_V",
    confidence_level=0.9,
    n_dof=1,
    delta_chi2=2.71,
    interval=0,
    lower=-0.1,
    upper=0.2,
    other_parameters="profiled",
    ends_at_grid="",
    lower_set_by="",
    upper_set_by="",
)


def covered(plain: AllowedRange, **changes: float | int | str) -> CoveredRange:
    fields = {name: getattr(plain, name) for name in plain.__dataclass_fields__ if name != "method"} | changes
    return CoveredRange(**{"critical_error": 0.1, "delta_chi2_upper": 3.2, "critical_error_upper": 0.2} | fields)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Of `one` all tables, of `two` only its ranges."""
    for name in ("one", "two"):
        write_csv(tmp_path / name / "ranges.csv", as_columns([astuple(RANGE)], RANGES))
    toys = replace(MADE, method=FELDMAN_COUSINS, delta_chi2=3.1, coverage=0.901)
    off = [replace(made, nuisances="up", moved_by=0.7) for made in (MADE, toys)]
    folder = tmp_path / "one" / "coverage"
    line = [replace(made, grid="line", second="", second_value=np.nan) for made in (MADE, toys)]
    write_csv(folder / "measured.csv", as_columns(map(astuple, [MADE, toys, *off, *line]), MEASURED))
    fit = Goodness(quantity="best_fit", observed=10.0, toys=100, beyond=40, probability=0.4, error=0.05, sigmas=0.25)
    sure = replace(fit, quantity="significance", beyond=0, probability=0.0, sigmas=np.inf)  # beyond all of its toys
    write_csv(folder / "goodness.csv", as_columns(map(astuple, [fit, sure]), GOODNESS))
    rows = [
        covered(RANGE, delta_chi2=2.5, lower=-0.08, upper=0.05),
        covered(RANGE, delta_chi2=2.6, lower=0.1, upper=0.19, interval=1, delta_chi2_upper=2.9),
        covered(RANGE, n_dof=2, other_parameters="profiled on grid"),
    ]
    write_csv(folder / "ranges.csv", as_columns(map(astuple, rows), COVERED_RANGES))
    write_csv(tmp_path / "two" / "coverage" / "ranges.csv", as_columns([astuple(covered(RANGE))], COVERED_RANGES))
    return tmp_path


def test_coverage_is_by_truth_nuisances_and_method(results: Path) -> None:
    profiled, up, line = measured_rows(results, ["one", "two"])
    assert line["grid"] == "line"
    assert (profiled["truth"], profiled["nuisances"]) == ("standard model", "as the data want them")
    assert profiled["found"].keys() == {"one"}
    found = profiled["found"]["one"]
    assert (found[WILKS]["coverage"], found[FELDMAN_COUSINS]["coverage"]) == (0.957, 0.901)
    assert found[FELDMAN_COUSINS]["delta_chi2"] == 3.1
    assert (up["nuisances"], up["found"]["one"][WILKS]["moved_by"]) == ("a width up", 0.7)


def test_fits_are_as_good_as_their_table_says(results: Path) -> None:
    row, sure = goodness_rows(results, ["one", "two"])
    assert (sure["found"]["one"]["beyond"], sure["found"]["one"]["sigmas"]) == (0, np.inf)
    assert row["found"].keys() == {"one"}
    assert (row["found"]["one"]["probability"], row["found"]["one"]["sigmas"]) == (0.4, 0.25)


def test_ranges_of_one_parameter_stand_beside_those_of_a_plain_run(results: Path) -> None:
    (row,) = range_rows(results, ["one", "two"])
    assert (row["scan"], row["parameter"], row["other_parameters"]) == ("line", "eps_ee_V", "profiled")
    one, two = row["found"]["one"], row["found"]["two"]
    assert one[WILKS] == [(-0.1, 0.2, "")]
    assert one[FELDMAN_COUSINS] == [(-0.08, 0.05, ""), (0.1, 0.19, "")]
    assert (one["critical"], one["error"]) == ((2.5, 3.2), 0.2)
    assert two[FELDMAN_COUSINS] == [(-0.1, 0.2, "")]


def test_figures_3_and_4_at_both_thresholds() -> None:
    """A cone about zero: with half the critical value a disc has half the area, and a hole closes."""
    x = np.linspace(-4, 4, 161)
    radius_squared = x[:, None] ** 2 + x**2
    planes = {
        "ee_d_u": Grid(names=("eps_ee_dV", "eps_ee_uV"), axes=(x, x), delta_chi2=radius_squared, log=(False, False)),
        "ee_etau_d": Grid(
            names=("eps_ee_dV", "eps_etau_dV"), axes=(x, x), delta_chi2=(radius_squared - 5) ** 2, log=(False, False)
        ),
    }
    critical = {"ee_d_u": np.full((161, 161), 4.605 / 2), "ee_etau_d": np.where(radius_squared < 5, 26.0, 4.605)}
    matter = replace(RANGE, scan="matter_ee_mumu", parameter="eps_ee_matter")
    two = replace(matter, n_dof=2, delta_chi2=4.61, lower=-0.3, upper=0.4)
    plain = as_columns(map(astuple, [matter, two]), RANGES)
    ends = covered(two, lower=-0.2, upper=0.3, other_parameters="profiled on grid")
    ours = as_columns(map(astuple, [covered(matter, lower=-0.15), ends]), COVERED_RANGES)
    card = by_method(
        read_table(ROOT / "data/liao_marfatia_2017/published.csv", PUBLISHED), plain, ours, planes, critical
    )
    assert tuple(card) == BY_METHOD.columns
    rows = {key: (card[WILKS][i], card[FELDMAN_COUSINS][i]) for i, key in enumerate(card["key"])}
    assert rows["eps_ee_matter_lower_n1"] == (-0.1, -0.15)
    assert rows["eps_ee_matter_upper_n2"] == (0.4, 0.3)
    assert rows["regions_ee_d_u"] == (1, 1)
    assert rows["holes_ee_etau_d"] == (1, 0)
    wilks, toys = rows["area_ee_d_u"]
    assert wilks == pytest.approx(np.pi * 4.605, rel=0.02)  # by the grid's points, 20 across
    assert toys == pytest.approx(wilks / 2, rel=0.02)
    said = by_method_markdown(card)
    assert "delta chi2" not in said
    assert "| holes in that region, 0 for an ellipse and 1 for an annulus (Sec. 3.2 (d); Fig. 3) | 0 | 1 | 0 |" in said
