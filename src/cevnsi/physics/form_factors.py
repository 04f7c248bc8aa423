"""Nuclear form factors F(Q^2), normalized to F(0) = 1."""

from collections.abc import Callable

import numpy as np

from cevnsi.arrays import FloatArray
from cevnsi.constants import HBARC_MEV_FM
from cevnsi.physics.nuclei import Nuclide

FormFactor = Callable[[FloatArray, Nuclide], FloatArray]


def _uniform_sphere(x: FloatArray) -> FloatArray:
    """3 j_1(x) / x, by its series where the closed form cancels (error below 1e-13 at x < 0.02)."""
    safe = np.where(x < 0.02, 1.0, x)
    closed = 3 * (np.sin(safe) - safe * np.cos(safe)) / safe**3
    return np.where(x < 0.02, 1 - x**2 / 10 + x**4 / 280, closed)


def klein_nystrand(momentum_transfer_squared: FloatArray, nuclide: Nuclide) -> FloatArray:
    """Hard sphere folded with a Yukawa potential (Klein and Nystrand, hep-ph/9909237, Eq. 12).

    momentum_transfer_squared in MeV^2, any shape; R = 1.2 A^(1/3) fm and a = 0.7 fm as in that paper.
    """
    q = np.sqrt(momentum_transfer_squared) / HBARC_MEV_FM
    radius_fm = 1.2 * nuclide.mass_number ** (1 / 3)
    return _uniform_sphere(q * radius_fm) / (1 + (0.7 * q) ** 2)


def helm(momentum_transfer_squared: FloatArray, nuclide: Nuclide) -> FloatArray:
    """Helm form factor with Lewin and Smith's parameters (Astropart. Phys. 6 (1996) 87, Eqs. 4.7 and 4.11).

    momentum_transfer_squared in MeV^2, any shape.
    """
    q = np.sqrt(momentum_transfer_squared) / HBARC_MEV_FM
    skin_fm, diffuseness_fm = 0.9, 0.52
    half_density_fm = 1.23 * nuclide.mass_number ** (1 / 3) - 0.60
    radius_fm = np.sqrt(half_density_fm**2 + 7 / 3 * np.pi**2 * diffuseness_fm**2 - 5 * skin_fm**2)
    return _uniform_sphere(q * radius_fm) * np.exp(-((q * skin_fm) ** 2) / 2)


FORM_FACTORS: dict[str, FormFactor] = {"klein_nystrand": klein_nystrand, "helm": helm}
