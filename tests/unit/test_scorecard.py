"""What the scorecard measures, on surfaces whose answers are known."""

from collections.abc import Callable
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cevnsi.config import parse_scan
from cevnsi.grids import as_grid
from cevnsi.interactions import degenerate_coupling_per_mass
from cevnsi.muon_g2 import coupling_band
from cevnsi.nuclei import MEAN
from cevnsi.regions import Grid, scan_ranges, threshold
from cevnsi.scan import Model, scan_rows
from cevnsi.scorecard import (
    TWO_SIGMA,
    count_regions,
    interval_ends,
    limit_at,
    markdown,
    published_ends,
    reproduced_values,
    run_summary,
    scorecard,
    strip_opening_mev,
)
from cevnsi.spectra import spectra_table
from cevnsi.tables import PUBLISHED, RANGES, SCORECARD, as_columns, read_table, write_csv
from cevnsi.templates import Templates

FloatArray = NDArray[np.float64]


def picture(*rows: str) -> Grid:
    """A grid whose points are allowed where there is an x."""
    allowed = np.array([[cell == "x" for cell in row] for row in rows])
    axes = (np.arange(float(len(rows))), np.arange(float(len(rows[0]))))
    return Grid(("a", "b"), axes, (False, False), np.where(allowed, 0.0, 10.0))


@pytest.mark.parametrize(
    ("rows", "regions", "holes"),
    [
        (("xxx", "xxx", "xxx"), 1, 0),
        (("...", "...", "..."), 0, 0),
        ((".....", ".xxx.", ".x.x.", ".xxx.", "....."), 1, 1),
        (("xxxxxxx", "x.xxx.x", "xxxxxxx"), 1, 2),
        (("xxx", "x..", "xxx"), 1, 0),  # open to the edge
        (("x.x", "x.x", "x.x"), 2, 0),
        (("x..", ".x.", "..x"), 1, 0),  # regions touch at corners
        ((".x.", "x.x", ".x."), 1, 1),  # and so enclose
        (("xxxxx", "x...x", "x.x.x", "x...x", "xxxxx"), 2, 1),  # an island in a hole
    ],
    ids=["all", "none", "ring", "two holes", "bay", "bands", "diagonal", "diamond", "island"],
)
def test_regions_and_holes(rows: tuple[str, ...], regions: int, holes: int) -> None:
    assert count_regions(picture(*rows), 5.0) == (regions, holes)


U, V = np.linspace(0, 4, 161), np.linspace(-6, -1, 401)  # log10 of mass and coupling
KNEE, LEVEL = 1.7, -4.5  # of the limit: flat in g below 10^1.7 MeV, flat in g / M above
OPENING = 1.9


def limit(u: FloatArray) -> FloatArray:
    """log10 of the coupling's limit."""
    return LEVEL + np.maximum(u - KNEE, 0.0)


def made_up(*, strip: bool = True, always: bool = False) -> Grid:
    """Delta chi2 that is 2 sigma at the limit, with a strip 0.4 decades above it that opens at 10^OPENING MeV."""
    above = V[None, :] - limit(U)[:, None]
    delta = TWO_SIGMA * 10 ** (2 * np.clip(above, -6, 1))
    if strip:
        floor = 0.5 * TWO_SIGMA if always else TWO_SIGMA * (1 + OPENING - U)[:, None]
        delta = np.where(above > 0.2, floor + 400 * (above - 0.4) ** 2, delta)
    return Grid(("mediator_mass_mev", "coupling"), (10**U, 10**V), (True, True), delta)


def light_mediator_values(grid: Grid, model: Model, spectra: dict[str, Any]) -> dict[str, float]:
    return reproduced_values(model.analysis, model.templates, {}, {"light_mediator": grid}, spectra)


@pytest.fixture(scope="module")
def spectra(templates: Callable[..., Templates]) -> dict[str, Any]:
    return spectra_table(templates("paper"), 0.23857, {"mediator_mass_mev": 10.0, "coupling": 1e-4})


def test_limit_at_a_mass() -> None:
    grid = made_up(strip=False)
    ((low, high),) = limit_at(grid, 10)
    assert low == -6  # the axis' own end
    assert high == pytest.approx(float(limit(U[10:11])[0]), abs=1e-4)  # a monotone cubic through an exponential
    assert len(limit_at(made_up(), -1)) == 2


def test_slopes_of_the_limit(model: Callable[..., Model], spectra: dict[str, Any]) -> None:
    values = light_mediator_values(made_up(), model("paper"), spectra)
    assert values["flat_slope"] == pytest.approx(0, abs=1e-9)
    assert values["heavy_slope"] == pytest.approx(1, abs=2e-3)  # the end is interpolated between grid points


def test_opening_of_the_strip() -> None:
    # its floor falls linearly in log10 M through 2 sigma, which the interpolation follows to the curvature of the row
    assert np.log10(strip_opening_mev(made_up())) == pytest.approx(OPENING, abs=2e-3)


@pytest.mark.parametrize(
    "grid",
    [
        made_up(strip=False),
        made_up(always=True),
        replace(made_up(), delta_chi2=made_up().delta_chi2 + 100),
        replace(made_up(), delta_chi2=0 * made_up().delta_chi2),
    ],
    ids=["no strip", "open at every mass", "nothing allowed", "everything allowed"],
)
def test_no_opening_is_nan(grid: Grid) -> None:
    assert np.isnan(strip_opening_mev(grid))


def test_no_opening_after_a_mass_where_everything_is_allowed() -> None:
    delta = made_up().delta_chi2.copy()
    first_open = int(np.flatnonzero(U > OPENING)[0])
    delta[:first_open] = 0  # no coupling lies beyond the limit, so there is nothing to interpolate from
    assert np.isnan(strip_opening_mev(replace(made_up(), delta_chi2=delta)))


def test_middle_of_the_strip_over_eq_8(model: Callable[..., Model], spectra: dict[str, Any]) -> None:
    values = light_mediator_values(made_up(), model("paper"), spectra)
    middle = 10 ** (LEVEL + 4 - KNEE + 0.4) / 1e4
    expected = middle / degenerate_coupling_per_mass(MEAN, 0.23857)
    assert values["eq8_ratio"] == pytest.approx(expected, rel=0.02)  # ends of the well on steps of 0.0125 decades
    assert np.isnan(light_mediator_values(made_up(strip=False), model("paper"), spectra)["eq8_ratio"])


def test_least_delta_chi2_in_the_muon_band(model: Callable[..., Model], spectra: dict[str, Any]) -> None:
    grid = made_up(strip=False)
    low, high = coupling_band(grid.axes[0])
    inside = [
        grid.delta_chi2[i, j] for i, j in np.ndindex(grid.delta_chi2.shape) if low[i] <= grid.axes[1][j] <= high[i]
    ]
    assert light_mediator_values(grid, model("paper"), spectra)["g2_delta_chi2"] == min(inside)
    far = replace(grid, axes=(grid.axes[0], 1e-9 * grid.axes[1]))
    assert np.isnan(light_mediator_values(far, model("paper"), spectra)["g2_delta_chi2"])


def test_a_grid_that_allows_nothing_has_no_slopes(model: Callable[..., Model], spectra: dict[str, Any]) -> None:
    grid = replace(made_up(), delta_chi2=made_up().delta_chi2 + 100)
    values = light_mediator_values(grid, model("paper"), spectra)
    assert np.isnan([values["flat_slope"], values["heavy_slope"], values["eq8_ratio"]]).all()


def test_interval_ends_picks_one_parameter() -> None:
    rows = [
        ("s", "a", 0.9, 2, 4.61, 0, -1.0, 0.0, "profiled", ""),
        ("s", "a", 0.9, 2, 4.61, 1, 1.0, 2.0, "profiled", ""),
        ("s", "a", 0.9, 1, 2.71, 0, -0.5, 0.0, "profiled", ""),
        ("s", "a", 0.9, 2, 4.61, 0, -0.1, 0.1, "zero", ""),
        ("s", "a", 0.95, 2, 5.99, 0, -9.0, 9.0, "profiled", ""),
        ("t", "a", 0.9, 2, 4.61, 0, -7.0, 7.0, "profiled", ""),
        ("s", "b", 0.9, 2, 4.61, 0, -8.0, 8.0, "profiled", ""),
    ]
    ranges = as_columns(rows, RANGES)
    np.testing.assert_array_equal(interval_ends(ranges, "s", "a", 2), [[-1, 0], [1, 2]])
    np.testing.assert_array_equal(interval_ends(ranges, "s", "a", 2, "zero"), [[-0.1, 0.1]])
    np.testing.assert_array_equal(interval_ends(ranges, "s", "a", 2, confidence_level=0.95), [[-9, 9]])
    assert interval_ends(ranges, "s", "c", 2).shape == (0, 2)


PUBLISHED_ROWS = [
    ("one", "first", "Eq. 1", 1.0, "near", 0.1, "because"),
    ("two", "second", "Fig. 2", 2.0, "at_least", 0.0, "so"),
    ("three", "third", "Sec. 3", 3.0, "near", 0.0, "thus"),
]
published = as_columns(PUBLISHED_ROWS, PUBLISHED)


@pytest.mark.parametrize(
    ("ours", "within"),
    [
        ({"one": 1.05}, [True]),
        ({"one": 0.85}, [False]),
        ({"two": 2.0}, [True]),
        ({"two": 100.0}, [True]),
        ({"two": 1.999}, [False]),
        ({"one": float("nan"), "two": float("nan")}, [False, False]),
        ({"three": 3, "one": 2.0}, [False, True]),
        ({"unknown": 3.0}, []),
    ],
)
def test_scorecard_compares(ours: dict[str, float], within: list[bool]) -> None:
    card = scorecard(published, ours)
    assert tuple(card) == SCORECARD.columns
    assert card["within"] == within


def test_scorecard_rows_say_where_and_why() -> None:
    card = scorecard(published, {"two": 1.5})
    assert card == as_columns([("second (Fig. 2)", 2.0, 1.5, -0.5, 0.0, "off", False, "so")], SCORECARD)


SPREAD = {"key": ["zero", "two", "one"], "standard_deviation": ["0.5", "0.0012345", "nan"]}


def test_scorecard_has_the_spread_of_each_row_or_why_there_is_none() -> None:
    ours = {"one": 1.05, "two": 1.5}
    assert scorecard(published, ours, SPREAD)["digitization"] == ["nan", "0.0012345"]
    assert scorecard(published, ours, "not read off")["digitization"] == ["not read off"] * 2
    verdicts = [scorecard(published, ours, spread)["within"] for spread in (SPREAD, "off")]
    assert verdicts[0] == verdicts[1]  # it is shown beside the verdict and does not enter it


def test_markdown() -> None:
    text = markdown(scorecard(published, {"one": 1.05, "two": 1.23456}))
    assert text == (
        "| quantity | published | ours | difference | tolerance | digitization | within |\n"
        "|---|---|---|---|---|---|---|\n"
        "| first (Eq. 1) | 1 | 1.05 | 0.05 | 0.1 | off | yes |\n"
        "| second (Fig. 2) | 2 | 1.235 | -0.7654 | 0 | off | **no** |\n"
    )
    lines = markdown(scorecard(published, {"one": 1.05, "two": 1.23456}, SPREAD)).splitlines()
    assert [line.split(" | ")[5] for line in lines[2:]] == ["nan", "0.0012"]


def test_markdown_of_a_file_is_that_of_the_table(tmp_path: Path) -> None:
    spread = {"key": ["one", "two", "three"], "standard_deviation": [0.1, 1 / 3, float("nan")]}
    card = scorecard(published, {"one": 1.05, "two": 1.23456, "three": float("nan")}, spread)
    write_csv(tmp_path / "scorecard.csv", card)
    assert markdown(read_table(tmp_path / "scorecard.csv", SCORECARD)) == markdown(card)


def test_run_summary_counts_what_is_within(tmp_path: Path) -> None:
    for analysis, ours in (("a", {"one": 1.0, "two": 2.0}), ("b", {"one": 9.0, "three": float("nan")})):
        write_csv(tmp_path / analysis / "scorecard.csv", scorecard(published, ours))
    assert run_summary(tmp_path, ["a", "b", "c"]).splitlines() == [
        f"a: figures in {tmp_path}/a/figures; scorecard: 2 of 2 within tolerance",
        f"b: figures in {tmp_path}/b/figures; scorecard: 0 of 2 within tolerance",
        "    not within: first (Eq. 1)",
        "    not within: third (Sec. 3)",
    ]


def test_published_ends_of_eq_12(root: Path) -> None:
    table = read_table(root / "data" / "liao_marfatia_2017" / "published.csv", PUBLISHED)
    assert published_ends(table) == {"eps_ee_matter": (-0.95, 1.95), "eps_mumu_matter": (-0.66, 1.57)}


def test_every_published_key_has_a_value(
    root: Path, config: dict[str, Any], model: Callable[..., Model], spectra: dict[str, Any]
) -> None:
    """All scans on coarse grids, through ranges, to every key; and no key of ours that the table lacks but holes."""
    used, grids, rows = model("paper"), {}, []
    for name, section in config["scans"].items():
        for axis in section["axes"].values():
            axis["points"] = 41
        scan = parse_scan(name, section)
        (chi2,) = scan_rows(used, scan, 0, 41).values()
        grids[name] = as_grid(scan, name, chi2 - chi2.min())
        rows += scan_ranges(name, [grids[name]], scan.levels(), whole=True)
    ranges = as_columns(map(astuple, rows), RANGES)
    values = reproduced_values(used.analysis, used.templates, ranges, grids, spectra)
    keys = read_table(root / "data" / "liao_marfatia_2017" / "published.csv", PUBLISHED)["key"]
    assert set(keys) - set(values) == set()
    assert all(np.isfinite(values[key]) for key in keys)
    assert set(values) - set(keys) == {"holes_ee_d_u", "holes_mumu_d_u"}
    # statements that a coarse grid must get right
    assert (values["regions_ee_d_u"], values["regions_mumu_d_u"], values["regions_ee_etau_d"]) == (1, 2, 1)
    assert values["holes_ee_etau_d"] == 0
    assert values["g2_delta_chi2"] > TWO_SIGMA == threshold(0.9545, 2)
    total = {f: sum(n for c, k, n, low in zip(spectra["case"], spectra["component"], spectra["predicted_counts"],
             spectra["bin_low_pe"], strict=True) if (c, k) == ("sm", f) and 6 <= low < 30)
             for f in ("nu_e", "nu_mu", "nu_mu_bar")}  # fmt: skip
    assert values["flavor_ratio"] == pytest.approx((total["nu_mu"] + total["nu_mu_bar"]) / total["nu_e"], rel=1e-12)


def test_lines_that_differ_in_number_have_no_shift(model: Callable[..., Model], spectra: dict[str, Any]) -> None:
    grid = picture("xx", "xx")
    rows = [("ee_mumu_d", "eps_ee_dV", 0.9, 2, 4.61, 0, -0.1, 0.2, "zero", "")]
    used = model("paper")
    grids = {"ee_mumu_d": grid, "ee_d_u": grid}
    values = reproduced_values(used.analysis, used.templates, as_columns(rows, RANGES), grids, spectra)
    assert np.isnan(values["cross_ee"])
    rows += [("ee_d_u", "eps_ee_dV", 0.9, 2, 4.61, 0, -0.15, 0.21, "zero", "")]
    values = reproduced_values(used.analysis, used.templates, as_columns(rows, RANGES), grids, spectra)
    assert values["cross_ee"] == pytest.approx(0.05, abs=1e-15)


def test_an_analysis_without_ranges_of_eq_12_has_no_ends(model: Callable[..., Model], spectra: dict[str, Any]) -> None:
    used = model("paper")
    rows = [("matter_ee_mumu", "eps_ee_matter", 0.68, 2, 2.3, 0, -0.1, 0.2, "profiled", "")]
    grids = {"matter_ee_mumu": picture("x")}
    values = reproduced_values(used.analysis, used.templates, as_columns(rows, RANGES), grids, spectra)
    assert not any("matter" in key for key in values)
