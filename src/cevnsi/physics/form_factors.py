"""Nuclear form factors F(Q^2), normalized to F(0) = 1."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Protocol

import numpy as np

from cevnsi.arrays import FloatArray, Real
from cevnsi.constants import HBARC_MEV_FM
from cevnsi.physics.nuclei import Nuclide

FormFactor = Callable[[FloatArray, Nuclide], FloatArray]


class ScalableFormFactor(Protocol):
    """Of a whole nucleus, of which the radius may be another."""

    def __call__(self, momentum_transfer_squared: FloatArray, nuclide: Nuclide, radius: float = 1.0) -> FloatArray:
        """At momentum transfers in MeV^2, of any shape; its radius is multiplied by `radius`."""


HELM_SKIN_FM = 0.9  # Lewin and Smith, Astropart. Phys. 6 (1996) 87; arXiv:1710.02730 has the same


def _uniform_sphere(x: FloatArray) -> FloatArray:
    """3 j_1(x) / x, by its series where the closed form cancels (error below 1e-13 at x < 0.02)."""
    safe = np.where(x < 0.02, 1.0, x)
    closed = 3 * (np.sin(safe) - safe * np.cos(safe)) / safe**3
    return np.where(x < 0.02, 1 - x**2 / 10 + x**4 / 280, closed)


def _helm(q_per_fm: FloatArray, sphere_fm: Real) -> FloatArray:
    """A uniform sphere folded with a Gaussian skin."""
    return _uniform_sphere(q_per_fm * sphere_fm) * np.exp(-((q_per_fm * HELM_SKIN_FM) ** 2) / 2)


def point(momentum_transfer_squared: FloatArray, nuclide: Nuclide, radius: float = 1.0) -> FloatArray:
    """One at every momentum transfer, of any shape; it has no radius."""
    return np.ones_like(momentum_transfer_squared)


def klein_nystrand(momentum_transfer_squared: FloatArray, nuclide: Nuclide, radius: float = 1.0) -> FloatArray:
    """Hard sphere folded with a Yukawa potential (Klein and Nystrand, hep-ph/9909237, Eq. 12).

    momentum_transfer_squared in MeV^2, any shape; R = 1.2 A^(1/3) fm, times `radius`, and a = 0.7 fm as in that paper.
    """
    q = np.sqrt(momentum_transfer_squared) / HBARC_MEV_FM
    radius_fm = radius * 1.2 * nuclide.mass_number ** (1 / 3)
    return _uniform_sphere(q * radius_fm) / (1 + (0.7 * q) ** 2)


def helm(momentum_transfer_squared: FloatArray, nuclide: Nuclide, radius: float = 1.0) -> FloatArray:
    """Helm form factor with Lewin and Smith's parameters (Astropart. Phys. 6 (1996) 87, Eqs. 4.7 and 4.11).

    momentum_transfer_squared in MeV^2, any shape; the sphere's radius is theirs times `radius`.
    """
    q = np.sqrt(momentum_transfer_squared) / HBARC_MEV_FM
    diffuseness_fm = 0.52
    half_density_fm = 1.23 * nuclide.mass_number ** (1 / 3) - 0.60
    radius_fm = np.sqrt(half_density_fm**2 + 7 / 3 * np.pi**2 * diffuseness_fm**2 - 5 * HELM_SKIN_FM**2)
    return _helm(q, radius * radius_fm)


LEAST_RMS_RADIUS_FM = math.sqrt(3) * HELM_SKIN_FM  # of the skin alone


def helm_of_radius(momentum_transfer_squared: FloatArray, rms_radius_fm: Real) -> FloatArray:
    """Helm form factor of an rms radius R: a sphere with R_0^2 = 5/3 (R^2 - 3 s^2) and a skin s (arXiv:1710.02730).

    momentum_transfer_squared in MeV^2 and rms_radius_fm broadcast. ValueError where the skin alone is as wide as R.
    """
    sphere_squared = 5 / 3 * (np.square(rms_radius_fm) - 3 * HELM_SKIN_FM**2)
    if not (np.asarray(rms_radius_fm) > 0).all() or not (sphere_squared > 0).all():
        least = f"{LEAST_RMS_RADIUS_FM:.4g} fm"
        raise ValueError(f"an rms radius of {np.min(rms_radius_fm):g} fm; expected more than its skin's, {least}")
    return _helm(np.sqrt(momentum_transfer_squared) / HBARC_MEV_FM, np.sqrt(sphere_squared))


@dataclass(frozen=True, kw_only=True)
class RadiusFormFactor:
    """A form factor of rms radii, those of each nuclide, of which a parameter may move the neutrons'."""

    of_radius: Callable[[FloatArray, Real], FloatArray]  # of Q^2 in MeV^2 and an rms radius in fm, which broadcast
    apart: bool  # whether protons have their own radius; else both nucleons have the neutrons'
    scale: float = 1.0  # of the neutrons' radius

    def at_nodes(
        self,
        nuclides: Sequence[Nuclide],
        momentum_transfer_squared: FloatArray,
        neutron_radii_fm: Mapping[str, Real] = MappingProxyType({}),
    ) -> tuple[FloatArray, ...]:
        """Of both nucleons, or that of protons and that of neutrons, each (..., nuclides, nodes).

        momentum_transfer_squared in MeV^2, (nuclides, nodes); neutron_radii_fm (...), by nuclide, take the place of the
        nuclide's own. ValueError of a nuclide without a radius.
        """

        def of_radii(radii_fm: Sequence[Real | None]) -> FloatArray:
            found = []
            for nuclide, q2, radius in zip(nuclides, momentum_transfer_squared, radii_fm, strict=True):
                if radius is None:
                    raise ValueError(f"{nuclide.name}: no rms radius is known, which the form factor needs")
                found.append(self.of_radius(q2, np.asarray(radius)[..., None]))
            return np.stack(np.broadcast_arrays(*found), axis=-2)

        radii = [neutron_radii_fm.get(nuclide.name, nuclide.neutron_radius_fm) for nuclide in nuclides]
        neutrons = of_radii([None if radius is None else self.scale * np.asarray(radius) for radius in radii])
        return (of_radii([nuclide.proton_radius_fm for nuclide in nuclides]), neutrons) if self.apart else (neutrons,)


HELM_RMS, HELM_RMS_APART = (RadiusFormFactor(of_radius=helm_of_radius, apart=apart) for apart in (False, True))

# One of the whole nucleus is part of the templates, one of radii a part of what an interaction weighs them with.
RADIUS_FORM_FACTORS = {"helm_rms": HELM_RMS, "helm_rms_apart": HELM_RMS_APART}  # with a radius as a parameter
FORM_FACTORS: dict[str, ScalableFormFactor] = {"klein_nystrand": klein_nystrand, "helm": helm, "point": point}

# Keys of their papers, of cevnsi.references.
REFERENCES: dict[str, tuple[str, ...]] = dict.fromkeys(RADIUS_FORM_FACTORS, ("cadeddu_2018_radius", "lewin_smith_1996"))
REFERENCES |= {"klein_nystrand": ("klein_nystrand_2000",), "helm": ("lewin_smith_1996",)}  # of a point there is none


def form_factor_named(name: str, radius: float = 1.0) -> FormFactor | RadiusFormFactor:
    """Of either kind, its radius (of neutrons, where it has several) times `radius`; ValueError if there is none."""
    if name in FORM_FACTORS:
        return FORM_FACTORS[name] if radius == 1 else partial(FORM_FACTORS[name], radius=radius)
    if name in RADIUS_FORM_FACTORS:
        found = RADIUS_FORM_FACTORS[name]
        return found if radius == 1 else replace(found, scale=radius)
    raise ValueError(f"form factor {name!r}; expected one of {', '.join([*FORM_FACTORS, *RADIUS_FORM_FACTORS])}")
