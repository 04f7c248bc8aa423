"""Form factors: normalization, series against closed form, and known radii."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import erf

from cevnsi.arrays import FloatArray
from cevnsi.config.check import schema
from cevnsi.constants import HBARC_MEV_FM
from cevnsi.experiments.targets import MEAN_OF_CSI
from cevnsi.physics.form_factors import (
    FORM_FACTORS,
    RADIUS_FORM_FACTORS,
    _uniform_sphere,
    form_factor_named,
    helm_of_radius,
)
from cevnsi.physics.nuclei import CESIUM, IODINE, Nuclide

NUCLIDES = (MEAN_OF_CSI, CESIUM, IODINE)


def test_form_factors_are_those_of_the_schema() -> None:
    analyses = schema()["properties"]["analyses"]["additionalProperties"]["properties"]
    assert analyses["form_factor"]["enum"] == [*FORM_FACTORS, *RADIUS_FORM_FACTORS]


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


def helm_density(r: FloatArray, sphere: float, skin: float) -> FloatArray:
    """A uniform sphere folded with a Gaussian in three dimensions, over its integral; in fm."""
    out, into = (r + sphere) / (np.sqrt(2) * skin), (r - sphere) / (np.sqrt(2) * skin)
    edge = np.sqrt(2 / np.pi) * skin / r * (np.exp(-(out**2)) - np.exp(-(into**2)))
    return np.asarray((erf(out) - erf(into) + edge) / 2 / (4 / 3 * np.pi * sphere**3))


@pytest.mark.parametrize("radius", [3.36, 4.749, 5.01])
def test_helm_of_a_radius_is_the_fourier_integral_of_its_density(radius: float) -> None:
    sphere = math.sqrt(5 / 3 * (radius**2 - 3 * 0.9**2))

    def moment(weight: Callable[[float], float]) -> float:
        def integrand(r: float) -> float:
            return 4 * math.pi * r**2 * float(helm_density(np.array(r), sphere, 0.9)) * weight(r)

        return float(quad(integrand, 1e-6, sphere + 12 * 0.9, epsabs=1e-12, epsrel=1e-11, limit=200)[0])

    assert moment(lambda r: 1.0) == pytest.approx(1, abs=1e-9)
    assert moment(lambda r: r**2) == pytest.approx(radius**2, rel=1e-9)
    for q in (10.0, 50.0, 100.0, 200.0):  # MeV, the last beyond a zero of F of the larger two
        per_fm = q / HBARC_MEV_FM
        expected = moment(lambda r, k=per_fm: math.sin(k * r) / (k * r))  # type: ignore[misc]
        assert float(helm_of_radius(np.array(q**2), radius)) == pytest.approx(expected, abs=1e-9)


def test_the_slope_of_helm_at_zero_is_the_radius() -> None:
    radii = np.array([[3.5], [4.94], [6.0]])
    q2 = np.array([0.25, 0.5])  # MeV^2
    f = helm_of_radius(q2, radii)
    assert f.shape == (3, 2)
    np.testing.assert_allclose((1 - f) * 6 * HBARC_MEV_FM**2 / q2, radii**2 * np.ones(2), rtol=1e-4)  # as above
    np.testing.assert_array_equal(helm_of_radius(np.zeros(2), 5.0), 1.0)


def test_helm_of_lewin_and_smith_is_that_of_its_radius() -> None:
    q2 = np.linspace(0, 80, 50) ** 2
    for nuclide in NUCLIDES:
        c = 1.23 * nuclide.mass_number ** (1 / 3) - 0.6
        radius = math.sqrt(0.6 * (c**2 + 7 / 3 * math.pi**2 * 0.52**2 - 5 * 0.81) + 3 * 0.81)
        np.testing.assert_allclose(helm_of_radius(q2, radius), FORM_FACTORS["helm"](q2, nuclide), rtol=1e-12)


@pytest.mark.parametrize("radius", [1.5, 0.0, -5.0])
def test_a_radius_that_the_skin_alone_exceeds_is_refused(radius: float) -> None:
    with pytest.raises(ValueError, match=rf"an rms radius of {radius:g} fm; expected more than its skin's, 1.559 fm"):
        helm_of_radius(np.array(100.0), np.array([5.0, radius]))


def test_form_factors_by_name() -> None:
    for name, form in {**FORM_FACTORS, **RADIUS_FORM_FACTORS}.items():
        assert form_factor_named(name) is form
    assert [form.apart for form in RADIUS_FORM_FACTORS.values()] == [False, True]
    with pytest.raises(ValueError, match="form factor 'hlem'; expected one of klein_nystrand, helm, point, helm_"):
        form_factor_named("hlem")


def test_any_shape_is_kept() -> None:
    for form in FORM_FACTORS.values():
        assert form(np.ones((2, 3, 4)), MEAN_OF_CSI).shape == (2, 3, 4)
