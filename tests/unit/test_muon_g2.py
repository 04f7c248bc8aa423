"""The muon's anomalous moment from a vector mediator."""

import numpy as np
import pytest

from cevnsi.constants import MUON_MASS_MEV
from cevnsi.physics.muon_g2 import coupling_band, moment_per_coupling_squared


def independent(mediator_mass_mev: float) -> float:
    """The same integral by Gauss-Legendre on pieces that shrink by two towards both ends."""
    ratio = (mediator_mass_mev / MUON_MASS_MEV) ** 2
    nodes, weights = np.polynomial.legendre.leggauss(20)
    halving = 0.5 ** np.arange(1, 60)
    total = 0.0
    for a, b in zip(np.append(halving[1:], 0.0), halving, strict=True):
        x = (a + b) / 2 + (b - a) / 2 * nodes
        for u, rest in ((x, 1 - x), (1 - x, x)):  # near 0 and, with 1 - u kept exact, near 1
            total += (b - a) / 2 * weights @ (2 * u**2 * rest / (u**2 + rest * ratio))
    return float(total / (8 * np.pi**2))


@pytest.mark.parametrize("mass", [1e-3, 0.3, 1.0, 10.0, 105.7, 1e3, 1e4, 1e6])
def test_equals_an_independent_integral(mass: float) -> None:
    # the independent integral is at rounding
    assert moment_per_coupling_squared(mass) == pytest.approx(independent(mass), rel=1e-13, abs=0)


def test_massless_limit() -> None:
    # the correction is pi M / m_mu = 3e-8
    assert moment_per_coupling_squared(1e-6) == pytest.approx(1 / (8 * np.pi**2), rel=1e-7, abs=0)
    assert moment_per_coupling_squared(0.0) == pytest.approx(1 / (8 * np.pi**2), rel=1e-12, abs=0)


def test_heavy_limit() -> None:
    mass = 1e7
    expected = MUON_MASS_MEV**2 / (12 * np.pi**2 * mass**2)
    # the correction is of order (m_mu / M)^2 log(M / m_mu) = 1e-9
    assert moment_per_coupling_squared(mass) == pytest.approx(expected, rel=1e-6, abs=0)


def test_band_spans_two_standard_deviations() -> None:
    mass = np.array([1.0, 100.0, 1e4])
    low, high = coupling_band(mass)
    per_square = np.array([moment_per_coupling_squared(m) for m in mass])
    np.testing.assert_allclose(low**2 * per_square, 11e-10, rtol=1e-12)  # (29 - 2 * 9) e-10
    np.testing.assert_allclose(high**2 * per_square, 47e-10, rtol=1e-12)
    narrow = coupling_band(mass, n_sigma=0.0)
    np.testing.assert_array_equal(*narrow)
