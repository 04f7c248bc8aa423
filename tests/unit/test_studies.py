"""What is made of an analysis that belongs to a study, and of one that belongs to none."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from cevnsi.config.check import parse_scan
from cevnsi.files.tables import RANGES, as_columns, write_csv
from cevnsi.output.figure_spec import FigureSpec, region
from cevnsi.scans.axes import Scan
from cevnsi.studies.closing import closing_lines
from cevnsi.studies.known import DEFAULT, STUDIES, analyses_of, study_of
from cevnsi.studies.study import figures_of

PAPER = STUDIES[DEFAULT]
SCANS = list(PAPER.axes)

POISSON = ("csi_2017", "csi_2021", "lar_2020", "joint")
RADII = ("csi_2017_radius", "csi_2021_radius", "lar_2020_radius")


def names(figures: list[FigureSpec]) -> list[str]:
    return [figure.name for figure in figures]


def scans_of(config: dict[str, Any], run: Sequence[str] = SCANS) -> list[Scan]:
    return [parse_scan(name, config["scans"][name]) for name in run]


def test_a_study_has_its_figures_and_every_further_grid_its_own(config: dict[str, Any]) -> None:
    axes = {f"eps_{pair}_dV": {"min": -1, "max": 1, "points": 3} for pair in ("ee", "mumu", "tautau")}
    mine = {"interaction": "contact", "axes": axes, "projections": [["eps_ee_dV", "eps_tautau_dV"]], "chunks": 1}
    config["scans"]["mine"] = mine
    made = figures_of(PAPER, config, scans_of(config, [*SCANS, "mine", "ee_tied"]))
    assert names(made) == [*(figure.name for figure in PAPER.figures), "mine.eps_ee_dV.eps_tautau_dV", "ee_tied"]
    assert made[-2] == region("mine.eps_ee_dV.eps_tautau_dV")
    assert (made[-1].lines, made[-1].grids) == (("ee_tied",), ())


@pytest.mark.parametrize("missing", SCANS)
def test_a_figure_is_made_where_all_that_it_draws_is(missing: str, config: dict[str, Any]) -> None:
    run = [scan for scan in SCANS if scan != missing]
    made = figures_of(PAPER, config, scans_of(config, run))
    assert {grid for figure in made for grid in figure.grids} == set(run)  # none is drawn nowhere
    left_out = {figure.name for figure in PAPER.figures if missing in figure.grids}
    left_out |= {"domain_sensitivity", "domain_map"} if missing == config["domain_sensitivity"]["scan"] else set()
    assert {figure.name for figure in PAPER.figures} - set(names(made)) == left_out


def test_what_the_configuration_does_not_ask_for_is_not_made(config: dict[str, Any]) -> None:
    del config["domain_sensitivity"]
    assert {"domain_sensitivity", "domain_map"}.isdisjoint(names(figures_of(PAPER, config, scans_of(config))))


def test_an_analysis_of_no_study_has_a_figure_for_every_grid_and_no_other(config: dict[str, Any]) -> None:
    assert figures_of(None, config, scans_of(config)) == [region(name) for name in SCANS]


def test_analyses_by_study(config: dict[str, Any]) -> None:
    del config["analyses"]["release"]["study"]
    assert (study_of(config, "paper"), study_of(config, "release")) == (PAPER, None)
    assert (analyses_of(config, DEFAULT), analyses_of(config, None)) == (["paper"], ["release"])
    assert analyses_of(config, "coherent") == [*POISSON, *RADII]


def test_closing_lines_say_where_the_figures_of_ones_own_are(config: dict[str, Any], tmp_path: Path) -> None:
    for section in config["analyses"].values():
        section.pop("study", None)
    row = ("mine", "eps_ee_uV", 0.9, 2, 4.6, 0, -1.0, 1.0, "profiled", "", "", "")
    write_csv(
        tmp_path / "paper" / "ranges.csv", as_columns([(*row, "too coarse", "wilks"), (*row, "", "wilks")], RANGES)
    )
    assert closing_lines(tmp_path, config).splitlines() == [
        f"paper: figures in {tmp_path}/paper/figures; ranges in {tmp_path}/paper/ranges.csv",
        f"    1 rows of {tmp_path}/paper/ranges.csv have a warning",
    ]


def test_closing_lines_go_on_where_another_version_left_its_ranges(config: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "csi_2021").mkdir(parents=True)
    (tmp_path / "csi_2021" / "ranges.csv").write_text("scan,parameter\n", encoding="utf-8")
    said = closing_lines(tmp_path, config)
    assert "csi_2021: figures in" in said
    assert "missing column" in said
