"""Axes cut into pieces, and quotients of quartics along them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cevnsi.arrays import FloatArray
from cevnsi.fast import lines as lines_module
from cevnsi.fast.lines import Line, pieces


@given(
    values=st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=80, unique=True).map(sorted),
    widest=st.floats(0, 500),
    most=st.integers(1, 20),
)
def test_pieces_cover_an_axis_in_order(values: list[float], widest: float, most: int) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(lines_module, "MOST_COLUMNS", most)
        runs = pieces(np.array(values), widest)
    assert [i for run in runs for i in range(run.start, run.stop)] == list(range(len(values)))
    for run in runs:
        inside = values[run]
        assert 1 <= len(inside) <= most
        assert len(inside) == 1 or inside[-1] <= inside[0] + widest


def test_pieces_are_even_and_no_more_than_needed() -> None:
    sizes = [run.stop - run.start for run in pieces(np.arange(2 * lines_module.MOST_COLUMNS + 3.0))]
    assert len(sizes) == 3
    assert max(sizes) - min(sizes) <= 3


def quotients(quartics: FloatArray, line: Line, values: FloatArray) -> FloatArray:
    """The plain formula, point by point."""
    out = np.empty((quartics.shape[-1], values.size))
    for i, run in enumerate(line.runs):
        t = values[run] - line.about[i]
        above, below = (np.polynomial.polynomial.polyval(t, terms[:, i]) for terms in quartics)
        out[:, run] = above / below
    return out


@pytest.mark.parametrize("count", [1, 15, 16, 17, 200])
@pytest.mark.parametrize("points", [2, 100, 6001])
def test_quotients_of_quartics(count: int, points: int) -> None:
    random = np.random.default_rng(1)
    values = np.linspace(-1, 2, points)
    runs = pieces(values, 0.7)
    line = Line(values, runs, np.array([values[run].mean() for run in runs]))
    quartics = random.uniform(0.5, 1.5, (2, 5, len(runs), count))
    out = np.empty((count, points))
    line.fill(quartics, out)
    np.testing.assert_allclose(out, quotients(quartics, line, values), rtol=1e-13)
    # the same bits for some of the lines, some of the points, or an array laid out otherwise
    part = np.full((points, count), np.nan).T
    line.fill(quartics, part)
    np.testing.assert_array_equal(part, out)
    for first, last in ((0, 1), (count // 2, count)):
        some = np.empty((last - first, points))
        line.fill(quartics[..., first:last], some)
        np.testing.assert_array_equal(some, out[first:last])
    for first, last in ((0, points // 2), (points // 3, points)):
        some = np.empty((count, last - first))
        line.fill(quartics, some, first)
        np.testing.assert_array_equal(some, out[:, first:last])
