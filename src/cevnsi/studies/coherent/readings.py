"""Readings of the release of CsI 2021 that are no option of the library: another flux, and bins of a public code."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from cevnsi.arrays import FloatArray, Real
from cevnsi.experiments.checks import Tables, release_rows
from cevnsi.experiments.clock import Clock, Shares
from cevnsi.experiments.csi_2021 import (
    BEAM,
    COEFFICIENTS,
    FLAVORS,
    HIGHEST_RECOIL_MEV,
    INDUCED,
    KEPT_UNTIL_US,
    LAW,
    LOST_PER_US,
    NEUTRONS,
    OFFSET,
    PE_EDGES,
    STEADY_STATE,
    US_EDGES,
    Efficiency,
    counted,
)
from cevnsi.experiments.measurement import ARRIVAL_TIME, PHOTOELECTRONS, Measurement
from cevnsi.experiments.release import Experiment, Variation
from cevnsi.experiments.response import Fraction, Response, gamma_response, polynomial
from cevnsi.files.atomic import TableError
from cevnsi.fits import AMPLITUDE, minimum
from cevnsi.model import Analysis, Model, assemble
from cevnsi.physics.cross_section import VECTOR, differential_cross_section
from cevnsi.physics.form_factors import FormFactor
from cevnsi.physics.nuclei import Nuclide
from cevnsi.statistics.nuisances import SIGNAL, Nuisance, spread

FLUX_COLUMNS = ("nu_mu", "nu_mu_bar", "nu_e")  # of the table of energies, after its label; that of nu_e_bar follows


@dataclass(frozen=True, kw_only=True)
class TabulatedFlux:
    """Neutrinos of some energies, and what share of each flavor has which."""

    energies_mev: FloatArray  # (energies,)
    shares: Mapping[str, FloatArray]  # (energies,) by flavor, summing to one

    def recoil_spectrum(
        self,
        flavor: str,
        recoil_energy_mev: FloatArray,
        nuclide: Nuclide,
        form_factor: FormFactor,
        kinematics: str,
        coupling: str = VECTOR,
        phase_mev: Real | None = None,
    ) -> FloatArray:
        """Eq. 3 summed over these energies, in cm^2 / MeV per unit of charge squared, as `recoil_spectrum` is.

        Recoil energies of any shape, with which a phase broadcasts.
        """
        total: Real = np.zeros_like(recoil_energy_mev)
        for energy, share in zip(self.energies_mev, self.shares[flavor], strict=True):
            seen = share if phase_mev is None else share * np.sin(phase_mev / energy) ** 2
            total = total + seen * differential_cross_section(
                recoil_energy_mev, energy, 1.0, nuclide, form_factor, kinematics, coupling
            )
        return np.asarray(total)


def flux_by_labels(path: Path) -> TabulatedFlux:
    """The flux of CsI 2021 with the labels of its bins for energies, half a bin above the centres of these.

    TableError of a file that is no such table.
    """
    rows = [numbers for _, _, numbers in release_rows(path, "energy in MeV, nu_mu, nu_mu_bar, nu_e, nu_e_bar", 5)]
    if not rows:
        raise TableError(f"{path}: has no rows; expected neutrinos by energy")
    energies, *columns, _ = np.array(rows).T
    if not (energies > 0).all() or not (np.array(columns) >= 0).all() or not np.sum(columns, axis=1).all():
        raise TableError(f"{path}: expected energies above zero, and some neutrinos of each flavor, zero or more a row")
    shares = {name: column / column.sum() for name, column in zip(FLUX_COLUMNS, columns, strict=True)}
    return TabulatedFlux(energies_mev=energies, shares=shares)


# The public code is Newtrinos.jl as it was run for PRL 129, 081801: Newtrinos-org/Newtrinos.jl at 62de3716, files
# coherent_csi.jl and sns_flux.jl. Its bins, its widths and how it reads the release's files are theirs.
CODE_PE = np.array([0, 12, 16, 20, 24, 28, 32, 36, 40, 46, 54, 64, 76, 100, 148, 196.0])
CODE_US = np.append(0.0, 0.5 * 12 ** (np.arange(9) / 8))
CODE_UNCERTAINTIES = {BEAM: 0.25, INDUCED: 0.36, STEADY_STATE: 0.021}  # relative
CODE_LEAST_RECOIL_MEV = 3e-3
# Where its own offset, 0.047 us, is well inside; neutrinos move straight there, as no bin of time is as narrow.
CODE_OFFSETS_US = np.linspace(0.0, 0.15, 61)


def _kept(edges_us: FloatArray) -> FloatArray:
    """The mean efficiency in time of each bin."""
    late = np.maximum(edges_us - KEPT_UNTIL_US, 0.0)
    integral = np.minimum(edges_us, KEPT_UNTIL_US) - np.expm1(-LOST_PER_US * late) / LOST_PER_US
    return np.asarray(np.diff(integral) / np.diff(edges_us))


def _flat(contents: FloatArray, edges: FloatArray, others: FloatArray) -> FloatArray:
    """Contents of bins that are flat in each, in other bins."""
    return np.diff(np.interp(others, edges, np.append(0.0, np.cumsum(contents))))


def _code_clock(tables: Tables) -> tuple[Clock, dict[str, float]]:
    """Arrivals in its bins of time: of neutrinos in nine flat bins, of neutrons in the file's, and their norms."""
    kept = _kept(CODE_US)

    def file_of(table: Mapping[str, Any], name: str) -> tuple[FloatArray, FloatArray]:
        return np.append(table[US_EDGES[0]], table[US_EDGES[1]][-1]), table[name]

    def late(contents: FloatArray, edges: FloatArray, offset: float) -> FloatArray:
        return _flat(contents, edges, edges - offset)

    signal = []
    for name in FLAVORS:
        edges, contents = file_of(tables["neutrinos_in_time"], name)
        coarse = _flat(contents, edges, CODE_US)
        signal.append([late(coarse, CODE_US, offset) * kept for offset in CODE_OFFSETS_US.tolist()])
    shares = {SIGNAL: Shares(offsets=CODE_OFFSETS_US, values=np.swapaxes(np.array(signal), 0, 1))}
    norms, shapes, by_pe = {}, {}, tables["neutrons_by_photoelectrons"]
    for name in NEUTRONS:
        edges, contents = file_of(tables["neutrons_in_time"], name)
        seen = [_flat(late(contents, edges, offset), edges, CODE_US) * kept for offset in CODE_OFFSETS_US.tolist()]
        norms[name] = float(np.sum(seen[0]))
        shares[name] = Shares(offsets=CODE_OFFSETS_US, values=np.array([[each / each.sum()] for each in seen]))
        # a bin of its file counts where its centre is; of these none is cut by an edge
        centres, densities = (by_pe[PE_EDGES[0]] + by_pe[PE_EDGES[1]]) / 2, by_pe[name]
        found = np.histogram(centres, CODE_PE, weights=densities)[0]
        shapes[name] = norms[name] * found / found.sum()
    return Clock(nuisance=OFFSET, shares=shares, shapes=shapes), norms


def _code_response(efficiency: Fraction, kinks: FloatArray, quenching: list[float], integrated: bool) -> Response:
    """The efficiency at the centre of each bin times a law by Simpson's rule, of which all bins together have all.

    With `integrated` the first bin alone is what the library has there.
    """
    visible = polynomial(quenching)
    centres = (CODE_PE[1:] + CODE_PE[:-1]) / 2
    first = gamma_response(CODE_PE[:2], efficiency, kinks, visible, LAW, HIGHEST_RECOIL_MEV)

    def detected(recoil_energy_mev: FloatArray) -> FloatArray:
        energy = visible(recoil_energy_mev)
        # a density at no photoelectrons is the limit, zero of any energy
        low, centre, high = (
            LAW.density(np.maximum(x, 1e-300)[:, None], energy) for x in (CODE_PE[:-1], centres, CODE_PE[1:])
        )
        simpson = np.diff(CODE_PE)[:, None] / 6 * (low + 4 * centre + high)
        simpson /= np.maximum(simpson.sum(axis=0), 1e-300)
        seen = simpson * efficiency(centres)[:, None]
        if integrated:
            seen[0] = first.detected(recoil_energy_mev)[0]
        return np.where(recoil_energy_mev > CODE_LEAST_RECOIL_MEV, seen, 0.0)

    return Response(
        detected=detected,
        recoil_energies_mev=np.array([CODE_LEAST_RECOIL_MEV, HIGHEST_RECOIL_MEV]),
        longest_segment_mev=first.longest_segment_mev,
        arrival=dict(zip(FLAVORS, np.eye(len(FLAVORS)), strict=True)),
    )


def _coefficients(table: Mapping[str, Any], row: int) -> list[float]:
    return [float(table[name][row]) for name in COEFFICIENTS]


def as_a_public_code(analysis: Analysis, tables: Tables, *, integrated: bool = False) -> Model:
    """CsI 2021 as Newtrinos.jl reads it, whose first bin of 0 to 12 photoelectrons has no signal.

    It takes the efficiency at the centre of each bin, in the first at 6, where it is zero; `integrated` integrates it
    there alone. The steady state is the anticoincidence's counts bin by bin. Left out are its quenching and radii,
    which its fit leaves where they are, and its flux, as the amplitude is free.
    """

    def seen(row: int) -> Response:
        curve = Efficiency(**dict(zip(COEFFICIENTS, _coefficients(tables["efficiency"], row), strict=True)))
        return _code_response(curve, curve.kinks, _coefficients(tables["quenching"], 0), integrated)

    clock, norms = _code_clock(tables)
    binned = partial(counted, edges_pe=CODE_PE, edges_us=CODE_US)
    backgrounds = {name: spread(clock.shapes[name], clock.shares[name].at(0.0)) for name in norms}
    backgrounds[STEADY_STATE] = binned(tables["anticoincidence"]).ravel()
    scales = (
        Nuisance(name=name, sigma=sigma, scales=(name,), least=-1.0) for name, sigma in CODE_UNCERTAINTIES.items()
    )
    experiment = Experiment(
        measurement=Measurement(
            axes={PHOTOELECTRONS: CODE_PE, ARRIVAL_TIME: CODE_US},
            observed=binned(tables["coincidence"]).ravel(),
            backgrounds=backgrounds,
        ),
        response=seen(0),
        nuisances=(
            Nuisance(name=AMPLITUDE, sigma=None, scales=(SIGNAL,), least=-1.0),
            Nuisance(name="efficiency", sigma=1.0),
            *scales,
            Nuisance(name=OFFSET, sigma=None, least=0.0, most=float(CODE_OFFSETS_US[-1])),
        ),
        variations={"efficiency": (Variation(response=seen(1)), None)},
        clock=clock,
    )
    used = replace(analysis, form_factor="helm_rms")
    return Model(analyses=(used,), datasets=(assemble(used, experiment, "poisson"),))


def events_of_a_public_code(analysis: Analysis, tables: Tables, *, integrated: bool = False) -> dict[str, float]:
    """What it fits: CEvNS events as it counts them, of its nominal efficiency, and where its fit ends.

    Nuisances by name, and backgrounds as counts. ArithmeticError if the fit finds no minimum.
    """
    model = as_a_public_code(analysis, tables, integrated=integrated)
    fit = minimum(model).values.to_dict()
    backgrounds = model.dataset.measurement.backgrounds
    counts = {name: (1 + fit[name]) * float(backgrounds[name].sum()) for name in CODE_UNCERTAINTIES}
    events = (1 + fit[AMPLITUDE]) * float(model.standard_model_counts.sum())
    return {"cevns_counts": events, **counts, "efficiency": fit["efficiency"], OFFSET: fit[OFFSET]}
