"""A sterile neutrino that active ones oscillate into (3+1): it changes how many come, and no charge.

The splitting of the fourth mass from the others is so large that these are the same, as short-baseline experiments have
it (C. Giunti and M. Laveder, arXiv:1111.1069). A flavor alpha is then sterile at a distance L with the probability

    P = 4 u_alpha u_s sin^2(Delta m^2_41 L / (4 E)),   u_s = 1 - u_e - u_mu - u_tau,

and antineutrinos with the same. Mixings u are squares of moduli, of the fourth column of the mixing matrix. Coherent
scattering counts all that is left (J. A. Formaggio, E. Figueroa-Feliciano and A. J. Anderson, arXiv:1107.3512;
C. Blanco, D. Hooper and P. Machado, arXiv:1901.08094).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from cevnsi.arrays import FloatArray, Real
from cevnsi.constants import HBARC_MEV_FM
from cevnsi.parameters import STANDARD_MODEL_PARAMETERS, Parameter
from cevnsi.physics.cross_section import least_neutrino_energy_mev
from cevnsi.physics.flux import FLAVORS
from cevnsi.physics.form_factors import point
from cevnsi.physics.interaction import (
    OF_ROW,
    Expansion,
    Interaction,
    Quadratic,
    Recoils,
    Turning,
    Values,
    charges_squared,
    named,
)
from cevnsi.physics.weak_charge import ROW_OF_FLAVOR, ROWS, Epsilon

SPLITTING = Parameter(
    name="delta_m2_41_ev2",
    tex=r"\Delta m^2_{41}",
    html="Δm<sup>2</sup><sub>41</sub>",
    spoken="Delta m squared 41",
    unit="eV²",
    unit_tex=r"$\mathrm{eV}^2$",
    usual=(0.1, 30.0),
    scale="log",
    positive=True,
)


def _mixing(flavor: str, tex: str, html: str) -> Parameter:
    return Parameter(
        name=f"u_{flavor}4_squared",
        tex=rf"|U_{{{tex}4}}|^2",
        html=f"|U<sub>{html}4</sub>|<sup>2</sup>",
        spoken=f"U {flavor} 4 squared",
        usual=(0.0, 0.5),  # of one alone what is beyond is its mirror image
        zero_is_standard_model=True,
    )


MIXINGS = {"e": _mixing("e", "e", "e"), "mu": _mixing("mu", r"\mu", "μ"), "tau": _mixing("tau", r"\tau", "τ")}
NAMES = tuple(mixing.name for mixing in MIXINGS.values())


def phase_mev(delta_m2_ev2: Real, baseline_m: float) -> Real:
    """Delta m^2 L / 4 in MeV, over the neutrino's energy the phase in P: 1.267 Delta m^2 L of eV^2 and m; any shape."""
    return delta_m2_ev2 * 1e-12 * baseline_m * 1e15 / (4 * HBARC_MEV_FM)  # MeV^2 an eV^2, fm a m


def _recoil_energies(recoils: Recoils) -> list[FloatArray]:
    """In MeV by nuclide, (nodes,); Q^2 = 2 M E_r."""
    nodes = zip(recoils.momentum_transfer_squared, recoils.nuclides, strict=True)
    return [q2 / (2 * nuclide.nuclear_mass_mev) for q2, nuclide in nodes]


def _fastest(recoils: Recoils) -> float:
    """Twice the phase an eV^2 of the slowest neutrino that makes any of the recoils; infinite without a flight."""
    flight = recoils.flight
    if flight is None:
        return np.inf
    nodes = zip(_recoil_energies(recoils), recoils.nuclides, strict=True)
    slowest = min(least_neutrino_energy_mev(energy, nuclide, flight.kinematics).min() for energy, nuclide in nodes)
    return float(2 * phase_mev(1.0, flight.baseline_m) / slowest) if slowest > 0 else np.inf


def conversion(delta_m2_ev2: Real, recoils: Recoils) -> FloatArray:
    """Mean of sin^2(Delta m^2 L / (4 E)) over neutrinos that give each recoil, (..., flavors, nuclides, nodes).

    Of Delta m^2 (...). Zero where no neutrino gives such a recoil; ValueError where it is not said how they come.
    """
    flight = recoils.flight
    if flight is None:
        raise ValueError("recoils without a flight: expected the baseline and the spectrum of their neutrinos")
    # ASSUME: source and detector are points, so that nothing but the spread of energies averages the phase
    phase = np.asarray(phase_mev(delta_m2_ev2, flight.baseline_m))[..., None]
    found = []
    for flavor in FLAVORS:
        by_nuclide = []
        for nuclide, energy in zip(recoils.nuclides, _recoil_energies(recoils), strict=True):
            seen = flavor, energy, nuclide, point, flight.kinematics
            whole, changed = flight.spectrum(*seen), flight.spectrum(*seen, phase_mev=phase)
            part = np.divide(changed, whole, out=np.zeros(np.broadcast_shapes(changed.shape)), where=whole > 0)
            by_nuclide.append(np.clip(part, 0.0, 1.0))  # next to the largest recoil but rounding is left of both
        found.append(np.stack(by_nuclide, axis=-2))
    return np.stack(np.broadcast_arrays(*found), axis=-3)


def amplitudes(values: Values) -> dict[str, Real]:
    """4 u_alpha u_s by row, of mixings by name, which broadcast; one that is left out is zero."""
    mixings = {row: values.get(mixing.name, 0.0) for row, mixing in MIXINGS.items()}
    sterile = 1.0 - sum(mixings.values())
    return {row: 4 * mixings[row] * sterile for row in ROWS}


def left(recoils: Recoils, values: Values) -> FloatArray:
    """The part of each flavor that is not sterile at the detector, (..., flavors, nuclides, nodes), at values (...).

    ValueError as that of `conversion`.
    """
    by_row = amplitudes(values)
    amplitude = np.stack(np.broadcast_arrays(*(by_row[ROW_OF_FLAVOR[flavor]] for flavor in FLAVORS)), axis=-1)
    return 1.0 - amplitude[..., None, None] * conversion(values[SPLITTING.name], recoils)


def no_couplings(momentum_transfer_squared: FloatArray, **parameters: Any) -> Epsilon:
    """Epsilon of what changes no charge: none, whatever the shapes."""
    # ASSUME: what has become another active flavor scatters as the flavor that it was made as
    return {}


def _weights(recoils: Recoils, values: Values) -> Sequence[FloatArray]:
    """Charges squared, and what of them oscillates by row, each (..., flavors, nuclides, nodes)."""
    couplings = {name: value for name, value in values.items() if name in STANDARD_MODEL_PARAMETERS}
    charge = charges_squared(recoils, couplings, no_couplings)
    oscillating = charge * conversion(values[SPLITTING.name], recoils)
    return [charge, *(oscillating * mine[:, None, None] for mine in OF_ROW)]


def _coefficients(recoils: Recoils, values: Values) -> Sequence[Real]:
    return [1.0, *(-amplitude for amplitude in amplitudes(values).values())]


def _along(recoils: Recoils, values: Values, name: str, about: FloatArray) -> Sequence[Sequence[Real]]:
    """Coefficients by power of t, with the mixing x = about + t: u_s is then what others leave less x."""
    mixings = {row: values.get(mixing.name, 0.0) for row, mixing in MIXINGS.items() if mixing.name != name}
    room = 1.0 - sum(mixings.values())
    powers: list[list[Real]] = [[1.0], [0.0], [0.0]]
    for row in ROWS:
        if row in mixings:
            by_power: tuple[Real, ...] = (mixings[row] * (room - about), -mixings[row], 0.0)
        else:
            by_power = (about * (room - about), room - 2 * about, -1.0)
        for power, value in zip(powers, by_power, strict=True):
            power.append(-4 * value)
    return powers


ALONG = Quadratic(variable=lambda values: values, reach=lambda recoils: np.inf, coefficients=_along)

STERILE = Interaction(
    name="sterile",
    own=named(SPLITTING, *MIXINGS.values()),
    references=("giunti_laveder_2011", "formaggio_2012", "blanco_2019"),
    epsilon=no_couplings,
    zero_if_missing=False,
    expansion=Expansion(
        shaping=(SPLITTING.name, *STANDARD_MODEL_PARAMETERS),
        weights=_weights,
        coefficients=_coefficients,
        quadratic=dict.fromkeys(NAMES, ALONG),
        turning=Turning(name=SPLITTING.name, fastest=_fastest),
    ),
    left=left,
    parts_of_one=NAMES,
    zero_ones="mixing",
)
