"""COHERENT's argon detector CENNS-10, Analysis A of 2020 (arXiv:2003.10630), and the release of its data.

The release (arXiv:2006.12659) has counts in energy, F90 and arrival time; what it expects in every bin of the standard
model's signal, of two kinds of neutrons and of the steady state; and some of these with an error of +-1 sigma.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from cevnsi.arrays import FloatArray
from cevnsi.experiments.arrival import arrival_of_flavors
from cevnsi.experiments.checks import Paths, Tables, release_rows
from cevnsi.experiments.exposure import Exposure
from cevnsi.experiments.measurement import ARRIVAL_TIME, ENERGY_KEVEE, F90, ROUNDING, UNITS, Measurement
from cevnsi.experiments.release import FLUX, FLUX_UNCERTAINTY, Experiment, Release, Variation, checked_as_read
from cevnsi.experiments.response import Reference, Response, gaussian_response, polynomial
from cevnsi.files.atomic import TableError, read_text
from cevnsi.files.strict_yaml import LARGEST, ConfigError, load_yaml
from cevnsi.files.tables import Table
from cevnsi.statistics.nuisances import SIGNAL, Nuisance

# LArParametersAnlA.yaml, 13.8e22 protons for 6.12 GWh
LAR_2020 = Exposure(
    detector_mass_kg=24.4,
    protons_on_target=13.8e22,
    neutrinos_per_proton=0.09,
    baseline_m=27.5,
)

AXES = {  # of every file of counts; its rows are the centres, time fastest
    ENERGY_KEVEE: np.linspace(0, 120, 13),
    F90: np.round(np.linspace(0.5, 0.9, 9), 2),
    ARRIVAL_TIME: np.round(np.linspace(-0.1, 4.9, 11), 1),
}

STEADY_STATE, PROMPT_NEUTRONS, DELAYED_NEUTRONS = "steady_state", "prompt_neutrons", "delayed_neutrons"
OWN = "argon_{}"  # a nuisance that no other detector has
BACKGROUNDS = (STEADY_STATE, PROMPT_NEUTRONS, DELAYED_NEUTRONS)
VARIED = (  # files with a systematic error; those of one file stand for its mirror image, too
    *("signal_f90_up", "signal_f90_down", "signal_timing"),
    *("neutron_energy_up", "neutron_energy_down", "neutron_timing_up", "neutron_timing_down", "neutron_timing_width"),
)
ROLES = ("observed", SIGNAL, *BACKGROUNDS, *VARIED, "efficiency", "parameters")
EDGES = tuple(f"bin_{end}_{UNITS[name]}" for name in AXES for end in ("low", "high"))
# Numbers of LArParametersAnlA.yaml by the names of results/inputs/: the section there, and a parameter
# of one letter or a key in it.
PARAMETERS = {
    "quenching": ("larQF", "a"),
    "quenching_per_kev": ("larQF", "b"),
    "resolution_root_kevee": ("energyResolution", "a"),
    "pulse_centre_ns": ("snsPOTTraceTiming", "a"),
    "pulse_width_ns": ("snsPOTTraceTiming", "b"),
    **{
        f"{sample}_{what}": (f"{section}PredictionNormalization", what if what == "uncertainty" else "value")
        for sample, section in {
            SIGNAL: "cevns",
            STEADY_STATE: "ssBackground",
            PROMPT_NEUTRONS: "promptBeamRelatedNeutron",
            DELAYED_NEUTRONS: "delayedBeamRelatedNeutron",
        }.items()
        for what in ("counts", "uncertainty")
    },
}
LARGEST_COUNT = 1e12
SUM_WITHIN = 1e-3  # of what the parameters say that a file sums to; the steady state's sums to 3152, and 3154 is said
QUENCHED_WITHIN = 2e-3  # of an energy in the file of the efficiency, whose curve has one more digit
HIGHEST_RECOIL_MEV = 0.2  # a neutrino of m_mu / 2 gives argon 0.150
RESOLUTIONS = (0.1, 10.0)  # of which the response's integrals are sure

REFERENCE, FORWARD = "reference", "forward"
SIGNALS = (REFERENCE, FORWARD)


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What the release leaves open."""

    signal: str = REFERENCE  # of `SIGNALS`: the release's own shape and counts, or what the rates and the response give
    shape_systematics: bool = False

    def __post_init__(self) -> None:
        """Refuse choices that are none: ValueError."""
        if self.signal not in SIGNALS:
            raise ValueError(f"signal: {self.signal!r}; expected one of {', '.join(SIGNALS)}")


def _cells(path: Path, *, whole: bool = False) -> FloatArray:
    """The contents of a file, (bins,), whose rows must be all bins in their order; whole ones if they were observed."""
    centres = [(edges[:-1] + edges[1:]) / 2 for edges in AXES.values()]
    expected = np.array(list(product(*centres)))
    within = ROUNDING * np.array([edges[1] - edges[0] for edges in AXES.values()])
    contents: list[float] = []
    for row, _, (*found, content) in release_rows(path, "energy F90 time content", 4, separator=None):
        if len(contents) == len(expected):
            raise TableError(f"{path}: row {row}: one more than {len(expected)}; expected a row a bin")
        wanted = expected[len(contents)]
        if not (np.abs(found - wanted) <= within).all():
            raise TableError(
                f"{path}: row {row}: the bin at {_numbers(found)}; expected that at {_numbers(wanted)}, as energy in "
                "keVee, F90 and time in microseconds, the last fastest"
            )
        if not 0 <= content <= LARGEST_COUNT:
            raise TableError(f"{path}: row {row}: {content:g}; expected a content from 0 to {LARGEST_COUNT:g}")
        if whole and content % 1:
            raise TableError(f"{path}: row {row}: {content:.10g} observed; expected a whole number")
        contents.append(content)
    if len(contents) != len(expected):
        raise TableError(f"{path}: has {len(contents)} rows; expected {len(expected)}, a row a bin")
    return np.array(contents)


def _numbers(values: Sequence[float] | FloatArray) -> str:
    return ", ".join(f"{value:.10g}" for value in values)


def _parameters(path: Path) -> Table:
    """The numbers of `PARAMETERS`, a column each, all positive."""
    try:
        read = load_yaml(read_text(path))
    except ConfigError as error:
        raise TableError(f"{path}: {error}") from None
    table = Table()
    for name, (section, key) in PARAMETERS.items():
        try:
            there = read[section]
            listed = [p["value"] for p in there["parameters"] if p["name"] == key] if len(key) == 1 else [there[key]]
        except (LookupError, TypeError) as error:
            raise TableError(f"{path}: {section} needs a number {key} ({error!r})") from None
        if len(listed) != 1 or type(listed[0]) not in (int, float) or not 1 / LARGEST <= listed[0] <= LARGEST:
            found = ", ".join(map(repr, listed)) or "none"
            raise TableError(f"{path}: {section}: {key} is {found}; expected one positive number")
        table[name] = np.array([float(listed[0])])
    _check_parameters(path, {name: float(values[0]) for name, values in table.items()})
    return table


def _check_parameters(path: Path, found: Mapping[str, float]) -> None:
    """Refuse what no detector has, or what leaves nothing of an uncertainty."""
    quenched = found["quenching"] + 1e3 * HIGHEST_RECOIL_MEV * found["quenching_per_kev"]
    if not quenched <= 1:
        said = f"larQF is {quenched:g} for recoils of {1e3 * HIGHEST_RECOIL_MEV:g} keV"
        raise TableError(f"{path}: {said}; expected at most 1, what electrons give")
    low, high = RESOLUTIONS
    if not low <= found["resolution_root_kevee"] <= high:
        said = f"energyResolution is {found['resolution_root_kevee']:g}"
        raise TableError(f"{path}: {said}; expected {low:g} to {high:g}")
    counts, uncertainty = found[f"{SIGNAL}_counts"], found[f"{SIGNAL}_uncertainty"]
    if not uncertainty > FLUX_UNCERTAINTY * counts:
        said = f"the signal is {counts:g} +- {uncertainty:g}"
        raise TableError(f"{path}: {said}; expected more than {FLUX_UNCERTAINTY:g} of it, as the flux's alone is that")


def _efficiency(path: Path, parameters: Table) -> Table:
    """Of signals by their true energy, between straight lines."""
    what = "energy in keVee, energy in keVnr, efficiency"
    rows = list(release_rows(path, what, 3, separator=None))
    if len(rows) < 2:
        raise TableError(f"{path}: has {len(rows)} rows; expected 2 or more of '{what}'")
    last = 0.0
    for row, _, (visible, recoil, fraction) in rows:
        if not last < visible <= LARGEST:
            raise TableError(f"{path}: row {row}: {visible:g} keVee after {last:g}; expected energies that increase")
        quenched = float(_quenched(parameters)(np.array([recoil * 1e-3]))[0]) if 0 < recoil <= LARGEST else np.nan
        if not abs(quenched - visible) <= QUENCHED_WITHIN * visible:
            raise TableError(
                f"{path}: row {row}: {recoil:g} keVnr is quenched to {quenched:.6g} keVee; expected {visible:g}, as "
                "the row says"
            )
        if not 0 <= fraction <= 1:
            raise TableError(f"{path}: row {row}: efficiency {fraction:g}; expected a number in [0, 1]")
        last = visible
    numbers = np.array([found for _, _, found in rows])
    return Table(energy_kevee=numbers[:, 0], efficiency=numbers[:, 2])


def read_lar_2020(paths: Paths) -> Tables:
    """Observed counts, backgrounds, the release's own signal, all of these with systematic errors, and the response.

    TableError of files that are not sound, or that sum to other counts than the release says.
    """
    parameters = _parameters(paths["parameters"])
    observed = _cells(paths["observed"], whole=True)
    edges = Measurement(axes=AXES, observed=observed).bins()
    cells = {role: _cells(paths[role]) for role in (SIGNAL, *BACKGROUNDS, *VARIED)}
    for role, content in cells.items():
        said = parameters[f"{role}_counts"][0] if role not in VARIED else 0.0
        if not content.sum() > 0:
            raise TableError(f"{paths[role]}: sums to {content.sum():g}; expected more")
        if said and not abs(content.sum() / said - 1) <= SUM_WITHIN:
            where = f"{PARAMETERS[f'{role}_counts'][0]} of {paths['parameters']}"
            raise TableError(f"{paths[role]}: sums to {content.sum():.6g}; expected {said:g}, as {where}")
    return {
        "counts": Table(**edges, observed_counts=observed),
        "backgrounds": Table(**edges, **{name: cells[name] for name in BACKGROUNDS}),
        "signal": Table(**edges, standard_model=cells[SIGNAL]),
        "variations": Table(**edges, **{name: cells[name] for name in VARIED}),
        "efficiency": _efficiency(paths["efficiency"], parameters),
        "parameters": parameters,
    }


def _quenched(parameters: Mapping[str, Any]) -> Any:
    """Visible energy in keVee of recoils in MeV: T (a + b T) with T in keV."""
    a, b = (float(parameters[name][0]) for name in ("quenching", "quenching_per_kev"))
    return polynomial((a, 1e3 * b))


def response(tables: Tables, choices: Choices) -> Response:
    """How recoils are seen, and what the signal is made of in further axes.

    ValueError of an efficiency that begins beyond all recoils, or of a quenching that is too steep.
    """
    found = {name: float(values[0]) for name, values in tables["parameters"].items()}
    x, y = tables["efficiency"]["energy_kevee"], tables["efficiency"]["efficiency"]
    made = gaussian_response(
        AXES[ENERGY_KEVEE],
        # ASSUME: at the true energy, none below the first row, and beyond the last that of the last.
        lambda energy: np.interp(energy, x, y, left=0.0),
        x,
        _quenched(tables["parameters"]),
        found["resolution_root_kevee"],
        HIGHEST_RECOIL_MEV,
    )
    pulse = 1e-3 * found["pulse_centre_ns"], 1e-3 * found["pulse_width_ns"]
    return _with_signal(
        replace(made, arrival=arrival_of_flavors(AXES[ARRIVAL_TIME], *pulse)),
        tables["signal"]["standard_model"],
        choices,
    )


def _with_signal(made: Response, counts: FloatArray, choices: Choices) -> Response:
    """A response with a signal of the standard model (bins,), of which `FORWARD` takes the shape in F90 alone."""
    if choices.signal == REFERENCE:
        return replace(made, reference=Reference(counts=counts, exposure=LAR_2020))
    # ASSUME: in F90 the shares of each bin of energy and time; where the release expects nothing, nothing is seen.
    cells = counts.reshape([edges.size - 1 for edges in AXES.values()])
    total = cells.sum(axis=1, keepdims=True)
    return replace(made, shares=np.divide(cells, total, out=np.zeros_like(cells), where=total > 0))


def nuisances(tables: Tables) -> tuple[Nuisance, ...]:
    """Scales of the signal and of each background, whose counts are those that its file sums to."""
    found = {name: float(values[0]) for name, values in tables["parameters"].items()}
    other = np.sqrt((found[f"{SIGNAL}_uncertainty"] / found[f"{SIGNAL}_counts"]) ** 2 - FLUX_UNCERTAINTY**2)
    widths = {FLUX: FLUX_UNCERTAINTY, OWN.format(SIGNAL): float(other)}
    of_signal = [Nuisance(name=name, sigma=sigma, scales=(SIGNAL,), least=-1.0) for name, sigma in widths.items()]
    scales = []
    for name in BACKGROUNDS:
        sigma = found[f"{name}_uncertainty"] / float(tables["backgrounds"][name].sum())
        scales.append(Nuisance(name=OWN.format(name), sigma=sigma, scales=(name,), least=-1.0))
    return (*of_signal, *scales)


# Nuisances of shapes, in units of their sigma, and the files of each at +1 and at -1; without the second mirror images.
OF_SIGNAL = {"f90": ("signal_f90_up", "signal_f90_down"), "signal_timing": ("signal_timing", None)}
OF_NEUTRONS = {
    "neutron_energy": ("neutron_energy_up", "neutron_energy_down"),
    "neutron_timing": ("neutron_timing_up", "neutron_timing_down"),
    "neutron_timing_width": ("neutron_timing_width", None),
}


def _shape_systematics(
    tables: Tables, seen: Response, choices: Choices
) -> tuple[tuple[Nuisance, ...], dict[str, tuple[Variation, Variation | None]]]:
    """Nuisances of shapes, and what those of the signal vary.

    Every file has as many counts as that without an error: one has 5 % more neutrons.
    """

    def shape(role: str, nominal: FloatArray) -> FloatArray:
        varied = tables["variations"][role]
        return np.asarray(varied * nominal.sum() / varied.sum())

    signal, neutrons = tables["signal"]["standard_model"], tables["backgrounds"][PROMPT_NEUTRONS]
    variations = {}
    for name, (up, down) in OF_SIGNAL.items():
        sides = [Variation(response=_with_signal(seen, shape(role, signal), choices)) for role in (up, down) if role]
        variations[name] = (sides[0], sides[1] if down else None)
    made = [Nuisance(name=name, sigma=1.0) for name in variations]
    for name, (up, down) in OF_NEUTRONS.items():
        shifts = [shape(role, neutrons) - neutrons for role in (up, down) if role]
        made.append(Nuisance(name=name, sigma=1.0, shifts={PROMPT_NEUTRONS: (shifts[0], shifts[1] if down else None)}))
    return tuple(made), variations


def _experiment(tables: Tables, section: Mapping[str, Any], exposure: Exposure) -> Experiment:
    choices = Choices(**section.get("measurement", {}))
    measurement = Measurement(
        axes=AXES,
        observed=tables["counts"]["observed_counts"],
        backgrounds={name: tables["backgrounds"][name] for name in BACKGROUNDS},
    )
    seen = response(tables, choices)
    shapes, variations = _shape_systematics(tables, seen, choices) if choices.shape_systematics else ((), {})
    return Experiment(
        measurement=measurement,
        response=seen,
        nuisances=(*nuisances(tables), *shapes),
        variations=variations,
    )


RELEASE_LAR_2020 = Release(
    title="the official COHERENT release of argon, Analysis A (arXiv:2006.12659)",
    references=("coherent_lar_2020", "coherent_lar_2020_data"),
    roles=ROLES,
    read=read_lar_2020,
    exposure=LAR_2020,
    targets=("argon",),
    check=checked_as_read,
    tables={
        "counts": (*EDGES, "observed_counts"),
        "backgrounds": (*EDGES, *BACKGROUNDS),
        "signal": (*EDGES, "standard_model"),
        "variations": (*EDGES, *VARIED),
        "efficiency": ("energy_kevee", "efficiency"),
        "parameters": tuple(PARAMETERS),
    },
    shown={},
    experiment=_experiment,
    statistic="poisson",
    periods=("the argon exposure of 2020",),
    needs=(),
    choices={field.name: SIGNALS if field.name == "signal" else () for field in fields(Choices)},
    bins=lambda section: "12 bins from 0 to 120 keVee times 8 of F90 from 0.5 to 0.9 times 10 from −0.1 to 4.9 μs",
)
