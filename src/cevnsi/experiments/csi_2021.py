"""The whole exposure of COHERENT's CsI detector (arXiv:2110.07730), which contains that of 2017, in energy and time.

Neutrinos, beam-related neutrons and neutrino-induced neutrons come at times of the release's files and an offset, which
is not known; the steady state knows nothing of the beam.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from cevnsi.arrays import FloatArray
from cevnsi.experiments.checks import LARGEST_PHOTOELECTRONS, Paths, Tables, release_rows
from cevnsi.experiments.clock import Clock, Shares
from cevnsi.experiments.csi_2017 import CSI_TARGETS, PERIOD
from cevnsi.experiments.csi_2017_time import SUM_WITHIN, bin_edges, bins_text, evenly_spaced
from cevnsi.experiments.exposure import Exposure
from cevnsi.experiments.measurement import ARRIVAL_TIME, PHOTOELECTRONS, ROUNDING, Measurement, Sideband, edges_of
from cevnsi.experiments.release import FLUX, FLUX_UNCERTAINTY, Experiment, Release, Variation, checked_as_read
from cevnsi.experiments.response import GammaLaw, Response, gamma_response, polynomial
from cevnsi.files.atomic import TableError, read_lines
from cevnsi.files.strict_yaml import LARGEST
from cevnsi.files.tables import Table, decimal
from cevnsi.statistics.nuisances import SIGNAL, Nuisance, spread

CSI_2021 = Exposure(  # arXiv:2110.07730; a recoil's light is a curve, so that there is no yield
    detector_mass_kg=14.6,
    protons_on_target=3.198e23,
    neutrinos_per_proton=0.0848,
    baseline_m=19.3,
)
LAW = GammaLaw(kevee_per_pe=0.0749, shape_per_kevee=9.56)  # arXiv:2110.07730, 13.35 photoelectrons per keVee
HIGHEST_RECOIL_MEV = 0.048  # of iodine at the end point of muon decay, 2 (m_mu / 2)^2 / M, it is 0.0472
FLAVORS = ("nu_e", "nu_mu", "nu_mu_bar")

BEAM, INDUCED, STEADY_STATE = "beam_related_neutrons", "neutrino_induced_neutrons", "steady_state"  # backgrounds
NEUTRONS = (BEAM, INDUCED)
# Of the fit, to which the norms of all backgrounds belong: photoelectrons below, and microseconds before.
FIT_PE, FIT_US = 60.0, 6.0
NORMS = {BEAM: 18.4, INDUCED: 5.6, STEADY_STATE: 1286.0}  # counts, arXiv:2110.07730
UNCERTAINTIES = {BEAM: 0.25, INDUCED: 0.35, STEADY_STATE: 0.021}  # relative, arXiv:2110.07730
RADIUS_UNCERTAINTY = 0.022  # relative: the form factor's 11 of 341 events of arXiv:2110.07730
KEPT_UNTIL_US, LOST_PER_US = 0.52, 0.0494  # the efficiency in time is one, and falls exponentially after that

OFFSET, LARGEST_OFFSET_US = "time_offset_us", 0.25  # as the files of neutrons go so far beyond the fit's times
# The cubic splines of the files' 10 ns have knots where an offset brings one of their edges to one of the bins': with
# nodes there, a spline in the offset is that very function; two more stand for what a spline does not know at its ends.
_STEPS = np.arange(-50, 51) * 0.005
OFFSETS_US = np.sort(np.concatenate([_STEPS, [_STEPS[0] + 0.0025, _STEPS[-1] - 0.0025]]))

EVENTS = ("photoelectrons", "arrival_time_us")
LATEST_US = 12.0  # of an event in the release
PE_EDGES, US_EDGES = ("bin_low_pe", "bin_high_pe"), ("bin_low_us", "bin_high_us")
ROLES = (
    *("coincidence", "anticoincidence", "efficiency", "scintillation", "neutrino_times"),
    *(f"{name}_{of}" for name in NEUTRONS for of in ("photoelectrons", "times")),
)
FLUX_COLUMNS = ("nu_mu", "nu_mu_bar", "nu_e")  # of the file of times, after two edges; that of nu_e_bar follows
# Values of nuisances at each row of coefficients, and how the files call it.
# ASSUME: of the efficiency's variations, which are both called +1 sigma, the second is -1: it has the lower efficiency.
EFFICIENCIES = {"efficiency": (0.0, 1.0, -1.0)}
EFFICIENCY_LABELS = ("Nominal efficiency model", "Syst model, +1 sigma", "Syst model, +1 sigma")
QUENCHINGS = {"quenching_0": (0.0, 1.0, -1.0, 0.0, 0.0), "quenching_1": (0.0, 0.0, 0.0, 1.0, -1.0)}
QUENCHING_LABELS = (
    "Nominal scintillation model",
    *(f"Syst model {model}, {side}1 sigma" for model in (0, 1) for side in "+-"),
)
COEFFICIENTS = ("a", "b", "c", "d")


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What is left open: the bins, of lists of events."""

    photoelectron_edges: tuple[float, ...] = (0.0, 8.0, 12.0, 16.0, 20.0, 24.0, 32.0, 40.0, 50.0, 60.0)
    time_edges_us: tuple[float, ...] = (*(i / 8 for i in range(9)), 2.0, 4.0, 6.0)

    def __post_init__(self) -> None:
        """Refuse bins beyond those of the fit, where nobody says how large backgrounds are: ValueError."""
        for name, most in (("photoelectron_edges", FIT_PE), ("time_edges_us", FIT_US)):
            low, *_, high = getattr(self, name)
            if not 0 <= low < high <= most:
                said = f"from {low:g} to {high:g}; expected 0 to {most:g}"
                raise ValueError(f"{name}: {said}, as the backgrounds' norms are those of the release's fit")


def choices_of(section: Mapping[str, Any]) -> Choices:
    """Those of an analysis, in whose section `measurement` edges are a list, or min, max and step.

    ValueError of what `Choices` refuse, and of edges that do not increase.
    """
    return Choices(**{name: edges_of(name, given) for name, given in section.get("measurement", {}).items()})


def _events(path: Path) -> Table:
    """Photoelectrons and arrival times of events."""
    found = []
    for row, line, (pe, us) in release_rows(path, "photoelectrons and arrival time of an event", 2, None):
        for value, most, unit in ((pe, LARGEST_PHOTOELECTRONS, "photoelectrons"), (us, LATEST_US, "microseconds")):
            if not 0 <= value <= most:
                raise TableError(f"{path}: row {row}: {line!r}: {value:g} {unit}; expected 0 to {most:g}")
        found.append((pe, us))
    if not found:
        raise TableError(f"{path}: has no events; expected rows of photoelectrons and arrival time")
    return Table(zip(EVENTS, np.array(found).T, strict=True))


def _coefficients(path: Path, labels: Sequence[str]) -> tuple[FloatArray, list[int]]:
    """Rows of four coefficients, each below a comment that says what it is, (rows, 4), and where they stand."""
    found: list[list[float]] = []
    said, rows = "", []
    for i, line in enumerate(read_lines(path), start=1):
        if line.startswith("#"):
            said = line.strip("# ")
        elif line.strip():
            try:
                numbers = [decimal(cell) for cell in re.findall("[^ \t]+", line)]
            except ValueError:
                numbers = []
            if len(numbers) != len(COEFFICIENTS) or max(map(abs, numbers)) > LARGEST:
                raise TableError(f"{path}: row {i}: {line!r} is not 'a b c d', numbers up to {LARGEST:g}")
            if len(found) == len(labels):
                raise TableError(f"{path}: row {i}: {line!r} is one too many; expected {len(labels)} rows of numbers")
            if said != labels[len(found)]:
                raise TableError(f"{path}: row {i}: is of {said!r}; expected {labels[len(found)]!r}")
            found.append(numbers)
            rows.append(i)
    if len(found) < len(labels):
        raise TableError(f"{path}: has no {labels[len(found)]!r}; expected {len(labels)} rows of numbers")
    return np.array(found), rows


def _efficiencies(path: Path) -> Table:
    """Coefficients of the efficiency, which grows from nothing to at most one."""
    found, rows = _coefficients(path, EFFICIENCY_LABELS)
    for row, (a, b, _, d) in zip(rows, found, strict=True):
        if not (a > 0 and b > 0 and 0 < a + d <= 1):
            raise TableError(f"{path}: row {row}: a {a:g}, b {b:g}, d {d:g}; expected a, b above 0, a + d in (0, 1]")
    return Table({**_named(EFFICIENCIES), **dict(zip(COEFFICIENTS, found.T, strict=True))})


def _quenchings(path: Path) -> Table:
    """Coefficients of the visible energy, which grows with that of the recoil."""
    found, rows = _coefficients(path, QUENCHING_LABELS)
    recoil = np.linspace(0, HIGHEST_RECOIL_MEV, 201)
    for row, numbers in zip(rows, found, strict=True):
        visible = polynomial(numbers.tolist())(recoil)
        if not (np.diff(visible) > 0).all():
            at = 1e3 * recoil[int(np.diff(visible).argmin())]
            raise TableError(f"{path}: row {row}: visible energy falls at a recoil of {at:.3g} keV; expected a growth")
    return Table({**_named(QUENCHINGS), **dict(zip(COEFFICIENTS, found.T, strict=True))})


def _named(values: Mapping[str, Sequence[float]]) -> dict[str, FloatArray]:
    return {name: np.array(given) for name, given in values.items()}


def _neutrino_times(path: Path) -> Table:
    """Shares of each flavor in bins of time, which sum to one."""
    # ASSUME: nu_e_bar are left out, one neutrino in a thousand of a flavor; their last column is not used
    found: list[list[float]] = []
    for row, line, numbers in release_rows(path, "low edge, high edge, nu_mu, nu_mu_bar, nu_e, nu_e_bar", 6):
        low, high, *shares = numbers
        if min(shares) < 0:
            raise TableError(f"{path}: row {row}: {min(shares):g} is negative; expected shares of zero or more")
        if not low < high <= LARGEST:
            raise TableError(
                f"{path}: row {row}: {line!r}: a bin from {low:g} to {high:g}; expected edges that increase"
            )
        if found and abs(low - found[-1][1]) > ROUNDING * (high - low):
            raise TableError(f"{path}: row {row}: a bin from {low:g} after one to {found[-1][1]:g}; expected no gap")
        found.append(numbers)
    if len(found) < 2:
        raise TableError(f"{path}: has {len(found)} rows; expected 2 or more of shares in bins of time")
    low, high, *columns = np.array(found).T
    made = Table(zip(US_EDGES, (low / 1e3, high / 1e3), strict=True))
    named = dict(zip(FLUX_COLUMNS, columns, strict=False))
    for flavor in FLAVORS:
        if not abs(named[flavor].sum() - 1) <= SUM_WITHIN:
            raise TableError(f"{path}: shares of {flavor} sum to {named[flavor].sum():.9g}; expected 1")
        made[flavor] = named[flavor]
    if made[US_EDGES[1]][-1] < FIT_US + LARGEST_OFFSET_US:
        raise TableError(f"{path}: ends at {high[-1]:g} ns; expected {1e3 * (FIT_US + LARGEST_OFFSET_US):g} or more")
    return made


def _neutron_table(paths: Paths, of: str, names: tuple[str, str], low: float, high: float) -> Table:
    """Both kinds of neutrons in bins of one axis, which cover an interval."""
    made: Table = Table()
    for name in NEUTRONS:
        path = paths[f"{name}_{of}"]
        centres, contents = evenly_spaced(path, "bin centre, content", None)
        edges = bin_edges(path, centres)
        missed = ROUNDING * (edges[1] - edges[0])
        if not (edges[0] <= low + missed and edges[-1] >= high - missed):
            raise TableError(f"{path}: its bins are from {edges[0]:g} to {edges[-1]:g}; expected {low:g} to {high:g}")
        if made and (made[names[0]].size != edges.size - 1 or np.abs(made[names[0]] - edges[:-1]).max() > missed):
            raise TableError(f"{path}: its bins are not those of {paths[f'{BEAM}_{of}']}")
        if not sum(contents) > 0:
            raise TableError(f"{path}: has no counts; expected some")
        made |= {names[0]: edges[:-1], names[1]: edges[1:]} if not made else {}
        made[name] = np.array(contents)
    return made


def read_csi_2021(paths: Paths) -> Tables:
    """Events, coefficients of efficiency and quenching, and neutrinos and neutrons in bins of 10 ns and of 1 PE.

    TableError of files that are not sound.
    """
    by_pe = _neutron_table(paths, "photoelectrons", PE_EDGES, 0.0, FIT_PE)
    below = by_pe[PE_EDGES[1]] <= FIT_PE * (1 + ROUNDING)
    for name in NEUTRONS:
        within = float((by_pe[name] * (by_pe[PE_EDGES[1]] - by_pe[PE_EDGES[0]]))[below].sum())
        if not abs(within - 1) <= SUM_WITHIN:
            said = f"its densities sum to {within:.9g} below {FIT_PE:g} photoelectrons; expected 1"
            raise TableError(f"{paths[f'{name}_photoelectrons']}: {said}")
    return {
        **{window: _events(paths[window]) for window in ROLES[:2]},
        "efficiency": _efficiencies(paths["efficiency"]),
        "quenching": _quenchings(paths["scintillation"]),
        "neutrinos_in_time": _neutrino_times(paths["neutrino_times"]),
        "neutrons_in_time": _neutron_table(paths, "times", US_EDGES, -LARGEST_OFFSET_US, FIT_US + LARGEST_OFFSET_US),
        "neutrons_by_photoelectrons": by_pe,
    }


@dataclass(frozen=True, kw_only=True)
class Efficiency:
    """a / (1 + exp(-b (x - c))) + d of x reconstructed photoelectrons, or nothing where that is negative.

    As the release has it (arXiv:2110.07730).
    """

    a: float
    b: float  # per photoelectron
    c: float  # photoelectrons
    d: float

    def __call__(self, photoelectrons: FloatArray) -> FloatArray:
        """The fraction at each value, of any shape."""
        return np.clip(self.a / (1 + np.exp(-self.b * (photoelectrons - self.c))) + self.d, 0.0, None)

    @property
    def kinks(self) -> FloatArray:
        """Photoelectrons where it begins, (1,), or (0,) if it has no beginning."""
        return np.array([self.c - np.log(-self.a / self.d - 1) / self.b] if self.d < 0 else [])


def _at(table: Mapping[str, Any], nuisance: str = "", value: float = 0.0) -> list[float]:
    """The coefficients where one nuisance has a value, and all others have none."""
    others = [name for name in (*EFFICIENCIES, *QUENCHINGS) if name in table and name != nuisance]
    wanted = np.all([table[name] == 0 for name in others], axis=0) & (table[nuisance] == value if nuisance else True)
    row = int(np.flatnonzero(wanted)[0])
    return [float(table[name][row]) for name in COEFFICIENTS]


def response(
    edges_pe: FloatArray, efficiency: Sequence[float], quenching: Sequence[float], law: GammaLaw = LAW
) -> Response:
    """In bins of photoelectrons, of coefficients a, b, c, d; each flavor has arrival times of its own.

    Edges are (energy bins + 1,). ValueError of a quenching that is too steep for so many nodes.
    """
    curve = Efficiency(**dict(zip(COEFFICIENTS, efficiency, strict=True)))
    made = gamma_response(edges_pe, curve, curve.kinks, polynomial(quenching), law, HIGHEST_RECOIL_MEV)
    return replace(made, arrival=dict(zip(FLAVORS, np.eye(len(FLAVORS)), strict=True)))


def time_shares(edges_us: FloatArray, contents: FloatArray, bins_us: FloatArray, offsets_us: FloatArray) -> FloatArray:
    """What of a histogram in time is seen in bins, if it is late by offsets, (offsets, bins).

    Its edges are (contents + 1,), those of the bins (bins + 1,); all times in us. The efficiency is that of the
    reconstructed time, and is in none of the files.
    """
    # ASSUME: contents grow smoothly: a cubic spline through their sums at the edges. With straight lines chi2 has
    # a kink every 5 ns; what differs is half of a file's bin, where one of an analysis ends in its middle.
    from scipy.interpolate import CubicSpline

    arrived = CubicSpline(edges_us, np.append(0.0, np.cumsum(contents)))
    density, (abscissa, weight) = arrived.derivative(), np.polynomial.legendre.leggauss(4)

    def lost_by(low: FloatArray, high: FloatArray) -> FloatArray:
        """Integral of the density times exp(-rate * time) over pieces without a knot inside."""
        half = (high - low)[..., None] / 2
        time = low[..., None] + half * (1 + abscissa)
        return np.asarray((half * weight * np.exp(-LOST_PER_US * time) * density(time)).sum(axis=-1))

    whole = np.append(0.0, np.cumsum(lost_by(edges_us[:-1], edges_us[1:])))

    def falling(time: FloatArray) -> FloatArray:
        """The same from the first edge on."""
        place = np.clip(np.searchsorted(edges_us, time, side="right") - 1, 0, edges_us.size - 2)
        return np.asarray(whole[place] + lost_by(edges_us[place], time))

    def before(bins: FloatArray, late: FloatArray) -> FloatArray:
        return np.clip(bins - late, edges_us[0], edges_us[-1])

    late = offsets_us[:, None]
    seen = arrived(before(np.minimum(bins_us, KEPT_UNTIL_US), late))
    after = falling(before(np.maximum(bins_us, KEPT_UNTIL_US), late)) - falling(before(np.array([KEPT_UNTIL_US]), late))
    return np.diff(seen + np.exp(LOST_PER_US * (KEPT_UNTIL_US - late)) * after, axis=1)


def clock_of(tables: Tables, choices: Choices, offsets_us: FloatArray = OFFSETS_US) -> Clock:
    """Arrivals of neutrinos and neutrons in the bins of an analysis, known at offsets (nodes,) in us."""
    bins = np.array(choices.time_edges_us)

    def shares(table: Mapping[str, Any], names: Sequence[str], edges_us: FloatArray) -> FloatArray:
        edges = np.append(table[US_EDGES[0]], table[US_EDGES[1]][-1])
        return np.stack([time_shares(edges, table[name], edges_us, offsets_us) for name in names], axis=1)

    of_neutrinos = shares(tables["neutrinos_in_time"], FLAVORS, bins)
    found = {SIGNAL: Shares(offsets=offsets_us, values=of_neutrinos)}
    for name in NEUTRONS:
        # ASSUME: whatever the offset, norms of neutrons are what is seen within the fit's times; the signal's is not
        in_fit = shares(tables["neutrons_in_time"], [name], np.array([0.0, FIT_US]))
        found[name] = Shares(offsets=offsets_us, values=shares(tables["neutrons_in_time"], [name], bins) / in_fit)
    by_pe = tables["neutrons_by_photoelectrons"]
    ends, edges = np.append(by_pe[PE_EDGES[0]], by_pe[PE_EDGES[1]][-1]), np.array(choices.photoelectron_edges)
    shapes = {}
    for name in NEUTRONS:
        below = np.append(0.0, np.cumsum(by_pe[name] * np.diff(ends)))
        shapes[name] = NORMS[name] * np.diff(np.interp(edges, ends, below))
    return Clock(nuisance=OFFSET, shares=found, shapes=shapes)


def counted(events: Mapping[str, Any], edges_pe: FloatArray, edges_us: FloatArray) -> FloatArray:
    """Events in bins [low, high), (photoelectrons, times), of edges (photoelectrons + 1,) and (times + 1,)."""
    place = [
        np.searchsorted(edges, events[name], side="right") - 1
        for name, edges in zip(EVENTS, (edges_pe, edges_us), strict=True)
    ]
    shape = (edges_pe.size - 1, edges_us.size - 1)
    inside = np.all([(at >= 0) & (at < size) for at, size in zip(place, shape, strict=True)], axis=0)
    found = np.zeros(shape)
    np.add.at(found, (place[0][inside], place[1][inside]), 1.0)
    return found


def _steady_state(tables: Tables, edges_pe: FloatArray, edges_us: FloatArray) -> Sideband:
    """Photoelectrons of the anticoincidence, times an exponential in time.

    Counts are those in the bins of photoelectrons, and last all others of the fit.
    """
    # ASSUME: photoelectrons at each time are those of all of the fit; it falls in time as the efficiency, but from zero
    in_fit = np.array([0.0, FIT_US])
    by_pe = counted(tables["anticoincidence"], edges_pe, in_fit)[:, 0]
    every = counted(tables["anticoincidence"], np.array([0.0, FIT_PE]), in_fit).sum()
    if not every:
        said = f"below {FIT_PE:g} photoelectrons and {FIT_US:g} microseconds; expected some"
        raise ValueError(f"{STEADY_STATE}: no events of the anticoincidence {said}")
    falling = -np.diff(np.exp(-LOST_PER_US * edges_us)) / -np.expm1(-LOST_PER_US * FIT_US)
    return Sideband(mean=np.append(by_pe, every - by_pe.sum()), made=partial(_in_time, falling))


def _in_time(falling: FloatArray, counts: FloatArray) -> FloatArray:
    """The steady state of each row of counts, (rows, bins): its norm, shared as they are and as it falls in time."""
    shares = counts[:, :-1] / np.maximum(counts.sum(axis=1, keepdims=True), 1.0)
    return np.asarray(NORMS[STEADY_STATE] * shares[:, :, None] * falling).reshape(len(counts), -1)


def measured(tables: Tables, choices: Choices, clock: Clock) -> tuple[Measurement, dict[str, Sideband]]:
    """Counts, and backgrounds without an offset, in the bins of an analysis; and what the steady state is made of.

    ValueError where no event of the anticoincidence is in the bins of the fit.
    """
    pe, us = np.array(choices.photoelectron_edges), np.array(choices.time_edges_us)
    neutrons = {name: spread(clock.shapes[name], clock.shares[name].at(0.0)) for name in NEUTRONS}
    sideband = _steady_state(tables, pe, us)
    measurement = Measurement(
        axes={PHOTOELECTRONS: pe, ARRIVAL_TIME: us},
        observed=counted(tables["coincidence"], pe, us).ravel(),
        backgrounds={**neutrons, STEADY_STATE: sideband.made(sideband.mean[None])[0]},
    )
    return measurement, {STEADY_STATE: sideband}


def nuisances() -> tuple[Nuisance, ...]:
    """Of the signal, of the norms of backgrounds, and of the offset."""
    return (
        Nuisance(name=FLUX, sigma=FLUX_UNCERTAINTY, scales=(SIGNAL,), least=-1.0),
        *(Nuisance(name=name, sigma=1.0) for name in (*EFFICIENCIES, *QUENCHINGS, "radius")),
        *(Nuisance(name=sample, sigma=sigma, scales=(sample,), least=-1.0) for sample, sigma in UNCERTAINTIES.items()),
        Nuisance(name=OFFSET, sigma=None, least=-LARGEST_OFFSET_US, most=LARGEST_OFFSET_US),
    )


def variations_of(tables: Tables, edges_pe: FloatArray) -> dict[str, tuple[Variation, Variation]]:
    """What one of each nuisance of the signal's shape makes of the response, or of the radius, at +1 and at -1.

    Edges are (energy bins + 1,). ValueError as that of `response`.
    """
    efficiency, quenching = tables["efficiency"], tables["quenching"]

    def of_efficiency(name: str, value: float) -> Variation:
        return Variation(response=response(edges_pe, _at(efficiency, name, value), _at(quenching)))

    def of_quenching(name: str, value: float) -> Variation:
        return Variation(response=response(edges_pe, _at(efficiency), _at(quenching, name, value)))

    radius = (Variation(radius=1 + RADIUS_UNCERTAINTY), Variation(radius=1 - RADIUS_UNCERTAINTY))
    return {
        **{name: (of_efficiency(name, 1.0), of_efficiency(name, -1.0)) for name in EFFICIENCIES},
        **{name: (of_quenching(name, 1.0), of_quenching(name, -1.0)) for name in QUENCHINGS},
        "radius": radius,
    }


def _experiment(tables: Tables, section: Mapping[str, Any], exposure: Exposure) -> Experiment:
    choices = choices_of(section)
    pe, clock = np.array(choices.photoelectron_edges), clock_of(tables, choices)
    measurement, sidebands = measured(tables, choices, clock)
    return Experiment(
        measurement=measurement,
        sidebands=sidebands,
        response=response(pe, _at(tables["efficiency"]), _at(tables["quenching"])),
        nuisances=nuisances(),
        variations=variations_of(tables, pe),
        clock=clock,
    )


def _bins(section: Mapping[str, Any]) -> str:
    choices = choices_of(section)
    return bins_text(choices.photoelectron_edges, choices.time_edges_us)


RELEASE_CSI_2021 = Release(
    title="the official COHERENT release of all CsI data (arXiv:2110.07730), in energy and time",
    references=("coherent_csi_2021", "chi2_pull_test"),
    roles=ROLES,
    read=read_csi_2021,
    exposure=CSI_2021,
    check=checked_as_read,
    tables={
        **dict.fromkeys(ROLES[:2], EVENTS),
        "efficiency": (*EFFICIENCIES, *COEFFICIENTS),
        "quenching": (*QUENCHINGS, *COEFFICIENTS),
        "neutrinos_in_time": (*US_EDGES, *FLAVORS),
        "neutrons_in_time": (*US_EDGES, *NEUTRONS),
        "neutrons_by_photoelectrons": (*PE_EDGES, *NEUTRONS),
    },
    shown={},
    experiment=_experiment,
    statistic="poisson",
    periods=(PERIOD, "the CsI exposure after 2017"),
    needs=(),
    targets=CSI_TARGETS,
    choices={field.name: () for field in fields(Choices)},
    bins=_bins,
)
