"""Couplings and form factors of protons and neutrons, and parameters of the standard model, for every interaction."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest

from cevnsi.arrays import FloatArray
from cevnsi.constants import G_FERMI, SIN2_THETA_W
from cevnsi.domains import least_over_domain
from cevnsi.experiments.release import as_acceptance
from cevnsi.experiments.targets import TARGETS
from cevnsi.files.strict_yaml import ConfigError
from cevnsi.model import DataSet, Model, charge_derivatives, chi2_at, make_model
from cevnsi.output.spectra import templates_table
from cevnsi.parameters import NEUTRON_RADII, STANDARD_MODEL_PARAMETERS, Axis
from cevnsi.physics.flux import FLAVORS
from cevnsi.physics.form_factors import RADIUS_FORM_FACTORS, helm_of_radius
from cevnsi.physics.interactions import INTERACTIONS, parameter
from cevnsi.physics.nuclei import CESIUM, IODINE, Nuclide
from cevnsi.physics.weak_charge import (
    COUPLINGS,
    ROW_OF_FLAVOR,
    ROWS,
    NucleonCouplings,
    charge_along,
    contact,
    moved_couplings,
    nucleon_couplings,
    standard_model_charge,
    tree_couplings,
    weak_charge_squared,
)
from cevnsi.questions import allowed_range, chi2_and_nuisances, make_line, predict
from cevnsi.scans.axes import Scan
from cevnsi.scans.chi2 import chi2
from cevnsi.scans.limits import scan_ranges
from cevnsi.scans.rows import scan_rows

OWN: dict[str, dict[str, Any]] = {
    "contact": {"eps_ee_uV": 0.1, "eps_mumu_dV": -0.05, "eps_etau_dV": 0.2, "eps_etau_uV_imag": -0.1},
    "light_mediator": {"mediator_mass_mev": 30.0, "coupling": 6e-5},
}
MOVED = {
    "sin2_theta_w": (0.2, 0.3),
    "g_p": (-0.1, 0.1),
    "g_n": (-0.6, -0.4),
    "neutron_radius_Cs133_fm": (4.0, 6.0),
    "neutron_radius_I127_fm": (4.0, 6.0),
}
THE_SAME = {
    "sin2_theta_w": SIN2_THETA_W,
    "g_p": 0.5 - 2 * SIN2_THETA_W,
    "g_n": -0.5,
    "neutron_radius_Cs133_fm": 5.01,
    "neutron_radius_I127_fm": 4.94,
}


@pytest.fixture(params=RADIUS_FORM_FACTORS)
def used(request: pytest.FixtureRequest, model: Callable[..., Model]) -> Model:
    """Cesium and iodine, with one form factor of both nucleons or one each."""
    return model("release", nuclei="cs_and_i", form_factor=request.param)


def of_radii(model: Model, *radii: tuple[float | None, float | None], **changed: Any) -> DataSet:
    """The data set of a model with other radii of its nuclides, and other choices."""
    made = model.dataset
    nuclides = tuple(
        replace(nuclide, proton_radius_fm=proton, neutron_radius_fm=neutron)
        for nuclide, (proton, neutron) in zip(made.templates.nuclides, radii, strict=True)
    )
    form_factor = changed.pop("form_factor", made.templates.form_factor)
    return replace(made, templates=replace(made.templates, nuclides=nuclides, form_factor=form_factor), **changed)


# Couplings.


def test_weak_charges_by_hand() -> None:
    radiative, blind = (nucleon_couplings(name, SIN2_THETA_W) for name in ("radiative", "flavor_blind"))
    # 55 * 0.0401 - 78 * 0.5094, 55 * 0.0318 - 78 * 0.5094, 53 * 0.0305 - 74 * 0.5122
    assert standard_model_charge(CESIUM, radiative, "e") == pytest.approx(-37.5277, abs=1e-10)
    assert standard_model_charge(CESIUM, radiative, "mu") == pytest.approx(-37.9842, abs=1e-10)
    for row in ROWS:
        assert standard_model_charge(IODINE, blind, row) == pytest.approx(-36.2863, abs=1e-10)
    assert [nucleon_couplings(name, SIN2_THETA_W).flavor_blind for name in COUPLINGS] == [True, False, True]


@pytest.mark.parametrize("name", COUPLINGS)
def test_the_proton_coupling_falls_by_two_per_unit_of_sin2(name: str) -> None:
    here, there = (nucleon_couplings(name, sin2) for sin2 in (SIN2_THETA_W, SIN2_THETA_W + 0.01))
    for row in ROWS:
        assert float(there.proton[row]) - float(here.proton[row]) == pytest.approx(-0.02, rel=1e-12)
    assert there.neutron == here.neutron


def test_couplings_may_be_given() -> None:
    given = NucleonCouplings(proton={"e": 0.0401, "mu": 0.0318}, neutron=-0.5094)
    for sin2 in (SIN2_THETA_W, 0.25):
        assert nucleon_couplings(given, sin2) == nucleon_couplings("radiative", sin2) == moved_couplings(given, sin2)
    assert nucleon_couplings(given, SIN2_THETA_W) == given
    with pytest.raises(ValueError, match=r"couplings 'three'; expected one of tree, radiative, flavor_blind"):
        nucleon_couplings("three", SIN2_THETA_W)


@pytest.mark.parametrize("name", COUPLINGS)
def test_parameters_take_the_place_of_couplings(name: str) -> None:
    plain = nucleon_couplings(name, SIN2_THETA_W)
    found = nucleon_couplings(name, SIN2_THETA_W, {"g_p": 0.07})
    assert found == NucleonCouplings(proton=dict.fromkeys(ROWS, 0.07), neutron=plain.neutron)
    assert nucleon_couplings(name, SIN2_THETA_W, {"g_n": -0.4}) == replace(plain, neutron=-0.4)
    assert nucleon_couplings(name, SIN2_THETA_W, {"sin2_theta_w": 0.3}) == nucleon_couplings(name, 0.3)


@pytest.mark.parametrize("name", ["eps_ee_uV", "eps_mumu_dV", "eps_emu_dV", "eps_etau_uV_imag"])
def test_a_charge_along_a_coupling_is_the_charge_there(name: str) -> None:
    couplings = nucleon_couplings("radiative", 0.23)
    point = {"eps_ee_uV": 0.1, "eps_mumu_dV": -0.2, "eps_emu_dV": 0.05, "eps_etau_uV_imag": 0.3}
    step = np.linspace(-1, 1, 5)
    for row in ROWS:
        a, b, c = charge_along(CESIUM, row, point, name, couplings)
        moved = contact({**point, name: point[name] + step})
        expected = weak_charge_squared(CESIUM, row, moved, couplings) * np.ones(5)
        np.testing.assert_allclose(a + b * step + c * step**2, expected, rtol=1e-12)


def test_each_row_has_its_own_standard_model_charge(model: Callable[..., Model]) -> None:
    made = model("release", nuclei="cs_and_i").dataset
    counts = {name: replace(made, couplings=name).by_flavor("contact", {}).sum(axis=1) for name in COUPLINGS}
    for name, found in counts.items():
        couplings = nucleon_couplings(name, SIN2_THETA_W)
        charges = [
            [float(standard_model_charge(n, couplings, ROW_OF_FLAVOR[flavor])) ** 2 for n in made.templates.nuclides]
            for flavor in FLAVORS
        ]
        np.testing.assert_allclose(found, (made.templates.per_bin().sum(axis=-1) * charges).sum(axis=1), rtol=1e-13)
    none = {"mediator_mass_mev": 30.0, "coupling": 0.0}
    for name in COUPLINGS:
        same = replace(made, couplings=name).by_flavor("light_mediator", none).sum(axis=1)
        np.testing.assert_allclose(same, counts[name], rtol=1e-13)


@pytest.mark.parametrize(("name", "flavors"), [("tree", 1), ("flavor_blind", 1), ("radiative", 3)])
def test_a_mediator_has_flavors_where_charges_do(name: str, flavors: int, model: Callable[..., Model]) -> None:
    made = replace(model("release", nuclei="cs_and_i").dataset, couplings=name)
    weights = INTERACTIONS["light_mediator"].terms.weights(made.recoils, OWN["light_mediator"])
    assert [weight.shape[-3] for weight in weights] == [flavors, flavors, 1]


def test_full_kinematics_cost_a_thousandth_of_the_counts(
    model: Callable[..., Model], measurement: Any, tables: Any
) -> None:
    analysis = replace(model("release").analysis, kinematics="full")
    full = make_model(analysis, measurement("release"), as_acceptance(tables("release")["acceptance"]))
    lost = 1 - full.standard_model_counts.sum() / model("release").standard_model_counts.sum()
    assert lost == pytest.approx(0.00094, abs=1e-5)


# Form factors.


def by_hand(made: DataSet, interaction: str) -> FloatArray:
    """Counts (flavors, bins) of Z (g_p + ...) F_p + N (g_n + ...) F_n, written out node by node (Eqs. 6 and 10)."""
    templates, couplings = made.templates, nucleon_couplings(made.couplings, made.sin2_theta_w)
    own = OWN[interaction]
    total = []
    for i, flavor in enumerate(FLAVORS):
        row = ROW_OF_FLAVOR[flavor]
        counts: Any = 0.0
        for j, nuclide in enumerate(templates.nuclides):
            q2 = templates.momentum_transfer_squared[j]
            assert nuclide.proton_radius_fm is not None
            assert nuclide.neutron_radius_fm is not None
            f_n = helm_of_radius(q2, nuclide.neutron_radius_fm)
            apart = templates.form_factor is not None and templates.form_factor.apart
            f_p = helm_of_radius(q2, nuclide.proton_radius_fm) if apart else f_n

            def amplitude(
                u: Any, d: Any, g_p: Any = 0.0, g_n: Any = 0.0, n: Nuclide = nuclide, f: Any = (f_p, f_n)
            ) -> Any:
                return n.protons * (g_p + 2 * u + d) * f[0] + n.neutrons * (g_n + u + 2 * d) * f[1]

            if interaction == "contact":
                pairs = {"e": ("ee", "emu", "etau"), "mu": ("mumu", "emu", "mutau")}[row]
                brackets = []
                for pair in pairs:
                    u, d = (own.get(f"eps_{pair}_{q}V", 0.0) + 1j * own.get(f"eps_{pair}_{q}V_imag", 0.0) for q in "ud")
                    sm = (couplings.proton[row], couplings.neutron) if pair == pairs[0] else (0.0, 0.0)
                    brackets.append(np.abs(amplitude(u, d, *sm)) ** 2)
                charge = sum(brackets)
            else:
                shift = own["coupling"] ** 2 / (2 * np.sqrt(2) * G_FERMI * (q2 + own["mediator_mass_mev"] ** 2))
                charge = amplitude(shift, shift, couplings.proton[row], couplings.neutron) ** 2
            counts = counts + templates.detected @ (templates.events[i, j] * charge)
        total.append(counts)
    return np.array(total)


@pytest.mark.parametrize("couplings", ["tree", "radiative"])
@pytest.mark.parametrize("interaction", OWN)
def test_counts_are_amplitudes_of_protons_and_neutrons_squared(interaction: str, couplings: str, used: Model) -> None:
    made = replace(used.dataset, couplings=couplings)
    found = made.by_flavor(interaction, OWN[interaction])
    np.testing.assert_allclose(found, by_hand(made, interaction), rtol=1e-12)
    np.testing.assert_allclose(made.signal(interaction, OWN[interaction])[0], found.sum(axis=0), rtol=1e-12)


@pytest.mark.parametrize("interaction", OWN)
def test_equal_radii_are_one_radius(interaction: str, used: Model) -> None:
    equal = (5.01, 5.01), (4.94, 4.94)
    one, apart = (
        of_radii(used, *equal, form_factor=form).signal(interaction, OWN[interaction])[0]
        for form in RADIUS_FORM_FACTORS.values()
    )
    np.testing.assert_allclose(apart, one, rtol=1e-12)


def test_one_radius_is_a_form_factor_of_the_templates(model: Callable[..., Model]) -> None:
    made = model("release", nuclei="cs_and_i", form_factor="helm_rms").dataset
    factors = [
        helm_of_radius(q2, radius)
        for q2, radius in zip(made.templates.momentum_transfer_squared, (5.01, 4.94), strict=True)
    ]
    within = replace(made.templates, events=made.templates.events * np.square(factors), form_factor=None)
    for interaction, own in OWN.items():
        expected = replace(made, templates=within).signal(interaction, own)[0]
        np.testing.assert_allclose(made.signal(interaction, own)[0], expected, rtol=1e-12)


def test_counts_fall_with_a_radius(used: Model) -> None:
    """Below the first zero of F, at q R of about 4.5, which no recoil here reaches."""
    for name in ("neutron_radius_Cs133_fm", "neutron_radius_I127_fm"):
        counts = used.dataset.signal("contact", {name: np.linspace(3, 7, 9)})[0].sum(axis=-1)
        assert (np.diff(counts) < 0).all()


def test_the_table_of_sums_has_the_form_factor(used: Model) -> None:
    """So that counts of the standard model are charges squared times it; but for what R_p and R_n differ by."""
    made, table = used.dataset.templates, templates_table(used.dataset)
    charge = {n.name: float(standard_model_charge(n, tree_couplings(SIN2_THETA_W))) ** 2 for n in made.nuclides}
    total = sum(
        charge[name] * events for name, events in zip(table["nuclide"], table["events_per_charge_squared"], strict=True)
    )
    apart = made.form_factor is not None and made.form_factor.apart
    assert total == pytest.approx(used.standard_model_counts.sum(), rel=0.05 if apart else 1e-12)


def test_data_sets_have_the_same_couplings(model: Callable[..., Model]) -> None:
    used = model("release")
    assert used.couplings_at({"g_n": -0.4}) == nucleon_couplings("tree", SIN2_THETA_W, {"g_n": -0.4})
    other = replace(used, datasets=(used.dataset, replace(used.dataset, couplings="radiative")))
    with pytest.raises(ValueError, match="data sets with couplings of nucleons of their own; expected the same of all"):
        other.couplings_at({})


def test_radii_that_are_not_there_are_refused(model: Callable[..., Model]) -> None:
    plain, used = model("release"), model("release", form_factor="helm_rms")
    for interaction, own in OWN.items():
        for way in (chi2_at, partial(chi2, domain={})):
            with pytest.raises(ValueError, match="neutron radius of mean: the form factor has none; expected one of"):
                way(plain, interaction, {**own, "neutron_radius_mean_fm": 5.0})
    with pytest.raises(ValueError, match="mean: no rms radius is known"):
        of_radii(used, (4.8, None)).signal("contact", {})
    for ask in (predict, chi2_and_nuisances):
        with pytest.raises(ConfigError, match="neutron_radius_mean_fm: changes nothing; expected its nuclide"):
            ask(plain, {"neutron_radius_mean_fm": 5.0})
        with pytest.raises(ConfigError, match="neutron_radius_I127_fm: changes nothing"):
            ask(used, {"neutron_radius_I127_fm": 5.0})
    with pytest.raises(ConfigError, match="neutron_radius_mean_fm: changes nothing"):
        make_line(plain, "neutron_radius_mean_fm")
    assert predict(used, {"neutron_radius_mean_fm": 4.975}) == pytest.approx(predict(used, {}), rel=1e-13)


# Parameters of the standard model.


def test_every_nuclide_has_a_radius() -> None:
    nuclides = {nuclide.name for target in TARGETS.values() for nuclide in target.nuclides}
    assert {radius.nuclide for radius in NEUTRON_RADII.values()} == nuclides
    for radius in NEUTRON_RADII.values():
        assert radius.positive
        assert radius.unit == "fm"
    others = {"neutron_radius_mean_fm", "neutron_radius_Ar40_fm", "cevns_normalization"}
    assert {*THE_SAME} | others == set(STANDARD_MODEL_PARAMETERS)


@pytest.mark.parametrize("interaction", OWN)
@pytest.mark.parametrize("name", THE_SAME)
def test_the_analysis_own_value_changes_nothing(name: str, interaction: str, used: Model) -> None:
    own = OWN[interaction]
    plain, given = (used.dataset.signal(interaction, values)[0] for values in (own, {**own, name: THE_SAME[name]}))
    np.testing.assert_array_equal(given, plain)
    found = chi2(used, interaction, {**own, name: THE_SAME[name]}, {})
    assert float(found) == pytest.approx(float(chi2(used, interaction, own, {})), rel=1e-13)


@pytest.mark.parametrize("way", [chi2_at, partial(chi2, domain={})], ids=["plain", "fast"])
@pytest.mark.parametrize("couplings", ["tree", "radiative"])
@pytest.mark.parametrize("interaction", OWN)
@pytest.mark.parametrize("name", MOVED)
def test_an_array_is_its_values_one_by_one(
    name: str, interaction: str, couplings: str, way: Callable[..., FloatArray], used: Model
) -> None:
    used = replace(used, datasets=(replace(used.dataset, couplings=couplings),))
    values, coupling = np.linspace(*MOVED[name], 3), {"contact": "eps_ee_uV", "light_mediator": "coupling"}[interaction]
    along = OWN[interaction][coupling] * np.array([0.5, 1.0])
    found = way(used, interaction, {**OWN[interaction], name: values[:, None], coupling: along})
    assert found.shape == (3, 2)
    for i, value in enumerate(values):
        for j, own in enumerate(along):
            one = way(used, interaction, {**OWN[interaction], name: float(value), coupling: float(own)})
            assert found[i, j] == pytest.approx(float(one), rel=1e-12)
    assert np.ptp(found, axis=0).min() > 0.01


@pytest.mark.parametrize("interaction", OWN)
def test_the_fast_way_is_the_plain_one(interaction: str, used: Model) -> None:
    random = np.random.default_rng(7)
    point = {**OWN[interaction], **{name: random.uniform(*ends, 100) for name, ends in MOVED.items()}}
    np.testing.assert_allclose(chi2(used, interaction, point, {}), chi2_at(used, interaction, point), rtol=1e-10)


@pytest.mark.parametrize("interaction", OWN)
def test_another_sin2_is_another_analysis(interaction: str, model: Callable[..., Model]) -> None:
    used = model("release", nuclei="cs_and_i")
    for couplings in COUPLINGS:
        here, there = (replace(used.dataset, couplings=couplings, sin2_theta_w=sin2) for sin2 in (SIN2_THETA_W, 0.25))
        given = here.signal(interaction, {**OWN[interaction], "sin2_theta_w": 0.25})[0]
        np.testing.assert_array_equal(given, there.signal(interaction, OWN[interaction])[0])


def test_a_domain_follows_the_standard_model(model: Callable[..., Model]) -> None:
    domain = {"eps_ee_uV": (-0.2, 0.1), "eps_mumu_dV": (0.05, 0.1)}
    for nuclei in ("mean", "cs_and_i"):
        used = model("release", nuclei=nuclei)
        sin2 = np.array([0.1, 0.2, 0.3])
        found = chi2(used, "contact", {"sin2_theta_w": sin2, "g_n": -0.45}, domain)
        for value, one in zip(sin2, found, strict=True):
            couplings = replace(tree_couplings(float(value)), neutron=-0.45)
            plain = least_over_domain(partial(charge_derivatives, used), used.nuclides, {}, domain, couplings)
            assert one == pytest.approx(float(plain), rel=1e-9)


def test_a_domain_needs_charges_that_say_everything(used: Model) -> None:
    domain = {"eps_ee_uV": (-0.2, 0.1)}
    complaint = "a domain of couplings, and protons and neutrons apart or a neutron radius as a parameter"
    with pytest.raises(ValueError, match=complaint):
        chi2(used, "contact", {"neutron_radius_I127_fm": 5.0}, domain)
    form = used.dataset.templates.form_factor
    assert form is not None
    if form.apart:
        with pytest.raises(ValueError, match=complaint):
            chi2(used, "contact", {}, domain)
        with pytest.raises(ValueError, match=complaint):
            charge_derivatives(used, np.full((1, 4), 1300.0))
    else:
        found = chi2(used, "contact", {}, domain)
        plain = least_over_domain(partial(charge_derivatives, used), used.nuclides, {}, domain, used.couplings_at({}))
        assert float(found) == pytest.approx(float(plain), rel=1e-9)


# Scans.


def scan(interaction: str, *axes: Axis, **fixed: float) -> Scan:
    return Scan(
        name="mine",
        interaction=interaction,
        axes=axes,
        fixed=fixed,
        projections=(tuple(axis.name for axis in axes),),
        confidence_levels=(0.9,),
        n_dof=(1,),
    )


def axis(name: str, points: int = 5) -> Axis:
    own = {"eps_ee_dV": (-0.3, 0.5), "mediator_mass_mev": (1.0, 1e3), "coupling": (1e-6, 1e-3)}
    low, high = {**MOVED, **own}[name]
    scale = "log" if name in ("mediator_mass_mev", "coupling") else "linear"
    return Axis(name=name, minimum=low, maximum=high, points=points, scale=scale)


@pytest.mark.parametrize(
    ("interaction", "names", "fixed"),
    [
        ("contact", ("eps_ee_dV", "sin2_theta_w"), {}),
        ("contact", ("neutron_radius_Cs133_fm", "eps_ee_dV"), {"g_n": -0.48}),
        ("contact", ("sin2_theta_w", "neutron_radius_I127_fm"), {"eps_ee_dV": 0.1}),
        ("contact", ("g_p", "g_n", "eps_ee_dV"), {"neutron_radius_I127_fm": 4.5}),
        ("light_mediator", ("sin2_theta_w", "coupling"), {"mediator_mass_mev": 20.0}),
        ("light_mediator", ("mediator_mass_mev", "neutron_radius_Cs133_fm"), {"coupling": 5e-5}),
    ],
)
def test_grids(interaction: str, names: tuple[str, ...], fixed: dict[str, float], used: Model) -> None:
    plane = scan(interaction, *(axis(name) for name in names), **fixed)
    mesh = np.meshgrid(*(each.values() for each in plane.axes), indexing="ij")
    expected = chi2_at(used, interaction, {**fixed, **dict(zip(names, mesh, strict=True))})
    np.testing.assert_allclose(scan_rows(used, plane, 0, plane.shape[0]), expected, rtol=1e-9)


def test_the_range_of_a_standard_model_parameter(model: Callable[..., Model]) -> None:
    """Chi2 at its ends is the threshold above the least."""
    used = model("release", nuclei="cs_and_i", form_factor="helm_rms_apart")
    for name in ("sin2_theta_w", "g_p", "g_n", "neutron_radius_I127_fm"):
        line = make_line(used, name)
        least = chi2(used, "contact", {name: np.linspace(*parameter(name).usual, 2001)}, {}).min()
        for row in allowed_range(used, line):
            for end, bound in ((row.lower, row.lower_set_by), (row.upper, row.upper_set_by)):
                here = float(chi2_at(used, "contact", {name: end}))
                assert bound or here - least == pytest.approx(row.delta_chi2, abs=1e-4)


@pytest.mark.parametrize("names", [("eps_ee_dV", "sin2_theta_w"), ("eps_ee_dV", "neutron_radius_I127_fm")])
def test_ranges_of_a_plane_with_one_of_the_standard_model(names: tuple[str, str], used: Model) -> None:
    plane = scan("contact", *(axis(name, 9) for name in names))
    rows = scan_ranges(used, plane)
    assert {row.parameter for row in rows} == set(names)
    fine = scan("contact", *(axis(name, 101) for name in names))
    grid = scan_rows(used, fine, 0, 101)
    for i, name in enumerate(names):
        values = fine.axes[i].values()
        inside = values[grid.min(axis=1 - i) <= grid.min() + rows[0].delta_chi2]
        mine = [row for row in rows if row.parameter == name and row.other_parameters == "profiled"]
        step = values[1] - values[0]
        assert mine[0].lower == pytest.approx(inside[0], abs=1.01 * step)
        assert mine[-1].upper == pytest.approx(inside[-1], abs=1.01 * step)
