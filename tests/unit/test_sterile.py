"""A sterile neutrino: the part of a flux that oscillates, counts of what is left, and where mixings may be."""

from collections.abc import Callable, Mapping
from itertools import product
from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad

from cevnsi.arrays import FloatArray
from cevnsi.config.check import check, parse_scan
from cevnsi.constants import HBARC_MEV_FM
from cevnsi.files.strict_yaml import ConfigError
from cevnsi.model import Model, chi2_at
from cevnsi.parameters import Axis
from cevnsi.physics.cross_section import (
    KINEMATICS,
    Flight,
    differential_cross_section,
    largest_recoil_mev,
    recoil_spectrum,
)
from cevnsi.physics.flux import (
    END_POINT_MEV,
    FLAVORS,
    PROMPT_ENERGY_MEV,
    delayed_spectrum,
    flux_moment,
    oscillating_moments,
)
from cevnsi.physics.form_factors import point
from cevnsi.physics.interaction import Recoils
from cevnsi.physics.interactions import INTERACTIONS
from cevnsi.physics.interactions.sterile import MIXINGS, amplitudes, conversion, left, phase_mev
from cevnsi.physics.nuclei import ARGON, CESIUM, IODINE
from cevnsi.questions import check_point, critical_value, make_line
from cevnsi.scans.axes import Scan
from cevnsi.scans.chi2 import chi2
from cevnsi.scans.rows import scan_rows
from cevnsi.studies.coherent.readings import TabulatedFlux
from pseudo import compile_once, hypotheses, named

DELAYED = ("nu_e", "nu_mu_bar")
NAMES = ("u_e4_squared", "u_mu4_squared", "u_tau4_squared")
SPLITTING = "delta_m2_41_ev2"
BASELINE_M = 20.0


def recoils_of(*nuclides: Any, recoil_energy_mev: FloatArray, **flight: Any) -> Recoils:
    given = {"baseline_m": BASELINE_M, "kinematics": "as_written", "spectrum": recoil_spectrum, **flight}
    return Recoils(
        nuclides=nuclides,
        momentum_transfer_squared=np.stack([2 * n.nuclear_mass_mev * recoil_energy_mev for n in nuclides]),
        sin2_theta_w=0.23857,
        flight=Flight(**given),
    )


@pytest.mark.parametrize("flavor", DELAYED)
@pytest.mark.parametrize("phase", [1e-3, 2.0, 60.0, 104.0, 106.0, 900.0])  # MeV; on both sides of where the way changes
def test_moments_of_a_flux_that_oscillates(flavor: str, phase: float) -> None:
    least = np.array([2.0, 20.0, 45.0, 60.0])
    for power, found in enumerate(oscillating_moments(flavor, least, phase)):
        whole = float(flux_moment(flavor, power, np.array(0.0)))
        for energy, value in zip(least.tolist(), found.tolist(), strict=True):

            def integrand(e: float, power: int = power) -> float:
                return float(delayed_spectrum(flavor, np.array(e)) * e**-power * np.sin(phase / e) ** 2)

            within: Any = {"limit": 2000, "epsabs": 1e-12 * whole}
            expected = quad(integrand, energy, END_POINT_MEV, **within)[0] if energy < END_POINT_MEV else 0.0
            assert value == pytest.approx(expected, rel=0, abs=2e-12 * whole)


@pytest.mark.parametrize("flavor", DELAYED)
def test_moments_from_no_energy_at_all(flavor: str) -> None:
    least = np.array([0.0, 1e-9])
    for phase in (0.0, 1e-18, 40.0, 1e6):
        for power, found in enumerate(oscillating_moments(flavor, least, phase)):
            whole = float(flux_moment(flavor, power, np.array(0.0)))
            assert found[0] == pytest.approx(found[1], rel=0, abs=1e-9 * whole)  # next to nothing is below
            assert -1e-15 * whole <= found[0] <= whole
            if phase < 1:
                assert found[0] == pytest.approx(0.0, rel=0, abs=1e-15 * whole)


@pytest.mark.parametrize("flavor", DELAYED)
def test_fast_oscillations_average_to_a_half(flavor: str) -> None:
    least = np.array([0.0, 10.0, 40.0])
    for phase in (1e4, 1e8):
        for power, found in enumerate(oscillating_moments(flavor, least, phase)):
            # what an end leaves is its density over the frequency of the phase, which is phase / E^2
            within = END_POINT_MEV / phase * float(flux_moment(flavor, power, np.array(0.0)))
            np.testing.assert_allclose(found, flux_moment(flavor, power, least) / 2, rtol=0, atol=5 * within)


def test_the_prompt_line_has_one_phase() -> None:
    for power, found in enumerate(oscillating_moments("nu_mu", np.array([10.0, 29.0, 30.0]), 7.0)):
        line = np.sin(7.0 / PROMPT_ENERGY_MEV) ** 2 * PROMPT_ENERGY_MEV**-power
        np.testing.assert_allclose(found, [line, line, 0.0], rtol=1e-15)


def test_the_phase_is_1_267_of_ev2_m_and_mev() -> None:
    assert phase_mev(1.0, 1.0) == pytest.approx(1.2669, abs=1e-4)  # as textbooks have it
    assert phase_mev(1.0, 1.0) == pytest.approx(1e-12 / (4 * HBARC_MEV_FM * 1e-15), rel=1e-15)


def unitary(rng: np.random.Generator) -> Any:
    q, _ = np.linalg.qr(rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4)))
    return q


@pytest.mark.parametrize("antineutrinos", [False, True])
def test_what_is_left_is_that_of_a_mixing_matrix(antineutrinos: bool) -> None:
    """Amplitudes of any matrix of four, of which three masses are the same, summed over what is active."""
    rng, energy = np.random.default_rng(1), 31.0
    for _ in range(5):
        mixing, splitting = unitary(rng), float(rng.uniform(0.1, 9))
        used = np.conj(mixing) if antineutrinos else mixing
        turned = np.exp(-2j * phase_mev(splitting, BASELINE_M) / energy * np.array([0, 0, 0, 1]))
        becomes = np.abs(used @ np.diag(turned) @ np.conj(used).T) ** 2
        parts = dict(zip(NAMES, (np.abs(mixing[:3, 3]) ** 2).tolist(), strict=True))
        found = amplitudes(parts)
        for i, row in enumerate(("e", "mu")):
            expected = 1 - found[row] * np.sin(phase_mev(splitting, BASELINE_M) / energy) ** 2
            assert becomes[i, :3].sum() == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize("kinematics", KINEMATICS)
@pytest.mark.parametrize("nuclide", [CESIUM, ARGON])
def test_what_oscillates_at_a_recoil_is_an_integral_over_the_flux(kinematics: str, nuclide: Any) -> None:
    most = float(largest_recoil_mev(END_POINT_MEV, nuclide, kinematics))
    recoil = most * np.array([0.05, 0.6, 0.9])
    splittings = np.array([0.3, 4.0, 70.0])
    used = recoils_of(nuclide, recoil_energy_mev=recoil, kinematics=kinematics)
    found = conversion(splittings, used)
    assert found.shape == (3, len(FLAVORS), 1, 3)
    for (i, splitting), (j, flavor), (k, energy) in product(
        enumerate(splittings.tolist()), enumerate(DELAYED), enumerate(recoil.tolist())
    ):
        phase = float(phase_mev(splitting, BASELINE_M))

        def spectrum(e: float, oscillating: bool, flavor: str = flavor, energy: float = energy) -> float:
            section = differential_cross_section(np.array(energy), np.array(e), 1.0, nuclide, point, kinematics)
            seen = np.sin(phase / e) ** 2 if oscillating else 1.0  # noqa: B023
            return 1e38 * float(section * delayed_spectrum(flavor, np.array(e))) * seen

        linear = KINEMATICS[kinematics] * energy / 4
        least = linear + np.sqrt(linear**2 + nuclide.nuclear_mass_mev * energy / 2)
        whole, part = (
            quad(spectrum, least, END_POINT_MEV, args=(oscillating,), limit=500, epsabs=0.0, epsrel=1e-10)[0]
            for oscillating in (False, True)
        )
        assert found[i, FLAVORS.index(flavor), 0, k] == pytest.approx(part / whole, rel=1e-8), (i, j, k)
    prompt = np.sin(phase_mev(splittings, BASELINE_M) / PROMPT_ENERGY_MEV) ** 2
    np.testing.assert_allclose(found[:, FLAVORS.index("nu_mu"), 0, 0], prompt, rtol=1e-13)
    assert (found[:, FLAVORS.index("nu_mu"), 0, 2] == 0).all()  # beyond the largest recoil of the line


def test_another_flux_oscillates_at_its_own_energies() -> None:
    flux = TabulatedFlux(energies_mev=np.array([25.0, 50.0]), shares={name: np.array([0.4, 0.6]) for name in FLAVORS})
    one = TabulatedFlux(energies_mev=np.array([50.0]), shares={name: np.array([1.0]) for name in FLAVORS})
    recoil = np.array([0.001, 0.02, 0.05])
    found, alone = (
        conversion(3.0, recoils_of(CESIUM, IODINE, recoil_energy_mev=recoil, spectrum=each.recoil_spectrum))
        for each in (flux, one)
    )
    phase = float(phase_mev(3.0, BASELINE_M))
    np.testing.assert_allclose(alone[:, :, :2], np.sin(phase / 50.0) ** 2, rtol=1e-13)
    assert (alone[:, :, 2] == 0).all()
    parts = np.array([share * (2 - CESIUM.nuclear_mass_mev * 0.001 / e**2) for share, e in ((0.4, 25.0), (0.6, 50.0))])
    np.testing.assert_allclose(
        found[0, 0, 0], parts @ [np.sin(phase / 25.0) ** 2, np.sin(phase / 50.0) ** 2] / parts.sum(), rtol=1e-13
    )


def test_recoils_without_a_flight_do_not_oscillate() -> None:
    bare = Recoils(nuclides=(CESIUM,), momentum_transfer_squared=np.ones((1, 2)), sin2_theta_w=0.23857)
    with pytest.raises(ValueError, match="recoils without a flight: expected the baseline and the spectrum"):
        conversion(1.0, bare)


DATA = ["paper", "release", "csi_2017", "csi_2021", "lar_2020", "joint"]


@pytest.mark.parametrize("name", DATA)
def test_without_mixing_or_splitting_it_is_the_standard_model(name: str) -> None:
    for point_of in ({SPLITTING: 2.0}, {SPLITTING: 1e-9, "u_e4_squared": 0.3, "u_mu4_squared": 0.3}):
        for dataset in named(name).datasets:
            expected, sides = dataset.signal("contact", {})
            found, other_sides = dataset.signal("sterile", point_of)
            np.testing.assert_allclose(found, expected, rtol=1e-12)
            assert sides.keys() == other_sides.keys()


def test_parameters_of_the_standard_model_come_with_it() -> None:
    (dataset,) = named("csi_2021").datasets
    values = {"sin2_theta_w": 0.21, "cevns_normalization": 1.3}
    expected = dataset.signal("contact", values)[0]
    np.testing.assert_allclose(dataset.signal("sterile", {SPLITTING: 2.0, **values})[0], expected, rtol=1e-12)


def counts_of(name: str, **values: float) -> FloatArray:
    """Counts of each flavor, (flavors,), of all data sets."""
    found = [dataset.by_flavor("sterile", values).sum(axis=-1) for dataset in named(name).datasets]
    return np.asarray(np.sum(found, axis=0))


@pytest.mark.parametrize("name", ["release", "lar_2020"])
def test_small_splittings_take_away_by_their_square(name: str) -> None:
    whole = counts_of(name, delta_m2_41_ev2=1.0)
    lost = [whole - counts_of(name, delta_m2_41_ev2=m, u_e4_squared=0.2, u_mu4_squared=0.3) for m in (0.01, 0.02)]
    np.testing.assert_allclose(lost[1] / lost[0], 4.0, rtol=1e-3)  # the phase is 0.01, of which the next order has 1e-4
    assert (lost[0] > 0).all()


@pytest.mark.parametrize("name", ["release", "csi_2021", "lar_2020"])
def test_large_splittings_take_away_half_of_the_amplitude(name: str) -> None:
    """Of delayed neutrinos, which have many energies; those of the line have one."""
    mixings = {"u_e4_squared": 0.2, "u_mu4_squared": 0.3, "u_tau4_squared": 0.1}
    splitting = 1e5
    part = counts_of(name, delta_m2_41_ev2=splitting, **mixings) / counts_of(name, delta_m2_41_ev2=1.0)
    expected = {"nu_e": 1 - 2 * 0.2 * 0.4, "nu_mu_bar": 1 - 2 * 0.3 * 0.4}
    for flavor, value in expected.items():
        assert part[FLAVORS.index(flavor)] == pytest.approx(value, abs=1e-4)
    (phase,) = {phase_mev(splitting, d.recoils.flight.baseline_m) for d in named(name).datasets if d.recoils.flight}
    line = 1 - 4 * 0.3 * 0.4 * np.sin(phase / PROMPT_ENERGY_MEV) ** 2
    assert part[FLAVORS.index("nu_mu")] == pytest.approx(line, rel=1e-10)  # a phase of 1e5 has so many digits left


def test_one_mixing_is_the_same_seen_from_its_other_end() -> None:
    for name, value in product(NAMES, (0.1, 0.35)):
        one, other = (counts_of("release", **{SPLITTING: 1.7, name: x}) for x in (value, 1 - value))
        np.testing.assert_allclose(one, other, rtol=1e-13)


def test_mixing_with_tau_alone_changes_nothing() -> None:
    one, other = (counts_of("release", delta_m2_41_ev2=1.7, u_tau4_squared=x) for x in (0.0, 0.4))
    np.testing.assert_array_equal(one, other)
    assert (counts_of("release", delta_m2_41_ev2=1.7, u_e4_squared=0.2, u_tau4_squared=0.4) >= other * (1 - 0.32)).all()


@pytest.mark.parametrize("name", NAMES)
def test_coefficients_are_quadratic_in_each_mixing(name: str) -> None:
    terms, rng = INTERACTIONS["sterile"].terms, np.random.default_rng(2)
    others = {other: float(rng.uniform(0, 0.3)) for other in NAMES if other != name}
    recoils, about, t = named("release").dataset.recoils, rng.uniform(0, 0.3, 4), 0.13
    powers = terms.quadratic[name].coefficients(recoils, others, name, about)
    expected = terms.coefficients(recoils, {**others, name: about + t})
    assert len(expected) == len(powers[0]) == 3
    for k, value in enumerate(expected):
        total = sum(np.asarray(by_term[k]) * t**power for power, by_term in enumerate(powers))
        np.testing.assert_allclose(total, value, rtol=1e-13)


def scan_of(axes: Mapping[str, tuple[float, float, int]], **more: Any) -> Scan:
    made = tuple(
        Axis(name=name, minimum=low, maximum=high, points=points, scale="log" if name == SPLITTING else "linear")
        for name, (low, high, points) in axes.items()
    )
    return Scan(name="sterile", interaction="sterile", axes=made, projections=(tuple(axes),), **more)


PLANES: dict[str, tuple[dict[str, tuple[float, float, int]], dict[str, float]]] = {
    "splitting first": ({SPLITTING: (0.1, 100, 3), "u_mu4_squared": (0, 0.6, 5)}, {"u_e4_squared": 0.1}),
    "mixing first": ({"u_e4_squared": (0, 1, 4), SPLITTING: (0.1, 100, 5)}, {}),
    "two mixings": (
        {"u_e4_squared": (0, 0.5, 4), "u_mu4_squared": (0, 0.4, 5)},
        {SPLITTING: 1.1, "u_tau4_squared": 0.1},
    ),
    "tau": ({SPLITTING: (0.1, 100, 3), "u_tau4_squared": (0, 0.6, 4)}, {"u_mu4_squared": 0.3}),
}
MANY = ["release", "csi_2017", "lar_2020", pytest.param("joint", marks=pytest.mark.slow)]


@pytest.mark.parametrize("plane", PLANES)
@pytest.mark.parametrize("name", MANY)
def test_a_plane_is_the_plain_way_s(name: str, plane: str) -> None:
    used, (axes, fixed) = named(name), PLANES[plane]
    scan = scan_of(axes, fixed=fixed)
    first, second = (axis.values() for axis in scan.axes)
    expected = chi2_at(used, "sterile", {**fixed, scan.axes[0].name: first[:, None], scan.axes[1].name: second})
    # quotients of sums of squares, and descents that end where their decrement is 1e-8
    np.testing.assert_allclose(scan_rows(used, scan, 0, first.size), expected, rtol=1e-10, atol=1e-7)


@pytest.mark.parametrize("name", ["release", "csi_2021"])
def test_points_anywhere_are_the_plain_way_s(name: str, model: Callable[..., Model]) -> None:
    used, rng = model(name), np.random.default_rng(3)
    values = dict(zip(NAMES, rng.dirichlet(np.ones(4), 6).T[:3], strict=True))
    values[SPLITTING] = 10 ** rng.uniform(-2, 3, 6)
    np.testing.assert_allclose(chi2(used, "sterile", values, {}), chi2_at(used, "sterile", values), rtol=1e-9)
    recoils = used.dataset.recoils
    part = left(recoils, values)
    assert part.shape == (6, len(FLAVORS), *recoils.momentum_transfer_squared.shape)
    assert (part >= 0).all()
    assert (part <= 1).all()


def test_points_where_mixings_cannot_be() -> None:
    at = {SPLITTING: 1.0, "u_mu4_squared": 0.6}
    assert check_point(at) == "sterile"
    assert (
        check_point({**at, "u_e4_squared": 0.3, "u_tau4_squared": 0.1}) == "sterile"
    )  # whose sum is 1 but for rounding
    with pytest.raises(ConfigError, match=r"u_e4_squared and u_mu4_squared: 1\.1; expected at most 1, as parts of one"):
        check_point({**at, "u_e4_squared": 0.5})
    with pytest.raises(ConfigError, match=r"u_e4_squared: -0\.1; expected 0 or more, as it is a part of one"):
        check_point({**at, "u_e4_squared": -0.1})
    with pytest.raises(ConfigError, match="delta_m2_41_ev2: is missing; sterile needs delta_m2_41_ev2"):
        check_point({"u_e4_squared": 0.1})


def test_a_range_ends_where_others_leave_no_room(model: Callable[..., Model]) -> None:
    line = make_line(model("paper"), "u_mu4_squared", fixed={SPLITTING: 3.0, "u_e4_squared": 0.7})
    assert line.axes[0].maximum == pytest.approx(0.3, abs=1e-15)
    assert make_line(model("paper"), "u_mu4_squared", fixed={SPLITTING: 3.0}).axes[0].maximum == 0.5
    with pytest.raises(ConfigError, match=r"u_mu4_squared: 1\.2; expected at most 1, as parts of one"):
        make_line(model("paper"), "u_mu4_squared", (0.0, 0.5), fixed={SPLITTING: 3.0, "u_e4_squared": 0.7})


def test_scans_where_mixings_cannot_be(config: dict[str, Any]) -> None:
    section: dict[str, Any] = {
        "interaction": "sterile",
        "axes": {
            "u_e4_squared": {"min": 0, "max": 0.6, "points": 5},
            "u_mu4_squared": {"min": 0, "max": 0.4, "points": 5},
        },
        "fixed": {SPLITTING: 1.0},
        "confidence_levels": [0.9],
        "n_dof": [2],
        "chunks": 1,
    }
    config["scans"]["mixings"] = section
    check(config)
    assert [axis.name for axis in parse_scan("mixings", section).axes] == ["u_e4_squared", "u_mu4_squared"]
    section["fixed"] |= {"u_tau4_squared": 0.1}
    with pytest.raises(
        ConfigError,
        match=r"scans\.mixings\.axes\.u_e4_squared and scans\.mixings\.axes\.u_mu4_squared and "
        r"scans\.mixings\.fixed\.u_tau4_squared: up to 1\.1; expected at most 1 together, as parts of one",
    ):
        check(config)
    section["fixed"] |= {"u_tau4_squared": -0.1}
    with pytest.raises(
        ConfigError, match=r"mixings\.fixed\.u_tau4_squared: -0\.1; expected 0 or more, as it is a part"
    ):
        check(config)
    section["fixed"] = {}
    with pytest.raises(ConfigError, match=r"delta_m2_41_ev2 of interaction sterile is neither an axis nor fixed"):
        check(config)


def test_toys_leave_a_mixing_free_where_it_may_be() -> None:
    """Fits of the data as a toy at a point, and anywhere between the ends."""
    compile_once()
    used, fixed = named("csi_2017"), {SPLITTING: 3.0, "u_e4_squared": 0.3}
    tests = hypotheses(used, "u_mu4_squared", interaction="sterile", fixed=fixed)
    low, high = tests.free
    assert (low.tolist(), high.tolist()) == ([0.0], [pytest.approx(0.7, abs=1e-15)])
    grid = np.linspace(0, 0.7, 141)
    plain = chi2_at(used, "sterile", {**fixed, "u_mu4_squared": grid})
    at = tests.at({"u_mu4_squared": 0.2})
    assert at.chi2 == pytest.approx(float(plain[40]), abs=1e-6)  # descents end where their decrement is some 1e-8
    begin = at.fitter.hessian(tests.data, at.place)[None]
    value, place, _ = at.fitter.least(
        tests.data, low[None], high[None], at.place[None], begin, tests.mirrors(at.fitter)
    )
    assert low[0] <= place[0, 0] <= high[0]
    assert plain.min() - 1e-3 < value[0] < plain.min() + 1e-6  # between points of the grid it may be a little lower


def test_critical_values_of_a_mixing_and_a_splitting() -> None:
    used = named("paper")
    (found,) = critical_value(
        used, {SPLITTING: 3.0, "u_mu4_squared": 0.1}, confidence_levels=(0.6827,), toys=100, seed=3
    )
    assert 0.1 < found.critical_delta_chi2 < 8.0
    with pytest.raises(ConfigError, match=r"coverage: u_e4_squared, u_mu4_squared are axes, which are at most one"):
        critical_value(used, {"u_e4_squared": 0.1, "u_mu4_squared": 0.1}, fixed={SPLITTING: 3.0}, toys=100)


def test_every_mixing_is_a_part_of_one() -> None:
    made = INTERACTIONS["sterile"]
    assert made.parts_of_one == NAMES == tuple(mixing.name for mixing in MIXINGS.values())
    assert made.needed == (SPLITTING,)
    assert made.most_of("u_e4_squared", {"u_e4_squared": 0.4, "u_mu4_squared": 0.25, SPLITTING: 3.0}) == 0.75
