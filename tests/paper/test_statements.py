"""What the paper says about its figures, found on chi2 itself."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cevnsi.arrays import FloatArray
from cevnsi.config.check import parse_scan
from cevnsi.experiments.targets import MEAN_OF_CSI
from cevnsi.model import Model
from cevnsi.physics.interactions.light_mediator import degenerate_coupling_per_mass
from cevnsi.scans.axes import Scan
from cevnsi.scans.limits import scan_ranges
from cevnsi.statistics.thresholds import threshold
from cevnsi.studies.liao_marfatia_2017.scorecard import MediatorLimits
from points import contact_chi2

ANALYSES = ("paper", "release")
TWO_SIGMA = threshold(0.9545, 2)


@pytest.fixture
def scans(config: dict[str, Any]) -> dict[str, Scan]:
    return {name: parse_scan(name, section) for name, section in config["scans"].items()}


@pytest.fixture
def limits(model: Callable[..., Model], scans: dict[str, Scan]) -> Callable[..., MediatorLimits]:
    """Limits on a light mediator's coupling of an analysis, 2 sigma from the least chi2 of any mass and coupling."""
    return lambda analysis, level=TWO_SIGMA: MediatorLimits.of(model(analysis), scans["light_mediator"], level)


Limits = Callable[..., MediatorLimits]


@pytest.mark.parametrize("analysis", ANALYSES)
def test_a_very_light_mediator_is_limited_in_its_coupling_alone(analysis: str, limits: Limits) -> None:
    (first,), (second,) = (limits(analysis).intervals(mass) for mass in (0.1, 1.0))
    # Q^2 > (35 MeV)^2 in every bin, so M^2 / Q^2 < 1e-3, and the limit on log10 g moves by a quarter of it
    assert first[1] == pytest.approx(second[1], abs=2.5e-4)
    assert limits(analysis).values()["flat_slope"] == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("analysis", ANALYSES)
def test_a_heavy_mediator_is_limited_in_coupling_over_mass(analysis: str, limits: Limits) -> None:
    found = [limits(analysis).intervals(mass)[0][1] - np.log10(mass) for mass in (2e3, 1e4)]
    assert found[0] == pytest.approx(found[1], abs=1e-3)  # Q^2 / M^2 < 2e-3, of which log10 g moves by a quarter
    assert limits(analysis).values()["heavy_slope"] == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("analysis", ANALYSES)
def test_a_degenerate_strip_for_heavy_mediators_only(analysis: str, limits: Limits) -> None:
    used = limits(analysis)
    assert len(used.intervals(10.0)) == 1  # the shape of the spectrum breaks the degeneracy
    _, (low, high) = used.intervals(5e3)
    eq8 = np.log10(degenerate_coupling_per_mass(MEAN_OF_CSI, 0.23857) * 5e3)
    assert low < eq8 < high
    opening = used.strip_opening_mev()
    assert [len(used.intervals(opening * factor)) for factor in (1 - 1e-5, 1 + 1e-5)] == [1, 2]


# At 2 sigma and 90 % of two parameters and of one: by `bins_mediator_chi2` of benchmarks/baselines.py at 9e1cb91, which
# shares no integral with the library, its least and its levels by scipy's minimize_scalar and brentq; 2026-11-26.
OPENINGS = {
    "paper": {TWO_SIGMA: 62.45, threshold(0.9, 2): 72.58, 4.0: 77.49, threshold(0.9, 1): 91.57},
    "release": {TWO_SIGMA: 60.27, threshold(0.9, 2): 69.96, 4.0: 74.62, threshold(0.9, 1): 87.80},
}
MUON_BAND = {"paper": 10.050, "release": 9.975}


@pytest.mark.parametrize("level", OPENINGS["paper"])
@pytest.mark.parametrize("analysis", ANALYSES)
def test_where_the_strip_opens(analysis: str, level: float, limits: Limits) -> None:
    """Of the order of 50 MeV, the momentum transfer, whichever threshold is 2 sigma."""
    found = limits(analysis, level).strip_opening_mev()
    assert found == pytest.approx(OPENINGS[analysis][level], abs=6e-3)
    assert 25 < found < 100


@pytest.mark.parametrize("analysis", ANALYSES)
def test_the_muon_s_moment_is_not_explained(analysis: str, limits: Limits) -> None:
    found = limits(analysis).least_in_muon_band()
    assert found == pytest.approx(MUON_BAND[analysis], abs=5e-4)
    assert found > TWO_SIGMA


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
    analysis: str, scans: dict[str, Scan], model: Callable[..., Model]
) -> None:
    """With |eps_uV|, |eps_dV| <= 1 and delta chi2 2.71; the upper ends follow from the center, 0.535, and are not."""
    rows = scan_ranges(model(analysis), scans["matter_ee_mumu"])
    for parameter, published in (("eps_ee_matter", (-0.95, 1.95)), ("eps_mumu_matter", (-0.66, 1.57))):
        ((low, high),) = [
            (r.lower, r.upper) for r in rows if (r.parameter, r.n_dof, r.other_parameters) == (parameter, 1, "profiled")
        ]
        assert low == pytest.approx(published[0], abs=0.05)
        assert high != pytest.approx(published[1], abs=0.05)
        center = 36.76556 / (65 + 11 / 3)  # the SM charge over what it moves by, so that the ends mirror one another
        assert (low + high) / 2 == pytest.approx(center, abs=1e-8)


@pytest.mark.parametrize("analysis", ANALYSES)
def test_cases_a_and_c_agree_along_the_line_that_they_share(
    analysis: str, scans: dict[str, Scan], model: Callable[..., Model]
) -> None:
    """Sec. 3.2 (c): where eps_mumu_dV = 0 and eps_uV = 0 the ends of cases (a), (b) and (c) are those of one line."""
    used = model(analysis)
    for pair, bound in (("ee", 5e-4), ("mumu", 2e-3)):  # only the least chi2 that delta chi2 starts from differs
        lines = [
            np.array([(r.lower, r.upper) for r in scan_ranges(used, scans[name])
             if (r.parameter, r.n_dof, r.other_parameters) == (f"eps_{pair}_dV", 2, "zero")])
            for name in (f"{pair}_d_u", "ee_mumu_d")
        ]  # fmt: skip
        assert len(lines[0]) == (1 if pair == "ee" else 2)
        np.testing.assert_allclose(lines[0], lines[1], rtol=0, atol=bound)
