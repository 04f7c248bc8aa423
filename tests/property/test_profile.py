"""Chi2 minimised over domains, against grids and against local minimisers started in many places."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import Bounds, differential_evolution, minimize

from cevnsi.arrays import FloatArray
from cevnsi.domains import directions, fixed_amplitudes
from cevnsi.fast.contraction import contract
from cevnsi.model import Model
from cevnsi.physics.weak_charge import contact, tree_couplings
from minima import SEEN, Box, least, some_fixed
from points import chi2_of_counts, contact_chi2, predicted_counts, sigma_of

Domain = dict[str, tuple[float, float]]
Parameters = Mapping[str, Any]

WITHIN = 1e-6  # of chi2: what is promised; the local minimisers converge to 1e-9


def slow_chi2(model: Model, parameters: Parameters) -> float:
    """The generic way: predicted counts, then Eq. 7."""
    counts = predicted_counts(model.dataset, [contact(parameters) for _ in model.nuclides]).sum(axis=0)
    return chi2_of_counts(model.dataset.measurement, counts, sigma_of(model))


def fast_chi2(model: Model, parameters: Parameters) -> float:
    """By contraction, which tests/property/test_chi2.py holds to the generic way."""
    return float(contact_chi2(model, dict(parameters), {}))


def quark_couplings(matter: Mapping[str, float], domain: Domain, fractions: Any) -> dict[str, Any]:
    """eps_uV and eps_dV of each matter parameter (Eq. 11), eps_uV at a fraction of its interval."""
    result = {}
    for (name, value), fraction in zip(matter.items(), fractions, strict=True):
        pair = name.split("_")[1]
        (u_low, u_high), (d_low, d_high) = domain[f"eps_{pair}_uV"], domain[f"eps_{pair}_dV"]
        low, high = max(u_low, value / 3 - d_high), min(u_high, value / 3 - d_low)
        result[f"eps_{pair}_uV"] = low + fraction * (high - low)
        result[f"eps_{pair}_dV"] = value / 3 - result[f"eps_{pair}_uV"]
    return result


def matter_minimum(model: Model, matter: Mapping[str, float], domain: Domain, fixed: Parameters, n: int) -> float:
    """A grid of n points along each free direction, then down from its best points by L-BFGS-B."""
    axis = np.linspace(0, 1, n)
    grid = contact_chi2(model, {**fixed, **quark_couplings(matter, domain, (axis[:, None], axis[None, :]))}, {})
    best = np.argsort(grid, axis=None)[:2]
    starts = axis[np.column_stack(np.unravel_index(best, grid.shape))]

    def at(place: FloatArray) -> float:
        return fast_chi2(model, {**fixed, **quark_couplings(matter, domain, place)})

    options: Any = {"ftol": 1e-15, "gtol": 1e-10}
    runs = [minimize(at, x0, method="L-BFGS-B", bounds=Bounds([0, 0], [1, 1]), options=options) for x0 in starts]
    return min(float(grid.min()), *(float(run.fun) for run in runs))


ASYMMETRIC: Domain = {
    "eps_ee_uV": (-1.0, 1.4),
    "eps_ee_dV": (-0.7, 1.0),
    "eps_mumu_uV": (-1.2, 0.9),
    "eps_mumu_dV": (-1.0, 1.0),
}
MATTER = [(0.0, 0.0), (0.535, 0.535), (-1.1, 1.7), (2.2, -0.8), (-4.0, 3.0), (0.3, 1.4)]


@pytest.mark.parametrize("nuclei", ["mean", "cs_and_i"])
@pytest.mark.parametrize(("ee", "mumu"), MATTER)
def test_matter_scan_against_a_fine_grid(nuclei: str, ee: float, mumu: float, model: Callable[..., Model]) -> None:
    used = model("release", nuclei=nuclei)
    matter = {"eps_ee_matter": ee, "eps_mumu_matter": mumu}
    found = float(contact_chi2(used, dict(matter), ASYMMETRIC))
    assert found == pytest.approx(matter_minimum(used, matter, ASYMMETRIC, {}, 201), abs=WITHIN)


@pytest.mark.parametrize("nuclei", ["mean", "cs_and_i"])
def test_matter_scan_against_differential_evolution(nuclei: str, model: Callable[..., Model]) -> None:
    used = model("paper", nuclei=nuclei, form_factor="helm")
    matter = {"eps_ee_matter": -0.9, "eps_mumu_matter": 1.5}

    def at(place: FloatArray) -> float:
        return fast_chi2(used, quark_couplings(matter, ASYMMETRIC, place))

    found = differential_evolution(at, Bounds([0.0, 0.0], [1.0, 1.0]), rng=3, tol=1e-10, popsize=10)
    assert float(contact_chi2(used, dict(matter), ASYMMETRIC)) == pytest.approx(found.fun, abs=WITHIN)


@pytest.mark.parametrize("nuclei", ["mean", "cs_and_i"])
def test_matter_scan_with_other_couplings_fixed(nuclei: str, model: Callable[..., Model]) -> None:
    used = model("paper", nuclei=nuclei)
    fixed = {"eps_emu_uV": 0.12, "eps_etau_dV_imag": -0.1, "eps_mutau_uV": 0.07}
    matter = {"eps_ee_matter": 1.2, "eps_mumu_matter": -0.4}
    found = float(contact_chi2(used, {**matter, **fixed}, ASYMMETRIC))
    assert found == pytest.approx(matter_minimum(used, matter, ASYMMETRIC, fixed, 201), abs=WITHIN)


@pytest.mark.parametrize("nuclei", ["mean", "cs_and_i"])
@pytest.mark.parametrize(
    "domain",
    [
        {"eps_ee_uV": (-0.3, 0.9)},
        {"eps_mumu_dV": (-0.05, 0.6)},
        {"eps_ee_dV": (-0.4, 0.2), "eps_mumu_uV": (0.05, 0.5)},
    ],
    ids="+".join,
)
def test_single_quarks(nuclei: str, domain: Domain, model: Callable[..., Model]) -> None:
    used = model("release", nuclei=nuclei)
    fixed = {"eps_ee_uV": 0.1, "eps_mumu_dV": 0.05, "eps_etau_uV": 0.1}
    fixed = {name: value for name, value in fixed.items() if name not in domain}
    found = float(contact_chi2(used, dict(fixed), domain))
    assert found == pytest.approx(least(used, fixed, domain, 5), abs=WITHIN)


HEXAGON: list[Domain] = [
    {"eps_emu_uV": (-0.3, 0.5)},
    {"eps_emu_dV": (0.1, 0.3), "eps_emu_dV_imag": (-0.4, 0.1)},
    {"eps_ee_uV": (-0.2, 0.4), "eps_emu_dV": (-0.1, 0.6)},
    {"eps_ee_uV": (0.1, 0.4), "eps_mumu_dV": (-0.1, 0.05), "eps_emu_uV": (0.02, 0.3), "eps_emu_uV_imag": (-0.1, 0.2)},
    {"eps_mumu_uV": (-0.3, 0.2), "eps_mumu_dV": (0.2, 0.5), "eps_emu_dV": (0.05, 0.2), "eps_etau_uV": (-0.1, 0.3)},
    {"eps_mutau_dV": (-0.2, 0.3), "eps_mutau_dV_imag": (0.05, 0.4), "eps_ee_dV": (0.3, 0.6)},
]


@pytest.mark.parametrize("domain", HEXAGON, ids="+".join)
@pytest.mark.parametrize(
    "fixed", [{}, {"eps_ee_dV": 0.15, "eps_emu_dV": -0.1, "eps_emu_uV_imag": 0.05}], ids=["sm", "off"]
)
def test_boxes_with_off_diagonal_couplings(
    domain: Domain, fixed: dict[str, float], model: Callable[..., Model]
) -> None:
    used = model("release")
    held = {name: value for name, value in fixed.items() if name not in domain}
    found = float(contact_chi2(used, dict(held), domain))
    assert found == pytest.approx(least(used, held, domain, 7), abs=WITHIN)


@pytest.mark.parametrize("seed", range(12))
def test_random_boxes(seed: int, model: Callable[..., Model]) -> None:
    used, rng = model("paper"), np.random.default_rng(seed)
    names = list(rng.permutation(SEEN)[:6])
    ends = np.sort(rng.uniform(-0.6, 0.8, (4, 2)), axis=1)
    domain = {str(name): (float(a), float(b)) for name, (a, b) in zip(names[:4], ends, strict=True)}
    fixed = {str(name): float(rng.uniform(-0.3, 0.3)) for name in names[4:]}
    found = float(contact_chi2(used, dict(fixed), domain))
    assert found == pytest.approx(least(used, fixed, domain, seed), abs=WITHIN)


Problem = tuple[dict[str, float], Domain]
KINDS = ("free", "tied", "bounded", "all")


def random_problem(kind: str, seed: int) -> Problem:
    """Two to six couplings to minimise over, any others fixed; of some pairs both quarks, with a sum that is tied or
    has a domain of its own, inside what the quarks reach.
    """
    rng = np.random.default_rng([KINDS.index(kind), seed])
    names = [str(name) for name in rng.choice(SEEN, rng.integers(2, 7), replace=False)]
    pairs = [] if kind == "free" else [str(pair) for pair in rng.permutation(["ee", "mumu", "emu", "etau"])[:2]]
    quarks = [quark for pair in pairs for quark in (f"eps_{pair}_uV", f"eps_{pair}_dV")]
    names = list(dict.fromkeys([*quarks, *names]))[: max(len(quarks) + 2, 2 if quarks else len(names))]
    ends = np.sort(rng.uniform(-1.2, 1.4, (len(names), 2)), axis=1)
    domain = {name: (float(low), float(high) + 0.02) for name, (low, high) in zip(names, ends, strict=True)}
    parameters = {}
    for i, pair in enumerate(pairs):
        u, d = domain[f"eps_{pair}_uV"], domain[f"eps_{pair}_dV"]
        first, last = np.sort(rng.uniform(3 * (u[0] + d[0]), 3 * (u[1] + d[1]), 2))
        if kind == "tied" or (kind == "all" and i == 0):
            parameters[f"eps_{pair}_matter"] = float(first)
        else:
            domain[f"eps_{pair}_matter"] = (float(first), float(last))
    return parameters | some_fixed(rng, domain), domain


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("nuclei", ["mean", "cs_and_i"])
def test_random_problems_against_many_local_minimisers(
    nuclei: str, kind: str, seed: int, model: Callable[..., Model]
) -> None:
    used = model("release", nuclei=nuclei)
    parameters, domain = random_problem(kind, seed)
    found = float(contact_chi2(used, dict(parameters), domain))
    assert found == pytest.approx(least(used, parameters, domain, seed), abs=WITHIN)


@pytest.mark.slow
@pytest.mark.parametrize("nuclei", ["mean", "cs_and_i"])
@pytest.mark.parametrize("name", ["eps_emu_dV", "eps_mumu_dV", "eps_ee_dV"])
def test_a_wider_domain_is_never_worse(name: str, nuclei: str, model: Callable[..., Model]) -> None:
    """Wherever its end is: a minimiser that starts beside an end, but for rounding, must not stay there."""
    used = model("release", nuclei=nuclei)
    domain = {"eps_emu_dV": (-1.2, -0.18), "eps_ee_dV": (-0.6, 0.7), "eps_mumu_dV": (-0.9, -0.85)}
    low = domain[name][0]
    for first, last in ((low + 0.01, low + 0.3), (-0.2, -0.1), (0.1, 0.5)):
        found = [
            float(contact_chi2(used, {"eps_mutau_uV_imag": 0.167}, domain | {name: (low, float(end))}))
            for end in np.linspace(first, last, 40)
        ]
        assert np.diff(found).max() < 1e-9


@pytest.mark.slow
def test_a_minimum_at_the_end_of_a_curved_valley(model: Callable[..., Model]) -> None:
    """Only the modulus of eps_mutau counts for one nucleus, and nearly so for two."""
    used = model("release", nuclei="cs_and_i")
    parameters = {"eps_mumu_dV": 0.3338, "eps_etau_dV_imag": 0.1617, "eps_etau_uV": 0.0911, "eps_mutau_uV": 0.101}
    domain = {
        "eps_emu_dV_imag": (-0.76, 0.2613),
        "eps_mumu_uV": (-0.7429, 0.1371),
        "eps_emu_uV": (-0.3108, 1.3223),
        "eps_mutau_uV_imag": (-0.6739, 0.1714),
        "eps_mutau_dV_imag": (-0.531, 0.251),
        "eps_ee_uV": (-0.3234, 1.0254),
    }
    found = float(contact_chi2(used, dict(parameters), domain))
    assert found == pytest.approx(least(used, parameters, domain, 1), abs=WITHIN)


@pytest.mark.slow
def test_a_coupling_that_comes_to_nothing_in_many_steps(model: Callable[..., Model]) -> None:
    """The least imaginary part is zero, and its steps become as small as numbers can be while others still move."""
    used = model("release", nuclei="cs_and_i")
    domain = {
        "eps_etau_uV": (-0.98, 0.74),
        "eps_emu_uV_imag": (-1.19, 1.07),
        "eps_emu_uV": (-0.62, 0.09),
        "eps_emu_dV": (-0.79, -0.01),
        "eps_emu_matter": (-0.87, 0.24),
        "eps_ee_uV": (-0.13, 0.97),
        "eps_ee_dV": (-0.75, 0.75),
        "eps_ee_matter": (-1.3, 0.38),
    }
    found = float(contact_chi2(used, {"eps_mumu_uV": 0.2}, domain))
    assert found == pytest.approx(least(used, {"eps_mumu_uV": 0.2}, domain, 1), abs=WITHIN)


MANY: Domain = {
    "eps_ee_uV": (-0.6, 0.3),
    "eps_ee_dV": (-0.2, 0.8),
    "eps_ee_matter": (-0.4, 0.9),
    "eps_mumu_uV": (0.1, 0.7),
    "eps_mumu_dV": (-0.3, 0.4),
    "eps_emu_dV": (-0.2, 0.5),
    "eps_emu_dV_imag": (0.05, 0.3),
    "eps_etau_uV": (-0.4, -0.1),
}


@pytest.mark.slow
def test_seven_directions_against_differential_evolution(model: Callable[..., Model]) -> None:
    """It converges to about 1e-5 here."""
    used = model("release", nuclei="cs_and_i")
    box = Box(used, {"eps_etau_dV": 0.2, "eps_mutau_uV": 0.1}, MANY)

    def at(places: FloatArray, /) -> Any:
        return box.chi2(box.at(places.T))

    unit = Bounds([0.0] * len(box.names), [1.0] * len(box.names))
    found = differential_evolution(at, unit, rng=3, tol=1e-9, maxiter=2000, vectorized=True, updating="deferred")
    exact = float(contact_chi2(used, dict(box.fixed), MANY))
    assert exact == pytest.approx(found.fun, abs=1e-4)
    assert exact <= found.fun + 1e-9


@pytest.mark.parametrize("domain", [ASYMMETRIC, dict.fromkeys(ASYMMETRIC, (0.05, 0.35))], ids=["wide", "narrow"])
@pytest.mark.parametrize("ends", [(-0.4, 0.2), (0.6, 0.9), (-2.5, 2.1)])
def test_a_bounded_sum_of_one_nucleus_against_a_fine_grid(
    ends: tuple[float, float], domain: Domain, model: Callable[..., Model]
) -> None:
    """Of both quarks of two pairs, of which one has a sum between these ends, as far as the quarks reach."""
    used = model("paper")
    reach = [3 * (domain["eps_mumu_uV"][side] + domain["eps_mumu_dV"][side]) for side in (0, 1)]
    bounded = {**domain, "eps_mumu_matter": (max(ends[0], reach[0]), min(max(ends[1], reach[0] + 0.1), reach[1]))}
    axis = np.linspace(0, 1, 31)
    box = Box(used, {}, bounded)
    values = box.at(np.stack([place.ravel() for place in np.meshgrid(*[axis] * 4)], axis=1))
    sums = 3 * (values[:, box.names.index("eps_mumu_uV")] + values[:, box.names.index("eps_mumu_dV")])
    assert ((sums >= bounded["eps_mumu_matter"][0] - 1e-12) & (sums <= bounded["eps_mumu_matter"][1] + 1e-12)).all()
    chi2 = box.chi2(values)
    exact = float(contact_chi2(used, {}, bounded))
    assert exact <= chi2.min() + 1e-9
    best = np.argsort(chi2)[:3]
    assert exact == pytest.approx(min(box.down_from(values[i]) for i in best), abs=WITHIN)


@pytest.mark.parametrize("nuclei", ["mean", "cs_and_i"])
@pytest.mark.parametrize("pair", ["ee", "mumu", "emu"])
def test_a_sum_whose_domain_holds_nothing_back_is_no_bound(pair: str, nuclei: str, model: Callable[..., Model]) -> None:
    """As wide as what the quarks reach (Eq. 11), and wider on either side."""
    used = model("release", nuclei=nuclei)
    domain: Domain = {f"eps_{pair}_uV": (0.05, 0.1), f"eps_{pair}_dV": (-0.1, -0.02), "eps_etau_uV": (0.1, 0.2)}
    free = float(contact_chi2(used, {"eps_mutau_dV": 0.3}, domain))
    low, high = -0.15, 0.24
    for ends in ((low, high), (low - 0.5, high), (low, high + 0.5), (low - 9, high + 9)):
        bounded = {**domain, f"eps_{pair}_matter": ends}
        assert float(contact_chi2(used, {"eps_mutau_dV": 0.3}, bounded)) == pytest.approx(free, rel=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_one_bin_has_a_line_of_minima(seed: int, model: Callable[..., Model]) -> None:
    used, rng = model("release", photoelectron_range=(10, 12)), np.random.default_rng(100 + seed)
    assert np.linalg.cond(contract(used, used.dataset.contact_templates).template_template) > 1e12
    ends = np.sort(rng.uniform(-0.4, 0.5, (3, 2)), axis=1)
    names = ("eps_ee_uV", "eps_mumu_dV", "eps_emu_uV")
    domain = {name: (float(a), float(b)) for name, (a, b) in zip(names, ends, strict=True)}
    assert float(contact_chi2(used, {}, domain)) == pytest.approx(least(used, {}, domain, seed), abs=WITHIN)


def test_data_that_no_rate_describes(model: Callable[..., Model]) -> None:
    """Fluctuations below zero put the minimum where the charge is least."""
    used = model("paper")
    below = replace(used.dataset.measurement, observed=-0.3 * used.dataset.measurement.observed)
    low = replace(used, datasets=(replace(used.dataset, measurement=below),))
    domain = {"eps_ee_uV": (-0.2, 0.4), "eps_mumu_dV": (-0.1, 0.4), "eps_emu_uV": (-0.1, 0.2)}
    assert float(contact_chi2(low, {}, domain)) == pytest.approx(least(low, {}, domain, 1), abs=WITHIN)


@pytest.mark.parametrize(("nuclei", "points"), [("mean", 4000), ("cs_and_i", 400)])
def test_no_point_of_the_domain_is_lower(nuclei: str, points: int, model: Callable[..., Model]) -> None:
    used, rng = model("paper", nuclei=nuclei), np.random.default_rng(17)
    chosen = {name: rng.uniform(*ends, points) for name, ends in ASYMMETRIC.items()}
    matter = {f"eps_{p}_matter": 3 * (chosen[f"eps_{p}_uV"] + chosen[f"eps_{p}_dV"]) for p in ("ee", "mumu")}
    least = contact_chi2(used, matter, ASYMMETRIC)
    assert least.shape == (points,)
    assert (least <= contact_chi2(used, dict(chosen), {}) + 1e-9).all()  # eps_u + eps_d rounds


@given(data=st.data())
def test_no_point_of_a_box_is_lower(model: Callable[..., Model], data: st.DataObject) -> None:
    used = model("release")
    names = data.draw(st.lists(st.sampled_from(SEEN), min_size=2, max_size=6, unique=True))
    inside, domain = {}, {}
    for name in names:
        low, value, high = sorted(data.draw(st.lists(st.floats(-1, 1), min_size=3, max_size=3)))
        inside[name], domain[name] = value, (low, high)
    held = inside.pop(names[0])
    domain.pop(names[0])
    least = float(contact_chi2(used, {names[0]: held}, domain))
    assert least <= slow_chi2(used, {names[0]: held, **inside}) + 1e-9


@pytest.mark.parametrize("nuclei", ["mean", "cs_and_i"])
def test_a_point_as_domain_is_the_point(nuclei: str, model: Callable[..., Model]) -> None:
    used = model("release", nuclei=nuclei)
    found = float(contact_chi2(used, {"eps_ee_uV": 0.1}, {"eps_ee_dV": (-0.2, -0.2), "eps_mumu_uV": (0.3, 0.3)}))
    expected = slow_chi2(used, {"eps_ee_uV": 0.1, "eps_ee_dV": -0.2, "eps_mumu_uV": 0.3})
    assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("nuclei", ["mean", "cs_and_i"])
def test_grid_points_do_not_see_one_another(nuclei: str, model: Callable[..., Model]) -> None:
    used = model("release", nuclei=nuclei)
    ee, mumu = np.array([-1.0, 0.4]), np.array([-0.5, 1.6])
    grid = contact_chi2(used, {"eps_ee_matter": ee[:, None], "eps_mumu_matter": mumu[None, :]}, ASYMMETRIC)
    assert grid.shape == (2, 2)
    for i, j in np.ndindex(2, 2):
        point = {"eps_ee_matter": ee[i], "eps_mumu_matter": mumu[j]}
        assert grid[i, j] == float(contact_chi2(used, point, ASYMMETRIC))


@pytest.mark.parametrize("nuclei", ["mean", "cs_and_i"])
def test_only_what_is_measured_is_profiled(nuclei: str, model: Callable[..., Model]) -> None:
    """A domain for one row leaves the other at its fixed couplings."""
    used = model("paper", nuclei=nuclei)
    both = float(contact_chi2(used, {}, {"eps_ee_uV": (-1, 1), "eps_mumu_uV": (-1, 1)}))
    one = float(contact_chi2(used, {}, {"eps_ee_uV": (-1, 1)}))
    none = float(contact_chi2(used, {}, {}))
    assert both < one < none


def test_directions_are_named_after_what_moves(model: Callable[..., Model]) -> None:
    nuclides = model("paper").nuclides
    domain = {"eps_ee_uV": (-1.0, 1.0), "eps_ee_dV": (-1.0, 1.0), "eps_etau_dV_imag": (0.0, 0.5)}
    matter, imaginary = directions({"eps_ee_matter": np.array(1.5)}, domain, nuclides)
    assert matter.name == "eps_ee_matter"
    assert (float(matter.low), float(matter.high)) == (-0.5, 1.0)  # eps_d = 0.5 - eps_u stays in [-1, 1]
    assert matter.slope == {("ee", ""): {"mean": 184 - 206}}
    at_zero, tied = (
        fixed_amplitudes(nuclides[0], point, tree_couplings(0.25)) for point in ({}, {"eps_ee_matter": np.array(1.5)})
    )
    assert tied["ee", ""] - at_zero["ee", ""] == 206 * 0.5  # where eps_u is zero
    assert (imaginary.name, imaginary.low, imaginary.high) == ("eps_etau_dV_imag", 0.0, 0.5)
    assert imaginary.slope == {("etau", "_imag"): {"mean": 206}}


@pytest.mark.parametrize("end", [-1.0, 1.0])
def test_the_ends_of_the_reach_are_single_points(end: float, model: Callable[..., Model]) -> None:
    used = model("paper")
    domain = {f"eps_{pair}_{q}V": (-0.1, 0.1) for pair in ("ee", "mumu") for q in "ud"}  # 0.1 + 0.1 rounds
    found = float(contact_chi2(used, {"eps_ee_matter": 0.6 * end, "eps_mumu_matter": 0.6 * end}, domain))
    point = dict.fromkeys(domain, 0.1 * end)
    assert found == pytest.approx(slow_chi2(used, point), rel=1e-9)  # the end is a point up to rounding


def test_rounding_at_the_end_of_the_reach_does_not_turn_an_interval_round(model: Callable[..., Model]) -> None:
    domain = {"eps_ee_uV": (-1.0, 0.1), "eps_ee_dV": (-1.0, 0.2)}
    end = 3 * (0.1 + 0.2)  # a third of it less 0.2 is above 0.1
    assert end / 3 - 0.2 > 0.1
    (direction,) = directions({"eps_ee_matter": np.array(end)}, domain, model("paper").nuclides)
    assert direction.low == direction.high
