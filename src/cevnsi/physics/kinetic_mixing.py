"""What charged leptons in a loop give a proton of a vector mediator's charge: its kinetic mixing with the photon.

Of L = -e Q A f-bar gamma f - g Q' Z' f-bar gamma f, a lepton of charges Q = -1 and Q' mixes photon and mediator by the
vacuum polarization of QED (Eq. 7.90 of M. Peskin and D. Schroeder, An Introduction to Quantum Field Theory, 1995) with
e Q g Q' in the place of e^2. The photon's 1 / q^2 cancels the q^2 of the mixing, and what is left couples Z' to
electric charge. Where the Q' of all leptons sum up to zero the divergence drops out.

The sign is that of the standard model's own loop: its charged current, with fields exchanged, is a repulsive coupling
of nu_l to l, whose loop makes g_p larger for nu_e than for nu_mu by alpha / (3 pi) ln(m_mu^2 / m_e^2) = 0.0083, as much
as arXiv:2008.05022 has (`weak_charge.COUPLINGS`).
"""

import numpy as np

from cevnsi.arrays import FloatArray
from cevnsi.constants import ELECTRON_MASS_MEV, FINE_STRUCTURE, MUON_MASS_MEV, TAU_MASS_MEV

LEPTON_MASSES_MEV = {"e": ELECTRON_MASS_MEV, "mu": MUON_MASS_MEV, "tau": TAU_MASS_MEV}

_ABSCISSAS, _WEIGHTS = np.polynomial.legendre.leggauss(64)  # 3e-13 of the integral's own up to Q^2 = 1e6 m^2
# x = sin^2(angle / 2), as what is integrated turns at x = m^2 / Q^2 from either end
_ANGLES = (_ABSCISSAS + 1) * np.pi / 2
_INSIDE = np.sin(_ANGLES) ** 2 / 4  # x (1 - x)
_MEASURE = _WEIGHTS * np.pi / 4 * np.sin(_ANGLES)


def mixing_integral(momentum_transfer_squared: FloatArray, lighter: str, heavier: str) -> FloatArray:
    """Integral over x from 0 to 1 of x (1 - x) ln((m_heavier^2 + x (1 - x) Q^2) / (m_lighter^2 + x (1 - x) Q^2)).

    That of arXiv:2006.11225, without its factor. Of two of e, mu, tau, in the shape of the momentum transfers; MeV^2.
    """
    masses = [LEPTON_MASSES_MEV[name] for name in (lighter, heavier)]
    first, second = (
        np.log1p(np.asarray(momentum_transfer_squared)[..., None] * _INSIDE / mass**2) @ (_MEASURE * _INSIDE)
        for mass in masses
    )
    value: FloatArray = np.log(masses[1] / masses[0]) / 3 + second - first  # at Q^2 = 0 the first alone
    return value


def induced_proton_charge(momentum_transfer_squared: FloatArray, first: str, second: str) -> FloatArray:
    """A proton's charge of a mediator of L_first - L_second: 2 alpha / pi times `mixing_integral`; a neutron has none.

    The vacuum polarization of QED with other charges, as is said of this module (Eq. 7.90 of Peskin and Schroeder).
    Positive if the first is the lighter: about a proton the loop's negative lepton lies closer. MeV^2 in, of any shape.
    """
    charge: FloatArray = 2 * FINE_STRUCTURE / np.pi * mixing_integral(momentum_transfer_squared, first, second)
    return charge
