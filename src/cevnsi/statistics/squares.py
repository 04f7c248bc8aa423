"""Fewer squares that reach the same charges squared, where couplings without bounds move several amplitudes of a row.

The amplitude of a pair at nucleus i is v_i . w, with v_i = (2 Z + N, Z + 2 N) and w the pair's couplings to u and d;
the standard model's Z g_p + N g_n is one more such w, as Z and N are linear in v_i. The charges squared of a row (Eq.
10) are v_i^T S v_i, of a form S that is the sum of w w^T over all that enters the row, real and imaginary parts apart.
Without bounds:

- If one w is anything, and another goes along a line through zero, their sum is any positive semidefinite 2 x 2 form
  D: it is L L^T, L triangular in axes of which the second is the line. Further squares of the kind add nothing to it.
  Of one nucleus, or nuclei of one N/Z, D is a number, and one square is enough.
- If both rows have such a D, a square that enters both and may vanish adds nothing: D_e + w w^T and D_mu + w w^T are
  forms of the same kind.
- Of squares along one line through zero, one is as much as many.
- There chi2 that is convex in the charges has no minimum but the least. All S - w w^T = D with w linear in what else
  is minimised over is a convex problem (Schur: [[S, w], [w^T, 1]] is semidefinite). Where descents over L rest,
  gradient G of chi2 in S has G L = 0, and G is semidefinite as L has a column along which to leave otherwise, or zero
  if L has full rank; what moves w rests where G w is at right angles to it. These are the conditions of Karush, Kuhn
  and Tucker, G the multiplier. Nuisances that scale a signal leave chi2 but quasi-convex: tests hold it to descents
  from many starts.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cevnsi.arrays import FloatArray

ROUNDING = 1e-9  # of amplitudes, over the standard model's: what is less is zero
WORST_CONDITION = 1e6  # of amplitudes of two nuclei that two variables move


@dataclass(frozen=True, kw_only=True)
class Squares:
    """What moves amplitudes, as `cevnsi.domains.Problem` has it, and which of these need few starts."""

    fixed: FloatArray  # (n, keys, nuclei)
    slope: FloatArray  # (d, keys, nuclei)
    enters: FloatArray  # (rows, keys)
    size: FloatArray  # (keys,)
    low: FloatArray  # (n, d)
    high: FloatArray  # (n, d)
    stay: tuple[int, ...]  # numbers of the variables that are as they were, which come first
    once: frozenset[int]  # keys of which any start leads to the same minimum
    either: frozenset[int]  # keys of which either sign does


@dataclass(frozen=True, kw_only=True)
class _Key:
    """How one amplitude moves without bounds: by a combination of (nuclei, rank), and whether it can vanish so."""

    number: int
    basis: FloatArray
    through_zero: bool


def entering(enters: FloatArray, moves: NDArray[np.bool_]) -> int:
    """The most variables of one row, of these (d, keys) that move keys which enter rows, (rows, keys)."""
    return int((moves.astype(int) @ enters.T.astype(int) > 0).sum(axis=0).max())


def farthest_by_key(farthest: FloatArray, enters: FloatArray) -> FloatArray:
    """How large an amplitude may be, (keys, nuclei), from charges squared (rows * nuclei,); enters is (rows, keys)."""
    by_row = np.sqrt(farthest.reshape(len(enters), -1))
    return np.stack([by_row[rows > 0].max(axis=0) for rows in enters.T])


def _span(amplitudes: FloatArray, charge: FloatArray) -> FloatArray:
    """Combinations (nuclei, rank) of amplitudes (nuclei, some), at right angles in units of the standard model's."""
    left, size, _ = np.linalg.svd(amplitudes / charge[:, None], full_matrices=False)
    rank = int((size > size[:1] / WORST_CONDITION).sum()) if size.size and size[0] > 0 else 0
    return np.asarray(charge[:, None] * left[:, :rank])


def _keys(fixed: FloatArray, slope: FloatArray, simple: NDArray[np.bool_], charge: FloatArray, most: int) -> list[_Key]:
    """Of every amplitude; one that goes anywhere can vanish whatever else moves it."""
    made = []
    for k in range(slope.shape[1]):
        moving = slope[:, k].any(axis=1)
        basis = _span(slope[simple & moving, k].T, charge)
        unit = basis / charge[:, None]
        away = fixed[:, k] / charge
        away = away - away @ unit @ unit.T
        still = not (moving & ~simple).any() and bool((np.abs(away) <= ROUNDING).all())
        made.append(_Key(number=k, basis=basis, through_zero=basis.shape[1] == most or still))
    return made


def _of_one_class(keys: list[_Key], most: int) -> tuple[list[tuple[int, FloatArray]], bool]:
    """Squares through zero that are enough, with their bases, and whether they are any semidefinite form."""
    full = [key for key in keys if key.basis.shape[1] == most]
    lines = [key for key in keys if 0 < key.basis.shape[1] < most]
    if full and most == 1:
        return [(full[0].number, full[0].basis)], True
    if full and len(full) + len(lines) > 1:
        other = (full[1:] or lines)[0]
        return [(full[0].number, full[0].basis), (other.number, other.basis[:, :1])], True
    kept: list[tuple[int, FloatArray]] = [(key.number, key.basis) for key in full]
    for key in lines:
        if not any(np.allclose(key.basis, sign * basis, rtol=1e-9) for _, basis in kept for sign in (-1, 1)):
            kept.append((key.number, key.basis))
    return kept, False


def fewest(
    fixed: FloatArray,
    slope: FloatArray,
    enters: FloatArray,
    size: FloatArray,
    low: FloatArray,
    high: FloatArray,
    charge: FloatArray,
    numbers: FloatArray,
    farthest: FloatArray,
    asked: NDArray[np.bool_],
) -> Squares:
    """The squares that are enough, of nuclei with these numbers of quarks (nuclei, 2) and charges (nuclei,).

    The others are as `Squares` has them.
    `farthest`, as in `cevnsi.domains.least_over_domain`, ends what goes anywhere. What is `asked` for (d,) stays.
    """
    moves = slope.any(axis=2)
    simple = (np.isinf(low) & np.isinf(high)).all(axis=0) & (moves.sum(axis=1) == 1) & ~asked
    most = _span(numbers, charge).shape[1]
    keys = _keys(fixed, slope, simple, charge, most)
    classes = {tuple(rows) for rows in enters.T.tolist()}
    shared = tuple([1.0] * len(enters))
    found = {
        rows: _of_one_class([key for key in keys if key.through_zero and tuple(enters[:, key.number]) == rows], most)
        for rows in classes
    }
    own = [found.get(tuple(np.eye(len(enters))[row]), ([], False)) for row in range(len(enters))]
    if shared in found and all(anything for _, anything in own):
        found[shared] = [], True
    kept = {number: basis for squares, _ in found.values() for number, basis in squares}
    fixed, old = fixed.copy(), np.where(simple[:, None, None], 0.0, slope)
    variables: list[tuple[FloatArray, FloatArray, FloatArray]] = []  # slope (keys, nuclei), ends (n,)
    far, ones = farthest_by_key(farthest, enters), np.ones(len(fixed))
    for key in keys:
        basis = kept.get(key.number, key.basis if not key.through_zero else key.basis[:, :0])
        if key.through_zero and key.basis.shape[1]:
            fixed[:, key.number], old[:, key.number] = 0.0, 0.0
        # of an amplitude that one variable moves, it depends on what is fixed how far that is
        end = np.inf if key.basis.shape[1] < most else np.sqrt(np.square(far[key.number] / charge).sum())
        for column in basis.T:
            made = np.zeros(slope.shape[1:])
            made[key.number] = column
            variables.append((made, -end * ones, end * ones))
    stay = [j for j in range(len(slope)) if old[j].any()]
    variables = [(old[j], low[:, j], high[:, j]) for j in stay] + variables
    dropped = {key.number for key in keys if key.through_zero and key.basis.shape[1]} - kept.keys()
    left = [k for k in range(slope.shape[1]) if k not in dropped]
    place = {k: i for i, k in enumerate(left)}
    convex = {rows for rows, (_, anything) in found.items() if anything}
    once = {k for k in left if tuple(enters[:, k]) in convex}
    symmetric = {k for k in kept if kept[k].size} | even(fixed, old, low, high)
    slopes, lows, highs = zip(*variables, strict=True)
    return Squares(
        fixed=fixed[:, left],
        slope=np.stack(slopes)[:, left],
        enters=enters[:, left],
        size=size[left],
        low=np.stack(lows, axis=1),
        high=np.stack(highs, axis=1),
        stay=tuple(stay),
        once=frozenset(place[k] for k in once),
        either=frozenset(place[k] for k in symmetric & place.keys()),
    )


def even(fixed: FloatArray, slope: FloatArray, low: FloatArray, high: FloatArray) -> set[int]:
    """Amplitudes that nothing holds off zero and that variables of their own move, as far up as down.

    Of fixed ones (n, keys, nuclei), slopes (d, keys, nuclei) and ends (n, d).
    """
    alone = slope.any(axis=2).sum(axis=1) <= 1
    found = set()
    for k in range(slope.shape[1]):
        mine = slope[:, k].any(axis=1)
        if mine.any() and not fixed[:, k].any() and alone[mine].all() and (low[:, mine] == -high[:, mine]).all():
            found.add(k)
    return found
