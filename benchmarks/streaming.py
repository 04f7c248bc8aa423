"""Fig. 4 by brute force over points of four couplings, against the minimum between their ends."""

import time
from collections.abc import Iterator

import numpy as np

from cevnsi.arrays import FloatArray
from cevnsi.model import Model
from cevnsi.scans.rows import scan_rows
from setting import QUARKS, Row, exponent, four_quarks, paper_model, scan_of, seconds

MATTER = ("eps_ee_matter", "eps_mumu_matter")
LARGEST_DELTA_CHI2 = 9.0  # up to which the two are compared
THREADS = 2


def brute_force(model: Model, points: int) -> FloatArray:
    """Least chi2 over the points of a grid of all four couplings, (eps_ee_matter, eps_mumu_matter) (Eq. 11).

    One eps_mumu_uV after another, so that what is held is a grid of three.
    """
    u_ee, d_ee, u_mumu, d_mumu = QUARKS
    least = np.full((2 * points - 1, 2 * points - 1), np.inf)
    for k, value in enumerate(np.linspace(-1, 1, points).tolist()):
        scan = scan_of(dict.fromkeys((u_ee, d_ee, d_mumu), (-1.0, 1.0, points)), fixed={u_mumu: value})
        for i, plane in enumerate(scan_rows(model, scan, 0, points, THREADS)):
            here = least[i : i + points, k : k + points]
            np.minimum(here, plane, out=here)
    return least


def projection(model: Model, points: int) -> FloatArray:
    """The same grid of sums, each the minimum between the ends of the four axes."""
    plane = four_quarks(points, MATTER).onto(MATTER)
    return scan_rows(model, plane, 0, plane.shape[0], THREADS)


def largest_excess(brute: FloatArray, exact: FloatArray) -> float:
    """Largest excess of chi2 by brute force, where the exact delta chi2 is small enough to matter."""
    excess = (brute - exact)[exact - exact.min() < LARGEST_DELTA_CHI2]
    if excess.min() < -1e-9:
        raise AssertionError(f"brute force is {-excess.min():g} below the exact minimum")
    return float(excess.max())


def rows(smoke: bool) -> Iterator[Row]:
    """Grids that are finer and finer, of which the last is timed."""
    model = paper_model()
    steps, excesses, took = [], [], 0.0
    for points in (9, 17, 21) if smoke else (26, 51, 101, 201):
        start = time.perf_counter()
        brute = brute_force(model, points)
        took = time.perf_counter() - start
        steps.append(2 / (points - 1))
        excesses.append(largest_excess(brute, projection(model, points)))
        what = f"largest excess of chi2, step {steps[-1]:g}"
        yield Row("brute force", what, excesses[-1], "exact minimum (difference)", "", {"seconds": took})
    yield Row(
        "brute force",
        "exponent of that excess over the last two steps",
        exponent(steps[-2:], excesses[-2:]),
        "theory: 2",
    )
    exact = seconds(lambda: projection(model, points), 1 if smoke else 3)
    what = f"projection of four axes onto {2 * points - 1}^2 points: time"
    of = f"brute force over {points}^4 = {points**4:.1e} points"
    yield Row("brute force", what, exact / took, of, "< 1", {"projection_s": exact, "brute_force_s": took})
