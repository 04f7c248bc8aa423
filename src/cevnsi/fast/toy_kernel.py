"""Fits of one toy after another, compiled: least chi2 over nuisances and over what counts are quadratic in.

Expected counts, chi2 and its derivatives are those of `statistics.nuisances.Sample` and `statistics.likelihoods`; steps
are Newton's in a box, as `statistics.descent` has them. What numpy does for all points at once is done here for one,
without arrays of many, so that each goes its own way to its minimum.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

from cevnsi.arrays import FloatArray

Function = TypeVar("Function", bound=Callable[..., Any])
Numbers = NDArray[np.intp]
Flags = NDArray[np.bool_]
Unsigned = NDArray[np.uintp]


def compiled(function: Function) -> Function:
    """By numba, for others here; sums are taken as they stand: in another order they hang on where arrays lie."""
    return _compiled(function, entrance=False)


def summing(function: Function) -> Function:
    """The same, of one sum and nothing that is stored: in an order that is the same wherever the arrays lie.

    The order hangs on how many numbers a processor adds at once, as that of numpy's sums does.
    """
    return _compiled(function, entrance=False, fastmath={"reassoc"})


def inlined(function: Function) -> Function:
    """The same, for one caller: compiled as part of it, where LLVM otherwise optimises it once more at each level."""
    return _compiled(function, entrance=False, inline="always")


def entrance(function: Function) -> Function:
    """The same, to be called from Python."""
    return _compiled(function, entrance=True)


def _compiled(function: Function, *, entrance: bool, **more: Any) -> Function:
    wrappers: dict[str, Any] = {"no_cpython_wrapper": not entrance, "no_cfunc_wrapper": not entrance}
    made = numba.njit(cache=entrance, nogil=True, error_model="numpy", **wrappers, **more)
    return cast(Function, made(function))


MOST_STEPS = 200
STALLED = 1e-8  # of chi2 in as many steps as these: what creeps is there
STEPS_OF_A_STALL = 50  # a dozen go by while steps get shorter, before they are damped
SHORTEST = 1e-6  # part of a step that is tried
SHORTEST_AT_A_WALL = 1e-2  # where what is beyond has no chi2 at all, and there is another way along it
ROUNDING = 1e-12  # of chi2, over one and its value
ENOUGH = 1e-8  # of Newton's decrement, which leaves some 1e-12 of chi2
LARGEST_DAMPING = 1e12
LEAST_CURVATURE = 1e-30  # for what is divided by it
LEAST_MEAN = 1e-200  # of counts: what is observed over it is a number
BARRIERS = 10  # each a tenth of the last, from one count
MOST_QUICK = 60
ENOUGH_QUICK = 1e-6  # of the decrement by a Hessian that is not quite this one: leaves less than that of chi2
DECREMENTS = 1.0  # by which chi2 may fall from a mirror image, with second derivatives of the start: two parabolas
DECREMENTS_BEYOND = 30.0  # beyond a kink, where they are others: of 4000 SM toys of csi_2021 the most was 8
SECANT = 0.1, 0.5  # of a step that is too long, what is tried next: where its slope vanishes, but between these
TURNED_BACK = 1e-7  # slope at an end over the root of the curvature: what is left lets chi2 fall by its square
NOTHING, ONE = np.uintp(0), np.uintp(1)  # with which an index stays unsigned
NONE = np.uintp(2**64 - 1)  # which is -1 where it is signed
STRONG = 0.5  # of what a parabola pulls back by from beyond a kink: of 6000 SM toys' other minima the least is 0.92


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
    scaled: Numbers  # (scales,), which nuisances scale the signal
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
    shift_bent: Flags  # (shifts,)
    shifts: FloatArray  # (2, shifts, bins), slopes above zero and below


class Laid(NamedTuple):
    """Data sets as compiled code takes them, however many there are: numbers side by side, and where they are."""

    layout: Unsigned  # (data sets, `COLUMNS`)
    places: Unsigned  # (entries,): which nuisance, coefficient or background, and what is bent
    numbers: FloatArray  # (numbers,)


class Problem(NamedTuple):
    """What fits of all toys have in common."""

    parts: Laid
    # Constant (terms,), linear (terms, dims) and second (terms, dims, dims).
    quadratics: tuple[FloatArray, FloatArray, FloatArray]
    dims: int  # how many parameters there are
    bent: Flags  # (nuisances,), of which slopes differ on both sides of zero
    precision: FloatArray  # (nuisances,)


class Toy(NamedTuple):
    """One toy, (nuisances,) and (bins,) of all data sets, or toys, with an axis before."""

    centre: FloatArray  # (nuisances,)
    observed: FloatArray  # (bins,)
    weight: FloatArray  # (bins,), of a Gaussian statistic
    own: FloatArray  # (bins,), of backgrounds that sidebands make


COLUMNS = 34


def laid_out(parts: Sequence[Part]) -> Laid:
    """Those of some data sets."""
    layout, places, numbers = np.zeros((len(parts), COLUMNS), np.uintp), list[int](), list[FloatArray]()
    end = 0

    def place(values: FloatArray) -> int:
        nonlocal end
        numbers.append(np.ravel(values))
        end += values.size
        return end - values.size

    def listed(values: Numbers | Flags) -> int:
        places.extend(int(value) for value in values)
        return len(places) - len(values)

    for row, part in zip(layout, parts, strict=True):
        bins, cells = part.energies * part.times, part.energies * part.groups
        moved, still = len(part.moved_shapes), len(part.still_shapes)
        row[:6] = part.first, part.energies, part.groups, part.times, bins, cells
        row[6:9] = part.gaussian, part.term.size, part.shape.size
        row[9:12] = moved, still, part.shift.size
        row[12] = NONE if part.clock < 0 else part.clock
        row[13] = NONE if part.redrawn < 0 else part.redrawn
        row[14:17] = part.knots.size - 1, part.scaled.size, part.scaled_by.size
        arrays = (part.templates, part.knots, part.shares, part.moved_shapes, part.moved_shares, part.still_shapes)
        row[17:23] = [place(values) for values in arrays]
        row[23:25] = place(part.shifts), place(np.array([part.least_share]))
        indices = (part.term, part.shape, part.bent, part.scaled, part.scaled_background, part.scaled_by)
        row[25:31] = [listed(values) for values in indices]
        row[31:34] = [listed(values) for values in (part.shifted_background, part.shift, part.shift_bent)]
    return Laid(layout=layout, places=np.array(places, np.uintp), numbers=np.concatenate([*numbers, np.zeros(1)]))


@compiled
def _put(to: FloatArray, values: FloatArray) -> None:
    """Numbers (n,) into an array; numpy's assignment takes seconds to compile."""
    for i in range(to.size):
        to[i] = values[i]


@compiled
def _put_all(to: FloatArray, values: FloatArray) -> None:
    """Numbers (n, m) into an array."""
    for i in range(to.shape[0]):
        for k in range(to.shape[1]):
            to[i, k] = values[i, k]


@compiled
def _array(numbers: FloatArray, first: int, shape: Any) -> FloatArray:
    """One of those side by side."""
    size = 1
    for n in shape:
        size *= n
    return numbers[first : first + size].reshape(shape)


@compiled
def _indices(places: Any, first: int, size: int) -> Numbers:
    """Some of the places."""
    found: Numbers = places[first : first + size].astype(np.intp)
    return found


@compiled
def _part(parts: Any, which: int) -> Part:
    """One data set again."""
    layout, places, numbers = parts
    row = layout[which].astype(np.intp)
    energies, groups, times, bins, cells = row[1], row[2], row[3], row[4], row[5]
    terms, shapes, moved, still, shifts, pieces = row[7], row[8], row[9], row[10], row[11], row[14]
    return Part(
        row[0],
        energies,
        groups,
        times,
        row[6] != 0,
        _array(numbers, row[17], (1 + 2 * shapes, terms, cells)),
        _indices(places, row[25], terms),
        _indices(places, row[26], shapes),
        _indices(places, row[27], shapes) != 0,
        _indices(places, row[28], row[15]),
        row[12],
        _array(numbers, row[18], (pieces + 1,)),
        _array(numbers, row[19], (4, pieces, groups, times)),
        numbers[row[24]],
        _array(numbers, row[20], (moved, energies)),
        _array(numbers, row[21], (4, pieces, moved, times)),
        _array(numbers, row[22], (still, bins)),
        row[13],
        _indices(places, row[29], row[16]),
        _indices(places, row[30], row[16]),
        _indices(places, row[31], shifts),
        _indices(places, row[32], shifts),
        _indices(places, row[33], shifts) != 0,
        _array(numbers, row[23], (2, shifts, bins)),
    )


@summing
def _dot(one: FloatArray, first: np.uintp, other: FloatArray, second: np.uintp, size: np.uintp) -> float:
    """Sum of products of two arrays from places in them on."""
    total = 0.0
    for i in range(size):
        total += one[first + i] * other[second + i]
    return total


@compiled
def _share(cubics: FloatArray, knots: FloatArray, offset: float, out: FloatArray, least: float) -> None:
    """Values and two derivatives (3, groups, times) of cubics (4, knots - 1, groups, times) at an offset."""
    piece = 0
    while piece < knots.size - 2 and knots[piece + 1] <= offset:
        piece += 1
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
        local[a] = _dot(directions[a], NOTHING, slope, NOTHING, np.uintp(bins))
        for i in range(bins):
            weighted[i] = directions[a, i] * curvature[i]
        for b in range(a + 1):
            square[a, b] = _dot(weighted, NOTHING, directions[b], NOTHING, np.uintp(bins))
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
    problem: Problem,
    toy: Toy,
    z: FloatArray,
    side: FloatArray,
    gradient: FloatArray,
    hessian: FloatArray,
    jump: FloatArray,
) -> float:
    """Chi2 at parameters and nuisances z, and its derivatives."""
    parts, quadratics, dims, _, precision = problem
    centre, observed, weight, own = toy
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
    for k in range(parts[0].shape[0]):
        value += _add_part(
            _part(parts, k),
            p,
            theta,
            side,
            coefficients,
            slopes,
            second,
            observed,
            weight,
            own,
            gradient,
            hessian,
            jump,
        )
        if not np.isfinite(value):
            return value
    return float(value)


class Scratch(NamedTuple):
    """Room for `_newton_step`, (size,) but for the matrix: to ask for it at every step takes as long as the step."""

    held: Flags
    stays: Flags
    free: Numbers
    matrix: FloatArray  # (size, size)
    right: FloatArray
    own: FloatArray  # curvature, in units of which damping is: couplings squared are small, and charges large


@inlined
def _scratch(size: int) -> Scratch:
    """Room for so many parameters and nuisances."""
    return Scratch(
        np.empty(size, np.bool_),
        np.empty(size, np.bool_),
        np.empty(size, np.intp),
        np.empty((size, size)),
        np.empty(size),
        np.empty(size),
    )


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
                matrix[i, i] = 1 / np.sqrt(total)  # one over the factor's, as it divides
            else:
                matrix[i, j] = total * matrix[j, j]
    for i in range(size):
        total = right[i]
        for k in range(i):
            total -= matrix[i, k] * right[k]
        right[i] = total * matrix[i, i]
    for i in range(size - 1, -1, -1):
        total = right[i]
        for k in range(i + 1, size):
            total -= matrix[k, i] * right[k]
        right[i] = total * matrix[i, i]
    return True


@compiled
def _curvature(hessian: FloatArray, low: FloatArray, high: FloatArray, which: int, scratch: Scratch) -> float:
    """Second derivative along one of a place, the others being where they are best; zero if there is none."""
    size = hessian.shape[0]
    matrix, right = scratch.matrix, scratch.right
    for i in range(size):
        right[i] = 1.0 if i == which else 0.0
        for k in range(i + 1):
            free = low[i] < high[i] and low[k] < high[k]
            matrix[i, k] = hessian[i, k] if free else (1.0 if i == k else 0.0)
    if not _solve(matrix, right, size):
        return 0.0
    return float(1 / right[which])


@compiled
def _newton_step(
    z: FloatArray,
    low: FloatArray,
    high: FloatArray,
    gradient: FloatArray,
    hessian: FloatArray,
    damping: float,
    step: FloatArray,
    scratch: Scratch,
) -> float:
    """The step to where second derivatives put the minimum in the box, and its decrement, negative if not positive.

    What would leave the box goes to its end, and the others as if it were there; it is let go if it is then drawn back.
    """
    size = z.size
    held, stays, index, matrix, right, own = scratch
    flat = True
    for i in range(size):
        own[i] = max(abs(hessian[i, i]), LEAST_CURVATURE)
        flat = flat and hessian[i, i] == 0.0
    if flat:  # where nothing is observed chi2 is a plane, and any step down it will do
        for i in range(size):
            own[i] = max(abs(gradient[i]), LEAST_CURVATURE)
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
            matrix[a, a] += damping * own[index[a]]
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
                slope = gradient[i] + damping * own[i] * step[i]
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
    _put(lowest, low)
    _put(highest, high)
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


@inlined
def _descend(
    problem: Problem,
    toy: Toy,
    z: FloatArray,
    low: FloatArray,
    high: FloatArray,
    turns: Flags,
    side: FloatArray,
    jump: FloatArray,
    walls: bool,
    scratch: Scratch,
) -> tuple[float, bool]:
    """Least chi2 that a start z leads to, in a box, where z is put, and whether steps have come to their end there.

    Where there may be walls, beyond which there is no chi2, one that is met ends them.
    """
    dims, bent = problem.dims, problem.bent
    size = z.size
    gradient, step, trial, new = np.empty(size), np.empty(size), np.empty(size), np.empty(size)
    hessian, new_hessian, new_jump = np.empty((size, size)), np.empty((size, size)), np.empty(jump.size)
    lowest, highest = np.empty(size), np.empty(size)
    _set_ends(low, high, dims, bent, side, lowest, highest)
    for i in range(size):
        trial[i] = min(max(z[i], lowest[i]), highest[i])
    value, decrement, damping, part, anew = np.inf, np.inf, 0.0, 1.0, True
    marked = np.inf
    for tried in range(MOST_STEPS):
        if tried % STEPS_OF_A_STALL == 0 and tried > 0:
            if marked - value < STALLED:
                return value, False
            marked = value
        found = _chi2(problem, toy, trial, side, new, new_hessian, new_jump)
        if anew and not np.isfinite(found):
            return np.inf, False
        if anew or found <= value + ROUNDING * (1 + abs(value)):  # which is false of what is not finite
            if not anew:
                damping = 0.0 if part == 1.0 and damping < 1e-5 else damping / 10
                if found >= value and decrement < 1e-6:
                    return value, True
            _put(z, trial)
            _put(gradient, new)
            _put_all(hessian, new_hessian)
            _put(jump, new_jump)
            value, part, anew = found, 1.0, False
            if _turned(z, dims, bent, turns, side, gradient, jump):
                _set_ends(low, high, dims, bent, side, lowest, highest)
                anew = True  # as second derivatives are others
                continue
        elif walls and part <= SHORTEST_AT_A_WALL and not np.isfinite(found):
            return value, False
        elif part > SHORTEST:
            part /= 4
            for i in range(size):
                trial[i] = min(max(z[i] + part * step[i], lowest[i]), highest[i])
            continue
        else:
            damping, part = max(10 * damping, 1e-6), 1.0
        decrement = _newton_step(z, lowest, highest, gradient, hessian, damping, step, scratch)
        while decrement < 0 and damping <= LARGEST_DAMPING:
            damping = max(4 * damping, 1e-6)
            decrement = _newton_step(z, lowest, highest, gradient, hessian, damping, step, scratch)
        if damping > LARGEST_DAMPING:
            return value, False
        for i in range(size):
            trial[i] = min(max(z[i] + step[i], lowest[i]), highest[i])
        if decrement <= ENOUGH and damping <= 1e-3:
            _put(z, trial)
            return value - decrement / 2, True
    return value, False


@compiled
def _set_share(
    numbers: FloatArray,
    cubics: np.uintp,
    knots: np.uintp,
    pieces: np.uintp,
    rows: np.uintp,
    offset: float,
    least: float,
    value: FloatArray,
    late: FloatArray,
    first: np.uintp,
) -> None:
    """Values and slopes (rows,) of cubics (4, pieces, rows) at an offset, into places from the first on."""
    piece, last = pieces - pieces, pieces - ONE
    while piece < last and numbers[knots + piece + ONE] <= offset:
        piece += ONE
    x = offset - numbers[knots + piece]
    order = pieces * rows
    a = cubics + piece * rows
    b = a + order
    c = b + order
    d = c + order
    for i in range(rows):
        value[first + i] = max(((numbers[a + i] * x + numbers[b + i]) * x + numbers[c + i]) * x + numbers[d + i], least)
        late[first + i] = (3.0 * numbers[a + i] * x + 2.0 * numbers[b + i]) * x + numbers[c + i]


@compiled
def _sum_of_logarithms(counts: FloatArray, ratio: FloatArray, mantissa: FloatArray) -> float:
    """Sum of counts (bins,) times logarithms of ratios (bins,), of those above zero; others are put in their place.

    By the series of fdlibm's log (e_log.c, Sun Microsystems, 1993), which processors can take of several at once, while
    they call that of the C library once a bin.
    """
    bins = np.uintp(counts.size)
    for i in range(bins):
        ratio[i] = ratio[i] if ratio[i] > 0.0 else 1.0
    bits, low_bits = ratio.view(np.int64), mantissa.view(np.int64)
    for i in range(bins):
        low_bits[i] = (bits[i] & 0xFFFFFFFFFFFFF) | 0x3FF0000000000000
        bits[i] = (bits[i] >> 52) | 0x4330000000000000  # 2^52 and the exponent: many processors convert one at a time
    for i in range(bins):
        m, k = mantissa[i], ratio[i] - 4503599627371519.0  # 2^52 + 1023
        above = m > 1.4142135623730951
        f = (0.5 * m if above else m) - 1.0
        k = k + 1.0 if above else k
        s = f / (2.0 + f)
        z = s * s
        w = z * z
        one = w * (0.3999999999940942 + w * (0.22222198432149784 + w * 0.15313837699209373))
        two = z * (0.6666666666666735 + w * (0.2857142874366239 + w * (0.1818357216161805 + w * 0.14798198605116586)))
        half = 0.5 * f * f
        mantissa[i] = k * 0.6931471805599453 - ((half - s * (half + one + two)) - f)
    return _dot(mantissa, NOTHING, counts, NOTHING, bins)


@compiled
def _add_slope(
    which: Any,
    places: Any,
    numbers: FloatArray,
    theta: FloatArray,
    side: FloatArray,
    coefficients: FloatArray,
    slopes: FloatArray,
    observed: FloatArray,
    weight: FloatArray,
    own: FloatArray,
    work: FloatArray,
    ratio: FloatArray,
    gradient: FloatArray,
    jump: FloatArray,
) -> float:
    """Only the gradient of `_add_part`, by sums over cells: a tenth of the work; and chi2, but for its logarithms.

    `which` is a row of `Laid.layout`. What is observed is put over what is expected, (bins,) of all data sets, and zero
    where there is no logarithm. Not finite where counts cannot be, or nothing is expected of a bin. Indices are
    unsigned and arrays flat, as processors then add several numbers at once, and no reference is counted.
    """
    first, energies, groups, times, bins, cells = which[0], which[1], which[2], which[3], which[4], which[5]
    gaussian, terms, shapes, moved, still, shifts = which[6], which[7], which[8], which[9], which[10], which[11]
    clock, redrawn, pieces, scaled, entries = which[12], which[13], which[14], which[15], which[16]
    templates, knots, cubics, moved_shapes, moved_cubics = which[17], which[18], which[19], which[20], which[21]
    still_shapes, shift_shapes, least_share = which[22], which[23], which[24]
    term, shape, bent, scaled_by_all = which[25], which[26], which[27], which[28]
    scaled_background, scaled_by, shifted, shift, shift_bent = which[29], which[30], which[31], which[32], which[33]
    has_clock = clock != NONE
    dims = np.uintp(gradient.size - theta.size)
    slope, mean, once, factors, value_of, late_of = work[0], work[1], work[2], work[3], work[4], work[5]
    # by cell, which are bins without a clock
    signal, gathered = (work[6], work[7]) if has_clock else (mean, slope)
    row_of = terms * cells  # from one shape of templates to the next
    factor = 1.0
    for a in range(scaled):
        factor += theta[places[scaled_by_all + a]]
    for i in range(cells):
        signal[i] = 0.0
    for k in range(terms):
        c = coefficients[places[term + k]]
        o = templates + k * cells
        for i in range(cells):
            signal[i] += c * numbers[o + i]
        for s in range(shapes):
            j = places[shape + s]
            f = c * theta[j]
            if f != 0.0:
                o = templates + (ONE + s if side[j] > 0 else ONE + shapes + s) * row_of + k * cells
                for i in range(cells):
                    signal[i] += f * numbers[o + i]
    for b in range(moved + still):
        factors[b] = 1.0
    for a in range(entries):
        factors[places[scaled_background + a]] += theta[places[scaled_by + a]]
    if has_clock:
        offset, of_moved = theta[clock], groups * times
        _set_share(numbers, cubics, knots, pieces, of_moved, offset, numbers[least_share], value_of, late_of, NOTHING)
        if moved > NOTHING:
            _set_share(
                numbers, moved_cubics, knots, pieces, moved * times, offset, -np.inf, value_of, late_of, of_moved
            )
        for e in range(energies):
            o = e * times
            for t in range(times):
                mean[o + t] = 0.0
            for g in range(groups):
                value, u = factor * signal[e * groups + g], g * times
                for t in range(times):
                    mean[o + t] += value * value_of[u + t]
            for b in range(moved):
                value, u = factors[b] * numbers[moved_shapes + b * energies + e], of_moved + b * times
                for t in range(times):
                    mean[o + t] += value * value_of[u + t]
    else:
        of_moved = NOTHING
        for i in range(bins):
            mean[i] *= factor
    for b in range(still):
        f = factors[moved + b]
        if b == redrawn:
            for i in range(bins):
                mean[i] += f * own[first + i]
        else:
            o = still_shapes + b * bins
            for i in range(bins):
                mean[i] += f * numbers[o + i]
    for s in range(shifts):
        j = places[shift + s]
        f = factors[moved + places[shifted + s]] * theta[j]
        if f != 0.0:
            o = shift_shapes + (s if side[j] > 0 else shifts + s) * bins
            for i in range(bins):
                mean[i] += f * numbers[o + i]
    found = 0.0
    if gaussian != NOTHING:
        for i in range(bins):
            away = mean[i] - observed[first + i]
            slope[i] = 2.0 * weight[first + i] * away
            ratio[first + i] = 0.0
            found += weight[first + i] * away * away
    else:
        below = NOTHING
        for i in range(bins):
            below |= np.uintp(not mean[i] > LEAST_MEAN)
        if below != NOTHING:
            return np.inf
        for i in range(bins):
            over = observed[first + i] / mean[i]
            ratio[first + i] = over
            slope[i] = 2.0 - 2.0 * over
        # 2 (mean - observed), as slopes are 2 (mean - observed) / mean
        found = _dot(slope, NOTHING, mean, NOTHING, bins)
    if has_clock:
        along = 0.0
        for e in range(energies):
            o = e * times
            for g in range(groups):
                total, moving, u = 0.0, 0.0, g * times
                for t in range(times):
                    total += value_of[u + t] * slope[o + t]
                    moving += late_of[u + t] * slope[o + t]
                gathered[e * groups + g] = total
                along += moving * signal[e * groups + g]
        gradient[dims + clock] += factor * along
    whole = 0.0
    for k in range(terms):
        c, o = coefficients[places[term + k]], templates + k * cells
        inner = _dot(gathered, NOTHING, numbers, o, cells)
        for s in range(shapes):
            j = places[shape + s]
            up = templates + (ONE + s) * row_of + k * cells
            down = templates + (ONE + shapes + s) * row_of + k * cells
            above, under = _dot(gathered, NOTHING, numbers, up, cells), 0.0
            if places[bent + s] != NOTHING:
                under = _dot(gathered, NOTHING, numbers, down, cells)
                jump[j] += factor * c * (above - under)
            here = above if side[j] > 0 or places[bent + s] == NOTHING else under
            gradient[dims + j] += factor * c * here
            inner += theta[j] * here
        whole += c * inner
        for d in range(dims):
            gradient[d] += factor * slopes[places[term + k], d] * inner
    for a in range(scaled):
        gradient[dims + places[scaled_by_all + a]] += whole
    for b in range(moved):
        along, moving, u = 0.0, 0.0, of_moved + b * times
        for e in range(energies):
            total, later, o = 0.0, 0.0, e * times
            for t in range(times):
                total += value_of[u + t] * slope[o + t]
                later += late_of[u + t] * slope[o + t]
            along += numbers[moved_shapes + b * energies + e] * total
            moving += numbers[moved_shapes + b * energies + e] * later
        gradient[dims + clock] += factors[b] * moving
        once[b] = along  # what chi2 changes by with the scale of each
    for b in range(still):
        if b == redrawn:
            once[moved + b] = _dot(slope, NOTHING, own, first, bins)
        else:
            once[moved + b] = _dot(slope, NOTHING, numbers, still_shapes + b * bins, bins)
    for s in range(shifts):
        j, b = places[shift + s], moved + places[shifted + s]
        up, down = shift_shapes + s * bins, shift_shapes + (shifts + s) * bins
        above, under = 0.0, 0.0
        for i in range(bins):
            above += slope[i] * numbers[up + i]
        if places[shift_bent + s] != NOTHING:
            for i in range(bins):
                under += slope[i] * numbers[down + i]
            jump[j] += factors[b] * (above - under)
        here = above if side[j] > 0 or places[shift_bent + s] == NOTHING else under
        gradient[dims + j] += factors[b] * here
        once[b] += theta[j] * here
    for a in range(entries):
        gradient[dims + places[scaled_by + a]] += once[places[scaled_background + a]]
    return float(found)


@inlined
def _slope(
    problem: Problem,
    toy: Toy,
    z: FloatArray,
    side: FloatArray,
    coefficients: FloatArray,
    slopes: FloatArray,
    work: FloatArray,
    ratio: FloatArray,
    gradient: FloatArray,
    jump: FloatArray,
) -> float:
    """Gradient of chi2 at z; and chi2, but for twice the `_sum_of_logarithms` of the ratios (bins,).

    Not finite where the careful way has to look.
    """
    parts, quadratics, dims, _, precision = problem
    centre, observed, weight, own = toy
    _set_coefficients(quadratics, z[:dims], coefficients, slopes)
    theta, value = z[dims:], 0.0
    gradient[:] = 0.0
    jump[:] = 0.0
    for j in range(theta.size):
        pull = precision[j] * (theta[j] - centre[j])
        value += pull * (theta[j] - centre[j])
        gradient[dims + j] = 2 * pull
    layout, places, numbers = parts
    for k in range(layout.shape[0]):
        value += _add_slope(
            layout[k],
            places,
            numbers,
            theta,
            side,
            coefficients,
            slopes,
            observed,
            weight,
            own,
            work,
            ratio,
            gradient,
            jump,
        )
        if not np.isfinite(value):
            return np.inf
    return value


class Room(NamedTuple):
    """What `_quick` needs room for: to ask for it for every fit takes as long as one of its steps."""

    step: Scratch
    work: FloatArray  # (8, most) bins or cells of a data set
    ratio: FloatArray  # (bins,) of all data sets
    mantissa: FloatArray  # (bins,)
    coefficients: FloatArray  # (terms,)
    slopes: FloatArray  # (terms, dims)
    rows: FloatArray  # (9, size), of which `_quick` has names


@inlined
def _room(problem: Problem, bins: int) -> Room:
    """Room for a problem with so many bins of all data sets."""
    layout, terms, dims = problem.parts[0], problem.quadratics[0].size, problem.dims
    size, most = dims + problem.precision.size, 8
    for k in range(layout.shape[0]):
        one = layout[k].astype(np.intp)
        most = max(most, one[4], one[5], one[9] + one[10], (one[2] + one[9]) * one[3])
    return Room(
        _scratch(size),
        np.empty((8, most)),
        np.empty(bins),
        np.empty(bins),
        np.empty(terms),
        np.empty((terms, dims)),
        np.empty((9, size)),
    )


@inlined
def _quick(
    problem: Problem,
    toy: Toy,
    z: FloatArray,
    low: FloatArray,
    high: FloatArray,
    turns: Flags,
    side: FloatArray,
    hessian: FloatArray,
    bound: float,
    is_beyond: bool,
    room: Room,
    jump: FloatArray,
) -> float:
    """Least chi2 that a start z leads to, where z is put, by gradients and a Hessian that learns from them.

    Its updates are those of Broyden, Fletcher, Goldfarb and Shanno (Eq. 6.19 of J. Nocedal and S. J. Wright, Numerical
    Optimization, Springer, 2006). Infinite where it is too many decrements above a bound at the start, and of one that
    is beyond a kink at any step, as a parabola falls by half of one; not a number where it is not found in few steps.
    """
    dims, bent, size = problem.dims, problem.bent, z.size
    scratch, work, ratio, mantissa, coefficients, slopes, rows = room
    decrements = DECREMENTS_BEYOND if is_beyond else DECREMENTS
    gradient, step, moved, new, change = rows[0], rows[1], rows[2], rows[3], rows[4]
    along, trial, lowest, highest = rows[5], rows[6], rows[7], rows[8]
    _set_ends(low, high, dims, bent, side, lowest, highest)
    for i in range(size):
        trial[i] = min(max(z[i], lowest[i]), highest[i])
    before, part, steps = 0.0, 1.0, 0
    for _ in range(MOST_QUICK):
        value = _slope(problem, toy, trial, side, coefficients, slopes, work, ratio, new, jump)
        if steps == 0 and not np.isfinite(value):
            return np.nan
        if steps > 0:
            after = 0.0
            for i in range(size):
                after += new[i] * moved[i]
            if not (np.isfinite(value) and after <= -0.5 * before):
                is_slope = np.isfinite(value) and after > before
                part *= min(max(before / (before - after), SECANT[0]), SECANT[1]) if is_slope else SECANT[0]
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
                    more, less = change[i] / curved, along[i] / total
                    for k in range(size):
                        hessian[i, k] += more * change[k] - less * along[k]
        _put(z, trial)
        _put(gradient, new)
        if _turned(z, dims, bent, turns, side, gradient, jump):
            _set_ends(low, high, dims, bent, side, lowest, highest)
        decrement = _newton_step(z, lowest, highest, gradient, hessian, 0.0, step, scratch)
        if decrement < 0:
            return np.nan
        ended = decrement <= ENOUGH_QUICK
        if ended or (bound < np.inf and (steps == 0 or is_beyond)):
            value += 2.0 * _sum_of_logarithms(toy.observed, ratio, mantissa)
            if not ended and value - decrements * decrement > bound:
                return np.inf
        before = 0.0
        for i in range(size):
            trial[i] = min(max(z[i] + step[i], lowest[i]), highest[i])
            moved[i] = trial[i] - z[i]
            before += gradient[i] * moved[i]
        if ended:
            _put(z, trial)
            return value - decrement / 2
        part = 1.0
        steps += 1
    return np.nan


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
    _put_all(old, hessian)
    for k in range(size):
        for a in range(dims):
            total = 0.0
            for b in range(dims):
                total += old[k, b] * mirror[b, a]
            hessian[k, a] = total


@inlined
def _careful(
    problem: Problem,
    toy: Toy,
    z: FloatArray,
    low: FloatArray,
    high: FloatArray,
    turns: Flags,
    side: FloatArray,
    jump: FloatArray,
    scratch: Scratch,
) -> float:
    """Least chi2 that a start z leads to, by `_descend`, and along the wall where shapes let nothing be expected.

    There chi2 is finite, and infinite beyond; as if less and less were observed in empty bins the minimum goes along it
    (`Model._along_walls`), and as if nothing were it is that of the toy, from there.
    """
    observed = toy.observed
    walls = False
    layout = problem.parts[0]
    for k in range(layout.shape[0]):
        walls = walls or (layout[k, 6] == 0 and layout[k, 8] > 0)
    at, best, raised, least = z.copy(), z.copy(), observed.copy(), np.inf
    first_side, now, one_jump = side.copy(), side.copy(), np.empty(jump.size)
    barrier = 0.0
    for stage in range(BARRIERS + 2 if walls else 1):
        if stage == 1:  # what has not ended may be at a wall
            _put(at, z)
            _put(now, first_side)
            barrier = 1.0
        elif stage > 1:
            barrier = barrier / 10 if stage <= BARRIERS else 0.0
        for k in range(layout.shape[0]):
            if layout[k, 6] == 0:
                for i in range(np.intp(layout[k, 0]), np.intp(layout[k, 0] + layout[k, 4])):
                    raised[i] = max(observed[i], barrier)
        found, ended = _descend(
            problem, Toy(toy.centre, raised, toy.weight, toy.own), at, low, high, turns, now, one_jump, walls, scratch
        )
        if barrier == 0.0 and found < least:
            least = found
            _put(best, at)
            _put(side, now)
            _put(jump, one_jump)
        if stage == 0 and ended:
            break
    _put(z, best)
    return least


@entrance
def fit(
    problem: Problem,
    toys: Toy,
    starts: FloatArray,
    low: FloatArray,
    high: FloatArray,
    reflections: FloatArray,
    hessians: FloatArray,
    last_hessians: FloatArray,
    value: FloatArray,
    place: FloatArray,
) -> None:
    """Least chi2 (toys,) and where it is (toys, dims + nuisances), from a start of each toy and its reflections.

    Those are (reflections, dims, dims + 1), p to A p + b, each its own inverse: minima that are mirror images but for a
    little. Starts and ends are (1 or toys, dims + nuisances). Second derivatives to begin with are (1, ...) of all
    toys, or (toys, ...) of each; where there is room for them, (toys, ...), they are left as they are at the end. With
    no room for a value all that is done is to put there those of the first toy at its start.
    """
    _, _, dims, bent, precision = problem
    centres, observed, weight, own = toys
    size = starts.shape[1]
    nuisances = size - dims
    z, side, jump = np.empty(size), np.empty(nuisances), np.empty(nuisances)
    if value.size == 0:
        _put(z, starts[0])
        for j in range(nuisances):
            side[j] = 1.0 if z[dims + j] >= 0 else -1.0
        _chi2(problem, Toy(centres[0], observed[0], weight[0], own[0]), z, side, np.empty(size), last_hessians[0], jump)
        return
    room = _room(problem, observed.shape[1])
    turns, kinks, start, best = np.zeros(nuisances, np.bool_), np.empty(nuisances), np.empty(size), np.empty(size)
    begin, begin_side = np.empty(size), np.empty(nuisances)
    first, hessian = np.empty((size, size)), np.empty((size, size))
    mirrors = reflections.shape[0]
    for t in range(observed.shape[0]):
        w, o = min(t, weight.shape[0] - 1), min(t, own.shape[0] - 1)
        toy, box = Toy(centres[t], observed[t], weight[w], own[o]), min(t, low.shape[0] - 1)
        _put(start, starts[min(t, starts.shape[0] - 1)])
        _put_all(first, hessians[min(t, hessians.shape[0] - 1)])
        least, is_known = np.inf, True  # whether second derivatives are those of a minimum
        for k in range(1 + mirrors + nuisances):  # from the start, its mirror images, and beyond kinks of the best
            j = k - 1 - mirrors
            if j >= 0:
                if not bent[j] or low[box, dims + j] >= high[box, dims + j]:
                    continue
                # were chi2 a parabola on both sides, another minimum would take that it is bent down by more than it is
                # pulled back, and so by more than the prior pulls alone
                back = STRONG * abs(best[dims + j])
                if kinks[j] >= -2 * precision[j] * back:
                    continue
                if is_known and kinks[j] >= -_curvature(first, low[box], high[box], dims + j, room.step) * back:
                    continue
                _put(z, best)
                _put_all(hessian, first)
                z[dims + j] = 0.0
            else:
                _put(z, start)
                _put_all(hessian, first)
                if k > 0:
                    _reflected(reflections[k - 1], start[:dims], z, hessian)
            for i in range(nuisances):
                side[i] = 1.0 if (best if j >= 0 else z)[dims + i] >= 0 else -1.0
                turns[i] = bent[i] and i != j
            if j >= 0:
                side[j] = -side[j]
            _put(begin, z)
            _put(begin_side, side)
            found = _quick(
                problem,
                toy,
                z,
                low[box],
                high[box],
                turns,
                side,
                hessian,
                least if is_known else np.inf,
                j >= 0,
                room,
                jump,
            )
            if np.isnan(found):
                _put(z, begin)
                _put(side, begin_side)
                found, is_known = _careful(problem, toy, z, low[box], high[box], turns, side, jump, room.step), False
            if k == 0:
                _put(start, z)
                _put_all(first, hessian)
            if found < least:
                least = found
                _put(best, z)
                _put(kinks, jump)
        value[t] = least
        _put(place[t], best)
        if last_hessians.shape[0] > 0:
            _put_all(last_hessians[t], first)
