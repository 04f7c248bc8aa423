"""The weak charge of a nucleus (Eqs. 4, 10): what couplings epsilon(Q^2) add to each of its amplitudes.

One seam covers both sections of the paper: an interaction is a mapping from (quark, pair) to epsilon, each entry a
number or an array that broadcasts with the others. Eq. 6 is Eq. 10 with the same epsilon on the diagonal for both
quarks. A missing entry is zero.
"""

from collections.abc import Mapping

import numpy as np

from cevnsi.arrays import FloatArray, Number, Real
from cevnsi.parameters import CONTACT_PARAMETERS, OFF_DIAGONAL, QUARKS
from cevnsi.physics.nuclei import Nuclide

Epsilon = Mapping[tuple[str, str], Number]

ROWS: dict[str, tuple[str, ...]] = {"e": ("ee", "emu", "etau"), "mu": ("mumu", "emu", "mutau")}
ROW_OF_FLAVOR = {"nu_e": "e", "nu_mu": "mu", "nu_mu_bar": "mu"}


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


def charge_amplitude(nuclide: Nuclide, pair: str, epsilon: Epsilon, sin2_theta_w: float) -> Number:
    """One bracket of Eq. 10: the SM charge (diagonal pairs only) plus the quark numbers times epsilon."""
    amplitude: Number = standard_model_charge(nuclide, sin2_theta_w) if pair not in OFF_DIAGONAL else 0.0
    for quark, number in quark_numbers(nuclide).items():
        if (quark, pair) in epsilon:
            amplitude = amplitude + number * epsilon[quark, pair]
    return amplitude


def parts(number: Number) -> tuple[FloatArray, FloatArray]:
    """Real and imaginary part, of any shape."""
    both = np.asarray(number)
    return both.real, both.imag


def _squared_modulus(amplitude: Number) -> Real:
    real, imaginary = parts(amplitude)
    return real * real + imaginary * imaginary if np.iscomplexobj(amplitude) else real * real


def weak_charge_squared(nuclide: Nuclide, row: str, epsilon: Epsilon, sin2_theta_w: float) -> Real:
    """Q_alpha^2 of Eq. 10 for a neutrino of row "e" or "mu"; the shape is what the entries broadcast to.

    An antineutrino has the same charge: it sees the complex conjugate couplings.
    """
    total: Real = 0.0
    for pair in ROWS[row]:
        if pair not in OFF_DIAGONAL or any((quark, pair) in epsilon for quark in QUARKS):
            total = total + _squared_modulus(charge_amplitude(nuclide, pair, epsilon, sin2_theta_w))
    return total


def contact(parameters: Mapping[str, Number]) -> dict[tuple[str, str], Number]:
    """Epsilon of named contact parameters, `eps_<pair>_<quark>V`, off-diagonal ones complex if given so (Eq. 9).

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
    nuclide: Nuclide, row: str, parameters: Mapping[str, Real], name: str, sin2_theta_w: float
) -> tuple[Real, Real, Real]:
    """Coefficients of 1, t and t^2 in Q_alpha^2 (Eq. 10) where contact parameter `name` is parameters[name] + t.

    One amplitude moves, by its quark number times t, so the square is quadratic: there are no further terms.
    """
    epsilon, moving = contact(parameters), CONTACT_PARAMETERS[name]
    at_zero = weak_charge_squared(nuclide, row, epsilon, sin2_theta_w)
    if moving.pair not in ROWS[row]:
        return at_zero, 0.0, 0.0
    number = quark_numbers(nuclide)[moving.quark]
    amplitude = charge_amplitude(nuclide, moving.pair, epsilon, sin2_theta_w)
    part = parts(amplitude)[int(moving.imaginary)]
    return at_zero, 2 * number * part, float(number**2)


def matter_parameter(epsilon_u: Real, epsilon_d: Real) -> Real:
    """Effective parameter for propagation in the Earth, 3 (eps^uV + eps^dV) (Eq. 11)."""
    return 3 * (epsilon_u + epsilon_d)
