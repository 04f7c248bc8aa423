"""All contact couplings at once: fewer squares against all of them, and against what is known in closed form."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import differential_evolution

from cevnsi.arrays import FloatArray
from cevnsi.config.build import build_model
from cevnsi.domains import ALL_OTHERS, Answer, Domain, fixed_amplitudes, least_over_domain, slopes, spelled_out
from cevnsi.experiments.targets import TARGETS
from cevnsi.fast.contraction import contraction_of
from cevnsi.fast.poisson import derivatives_over_nuisances
from cevnsi.model import Model, farthest_charges
from cevnsi.parameters import CONTACT_PARAMETERS, combination
from cevnsi.physics.nuclei import Nuclide
from cevnsi.physics.weak_charge import ROWS, quark_numbers, tree_couplings
from cevnsi.scans.chi2 import chi2
from cevnsi.statistics.descent import descend
from cevnsi.statistics.thresholds import threshold
from cevnsi.studies.coherent.general_fit import PAIRS, axes_of, general_fit

FREE = (-np.inf, np.inf)
SIN2 = 0.23857
CSI, ARGON = TARGETS["cs_and_i"].nuclides, TARGETS["argon"].nuclides
NUCLIDES = (*CSI, *ARGON)
COUPLINGS = tree_couplings(SIN2)
FARTHEST = 30.0  # of the standard model's charges squared, far beyond what any of these wants
ENTERING = [name for name, made in CONTACT_PARAMETERS.items() if made.pair != "tautau"]


def others(*axes: str, ends: tuple[float, float] = FREE, of: str = "") -> Domain:
    return {name: ends for name in ENTERING if name not in axes and of in name}


def standard_charges(nuclides: tuple[Nuclide, ...]) -> FloatArray:
    at = [fixed_amplitudes(n, {}, COUPLINGS) for n in nuclides]
    return np.array([float(each[pairs[0], ""]) ** 2 for pairs in ROWS.values() for each in at])


def convex(nuclides: tuple[Nuclide, ...], seed: int, rows: int = 9) -> Callable[[FloatArray], Answer]:
    """Some chi2 with Gaussian errors, of counts that are linear in charges, which cannot all be had."""
    random = np.random.default_rng(seed)
    counts = random.uniform(0, 1, (rows, 2 * len(nuclides))) / standard_charges(nuclides)
    seen = random.uniform(0, 5, rows)

    def derivatives(charges: FloatArray) -> Answer:
        away = charges @ counts.T - seen
        second = np.broadcast_to(2 * counts.T @ counts, (len(charges), *[counts.shape[1]] * 2))
        return (away**2).sum(axis=1), 2 * away @ counts, second

    return derivatives


def few(derivatives: Any, nuclides: tuple[Nuclide, ...], parameters: Mapping[str, Any], domain: Domain) -> FloatArray:
    far = FARTHEST * standard_charges(nuclides)
    return least_over_domain(derivatives, nuclides, parameters, domain, COUPLINGS, farthest=far)


def ends_of_descents(
    derivatives: Any, nuclides: tuple[Nuclide, ...], parameters: Mapping[str, float], domain: Domain, starts: int
) -> FloatArray:
    """Where descents over every coupling by itself end, from random places."""
    fixed = [fixed_amplitudes(n, parameters, COUPLINGS) for n in nuclides]
    keys = list(fixed[0])
    base = np.array([[float(each[key]) for each in fixed] for key in keys])
    slope = np.zeros((len(domain), *base.shape))
    for j, name in enumerate(domain):
        for key, moved in slopes(name, nuclides).items():
            slope[j, keys.index(key)] += [moved[n.name] for n in nuclides]
    unit = 1 / np.abs(slope / np.sqrt(standard_charges(nuclides)[: len(nuclides)])).max(axis=(1, 2))
    slope *= unit[:, None, None]
    enters = np.array([[float(pair in pairs) for pair, _ in keys] for pairs in ROWS.values()])

    def at(place: FloatArray, which: NDArray[np.intp]) -> Answer:
        amplitude = base + np.einsum("nj,jki->nki", place, slope)
        value, by_charge, second = derivatives(np.einsum("rk,nki->nri", enters, amplitude**2).reshape(len(place), -1))
        jacobian = 2 * np.einsum("rk,nki,jki->nrij", enters, amplitude, slope).reshape(len(place), -1, len(domain))
        bent = 2 * np.einsum("rk,jki,lki->rijl", enters, slope, slope).reshape(-1, len(domain), len(domain))
        hessian = jacobian.swapaxes(1, 2) @ second @ jacobian + np.einsum("nc,cjl->njl", by_charge, bent)
        return value, np.einsum("nc,ncj->nj", by_charge, jacobian), hessian

    low, high = (np.array([ends[side] for ends in domain.values()]) / unit for side in (0, 1))
    random = np.random.default_rng(0)
    wide = random.normal(0, 1, (starts, len(domain))) * 10 ** random.uniform(0, 2.5, (starts, 1))
    low, high = np.maximum(low, -1e5), np.minimum(high, 1e5)
    return descend(at, np.clip(wide, low, high), np.tile(low, (starts, 1)), np.tile(high, (starts, 1)))[0]


PARTS = {
    "everything": others("eps_ee_uV"),
    "real parts": {name: FREE for name in others("eps_ee_uV") if not name.endswith("_imag")},
    "all but tau": {name: FREE for name in others("eps_ee_uV") if "tau" not in name},
    "diagonal": {name: FREE for name in others("eps_ee_uV") if "_ee_" in name or "mumu" in name},
    "one quark": others("eps_ee_uV", of="_dV"),
    "emu": others(of="_emu_"),
    "etau": others(of="_etau_"),
    "ee and emu": {**others("eps_ee_uV", of="_ee_"), **others(of="_emu_")},
    "mumu and mutau": {**others(of="_mumu_"), **others(of="_mutau_")},
    "a box besides": {**others("eps_ee_uV", ends=(-0.1, 0.1)), **others(of="_etau_"), **others(of="_mumu_")},
    "a box": others("eps_ee_uV", ends=(-0.05, 0.1)),
    "an even box": others("eps_ee_uV", ends=(-0.1, 0.1)),
}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("nuclides", [NUCLIDES, CSI, ARGON], ids=["three", "two", "one"])
def test_fewer_squares_have_the_same_minimum(part: str, nuclides: tuple[Nuclide, ...]) -> None:
    """As the lowest of descents over all couplings from many places, which none is below."""
    derivatives = convex(nuclides, seed=len(part))
    at = {"eps_ee_uV": -0.4, "eps_emu_dV": 0.0}
    parameters = {name: value for name, value in at.items() if name not in PARTS[part]}
    found = float(few(derivatives, nuclides, parameters, PARTS[part]))
    starts = (
        300 if part == "diagonal" else 20 if len(PARTS[part]) > 8 else 60
    )  # that has no other squares to go round by
    lowest = ends_of_descents(derivatives, nuclides, parameters, PARTS[part], starts).min()
    assert found == pytest.approx(lowest, rel=1e-8, abs=1e-8)  # both rest where a step gains 1e-13 of it


def test_a_common_phase_changes_nothing() -> None:
    """Of all off-diagonal couplings, of which parts are then mixed; and ee is as wide as etau about its middle."""
    derivatives, random = convex(NUCLIDES, seed=3), np.random.default_rng(1)
    up, turn = random.normal(0, 0.3, 2), np.exp(0.7j)
    for pair in ("emu", "etau"):
        at = [complex(up[0], up[1]), complex(up[1], -0.1)]
        values = []
        for phase in (1.0, turn):
            parts = {f"eps_{pair}_{q}V": (z * phase).real for q, z in zip("ud", at, strict=True)}
            parts |= {f"eps_{pair}_{q}V_imag": (z * phase).imag for q, z in zip("ud", at, strict=True)}
            values.append(float(few(derivatives, NUCLIDES, parts, others(*parts))))
        assert values[0] == pytest.approx(values[1], rel=1e-9)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_is_wider_costs_more(seed: int) -> None:
    """Chi2 is even about where the standard model's part is cancelled, never falls, and is etau's from there."""
    derivatives = convex(NUCLIDES, seed)
    middle = -(2 * COUPLINGS.proton["e"] - COUPLINGS.neutron) / 3
    x = np.array([0.0, 0.5, 1.0, 3.0, 9.0])
    right, left = (
        few(derivatives, NUCLIDES, {"eps_ee_uV": middle + sign * x}, others("eps_ee_uV")) for sign in (1, -1)
    )
    np.testing.assert_allclose(right, left, rtol=1e-8)
    np.testing.assert_allclose(
        right, few(derivatives, NUCLIDES, {"eps_etau_uV_imag": x}, others("eps_etau_uV_imag")), rtol=1e-8
    )
    assert (np.diff(right) >= -1e-8 * right[1:]).all()


def test_emu_alone_is_its_charges_on_a_grid() -> None:
    """Of one nucleus emu adds one number to both charges."""
    derivatives = convex(ARGON, seed=5)
    start, domain = standard_charges(ARGON), others(of="_emu_")
    grid = np.linspace(0, 10 * start.max(), 200_001)
    found = float(few(derivatives, ARGON, {}, domain))
    assert found == pytest.approx(derivatives(start + grid[:, None])[0].min(), rel=1e-6)  # half a step of the grid


def test_what_is_not_in_the_domain_is_zero(model: Callable[..., Model]) -> None:
    """And all others in no room are the scan without a domain."""
    used = model("release", nuclei="cs_and_i")
    at = {"eps_ee_uV": np.linspace(-0.4, 0.5, 5)}
    narrow = spelled_out({ALL_OTHERS: (-1e-9, 1e-9)}, at)
    np.testing.assert_allclose(chi2(used, "contact", at, narrow), chi2(used, "contact", at, {}), rtol=1e-6)


def test_of_one_nucleus_a_range_is_that_of_its_charge(model: Callable[..., Model]) -> None:
    """The number that it tells of ends where the least of all charges squared that are no less is the threshold up."""
    used = model("paper")
    (nuclide,) = used.nuclides
    levels = {(0.9, 1): threshold(0.9, 1)}
    rows = {row[0]: row for row in general_fit(used, levels, 100.0)}
    assert {name for name, row in rows.items() if row[-1] == "no"} == {f"eps_{pair}_along" for pair in PAIRS}
    *_, lower, upper, _, _, _ = rows["eps_ee_along"]
    numbers = quark_numbers(nuclide)
    amplitude = (upper - lower) / 2 * np.hypot(numbers["u"], numbers["d"])
    charges = np.linspace(0, 8 * float(standard_charges((nuclide,))[0]), 1001)
    pairs = np.stack(np.meshgrid(charges, charges, indexing="ij"), axis=-1).reshape(-1, 2)
    value = np.asarray(contraction_of(used, "contact", {}).chi2(list(pairs.T))).reshape(charges.size, -1).min(axis=1)
    beyond = np.minimum.accumulate(value[::-1])[::-1]
    assert float(np.interp(amplitude**2, charges, beyond)) - value.min() == pytest.approx(threshold(0.9, 1), abs=2e-3)


def test_all_others_are_what_nothing_names() -> None:
    tied = {"both": combination("both", {"eps_ee_uV": 1.0, "eps_ee_dV": 1.0})}
    found = spelled_out({ALL_OTHERS: FREE, "eps_emu_uV": (-1.0, 1.0)}, ["both", "eps_mumu_dV"], tied)
    assert set(found) == {name for name in ENTERING if "_ee_" not in name and name != "eps_mumu_dV"}
    assert found["eps_emu_uV"] == (-1.0, 1.0)


@pytest.mark.parametrize("point", [(-0.6, 0.4), (0.9, -0.2), (3.0, 2.0)])
@pytest.mark.slow
def test_differential_evolution_finds_nothing_lower(point: tuple[float, float], model: Callable[..., Model]) -> None:
    """Over all other couplings, as far along what moves amplitudes little as Cs and I, which hardly differ, ask for."""
    used = model("release", nuclei="cs_and_i")
    at = dict(zip(("eps_ee_uV", "eps_mumu_dV"), point, strict=True))
    found = float(chi2(used, "contact", at, others(*at)))
    (_, (up, down)), pairs = axes_of(used.nuclides), ("etau", "mutau")
    low, high = np.array([[-4.0, -4.0, -0.3, -300.0, -0.3, -300.0], [4.0, 4.0, 0.3, 300.0, 0.3, 300.0]])

    def value(place: FloatArray, /) -> Any:
        values: dict[str, Any] = {**at, "eps_ee_dV": place[0], "eps_mumu_uV": place[1]}
        for pair, along, across in zip(pairs, place[2::2], place[3::2], strict=True):
            values[f"eps_{pair}_uV"], values[f"eps_{pair}_dV"] = along * -down + across * up, along * up + across * down
        return chi2(used, "contact", values, {})

    ends: Any = list(zip(low, high, strict=True))
    fit = differential_evolution(
        value, ends, vectorized=True, updating="deferred", maxiter=2000, popsize=40, rng=1, tol=1e-9
    )
    assert found <= fit.fun + 1e-9
    assert found == pytest.approx(fit.fun, abs=1e-3)  # what evolution leaves of the way


@pytest.mark.slow
def test_rows_of_poisson_counts_are_even_and_the_plain_way(config: dict[str, Any]) -> None:
    """Of shapes that move: nuisances that start from those of the step before, and all anew at every step."""
    used = build_model(config, "csi_2021")
    x, domain = np.linspace(-100, 100, 5), others("eps_etau_dV_imag")
    found = chi2(used, "contact", {"eps_etau_dV_imag": x[None]}, domain)[0]
    plain = least_over_domain(
        partial(derivatives_over_nuisances, used, "contact"),
        used.nuclides,
        {"eps_etau_dV_imag": x},
        domain,
        used.couplings_at({}),
        farthest=farthest_charges(used),
    )
    np.testing.assert_allclose(found, plain, rtol=1e-10)
    np.testing.assert_allclose(found, found[::-1], rtol=1e-10)
    assert (np.diff(found[2:]) >= 0).all()
    assert np.ptp(found) > 1
