"""What the errors of reading a figure are worth: the analysis repeated on readings drawn at random.

Fig. 3 was read twice, so what the readings differ by tells the error of one. Every member of the ensemble has counts,
error bars and acceptance of its own, and from these every value of the scorecard.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cevnsi.arrays import FloatArray
from cevnsi.config.check import Digitization
from cevnsi.experiments.measurement import PHOTOELECTRONS, Measurement
from cevnsi.experiments.response import Acceptance
from cevnsi.files.atomic import TableError, file_digest, make_anew
from cevnsi.files.provenance import digest
from cevnsi.files.tables import DIGITIZATION, as_columns, read_parquet
from cevnsi.model import Analysis, make_model
from cevnsi.physics.muon_g2 import OF_FIG_2, Discrepancy
from cevnsi.scans.axes import Scan
from cevnsi.studies.liao_marfatia_2017.scorecard import values_of

Values = dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Readings:
    """What was read off the figures: counts and error bars twice, reading a (used) then b, and the acceptance."""

    bin_edges_pe: FloatArray  # (bins + 1,), photoelectrons
    residual_counts: FloatArray  # (2, bins), as read, not yet rounded
    stat_uncertainty: FloatArray  # (2, bins)
    acceptance: Acceptance

    @classmethod
    def from_cross_check(cls, table: Mapping[str, Any], acceptance: Acceptance) -> "Readings":
        """From the columns of cross_check.csv."""
        edges = np.append(table["bin_low_pe"], table["bin_high_pe"][-1])
        read = np.stack([table[f"counts_{name}"] - table[f"rounding_shift_{name}"] for name in "ab"])
        bars = np.stack([table[f"stat_uncertainty_{name}"] for name in "ab"])
        return cls(bin_edges_pe=edges, residual_counts=read, stat_uncertainty=bars, acceptance=acceptance)

    def as_used(self) -> tuple[Measurement, Acceptance]:
        """Reading a, rounded, and the acceptance as read."""
        return self._measurement(self.residual_counts[0], self.stat_uncertainty[0]), self.acceptance

    def drawn(self, random: np.random.Generator, acceptance_error: float) -> tuple[Measurement, Acceptance]:
        """Another reading, with errors of the size of those that were made."""
        # A residual C - AC is an integer however it is read, so a drawn one is rounded like those that were read.
        counts = self.residual_counts[0] + _reading_error(np.diff(self.residual_counts, axis=0)[0], random)
        # Bars by their logarithm: a bar is misread by a fraction of it, and stays positive.
        log_ratio = np.diff(np.log(self.stat_uncertainty), axis=0)[0]
        bars = self.stat_uncertainty[0] * np.exp(_reading_error(log_ratio, random))
        # ASSUME: the error of the acceptance, which was read once, is one shift of the whole curve: errors that differ
        # from point to point would average out over a bin.
        shift = acceptance_error * random.standard_normal()
        fraction = np.clip(self.acceptance.fraction + shift, 0.0, 1.0)
        return self._measurement(counts, bars), replace(self.acceptance, fraction=fraction)

    def _measurement(self, residual_counts: FloatArray, stat_uncertainty: FloatArray) -> Measurement:
        counts = np.rint(residual_counts) + 0.0  # no negative zero
        return Measurement(axes={PHOTOELECTRONS: self.bin_edges_pe}, observed=counts, uncertainty=stat_uncertainty)


def _reading_error(difference: FloatArray, random: np.random.Generator) -> FloatArray:
    """Error of one reading in every bin, from what two differ by, (bins,).

    The mean of the differences is taken for an error common to all bins, as of a misplaced axis, their scatter about it
    for one of each bin. Neither reading is trusted more: the variance of a difference is that of two readings.
    """
    # ASSUME: both parts are normal, centred on the reading that is used.
    common = difference.mean()
    scatter = np.sqrt(((difference - common) ** 2).sum() / max(difference.size - 1, 1))
    error: FloatArray = common * random.standard_normal() + scatter * random.standard_normal(difference.size)
    error /= np.sqrt(2)
    return error


def member_inputs(readings: Readings, choices: Digitization, member: int) -> tuple[Measurement, Acceptance]:
    """Inputs of one member, 0 for those that the analysis uses; its random numbers depend on seed and member only."""
    if member == 0:
        return readings.as_used()
    seed = np.random.SeedSequence(choices.seed, spawn_key=(member,))  # what spawning that many would give
    return readings.drawn(np.random.default_rng(seed), choices.acceptance_error)


def member_values(
    analysis: Analysis,
    scans: Sequence[Scan],
    measurement: Measurement,
    acceptance: Acceptance,
    points: int,
    discrepancy: Discrepancy = OF_FIG_2,
) -> Values:
    """Every value of the scorecard from inputs, and the events of the standard model.

    ValueError of an acceptance that does not cover the bins.
    """
    model = make_model(analysis, measurement, acceptance)
    return values_of(model, scans, points, discrepancy) | {"sm_counts": float(model.standard_model_counts.sum())}


def _input_values(analysis: Analysis, used: Measurement, drawn: Measurement) -> Values:
    """How far drawn counts and error bars are from those used, in the bins that enter chi2."""
    low, high = analysis.photoelectron_range or used.bin_edges_pe[[0, -1]].tolist()
    a, b = (measurement.select(PHOTOELECTRONS, low, high) for measurement in (used, drawn))
    return {
        "changed_counts": float(np.count_nonzero(a.observed != b.observed)),
        "stat_uncertainty_ratio": float((b.errors / a.errors).mean()),
    }


def ensemble(
    readings: Readings,
    analysis: Analysis,
    scans: Sequence[Scan],
    choices: Digitization,
    members: range,
    discrepancy: Discrepancy = OF_FIG_2,
) -> Iterator[tuple[int, Values]]:
    """Each member with its values."""
    used, _ = readings.as_used()
    for member in members:
        measurement, acceptance = member_inputs(readings, choices, member)
        values = member_values(analysis, scans, measurement, acceptance, choices.points, discrepancy)
        yield member, values | _input_values(analysis, used, measurement)


def chunk_columns(members: Iterator[tuple[int, Values]]) -> dict[str, Any]:
    """One long table: member, key, value."""
    rows = [(float(member), key, value) for member, values in members for key, value in values.items()]
    return {name: [row[i] for row in rows] for i, name in enumerate(("member", "key", "value"))}


def made_from(
    analysis: Mapping[str, Any], sections: Mapping[str, Any], muon_g2: Mapping[str, float] | None, files: Any
) -> dict[str, Any]:
    """What values depend on besides the section of the ensemble, `files` with the readings.

    TableError of one that cannot be read.
    """
    inputs = [file_digest(files.cross_check), file_digest(files.acceptance)]
    return {"analysis": analysis, "scans": sections, "muon_g2": muon_g2, "inputs": inputs}


def chunk_note(chunk: int, section: Mapping[str, Any], of: Mapping[str, Any]) -> dict[str, Any]:
    """What a chunk was made from: the section of the configuration, and all else that its values depend on."""
    return {"chunk": chunk, "chunks": int(section["chunks"]), "made_from": digest({"section": section, **of})}


def read_chunk(path: str, members: range) -> list[Values]:
    """Values by member of one chunk; TableError if these are not its members, each with every value once."""
    table, found = read_parquet(path, ["member", "key", "value"]), []
    for member in members:
        here = np.flatnonzero(table["member"] == member)
        found.append({table["key"][i]: float(table["value"][i]) for i in here})
    if sum(map(len, found)) != len(table["key"]) or any(values.keys() != found[0].keys() for values in found):
        raise TableError(
            f"{path}: expected members {members.start} to {members.stop - 1}, each with every value once; "
            f"{make_anew(path)}"
        )
    return found


def summary(members: Sequence[Values]) -> dict[str, list[Any]]:
    """The columns of digitization.csv: member 0, and what the values of the others do, as far as they have one."""
    rows = []
    for key, nominal in members[0].items():
        values = np.array([member[key] for member in members[1:]])
        values = values[np.isfinite(values)]
        origin = nominal if np.isfinite(nominal) else 0.0  # so that equal values have a spread of exactly zero
        numbers = [np.nan] * 4
        if values.size > 1:
            numbers = [origin + (values - origin).mean(), (values - origin).std(ddof=1), values.min(), values.max()]
        rows.append((key, nominal, *map(float, numbers), values.size))
    return as_columns(rows, DIGITIZATION)
