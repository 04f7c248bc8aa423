"""Form factors: normalization, series against closed form, and known radii."""

import math

import numpy as np
import pytest

from cevnsi.config.check import schema
from cevnsi.constants import HBARC_MEV_FM
from cevnsi.experiments.targets import MEAN_OF_CSI
from cevnsi.physics.form_factors import FORM_FACTORS, _uniform_sphere
from cevnsi.physics.nuclei import CESIUM, IODINE, Nuclide

NUCLIDES = (MEAN_OF_CSI, CESIUM, IODINE)


def test_form_factors_are_those_of_the_schema() -> None:
    analyses = schema()["properties"]["analyses"]["additionalProperties"]["properties"]
    assert analyses["form_factor"]["enum"] == list(FORM_FACTORS)


@pytest.mark.parametrize("name", FORM_FACTORS)
@pytest.mark.parametrize("nuclide", NUCLIDES)
def test_one_at_zero_and_less_beyond(name: str, nuclide: Nuclide) -> None:
    q2 = np.linspace(0.0, 80.0, 400) ** 2  # MeV^2, up to where the first recoils end
    f = FORM_FACTORS[name](q2, nuclide)
    assert f[0] == 1.0
    assert (np.diff(f) < 0).all() if name != "point" else (f == 1).all()


def test_series_and_closed_form_join_smoothly() -> None:
    x = 0.02
    below, above = _uniform_sphere(np.array([np.nextafter(x, 0), x]))
    # the closed form loses 16 - log10(3 / x^3) digits to cancellation, about 1e-16 * 3 / 8e-6 = 4e-11
    assert above == pytest.approx(below, abs=1e-10)


@pytest.mark.parametrize("x", [1e-4, 0.005, 0.0199])
def test_series_equals_the_sum_of_all_its_terms(x: float) -> None:
    # 3 j_1(x) / x = sum over k of (-1)^k x^(2k) * 6 (k + 1) / (2k + 3)!
    exact = math.fsum((-1) ** k * x ** (2 * k) * 6 * (k + 1) / math.factorial(2 * k + 3) for k in range(8))
    assert _uniform_sphere(np.array([x]))[0] == pytest.approx(exact, abs=1e-13)  # as its docstring promises


@pytest.mark.parametrize("x", [0.021, 0.5, 2.0, 4.0])
def test_closed_form_equals_the_sum_of_the_series(x: float) -> None:
    exact = math.fsum((-1) ** k * x ** (2 * k) * 6 * (k + 1) / math.factorial(2 * k + 3) for k in range(25))
    assert _uniform_sphere(np.array([x]))[0] == pytest.approx(exact, abs=1e-10)  # cancellation, as above


def mean_square_radius(name: str, nuclide: Nuclide) -> float:
    """In fm^2, from the slope at zero: F = 1 - q^2 <r^2> / 6 + ..."""
    q2 = 0.5**2  # MeV^2; the next term of the series is 1e-6 of this one
    f = FORM_FACTORS[name](np.array([q2]), nuclide)[0]
    return float((1 - f) * 6 * HBARC_MEV_FM**2 / q2)


@pytest.mark.parametrize("nuclide", NUCLIDES)
def test_klein_nystrand_radius(nuclide: Nuclide) -> None:
    # a sphere of radius 1.2 A^(1/3) fm has 3/5 R^2, the Yukawa of range 0.7 fm adds 6 a^2
    expected = 0.6 * 1.44 * nuclide.mass_number ** (2 / 3) + 6 * 0.49
    assert mean_square_radius("klein_nystrand", nuclide) == pytest.approx(
        expected, rel=1e-4
    )  # q^4 term, 1 - F in float64


@pytest.mark.parametrize("nuclide", NUCLIDES)
def test_helm_radius(nuclide: Nuclide) -> None:
    # Lewin and Smith, Eq. 4.11: r_n^2 = c^2 + 7/3 pi^2 a^2 - 5 s^2, and <r^2> = 3/5 r_n^2 + 3 s^2
    c = 1.23 * nuclide.mass_number ** (1 / 3) - 0.6
    expected = 0.6 * (c**2 + 7 / 3 * math.pi**2 * 0.52**2 - 5 * 0.81) + 3 * 0.81
    assert mean_square_radius("helm", nuclide) == pytest.approx(expected, rel=1e-4)


def test_any_shape_is_kept() -> None:
    for form in FORM_FACTORS.values():
        assert form(np.ones((2, 3, 4)), MEAN_OF_CSI).shape == (2, 3, 4)
