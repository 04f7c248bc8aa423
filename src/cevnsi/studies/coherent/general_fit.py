"""Ranges of contact couplings with all others free, complex ones in both parts: what stays open, and along what.

With everything free a row's charges squared are v_i^T S v_i of any positive semidefinite form S
(`cevnsi.statistics.squares`). A number x = c . w of one pair's couplings to u and d, with the standard model's in it,
then asks c^T S c >= x^2 of the rows that the pair enters, and nothing else. So chi2 is even in x and never falls with
its magnitude: there is one interval, about minus the standard model's on the diagonal and about zero elsewhere, as wide
for ee as for either part of etau, for mumu as for mutau.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cevnsi.arrays import FloatArray
from cevnsi.domains import ALL_OTHERS, spelled_out
from cevnsi.model import Model
from cevnsi.parameters import (
    MATTER_PARAMETERS,
    OFF_DIAGONAL,
    QUARKS,
    Combination,
    combination,
    coupling_name,
)
from cevnsi.physics.nuclei import Nuclide
from cevnsi.physics.weak_charge import (
    ROW_OF_PAIR,
    ROWS,
    NucleonCouplings,
    quark_numbers,
)
from cevnsi.scans.chi2 import chi2
from cevnsi.scans.limits import FLAT_WITHIN

FREE = {ALL_OTHERS: (-np.inf, np.inf)}
NEAREST, SAMPLES = 1e-2, 29  # half widths that are tried first: the least, and how many up to the widest
BETWEEN, ROUNDS = 13, 2  # then so many between the two next to an end, so often
# What of a pair's two couplings is asked for: each, their sum (Eq. 11), and what the nuclei tell most and least of.
ALONG, ACROSS = "along", "across"
PAIRS = tuple(dict.fromkeys(pair for pairs in ROWS.values() for pair in pairs))


@dataclass(frozen=True, kw_only=True)
class Direction:
    """A number that is asked for: units of the couplings to u and d of a pair, and what else of the pair is free."""

    name: str
    pair: str
    units: tuple[float, float]

    @property
    def combinations(self) -> dict[str, Combination]:
        """The number itself, and what is at right angles to it."""
        (up, down), names = self.units, [coupling_name(self.pair, quark) for quark in QUARKS]
        square = up**2 + down**2
        made = {"number": (up / square, down / square), "besides": (-down, up)}
        return {
            key: combination(key, {name: unit for name, unit in zip(names, units, strict=True) if unit})
            for key, units in made.items()
        }


def axes_of(nuclides: Sequence[Nuclide]) -> tuple[tuple[float, float], tuple[float, float]]:
    """Unit vectors among couplings to u and d: what amplitudes over the numbers of nucleons depend on most, and least.

    Of one nucleus the second moves none: (Z + 2 N) to u against (2 Z + N) to d.
    """
    numbers = np.array([[quark_numbers(n)[quark] for quark in QUARKS] for n in nuclides], float)
    _, vectors = np.linalg.eigh((numbers / numbers.sum(axis=1)[:, None]).T @ (numbers / numbers.sum(axis=1)[:, None]))
    along = vectors[:, 1] * np.sign(vectors[:, 1].sum())
    return (float(along[0]), float(along[1])), (float(along[1]), -float(along[0]))


def directions_of(nuclides: Sequence[Nuclide]) -> Iterator[Direction]:
    """All that is asked for, pair by pair."""
    along, across = axes_of(nuclides)
    for pair in PAIRS:
        for name, units in (
            (coupling_name(pair, "u"), (1.0, 0.0)),
            (coupling_name(pair, "d"), (0.0, 1.0)),
            (next(name for name, made in MATTER_PARAMETERS.items() if made.pair == pair), (3.0, 3.0)),
            (f"eps_{pair}_{ALONG}", along),
            (f"eps_{pair}_{ACROSS}", across),
        ):
            yield Direction(name=name, pair=pair, units=units)


def centre_of(direction: Direction, nuclides: Sequence[Nuclide], couplings: NucleonCouplings) -> float:
    """Where the standard model's part of a number is taken to zero, about which its range is even."""
    if direction.pair in OFF_DIAGONAL:
        return 0.0
    proton, neutron = couplings.proton[ROW_OF_PAIR[direction.pair]], couplings.neutron
    up, down = (2 * proton - neutron) / 3, (2 * neutron - proton) / 3  # Z g_p + N g_n = (2 Z + N) up + (Z + 2 N) down
    return -float(direction.units[0] * up + direction.units[1] * down)


def chi2_at_distances(model: Model, direction: Direction, distances: FloatArray) -> FloatArray:
    """Least chi2 (k,) where a number is so far, (k,), from the middle of its range."""
    made = direction.combinations
    at = centre_of(direction, model.nuclides, model.couplings_at({})) + distances
    domain = spelled_out({"besides": FREE[ALL_OTHERS], **FREE}, ["number"], made)
    return chi2(model, "contact", {"number": at}, domain, made)


def half_widths(model: Model, direction: Direction, least: float, levels: Sequence[float], widest: float) -> FloatArray:
    """How far a number may be from the middle of its range, (levels,), at each delta chi2, or `widest`.

    Good to some 1e-5 of itself: chi2 is taken for many points together, which costs little more than for one.
    """
    heights = least + np.asarray(levels)[:, None]
    x = np.concatenate([[0.0], np.geomspace(NEAREST, widest, SAMPLES)]) * np.ones_like(heights)
    samples = chi2_at_distances(model, direction, x[0]) * np.ones_like(heights)
    ended = samples[:, -1] >= heights[:, 0]
    rows, parts = np.arange(len(heights)), np.linspace(0, 1, BETWEEN)
    for _ in range(ROUNDS if ended.any() else 0):
        low, high, *_ = _bracket(x, samples, heights)
        x = low[:, None] + (high - low)[:, None] * parts
        samples = chi2_at_distances(model, direction, x.ravel()).reshape(x.shape)
    low, high, before, after = _bracket(x, samples, heights)
    rise = np.where(after > before, after - before, 1.0)
    found = low + np.clip((heights[rows, 0] - before) / rise, 0, 1) * (high - low)
    return np.where(ended, found, widest)


def _bracket(
    x: FloatArray, samples: FloatArray, heights: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Places and samples, (levels,) each, before and after the first sample that is no lower than the level."""
    after = np.maximum((samples >= heights).argmax(axis=1), 1)
    rows = np.arange(len(x))
    return x[rows, after - 1], x[rows, after], samples[rows, after - 1], samples[rows, after]


def least_of(model: Model) -> float:
    """The least chi2 of all."""
    return float(chi2(model, "contact", {}, spelled_out(FREE, [])))


def general_fit(model: Model, levels: Mapping[tuple[float, int], float], widest: float) -> Iterator[tuple[Any, ...]]:
    """Rows of `tables.GENERAL_FIT`: both ends of every number at delta chi2 by confidence level and n_dof.

    Numbers of pairs that enter the same rows have one half width, which is found once. From `flat_from` to `flat_to`
    chi2 is the least of all but for `FLAT_WITHIN`.
    """
    least, couplings = least_of(model), model.couplings_at({})
    known: dict[tuple[tuple[str, ...], tuple[float, float]], FloatArray] = {}
    for direction in directions_of(model.nuclides):
        key = tuple(row for row, pairs in ROWS.items() if direction.pair in pairs), direction.units
        if key not in known:
            known[key] = half_widths(model, direction, least, [FLAT_WITHIN, *levels.values()], widest)
        flat, *widths = known[key].tolist()
        centre = centre_of(direction, model.nuclides, couplings)
        for ((confidence_level, n_dof), delta), width in zip(levels.items(), widths, strict=True):
            open_ended = "yes" if width >= widest else "no"
            ends = centre - width, centre + width, centre - flat, centre + flat
            yield direction.name, direction.pair, *direction.units, confidence_level, n_dof, delta, *ends, open_ended
