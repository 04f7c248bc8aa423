"""Poisson counts with means that many toys share: numbers between 0 and 1 looked up in their distributions, compiled.

numpy rejects and tries again, count by count, which takes several times as long.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cevnsi.arrays import FloatArray

CELLS = 64  # of the numbers between 0 and 1, in each of which the search for a count begins at its least
LARGEST_MEAN = 200.0  # of those looked up: exp(-mean) is far from underflow, and few ends are in a cell
NATS = 40.0  # exp(-NATS) of a distribution is left out at most: less than the rounding of 1


def poisson_draws(rng: np.random.Generator, means: FloatArray, toys: int) -> FloatArray:
    """Counts (toys, n) with means (n,), exact but for the rounding of doubles."""
    small = means <= LARGEST_MEAN
    found = counts_of(rng.random((toys, int(small.sum()))), means[small])
    if small.all():
        return found
    all_of_them = np.empty((toys, means.size))
    all_of_them[:, small] = found
    all_of_them[:, ~small] = rng.poisson(means[~small], (toys, int((~small).sum())))
    return all_of_them


def counts_of(numbers: FloatArray, means: FloatArray) -> FloatArray:
    """Counts (toys, n) with means (n,) of at most `LARGEST_MEAN`, of numbers (toys, n) from 0 to below 1: quantiles."""
    # Bernstein's bound, exp(-h^2 / (2 mean + 2 h / 3)) for h above the mean
    most = means + NATS / 3 + np.sqrt(NATS**2 / 9 + 2 * NATS * means)
    first = np.concatenate([[0], np.cumsum(np.ceil(most).astype(np.intp) + 1)])
    ends, guess, found = np.empty(first[-1]), np.empty((means.size, CELLS), np.int32), np.empty(numbers.shape)
    _set_distributions(means, first, ends, guess)
    _look_up(numbers, first, ends, guess, found)
    return found


@njit(cache=True, nogil=True, error_model="numpy")
def _set_distributions(means: FloatArray, first: NDArray[np.intp], ends: FloatArray, guess: NDArray[np.int32]) -> None:
    """Probabilities of no more than 0, 1, ... counts, from a first place on, and the least count of each cell."""
    for k in range(means.size):
        each, below = np.exp(-means[k]), 0.0
        for place in range(first[k], first[k + 1]):
            n = place - first[k]
            if n > 0:
                each *= means[k] / n
            below += each
            ends[place] = below
        ends[first[k + 1] - 1] = np.inf
        n = 0
        for cell in range(CELLS):
            while ends[first[k] + n] <= cell / CELLS:
                n += 1
            guess[k, cell] = n


@njit(cache=True, nogil=True, error_model="numpy")
def _look_up(
    numbers: FloatArray, first: NDArray[np.intp], ends: FloatArray, guess: NDArray[np.int32], found: FloatArray
) -> None:
    """How many ends are not above each number."""
    for toy in range(numbers.shape[0]):
        for k in range(numbers.shape[1]):
            number = numbers[toy, k]
            n = guess[k, int(number * CELLS)]
            while ends[first[k] + n] <= number:
                n += 1
            found[toy, k] = n
