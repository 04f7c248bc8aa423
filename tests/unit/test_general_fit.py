"""All contact couplings at once: fewer squares against all of them, and against what is known in closed form."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cevnsi.arrays import FloatArray
from cevnsi.domains import Answer, Domain, fixed_amplitudes, least_over_domain, slopes
from cevnsi.experiments.targets import TARGETS
from cevnsi.parameters import CONTACT_PARAMETERS
from cevnsi.physics.nuclei import Nuclide
from cevnsi.physics.weak_charge import ROWS, tree_couplings
from cevnsi.statistics.descent import descend

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
    wide = np.random.default_rng(0).normal(0, 3, (starts, len(domain)))
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
