"""The release of CsI 2017 (arXiv:1804.09459) in energy and time: backgrounds, arrival, response and what is not known.

Counts C of the coincidence window, beam on, hold the signal; those of the anticoincidence window (AC) and of beam off
are steady-state background alone.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from cevnsi.arrays import FloatArray
from cevnsi.experiments.checks import LARGEST_PHOTOELECTRONS, Paths, Tables, release_rows
from cevnsi.experiments.csi_2017 import CSI_2017, CSI_TARGETS, PERIOD, logistic_acceptance, release_histogram
from cevnsi.experiments.exposure import Exposure
from cevnsi.experiments.measurement import (
    ARRIVAL_TIME,
    PHOTOELECTRONS,
    ROUNDING,
    Control,
    Measurement,
    Sideband,
    bins_between,
    edges_of,
)
from cevnsi.experiments.release import FLUX, FLUX_UNCERTAINTY, Experiment, Release, checked_as_read
from cevnsi.experiments.response import (
    LOGISTIC_STEPS_PE,
    READ_AT,
    SMEARINGS,
    Logistic,
    Response,
    poisson_response,
    sharp_response,
)
from cevnsi.files.atomic import TableError
from cevnsi.files.strict_yaml import LARGEST
from cevnsi.files.tables import Table
from cevnsi.statistics.nuisances import SIGNAL, Nuisance

BEAM_EXPOSURE_GWH = 7.47594  # beamExposure of coherent_parameters.yaml
DAYS_OFF, DAYS_ON = 153.5, 308.1  # of beam, Sec. 2 of arXiv:1804.09459
# Windows that hold the steady state alone, in units of the one that holds the signal: AC as long as C with beam on, and
# AC and C with beam off.
WINDOWS = 1 + 2 * DAYS_OFF / DAYS_ON

NEUTRONS, STEADY_STATE = "prompt_neutrons", "steady_state"  # backgrounds
ARRIVALS = ("prompt_neutrinos", "delayed_neutrinos", NEUTRONS)
ARRIVAL_OF_FLAVOR = {"nu_e": "delayed_neutrinos", "nu_mu": "prompt_neutrinos", "nu_mu_bar": "delayed_neutrinos"}

ROLES = (
    *("coincidence", "anticoincidence", "coincidence_off", "anticoincidence_off"),
    *("neutrons", *(f"arrival_{name}" for name in ARRIVALS), "parameters"),
)
EDGES = ("bin_low_pe", "bin_high_pe", "bin_low_us", "bin_high_us")
BINS = "bins"  # the steady state of each bin is known from its own counts alone, on and off
SUM_WITHIN = 1e-6  # of one, of an arrival that is normalized
DECIMALS = 9  # of an edge between centres that are decimals

SIGNAL_UNCERTAINTY = 0.28  # arXiv:1708.01294
NEUTRON_UNCERTAINTY = 0.25  # promptNeutronNormalization of coherent_parameters.yaml


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What the release leaves open."""

    photoelectron_edges: tuple[float, ...] = tuple(np.arange(6.0, 31.0, 2.0).tolist())  # some of the release's own
    time_edges_us: tuple[float, ...] = tuple(np.arange(0.0, 6.5, 0.5).tolist())
    smearing: str = "none"  # of `response.SMEARINGS`
    acceptance_at: str = "true"  # of `response.READ_AT`
    steady_state_data: str = "beam_on"  # or "all"
    steady_state_shape: str = "marginals"  # of `SHAPES`, or `BINS`
    flux_uncertainty: float = 0.0  # the part of the signal's that is the flux's, with a nuisance of its own; 0: none

    def __post_init__(self) -> None:
        """Refuse choices that are none, and those that would do nothing beside the others: ValueError."""
        for name, values in KNOWN.items():
            if getattr(self, name) not in values:
                raise ValueError(f"{name}: {getattr(self, name)!r}; expected one of {', '.join(values)}")
        if not 0 <= self.flux_uncertainty < SIGNAL_UNCERTAINTY:
            most = f"all of the signal, {SIGNAL_UNCERTAINTY:g}"
            raise ValueError(f"flux_uncertainty: {self.flux_uncertainty:g}; expected 0 or more, below that of {most}")
        if self.smearing == "none" and self.acceptance_at != "true":
            raise ValueError(f"acceptance_at: {self.acceptance_at!r} of what is not smeared; expected true")


def choices_of(section: Mapping[str, Any]) -> Choices:
    """Those of an analysis, in whose section `measurement` edges are a list, or min, max and step.

    ValueError of what `Choices` refuse, and of edges that do not increase.
    """
    chosen = dict(section.get("measurement", {}))
    for name in ("photoelectron_edges", "time_edges_us"):
        if name in chosen:
            chosen[name] = edges_of(name, chosen[name])
    if "flux_uncertainty" in chosen:
        chosen["flux_uncertainty"] = float(chosen["flux_uncertainty"])
    return Choices(**chosen)


def evenly_spaced(path: Path, what: str, separator: str | None = ",") -> tuple[list[float], list[float]]:
    """Centres, evenly spaced, and contents of a file of the release; without a separator blanks stand between them.

    Raises TableError with file and row.
    """
    centres, contents, rows = [], [], []
    for row, _, (centre, content) in release_rows(path, what, 2, separator):
        if content < 0:
            raise TableError(f"{path}: row {row}: {content:g} is negative; expected a content of zero or more")
        if content > LARGEST:
            raise TableError(f"{path}: row {row}: {content:g}; expected a content of at most {LARGEST:g}")
        centres.append(centre)
        contents.append(content)
        rows.append(row)
    if len(centres) < 2:
        raise TableError(f"{path}: has {len(centres)} rows; expected 2 or more of '{what}'")
    step = centres[1] - centres[0]
    for before, after, row in zip(centres, centres[1:], rows[1:], strict=False):
        if not before < after:
            raise TableError(f"{path}: row {row}: {after:g} after {before:g}; expected centres that increase")
        if not abs(after - before - step) <= ROUNDING * step:
            raise TableError(
                f"{path}: row {row}: {after:g} after {before:g}; expected steps of {step:g} as in the first"
            )
    return centres, contents


def bin_edges(path: Path, centres: list[float]) -> FloatArray:
    """Edges (bins + 1,) of bins about evenly spaced centres, in their unit; TableError of steps that are too small."""
    half = (centres[1] - centres[0]) / 2
    if not (half > 10**-DECIMALS and centres[-1] <= LARGEST):
        ends = f"{centres[0]:g} to {centres[-1]:g} by {2 * half:g}"
        raise TableError(f"{path}: centres from {ends}; expected steps above {2 * 10**-DECIMALS:g} up to {LARGEST:g}")
    return np.round(np.append(np.array(centres) - half, centres[-1] + half), DECIMALS)


def _cells(path: Path) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Edges of photoelectrons and of time, and counts (photoelectrons, times)."""
    found = release_histogram(path)
    if not found:
        raise TableError(f"{path}: has no bins; expected rows of photoelectrons, arrival time, counts")
    energies, times = (sorted({cell[axis] for cell in found}) for axis in (0, 1))
    for name, centres in (("photoelectrons", energies), ("arrival times", times)):
        steps = np.diff(centres)
        if not (len(centres) > 1 and np.allclose(steps, steps[0], rtol=ROUNDING, atol=0)):
            gap = centres[int(steps.argmax())] if len(centres) > 1 else centres[0]
            raise TableError(f"{path}: {name} have a gap after {gap:g}; expected evenly spaced centres of bins")
    counts = np.array([[found[energy, time] for time in times] for energy in energies], float)
    return bin_edges(path, energies), bin_edges(path, times), counts


def _neutrons_before_acceptance(path: Path, edges_pe: FloatArray) -> Table:
    """Prompt neutrons by photoelectrons, in bins at which those of the counts end."""
    centres, per_gwh = evenly_spaced(path, "photoelectrons, neutrons / GWhr")
    edges = bin_edges(path, centres)
    missing = np.abs(edges - edges_pe[:, None]).min(axis=1) > ROUNDING * (edges[1] - edges[0])
    if missing.any():
        ends = f"its bins are from {edges[0]:g} to {edges[-1]:g} by {edges[1] - edges[0]:g}"
        raise TableError(
            f"{path}: {ends}; expected one to end at {edges_pe[missing][0]:g}, where one of the counts does"
        )
    return Table(photoelectrons=np.array(centres), counts=np.array(per_gwh) * BEAM_EXPOSURE_GWH)


def read_energy_time(paths: Paths) -> Tables:
    """Counts by bin of energy and time, the arrivals, the neutrons before acceptance, and the acceptance's numbers.

    TableError of files that are not sound, or not of the same bins.
    """
    cells = {role: _cells(paths[role]) for role in ROLES[:4]}
    pe, us, observed = cells["coincidence"]
    for role, (other_pe, other_us, _) in cells.items():
        if not (np.array_equal(pe, other_pe) and np.array_equal(us, other_us)):
            raise TableError(f"{paths[role]}: its bins are not those of {paths['coincidence']}")
    if not 0 <= pe[0] < pe[-1] <= LARGEST_PHOTOELECTRONS:
        ends = f"photoelectrons from {pe[0]:g} to {pe[-1]:g}"
        raise TableError(f"{paths['coincidence']}: {ends}; expected 0 to {LARGEST_PHOTOELECTRONS:g}")
    without = [cells[role][2] for role in ROLES[1:4]]
    shape = observed.shape
    counts = Table(
        bin_low_pe=np.repeat(pe[:-1], shape[1]),
        bin_high_pe=np.repeat(pe[1:], shape[1]),
        bin_low_us=np.tile(us[:-1], shape[0]),
        bin_high_us=np.tile(us[1:], shape[0]),
        observed_counts=observed.ravel(),
        beam_on_counts=cells["anticoincidence"][2].ravel(),
        all_counts=np.sum(without, axis=0).ravel(),
    )
    arrival = Table(bin_low_us=us[:-1], bin_high_us=us[1:])
    for name in ARRIVALS:
        path = paths[f"arrival_{name}"]
        centres, shares = evenly_spaced(path, "bin center, fractional intensity")
        if len(centres) != us.size - 1 or not np.allclose(
            bin_edges(path, centres), us, rtol=0, atol=ROUNDING * (us[1] - us[0])
        ):
            raise TableError(f"{path}: its bins of time are not those of {paths['coincidence']}")
        if not abs(sum(shares) - 1) <= SUM_WITHIN:
            raise TableError(f"{path}: its shares sum to {sum(shares):.9g}; expected 1")
        arrival[name] = np.array(shares)
    neutrons = _neutrons_before_acceptance(paths["neutrons"], pe)
    curve = logistic_acceptance(paths["parameters"])
    if not 0 <= curve.plateau <= 1:
        raise TableError(f"{paths['parameters']}: the acceptance a is {curve.plateau:g}; expected a number in [0, 1]")
    efficiency = Table(
        plateau=np.array([curve.plateau]), steepness=np.array([curve.steepness]), midpoint=np.array([curve.midpoint])
    )
    return {"counts": counts, "arrival": arrival, "neutrons": neutrons, "efficiency": efficiency}


def _product_of_marginals(counts: FloatArray, edges_us: FloatArray) -> FloatArray:
    """Shares of the bins (..., energies, times) if energy and time know nothing of each other."""
    by_energy, by_time = counts.sum(axis=-1, keepdims=True), counts.sum(axis=-2, keepdims=True)
    return np.asarray(by_energy * by_time / counts.sum(axis=(-2, -1), keepdims=True) ** 2)


def exponential_shares(edges: FloatArray, rate: float) -> FloatArray:
    """What falls in each bin (bins,) of an exponential of any rate, normalized between the first and the last edge.

    Of edges (bins + 1,); the rate is per unit of theirs, and positive of what falls.
    """
    if rate == 0:
        return np.asarray(np.diff(edges) / (edges[-1] - edges[0]))
    survived = np.exp(-rate * (edges - edges[0]))
    return np.asarray(np.diff(survived) / (survived[-1] - survived[0]))


def _exponential_in_time(counts: FloatArray, edges_us: FloatArray) -> FloatArray:
    """The marginal of energy times an exponential in time, whose rate is the binned maximum likelihood's."""
    from scipy.optimize import minimize_scalar
    from scipy.special import xlogy

    if counts.ndim > 2:
        return np.stack([_exponential_in_time(each, edges_us) for each in counts])
    by_time, steepest = counts.sum(axis=0), 50 / (edges_us[-1] - edges_us[0])
    fit = minimize_scalar(
        lambda rate: -float(xlogy(by_time, exponential_shares(edges_us, rate)).sum()),
        bounds=(-steepest, steepest),
        method="bounded",
        options={"xatol": 1e-12},
    )
    return np.asarray(np.outer(counts.sum(axis=1), exponential_shares(edges_us, float(fit.x))) / counts.sum())


# Counts (..., energies, times) and edges of time to shares of the bins.
SHAPES: dict[str, Callable[[FloatArray, FloatArray], FloatArray]] = {
    "marginals": _product_of_marginals,
    "exponential": _exponential_in_time,
}
DATA = {"beam_on": ("beam_on_counts", 1.0), "all": ("all_counts", WINDOWS)}  # columns, and how many windows they hold
KNOWN: dict[str, Collection[str]] = {
    "smearing": SMEARINGS,
    "acceptance_at": READ_AT,
    "steady_state_data": DATA,
    "steady_state_shape": (*SHAPES, BINS),
}


def acceptance_of(efficiency: Mapping[str, Any]) -> Logistic:
    """The acceptance from its table."""
    return Logistic(**{name: float(efficiency[name][0]) for name in ("plateau", "steepness", "midpoint")})


def _axes(table: Mapping[str, Any]) -> dict[str, FloatArray]:
    return {
        PHOTOELECTRONS: np.unique(np.concatenate([table["bin_low_pe"], table["bin_high_pe"]])),
        ARRIVAL_TIME: np.unique(np.concatenate([table["bin_low_us"], table["bin_high_us"]])),
    }


def _neutrons(tables: Tables, edges_pe: FloatArray) -> FloatArray:
    """Prompt neutrons by bin of energy and of time; the acceptance is that at the centre of every bin of 1 PE."""
    x = tables["neutrons"]["photoelectrons"]
    accepted = tables["neutrons"]["counts"] * acceptance_of(tables["efficiency"])(x)
    by_energy, _ = np.histogram(x, bins=edges_pe, weights=accepted)
    return np.outer(by_energy, tables["arrival"][NEUTRONS])


def _starts(name: str, edges: FloatArray, wanted: Sequence[float]) -> list[int]:
    """Which bins begin at the wanted edges, and after all of them which one the last edge is the end of."""
    spans = [bins_between(name, edges, low, high) for low, high in pairwise(wanted)]
    return [*(span.start for span in spans), spans[-1].stop]


def _merged(values: FloatArray, starts: Sequence[int], axis: int) -> FloatArray:
    """Sums of bins from each start to the next."""
    within = np.take(values, np.arange(starts[0], starts[-1]), axis=axis)
    return np.asarray(np.add.reduceat(within, np.array(starts[:-1]) - starts[0], axis=axis))


@dataclass(frozen=True, kw_only=True)
class _SteadyState:
    """The steady state in the bins of an analysis, from counts without a signal in the release's bins of its window."""

    shape: str  # of `SHAPES`
    windows: float  # that the counts are of
    times_us: FloatArray  # edges of the release's bins
    starts: tuple[Sequence[int], Sequence[int]]  # of the analysis' bins, among the window's

    def by_cell(self, counts: FloatArray) -> FloatArray:
        """Expected in the release's bins, (..., energies, times) as the counts; nothing where there are none."""
        total = counts.sum(axis=(-2, -1), keepdims=True)
        shares = SHAPES[self.shape](np.where(total > 0, counts, 1.0), self.times_us)
        return np.asarray(total / self.windows * shares)

    def of_each(self, counts: FloatArray) -> FloatArray:
        """In the analysis' bins, (n, bins), of counts (n, cells of the window)."""
        times = self.times_us.size - 1
        cells = self.by_cell(counts.reshape(len(counts), -1, times))
        energies, bins_of_time = self.starts
        return _merged(_merged(cells, energies, 1), bins_of_time, 2).reshape(len(counts), -1)


def _signal_nuisances(flux: float) -> tuple[Nuisance, ...]:
    """What is not known of the signal's size: one nuisance, or that of the flux and what it leaves in quadrature.

    Their values add up, so that chi2 least over both is that least over one, but where one of them is at -1.
    """
    # ASSUME: the flux's part of 0.28 is independent of the rest, which is sqrt(0.28^2 - 0.10^2) = 0.2615 then.
    rest = SIGNAL_UNCERTAINTY if flux == 0 else float(np.sqrt(SIGNAL_UNCERTAINTY**2 - flux**2))
    own = Nuisance(name="signal_normalization", sigma=rest, scales=(SIGNAL,), least=-1.0)
    return (own,) if flux == 0 else (Nuisance(name=FLUX, sigma=flux, scales=(SIGNAL,), least=-1.0), own)


def measured(tables: Tables, choices: Choices) -> tuple[Measurement, tuple[Nuisance, ...], dict[str, Sideband]]:
    """Counts and backgrounds in the bins of an analysis, what is not known of them, and what the steady state is from.

    The steady state's shape is that of the release's own bins in the window; they are merged after that. ValueError of
    edges that are none of the release's, and where the window has no counts to tell the steady state from.
    """
    counts, axes = tables["counts"], _axes(tables["counts"])
    starts = [
        _starts(name, axes[name], wanted)
        for name, wanted in zip(axes, (choices.photoelectron_edges, choices.time_edges_us), strict=True)
    ]
    shape = tuple(np.size(edges) - 1 for edges in axes.values())
    window = tuple(slice(each[0], each[-1]) for each in starts)

    def binned(values: FloatArray) -> FloatArray:
        return _merged(_merged(values, starts[0], 0), starts[1], 1).ravel()

    column, held = DATA[choices.steady_state_data]
    control = counts[column].reshape(shape)
    steady = control[window]
    if not steady.sum():
        raise ValueError(f"{STEADY_STATE}: no counts of {choices.steady_state_data} in the window; expected some")
    whole = Measurement(
        axes={name: axes[name][each] for name, each in zip(axes, starts, strict=True)},
        observed=binned(counts["observed_counts"].reshape(shape)),
        backgrounds={NEUTRONS: binned(_neutrons(tables, axes[PHOTOELECTRONS]))},
    )
    others = (
        *_signal_nuisances(choices.flux_uncertainty),
        Nuisance(name=NEUTRONS, sigma=NEUTRON_UNCERTAINTY, scales=(NEUTRONS,), least=-1.0),
    )
    if choices.steady_state_shape == BINS:
        return replace(whole, control=Control(counts=binned(control), windows=held)), others, {}
    energies, times = ([start - each[0] for start in each] for each in starts)
    made = _SteadyState(
        shape=choices.steady_state_shape,
        windows=held,
        times_us=axes[ARRIVAL_TIME][window[1].start : window[1].stop + 1],
        starts=(energies, times),
    )
    known = float(1 / np.sqrt(steady.sum()))
    scale = Nuisance(name=STEADY_STATE, sigma=known, scales=(STEADY_STATE,), least=-1.0)
    expected = made.of_each(steady.reshape(1, -1))[0]
    # as the steady state is expected, and not as these counts are, so that they are without the noise of theirs
    sideband = Sideband(mean=held * made.by_cell(steady).ravel(), made=made.of_each, measures=STEADY_STATE)
    whole = replace(whole, backgrounds={**whole.backgrounds, STEADY_STATE: expected})
    return whole, (*others, scale), {STEADY_STATE: sideband}


def response(tables: Tables, choices: Choices, light_yield_pe_per_kev: float) -> Response:
    """In the bins of an analysis; the arrival is not normalized in them, as some come later.

    ValueError of edges of time that are none of the release's.
    """
    edges, fraction = np.array(choices.photoelectron_edges), acceptance_of(tables["efficiency"])
    kinks = np.array(LOGISTIC_STEPS_PE)
    if choices.smearing == "poisson":
        made = poisson_response(edges, fraction, kinks, light_yield_pe_per_kev, read_at=choices.acceptance_at)
    else:
        made = sharp_response(edges, fraction, kinks, light_yield_pe_per_kev)
    starts = _starts(ARRIVAL_TIME, _axes(tables["counts"])[ARRIVAL_TIME], choices.time_edges_us)
    arrival = {flavor: _merged(tables["arrival"][name], starts, 0) for flavor, name in ARRIVAL_OF_FLAVOR.items()}
    return replace(made, arrival=arrival)


def _experiment(tables: Tables, section: Mapping[str, Any], exposure: Exposure) -> Experiment:
    choices = choices_of(section)
    measurement, nuisances, sidebands = measured(tables, choices)
    seen = response(tables, choices, exposure.pe_per_kev)
    return Experiment(measurement=measurement, response=seen, nuisances=nuisances, sidebands=sidebands)


def _bins(section: Mapping[str, Any]) -> str:
    choices = choices_of(section)
    return bins_text(choices.photoelectron_edges, choices.time_edges_us)


def bins_text(photoelectron_edges: Sequence[float], time_edges_us: Sequence[float]) -> str:
    """Bins of energy and time, for a reader.

    >>> bins_text([0, 8, 12], [0, 6])
    '2 bins from 0 to 12 PE times 1 bin from 0 to 6 μs'
    """
    said = []
    for edges, unit in ((photoelectron_edges, "PE"), (time_edges_us, "μs")):
        said.append(f"{len(edges) - 1} bin{'s' if len(edges) > 2 else ''} from {edges[0]:g} to {edges[-1]:g} {unit}")
    return " times ".join(said)


RELEASE_2018_TIME = Release(
    title="the official COHERENT release of April 2018 (arXiv:1804.09459), in energy and time",
    references=("coherent_csi_2017", "coherent_csi_2017_data"),
    roles=ROLES,
    read=read_energy_time,
    exposure=CSI_2017,
    check=checked_as_read,
    tables={
        "counts": (*EDGES, "observed_counts", "beam_on_counts", "all_counts"),
        "arrival": (*EDGES[2:], *ARRIVALS),
        "neutrons": ("photoelectrons", "counts"),
        "efficiency": ("plateau", "steepness", "midpoint"),
    },
    shown={},
    experiment=_experiment,
    statistic="poisson",
    periods=(PERIOD,),
    when_joined={"flux_uncertainty": FLUX_UNCERTAINTY},
    needs=(),
    targets=CSI_TARGETS,
    choices={field.name: KNOWN.get(field.name, ()) for field in fields(Choices)},
    references_of_choices={("steady_state_shape", BINS): ("li_ma_1983",)},
    bins=_bins,
)
