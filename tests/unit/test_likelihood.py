"""Eq. 7: its pull, its inner products and the choice of bins."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from cevnsi.experiments.measurement import Measurement
from cevnsi.statistics.likelihood import best_pull, chi2_at_pull, chi2_of_counts, contract, profiled_chi2

SIGMA = 0.28


def made_up() -> tuple[Measurement, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    measurement = Measurement(np.arange(5.0), np.array([8.0, 11.0, 24.0, -2.0]), np.array([8.0, 10.5, 12.6, 5.0]))
    return measurement, np.array([10.0, 18.0, 25.0, 1.0])


def test_chi2_by_hand() -> None:
    measurement = Measurement(np.array([0.0, 1.0]), np.array([10.0]), np.array([2.0]))
    # ((10 - 8 * 1.1) / 2)^2 + (0.1 / 0.2)^2 = 0.36 + 0.25
    assert chi2_at_pull(measurement, np.array([8.0]), 0.1, 0.2) == pytest.approx(0.61, abs=1e-14)


@pytest.mark.parametrize("scale", [0.2, 1.0, 3.0])
def test_closed_form_is_the_minimum_over_the_pull(scale: float) -> None:
    measurement, predicted = made_up()
    predicted = scale * predicted
    found = minimize_scalar(
        lambda pull: chi2_at_pull(measurement, predicted, float(pull), SIGMA), bracket=(-1, 1), tol=1e-12
    )
    inner = contract(measurement, predicted[None, :], SIGMA)
    pull = best_pull(inner.data_template[0], inner.template_template[0, 0], inner.penalty)
    assert chi2_of_counts(measurement, predicted, SIGMA) == pytest.approx(found.fun, rel=1e-12)
    assert pull == pytest.approx(found.x, abs=1e-7)  # a minimum is located to the square root of rounding
    assert chi2_at_pull(measurement, predicted, pull, SIGMA) == pytest.approx(found.fun, rel=1e-12)


def test_a_perfect_prediction_costs_nothing() -> None:
    measurement, _ = made_up()
    assert chi2_of_counts(measurement, measurement.observed_counts, SIGMA) == pytest.approx(0, abs=1e-12)


def test_no_prediction_costs_the_data() -> None:
    measurement, predicted = made_up()
    expected = ((measurement.observed_counts / measurement.stat_uncertainty) ** 2).sum()
    assert chi2_of_counts(measurement, 0 * predicted, SIGMA) == pytest.approx(expected, rel=1e-14)


def test_a_tiny_uncertainty_fixes_the_normalization() -> None:
    measurement, predicted = made_up()
    expected = chi2_at_pull(measurement, predicted, 0.0, 1.0)
    # the pull is of order sigma^2 = 1e-8; so is what it gains
    assert chi2_of_counts(measurement, predicted, 1e-4) == pytest.approx(expected, rel=1e-6)


def test_inner_products_broadcast() -> None:
    chi2 = profiled_chi2(5.0, np.ones((3, 1)), np.ones((1, 4)), 2.0)
    assert chi2.shape == (3, 4)
    np.testing.assert_allclose(chi2, 5 + 2 - 9 / 3, rtol=1e-15)


def test_contraction_holds_sums_over_bins() -> None:
    measurement, predicted = made_up()
    pair = np.stack([predicted, predicted[::-1]])
    inner = contract(measurement, pair, SIGMA)
    weight = measurement.stat_uncertainty**-2
    assert inner.data_data == pytest.approx((weight * measurement.observed_counts**2).sum(), rel=1e-14)
    np.testing.assert_allclose(inner.data_template, pair @ (weight * measurement.observed_counts), rtol=1e-14)
    np.testing.assert_allclose(inner.template_template, (pair * weight) @ pair.T, rtol=1e-14)
    assert inner.penalty == 1 / SIGMA**2


def test_selected_bins(measurement: Callable[[str], Measurement]) -> None:
    part = measurement("figure3").select(6, 30)
    assert part.observed_counts.size == part.stat_uncertainty.size == 12
    np.testing.assert_array_equal(part.bin_edges_pe, np.arange(6, 31, 2))
    assert part.observed_counts[0] == 8


@pytest.mark.parametrize(("low", "high", "named"), [(7, 30, "7"), (6, 31.5, "31.5")])
def test_a_range_must_end_at_bin_edges(
    low: float, high: float, named: str, measurement: Callable[[str], Measurement]
) -> None:
    with pytest.raises(ValueError, match=rf"photoelectron_range: {named} is not a bin edge of the counts; .* 0, 2, 4"):
        measurement("figure3").select(low, high)


@pytest.mark.parametrize(("low", "high"), [(30, 6), (8, 8)])
def test_a_range_has_bins(low: float, high: float, measurement: Callable[[str], Measurement]) -> None:
    with pytest.raises(ValueError, match=rf"photoelectron_range: \[{low}, {high}\]; the first must be smaller"):
        measurement("figure3").select(low, high)


SOUND = {"bin_edges_pe": [0.0, 1.0, 2.0], "observed_counts": [3.0, -1.0], "stat_uncertainty": [1.0, 2.0]}


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("bin_edges_pe", [0.0, 1.0], r"shapes \(\(2,\), \(2,\)\); expected \(1,\) of the bin edges"),
        ("bin_edges_pe", [0.0, 2.0, 1.0], "expected increasing numbers"),
        ("bin_edges_pe", [0.0, 1.0, 1.0], "expected increasing numbers"),
        ("bin_edges_pe", [0.0, np.nan, 2.0], "expected increasing numbers"),
        ("observed_counts", [3.0], r"shapes \(\(1,\), \(2,\)\)"),
        ("observed_counts", [3.0, np.nan], "observed counts .* expected finite numbers"),
        ("observed_counts", [np.inf, 1.0], "observed counts .* expected finite numbers"),
        ("stat_uncertainty", [1.0], r"shapes \(\(2,\), \(1,\)\)"),
        ("stat_uncertainty", [1.0, 0.0], "uncertainties .* expected positive, finite numbers"),
        ("stat_uncertainty", [1.0, -1.0], "uncertainties .* expected positive, finite numbers"),
        ("stat_uncertainty", [np.nan, 1.0], "uncertainties .* expected positive, finite numbers"),
        ("stat_uncertainty", [np.inf, 1.0], "uncertainties .* expected positive, finite numbers"),
    ],
)
def test_what_is_no_measurement_is_refused(name: str, values: list[float], said: str) -> None:
    arrays = {key: np.array(value) for key, value in SOUND.items()}
    Measurement(**arrays)
    with pytest.raises(ValueError, match=said):
        Measurement(**arrays | {name: np.array(values)})
