"""Descents in boxes, on functions whose minima are known and against scipy."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import Bounds, minimize

from cevnsi.arrays import FloatArray
from cevnsi.statistics.descent import _step, descend

Rows = NDArray[np.intp]
Answer = tuple[FloatArray, FloatArray, FloatArray]


def rosenbrock(at: FloatArray, which: Rows) -> Answer:
    """Curved valley with its minimum, zero, at (1, 1)."""
    x, y = at.T
    value = (1 - x) ** 2 + 100 * (y - x * x) ** 2
    gradient = np.stack([-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)], 1)
    mixed = -400 * x
    hessian = np.stack([np.stack([2 - 400 * (y - 3 * x * x), mixed], 1), np.stack([mixed, 0 * x + 200], 1)], 1)
    return value, gradient, hessian


@pytest.mark.parametrize("start", [(-1.2, 1.0), (0.0, 0.0), (1.9, -1.9), (1.0, 1.0)])
def test_a_curved_valley_is_followed_to_its_end(start: tuple[float, float]) -> None:
    low, high = np.full((1, 2), -2.0), np.full((1, 2), 2.0)
    value, place = descend(rosenbrock, np.array([start]), low, high)
    assert value[0] < 1e-12
    np.testing.assert_allclose(place, [[1, 1]], atol=1e-6)


@pytest.mark.parametrize("corner", [(0.5, 2.0), (-0.4, 0.1), (2.0, 0.3)])
def test_a_box_that_cuts_the_valley(corner: tuple[float, float]) -> None:
    low, high = np.full((1, 2), -2.0), np.array([corner])
    value, place = descend(rosenbrock, np.array([[-1.2, -1.0]]), low, high)

    def function(x: FloatArray) -> float:
        return float(rosenbrock(x[None], np.zeros(1, np.intp))[0][0])

    bounds = Bounds(low[0], high[0])
    options: Any = {"ftol": 1e-15, "gtol": 1e-9}
    starts = np.array([[-1.2, -1.0], [0.0, 0.0], [-0.4, 0.1]])
    best = min(float(minimize(function, x0, method="L-BFGS-B", bounds=bounds, options=options).fun) for x0 in starts)
    assert value[0] == pytest.approx(best, abs=1e-9)
    assert ((place >= low) & (place <= high)).all()


def test_a_saddle_and_a_maximum_are_left() -> None:
    def function(at: FloatArray, which: Rows) -> Answer:  # x^4 - x^2 + (y^2 - 1)^2
        x, y = at.T
        zero = 0 * x
        hessian = np.stack([np.stack([12 * x * x - 2, zero], 1), np.stack([zero, 12 * y * y - 4], 1)], 1)
        return x**4 - x * x + (y * y - 1) ** 2, np.stack([4 * x**3 - 2 * x, 4 * y**3 - 4 * y], 1), hessian

    start = np.array([[1e-3, 1.0], [1e-3, -1e-3], [-1e-3, 2.0]])
    value, place = descend(function, start, np.full((3, 2), -3.0), np.full((3, 2), 3.0))
    np.testing.assert_allclose(value, -0.25, atol=1e-12)
    np.testing.assert_allclose(np.abs(place), [[np.sqrt(0.5), 1]] * 3, atol=1e-5)


def test_many_problems_are_each_its_own() -> None:
    """Quadratics with random centres and boxes, whose minimum in the box scipy finds; no problem sees another."""
    random = np.random.default_rng(2)
    n, d = 40, 3
    centre = random.normal(size=(n, d))
    root = random.normal(size=(n, d, d))
    curvature = root @ root.swapaxes(1, 2) + 0.01 * np.eye(d)

    def function(at: FloatArray, which: Rows) -> Answer:
        away = at - centre[which]
        gradient = (curvature[which] @ away[..., None])[..., 0]
        return (away * gradient).sum(axis=1) / 2, gradient, curvature[which]

    low = random.uniform(-1, 0, size=(n, d))
    high = low + random.uniform(0.1, 2, size=(n, d))
    together, _ = descend(function, (low + high) / 2, low, high)
    for i in range(n):

        def alone(at: FloatArray, which: Rows, i: int = i) -> Answer:
            return function(at, np.full(len(at), i))

        def value(x: FloatArray, i: int = i) -> float:
            return float(function(x[None], np.array([i]))[0][0])

        one, _ = descend(alone, (low + high)[[i]] / 2, low[[i]], high[[i]])
        assert one[0] == together[i]
        bounds = Bounds(low[i], high[i])
        options: Any = {"ftol": 1e-15, "gtol": 1e-10}
        found = minimize(value, (low + high)[i] / 2, method="L-BFGS-B", bounds=bounds, options=options)
        assert together[i] == pytest.approx(found.fun, abs=1e-8)


def test_a_start_outside_is_brought_into_the_box() -> None:
    value, place = descend(rosenbrock, np.array([[9.0, 9.0]]), np.array([[-1.0, -1.0]]), np.array([[0.5, 0.5]]))
    assert (place <= 0.5).all()
    assert value[0] == pytest.approx(0.25, abs=1e-9)  # at (1/2, 1/4)


def test_a_step_is_newtons_of_magnitudes_damped_by_the_largest() -> None:
    """-(abs(H) + damping * largest)^-1 gradient, in the directions of the Hessian, a saddle's as well."""
    turn = np.array([[0.8, -0.6], [0.6, 0.8]])
    hessian, gradient = turn @ np.diag([3.0, -100.0]) @ turn.T, turn @ np.array([6.0, 50.0])
    inside, low, high = np.zeros((1, 2)), np.full((1, 2), -9.0), np.full((1, 2), 9.0)
    for damping in (0.0, 1.0, 7.0):
        step, free = _step(inside, low, high, gradient[None], hessian[None], np.array([damping]))
        expected = turn @ np.array([-6 / (3 + 100 * damping), -50 / (100 + 100 * damping)])
        np.testing.assert_allclose(step, [expected], rtol=1e-12)
        np.testing.assert_array_equal(free, [gradient])


def test_a_variable_that_is_pulled_off_its_end_moves_by_itself() -> None:
    """All together it would be taken out: then the others move as if they did not feel it, and it as if by itself."""
    gradient, hessian = np.array([[-0.1, -1.0]]), np.array([[[1.0, 0.9], [0.9, 1.0]]])
    assert np.linalg.solve(hessian[0], -gradient[0])[0] < 0
    step, free = _step(np.zeros((1, 2)), np.zeros((1, 2)), np.ones((1, 2)), gradient, hessian, np.zeros(1))
    np.testing.assert_allclose(step, [[0.1, 1.0]], rtol=1e-12)
    np.testing.assert_array_equal(free, gradient)
