"""Coverage, goodness of fit and significance as toys have them, of the project's data."""

from typing import Any

import numpy as np
import pytest

from cevnsi.fits import fits_of, record_of
from cevnsi.scans.axes import Coverage
from cevnsi.scans.critical import of_toys, statistics_at
from cevnsi.scans.goodness import goodness_of_fit, significance
from cevnsi.scans.measured import METHODS, OFF, TENTHS, Measured, measure, moved_nuisances, off, truths_of
from cevnsi.scans.regions import Grid
from cevnsi.toys import NoSuchCounts, means_of
from pseudo import compile_once, hypotheses, named, plane

PAIR = ("eps_ee_dV", "eps_mumu_dV")
STANDARD = dict.fromkeys(PAIR, 0.0)
TOYS = 1000
MOST = 4.0  # standard deviations


@pytest.fixture(autouse=True, scope="module")
def compiled() -> None:
    compile_once()


def measured(name: str) -> list[Measured]:
    scan = plane(*PAIR, coverage=Coverage(toys=TOYS, points=dict.fromkeys(PAIR, 3), seed=1), confidence_levels=(0.9,))
    return measure(named(name), scan, "plane", {"standard_model": STANDARD}, TOYS, 2)


@pytest.mark.parametrize(("name", "wilks"), [("paper", 0.96), ("csi_2017", 0.84), ("lar_2020", 0.93)])
def test_regions_by_toys_cover_what_they_say_and_those_of_a_chi2_distribution_do_not(name: str, wilks: float) -> None:
    rows = {(row.nuisances, row.method): row for row in measured(name)}
    assert set(rows) == {(nuisances, method) for nuisances in OFF for method in METHODS}
    chi2, toys = (rows["profiled", method] for method in METHODS)
    # of as many toys that made the critical value, too
    assert abs(toys.coverage - 0.9) < MOST * np.sqrt(2 * 0.09 / TOYS)
    assert abs(chi2.coverage - wilks) < MOST * chi2.coverage_error
    assert abs(chi2.coverage - 0.9) > 2 * chi2.coverage_error
    for row in rows.values():
        assert row.toys == TOYS
        assert row.moved_by == OFF[row.nuisances]


def test_nuisances_are_moved_as_far_as_counts_allow() -> None:
    model = named("csi_2021")  # whose first photoelectrons are fewer than none where all shapes are varied at once
    tests = hypotheses(model, *PAIR)
    fits = tests.at({PAIR[0]: 0.1, PAIR[1]: -0.05})
    dims, stopped = fits.fitter.dims, []
    for times in OFF.values():
        moved, found = off(model, fits, times)
        assert abs(found) <= abs(times)
        np.testing.assert_array_equal(moved.place[dims:], moved_nuisances(model, fits.place[dims:], found))
        assert all((means.counts >= 0).all() for means in means_of(model, moved.truth))
        stopped += [(times, found)] if found != times else []
        # some toys expect fewer counts than none of a bin at the truth of all: they are fitted from elsewhere
        (statistic,) = of_toys(model, moved.truth, 600, 5, 77, made=statistics_at(tests, [moved]))
        assert np.isfinite(statistic).all()
        assert statistic.min() >= 0
    assert stopped
    for times, found in stopped:
        further = TENTHS[TENTHS.index(round(found / times, 1)) - 1]
        beyond = np.concatenate([fits.place[:dims], moved_nuisances(model, fits.place[dims:], further * times)])
        with pytest.raises(NoSuchCounts, match="toys need zero or more"):
            means_of(model, type(fits)(**{**vars(fits), "place": beyond}).truth)


def test_truths_are_the_standard_model_the_least_of_the_grid_and_points_of_the_longest_contour() -> None:
    axis = np.linspace(-0.3, 0.6, 4)
    delta = np.add.outer((axis - 0.3) ** 2, axis**2)
    grid = Grid(names=PAIR, axes=(axis, axis), log=(False, False), delta_chi2=delta)
    contour: dict[str, Any] = {
        "confidence_level": [0.9] * 8,
        "n_dof": [2, 2, 2, 2, 2, 2, 2, 1],
        "segment": [0, 1, 1, 1, 1, 1, 1, 1],
        PAIR[0]: np.arange(8.0),
        PAIR[1]: -np.arange(8.0),
    }
    assert truths_of(grid, contour) == {
        "standard_model": STANDARD,
        "least_of_grid": {PAIR[0]: axis[2], PAIR[1]: axis[1]},
        "contour_1": {PAIR[0]: 1.0, PAIR[1]: -1.0},
        "contour_2": {PAIR[0]: 3.0, PAIR[1]: -3.0},
        "contour_3": {PAIR[0]: 5.0, PAIR[1]: -5.0},
    }


@pytest.mark.parametrize("name", ["csi_2017", "lar_2020"])
def test_fits_are_those_of_iminuit_and_as_good_as_toys_of_them(name: str) -> None:
    record = record_of(fits_of(named(name)))
    best, standard = goodness_of_fit(named(name), TOYS, 1)
    assert best.observed == pytest.approx(record["chi2"], abs=1e-3)  # what iminuit's tolerance leaves
    assert standard.observed == pytest.approx(record["standard_model"]["chi2"], abs=1e-3)
    for row in (best, standard):
        assert 0.01 < row.probability < 0.99
        assert row.beyond == round(row.probability * row.toys)


def test_a_signal_is_as_sure_as_toys_without_one_say() -> None:
    found = significance(named("lar_2020"), 20_000, 1)
    record = record_of(fits_of(named("lar_2020")))
    assert found.observed == pytest.approx(record["significance"] ** 2, abs=1e-3)
    # half of the toys want less than no signal, and the rest are as chi2 of one parameter: 1.1 of these are beyond
    assert found.beyond < 7
    assert found.toys == 20_000
