"""Linear combinations of contact couplings: what they are, and chi2 at and over them."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import pytest
from matplotlib.mathtext import MathTextParser

from cevnsi.domains import directions, least_over_domain, turning_points
from cevnsi.experiments.targets import MEAN_OF_CSI, TARGETS
from cevnsi.fast.coupling_domain import handles
from cevnsi.model import Model, charge_derivatives, chi2_at
from cevnsi.parameters import Axis, Combination, combination, expanded
from cevnsi.physics.weak_charge import standard_model_charge, tree_couplings
from cevnsi.scans.chi2 import chi2, least_chi2
from minima import least

Domain = dict[str, tuple[float, float]]
Parts = dict[str, dict[str, float]]

NUCLEI = ("mean", "cs_and_i")
BOTH = {"eps_ee_uV": 1.0, "eps_ee_dV": 1.0}
ANGLE = {"eps_ee_uV": 0.6, "eps_ee_dV": 0.8}
FLAVORS = {"eps_ee_dV": 1.0, "eps_mumu_dV": 1.0}


def made(parts: Mapping[str, Mapping[str, float]]) -> dict[str, Combination]:
    return {name: combination(name, of) for name, of in parts.items()}


def test_a_combination_is_written_by_its_name() -> None:
    found = combination("ee_u_and_d", BOTH)
    assert (found.name, found.html, found.spoken) == ("ee_u_and_d",) * 3
    assert found.zero_is_standard_model
    assert found.usual == (-1.0, 1.0)
    assert found.tex == r"\mathrm{ee\_u\_and\_d}"
    MathTextParser("path").parse(found.label)


@pytest.mark.parametrize(
    ("name", "of", "said"),
    [
        ("ee both", BOTH, "'ee both': expected a name of letters"),
        ("1st", BOTH, "expected a name of letters"),
        ("eps_ee_dV", BOTH, "eps_ee_dV: is the name of a parameter"),
        ("eps_ee_matter", BOTH, "eps_ee_matter: is the name of a parameter"),
        ("none", {}, "none: is of nothing"),
        ("mass", {"coupling": 1.0}, "mass: 'coupling' is no contact parameter; expected one of eps_ee_dV"),
        ("sum", {"eps_ee_matter": 1.0}, "'eps_ee_matter' is no contact parameter"),
        ("still", {"eps_ee_dV": 0.0}, "still: eps_ee_dV times 0; expected a finite number"),
        ("wild", {"eps_ee_dV": np.inf}, "wild: eps_ee_dV times inf; expected a finite number"),
    ],
)
def test_what_is_no_combination_is_refused(name: str, of: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        combination(name, of)


def test_parts_broadcast_and_add_up() -> None:
    x, y = np.linspace(-1, 1, 3)[:, None], np.linspace(0, 1, 4)
    found = expanded(
        {"both": x, "eps_ee_dV": y, "angle": 2.0, "eps_mumu_dV": 0.3}, made({"both": BOTH, "angle": ANGLE})
    )
    assert set(found) == {"eps_ee_uV", "eps_ee_dV", "eps_mumu_dV"}
    np.testing.assert_allclose(found["eps_ee_uV"], x + 1.2, rtol=1e-15)
    np.testing.assert_allclose(found["eps_ee_dV"], x + y + 1.6, rtol=1e-15)
    assert found["eps_mumu_dV"] == 0.3


@pytest.mark.parametrize("nuclei", NUCLEI)
@pytest.mark.parametrize("name", ["eps_ee_dV", "eps_emu_uV", "eps_mutau_dV_imag"])
def test_a_combination_of_one_coupling_is_that_coupling(name: str, nuclei: str, model: Callable[..., Model]) -> None:
    """As an axis, fixed, and minimised over, to the last digit."""
    used, alone = model("paper", nuclei=nuclei), made({"alone": {name: 1.0}})
    domain: Domain = {"eps_mumu_uV": (-0.2, 0.3), "eps_ee_uV": (0.1, 0.2)}
    for value in (0.2, np.linspace(-0.5, 0.5, 5)):
        for within in ({}, domain):
            expected = chi2(used, "contact", {name: value}, within)
            np.testing.assert_array_equal(chi2(used, "contact", {"alone": value}, within, alone), expected)
    expected = chi2(used, "contact", {"eps_etau_dV": 0.1}, {**domain, name: (-0.1, 0.4)})
    found = chi2(used, "contact", {"eps_etau_dV": 0.1}, {**domain, "alone": (-0.1, 0.4)}, alone)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("nuclei", NUCLEI)
@pytest.mark.parametrize("domain", [{}, {"eps_mumu_uV": (-0.2, 0.3), "eps_emu_dV_imag": (0.1, 0.2)}], ids=["", "in"])
@pytest.mark.parametrize("of", [BOTH, ANGLE, FLAVORS, {"eps_ee_uV": 1.0, "eps_etau_dV_imag": -2.0}], ids="+".join)
def test_an_axis_sets_all_of_its_couplings(
    of: dict[str, float], domain: Domain, nuclei: str, model: Callable[..., Model]
) -> None:
    used, value, fixed = model("release", nuclei=nuclei), np.linspace(-0.6, 0.8, 7), {"eps_mutau_uV": 0.1}
    expected = chi2(used, "contact", {**fixed, **{name: unit * value for name, unit in of.items()}}, domain)
    found = chi2(used, "contact", {**fixed, "moved": value}, domain, made({"moved": of}))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_an_axis_adds_to_what_is_given_by_itself(model: Callable[..., Model]) -> None:
    used, both = model("paper"), made({"both": BOTH})
    domain = {"eps_mumu_uV": (-0.2, 0.3)}
    for within in ({}, domain):
        expected = chi2(used, "contact", {"eps_ee_uV": 0.3, "eps_ee_dV": 0.1}, within)
        found = chi2(used, "contact", {"both": 0.1, "eps_ee_uV": 0.2}, within, both)
        assert found == pytest.approx(expected, rel=1e-12)
    moved = chi2(used, "contact", {"both": 0.1}, {"eps_ee_uV": (-0.2, 0.3)}, both)
    shifted = chi2(used, "contact", {"eps_ee_dV": 0.1}, {"eps_ee_uV": (-0.1, 0.4)})
    assert moved == pytest.approx(shifted, rel=1e-9)


def test_axes_are_minimised_over(model: Callable[..., Model]) -> None:
    used, parts = model("paper"), made({"flavors": FLAVORS, "both": BOTH})
    axis = Axis(name="flavors", minimum=-0.1, maximum=0.3, points=2)
    point = {"both": np.linspace(-0.2, 0.2, 3)}
    found = least_chi2(used, "contact", point, {}, [axis], parts)
    np.testing.assert_array_equal(found, chi2(used, "contact", point, {"flavors": (-0.1, 0.3)}, parts))
    fine = chi2(used, "contact", {"flavors": np.linspace(-0.1, 0.3, 4001), "both": point["both"][:, None]}, {}, parts)
    assert (found <= fine.min(axis=1) + 1e-9).all()
    np.testing.assert_allclose(found, fine.min(axis=1), atol=1e-4)  # what a step of 1e-4 can miss


PROBLEMS: dict[str, tuple[Parts, dict[str, float], Domain]] = {
    "u and d": ({"a": BOTH}, {"eps_mumu_dV": 0.1}, {"a": (-0.3, 0.4)}),
    "at an angle, and with one alone": (
        {"a": ANGLE},
        {"eps_mumu_dV": 0.1},
        {"a": (0.1, 0.9), "eps_ee_dV": (-0.7, -0.2)},
    ),
    "flavors": ({"a": FLAVORS}, {"eps_mumu_uV": 0.25}, {"a": (-0.6, 0.8)}),
    "flavors that are apart": ({"a": FLAVORS}, {"eps_mumu_uV": 0.7, "eps_ee_uV": -0.4}, {"a": (-2.0, 2.0)}),
    "flavors against one another": (
        {"a": {"eps_ee_uV": 1.0, "eps_mumu_uV": -1.0}, "b": FLAVORS},
        {"eps_etau_dV": 0.05},
        {"a": (-0.8, 0.9), "b": (-0.7, -0.1)},
    ),
    "real and imaginary": (
        {"phase": {"eps_emu_dV": 0.8, "eps_emu_dV_imag": 0.6}, "other": {"eps_etau_uV": 1.0, "eps_mumu_uV": 0.5}},
        {"eps_emu_uV_imag": -0.2, "eps_ee_dV": 0.1},
        {"phase": (-0.3, 0.5), "other": (0.02, 0.6), "eps_mumu_dV": (-0.1, 0.3)},
    ),
    "beside a sum that is fixed": (
        {"a": {"eps_ee_dV": 1.0, "eps_etau_uV": 2.0}},
        {"eps_mumu_matter": 0.9},
        {"a": (0.05, 0.5), "eps_mumu_uV": (-1.0, 1.0), "eps_mumu_dV": (-0.4, 1.0)},
    ),
    "one fixed, one minimised over": (
        {"a": BOTH, "b": {"eps_ee_dV": 1.0, "eps_emu_uV": 1.0}},
        {"a": 0.21},
        {"b": (-0.5, 0.4), "eps_mumu_uV": (0.0, 0.02)},
    ),
    "wide": ({"a": FLAVORS, "b": ANGLE}, {"eps_mumu_uV": 0.3}, {"a": (-10.0, 8.0), "b": (-9.0, 10.0)}),
    "a corner far out": (  # where the rate is so large that only the ratio of the charges counts
        {
            "a": {
                "eps_mutau_dV_imag": 1.0,
                "eps_etau_uV_imag": -1.0,
                "eps_etau_dV": 1.0,
                "eps_emu_uV_imag": 1.0,
            }
        },
        {"eps_ee_dV": -0.334, "eps_mumu_uV": 0.209, "eps_etau_dV": 0.324},
        {"a": (-1.85, 9.6), "eps_etau_uV": (6.86, 11.8)},
    ),
    "a corner of four": (
        {
            "a": {"eps_emu_dV": 0.252, "eps_ee_uV": 1.0, "eps_etau_uV": 0.3175},
            "b": {"eps_emu_dV_imag": 1.0, "eps_ee_uV": 0.858, "eps_emu_dV": 1.0, "eps_emu_uV": 0.398},
        },
        {"eps_emu_uV_imag": -0.3127},
        {"a": (3.374, 8.113), "b": (2.289, 9.089), "eps_emu_dV_imag": (-5.769, 3.202), "eps_etau_dV": (1.003, 8.045)},
    ),
    "narrow": ({"a": FLAVORS}, {"eps_mumu_uV": 0.3}, {"a": (-0.31, -0.31 + 1e-7), "eps_ee_uV": (0.0, 1e-9)}),
}


@pytest.mark.parametrize("nuclei", NUCLEI)
@pytest.mark.parametrize("problem", PROBLEMS)
def test_minima_are_those_of_many_local_minimisers(problem: str, nuclei: str, model: Callable[..., Model]) -> None:
    used, (parts, parameters, domain) = model("release", nuclei=nuclei), PROBLEMS[problem]
    found = float(chi2(used, "contact", parameters, domain, made(parts)))
    expected = least(used, parameters, domain, 4, combinations=parts)
    assert found == pytest.approx(expected, abs=1e-6)


def random_problem(seed: int) -> tuple[Parts, dict[str, float], Domain]:
    """One to three combinations of two to four couplings, some of them and up to three couplings in a domain."""
    rng = np.random.default_rng(seed)
    seen = [f"eps_{pair}_{q}V" for pair in ("ee", "mumu", "emu", "etau", "mutau") for q in "ud"]
    seen += [f"{name}_imag" for name in seen[4:]]
    parts = {
        f"c{i}": {str(name): float(rng.uniform(-1, 1)) for name in rng.choice(seen, rng.integers(2, 5), replace=False)}
        for i in range(rng.integers(1, 4))
    }
    names = [*list(parts)[: rng.integers(1, len(parts) + 1)], *rng.choice(seen, rng.integers(0, 4), replace=False)]
    size = rng.choice([0.5, 1.2, 10.0])
    ends = np.sort(rng.uniform(-size, 1.2 * size, (len(names), 2)), axis=1)
    domain = {str(name): (float(low), float(high) + 0.02) for name, (low, high) in zip(names, ends, strict=True)}
    fixed = [name for name in [*seen, *parts] if name not in domain and rng.random() < 0.3]
    return parts, {name: float(rng.uniform(-0.4, 0.4)) for name in fixed}, domain


@pytest.mark.slow
@pytest.mark.parametrize("nuclei", NUCLEI)
@pytest.mark.parametrize("seed", range(30))
def test_random_problems_against_many_local_minimisers(seed: int, nuclei: str, model: Callable[..., Model]) -> None:
    used, (parts, parameters, domain) = model("release", nuclei=nuclei), random_problem(seed)
    found = float(chi2(used, "contact", parameters, domain, made(parts)))
    assert found == pytest.approx(least(used, parameters, domain, seed, combinations=parts), abs=1e-6)


@pytest.mark.parametrize("of", [BOTH, ANGLE, {"eps_ee_uV": 1.0, "eps_ee_dV": -1.0}], ids=str)
def test_the_fast_way_of_one_amplitude_is_the_plain_one(of: dict[str, float], model: Callable[..., Model]) -> None:
    used, parts = model("paper"), made({"a": of})
    domain: Domain = {"a": (-0.4, 0.7), "eps_ee_dV": (-0.1, 0.1), "eps_emu_dV": (0.05, 0.2)}
    assert handles(used.nuclides, domain, parts)
    point = {"eps_mumu_uV": np.linspace(-0.3, 0.3, 5)}
    plain = least_over_domain(
        partial(charge_derivatives, used), used.nuclides, point, domain, used.couplings_at({}), parts
    )
    np.testing.assert_allclose(chi2(used, "contact", point, domain, parts), plain, rtol=1e-9)


def test_the_fast_way_knows_what_it_can() -> None:
    mean, two = TARGETS["mean"].nuclides, TARGETS["cs_and_i"].nuclides
    parts = made({"both": BOTH, "flavors": FLAVORS, "phase": {"eps_emu_dV": 0.8, "eps_emu_dV_imag": 0.6}})
    everything: Domain = {"eps_ee_dV": (-1.0, 1.0), "both": (0.0, 1.0)}
    assert handles(mean, {}, parts)
    assert handles(mean, everything, parts)
    assert not handles(two, everything, parts)
    assert not handles(mean, {**everything, "flavors": (0.0, 1.0)}, parts)
    assert not handles(mean, {"phase": (0.0, 1.0)}, parts)


@pytest.mark.parametrize("angle", [0.0, 0.3, 1.2, 2.5])
@pytest.mark.parametrize("nuclei", NUCLEI)
def test_a_rotated_box_covers_what_lies_in_its_circle(nuclei: str, angle: float, model: Callable[..., Model]) -> None:
    """Each box lies in the next: the couplings' own, one rotated, the couplings' own again."""
    used, (c, s) = model("release", nuclei=nuclei), (np.cos(angle), np.sin(angle))
    along = {"eps_ee_uV": c, "eps_ee_dV": s} if s else {"eps_ee_uV": 1.0}
    across = {"eps_ee_uV": -s, "eps_ee_dV": c} if s else {"eps_ee_dV": 1.0}
    parts, fixed = made({"along": along, "across": across}), {"eps_mumu_uV": -0.3}

    def own(end: float) -> float:
        return float(chi2(used, "contact", fixed, dict.fromkeys(["eps_ee_uV", "eps_ee_dV"], (-end, end))))

    def rotated(end: float) -> float:
        return float(chi2(used, "contact", fixed, dict.fromkeys(parts, (-end, end)), parts))

    found = [own(0.02), rotated(0.03), own(0.05), rotated(0.08), own(0.15)]
    assert np.diff(found).max() < -1e-6
    if nuclei == "mean":  # the best charge is inside: any box that holds it has the same minimum
        assert rotated(1.0) == pytest.approx(own(1.0), abs=1e-9)


def test_a_sum_that_is_fixed_is_not_moved_as_well(model: Callable[..., Model]) -> None:
    used, parts = model("paper"), made({"both": BOTH})
    quarks: Domain = {"eps_ee_uV": (-1.0, 1.0), "eps_ee_dV": (-1.0, 1.0)}
    for parameters, domain in (
        ({"eps_ee_matter": 0.1, "both": 0.1}, quarks),
        ({"eps_ee_matter": 0.1}, {**quarks, "both": (0.0, 0.1)}),
        ({"both": 0.1}, {**quarks, "eps_ee_matter": (0.0, 0.1)}),
    ):
        with pytest.raises(ValueError, match="both moves couplings whose sum eps_ee_matter is"):
            directions(parameters, domain, used.nuclides, parts)
    assert len(directions({"eps_ee_matter": 0.1}, quarks, used.nuclides, parts)) == 1  # known, and not used


def test_chi2_may_turn_where_any_amplitude_vanishes() -> None:
    """Of u and d at an angle one amplitude moves, of flavors two, and of what cancels none."""
    couplings = tree_couplings(0.2385)
    charge = float(standard_model_charge(MEAN_OF_CSI, couplings))
    parts = made({"angle": ANGLE, "flavors": FLAVORS, "none": {"eps_ee_uV": 206.0, "eps_ee_dV": -184.0}})

    def points(name: str, domain: Domain) -> tuple[list[float], float]:
        return turning_points(name, domain, (MEAN_OF_CSI,), couplings, parts)

    number = 0.6 * 184 + 0.8 * 206
    assert points("angle", {})[0] == pytest.approx([-charge / number] * 2)
    assert points("angle", {})[1] == pytest.approx(-charge / number)
    found, scale = points("flavors", {"eps_mumu_uV": (-0.1, 0.2), "angle": (0.3, 0.3), "eps_emu_dV": (-1.0, 1.0)})
    assert scale == pytest.approx(-charge / 206)
    ee, mumu = [-(charge + 0.3 * number) / 206] * 2, [-(charge + 184 * end) / 206 for end in (-0.1, 0.2)]
    assert found == pytest.approx([*ee, *mumu])
    assert points("none", {}) == ([], np.inf)
    assert points("eps_ee_dV", {"flavors": (0.1, 0.2)})[0] == pytest.approx(
        [-(charge + 206 * end) / 206 for end in (0.1, 0.2)]
    )


def test_any_chi2_knows_what_is_expanded(model: Callable[..., Model]) -> None:
    used, point = model("release", nuclei="cs_and_i"), {"a": np.linspace(-0.2, 0.2, 3)}
    plain: Any = chi2_at(used, "contact", expanded(point, made({"a": FLAVORS})))
    np.testing.assert_allclose(chi2(used, "contact", point, {}, made({"a": FLAVORS})), plain, rtol=1e-10)
