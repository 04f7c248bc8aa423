"""A light scalar mediator with universal couplings to neutrinos and to u and d quarks."""

from collections.abc import Sequence

import numpy as np

from cevnsi.arrays import FloatArray, Real
from cevnsi.constants import (
    DOWN_MASS_MEV,
    G_FERMI,
    NEUTRON_MASS_MEV,
    PROTON_MASS_MEV,
    UP_MASS_MEV,
)
from cevnsi.parameters import STANDARD_MODEL_PARAMETERS, Parameter
from cevnsi.physics.interaction import Expansion, Interaction, Quadratic, Recoils, Seen, Values, named

MASS = Parameter(
    name="scalar_mass_mev",
    tex=r"M_{\phi}",
    html="M<sub>φ</sub>",
    spoken="scalar mass",
    unit="MeV",
    usual=(1.0, 1e4),
    scale="log",
    positive=True,
)
COUPLING = Parameter(
    name="scalar_coupling",
    tex=r"g_{\phi}",
    html="g<sub>φ</sub>",
    spoken="scalar coupling",
    usual=(1e-6, 1e-1),
    scale="log",
)
# What of a nucleon's mass is due to that of a quark, f_q^N, by nucleon, of u and d.
# M. Hoferichter, J. Ruiz de Elvira, B. Kubis and U.-G. Meissner, Phys. Rev. Lett. 115 (2015) 092301, arXiv:1506.04142
# All four together make its sigma term, 59.1 MeV, and nucleons differ by f_u and f_d as m_u and m_d.
PROTON_FRACTIONS, NEUTRON_FRACTIONS = (0.0208, 0.0411), (0.0189, 0.0451)


def scalar_charge(nucleon_mass_mev: float, fractions: tuple[float, float]) -> float:
    """A nucleon's scalar coupling for one of one to quarks, the sum over q of f_q m_N / m_q (arXiv:1604.01025).

    It is 17.3 for either nucleon.
    """
    # ASSUME: the scalar couples to u and d alone, as in arXiv:2202.11002
    of_u, of_d = fractions
    return nucleon_mass_mev * (of_u / UP_MASS_MEV + of_d / DOWN_MASS_MEV)


SCALAR_CHARGES = (
    scalar_charge(PROTON_MASS_MEV, PROTON_FRACTIONS),
    scalar_charge(NEUTRON_MASS_MEV, NEUTRON_FRACTIONS),
)


def scalar_strength(
    momentum_transfer_squared: FloatArray, mass_mev: Real, protons: FloatArray, neutrons: FloatArray
) -> FloatArray:
    """What takes the place of the charge squared beside M E_r / E_nu^2, for g_phi = 1; all arrays broadcast.

    Of L = g_phi phi (nu_R-bar nu_L + h.c. + q-bar q) the cross section is (arXiv:1604.01025)

        Q_phi^2 E_r M^2 / (4 pi E_nu^2 (2 M E_r + M_phi^2)^2),

    G_F^2 M / (2 pi) times M E_r / E_nu^2 times Q_phi^2 / (2 G_F^2 (Q^2 + M_phi^2)^2). Protons and neutrons are how many
    there are, times their form factors; momentum transfers in MeV^2, masses in MeV. The strength has no dimension.
    """
    of_proton, of_neutron = SCALAR_CHARGES
    amplitude = of_proton * protons + of_neutron * neutrons
    propagator = 1 / (momentum_transfer_squared + np.square(mass_mev))
    return np.asarray(np.square(amplitude * propagator) / (2 * G_FERMI**2))


def _added(seen: Seen, *, scalar_mass_mev: Real, scalar_coupling: Real) -> Real:
    strength = scalar_strength(seen.momentum_transfer_squared, scalar_mass_mev, seen.protons, seen.neutrons)
    return np.power(scalar_coupling, 4) * strength


def _weights(recoils: Recoils, values: Values) -> Sequence[FloatArray]:
    """What 1 and g_phi^4 multiply, each (..., flavors or 1, nuclides, nodes or 1) at parameters (...)."""
    mass = np.asarray(values[MASS.name])[..., None, None]
    strength = scalar_strength(recoils.momentum_transfer_squared, mass, *recoils.nucleons(values))
    return [recoils.charges(values) ** 2, strength[..., None, :, :] * recoils.spectrum("scalar")]


def _powers(recoils: Recoils, values: Values) -> Sequence[Real]:
    return [1.0, np.square(np.square(values[COUPLING.name]))]


def _powers_along(recoils: Recoils, values: Values, name: str, about: FloatArray) -> Sequence[Sequence[Real]]:
    """1 and x^2 with x = g_phi^2 = about + t, by power of t."""
    one, zero = np.ones_like(about), np.zeros_like(about)
    return [[one, about * about], [zero, 2 * about], [zero, one]]


LIGHT_SCALAR = Interaction(
    name="light_scalar",
    own=named(MASS, COUPLING),
    references=("cerdeno_2016", "hoferichter_2015"),
    added={"scalar": _added},
    zero_if_missing=False,
    expansion=Expansion(
        shaping=(MASS.name, *STANDARD_MODEL_PARAMETERS),
        weights=_weights,
        coefficients=_powers,
        quadratic={
            COUPLING.name: Quadratic(variable=np.square, reach=lambda recoils: np.inf, coefficients=_powers_along)
        },
    ),
)
