"""Poisson counts that are looked up: quantiles of their distributions, and those of numpy where means are large."""

import numpy as np
from scipy.stats import poisson

from cevnsi.fast.poisson_draws import LARGEST_MEAN, counts_of, poisson_draws


def test_counts_are_quantiles() -> None:
    rng = np.random.default_rng(1)
    means = np.array([1e-9, 1e-3, 0.3, 1.0, 7.5, 63.0, LARGEST_MEAN])
    numbers = np.concatenate([rng.random((20000, means.size)), np.zeros((1, means.size))])
    found = counts_of(numbers, means)
    np.testing.assert_array_equal(found[:-1], poisson.ppf(numbers[:-1], means))
    np.testing.assert_array_equal(found[-1], 0.0)


def test_no_number_is_too_large() -> None:
    means = np.array([0.0, 0.5, 20.0, LARGEST_MEAN])
    found = counts_of(np.full((1, means.size), np.nextafter(1.0, 0.0)), means)[0]
    assert found[0] == 0
    # beyond a count so far from the mean there is as much as the rounding of 1, and as the rounding of its sum
    np.testing.assert_array_less(poisson.sf(found[1:], means[1:]), 1e-13)
    assert (found[1:] < means[1:] + 20 * np.sqrt(means[1:]) + 20).all()


def test_large_means_are_drawn_by_numpy() -> None:
    means = np.array([3.0, 2 * LARGEST_MEAN, 0.2])
    found = poisson_draws(np.random.default_rng(2), means, 4000)
    assert found.shape == (4000, 3)
    # six standard deviations
    np.testing.assert_array_less(np.abs(found.mean(axis=0) - means), 6 * np.sqrt(means / 4000))
    np.testing.assert_array_less(np.abs(found.var(axis=0) - means), 6 * np.sqrt((2 * means**2 + means) / 4000))


def test_the_first_toys_are_those_of_fewer() -> None:
    means = np.array([3.0, 0.2])
    few, many = (poisson_draws(np.random.default_rng(3), means, toys) for toys in (10, 500))
    np.testing.assert_array_equal(few, many[:10])
