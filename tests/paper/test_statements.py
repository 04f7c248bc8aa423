"""What the paper says about its figures, on grids coarse enough for a test."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from cevnsi.interactions import degenerate_coupling_per_mass
from cevnsi.nuclei import MEAN
from cevnsi.regions import allowed_intervals, threshold
from cevnsi.scan import Model, contact_chi2, mediator_chi2

FloatArray = NDArray[np.float64]
ANALYSES = ("paper", "release")
COUPLING = np.geomspace(1e-6, 1.0, 1201)
TWO_SIGMA = threshold(0.9545, 2)


def allowed_couplings(model: Model, mass: float) -> list[tuple[float, float]]:
    """Intervals of log10 coupling within 2 sigma of the least chi2 of any mass and coupling."""
    everywhere = mediator_chi2(model, np.geomspace(1, 1e4, 41)[:, None], COUPLING)
    chi2 = mediator_chi2(model, np.array(mass), COUPLING)
    return allowed_intervals(np.log10(COUPLING), chi2 - everywhere.min(), TWO_SIGMA)


@pytest.mark.parametrize("analysis", ANALYSES)
def test_a_very_light_mediator_is_limited_in_its_coupling_alone(analysis: str, model: Callable[..., Model]) -> None:
    (first,), (second,) = (allowed_couplings(model(analysis), mass) for mass in (0.1, 1.0))
    # Q^2 > (35 MeV)^2 in every bin, so M^2 / Q^2 < 1e-3, and the limit on log10 g moves by a quarter of it
    assert first[1] == pytest.approx(second[1], abs=1e-3)


@pytest.mark.parametrize("analysis", ANALYSES)
def test_a_heavy_mediator_is_limited_in_coupling_over_mass(analysis: str, model: Callable[..., Model]) -> None:
    limits = [allowed_couplings(model(analysis), mass)[0][1] - np.log10(mass) for mass in (2e3, 1e4)]
    assert limits[0] == pytest.approx(limits[1], abs=2e-3)  # Q^2 / M^2 < 2e-3


@pytest.mark.parametrize("analysis", ANALYSES)
def test_a_degenerate_strip_for_heavy_mediators_only(analysis: str, model: Callable[..., Model]) -> None:
    used = model(analysis)
    assert len(allowed_couplings(used, 10.0)) == 1  # the shape of the spectrum breaks the degeneracy
    _, (low, high) = allowed_couplings(used, 5e3)
    eq8 = np.log10(degenerate_coupling_per_mass(MEAN, 0.23857) * 5e3)
    assert low < eq8 < high


def in_region(model: Model, parameters: dict[str, FloatArray]) -> NDArray[np.bool_]:
    chi2 = contact_chi2(model, dict(parameters), {})
    inside: NDArray[np.bool_] = chi2 - chi2.min() < threshold(0.9, 2)
    return inside


@pytest.mark.parametrize("analysis", ANALYSES)
@pytest.mark.parametrize(("pair", "bands"), [("ee", 1), ("mumu", 2)])
def test_bands_of_cases_a_and_b(analysis: str, pair: str, bands: int, model: Callable[..., Model]) -> None:
    d = np.linspace(-0.5, 0.8, 1301)
    inside = in_region(model(analysis), {f"eps_{pair}_dV": d, f"eps_{pair}_uV": np.zeros(1)})
    assert np.count_nonzero(np.diff(inside.astype(int)) == 1) == bands  # cuts across the bands enter each once
    assert inside[d.searchsorted(0.0)]


@pytest.mark.parametrize("analysis", ANALYSES)
@pytest.mark.parametrize("pair", ["ee", "mumu"])
def test_u_and_d_cancel_along_a_line(analysis: str, pair: str, model: Callable[..., Model]) -> None:
    """Along 184 eps_u + 206 eps_d = 0 nothing changes, however large the couplings."""
    far = np.array([-1000.0, 0.0, 1.0, 50.0])
    chi2 = contact_chi2(model(analysis), {f"eps_{pair}_uV": 206 * far, f"eps_{pair}_dV": -184 * far}, {})
    np.testing.assert_allclose(chi2, chi2[1], rtol=1e-6)  # 4e7 times rounding remains in the charge


@pytest.mark.parametrize("analysis", ANALYSES)
def test_case_d_is_one_ellipse_without_a_hole(analysis: str, model: Callable[..., Model]) -> None:
    """The center, where the electron flavor's rate vanishes, is still allowed: its flux is small."""
    used = model(analysis)
    center = 36.76556 / 206  # eps_ee_dV that takes the charge to zero
    turned = np.linspace(0, 2 * np.pi, 73)
    radius = np.linspace(0, 2.5, 251)[:, None] * center
    parameters = {"eps_ee_dV": center + radius * np.cos(turned), "eps_etau_dV": radius * np.sin(turned)}
    inside = in_region(used, parameters)
    assert inside[0].all()
    # from the center outwards the region ends once, at the same distance in every direction
    edges = np.diff(inside.astype(int), axis=0)
    assert (edges <= 0).all()
    assert (np.argmin(edges, axis=0) == np.argmin(edges[:, 0])).all()


@pytest.mark.parametrize("analysis", ANALYSES)
def test_eq_12_at_one_degree_of_freedom_is_near_the_published_lower_ends(
    analysis: str, model: Callable[..., Model]
) -> None:
    """With |eps_uV|, |eps_dV| <= 1 and delta chi2 2.71; the upper ends follow from the center, 0.535, and are not."""
    quarks = {f"eps_{pair}_{q}V": (-1.0, 1.0) for pair in ("ee", "mumu") for q in "ud"}
    x = np.linspace(-2, 3, 251)
    chi2 = contact_chi2(model(analysis), {"eps_ee_matter": x[:, None], "eps_mumu_matter": x[None, :]}, quarks)
    delta = chi2 - chi2.min()
    for axis, published in ((1, -0.95), (0, -0.66)):
        ((low, high),) = allowed_intervals(x, delta.min(axis=axis), threshold(0.9, 1))
        assert low == pytest.approx(published, abs=0.05)
        assert (low + high) / 2 == pytest.approx(0.535, abs=5e-3)  # the grid's step is 0.02
