"""Effective magnetic moments of neutrinos by flavor, which scatter off the charge of a nucleus."""

from collections.abc import Sequence

import numpy as np

from cevnsi.arrays import FloatArray, Real
from cevnsi.constants import ELECTRON_MASS_MEV, FINE_STRUCTURE, G_FERMI
from cevnsi.parameters import LETTERS, STANDARD_MODEL_PARAMETERS, Parameter
from cevnsi.physics.interaction import OF_ROW, Expansion, Interaction, Quadratic, Recoils, Seen, Values, named
from cevnsi.physics.weak_charge import ROWS

UNIT = 1e-10  # Bohr magnetons


def _moment(row: str) -> Parameter:
    tex, plain = LETTERS[row]
    return Parameter(
        name=f"magnetic_moment_{row}_1e_10_mub",
        tex=rf"\mu_{{\nu_{tex}}}",
        html=f"μ<sub>ν<sub>{plain}</sub></sub>",
        spoken=f"magnetic moment of nu {row}",
        unit="10⁻¹⁰ μB",
        unit_tex=r"$10^{-10}\,\mu_B$",
        usual=(0.0, 200.0),
        zero_is_standard_model=True,
    )


MOMENTS = {row: _moment(row) for row in ROWS}


def magnetic_strength(nuclear_mass_mev: Real, protons: FloatArray) -> FloatArray:
    """What takes the place of the charge squared beside 1 / E_r - 1 / E_nu + ..., for a moment of `UNIT`; in MeV.

    The cross section is pi alpha^2 Z^2 F^2 / m_e^2 (mu / mu_B)^2 times that bracket (P. Vogel and J. Engel, Phys. Rev.
    D 39 (1989) 3378), of which G_F^2 M / (2 pi) is in every spectrum. It adds to the rest, as it flips helicity, and an
    antineutrino's is the same. Masses, and protons times their form factor, broadcast.
    """
    per_charge = FINE_STRUCTURE * UNIT * np.pi * protons / (G_FERMI * ELECTRON_MASS_MEV)
    return np.asarray(2 * np.square(per_charge) / nuclear_mass_mev)


def _added(seen: Seen, **moments: Real) -> Real:
    moment = moments.get(MOMENTS[seen.row].name, 0.0)
    return np.square(moment) * magnetic_strength(seen.nuclide.nuclear_mass_mev, seen.protons)


def _weights(recoils: Recoils, values: Values) -> Sequence[FloatArray]:
    """What 1 and the square of each moment multiply, each (..., flavors or 1, nuclides, nodes or 1)."""
    masses = np.array([[nuclide.nuclear_mass_mev] for nuclide in recoils.nuclides])
    protons, _ = recoils.nucleons(values)
    strength = magnetic_strength(masses, protons)[..., None, :, :] * recoils.spectrum("magnetic")
    return [recoils.charges(values) ** 2, *(row[:, None, None] * strength for row in OF_ROW)]


def _squares(recoils: Recoils, values: Values) -> Sequence[Real]:
    return [1.0, *(np.square(values.get(moment.name, 0.0)) for moment in MOMENTS.values())]


def _squares_along(recoils: Recoils, values: Values, name: str, about: FloatArray) -> Sequence[Sequence[Real]]:
    """1 and the squares, of which that of `name` is about + t, by power of t."""
    one, zero = np.ones_like(about), np.zeros_like(about)
    fixed = _squares(recoils, {**values, name: 0.0})
    moves = [False, *(moment.name == name for moment in MOMENTS.values())]
    first = [about if moved else value * one for moved, value in zip(moves, fixed, strict=True)]
    return [first, [one if moved else zero for moved in moves], [zero for _ in moves]]


ALONG = Quadratic(variable=np.square, reach=lambda recoils: np.inf, coefficients=_squares_along)

MAGNETIC_MOMENT = Interaction(
    name="magnetic_moment",
    own=named(*MOMENTS.values()),
    references=("vogel_engel_1989",),
    added={"magnetic": _added},
    zero_if_missing=True,
    expansion=Expansion(
        shaping=tuple(STANDARD_MODEL_PARAMETERS),
        weights=_weights,
        coefficients=_squares,
        quadratic={moment.name: ALONG for moment in MOMENTS.values()},
    ),
)
