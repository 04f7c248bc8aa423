"""Neutrino interactions as couplings epsilon(Q^2), and the weak charge that they make (Eqs. 4, 6, 10, 11).

One seam covers both sections of the paper: an interaction is a mapping from (quark, pair) to epsilon, each entry a
number or an array that broadcasts with the others. Eq. 6 is Eq. 10 with the same epsilon on the diagonal for both
quarks. A missing entry is zero.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cevnsi.constants import G_FERMI
from cevnsi.nuclei import Nuclide

FloatArray = NDArray[np.float64]
Epsilon = Mapping[tuple[str, str], Any]

QUARKS = ("u", "d")
PAIRS = ("ee", "mumu", "tautau", "emu", "etau", "mutau")
OFF_DIAGONAL = ("emu", "etau", "mutau")
ROWS: dict[str, tuple[str, ...]] = {"e": ("ee", "emu", "etau"), "mu": ("mumu", "emu", "mutau")}
ROW_OF_FLAVOR = {"nu_e": "e", "nu_mu": "mu", "nu_mu_bar": "mu"}

MATTER_PARAMETERS = tuple(f"eps_{pair}_matter" for pair in PAIRS)
CONTACT_PARAMETERS = tuple(
    f"eps_{pair}_{quark}V{part}"
    for pair in PAIRS
    for quark in ("d", "u")  # the order of a scan's axes: eps_dV is the paper's abscissa
    for part in (("", "_imag") if pair in OFF_DIAGONAL else ("",))
)
LIGHT_MEDIATOR_PARAMETERS = ("mediator_mass_mev", "coupling")

# What a scan may name as an axis, by interaction.
INTERACTIONS: dict[str, tuple[str, ...]] = {
    "contact": CONTACT_PARAMETERS + MATTER_PARAMETERS,
    "light_mediator": LIGHT_MEDIATOR_PARAMETERS,
}


def proton_coupling(sin2_theta_w: float) -> float:
    """g_p^V = 1/2 - 2 sin^2 theta_W (below Eq. 4)."""
    return 0.5 - 2 * sin2_theta_w


NEUTRON_COUPLING = -0.5  # g_n^V, below Eq. 4


def standard_model_charge(nuclide: Nuclide, sin2_theta_w: float) -> float:
    """SM weak charge Z g_p + N g_n (Eq. 4, unsquared)."""
    return nuclide.protons * proton_coupling(sin2_theta_w) + nuclide.neutrons * NEUTRON_COUPLING


def quark_numbers(nuclide: Nuclide) -> dict[str, int]:
    """Valence u and d quarks, 2 Z + N and Z + 2 N, that weigh epsilon^uV and epsilon^dV in Eq. 10."""
    z, n = nuclide.protons, nuclide.neutrons
    return {"u": 2 * z + n, "d": z + 2 * n}


def charge_amplitude(nuclide: Nuclide, pair: str, epsilon: Epsilon, sin2_theta_w: float) -> Any:
    """One bracket of Eq. 10: the SM charge (diagonal pairs only) plus the quark numbers times epsilon."""
    amplitude: Any = standard_model_charge(nuclide, sin2_theta_w) if pair not in OFF_DIAGONAL else 0.0
    for quark, number in quark_numbers(nuclide).items():
        if (quark, pair) in epsilon:
            amplitude = amplitude + number * epsilon[quark, pair]
    return amplitude


def _squared_modulus(amplitude: Any) -> Any:
    return amplitude.real**2 + amplitude.imag**2 if np.iscomplexobj(amplitude) else amplitude * amplitude


def weak_charge_squared(nuclide: Nuclide, row: str, epsilon: Epsilon, sin2_theta_w: float) -> Any:
    """Q_alpha^2 of Eq. 10 for a neutrino of row "e" or "mu"; the shape is what the entries broadcast to.

    An antineutrino has the same charge: it sees the complex conjugate couplings.
    """
    total: Any = 0.0
    for pair in ROWS[row]:
        if pair not in OFF_DIAGONAL or any((quark, pair) in epsilon for quark in QUARKS):
            total = total + _squared_modulus(charge_amplitude(nuclide, pair, epsilon, sin2_theta_w))
    return total


def charge_along(
    nuclide: Nuclide, row: str, parameters: Mapping[str, Any], name: str, sin2_theta_w: float
) -> tuple[Any, Any, Any]:
    """Coefficients of 1, t and t^2 in Q_alpha^2 (Eq. 10) where contact parameter `name` is parameters[name] + t.

    One amplitude moves, by its quark number times t, so the square is quadratic: there are no further terms.
    """
    epsilon = contact(parameters)
    at_zero = weak_charge_squared(nuclide, row, epsilon, sin2_theta_w)
    _, pair, quark, *part = name.split("_")
    if pair not in ROWS[row]:
        return at_zero, 0.0, 0.0
    number = quark_numbers(nuclide)[quark[0]]
    amplitude = charge_amplitude(nuclide, pair, epsilon, sin2_theta_w)
    return at_zero, 2 * number * (np.imag(amplitude) if part else np.real(amplitude)), float(number**2)


def contact(parameters: Mapping[str, Any]) -> dict[tuple[str, str], Any]:
    """Epsilon of named contact parameters, `eps_<pair>_<quark>V`, off-diagonal ones complex if given so (Eq. 9).

    >>> contact({"eps_ee_uV": 0.1, "eps_etau_dV": 0.2, "eps_etau_dV_imag": 0.3})
    {('u', 'ee'): 0.1, ('d', 'etau'): (0.2+0.3j)}
    """
    epsilon: dict[tuple[str, str], Any] = {}
    for name, value in parameters.items():
        if name not in CONTACT_PARAMETERS:
            raise ValueError(f"unknown contact parameter {name!r}; expected one of {', '.join(CONTACT_PARAMETERS)}")
        _, pair, quark, *part = name.split("_")
        if pair not in OFF_DIAGONAL and np.iscomplexobj(value):
            raise ValueError(f"{name} = {value} is complex; a diagonal coupling is real (the Lagrangian is Hermitian)")
        key = (quark[0], pair)
        epsilon[key] = epsilon.get(key, 0.0) + (1j * value if part else value)
    return epsilon


def mediator_coupling_scale(momentum_transfer_squared: FloatArray, mediator_mass_mev: Any) -> FloatArray:
    """Epsilon per squared coupling, 1 / (2 sqrt2 G_F (Q^2 + M^2)) (Eq. 6); MeV^2 in, dimensionless out."""
    scale: FloatArray = 1 / (2 * np.sqrt(2) * G_FERMI * (momentum_transfer_squared + np.square(mediator_mass_mev)))
    return scale


def light_mediator(
    momentum_transfer_squared: FloatArray, *, mediator_mass_mev: Any, coupling: Any
) -> dict[tuple[str, str], Any]:
    """Epsilon of a universal vector mediator at each momentum transfer, the same for u and d (Eq. 6)."""
    # ASSUME: the factor of Eq. 6 as printed, half of what Eq. 9 gives for
    # L = g Z' (nu_L-bar gamma nu_L + q-bar gamma q)
    value = np.square(coupling) * mediator_coupling_scale(momentum_transfer_squared, mediator_mass_mev)
    return {(quark, pair): value for quark in QUARKS for pair in ("ee", "mumu", "tautau")}


# Epsilon at momentum transfers (nodes,) from the interaction's parameters by name; values broadcast against the nodes.
EPSILON: dict[str, Callable[..., dict[tuple[str, str], Any]]] = {
    "contact": lambda momentum_transfer_squared, **parameters: contact(parameters),
    "light_mediator": light_mediator,
}


def matter_parameter(epsilon_u: Any, epsilon_d: Any) -> Any:
    """Effective parameter for propagation in the Earth, 3 (eps^uV + eps^dV) (Eq. 11)."""
    return 3 * (epsilon_u + epsilon_d)


def quarks_of(matter_parameter_name: str) -> tuple[str, str]:
    """The contact parameters whose sum a matter parameter is.

    >>> quarks_of("eps_ee_matter")
    ('eps_ee_uV', 'eps_ee_dV')
    """
    pair = matter_parameter_name.split("_")[1]
    return f"eps_{pair}_uV", f"eps_{pair}_dV"


def degenerate_coupling_per_mass(nuclide: Nuclide, sin2_theta_w: float) -> float:
    """g / M_Z' in MeV^-1 at which a heavy mediator flips the sign of the weak charge (Eq. 8, square root)."""
    charge = standard_model_charge(nuclide, sin2_theta_w)
    return float(np.sqrt(-4 * np.sqrt(2) * charge / (3 * nuclide.mass_number) * G_FERMI))
