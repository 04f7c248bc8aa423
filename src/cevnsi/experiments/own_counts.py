"""Counts of one's own as they are, in energy or in energy and time, with tables of backgrounds and named nuisances."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from cevnsi.arrays import FloatArray
from cevnsi.experiments.checks import (
    ACCEPTANCE_COLUMNS,
    LARGEST_PHOTOELECTRONS,
    Paths,
    Tables,
    check_acceptance,
    check_uncertainties,
    read_numbers,
)
from cevnsi.experiments.exposure import Exposure
from cevnsi.experiments.measurement import ARRIVAL_TIME, PHOTOELECTRONS, ROUNDING, Measurement
from cevnsi.experiments.release import Experiment, Release, as_acceptance, checked_as_read
from cevnsi.experiments.response import READ_AT, SMEARINGS, poisson_response, unsmeared_response
from cevnsi.files.atomic import TableError
from cevnsi.files.tables import CONTROL, Table, header_of
from cevnsi.files.tables import OBSERVED as SEEN
from cevnsi.statistics.nuisances import SIGNAL, Nuisance

ENERGY, TIME = ("bin_low_pe", "bin_high_pe"), ("bin_low_us", "bin_high_us")
OBSERVED, UNCERTAINTY = "observed_counts", "stat_uncertainty"
FLAVORS = ("nu_e", "nu_mu", "nu_mu_bar")  # columns of arrival
TAKEN = (SIGNAL, SEEN, CONTROL, *FLAVORS)  # by components of fitted_counts/ that are no backgrounds
SUM_ABOVE = 1e-6  # one, of shares that arrive


def _columns(path: Path, needed: Sequence[str], further: Sequence[str]) -> Table:
    """A table of numbers with the columns that are needed, and those further ones that it has, in its order."""
    found = [name for name in header_of(path) if name in (*needed, *further)]
    return read_numbers(path, (*found, *(name for name in needed if name not in found)))


def _backgrounds(path: Path, edges: Sequence[str]) -> Table:
    """A table of edges and one background or more, by whatever names."""
    found = header_of(path)
    named = [name for name in found if name not in (*ENERGY, *TIME)]
    for name in named:
        if name in TAKEN or not name.isidentifier():
            taken = f"{', '.join(TAKEN[:-1])} and {TAKEN[-1]}"
            raise TableError(f"{path}: column {name!r}; expected a name of letters, digits and _, other than {taken}")
    if not named:
        raise TableError(f"{path}: has no column of a background; its header is {','.join(found)}")
    return read_numbers(path, (*edges, *named))


def _axis(path: Path, table: Table, names: Sequence[str]) -> FloatArray:
    """Edges of the bins along one axis of a table that has every bin, contiguous but for rounding."""
    for i, (start, end) in enumerate(zip(*(table[name] for name in names), strict=True)):
        if start >= end:
            raise TableError(f"{path}: row {table.line(i)}: bin edges not increasing: {start:.10g} >= {end:.10g}")
    low, high = (np.unique(table[name]) for name in names)
    if not low.size:
        raise TableError(f"{path}: has no bins")
    if low.size != high.size or not (np.abs(low[1:] - high[:-1]) <= ROUNDING * np.diff(low)).all():
        said = f"{names[0]} {', '.join(f'{x:g}' for x in low)} and {names[1]} {', '.join(f'{x:g}' for x in high)}"
        raise TableError(f"{path}: bins with a gap or overlap, {said}; expected each to begin where another ends")
    return np.append(low, high[-1])


def _check_product(path: Path, table: Table, axes: Mapping[tuple[str, str], FloatArray]) -> None:
    """Refuse rows that are not the product of the axes, the last one fastest."""
    shape = tuple(edges.size - 1 for edges in axes.values())
    rows, bins = table[next(iter(axes))[0]].size, int(np.prod(shape))
    if rows != bins:
        raise TableError(f"{path}: has {rows} rows; expected {bins}, {' times '.join(map(str, shape))} bins")
    place = np.indices(shape).reshape(len(shape), -1)
    for at, (names, edges) in zip(place, axes.items(), strict=True):
        for name, expected in zip(names, (edges[at], edges[at + 1]), strict=True):
            wrong = np.flatnonzero(np.abs(table[name] - expected) > ROUNDING * np.diff(edges)[at])
            if wrong.size:
                i = int(wrong[0])
                raise TableError(
                    f"{path}: row {table.line(i)}: {name} is {table[name][i]:g}, expected {expected[i]:g}, as bins of "
                    "the counts; those of time follow one another within each of energy"
                )


def _check_not_negative(path: Path, table: Table, names: Sequence[str]) -> None:
    for name in names:
        if (wrong := np.flatnonzero(table[name] < 0)).size:
            i = int(wrong[0])
            raise TableError(f"{path}: row {table.line(i)}: {name} {table[name][i]:g} is negative")


def _check_whole(path: Path, table: Table) -> None:
    """Refuse what cannot have been counted, as of a difference of counts."""
    _check_not_negative(path, table, [OBSERVED])
    if (wrong := np.flatnonzero(table[OBSERVED] % 1)).size:
        i = int(wrong[0])
        raise TableError(
            f"{path}: row {table.line(i)}: {OBSERVED} {table[OBSERVED][i]:.10g}; expected a whole number, or a column "
            f"{UNCERTAINTY}"
        )


def _check_arrival(path: Path, table: Table, edges_us: FloatArray) -> None:
    """Shares in the counts' bins of time, none negative, no more than one of a flavor."""
    _check_product(path, table, {TIME: edges_us})
    _check_not_negative(path, table, FLAVORS)
    for name in FLAVORS:
        if table[name].sum() > 1 + SUM_ABOVE:
            raise TableError(f"{path}: {name} sums to {table[name].sum():.9g}; expected at most 1, what arrives in all")


def _counts(path: Path) -> tuple[Table, dict[tuple[str, str], FloatArray]]:
    """Counts, and the edges of their axes by the names of their columns."""
    counts = _columns(path, (*ENERGY, OBSERVED), (*TIME, UNCERTAINTY))
    named = (ENERGY, TIME) if {*TIME} & {*counts} else (ENERGY,)
    if missing := [name for names in named for name in names if name not in counts]:
        raise TableError(f"{path}: missing column {missing[0]!r}; bins of time have both edges")
    axes = {names: _axis(path, counts, names) for names in named}
    low, high = axes[ENERGY][[0, -1]]
    if not 0 <= low < high <= LARGEST_PHOTOELECTRONS:
        raise TableError(f"{path}: photoelectrons from {low:g} to {high:g}; expected 0 to {LARGEST_PHOTOELECTRONS:g}")
    _check_product(path, counts, axes)
    if UNCERTAINTY in counts:
        check_uncertainties(path, counts)
    else:
        _check_whole(path, counts)
    return counts, axes


def read_counts(paths: Paths) -> Tables:
    """Counts, acceptance, backgrounds, and arrival if the counts have bins of time; in the columns of results/inputs/.

    Roles counts, acceptance, backgrounds and arrival. TableError of files that are not sound, or not of the same bins.
    """
    counts, axes = _counts(paths["counts"])
    acceptance = read_numbers(paths["acceptance"], ACCEPTANCE_COLUMNS)
    check_acceptance(paths["acceptance"], acceptance, *axes[ENERGY][[0, -1]].tolist())
    edges = [name for names in axes for name in names]
    backgrounds = _backgrounds(paths["backgrounds"], edges)
    _check_product(paths["backgrounds"], backgrounds, axes)
    _check_not_negative(paths["backgrounds"], backgrounds, [name for name in backgrounds if name not in edges])
    tables = {"counts": counts, "acceptance": acceptance, "backgrounds": backgrounds}
    if (TIME in axes) != ("arrival" in paths):
        expected = "a file of arrival for its bins of time" if TIME in axes else "bins of time for a file of arrival"
        raise TableError(f"{paths['counts']}: expected {expected}")
    if "arrival" in paths:
        tables["arrival"] = read_numbers(paths["arrival"], (*TIME, *FLAVORS))
        _check_arrival(paths["arrival"], tables["arrival"], axes[TIME])
    return tables


def _measurement(tables: Tables) -> Measurement:
    counts, in_time = tables["counts"], "arrival" in tables
    names = {PHOTOELECTRONS: ENERGY, **({ARRIVAL_TIME: TIME} if in_time else {})}
    edges = {name: np.append(np.unique(counts[low]), counts[high].max()) for name, (low, high) in names.items()}
    backgrounds = {name: values for name, values in tables["backgrounds"].items() if name not in (*ENERGY, *TIME)}
    return Measurement(
        axes=edges, observed=counts[OBSERVED], uncertainty=counts.get(UNCERTAINTY), backgrounds=backgrounds
    )


def _nuisances(section: Mapping[str, Any], measurement: Measurement) -> tuple[Nuisance, ...]:
    """Those that an analysis names, each a change of what it scales; their widths are set with all others'."""
    known = (SIGNAL, *measurement.backgrounds)
    made = []
    for name, chosen in section.get("nuisances", {}).items():
        if not chosen.get("scales"):
            raise ValueError(f"nuisances.{name}: has no `scales`; expected some of {', '.join(known)}")
        for sample in chosen["scales"]:
            if sample not in known:
                raise ValueError(f"nuisances.{name}.scales: {sample!r}; expected some of {', '.join(known)}")
        made.append(Nuisance(name=name, sigma=None, scales=tuple(chosen["scales"]), least=-1.0))
    return tuple(made)


def _experiment(tables: Tables, section: Mapping[str, Any], exposure: Exposure) -> Experiment:
    measurement, acceptance = _measurement(tables), as_acceptance(tables["acceptance"])
    edges, light_yield = measurement.bin_edges_pe, exposure.pe_per_kev
    chosen = section.get("measurement", {})
    at = chosen.get("acceptance_at", "true")
    if chosen.get("smearing", "none") == "poisson":
        kinks = acceptance.photoelectrons
        response = poisson_response(edges, acceptance, kinks, light_yield, read_at=at)
    elif at != "true":
        raise ValueError(f"acceptance_at: {at!r} of what is not smeared; expected true")
    else:
        response = unsmeared_response(edges, acceptance, light_yield)
    if "arrival" in tables:
        response = replace(response, arrival={flavor: tables["arrival"][flavor] for flavor in FLAVORS})
    return Experiment(measurement=measurement, response=response, nuisances=_nuisances(section, measurement))


OWN_COUNTS = Release(
    title="tables of counts, backgrounds and acceptance",
    roles=("counts", "acceptance", "backgrounds"),
    optional=("arrival",),
    read=read_counts,
    exposure=None,
    check=checked_as_read,
    tables=dict.fromkeys(("counts", "acceptance", "backgrounds", "arrival"), ()),
    shown={},
    load=read_counts,
    experiment=_experiment,
    statistic="poisson",
    needs=(),
    takes=("photoelectron_range",),
    own_nuisances=True,
    choices={"smearing": SMEARINGS, "acceptance_at": READ_AT},
    bins=lambda section: (
        "bins from {:g} to {:g} PE".format(*section["photoelectron_range"])
        if "photoelectron_range" in section
        else "every bin"
    ),
)
