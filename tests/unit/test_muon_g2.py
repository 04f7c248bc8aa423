"""The muon's anomalous moment from a vector mediator."""

from typing import Any

import numpy as np
import pytest

from cevnsi.arrays import FloatArray
from cevnsi.config.check import parse_muon_g2, parse_scan
from cevnsi.constants import MUON_MASS_MEV
from cevnsi.output.muon_band import muon_band
from cevnsi.physics.muon_g2 import OF_FIG_2, Discrepancy, coupling_band, moment_per_coupling_squared


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


MASSES = np.array([1.0, 100.0, 1e4])
LATER = Discrepancy(value=38e-11, uncertainty=63e-11)  # arXiv:2505.21476


def test_a_band_of_what_may_be_none_starts_at_zero() -> None:
    low, high = coupling_band(MASSES, LATER)
    assert (low == 0).all()
    per_square = moment_per_coupling_squared(MASSES)
    np.testing.assert_allclose(high**2 * per_square, 164e-11, rtol=1e-12)  # 38 + 2 * 63
    with pytest.raises(ValueError, match=r"muon g-2: at most -1e-10 within 2 sigma; expected more than zero"):
        coupling_band(MASSES, Discrepancy(value=-3e-10, uncertainty=1e-10))


def test_the_discrepancy_of_a_configuration_is_that_of_fig_2(config: dict[str, Any]) -> None:
    assert parse_muon_g2(config["muon_g2"]) == parse_muon_g2(None) == OF_FIG_2  # to the last digit
    assert parse_muon_g2({"discrepancy": 38e-11, "uncertainty": 63e-11}) == LATER


def band_of(
    interaction: str, ordinate: str, fixed: dict[str, float] | None = None
) -> tuple[FloatArray, FloatArray] | None:
    axes = {name: {"min": 1, "max": 1e4, "points": 3, "scale": "log"} for name in ("mediator_mass_mev", ordinate)}
    scan = parse_scan("s", {"interaction": interaction, "axes": axes, "fixed": fixed or {}, "chunks": 1})
    return muon_band(scan, tuple(axes), MASSES, OF_FIG_2)


def test_a_band_is_of_the_coupling_to_muons() -> None:
    expected = coupling_band(MASSES)
    for name in ("b_minus_l", "l_mu_minus_l_tau", "l_e_minus_l_mu"):
        np.testing.assert_array_equal(band_of(name, f"{name}_coupling"), expected)
    np.testing.assert_array_equal(band_of("light_mediator", "coupling"), expected)
    charges = {"charge_u": 1.0, "charge_d": 1.0, "charge_nu_e": 1.0}
    own = band_of("own_charges", "vector_coupling", {**charges, "charge_nu_mu": -2.0})
    assert own is not None
    np.testing.assert_allclose(own, np.divide(expected, 2), rtol=1e-15)


@pytest.mark.parametrize(
    ("interaction", "ordinate", "fixed"),
    [
        ("l_e_minus_l_tau", "l_e_minus_l_tau_coupling", {}),
        ("own_charges", "vector_coupling", {"charge_nu_mu": 0.0}),
        ("own_charges", "charge_u", {"charge_nu_mu": 1.0}),
        ("light_mediator", "eps_ee_uV", {}),
        ("contact", "eps_ee_uV", {}),
    ],
)
def test_what_muons_do_not_feel_has_no_band(interaction: str, ordinate: str, fixed: dict[str, float]) -> None:
    assert band_of(interaction, ordinate, fixed) is None
