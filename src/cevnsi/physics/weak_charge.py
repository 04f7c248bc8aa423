"""The weak charge of a nucleus (Eqs. 4, 10): what couplings epsilon(Q^2) add to each of its amplitudes.

One seam covers both sections of the paper: an interaction is a mapping from (quark, pair) to epsilon, each entry a
number or an array that broadcasts with the others. Eq. 6 is Eq. 10 with the same epsilon on the diagonal for both
quarks. A missing entry is zero.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType

import numpy as np

from cevnsi.arrays import FloatArray, Number, Real
from cevnsi.constants import SIN2_THETA_W
from cevnsi.parameters import CONTACT_PARAMETERS, FLAVORS_OF_PAIR, OFF_DIAGONAL, QUARKS
from cevnsi.physics.nuclei import Nuclide

Epsilon = Mapping[tuple[str, str], Number]

ROWS: dict[str, tuple[str, ...]] = {"e": ("ee", "emu", "etau"), "mu": ("mumu", "emu", "mutau")}
ROW_OF_FLAVOR = {"nu_e": "e", "nu_mu": "mu", "nu_mu_bar": "mu"}
# Whose standard-model charge goes with a pair. There is no row of tau, as the source makes none: it enters no rate.
ROW_OF_PAIR = {pair: "e" if "e" in flavors else "mu" for pair, flavors in FLAVORS_OF_PAIR.items()}


@dataclass(frozen=True, kw_only=True)
class NucleonCouplings:
    """Vector couplings of nucleons to the Z: numbers, or arrays that broadcast with what else moves a charge."""

    proton: Mapping[str, Real]  # g_p^V by row, as neutrinos' charge radii depend on the flavor
    neutron: Real  # g_n^V

    @property
    def flavor_blind(self) -> bool:
        """Whether neutrinos of every row see the same charge."""
        first, *others = self.proton.values()
        return all(np.array_equal(first, other) for other in others)


def proton_coupling(sin2_theta_w: Real) -> Real:
    """g_p^V = 1/2 - 2 sin^2 theta_W (below Eq. 4), of any shape."""
    return 0.5 - 2 * sin2_theta_w


NEUTRON_COUPLING = -0.5  # g_n^V, below Eq. 4


def tree_couplings(sin2_theta_w: Real) -> NucleonCouplings:
    """Those below Eq. 4, the same for every flavor; the protons' in the shape of sin2_theta_w."""
    return NucleonCouplings(proton=dict.fromkeys(ROWS, proton_coupling(sin2_theta_w)), neutron=NEUTRON_COUPLING)


def moved_couplings(quoted: NucleonCouplings, sin2_theta_w: Real) -> NucleonCouplings:
    """Couplings quoted at the SM's sin2_theta_w, at another of any shape."""
    # ASSUME: away from the SM's value the proton's coupling moves as at tree level, by -2 for each unit
    shift = 2 * (sin2_theta_w - SIN2_THETA_W)
    return replace(quoted, proton={row: coupling - shift for row, coupling in quoted.proton.items()})


COUPLINGS: dict[str, Callable[[Real], NucleonCouplings]] = {  # of sin2_theta_w
    "tree": tree_couplings,
    "radiative": partial(
        moved_couplings,
        NucleonCouplings(proton={"e": 0.0401, "mu": 0.0318}, neutron=-0.5094),  # arXiv:2008.05022
    ),
    "flavor_blind": partial(
        moved_couplings,
        NucleonCouplings(proton=dict.fromkeys(ROWS, 0.0305), neutron=-0.5122),  # PDG 2015
    ),
}

# Keys of their papers, of cevnsi.references.
REFERENCES: dict[str, tuple[str, ...]] = {
    "tree": ("liao_marfatia_2017",),
    "radiative": ("cadeddu_2021_mediators",),
    "flavor_blind": ("pdg_2015",),
}


def nucleon_couplings(
    choice: str | NucleonCouplings, sin2_theta_w: Real, given: Mapping[str, Real] = MappingProxyType({})
) -> NucleonCouplings:
    """Those of a name in `COUPLINGS`, or given at the SM's sin2_theta_w; ValueError if the name is unknown.

    `given` are parameters of the standard model by name, of any shape: another sin2_theta_w, g_p of every row, g_n.
    """
    if isinstance(choice, str) and choice not in COUPLINGS:
        raise ValueError(f"couplings {choice!r}; expected one of {', '.join(COUPLINGS)}")
    at = COUPLINGS[choice] if isinstance(choice, str) else partial(moved_couplings, choice)
    found = at(given.get("sin2_theta_w", sin2_theta_w))
    proton = dict.fromkeys(ROWS, given["g_p"]) if "g_p" in given else found.proton
    return NucleonCouplings(proton=proton, neutron=given.get("g_n", found.neutron))


def standard_model_charge(nuclide: Nuclide, couplings: NucleonCouplings, row: str = "e") -> Real:
    """SM weak charge Z g_p + N g_n that neutrinos of a row see (Eq. 4, unsquared); any if all see the same.

    The shape is what the couplings broadcast to.
    """
    return nuclide.protons * couplings.proton[row] + nuclide.neutrons * couplings.neutron


def nucleons_apart(nuclide: Nuclide) -> tuple[Nuclide, Nuclide]:
    """The protons alone and the neutrons alone, which have charges of their own."""
    return replace(nuclide, neutrons=0), replace(nuclide, protons=0)


def quark_numbers(nuclide: Nuclide) -> dict[str, int]:
    """Valence u and d quarks, 2 Z + N and Z + 2 N, that weigh epsilon^uV and epsilon^dV in Eq. 10."""
    z, n = nuclide.protons, nuclide.neutrons
    return {"u": 2 * z + n, "d": z + 2 * n}


def charge_amplitude(nuclide: Nuclide, pair: str, epsilon: Epsilon, couplings: NucleonCouplings) -> Number:
    """One bracket of Eq. 10: the SM charge (diagonal pairs only) plus the quark numbers times epsilon.

    The shape is what epsilon and the couplings broadcast to.
    """
    diagonal = pair not in OFF_DIAGONAL
    amplitude: Number = standard_model_charge(nuclide, couplings, ROW_OF_PAIR[pair]) if diagonal else 0.0
    for quark, number in quark_numbers(nuclide).items():
        if (quark, pair) in epsilon:
            amplitude = amplitude + number * epsilon[quark, pair]
    return amplitude


def parts(number: Number) -> tuple[FloatArray, FloatArray]:
    """Real and imaginary part, of any shape."""
    both = np.asarray(number)
    return both.real, both.imag


def squared_modulus(amplitude: Number) -> Real:
    """Of an amplitude of any shape."""
    real, imaginary = parts(amplitude)
    return real * real + imaginary * imaginary if np.iscomplexobj(amplitude) else real * real


def weak_charge_squared(nuclide: Nuclide, row: str, epsilon: Epsilon, couplings: NucleonCouplings) -> Real:
    """Q_alpha^2 of Eq. 10 for a neutrino of row "e" or "mu"; the shape is what the entries broadcast to.

    An antineutrino has the same charge: it sees the complex conjugate couplings.
    """
    total: Real = 0.0
    for pair in ROWS[row]:
        if pair not in OFF_DIAGONAL or any((quark, pair) in epsilon for quark in QUARKS):
            total = total + squared_modulus(charge_amplitude(nuclide, pair, epsilon, couplings))
    return total


def contact(parameters: Mapping[str, Number]) -> dict[tuple[str, str], Number]:
    """Epsilon of named contact parameters, `eps_<pair>_<quark>V`, off-diagonal ones complex if given so (Eq. 9).

    Each in the shape of its value. ValueError if a name is none of these, or a diagonal one is complex.

    >>> contact({"eps_ee_uV": 0.1, "eps_etau_dV": 0.2, "eps_etau_dV_imag": 0.3})
    {('u', 'ee'): 0.1, ('d', 'etau'): (0.2+0.3j)}
    """
    epsilon: dict[tuple[str, str], Number] = {}
    for name, value in parameters.items():
        if name not in CONTACT_PARAMETERS:
            raise ValueError(f"unknown contact parameter {name!r}; expected one of {', '.join(CONTACT_PARAMETERS)}")
        coupling = CONTACT_PARAMETERS[name]
        if coupling.pair not in OFF_DIAGONAL and np.iscomplexobj(value):
            raise ValueError(f"{name} = {value} is complex; a diagonal coupling is real (the Lagrangian is Hermitian)")
        key = (coupling.quark, coupling.pair)
        epsilon[key] = epsilon.get(key, 0.0) + (1j * value if coupling.imaginary else value)
    return epsilon


def charge_along(
    nuclide: Nuclide, row: str, parameters: Mapping[str, Real], name: str, couplings: NucleonCouplings
) -> tuple[Real, Real, Real]:
    """Coefficients of 1, t and t^2 in Q_alpha^2 (Eq. 10) where contact parameter `name` is parameters[name] + t.

    One amplitude moves, by its quark number times t, so the square is quadratic: there are no further terms. Each is a
    number, or of the shape that parameters and couplings broadcast to; ValueError as that of `contact`.
    """
    epsilon, moving = contact(parameters), CONTACT_PARAMETERS[name]
    at_zero = weak_charge_squared(nuclide, row, epsilon, couplings)
    if moving.pair not in ROWS[row]:
        return at_zero, 0.0, 0.0
    number = quark_numbers(nuclide)[moving.quark]
    amplitude = charge_amplitude(nuclide, moving.pair, epsilon, couplings)
    part = parts(amplitude)[int(moving.imaginary)]
    return at_zero, 2 * number * part, float(number**2)


def matter_parameter(epsilon_u: Real, epsilon_d: Real) -> Real:
    """Effective parameter for propagation in the Earth, 3 (eps^uV + eps^dV) (Eq. 11), which broadcast."""
    return 3 * (epsilon_u + epsilon_d)
