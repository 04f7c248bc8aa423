"""A scalar and magnetic moments, which have recoil spectra of their own; charge radii, which have the vector's."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad

from cevnsi import templates as templates_module
from cevnsi.arrays import FloatArray
from cevnsi.config.build import build_model
from cevnsi.constants import (
    DOWN_MASS_MEV,
    ELECTRON_MASS_MEV,
    FINE_STRUCTURE,
    G_FERMI,
    HBARC_MEV_FM,
    NEUTRON_MASS_MEV,
    PROTON_MASS_MEV,
    UP_MASS_MEV,
)
from cevnsi.experiments.csi_2017 import CSI_2017
from cevnsi.experiments.response import Acceptance, unsmeared_response
from cevnsi.experiments.targets import MEAN_OF_CSI, TARGETS
from cevnsi.fast.condensed import condensed
from cevnsi.model import DataSet, Model, chi2_at
from cevnsi.parameters import Axis
from cevnsi.physics.cross_section import BRACKETS, recoil_spectrum
from cevnsi.physics.flux import END_POINT_MEV, FLAVORS, PROMPT_ENERGY_MEV, delayed_spectrum
from cevnsi.physics.form_factors import helm, helm_of_radius
from cevnsi.physics.interaction import Recoils
from cevnsi.physics.interactions import INTERACTIONS
from cevnsi.physics.interactions.charge_radius import RADII, proton_shift
from cevnsi.physics.interactions.light_scalar import (
    NEUTRON_FRACTIONS,
    PROTON_FRACTIONS,
    SCALAR_CHARGES,
)
from cevnsi.physics.nuclei import CESIUM, Nuclide
from cevnsi.physics.weak_charge import COUPLINGS, ROW_OF_FLAVOR, NucleonCouplings, tree_couplings
from cevnsi.scans.axes import Scan
from cevnsi.scans.chi2 import chi2
from cevnsi.scans.rows import scan_rows
from cevnsi.studies.coherent.readings import TabulatedFlux
from cevnsi.templates import luminosities_per_cm2
from project import ROOT

MOMENTS = ("magnetic_moment_e_1e_10_mub", "magnetic_moment_mu_1e_10_mub")
EE, MUMU, EMU, ETAU, MUTAU = (f"charge_radius_{pair}_1e_32_cm2" for pair in ("ee", "mumu", "emu", "etau", "mutau"))
SCALAR = {"scalar_mass_mev": 30.0, "scalar_coupling": 3e-5}
POINTS: dict[str, dict[str, float]] = {
    "light_scalar": SCALAR,
    "magnetic_moment": dict.fromkeys(MOMENTS, 30.0),
    "charge_radius": {EE: -20.0, MUMU: 5.0, EMU: 8.0, ETAU: 10.0, MUTAU: 9.0},
}
NOTHING = {name: {key: 0.0 if key != "scalar_mass_mev" else 10.0 for key in point} for name, point in POINTS.items()}
CM2 = (HBARC_MEV_FM * 1e-13) ** 2  # in MeV^-2


def scalar_cross_section(recoil: float, energy: float, nuclide: Nuclide) -> float:
    """Per MeV, of a nucleus without extent: Table IV of arXiv:1604.01025 at `SCALAR`."""
    mass, charge = nuclide.nuclear_mass_mev, 17.293 * nuclide.protons + 17.295 * nuclide.neutrons
    coupling, mediator = SCALAR["scalar_coupling"] ** 2 * charge, SCALAR["scalar_mass_mev"]
    below = 4 * np.pi * energy**2 * (2 * mass * recoil + mediator**2) ** 2
    return float(CM2 * coupling**2 * recoil * mass**2 / below)


def magnetic_cross_section(recoil: float, energy: float, nuclide: Nuclide) -> float:
    """Per MeV, of 30e-10 Bohr magnetons (Vogel and Engel)."""
    bracket = (1 - recoil / energy) / recoil + recoil / (4 * energy**2)
    strength = np.pi * (FINE_STRUCTURE * nuclide.protons * 30e-10 / ELECTRON_MASS_MEV) ** 2
    return float(CM2 * strength * bracket)


WRITTEN = {"light_scalar": scalar_cross_section, "magnetic_moment": magnetic_cross_section}


@pytest.mark.parametrize("name", WRITTEN)
def test_counts_are_cross_sections_over_flux_and_recoils(name: str, model: Callable[..., Model]) -> None:
    """What is written in its paper, by adaptive quadrature over neutrinos and over the recoils of a bin."""
    edges = np.array([6.0, 8.0, 16.0, 18.0])
    slope = Acceptance(photoelectrons=np.array([0.0, 30.0]), fraction=np.array([0.1, 1.0]))
    base = model("paper").dataset
    made = templates_module.build_templates(
        target=TARGETS["mean"], form_factor=helm, exposure=CSI_2017, response=unsmeared_response(edges, slope, 1.17)
    )
    found = replace(base, templates=made).by_flavor(name, POINTS[name])
    found = found - replace(base, templates=made).by_flavor("contact", {})
    mass = MEAN_OF_CSI.nuclear_mass_mev
    (luminosity,) = luminosities_per_cm2(CSI_2017, TARGETS["mean"])

    def seen(recoil: float, flavor: str) -> float:
        least = np.sqrt(mass * recoil / 2)
        if flavor == "nu_mu":
            folded = WRITTEN[name](recoil, PROMPT_ENERGY_MEV, MEAN_OF_CSI) if least < PROMPT_ENERGY_MEV else 0.0
        else:
            folded = quad(
                lambda energy: (
                    float(delayed_spectrum(flavor, np.array(energy))) * WRITTEN[name](recoil, energy, MEAN_OF_CSI)
                ),
                least,
                END_POINT_MEV,
                epsabs=0,
            )[0]
        accepted = 0.1 + 0.9 * recoil * 1170 / 30
        return float(luminosity * accepted * folded * helm(np.array(2 * mass * recoil), MEAN_OF_CSI) ** 2)

    for i, flavor in enumerate(FLAVORS):
        for k in (0, 2):  # where the prompt line ends is in the last
            low, high = edges[k] / 1170, edges[k + 1] / 1170
            end = 2 * PROMPT_ENERGY_MEV**2 / mass
            kink = [end] if low < end < high else None
            expected = quad(seen, low, high, args=(flavor,), epsabs=0, epsrel=1e-9, points=kink)[0]
            # 17.293 and 17.295 are rounded to 2e-5, of which the square is in the scalar's
            assert found[i, k] == pytest.approx(expected, rel=1e-4 if name == "light_scalar" else 1e-8), flavor


def test_scalar_charges_are_of_the_nucleons_masses() -> None:
    """Their mean is sigma_pi_N = 59.1 MeV of the same paper over the quarks' masses, which weigh u and d as they do."""
    sigma = sum(
        sum(of) * mass / 2 for of, mass in ((PROTON_FRACTIONS, PROTON_MASS_MEV), (NEUTRON_FRACTIONS, NEUTRON_MASS_MEV))
    )
    assert sigma == pytest.approx(59.1, abs=0.1)
    up, down = (abs(proton - neutron) for proton, neutron in zip(PROTON_FRACTIONS, NEUTRON_FRACTIONS, strict=True))
    assert up / down == pytest.approx(UP_MASS_MEV / DOWN_MASS_MEV, abs=0.05)  # what tells nucleons apart, isospin odd
    assert pytest.approx((17.3, 17.3), abs=0.01) == SCALAR_CHARGES  # as arXiv:2202.11002 has it


@pytest.mark.parametrize("coupling", BRACKETS)
@pytest.mark.parametrize("kinematics", ["as_written", "full"])
def test_a_tabulated_flux_of_the_prompt_line_has_its_spectrum(coupling: str, kinematics: str) -> None:
    line = TabulatedFlux(energies_mev=np.array([PROMPT_ENERGY_MEV]), shares={"nu_mu": np.ones(1)})
    recoils = np.linspace(1e-4, 0.03, 200)  # MeV, and beyond the largest
    found = line.recoil_spectrum("nu_mu", recoils, CESIUM, helm, kinematics, coupling)
    expected = recoil_spectrum("nu_mu", recoils, CESIUM, helm, kinematics, coupling)
    assert 0 < np.count_nonzero(expected) < recoils.size
    np.testing.assert_allclose(found, expected, rtol=1e-11)  # where the bracket about vanishes it has lost some digits


@pytest.mark.parametrize("dataset_name", ["release", "csi_2017", "csi_2021", "lar_2020"])
@pytest.mark.parametrize("name", POINTS)
def test_without_its_couplings_an_interaction_is_the_standard_model(
    name: str, dataset_name: str, model: Callable[..., Model]
) -> None:
    used = model(dataset_name).dataset
    expected = used.by_flavor("contact", {})
    np.testing.assert_allclose(used.by_flavor(name, NOTHING[name]), expected, rtol=1e-13)
    more = used.by_flavor(name, POINTS[name]).sum()
    assert np.isfinite(more)
    assert abs(more / expected.sum() - 1) > 0.01


@pytest.mark.parametrize("dataset_name", ["csi_2021", "lar_2020"])
def test_nodes_are_enough_where_magnetic_recoils_grow(
    dataset_name: str, model: Callable[..., Model], config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice as many in each segment count the same in every bin: where 1 / E_r grows, next to nothing is seen."""
    used = model(dataset_name).dataset.templates
    monkeypatch.setattr(templates_module, "NODES_PER_SEGMENT", 12)
    finer = build_model(config, dataset_name, ROOT).dataset.templates
    assert finer.recoil_energy_mev.size > 1.9 * used.recoil_energy_mev.size
    for coupling in used.spectra:
        found, expected = used.counts(used.spectra[coupling]), finer.counts(finer.spectra[coupling])
        np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-13 * expected.max())


def test_a_bin_with_recoils_of_no_energy_is_refused(
    dataset: Callable[..., DataSet], model: Callable[..., Model]
) -> None:
    """Of these a magnetic moment makes infinitely many, and the acceptance of Fig. 3 is not zero there."""
    whole, inside = dataset("paper"), model("paper").dataset
    with pytest.raises(ValueError, match="a bin accepts recoils of no energy, of which there are infinitely many"):
        whole.by_flavor("magnetic_moment", {})
    assert np.isfinite(inside.by_flavor("magnetic_moment", {})).all()
    assert np.isfinite(whole.by_flavor("light_scalar", SCALAR)).all()


def excess(used: DataSet, mass: float, coupling: float) -> FloatArray:
    point = {"scalar_mass_mev": mass, "scalar_coupling": coupling}
    return np.asarray(used.signal("light_scalar", point)[0] - used.signal("contact", {})[0])


def test_a_heavy_scalar_is_seen_by_its_coupling_over_its_mass_and_a_very_light_one_by_that_alone(
    model: Callable[..., Model],
) -> None:
    used = model("csi_2017").dataset
    # 2 Q^2 / M^2 is 1e-6 of it
    np.testing.assert_allclose(excess(used, 1e6, 0.1), excess(used, 1e5, 0.01), rtol=3e-6)
    np.testing.assert_allclose(excess(used, 1e-3, 1e-5), excess(used, 1e-4, 1e-5), rtol=1e-8)
    np.testing.assert_allclose(excess(used, 10.0, 2e-5), 16 * excess(used, 10.0, 1e-5), rtol=1e-11)


@pytest.mark.parametrize("form_factor", ["helm", "helm_rms_apart"])
def test_a_diagonal_charge_radius_moves_the_coupling_of_protons(form_factor: str, model: Callable[..., Model]) -> None:
    used = model("release", nuclei="cs_and_i", form_factor=form_factor).dataset
    tree = tree_couplings(used.sin2_theta_w)
    for pair, row in (("ee", "e"), ("mumu", "mu")):
        proton = {**tree.proton, row: tree.proton[row] + proton_shift(7.0)}
        moved = replace(used, couplings=NucleonCouplings(proton=proton, neutron=tree.neutron))
        found = used.by_flavor("charge_radius", {RADII[pair].name: 7.0})
        np.testing.assert_allclose(found, moved.by_flavor("contact", {}), rtol=1e-13)


def test_charge_radii_of_the_standard_model_are_what_radiative_couplings_differ_by() -> None:
    """-0.83e-32 and -0.48e-32 cm^2 (arXiv:1810.05606) against g_p of nu_e and of nu_mu, given to 1e-4 each."""
    proton = COUPLINGS["radiative"](0.23857).proton
    expected = float(proton["e"] - proton["mu"])
    assert float(proton_shift(-0.83) - proton_shift(-0.48)) == pytest.approx(expected, abs=1e-4)


def test_a_transition_radius_adds_to_the_flavors_it_is_of(model: Callable[..., Model]) -> None:
    used = model("release").dataset
    bare = used.by_flavor("charge_radius", {})
    (nuclide,) = used.templates.nuclides
    square = (nuclide.protons * proton_shift(8.0)) ** 2
    for name, rows in ((EMU, {"e", "mu"}), (ETAU, {"e"}), (MUTAU, {"mu"})):
        more = used.by_flavor("charge_radius", {name: 8.0}) - bare
        np.testing.assert_array_equal(used.by_flavor("charge_radius", {name: -8.0}), bare + more)
        of_flavors = [float(ROW_OF_FLAVOR[flavor] in rows) for flavor in FLAVORS]
        expected = square * np.array(of_flavors)[:, None] * used.templates.per_bin().sum(axis=1)
        np.testing.assert_allclose(more, expected, rtol=1e-11, atol=1e-13)


def test_a_magnetic_moment_sees_protons_and_a_scalar_both_nucleons(model: Callable[..., Model]) -> None:
    """With form factors of their own, node by node."""
    used = model("release", nuclei="cs_and_i", form_factor="helm_rms_apart").dataset
    templates, found = used.templates, {name: np.zeros(used.templates.detected.shape[0]) for name in WRITTEN}
    for j, (nuclide, q2) in enumerate(zip(templates.nuclides, templates.momentum_transfer_squared, strict=True)):
        assert nuclide.proton_radius_fm is not None
        assert nuclide.neutron_radius_fm is not None
        protons = nuclide.protons * helm_of_radius(q2, nuclide.proton_radius_fm)
        neutrons = nuclide.neutrons * helm_of_radius(q2, nuclide.neutron_radius_fm)
        of_proton, of_neutron = SCALAR_CHARGES
        below = 2 * G_FERMI**2 * (q2 + SCALAR["scalar_mass_mev"] ** 2) ** 2
        scalar = SCALAR["scalar_coupling"] ** 4 * (of_proton * protons + of_neutron * neutrons) ** 2 / below
        moment = FINE_STRUCTURE * 30e-10 * protons / ELECTRON_MASS_MEV
        magnetic = 2 * (np.pi * moment / G_FERMI) ** 2 / nuclide.nuclear_mass_mev
        for (name, coupling), strength in zip(
            (("light_scalar", "scalar"), ("magnetic_moment", "magnetic")), (scalar, magnetic), strict=True
        ):
            events = (templates.events[:, j] * templates.spectra[coupling][:, j]).sum(axis=0)
            found[name] += templates.detected @ (events * strength)
    for name, counts in found.items():
        more = used.signal(name, POINTS[name])[0] - used.signal(name, NOTHING[name])[0]
        np.testing.assert_allclose(more, counts, rtol=1e-11)


def random_points(name: str, count: int) -> dict[str, Any]:
    random = np.random.default_rng(6)
    points = {key: random.uniform(-2, 2, count) * value for key, value in POINTS[name].items()}
    if name == "light_scalar":
        points = {"scalar_mass_mev": 10 ** random.uniform(0, 3, count), "scalar_coupling": np.full(count, 3e-5)}
    return points


@pytest.mark.parametrize("name", POINTS)
@pytest.mark.parametrize(
    ("dataset_name", "count"), [("release", 50), ("csi_2017", 20), ("csi_2021", 4), ("lar_2020", 4)]
)
def test_fast_ways_are_the_plain_one(name: str, dataset_name: str, count: int, model: Callable[..., Model]) -> None:
    used, point = model(dataset_name), random_points(name, count)
    # of a contraction a quotient of sums, of counts where Newton's steps end
    within = 1e-9 if dataset_name == "release" else 1e-7
    np.testing.assert_allclose(chi2(used, name, point, {}), chi2_at(used, name, point), rtol=within, atol=1e-7)


AXES = {
    MOMENTS[0]: Axis(name=MOMENTS[0], minimum=-50, maximum=100, points=31),
    EE: Axis(name=EE, minimum=-100, maximum=60, points=31),
    EMU: Axis(name=EMU, minimum=-30, maximum=60, points=31),
    "scalar_coupling": Axis(name="scalar_coupling", minimum=1e-6, maximum=1e-3, points=31, scale="log"),
}


@pytest.mark.parametrize("axis", AXES)
def test_lines_of_a_grid_are_the_plain_way(axis: str, model: Callable[..., Model]) -> None:
    used = model("release", nuclei="cs_and_i")
    name = next(name for name, interaction in INTERACTIONS.items() if axis in interaction.own)
    other = next(key for key in POINTS[name] if key != axis)
    second = Axis(name=other, minimum=0.5 * POINTS[name][other], maximum=POINTS[name][other], points=3)
    if second.minimum > second.maximum:
        second = replace(second, minimum=second.maximum, maximum=second.minimum)
    fixed = {key: value for key, value in POINTS[name].items() if key not in (axis, other)}
    scan = Scan(name="plane", interaction=name, axes=(second, AXES[axis]), projections=((other, axis),), fixed=fixed)
    plane = {other: second.values()[:, None], axis: AXES[axis].values()}
    np.testing.assert_allclose(
        scan_rows(used, scan, 0, 3), chi2_at(used, name, {**plane, **fixed}), rtol=1e-9, atol=1e-9
    )


def test_few_recoils_have_no_spectra_of_their_own(model: Callable[..., Model]) -> None:
    """Ratios of spectra have kinks where a line ends, so that no few points stand for them."""
    few = condensed(model("release").dataset)
    assert few is not None
    recoils: Recoils = few.recoils
    assert not recoils.spectra


@pytest.mark.parametrize("axis", AXES)
def test_coefficients_along_an_axis_are_those_at_its_points(axis: str, model: Callable[..., Model]) -> None:
    """Expanded about places other than zero, too."""
    recoils = model("release", nuclei="cs_and_i").dataset.recoils
    name = next(name for name, interaction in INTERACTIONS.items() if axis in interaction.own)
    expansion = INTERACTIONS[name].expansion
    assert expansion is not None
    quadratic, about, t = expansion.quadratic[axis], np.array([3.0, 700.0]), 20.0
    values = about + t if quadratic.variable(np.array([2.0]))[0] == 2 else np.sqrt(about + t)
    powers = quadratic.coefficients(recoils, POINTS[name], axis, about)
    for *terms, expected in zip(*powers, expansion.coefficients(recoils, {**POINTS[name], axis: values}), strict=True):
        found = sum(np.asarray(term) * t**power for power, term in enumerate(terms))
        np.testing.assert_allclose(np.broadcast_to(found, 2), np.broadcast_to(expected, 2), rtol=1e-12)
