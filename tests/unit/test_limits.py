"""Ends of ranges are roots of chi2, whatever the grid; each says which bound makes it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.optimize import Bounds, differential_evolution, minimize, minimize_scalar

from cevnsi import model as model_module
from cevnsi.arrays import FloatArray
from cevnsi.config.check import parse_scan
from cevnsi.experiments.response import Acceptance
from cevnsi.experiments.targets import MEAN_OF_CSI
from cevnsi.model import Model, chi2_at, make_model
from cevnsi.parameters import Axis
from cevnsi.physics.interactions import INTERACTIONS
from cevnsi.physics.weak_charge import standard_model_charge, tree_couplings, weak_charge_squared
from cevnsi.questions import allowed_range, make_line
from cevnsi.scans import limits
from cevnsi.scans.axes import Scan
from cevnsi.scans.limits import (
    best_fits,
    curve_ranges,
    curves,
    fine_axis,
    least_of,
    relative_error,
    scan_limits,
    scan_ranges,
)
from cevnsi.scans.ranges import AllowedRange
from cevnsi.statistics.thresholds import threshold
from points import by_epsilon, contact_chi2, mediator_chi2

SCANS = ("light_mediator", "ee_d_u", "mumu_d_u", "ee_mumu_d", "ee_etau_d", "matter_ee_mumu")
U, D = (
    2 * MEAN_OF_CSI.protons + MEAN_OF_CSI.neutrons,
    MEAN_OF_CSI.protons + 2 * MEAN_OF_CSI.neutrons,
)  # quarks that eps_uV and eps_dV count


@pytest.fixture
def scans(config: dict[str, Any]) -> dict[str, Scan]:
    return {name: parse_scan(name, config["scans"][name]) for name in SCANS}


def with_points(scan: Scan, points: int) -> Scan:
    return replace(scan, axes=tuple(replace(axis, points=points) for axis in scan.axes))


def row_of(rows: list[AllowedRange], parameter: str, n_dof: int, others: str = "profiled") -> AllowedRange:
    (found,) = [r for r in rows if (r.parameter, r.n_dof, r.other_parameters) == (parameter, n_dof, others)]
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", SCANS)
def test_a_range_does_not_depend_on_the_points_of_its_axes(
    name: str, scans: dict[str, Scan], model: Callable[..., Model]
) -> None:
    expected = scan_ranges(model("paper"), with_points(scans[name], 401))
    for points in (3, 11, 41, 202):
        found = scan_ranges(model("paper"), with_points(scans[name], points))
        assert len(found) == len(expected)
        for row, other in zip(found, expected, strict=True):
            np.testing.assert_allclose((row.lower, row.upper), (other.lower, other.upper), rtol=1e-8, atol=1e-8)
            texts = [(r.parameter, r.interval, r.ends_at_grid, r.lower_set_by, r.upper_set_by) for r in (row, other)]
            assert texts[0] == texts[1]


def test_known_ranges(scans: dict[str, Scan], model: Callable[..., Model]) -> None:
    """Found by independent codes (profiles from multi-start minimisers on a fine line, then a root)."""
    light = scan_ranges(model("paper"), with_points(scans["light_mediator"], 41))
    assert row_of(light, "coupling", 1).upper == pytest.approx(0.02747, abs=5e-6)
    assert row_of(light, "coupling", 2).upper == pytest.approx(0.02903, abs=5e-6)
    muon = scan_ranges(model("paper"), scans["mumu_d_u"])
    assert row_of(muon, "eps_mumu_dV", 1).lower == pytest.approx(-0.968, abs=5e-4)
    electron = scan_ranges(model("paper"), scans["ee_d_u"])
    row = row_of(electron, "eps_ee_dV", 1, "zero")
    assert (row.lower, row.upper) == pytest.approx((-0.1274, 0.4843), abs=5e-5)


def chi2_with_others_free(model: Model, scan: Scan, row: AllowedRange, value: float) -> float:
    """Least chi2 at a value, by scipy's local minimisers from many starts on `general_chi2`, or at zero."""
    point = {**scan.fixed, row.parameter: value}
    (other,) = (axis for axis in scan.axes if axis.name != row.parameter)
    if row.other_parameters == "zero":
        return float(chi2_at(model, scan.interaction, point))
    low, high = other.coordinates()[[0, -1]]

    def at(coordinate: float) -> float:
        there = float(other.value(np.array(coordinate)))
        return float(chi2_at(model, scan.interaction, {**point, other.name: there}))

    cells = np.linspace(low, high, 401)
    sampled = np.array([at(c) for c in cells])
    places = np.argsort(sampled)[:3]
    found = [minimize_scalar(at, bounds=(max(low, cells[i] - 0.02), min(high, cells[i] + 0.02)), method="bounded",
                             options={"xatol": 1e-12}).fun for i in places]  # fmt: skip
    return min(*found, at(low), at(high))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["light_mediator", "mumu_d_u", "ee_mumu_d", "ee_etau_d"])
def test_at_an_end_chi2_is_the_threshold_above_the_least(
    name: str, scans: dict[str, Scan], model: Callable[..., Model]
) -> None:
    used, scan = model("release"), scans[name]
    least = least_of(used, scan)
    checked = 0
    for row in scan_ranges(used, scan):
        for end, text in ((row.lower, row.lower_set_by), (row.upper, row.upper_set_by)):
            if not text.startswith(row.parameter):  # no end of its own axis
                found = chi2_with_others_free(used, scan, row, end) - least
                assert found == pytest.approx(threshold(row.confidence_level, row.n_dof), abs=2e-6)
                checked += 1
    assert checked >= 2


@pytest.mark.slow
@pytest.mark.parametrize("nuclei", ["mean", "cs_and_i"])
def test_the_least_chi2_is_the_global_minimum(nuclei: str, scans: dict[str, Scan], model: Callable[..., Model]) -> None:
    used = model("release", nuclei=nuclei)
    for name in ("ee_mumu_d", "mumu_d_u", "light_mediator"):
        scan = scans[name]
        ends = [axis.coordinates()[[0, -1]] for axis in scan.axes]

        def at(place: FloatArray, scan: Scan = scan) -> float:
            values = {a.name: a.value(np.array(x)) for a, x in zip(scan.axes, place, strict=True)}
            if scan.interaction == "contact":
                return float(contact_chi2(used, values, {}))
            return float(mediator_chi2(used, values["mediator_mass_mev"], values["coupling"]))

        low, high = np.array(ends).T
        found = differential_evolution(at, Bounds(low, high), rng=1, tol=1e-12, popsize=20)
        # the search may stop a little above, as it does in a long valley
        assert found.fun - 1e-5 < least_of(used, scan) < found.fun + 1e-8


BOUNDS = [
    ("mumu_d_u", "eps_mumu_dV", 1, "eps_mumu_uV <= 1", "eps_mumu_dV <= 1"),
    ("light_mediator", "coupling", 2, "coupling >= 1e-06", "mediator_mass_mev <= 10000"),
    ("ee_mumu_d", "eps_ee_dV", 2, "", ""),
    ("matter_ee_mumu", "eps_ee_matter", 2, "eps_ee_uV >= -1", "eps_ee_uV <= 1"),
]


@pytest.mark.parametrize(("name", "parameter", "n_dof", "lower", "upper"), BOUNDS)
def test_an_end_says_which_bound_makes_it(
    name: str, parameter: str, n_dof: int, lower: str, upper: str, scans: dict[str, Scan], model: Callable[..., Model]
) -> None:
    row = row_of(scan_ranges(model("paper"), scans[name]), parameter, n_dof)
    assert (row.lower_set_by, row.upper_set_by) == (lower, upper)


def test_an_end_moves_with_the_bound_that_it_names(scans: dict[str, Scan], model: Callable[..., Model]) -> None:
    mass, coupling = scans["light_mediator"].axes
    shorter = replace(scans["light_mediator"], axes=(replace(mass, maximum=1000.0), coupling))
    row = row_of(scan_ranges(model("paper"), shorter), "coupling", 2)
    assert row.upper == pytest.approx(0.0029, abs=5e-5)
    assert row.upper_set_by == "mediator_mass_mev <= 1000"


@pytest.mark.parametrize("reach", [1.0, 30.0, 1000.0, 1e6])
def test_a_wide_axis_hides_nothing(reach: float, model: Callable[..., Model]) -> None:
    used = model("paper")
    for points in (3, 11, 1001):
        line = make_line(used, "eps_ee_dV", (-reach, reach), points=points, domain={})
        ((low, high),) = [(r.lower, r.upper) for r in allowed_range(used, line)]
        assert (low, high) == pytest.approx((-0.127362699, 0.484309883), abs=1e-8)
    two = allowed_range(used, make_line(used, "eps_mumu_dV", (-reach, reach), domain={}))
    assert [r.interval for r in two] == [0, 1]
    center = -standard_model_charge(MEAN_OF_CSI, tree_couplings(0.23857)) / D  # about which the charge is mirrored
    ends = np.array([(r.lower, r.upper) for r in two])
    np.testing.assert_allclose(ends[0] + ends[1][::-1], 2 * center, atol=1e-8)


@pytest.mark.parametrize("bound", [0.3, 1.0, 100.0, 1e4])
def test_a_domain_moves_the_ends_by_what_it_lets_the_other_quark_cancel(
    bound: float, model: Callable[..., Model]
) -> None:
    """With one nucleus only U eps_u + D eps_d counts, so each end moves by U / D per unit of the other's bound."""
    used = model("paper")
    line = make_line(used, "eps_ee_dV", (-1e6, 1e6), domain={"eps_ee_uV": (-bound, bound)})
    ((low, high),) = [(r.lower, r.upper) for r in allowed_range(used, line)]
    assert (low, high) == pytest.approx((-0.127362699 - U / D * bound, 0.484309883 + U / D * bound), abs=1e-7 * bound)


def test_a_fixed_partner_shifts_the_range(model: Callable[..., Model]) -> None:
    used = model("paper")
    line = make_line(used, "eps_ee_dV", (-1e4, 1e4), fixed={"eps_ee_uV": 700.0}, domain={})
    ((low, high),) = [(r.lower, r.upper) for r in allowed_range(used, line)]
    assert (low, high) == pytest.approx((-0.127362699 - U / D * 700, 0.484309883 - U / D * 700), abs=1e-7)


@pytest.mark.parametrize("bound", [1.0, 50.0, 2000.0])
def test_a_matter_parameter_with_wide_domains(bound: float, model: Callable[..., Model]) -> None:
    """Ends move by 3 (U - D) (-bound) / D per unit of bound once one quark is at it (Eq. 11)."""
    used = model("paper")
    domains = {f"eps_ee_{quark}V": (-bound, bound) for quark in "ud"}
    line = make_line(used, "eps_ee_matter", domain=domains)
    ((low, high),) = [(r.lower, r.upper) for r in allowed_range(used, line)]

    def chi2(matter: float) -> float:  # eps_u at an end of its domain, whichever is better
        total = matter / 3
        return min(
            float(contact_chi2(used, {"eps_ee_uV": u, "eps_ee_dV": total - u}, {}))
            for u in (max(-bound, total - bound), min(bound, total + bound))
        )

    least = float(contact_chi2(used, {}, {"eps_ee_dV": (-1.0, 1.0)}))
    assert [chi2(end) - least for end in (low, high)] == pytest.approx([threshold(0.9, 1)] * 2, abs=1e-6)


def test_a_parameter_that_changes_nothing_has_no_sensitivity(model: Callable[..., Model]) -> None:
    used = model("paper")
    (row,) = allowed_range(used, make_line(used, "eps_tautau_uV", domain={}))
    assert (row.lower, row.upper, row.ends_at_grid) == (-1.0, 1.0, "lower+upper")
    assert row.warning == "no sensitivity: chi2 does not depend on eps_tautau_uV"


def test_an_analysis_that_predicts_nothing_says_so(
    scans: dict[str, Scan], model: Callable[..., Model], measurement: Callable[..., Any]
) -> None:
    blind = Acceptance(photoelectrons=np.array([0.0, 50.0]), fraction=np.zeros(2))
    analysis = model("paper").analysis
    used = make_model(analysis, measurement("figure3"), blind)
    for name in ("light_mediator", "ee_mumu_d", "matter_ee_mumu"):
        rows = scan_ranges(used, scans[name])
        assert rows
        assert {row.ends_at_grid for row in rows} == {"lower+upper"}
        assert all(row.warning.startswith("no sensitivity") for row in rows)


@pytest.mark.parametrize("analysis", ["paper", "csi_2017"])
def test_ranges_and_best_fits_are_the_same_made_together_or_apart(
    analysis: str, scans: dict[str, Scan], model: Callable[..., Model]
) -> None:
    used, scan = model(analysis), scans["ee_mumu_d"]
    together = scan_limits(used, scan)
    assert together.ranges == scan_ranges(used, scan)
    assert together.best_fits == best_fits(used, scan)
    assert together.ranges
    assert together.best_fits


def test_best_fits(scans: dict[str, Scan], model: Callable[..., Model]) -> None:
    used = model("paper")

    def at(place: FloatArray) -> float:
        return float(contact_chi2(used, dict(zip(("eps_ee_dV", "eps_mumu_dV"), place, strict=True)), {}))

    ee, mumu = best_fits(used, scans["ee_mumu_d"])
    assert ee.chi2 == pytest.approx(mumu.chi2, abs=1e-9)
    assert minimize(at, [ee.value, mumu.value], tol=1e-12).fun == pytest.approx(ee.chi2, abs=1e-9)
    # chi2 sees charges squared, so the best fit has mirror images, within 0.01 of which the parameter is as likely
    center = -standard_model_charge(MEAN_OF_CSI, tree_couplings(0.23857)) / D
    for fit in (ee, mumu):
        assert fit.flat_from <= fit.value <= fit.flat_to
        assert (fit.flat_from + fit.flat_to) / 2 == pytest.approx(center, abs=1e-6)
    mass, _ = best_fits(used, scans["light_mediator"])
    assert (mass.flat_from, mass.grid) == (1.0, "light_mediator")  # flat below the momentum transfer
    assert mass.flat_to == pytest.approx(34.5, abs=0.5)


@pytest.mark.slow
def test_projections_have_ranges_of_every_axis(model: Callable[..., Model]) -> None:
    names = ("eps_mumu_dV", "eps_mumu_uV", "eps_mutau_dV")
    axes = tuple(Axis(name=name, minimum=-1.0, maximum=1.0, points=21) for name in names)
    scan = Scan(
        name="s",
        interaction="contact",
        axes=axes,
        projections=(names[:2], (names[0], names[2])),
        confidence_levels=(0.9,),
        n_dof=(2, 1),
    )
    for nuclei in ("mean", "cs_and_i"):
        used = model("release", nuclei=nuclei)
        rows = scan_ranges(used, scan)
        assert {row.parameter for row in rows} == set(names)
        assert {row.other_parameters for row in rows} == {"profiled"}
        row = row_of(rows, "eps_mutau_dV", 1)

        domain = {"eps_mumu_dV": (-1.0, 1.0), "eps_mumu_uV": (-1.0, 1.0)}
        chi2 = contact_chi2(used, {"eps_mutau_dV": np.append(np.linspace(-1, 1, 2001), row.upper)}, domain)
        assert chi2[-1] - chi2.min() == pytest.approx(threshold(0.9, 1), abs=1e-5)


def test_chi2_that_varies_faster_than_it_is_sampled_is_told(
    model: Callable[..., Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    used = model("paper")
    line = make_line(used, "eps_mumu_dV", (-1e6, 1e6), domain={})
    (curve,) = curves(used, line, "eps_mumu_dV")
    assert {row.warning for row in curve_ranges(curve, "s", None, [(0.9, 1)])} == {""}
    # samples so far apart that every other one misses what all of them show
    monkeypatch.setattr(limits, "SAMPLES_PER_CHARGE", 0.4)
    monkeypatch.setattr(limits, "GROWTH", 3.0)
    monkeypatch.setattr(limits, "MOST_DOUBLINGS", 1)
    (curve,) = curves(used, line, "eps_mumu_dV")  # as one keeps its samples
    assert any("varies faster" in row.warning for row in curve_ranges(curve, "s", None, [(0.9, 1)]))


def measuring(model: Model, **changed: Any) -> Model:
    """The model with another measurement."""
    measured = replace(model.dataset.measurement, **changed)
    return replace(model, datasets=(replace(model.dataset, measurement=measured),))


def test_samples_follow_the_error_of_the_counts(scans: dict[str, Scan], model: Callable[..., Model]) -> None:
    """Eight times the precision asks for eight times the samples, so that a narrower strip is still found."""
    used = model("paper")
    sharper = measuring(used, uncertainty=used.dataset.measurement.errors / 8)
    assert relative_error(sharper) == pytest.approx(relative_error(used) / 8, rel=1e-12)
    axis = scans["light_mediator"].axis("mediator_mass_mev")
    coarse = replace(axis, points=3)
    ratio = fine_axis(sharper, coarse).points / fine_axis(used, coarse).points
    assert ratio == pytest.approx(8, rel=0.01)


def sharp_truth(model: Model, scan: Scan) -> Mapping[str, float]:
    """Allowed couplings at the largest mass, where the strip is all that lets the coupling go so far."""
    mass, coupling = scan.axes
    chi2 = mediator_chi2(model, np.array(mass.maximum), np.geomspace(coupling.minimum, coupling.maximum, 400_001))
    inside = np.geomspace(coupling.minimum, coupling.maximum, 400_001)[
        chi2 - least_of(model, scan) < threshold(0.9545, 1)
    ]
    return {"upper": float(inside.max())}


@pytest.mark.slow
def test_a_strip_much_narrower_than_a_step_of_the_grid_is_found(
    scans: dict[str, Scan], model: Callable[..., Model]
) -> None:
    used = model("paper")
    sharper = measuring(used, observed=used.standard_model_counts, uncertainty=used.dataset.measurement.errors / 5)
    scan = with_points(scans["light_mediator"], 21)
    row = row_of(scan_ranges(sharper, scan), "coupling", 1)
    assert row.upper == pytest.approx(sharp_truth(sharper, scan)["upper"], rel=5e-5)


@pytest.mark.parametrize("confidence_level", [1e-12, 1e-6])
def test_a_range_shorter_than_rounding_is_its_best_fit(confidence_level: float, model: Callable[..., Model]) -> None:
    used = model("paper")
    line = make_line(used, "eps_ee_dV", confidence_levels=(confidence_level,))
    rows = allowed_range(used, line)
    chi2 = contact_chi2(used, {"eps_ee_dV": np.array([row.lower for row in rows])}, {})
    np.testing.assert_allclose(chi2, least_of(used, line), atol=1e-9)


def test_an_end_of_a_log_axis_is_the_axis_own_to_the_last_digit(model: Callable[..., Model]) -> None:
    """10^log10(1e-5) is not 1e-5."""
    used = model("paper")
    for high in (1e-5, 3e-6, 7.7e-5):
        line = make_line(used, "coupling", (1e-6, high), fixed={"mediator_mass_mev": 1000.0}, domain={})
        (row,) = allowed_range(used, line)
        assert (row.upper, row.ends_at_grid, row.upper_set_by) == (high, "lower+upper", f"coupling <= {high:g}")


def narrow_about_zero(momentum_transfer_squared: FloatArray, *, strength: Any, slope: Any = 0.0) -> dict[Any, Any]:
    """An interaction of epsilon alone, on so small a scale that even steps along its axis do not see it."""
    value = 1e6 * np.square(strength) + 0 * momentum_transfer_squared + slope
    return {(quark, "mumu"): value for quark in ("u", "d")}


def test_an_interaction_of_its_own_is_looked_for_about_zero(
    model: Callable[..., Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(INTERACTIONS, "narrow", by_epsilon("narrow", narrow_about_zero, "strength", "slope"))
    used = model("paper")
    scan = Scan(
        name="s",
        interaction="narrow",
        axes=(Axis(name="strength", minimum=-1.0, maximum=1.0, points=3),),
        domain={},
        fixed={},
        projections=(("strength",),),
        confidence_levels=(0.9,),
        n_dof=(1,),
        chunks=1,
    )
    rows = curve_ranges(curves(used, scan, "strength")[0], "s", None, [(0.9, 1)])
    ends = np.array([end for row in rows for end in (row.lower, row.upper)])
    assert ends.size >= 2
    assert (np.abs(ends) < 1e-3).all()
    chi2 = chi2_at(used, "narrow", {"strength": ends})
    np.testing.assert_allclose(chi2 - least_of(used, scan), threshold(0.9, 1), atol=1e-6)


def test_memory_of_an_interaction_of_its_own_is_bounded(
    model: Callable[..., Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(INTERACTIONS, "narrow", by_epsilon("narrow", narrow_about_zero, "strength", "slope"))
    used, sizes = model("paper"), []
    weigh = weak_charge_squared

    def watched(*arguments: Any) -> Any:
        charge = weigh(*arguments)
        sizes.append(np.size(charge))
        return charge

    monkeypatch.setattr("cevnsi.physics.interaction.weak_charge_squared", watched)
    strength, slope = np.linspace(-1e-4, 1e-4, 300)[:, None], np.linspace(0, 0.1, 70)
    whole = chi2_at(used, "narrow", {"strength": strength, "slope": slope})
    assert whole.shape == (300, 70)
    assert max(sizes) <= model_module.VALUES_AT_ONCE
    assert whole[17, 3] == chi2_at(used, "narrow", {"strength": strength[17, 0], "slope": slope[3]})


@pytest.mark.parametrize("name", ["eps_ee_dV", "eps_ee_uV"])
def test_a_scan_of_one_axis_has_the_ranges_of_a_plane_with_the_other_at_zero(
    name: str, scans: dict[str, Scan], model: Callable[..., Model]
) -> None:
    plane = replace(scans["ee_d_u"], reference="standard_model")
    line = replace(plane, name="line", axes=(plane.axis(name),), projections=((name,),))
    of_line = scan_ranges(model("paper"), line)
    of_plane = [
        row for row in scan_ranges(model("paper"), plane) if (row.parameter, row.other_parameters) == (name, "zero")
    ]
    assert [(r.n_dof, r.interval) for r in of_line] == [(r.n_dof, r.interval) for r in of_plane]
    assert [(r.lower, r.upper) for r in of_line] == [pytest.approx((r.lower, r.upper), abs=1e-9) for r in of_plane]
    (fit,) = best_fits(model("paper"), line)
    values = plane.axis(name).values()
    assert fit.chi2 <= chi2_at(model("paper"), "contact", {name: values}).min()
    assert (fit.grid, fit.parameter) == ("line", name)
