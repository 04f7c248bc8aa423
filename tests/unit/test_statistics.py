"""Statistics, nuisances and the profile over them, against derivatives and minimisers that know nothing of them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize, minimize_scalar
from scipy.stats import norm
from scipy.stats import poisson as poisson_of_scipy

from cevnsi.arrays import FloatArray
from cevnsi.statistics.likelihoods import STATISTICS, gaussian, poisson, poisson_with_control
from cevnsi.statistics.nuisances import Nuisance, Sample, precisions
from cevnsi.statistics.profile import profile

OBSERVED = np.array([8.0, 11.0, 24.0, 0.0, 3.0])
ERRORS = np.array([3.0, 3.5, 5.0, 1.0, 2.0])
EXPECTED = np.array([[10.0, 9.0, 25.0, 0.4, 3.5], [3.0, 20.0, 24.0, 2.0, 0.1]])


def of(statistic: str) -> Callable[[FloatArray], Any]:
    errors = ERRORS if statistic == "gaussian" else None
    return lambda expected: STATISTICS[statistic](expected, OBSERVED, errors)


@pytest.mark.parametrize("statistic", STATISTICS)
def test_derivatives_are_those_of_chi2(statistic: str) -> None:
    value, slope, curvature = of(statistic)(EXPECTED)
    assert value.shape == (2,)
    for b in range(OBSERVED.size):
        step = np.zeros(OBSERVED.size)
        step[b] = 1e-5 * max(1.0, EXPECTED[0, b])
        up, down = of(statistic)(EXPECTED + step), of(statistic)(EXPECTED - step)
        np.testing.assert_allclose(slope[:, b], (up[0] - down[0]) / (2 * step[b]), rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(curvature[:, b], (up[1] - down[1])[:, b] / (2 * step[b]), rtol=1e-6, atol=1e-7)


def test_chi2_is_minus_two_log_likelihood_over_that_of_a_perfect_prediction() -> None:
    """Against scipy's densities."""
    for row, found in zip(EXPECTED, gaussian(EXPECTED, OBSERVED, ERRORS)[0], strict=True):
        logs = [float(np.sum(norm.logpdf(OBSERVED, mean, ERRORS))) for mean in (row, OBSERVED)]
        assert found == pytest.approx(-2 * (logs[0] - logs[1]), rel=1e-12)
    for row, found in zip(EXPECTED, poisson(EXPECTED, OBSERVED)[0], strict=True):
        logs = [float(np.sum(poisson_of_scipy.logpmf(OBSERVED, mean))) for mean in (row, OBSERVED)]
        assert found == pytest.approx(-2 * (logs[0] - logs[1]), rel=1e-12)


def test_an_empty_bin_costs_twice_what_it_expects() -> None:
    assert poisson(np.array([[0.7]]), np.array([0.0]))[0].tolist() == [1.4]
    assert poisson(np.array([[0.0]]), np.array([0.0]))[0].tolist() == [0.0]


@pytest.mark.parametrize(("expected", "observed"), [(0.0, 1.0), (-0.1, 1.0), (-0.1, 0.0)])
def test_counts_that_cannot_be_are_infinitely_bad(expected: float, observed: float) -> None:
    assert poisson(np.array([[expected, 1.0]]), np.array([observed, 1.0]))[0].tolist() == [np.inf]


def test_a_statistic_refuses_what_it_has_no_use_for() -> None:
    with pytest.raises(ValueError, match="gaussian: needs the uncertainty"):
        gaussian(EXPECTED, OBSERVED, None)
    with pytest.raises(ValueError, match="poisson: counts have no uncertainty"):
        poisson(EXPECTED, OBSERVED, ERRORS)


CONTROL = np.array([5.0, 0.0, 30.0, 2.0, 0.0])


@pytest.mark.parametrize("windows", [1.0, 1.9964, 0.3])
def test_a_control_region_is_profiled_bin_by_bin(windows: float) -> None:
    """Against a minimiser over the background of one bin after the other, and differences of its least chi2."""
    random = np.random.default_rng(5)
    expected = np.concatenate([EXPECTED, random.uniform(0, 30, (20, OBSERVED.size))])

    def least(mean: float, n: float, m: float) -> float:
        def chi2(b: float) -> float:
            logs = [poisson_of_scipy.logpmf(n, k) for k in (n, mean + b)]
            logs += [poisson_of_scipy.logpmf(m, k) for k in (m, windows * b)]
            return float(2 * (logs[0] - logs[1] + logs[2] - logs[3]))

        inside = minimize_scalar(chi2, bounds=(1e-12, 100), method="bounded", options={"xatol": 1e-10})
        return min(float(inside.fun), chi2(0.0))

    value, slope, curvature = poisson_with_control(expected, OBSERVED, CONTROL, windows)
    for i, row in enumerate(expected):
        found = sum(least(*bin_) for bin_ in zip(row, OBSERVED, CONTROL, strict=True))
        assert value[i] == pytest.approx(found, abs=1e-7)
    for b in range(OBSERVED.size):
        step = np.zeros(OBSERVED.size)
        step[b] = 1e-5
        up, down = (poisson_with_control(expected + s, OBSERVED, CONTROL, windows) for s in (step, -step))
        np.testing.assert_allclose(slope[:, b], (up[0] - down[0]) / 2e-5, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(curvature[:, b], (up[1] - down[1])[:, b] / 2e-5, rtol=1e-5, atol=1e-6)


def test_a_control_region_without_signal_is_the_ratio_of_counts() -> None:
    """Eq. 9 and 17 of Li and Ma: nothing expected, the significance of an excess."""
    n, m, windows = 24.0, 30.0, 2.0
    found = poisson_with_control(np.array([[0.0]]), np.array([n]), np.array([m]), windows)[0][0]
    alpha = 1 / windows
    li_ma = 2 * (n * np.log((1 + alpha) / alpha * n / (n + m)) + m * np.log((1 + alpha) * m / (n + m)))
    assert found == pytest.approx(li_ma, rel=1e-12)
    negative = poisson_with_control(np.array([[-0.1]]), np.array([n]), np.array([m]), windows)[0]
    assert negative.tolist() == [np.inf]


@pytest.mark.parametrize("sigma", [0.0, -1.0, np.inf, np.nan])
def test_a_prior_has_a_width(sigma: float) -> None:
    with pytest.raises(ValueError, match=r"nuisance flux: sigma is .*; expected a positive, finite number"):
        Nuisance(name="flux", sigma=sigma, scales=("signal",))


def test_a_free_nuisance_has_no_precision() -> None:
    nuisances = [Nuisance(name="a", sigma=0.5), Nuisance(name="b", sigma=None)]
    assert precisions(nuisances).tolist() == [4.0, 0.0]


def some_samples(random: np.random.Generator, points: int) -> list[Sample]:
    """A signal that differs from point to point and two backgrounds, moved by a common scale, own scales, a shape."""
    bins = OBSERVED.size
    signal = random.uniform(1, 12, (points, bins))
    shift = random.uniform(-0.3, 0.3, (points, bins))
    backgrounds = random.uniform(0.5, 3, (2, 1, bins))
    return [
        Sample(shape=signal, scaled_by=np.array([1.0, 1.0, 0.0, 0.0]), shifts={3: (shift, None)}),
        Sample(
            shape=backgrounds[0], scaled_by=np.array([1.0, 0.0, 1.0, 0.0]), shifts={3: (0.1 * backgrounds[0], None)}
        ),
        Sample(shape=backgrounds[1], scaled_by=np.zeros(4), shifts={}),
    ]


def together(samples: list[Sample]) -> Callable[..., Any]:
    def expected(theta: FloatArray, which: Any) -> Any:
        parts = [sample.counts(theta, which) for sample in samples]
        return sum(p[0] for p in parts), sum(p[1] for p in parts)

    return expected


def test_directions_are_derivatives_of_the_counts() -> None:
    random = np.random.default_rng(3)
    expected, which = together(some_samples(random, 4)), np.array([2, 0])
    theta = random.normal(0, 0.3, (2, 4))
    counts, directions = expected(theta, which)
    assert counts.shape == (2, OBSERVED.size)
    for j in range(4):
        step = 1e-6 * np.eye(4)[j]
        difference = (expected(theta + step, which)[0] - expected(theta - step, which)[0]) / 2e-6
        np.testing.assert_allclose(directions[:, j], difference, rtol=1e-7, atol=1e-8)


PRECISION = np.array([1 / 0.1**2, 1 / 0.28**2, 1 / 0.25**2, 1.0])


@pytest.mark.parametrize("statistic", STATISTICS)
@pytest.mark.parametrize("seed", range(4))
def test_the_profile_is_the_least_over_the_nuisances(statistic: str, seed: int) -> None:
    """By a simplex, point by point; scale times shape makes the counts quadratic in the nuisances."""
    random = np.random.default_rng(seed)
    expected = together(some_samples(random, 5))
    centre = random.normal(0, 0.1, 4)
    fit = profile(of(statistic), expected, PRECISION, np.zeros((5, 4)), centre=centre)
    for i in range(5):

        def chi2(theta: FloatArray, i: int = i) -> float:
            counts = expected(theta[None], np.array([i]))[0]
            return float(of(statistic)(counts)[0][0] + (PRECISION * (theta - centre) ** 2).sum())

        found = minimize(
            chi2, np.zeros(4), method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-12, "maxfev": 9999}
        )
        assert fit.chi2[i] == pytest.approx(chi2(fit.nuisances[i]), rel=1e-13)
        assert fit.chi2[i] <= found.fun + 1e-12
        assert fit.chi2[i] == pytest.approx(found.fun, abs=1e-8)
        np.testing.assert_allclose(fit.nuisances[i], found.x, atol=1e-4)  # to the root of what its value is good to


def one_scale(statistic: str, shape: FloatArray, precision: float, least: float = -np.inf) -> Any:
    sample = Sample(shape=shape[None], scaled_by=np.ones(1), shifts={})
    return profile(of(statistic), sample.counts, np.array([precision]), np.zeros((1, 1)), np.array([least]))


@pytest.mark.parametrize("precision", [0.0, 1 / 0.28**2, 1e8])
def test_one_gaussian_scale_has_a_closed_form(precision: float) -> None:
    shape = EXPECTED[0]
    fit, weight = one_scale("gaussian", shape, precision), ERRORS**-2
    scale = (weight @ (OBSERVED * shape) + precision) / (weight @ shape**2 + precision)
    assert fit.nuisances[0, 0] == pytest.approx(scale - 1, abs=1e-14)
    expected = weight @ (OBSERVED - scale * shape) ** 2 + precision * (scale - 1) ** 2
    assert fit.chi2[0] == pytest.approx(expected, rel=1e-13)


def test_one_free_poisson_scale_makes_the_totals_agree() -> None:
    fit = one_scale("poisson", EXPECTED[0], 0.0)
    assert (1 + fit.nuisances[0, 0]) * EXPECTED[0].sum() == pytest.approx(OBSERVED.sum(), rel=1e-9)


def test_a_nuisance_rests_at_its_least() -> None:
    """The counts would have it below."""
    free, held = (one_scale("poisson", 10 * EXPECTED[0], 0.01, least) for least in (-np.inf, -0.5))
    assert free.nuisances[0, 0] < -0.8
    assert held.nuisances[0, 0] == -0.5
    assert held.chi2[0] == pytest.approx(float(of("poisson")(5 * EXPECTED[:1])[0][0] + 0.01 * 0.25), rel=1e-13)


def test_a_start_below_the_least_is_none() -> None:
    """Whichever way the counts would have it go."""
    for factor in (0.1, 10.0):
        shape, least = factor * EXPECTED[0], 0.5
        fit = one_scale("poisson", shape, 0.01, least)
        free = one_scale("poisson", shape, 0.01)
        assert fit.nuisances[0, 0] == pytest.approx(max(float(free.nuisances[0, 0]), least), rel=1e-9)


def test_a_step_beyond_zero_counts_is_halved() -> None:
    """A full Newton step from here would make counts negative."""
    fit = one_scale("poisson", 1e3 * EXPECTED[1], 0.0)
    assert np.isfinite(fit.chi2[0])
    assert (1 + fit.nuisances[0, 0]) * 1e3 * EXPECTED[1].sum() == pytest.approx(OBSERVED.sum(), rel=1e-6)


def test_without_nuisances_chi2_is_the_statistic() -> None:
    sample = Sample(shape=EXPECTED, scaled_by=np.zeros(0), shifts={})
    fit = profile(of("poisson"), sample.counts, np.zeros(0), np.zeros((2, 0)))
    np.testing.assert_array_equal(fit.chi2, of("poisson")(EXPECTED)[0])


def test_points_do_not_see_one_another() -> None:
    samples = some_samples(np.random.default_rng(5), 6)
    whole = profile(of("poisson"), together(samples), PRECISION, np.zeros((6, 4)))
    for i in range(6):
        alone = [
            Sample(
                shape=s.shape if len(s.shape) == 1 else s.shape[i : i + 1],
                scaled_by=s.scaled_by,
                shifts={j: (up if len(up) == 1 else up[i : i + 1], None) for j, (up, _) in s.shifts.items()},
            )
            for s in samples
        ]
        fit = profile(of("poisson"), together(alone), PRECISION, np.zeros((1, 4)))
        assert fit.chi2.tobytes() == whole.chi2[i : i + 1].tobytes()


def test_what_never_settles_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cevnsi.statistics.profile.MOST_STEPS", 1)
    with pytest.raises(ArithmeticError, match="1 of 1 profiles still fall after 1 steps"):
        one_scale("poisson", 30 * EXPECTED[0], 0.0)
