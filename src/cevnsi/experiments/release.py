"""What is known of a release of data: how its files are read, and what a likelihood takes from them."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cevnsi.experiments.checks import (
    ACCEPTANCE_COLUMNS,
    COUNTS_COLUMNS,
    CROSS_CHECK_COLUMNS,
    Paths,
    Tables,
    check_acceptance,
    check_counts,
)
from cevnsi.experiments.clock import Clock
from cevnsi.experiments.exposure import Exposure
from cevnsi.experiments.measurement import PHOTOELECTRONS, Measurement, Sideband
from cevnsi.experiments.response import Acceptance, Response, unsmeared_response
from cevnsi.files.tables import read_csv
from cevnsi.statistics.nuisances import SIGNAL, Nuisance

FLUX = "flux"  # the nuisance of how many neutrinos there are, one of all data sets of a beam that list it
FLUX_UNCERTAINTY = 0.10  # of the SNS: 10 %, arXiv:1708.01294 and arXiv:2110.07730
RECOILS_PER_SEGMENT = 4  # at which it is looked whether a bin sees any


def _held_factor(nuisances: Sequence[Nuisance], sample: str) -> float:
    """What the nuisances that are held multiply a sample by."""
    return 1 + sum(n.fixed for n in nuisances if n.fixed is not None and sample in n.scales)


@dataclass(frozen=True, kw_only=True)
class Variation:
    """What a nuisance of one changes of how the signal is expected."""

    response: Response | None = None  # None: as without it
    radius: float = 1.0  # times that of the form factor


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """What an experiment has measured, how it sees recoils, and what is not known of that.

    Where there is a clock, the response's arrival says of which group a flavor is, one or zero each.
    """

    measurement: Measurement
    response: Response
    nuisances: tuple[Nuisance, ...]
    # By nuisance, at +1 and at -1; without the second they are mirror images.
    variations: Mapping[str, tuple[Variation, Variation | None]] = field(default_factory=dict)
    clock: Clock | None = None
    sidebands: Mapping[str, Sideband] = field(default_factory=dict)  # by background

    def __post_init__(self) -> None:
        """Refuse Poisson counts in a bin where nothing is expected, whatever the theory: none would be better.

        And a reference of the signal in a bin that it does not reach, which nothing can be scaled to. Both ValueError.
        """
        measured, reached = self.measurement, self._reached()
        if self.response.reference is not None:
            wanted = self.response.reference.counts > 0
            if (unscaled := np.flatnonzero(wanted & ~self.response.reaches(*reached))).size:
                where = measured.bin_text(int(unscaled[0]))
                raise ValueError(f"bin {where}: the release expects a signal; expected a response that has one there")
        if measured.uncertainty is not None or measured.control is not None:
            return
        factors = {sample: _held_factor(self.nuisances, sample) for sample in (SIGNAL, *measured.backgrounds)}
        for sample, factor in factors.items():
            if factor < 0:
                raise ValueError(f"nuisances: {sample} is held at {factor:g} times its counts; expected 0 or more")
        expected = self.response.reaches(*reached) & (factors[SIGNAL] > 0)
        for sample, counts in measured.backgrounds.items():
            expected |= factors[sample] * counts > 0
        if (alone := np.flatnonzero(~expected & (measured.observed > 0))).size:
            i = int(alone[0])
            raise ValueError(
                f"bin {measured.bin_text(i)}: {measured.observed[i]:g} observed, but neither signal nor background is "
                "expected there; leave it out"
            )

    def _reached(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Bins of energy that any recoil is seen in, and bins of time that any arrives in."""
        low, high = self.response.recoil_energies_mev[[0, -1]]
        steps = max(int((high - low) / self.response.longest_segment_mev), 1) * RECOILS_PER_SEGMENT
        seen = self.response.detected(np.linspace(low, high, steps + 1)) > 0
        times = np.array(list((self.response.arrival or {"any": np.ones(1)}).values()))
        if self.clock is not None:
            times = times @ self.clock.shares[SIGNAL].values.max(axis=0)
        return np.asarray(seen.any(axis=1)), np.asarray((times > 0).any(axis=0))


def as_measurement(counts: Mapping[str, Any], is_difference: bool = False) -> Measurement:
    """The measurement in a table of counts by energy."""
    edges = np.append(counts["bin_low_pe"], counts["bin_high_pe"][-1])
    return Measurement(
        axes={PHOTOELECTRONS: edges},
        observed=counts["observed_counts"],
        uncertainty=counts["stat_uncertainty"],
        is_difference=is_difference,
    )


def as_acceptance(acceptance: Mapping[str, Any]) -> Acceptance:
    """The acceptance in a table of it."""
    return Acceptance(photoelectrons=acceptance["photoelectrons"], fraction=acceptance["acceptance"])


def in_energy_alone(
    measurement: Measurement, acceptance: Acceptance, exposure: Exposure, normalization_uncertainty: float
) -> Experiment:
    """That of Eq. 7, where one scale of the signal, 1 + alpha, is all that is not known.

    ValueError of a detector without a light yield, and of an acceptance that does not cover the bins.
    """
    edges, light_yield = measurement.axes[PHOTOELECTRONS], exposure.pe_per_kev
    return Experiment(
        measurement=measurement,
        response=unsmeared_response(edges, acceptance, light_yield),
        nuisances=(Nuisance(name="normalization", sigma=normalization_uncertainty, scales=(SIGNAL,)),),
    )


def _of_two_tables(
    tables: Tables, section: Mapping[str, Any], exposure: Exposure, is_difference: bool = False
) -> Experiment:
    sigma, counts = float(section["normalization_uncertainty"]), as_measurement(tables["counts"], is_difference)
    return in_energy_alone(counts, as_acceptance(tables["acceptance"]), exposure, sigma)


# Of counts with the beam on, less those of as long a window without it.
of_differences = partial(_of_two_tables, is_difference=True)


def _check_two_tables(paths: Sequence[Path], tables: Tables) -> None:
    counts, acceptance = tables["counts"], tables["acceptance"]
    check_counts(paths[0], counts)
    check_acceptance(paths[1], acceptance, counts["bin_low_pe"][0], counts["bin_high_pe"][-1])


def checked_as_read(paths: Sequence[Path], tables: Tables) -> None:
    """Nothing more: reading has checked all that there is."""


@dataclass(frozen=True, kw_only=True)
class Release:
    """How a data set is read into tables, and what these are to a likelihood.

    The defaults are those of counts by energy and an acceptance, with the chi2 of Eq. 7.
    """

    title: str  # for a reader, in HTML
    references: tuple[str, ...] = ()  # keys of its papers and data, of cevnsi.references
    roles: tuple[str, ...]  # of its files; that of the counts comes first, then the acceptance's
    read: Callable[[Paths], Tables]
    exposure: Exposure | None  # of its detector; None: an analysis of it gives the whole of one
    optional: tuple[str, ...] = ()  # further roles, which need not be there; each makes the table of its name
    check: Callable[[Sequence[Path], Tables], None] = _check_two_tables  # by the files, in the order of roles or tables
    read_twice: bool = False  # there is a table "cross_check" of two readings
    # Columns of the tables in results/inputs/ by name: what `experiment` takes, and what is for a reader.
    tables: Mapping[str, Sequence[str]] = field(
        default_factory=lambda: {"counts": COUNTS_COLUMNS, "acceptance": ACCEPTANCE_COLUMNS}
    )
    load: Callable[[Paths], Tables] | None = None  # from these; None: with exactly those columns
    shown: Mapping[str, Sequence[str]] = field(default_factory=lambda: {"cross_check": CROSS_CHECK_COLUMNS})
    experiment: Callable[[Tables, Mapping[str, Any], Exposure], Experiment] = _of_two_tables  # of an analysis' section
    statistic: str = "gaussian"  # unless an analysis names another
    needs: tuple[str, ...] = ("photoelectron_range", "normalization_uncertainty")  # keys of an analysis that others
    takes: tuple[str, ...] = ()  # have not, and those that it may have
    targets: tuple[str, ...] = ()  # what its detector is of, some of `nuclei`; none: an analysis says it
    # What it leaves open: keys of the section `measurement`, and the values of each; none where the schema has them.
    choices: Mapping[str, Collection[str]] = field(default_factory=dict)
    # Further references by key and value of `choices`.
    references_of_choices: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    own_nuisances: bool = False  # an analysis names them, and what each scales
    periods: tuple[str, ...] = ()  # of data taking that it holds, for a reader: one that two hold would count twice
    when_joined: Mapping[str, Any] = field(default_factory=dict)  # of `measurement` in a joint analysis, if not given
    bins: Callable[[Mapping[str, Any]], str] = lambda section: (  # which ones an analysis takes, for a reader
        "bins from {:g} to {:g} PE".format(*section["photoelectron_range"])
    )

    def tables_of(self, files: Collection[str]) -> list[str]:
        """Names of the tables that are made of files of these roles."""
        return [name for name in (*self.tables, *self.shown) if name not in self.optional or name in files]

    def loaded(self, paths: Iterable[str | Path]) -> Tables:
        """The tables of `experiment` from files of results/inputs/, which are called like them; checked again.

        TableError of files that are not sound.
        """
        named = {Path(path).stem: Path(path) for path in paths}
        if self.load:
            return self.load(named)
        tables = {name: read_csv(named[name], columns) for name, columns in self.tables.items()}
        self.check([named[name] for name in self.tables], tables)
        return tables
