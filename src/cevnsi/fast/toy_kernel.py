"""Fits of one toy after another, compiled: least chi2 over nuisances and over what counts are quadratic in.

Expected counts, chi2 and its derivatives are those of `statistics.nuisances.Sample` and `statistics.likelihoods`; steps
are Newton's in a box, as `statistics.descent` has them. What numpy does for all points at once is done here for one,
without arrays of many, so that each goes its own way to its minimum.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

from cevnsi.arrays import FloatArray

Function = TypeVar("Function", bound=Callable[..., Any])
Numbers = NDArray[np.intp]
Flags = NDArray[np.bool_]


def compiled(function: Function) -> Function:
    """By numba, for others here; sums may be taken in another order, so that processors add several numbers at once."""
    return _compiled(function, entrance=False)


def entrance(function: Function) -> Function:
    """The same, to be called from Python."""
    return _compiled(function, entrance=True)


def _compiled(function: Function, *, entrance: bool) -> Function:
    made = numba.njit(
        cache=True,
        nogil=True,
        error_model="numpy",
        fastmath={"reassoc", "contract"},
        no_cpython_wrapper=not entrance,
        no_cfunc_wrapper=not entrance,
    )
    return cast(Function, made(function))


MOST_STEPS = 200
SHORTEST = 1e-6  # part of a step that is tried
ROUNDING = 1e-12  # of chi2, over one and its value
ENOUGH = 1e-8  # of Newton's decrement, which leaves some 1e-12 of chi2
LARGEST_DAMPING = 1e12
BARRIERS = 10  # each a tenth of the last, from one count
MOST_QUICK = 60
ENOUGH_QUICK = 1e-6  # of the decrement by a Hessian that is not quite this one: leaves less than that of chi2
TURNED_BACK = 1e-7  # slope at an end over the root of the curvature: what is left lets chi2 fall by its square
STRONG = 0.3  # of what the prior alone pulls back by


class Part(NamedTuple):
    """A data set. Numbers of nuisances are those among all; cells are of energy and group, the group faster."""

    first: int  # of its bins, among all
    energies: int
    groups: int
    times: int
    gaussian: bool
    templates: FloatArray  # (1 + 2 shapes, terms, cells): the signal's, slopes above zero of each shape, those below
    term: Numbers  # (terms,), which coefficient
    shape: Numbers  # (shapes,) of the signal, which nuisance
    bent: Flags  # (shapes,), whether slopes differ
    scaled: Numbers  # which nuisances scale the signal
    clock: int  # which nuisance moves it in time; -1: none
    knots: FloatArray  # (knots,) of offsets
    shares: FloatArray  # (4, knots - 1, groups, times): cubics of the signal's arrival, highest power first
    least_share: float
    moved_shapes: FloatArray  # (moved, energies) of backgrounds that the clock moves
    moved_shares: FloatArray  # (4, knots - 1, moved, times)
    still_shapes: FloatArray  # (still, bins) of all others
    redrawn: int  # which of these each toy has its own of; -1: none
    scaled_background: Numbers  # (entries,): of moved and then still ones, and
    scaled_by: Numbers  # (entries,), which nuisance scales it
    shifted_background: Numbers  # (shifts,), of the still ones
    shift: Numbers  # (shifts,), which nuisance
    shift_bent: Flags
    shifts: FloatArray  # (2, shifts, bins), slopes above zero and below


@compiled
def _share(cubics: FloatArray, knots: FloatArray, offset: float, out: FloatArray, least: float) -> None:
    """Values and two derivatives (3, groups, times) of cubics (4, knots - 1, groups, times) at an offset."""
    piece = min(max(int(np.searchsorted(knots, offset, side="right")) - 1, 0), knots.size - 2)
    x = offset - knots[piece]
    for g in range(out.shape[1]):
        for t in range(out.shape[2]):
            a, b = cubics[0, piece, g, t], cubics[1, piece, g, t]
            c, d = cubics[2, piece, g, t], cubics[3, piece, g, t]
            out[0, g, t] = max(((a * x + b) * x + c) * x + d, least)
            out[1, g, t] = (3 * a * x + 2 * b) * x + c
            out[2, g, t] = 6 * a * x + 2 * b


@compiled
def _add_part(
    part: Part,
    p: FloatArray,
    theta: FloatArray,
    side: FloatArray,
    coefficients: FloatArray,
    slopes: FloatArray,
    second: FloatArray,
    observed: FloatArray,
    weight: FloatArray,
    own: FloatArray,
    with_value: bool,
    gradient: FloatArray,
    hessian: FloatArray,
    jump: FloatArray,
) -> float:
    """Chi2 of a data set, not finite where counts cannot be; its derivatives in p and nuisances are added."""
    dims, terms, shapes = p.size, part.term.size, part.shape.size
    cells, bins = part.energies * part.groups, part.energies * part.times
    groups, times = part.groups, part.times
    moved, still, shifts = part.moved_shapes.shape[0], part.still_shapes.shape[0], part.shift.size
    # directions: parameters, the signal's scale, its shapes, the clock, scales of backgrounds, their shifts
    scale, first_shape = dims, dims + 1
    clock = first_shape + shapes
    first_background = clock + 1
    first_shift = first_background + moved + still
    count = first_shift + shifts
    by_cell = np.zeros((dims + 1 + shapes, cells))  # signal by parameter, itself, by shape
    factor = 1.0
    for j in part.scaled:
        factor += theta[j]
    for k in range(terms):
        c = coefficients[part.term[k]]
        shaped = part.templates[0, k].copy()
        for s in range(shapes):
            j = part.shape[s]
            row = 1 + s if side[j] > 0 else 1 + shapes + s
            for i in range(cells):
                slope = part.templates[row, k, i]
                shaped[i] += theta[j] * slope
                by_cell[first_shape + s, i] += c * slope
        for i in range(cells):
            by_cell[scale, i] += c * shaped[i]
        for d in range(dims):
            along = slopes[part.term[k], d]
            if along != 0.0:
                for i in range(cells):
                    by_cell[d, i] += along * shaped[i]
    directions = np.zeros((count, bins))
    mean = np.zeros(bins)
    share = np.zeros((3, groups, times))
    offset = 0.0
    if part.clock >= 0:
        offset = theta[part.clock]
        _share(part.shares, part.knots, offset, share, part.least_share)
        for row in range(dims + 1 + shapes):
            f = 1.0 if row == scale else factor
            for e in range(part.energies):
                for g in range(groups):
                    value = f * by_cell[row, e * groups + g]
                    if value != 0.0:
                        for t in range(times):
                            directions[row, e * times + t] += value * share[0, g, t]
        for e in range(part.energies):
            for g in range(groups):
                value = factor * by_cell[scale, e * groups + g]
                for t in range(times):
                    directions[clock, e * times + t] += value * share[1, g, t]
    else:
        for row in range(dims + 1 + shapes):
            f = 1.0 if row == scale else factor
            for i in range(bins):
                directions[row, i] = f * by_cell[row, i]
    for i in range(bins):
        mean[i] = factor * directions[scale, i]
    factors = np.ones(moved + still)
    for entry in range(part.scaled_by.size):
        factors[part.scaled_background[entry]] += theta[part.scaled_by[entry]]
    moved_share = np.zeros((3, max(moved, 1), times))
    if moved > 0:
        _share(part.moved_shares, part.knots, offset, moved_share, -np.inf)
    for b in range(moved):
        row = first_background + b
        for e in range(part.energies):
            value = part.moved_shapes[b, e]
            for t in range(times):
                i = e * times + t
                directions[row, i] = value * moved_share[0, b, t]
                mean[i] += factors[b] * directions[row, i]
                directions[clock, i] += factors[b] * value * moved_share[1, b, t]
    for b in range(still):
        row = first_background + moved + b
        for i in range(bins):
            directions[row, i] = own[part.first + i] if b == part.redrawn else part.still_shapes[b, i]
        for s in range(shifts):
            if part.shifted_background[s] == b:
                j = part.shift[s]
                which = 0 if side[j] > 0 else 1
                f = factors[moved + b]
                for i in range(bins):
                    slope = part.shifts[which, s, i]
                    directions[row, i] += theta[j] * slope
                    directions[first_shift + s, i] = f * slope
        for i in range(bins):
            mean[i] += factors[moved + b] * directions[row, i]
    # chi2 by bin, its slope and curvature
    value = 0.0
    slope = np.empty(bins)
    curvature = np.empty(bins)
    for i in range(bins):
        mu, n = mean[i], observed[part.first + i]
        if part.gaussian:
            w = weight[part.first + i]
            slope[i] = 2 * w * (mu - n)
            curvature[i] = 2 * w
            value += w * (mu - n) ** 2
        elif n > 0:
            if not mu > 0:
                return np.inf
            ratio = n / mu
            slope[i] = 2 * (1 - ratio)
            curvature[i] = 2 * ratio / mu
            value += 2 * (mu - n)
            if with_value:
                value += 2 * n * np.log(ratio)
        else:
            if not mu >= 0:
                return np.inf
            slope[i] = 2.0
            curvature[i] = 0.0
            value += 2 * mu
    local = np.zeros(count)
    square = np.zeros((count, count))
    weighted = np.empty(bins)
    for a in range(count):
        total = 0.0
        for i in range(bins):
            total += directions[a, i] * slope[i]
            weighted[i] = directions[a, i] * curvature[i]
        local[a] = total
        for b in range(a + 1):
            total = 0.0
            for i in range(bins):
                total += weighted[i] * directions[b, i]
            square[a, b] = total
    # second derivatives of the counts themselves
    gathered = np.zeros((3, cells))
    if part.clock >= 0:
        for e in range(part.energies):
            for g in range(groups):
                for order in range(3):
                    total = 0.0
                    for t in range(times):
                        total += share[order, g, t] * slope[e * times + t]
                    gathered[order, e * groups + g] = total
    else:
        for i in range(bins):
            gathered[0, i] = slope[i]
    for k in range(terms):
        inner = 0.0
        for i in range(cells):
            shaped_i = part.templates[0, k, i]
            for s in range(shapes):
                j = part.shape[s]
                row = 1 + s if side[j] > 0 else 1 + shapes + s
                shaped_i += theta[j] * part.templates[row, k, i]
            inner += gathered[0, i] * shaped_i
        for a in range(dims):
            for b in range(a + 1):
                square[a, b] += 2 * factor * second[part.term[k], a, b] * inner
        for s in range(shapes):
            row = 1 + s if side[part.shape[s]] > 0 else 1 + shapes + s
            inner = 0.0
            for i in range(cells):
                inner += gathered[0, i] * part.templates[row, k, i]
            for d in range(dims):
                square[first_shape + s, d] += factor * slopes[part.term[k], d] * inner
            if part.bent[s]:
                other = 1 + shapes + s if side[part.shape[s]] > 0 else 1 + s
                outer = 0.0
                for i in range(cells):
                    outer += gathered[0, i] * part.templates[other, k, i]
                # the slope above zero less that below
                jump[part.shape[s]] += side[part.shape[s]] * factor * coefficients[part.term[k]] * (inner - outer)
    for row in range(dims + 1 + shapes):
        along, bent = 0.0, 0.0
        for i in range(cells):
            along += gathered[0, i] * by_cell[row, i]
            bent += gathered[1, i] * by_cell[row, i]
        if row < scale:
            square[scale, row] += along
        elif row > scale:
            square[row, scale] += along
        if part.clock >= 0:
            square[clock, row] += bent if row == scale else factor * bent
    if part.clock >= 0:
        for i in range(cells):
            square[clock, clock] += factor * gathered[2, i] * by_cell[scale, i]
        for b in range(moved):
            once, twice = 0.0, 0.0
            for e in range(part.energies):
                for t in range(times):
                    r = slope[e * times + t] * part.moved_shapes[b, e]
                    once += r * moved_share[1, b, t]
                    twice += r * moved_share[2, b, t]
            square[first_background + b, clock] += once
            square[clock, clock] += factors[b] * twice
    for s in range(shifts):
        j, b = part.shift[s], part.shifted_background[s]
        inner, outer = 0.0, 0.0
        which = 0 if side[j] > 0 else 1
        for i in range(bins):
            inner += slope[i] * part.shifts[which, s, i]
            outer += slope[i] * part.shifts[1 - which, s, i]
        square[first_shift + s, first_background + moved + b] += inner
        if part.shift_bent[s]:
            jump[j] += side[j] * factors[moved + b] * (inner - outer)
    # to all parameters and nuisances, some of which move several directions
    entries = dims + part.scaled.size + shapes + (1 if part.clock >= 0 else 0) + part.scaled_by.size + shifts
    source, target = np.empty(entries, np.intp), np.empty(entries, np.intp)
    e = 0
    for d in range(dims):
        source[e], target[e] = d, d
        e += 1
    for j in part.scaled:
        source[e], target[e] = scale, dims + j
        e += 1
    for s in range(shapes):
        source[e], target[e] = first_shape + s, dims + part.shape[s]
        e += 1
    if part.clock >= 0:
        source[e], target[e] = clock, dims + part.clock
        e += 1
    for entry in range(part.scaled_by.size):
        source[e], target[e] = first_background + part.scaled_background[entry], dims + part.scaled_by[entry]
        e += 1
    for s in range(shifts):
        source[e], target[e] = first_shift + s, dims + part.shift[s]
        e += 1
    for a in range(entries):
        gradient[target[a]] += local[source[a]]
        for b in range(entries):
            one, two = source[a], source[b]
            hessian[target[a], target[b]] += square[one, two] if one >= two else square[two, one]
    return float(value)


@compiled
def _set_coefficients(quadratics: Any, p: FloatArray, coefficients: FloatArray, slopes: FloatArray) -> None:
    """Coefficients (terms,) and their slopes (terms, dims) at p (dims,)."""
    constant, linear, second = quadratics
    for k in range(constant.size):
        total = constant[k]
        for a in range(p.size):
            along = linear[k, a]
            for b in range(p.size):
                along += 2 * second[k, a, b] * p[b]
            slopes[k, a] = along
            total += p[a] * (linear[k, a] + along) / 2
        coefficients[k] = total


@compiled
def _chi2(
    parts: Any,
    quadratics: Any,
    z: FloatArray,
    dims: int,
    side: FloatArray,
    precision: FloatArray,
    centre: FloatArray,
    observed: FloatArray,
    weight: FloatArray,
    own: FloatArray,
    with_value: bool,
    gradient: FloatArray,
    hessian: FloatArray,
    jump: FloatArray,
) -> float:
    """Chi2 at parameters and nuisances z, and its derivatives."""
    second, terms = quadratics[2], quadratics[0].size
    p, theta = z[:dims], z[dims:]
    coefficients, slopes = np.empty(terms), np.empty((terms, dims))
    _set_coefficients(quadratics, p, coefficients, slopes)
    gradient[:] = 0.0
    hessian[:] = 0.0
    jump[:] = 0.0
    value = 0.0
    for j in range(theta.size):
        pull = precision[j] * (theta[j] - centre[j])
        value += pull * (theta[j] - centre[j])
        gradient[dims + j] = 2 * pull
        hessian[dims + j, dims + j] = 2 * precision[j]
    for part in parts:
        value += _add_part(
            part,
            p,
            theta,
            side,
            coefficients,
            slopes,
            second,
            observed,
            weight,
            own,
            with_value,
            gradient,
            hessian,
            jump,
        )
        if not np.isfinite(value):
            return value
    return float(value)


@compiled
def _solve(matrix: FloatArray, right: FloatArray, size: int) -> bool:
    """Solve in place by Cholesky's factors; whether the matrix (size, size) is positive."""
    for i in range(size):
        for j in range(i + 1):
            total = matrix[i, j]
            for k in range(j):
                total -= matrix[i, k] * matrix[j, k]
            if i == j:
                if not total > 0:
                    return False
                matrix[i, i] = np.sqrt(total)
            else:
                matrix[i, j] = total / matrix[j, j]
    for i in range(size):
        total = right[i]
        for k in range(i):
            total -= matrix[i, k] * right[k]
        right[i] = total / matrix[i, i]
    for i in range(size - 1, -1, -1):
        total = right[i]
        for k in range(i + 1, size):
            total -= matrix[k, i] * right[k]
        right[i] = total / matrix[i, i]
    return True


@compiled
def _newton_step(
    z: FloatArray,
    low: FloatArray,
    high: FloatArray,
    gradient: FloatArray,
    hessian: FloatArray,
    damping: float,
    step: FloatArray,
) -> float:
    """The step to where second derivatives put the minimum in the box, and its decrement, negative if not positive.

    What would leave the box goes to its end, and the others as if it were there; it is let go if it is then drawn back.
    """
    size = z.size
    held, stays = np.zeros(size, np.bool_), np.zeros(size, np.bool_)
    index, matrix, right = np.empty(size, np.intp), np.empty((size, size)), np.empty(size)
    largest = 0.0
    for i in range(size):
        largest = max(largest, abs(hessian[i, i]))
    for i in range(size):
        stays[i] = low[i] >= high[i] or (hessian[i, i] == 0 and gradient[i] == 0)
        held[i] = stays[i] or (z[i] <= low[i] and gradient[i] > 0) or (z[i] >= high[i] and gradient[i] < 0)
        step[i] = 0.0
    for _ in range(4 * size + 4):  # two or three; it could go round in circles, and then any is as good
        free = 0
        for i in range(size):
            if not held[i]:
                index[free] = i
                free += 1
        for a in range(free):
            total = -gradient[index[a]]
            for k in range(size):
                if held[k]:
                    total -= hessian[index[a], k] * step[k]
            right[a] = total
            for b in range(a + 1):
                matrix[a, b] = hessian[index[a], index[b]]
            matrix[a, a] += damping * largest
        if not _solve(matrix, right, free):
            return -1.0
        left = False
        for a in range(free):
            i = index[a]
            step[i] = right[a]
            if z[i] + step[i] < low[i]:
                step[i], held[i], left = low[i] - z[i], True, True
            elif z[i] + step[i] > high[i]:
                step[i], held[i], left = high[i] - z[i], True, True
        if left:
            continue
        worst, which = 0.0, -1
        for i in range(size):
            if held[i] and not stays[i]:
                slope = gradient[i] + damping * largest * step[i]
                for k in range(size):
                    slope += hessian[i, k] * step[k]
                if z[i] + step[i] >= high[i]:  # no end at the other side is as near
                    slope = -slope
                if slope < worst * np.sqrt(abs(hessian[i, i])):
                    worst, which = slope / np.sqrt(abs(hessian[i, i])), i
        if which < 0 or worst > -TURNED_BACK:
            break
        held[which] = False
    decrement = 0.0
    for i in range(size):
        decrement -= gradient[i] * step[i]
    return decrement


@compiled
def _set_ends(
    low: FloatArray,
    high: FloatArray,
    dims: int,
    bent: Flags,
    side: FloatArray,
    lowest: FloatArray,
    highest: FloatArray,
) -> None:
    """Ends of the box on one side of every kink."""
    lowest[:], highest[:] = low, high
    for j in range(bent.size):
        if bent[j] and side[j] > 0:
            lowest[dims + j] = max(low[dims + j], 0.0)
        elif bent[j]:
            highest[dims + j] = min(high[dims + j], 0.0)


@compiled
def _turned(
    z: FloatArray, dims: int, bent: Flags, turns: Flags, side: FloatArray, gradient: FloatArray, jump: FloatArray
) -> bool:
    """Whether some nuisance rests at a kink while chi2 falls beyond it: it is put on that side."""
    found = False
    for j in range(bent.size):
        i = dims + j
        if bent[j] and turns[j] and z[i] == 0.0:
            other = gradient[i] - jump[j] if side[j] > 0 else gradient[i] + jump[j]
            if gradient[i] * side[j] > 0 and other * side[j] > 0:
                side[j], gradient[i], found = -side[j], other, True
    return found


@compiled
def _descend(
    parts: Any,
    quadratics: Any,
    z: FloatArray,
    low: FloatArray,
    high: FloatArray,
    dims: int,
    bent: Flags,
    turns: Flags,
    side: FloatArray,
    precision: FloatArray,
    centre: FloatArray,
    observed: FloatArray,
    weight: FloatArray,
    own: FloatArray,
    jump: FloatArray,
) -> tuple[float, bool]:
    """Least chi2 that a start z leads to, in a box, where z is put, and whether steps have come to their end there."""
    size = z.size
    gradient, step, trial, new = np.empty(size), np.empty(size), np.empty(size), np.empty(size)
    hessian, new_hessian, new_jump = np.empty((size, size)), np.empty((size, size)), np.empty(jump.size)
    lowest, highest = np.empty(size), np.empty(size)
    _set_ends(low, high, dims, bent, side, lowest, highest)
    for i in range(size):
        trial[i] = min(max(z[i], lowest[i]), highest[i])
    value, decrement, damping, part, anew = np.inf, np.inf, 0.0, 1.0, True
    for _ in range(MOST_STEPS):
        found = _chi2(
            parts,
            quadratics,
            trial,
            dims,
            side,
            precision,
            centre,
            observed,
            weight,
            own,
            True,
            new,
            new_hessian,
            new_jump,
        )
        if anew and not np.isfinite(found):
            return np.inf, False
        if anew or found <= value + ROUNDING * (1 + abs(value)):  # which is false of what is not finite
            if not anew:
                damping = 0.0 if part == 1.0 and damping < 1e-5 else damping / 10
                if found >= value and decrement < 1e-6:
                    return value, True
            z[:], gradient[:], hessian[:], jump[:] = trial, new, new_hessian, new_jump
            value, part, anew = found, 1.0, False
            if _turned(z, dims, bent, turns, side, gradient, jump):
                _set_ends(low, high, dims, bent, side, lowest, highest)
                anew = True  # as second derivatives are others
                continue
        elif part > SHORTEST:
            part /= 4
            for i in range(size):
                trial[i] = min(max(z[i] + part * step[i], lowest[i]), highest[i])
            continue
        else:
            damping, part = max(10 * damping, 1e-6), 1.0
        decrement = _newton_step(z, lowest, highest, gradient, hessian, damping, step)
        while decrement < 0 and damping <= LARGEST_DAMPING:
            damping = max(4 * damping, 1e-6)
            decrement = _newton_step(z, lowest, highest, gradient, hessian, damping, step)
        if damping > LARGEST_DAMPING:
            return value, False
        for i in range(size):
            trial[i] = min(max(z[i] + step[i], lowest[i]), highest[i])
        if decrement <= ENOUGH and damping <= 1e-3:
            z[:] = trial
            return value - decrement / 2, True
    return value, False


@compiled
def _add_slope(
    part: Part,
    theta: FloatArray,
    side: FloatArray,
    coefficients: FloatArray,
    slopes: FloatArray,
    observed: FloatArray,
    weight: FloatArray,
    own: FloatArray,
    with_value: bool,
    work: FloatArray,
    gradient: FloatArray,
    jump: FloatArray,
) -> float:
    """Chi2, if it is asked for, and only the gradient of `_add_part`, by sums over cells: a tenth of the work.

    Not finite where counts cannot be, or nothing is expected of a bin.
    """
    dims, terms, shapes = slopes.shape[1], part.term.size, part.shape.size
    cells, bins = part.energies * part.groups, part.energies * part.times
    groups, times = part.groups, part.times
    moved, still, shifts = part.moved_shapes.shape[0], part.still_shapes.shape[0], part.shift.size
    signal, slope, mean, gathered, once = work[0], work[1], work[2], work[3], work[4]
    factor = 1.0
    for j in part.scaled:
        factor += theta[j]
    for i in range(cells):
        signal[i] = 0.0
    for k in range(terms):
        c = coefficients[part.term[k]]
        nominal = part.templates[0, k]
        for i in range(cells):
            signal[i] += c * nominal[i]
        for s in range(shapes):
            j = part.shape[s]
            f = c * theta[j]
            if f != 0.0:
                varied = part.templates[1 + s if side[j] > 0 else 1 + shapes + s, k]
                for i in range(cells):
                    signal[i] += f * varied[i]
    factors = work[5]
    for b in range(moved + still):
        factors[b] = 1.0
    for entry in range(part.scaled_by.size):
        factors[part.scaled_background[entry]] += theta[part.scaled_by[entry]]
    share = np.empty((3, groups + moved, times)) if part.clock >= 0 else np.empty((3, 0, 0))
    if part.clock >= 0:
        _share(part.shares, part.knots, theta[part.clock], share[:, :groups], part.least_share)
        if moved > 0:
            _share(part.moved_shares, part.knots, theta[part.clock], share[:, groups:], -np.inf)
        for e in range(part.energies):
            for t in range(times):
                mean[e * times + t] = 0.0
            for g in range(groups):
                value = factor * signal[e * groups + g]
                for t in range(times):
                    mean[e * times + t] += value * share[0, g, t]
            for b in range(moved):
                value = factors[b] * part.moved_shapes[b, e]
                for t in range(times):
                    mean[e * times + t] += value * share[0, groups + b, t]
    else:
        for i in range(bins):
            mean[i] = factor * signal[i]
    for b in range(still):
        f = factors[moved + b]
        if b == part.redrawn:
            for i in range(bins):
                mean[i] += f * own[part.first + i]
        else:
            shape = part.still_shapes[b]
            for i in range(bins):
                mean[i] += f * shape[i]
    for s in range(shifts):
        j = part.shift[s]
        f = factors[moved + part.shifted_background[s]] * theta[j]
        if f != 0.0:
            shift = part.shifts[0 if side[j] > 0 else 1, s]
            for i in range(bins):
                mean[i] += f * shift[i]
    found = 0.0
    if part.gaussian:
        for i in range(bins):
            away = mean[i] - observed[part.first + i]
            slope[i] = 2 * weight[part.first + i] * away
            found += weight[part.first + i] * away * away
    else:
        least = np.inf
        for i in range(bins):
            least = min(least, mean[i])
            slope[i] = 2 - 2 * observed[part.first + i] / mean[i]
        if not least > 0:
            return np.inf
        if with_value:
            for i in range(bins):
                n = observed[part.first + i]
                found += 2 * (mean[i] - n)
                if n > 0:
                    found += 2 * n * np.log(n / mean[i])
    if part.clock >= 0:
        for e in range(part.energies):
            for g in range(groups):
                total, moving = 0.0, 0.0
                for t in range(times):
                    total += share[0, g, t] * slope[e * times + t]
                    moving += share[1, g, t] * slope[e * times + t]
                gathered[e * groups + g] = total
                once[e * groups + g] = moving
        along = 0.0
        for i in range(cells):
            along += once[i] * signal[i]
        gradient[dims + part.clock] += factor * along
    else:
        for i in range(bins):
            gathered[i] = slope[i]
    whole = 0.0
    for k in range(terms):
        c = coefficients[part.term[k]]
        nominal, inner = part.templates[0, k], 0.0
        for i in range(cells):
            inner += gathered[i] * nominal[i]
        for s in range(shapes):
            j = part.shape[s]
            up, down = part.templates[1 + s, k], part.templates[1 + shapes + s, k]
            above, under = 0.0, 0.0
            for i in range(cells):
                above += gathered[i] * up[i]
            if part.bent[s]:
                for i in range(cells):
                    under += gathered[i] * down[i]
                jump[j] += factor * c * (above - under)
            here = above if side[j] > 0 or not part.bent[s] else under
            gradient[dims + j] += factor * c * here
            inner += theta[j] * here
        whole += c * inner
        for d in range(dims):
            gradient[d] += factor * slopes[part.term[k], d] * inner
    for j in part.scaled:
        gradient[dims + j] += whole
    for b in range(moved + still):
        factors[b] = 0.0  # from here on what chi2 changes by with each
    for b in range(moved):
        along, moving = 0.0, 0.0
        for e in range(part.energies):
            total, late = 0.0, 0.0
            for t in range(times):
                total += share[0, groups + b, t] * slope[e * times + t]
                late += share[1, groups + b, t] * slope[e * times + t]
            along += part.moved_shapes[b, e] * total
            moving += part.moved_shapes[b, e] * late
        factors[b] = along
        scale = 1.0
        for entry in range(part.scaled_by.size):
            if part.scaled_background[entry] == b:
                scale += theta[part.scaled_by[entry]]
        gradient[dims + part.clock] += scale * moving
    for b in range(still):
        along = 0.0
        if b == part.redrawn:
            for i in range(bins):
                along += slope[i] * own[part.first + i]
        else:
            shape = part.still_shapes[b]
            for i in range(bins):
                along += slope[i] * shape[i]
        factors[moved + b] = along
    for s in range(shifts):
        j, b = part.shift[s], moved + part.shifted_background[s]
        up, down = part.shifts[0, s], part.shifts[1, s]
        above, under = 0.0, 0.0
        for i in range(bins):
            above += slope[i] * up[i]
        if part.shift_bent[s]:
            for i in range(bins):
                under += slope[i] * down[i]
        here = above if side[j] > 0 or not part.shift_bent[s] else under
        scale = 1.0
        for entry in range(part.scaled_by.size):
            if part.scaled_background[entry] == b:
                scale += theta[part.scaled_by[entry]]
        gradient[dims + j] += scale * here
        if part.shift_bent[s]:
            jump[j] += scale * (above - under)
        factors[b] += theta[j] * here
    for entry in range(part.scaled_by.size):
        gradient[dims + part.scaled_by[entry]] += factors[part.scaled_background[entry]]
    return float(found)


@compiled
def _slope(
    parts: Any,
    quadratics: Any,
    z: FloatArray,
    dims: int,
    side: FloatArray,
    precision: FloatArray,
    centre: FloatArray,
    observed: FloatArray,
    weight: FloatArray,
    own: FloatArray,
    with_value: bool,
    coefficients: FloatArray,
    slopes: FloatArray,
    work: FloatArray,
    gradient: FloatArray,
    jump: FloatArray,
) -> float:
    """Chi2 at z, if it is asked for, and its gradient; not finite where the careful way has to look."""
    _set_coefficients(quadratics, z[:dims], coefficients, slopes)
    theta, value = z[dims:], 0.0
    gradient[:] = 0.0
    jump[:] = 0.0
    for j in range(theta.size):
        pull = precision[j] * (theta[j] - centre[j])
        value += pull * (theta[j] - centre[j])
        gradient[dims + j] = 2 * pull
    for part in parts:
        value += _add_slope(
            part, theta, side, coefficients, slopes, observed, weight, own, with_value, work, gradient, jump
        )
        if not np.isfinite(value):
            return np.inf
    return value


@compiled
def _quick(
    parts: Any,
    quadratics: Any,
    z: FloatArray,
    low: FloatArray,
    high: FloatArray,
    dims: int,
    bent: Flags,
    turns: Flags,
    side: FloatArray,
    precision: FloatArray,
    centre: FloatArray,
    observed: FloatArray,
    weight: FloatArray,
    own: FloatArray,
    hessian: FloatArray,
    bound: float,
    work: FloatArray,
    jump: FloatArray,
) -> float:
    """Least chi2 that a start z leads to, where z is put, by gradients and a Hessian that learns from them.

    Its updates are those of Broyden, Fletcher, Goldfarb and Shanno (Eq. 6.19 of J. Nocedal and S. J. Wright, Numerical
    Optimization, Springer, 2006). Infinite where it is clear from the first step that it is above a bound; not a number
    where it is not found in few steps.
    """
    size, terms = z.size, quadratics[0].size
    coefficients, slopes = np.empty(terms), np.empty((terms, dims))
    gradient, step, moved, new, change, along, trial, lowest, highest = np.empty((9, size))
    _set_ends(low, high, dims, bent, side, lowest, highest)
    for i in range(size):
        trial[i] = min(max(z[i], lowest[i]), highest[i])
    before, part, first, last = 0.0, 1.0, True, False
    for _ in range(MOST_QUICK):
        value = _slope(
            parts,
            quadratics,
            trial,
            dims,
            side,
            precision,
            centre,
            observed,
            weight,
            own,
            last or (first and bound < np.inf),
            coefficients,
            slopes,
            work,
            new,
            jump,
        )
        if (first or last) and not np.isfinite(value):
            return np.nan
        if last:
            z[:] = trial
            return value
        if not first:
            after = 0.0
            for i in range(size):
                after += new[i] * moved[i]
            if not (np.isfinite(value) and after <= -0.5 * before):
                part /= 4
                if part < SHORTEST:
                    return np.nan
                for i in range(size):
                    trial[i] = z[i] + part * moved[i]
                continue
            curved, total = 0.0, 0.0
            for i in range(size):
                moved[i] *= part
                change[i] = new[i] - gradient[i]
                curved += change[i] * moved[i]
            for i in range(size):
                inner = 0.0
                for k in range(size):
                    inner += hessian[i, k] * moved[k]
                along[i] = inner
                total += inner * moved[i]
            if curved > 1e-8 * total and total > 0:
                for i in range(size):
                    for k in range(size):
                        hessian[i, k] += change[i] * change[k] / curved - along[i] * along[k] / total
        z[:], gradient[:] = trial, new
        if _turned(z, dims, bent, turns, side, gradient, jump):
            _set_ends(low, high, dims, bent, side, lowest, highest)
        decrement = _newton_step(z, lowest, highest, gradient, hessian, 0.0, step)
        if decrement < 0:
            return np.nan
        if first and value - 2 * decrement > bound:
            return np.inf
        before = 0.0
        for i in range(size):
            trial[i] = min(max(z[i] + step[i], lowest[i]), highest[i])
            moved[i] = trial[i] - z[i]
            before += gradient[i] * moved[i]
        part, first, last = 1.0, False, decrement <= ENOUGH_QUICK
    return np.nan


@entrance
def hessian_at(
    parts: Any,
    quadratics: Any,
    z: FloatArray,
    dims: int,
    precision: FloatArray,
    centre: FloatArray,
    observed: FloatArray,
    weight: FloatArray,
    own: FloatArray,
    hessian: FloatArray,
) -> None:
    """Second derivatives (dims + nuisances, again) at z of one toy."""
    side, gradient, jump = np.ones(z.size - dims), np.empty(z.size), np.empty(z.size - dims)
    for j in range(side.size):
        side[j] = 1.0 if z[dims + j] >= 0 else -1.0
    _chi2(parts, quadratics, z, dims, side, precision, centre, observed, weight, own, False, gradient, hessian, jump)


@compiled
def _reflected(mirror: FloatArray, p: FloatArray, z: FloatArray, hessian: FloatArray) -> None:
    """Put the parameters of z where a mirror (dims, dims + 1) has p, and their second derivatives as there."""
    dims, size = p.size, z.size
    for a in range(dims):
        total = mirror[a, dims]
        for b in range(dims):
            total += mirror[a, b] * p[b]
        z[a] = total
    old = hessian.copy()
    for a in range(dims):
        for k in range(size):
            total = 0.0
            for b in range(dims):
                total += mirror[b, a] * old[b, k]
            hessian[a, k] = total
    old[:] = hessian
    for k in range(size):
        for a in range(dims):
            total = 0.0
            for b in range(dims):
                total += old[k, b] * mirror[b, a]
            hessian[k, a] = total


@compiled
def _careful(
    parts: Any,
    quadratics: Any,
    z: FloatArray,
    low: FloatArray,
    high: FloatArray,
    dims: int,
    bent: Flags,
    turns: Flags,
    side: FloatArray,
    precision: FloatArray,
    centre: FloatArray,
    observed: FloatArray,
    weight: FloatArray,
    own: FloatArray,
    jump: FloatArray,
) -> float:
    """Least chi2 that a start z leads to, by `_descend`, and along the wall where shapes let nothing be expected.

    There chi2 is finite, and infinite beyond; as if less and less were observed in empty bins the minimum goes along it
    (`Model._along_walls`), and as if nothing were it is that of the toy, from there.
    """
    walls = False
    for part in parts:
        walls = walls or (not part.gaussian and part.shape.size > 0)
    at, best, raised, least = z.copy(), z.copy(), observed.copy(), np.inf
    first_side, now, one_jump = side.copy(), side.copy(), np.empty(jump.size)
    barrier = 0.0
    for stage in range(BARRIERS + 2 if walls else 1):
        if stage == 1:  # what has not ended may be at a wall
            at[:], now[:], barrier = z, first_side, 1.0
        elif stage > 1:
            barrier = barrier / 10 if stage <= BARRIERS else 0.0
        for part in parts:
            if not part.gaussian:
                for i in range(part.first, part.first + part.energies * part.times):
                    raised[i] = max(observed[i], barrier)
        found, ended = _descend(
            parts,
            quadratics,
            at,
            low,
            high,
            dims,
            bent,
            turns,
            now,
            precision,
            centre,
            raised,
            weight,
            own,
            one_jump,
        )
        if barrier == 0.0 and found < least:
            least = found
            best[:], side[:], jump[:] = at, now, one_jump
        if stage == 0 and ended:
            break
    z[:] = best
    return least


@entrance
def fit(
    parts: Any,
    quadratics: Any,
    starts: FloatArray,
    low: FloatArray,
    high: FloatArray,
    dims: int,
    bent: Flags,
    precision: FloatArray,
    centres: FloatArray,
    observed: FloatArray,
    weight: FloatArray,
    own: FloatArray,
    reflections: FloatArray,
    hessians: FloatArray,
    last_hessians: FloatArray,
    value: FloatArray,
    place: FloatArray,
) -> None:
    """Least chi2 (toys,) and where it is (toys, dims + nuisances), from a start of each toy and its reflections.

    Those are (reflections, dims, dims + 1), p to A p + b, each its own inverse: minima that are mirror images but for a
    little. Second derivatives to begin with are (1, ...) of all toys, or (toys, ...) of each; where there is room for
    them, (toys, ...), they are left as they are at the end.
    """
    size = low.shape[1]
    nuisances = size - dims
    most = 8
    for part in parts:
        most = max(most, part.energies * part.groups, part.energies * part.times, part.still_shapes.shape[0] + 8)
    work = np.empty((6, most))
    jump, turns, kinks = np.empty(nuisances), np.zeros(nuisances, np.bool_), np.empty(nuisances)
    z, side, start, best = np.empty(size), np.empty(nuisances), np.empty(size), np.empty(size)
    begin, begin_side = np.empty(size), np.empty(nuisances)
    first, hessian = np.empty((size, size)), np.empty((size, size))
    mirrors = reflections.shape[0]
    for toy in range(observed.shape[0]):
        box = min(toy, low.shape[0] - 1)
        start[:] = starts[min(toy, starts.shape[0] - 1)]
        first[:] = hessians[min(toy, hessians.shape[0] - 1)]
        least = np.inf
        for k in range(1 + mirrors + nuisances):  # from the start, its mirror images, and beyond kinks of the best
            j = k - 1 - mirrors
            if j >= 0:
                if not bent[j] or low[box, dims + j] >= high[box, dims + j]:
                    continue
                # there is another minimum only if it is bent down, by more than the prior pulls back
                if kinks[j] >= -STRONG * 2 * precision[j] * abs(best[dims + j]):
                    continue
                z[:], hessian[:] = best, first
                z[dims + j] = 0.0
            else:
                z[:], hessian[:] = start, first
                if k > 0:
                    _reflected(reflections[k - 1], start[:dims], z, hessian)
            for i in range(nuisances):
                side[i] = 1.0 if (best if j >= 0 else z)[dims + i] >= 0 else -1.0
                turns[i] = bent[i] and i != j
            if j >= 0:
                side[j] = -side[j]
            begin[:], begin_side[:] = z, side
            found = _quick(
                parts,
                quadratics,
                z,
                low[box],
                high[box],
                dims,
                bent,
                turns,
                side,
                precision,
                centres[toy],
                observed[toy],
                weight[min(toy, weight.shape[0] - 1)],
                own[min(toy, own.shape[0] - 1)],
                hessian,
                least if j < 0 else np.inf,
                work,
                jump,
            )
            if np.isnan(found):
                z[:], side[:] = begin, begin_side
                found = _careful(
                    parts,
                    quadratics,
                    z,
                    low[box],
                    high[box],
                    dims,
                    bent,
                    turns,
                    side,
                    precision,
                    centres[toy],
                    observed[toy],
                    weight[min(toy, weight.shape[0] - 1)],
                    own[min(toy, own.shape[0] - 1)],
                    jump,
                )
            if k == 0:
                start[:], first[:] = z, hessian
            if found < least:
                least = found
                best[:], kinks[:] = z, jump
        value[toy] = least
        place[toy] = best
        if last_hessians.shape[0] > 0:
            last_hessians[toy] = first
