"""Charge radii of neutrinos, diagonal ones and those that change flavor, which shift what they see of a proton."""

import math
from collections.abc import Sequence

import numpy as np

from cevnsi.arrays import FloatArray, Real
from cevnsi.constants import FINE_STRUCTURE, G_FERMI
from cevnsi.parameters import FLAVORS_OF_PAIR, LETTERS, NEUTRON_RADII, OFF_DIAGONAL, Parameter
from cevnsi.physics.cross_section import MEV_MINUS_2_IN_CM2
from cevnsi.physics.interaction import (
    Expansion,
    Interaction,
    Quadratic,
    Recoils,
    Values,
    charged,
    charges_alone,
    named,
    without_standard_model,
)
from cevnsi.physics.weak_charge import (
    ROWS,
    charge_amplitude,
    parts,
    standard_model_charge,
    weak_charge_squared,
)

UNIT_CM2 = 1e-32
QUARK_CHARGES = {"u": 2 / 3, "d": -1 / 3}


def _radius(pair: str) -> Parameter:
    flavors = list(dict.fromkeys(FLAVORS_OF_PAIR[pair]))
    tex, plain = ("".join(LETTERS[flavor][i] for flavor in flavors) for i in (0, 1))
    bar = ("|", "modulus of the ") if pair in OFF_DIAGONAL else ("", "")
    return Parameter(
        name=f"charge_radius_{pair}_1e_32_cm2",
        tex=rf"{bar[0]}\langle r^2_{{\nu_{{{tex}}}}}\rangle{bar[0]}",
        html=f"{bar[0]}⟨r<sup>2</sup><sub>ν<sub>{plain}</sub></sub>⟩{bar[0]}",
        spoken=f"{bar[1]}charge radius squared of nu {' '.join(flavors)}",
        unit="10⁻³² cm²",
        unit_tex=r"$10^{-32}\,\mathrm{cm}^2$",
        usual=(0.0, 60.0) if bar[0] else (-100.0, 60.0),
        zero_is_standard_model=True,
    )


RADII = {pair: _radius(pair) for pairs in ROWS.values() for pair in pairs}  # there are no neutrinos of tau
PAIR_OF = {radius.name: pair for pair, radius in RADII.items()}


def proton_shift(charge_radius_squared: Real) -> Real:
    """What a charge radius <r^2>, in units of `UNIT_CM2`, adds to g_p^V: -sqrt2 pi alpha / (3 G_F) <r^2>, in its shape.

    M. Cadeddu et al., Phys. Rev. D 98 (2018) 113010, arXiv:1810.05606, its revised sign. An antineutrino's radius is
    the opposite, but so is its vector coupling: charges squared are the same.
    """
    per_unit = -math.sqrt(2) * math.pi * FINE_STRUCTURE / (3 * G_FERMI) * UNIT_CM2 / MEV_MINUS_2_IN_CM2
    return per_unit * charge_radius_squared


def charge_radius(momentum_transfer_squared: FloatArray, **radii: Real) -> dict[tuple[str, str], Real]:
    """Epsilon of charge radii: photons couple to quarks by their charges, so that neutrons see nothing (Eq. 10).

    By name of `RADII`, in units of `UNIT_CM2`; each entry in the shape of its radius, whatever the momentum transfers.
    """
    # ASSUME: a radius is what comes on top of that which the couplings of nucleons have in them
    return {
        (quark, PAIR_OF[name]): charge * proton_shift(radius)
        for name, radius in radii.items()
        for quark, charge in QUARK_CHARGES.items()
    }


def _charges_squared(recoils: Recoils, values: Values) -> Sequence[Real]:
    epsilon = charge_radius(recoils.momentum_transfer_squared, **without_standard_model(values))
    couplings = recoils.couplings_at(values)
    return [weak_charge_squared(part, row, epsilon, couplings) for row, part in charged(recoils)]


def _charges_along(recoils: Recoils, values: Values, name: str, about: FloatArray) -> Sequence[Sequence[Real]]:
    """Coefficients of 1, t and t^2 where one radius is about + t: its amplitude alone moves, by `moved` times t."""
    along = {**without_standard_model(values), name: about}
    epsilon, couplings = charge_radius(recoils.momentum_transfer_squared, **along), recoils.couplings_at(values)
    pair, found = PAIR_OF[name], list[tuple[Real, Real, Real]]()
    for row, part in charged(recoils):
        moved = part.protons * proton_shift(1.0) if pair in ROWS[row] else 0.0
        amplitude, _ = parts(charge_amplitude(part, pair, epsilon, couplings))
        found.append((weak_charge_squared(part, row, epsilon, couplings), 2 * moved * amplitude, moved * moved))
    return list(zip(*found, strict=True))


def _reach(recoils: Recoils) -> float:
    """How far a radius moves while its amplitude moves by about the SM charge."""
    couplings = recoils.couplings_at({})
    return min(
        float(np.abs(standard_model_charge(n, couplings, row) / (n.protons * proton_shift(1.0))))
        for row in ROWS
        for n in recoils.nuclides
    )


ALONG = Quadratic(variable=lambda values: values, reach=_reach, coefficients=_charges_along)

CHARGE_RADIUS = Interaction(
    name="charge_radius",
    own=named(*RADII.values()),
    references=("cadeddu_2018_charge_radii",),
    epsilon=charge_radius,
    zero_if_missing=True,
    expansion=Expansion(
        shaping=tuple(NEUTRON_RADII),
        weights=charges_alone,
        coefficients=_charges_squared,
        quadratic=dict.fromkeys(PAIR_OF, ALONG),
        smooth=True,
        by_row=True,
    ),
)
