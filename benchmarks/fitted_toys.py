"""Toys a second, drawn and fitted twice, against migrad on the same likelihood and against drawing alone.

`python benchmarks/fitted_toys.py` is a process that fits one, with what it compiles or reads from a cache, and prints
the seconds that it takes.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from iminuit import Minuit

from cevnsi.arrays import FloatArray
from cevnsi.config.build import build_model
from cevnsi.config.check import parse_scan
from cevnsi.fast import toys_gaussian
from cevnsi.model import Model
from cevnsi.scans.critical import critical_points, in_eq_7, of_toys, pool_statistics, random_of
from cevnsi.scans.hypotheses import Fits, Hypotheses, hypotheses_of
from cevnsi.scans.processes import in_processes
from cevnsi.toys import draw, toy_model
from points import toy_chi2
from setting import ROOT, Row, config, fresh, median_ratio, scan_of, seconds

WORKERS = 2
TESTED = ("eps_ee_dV", "eps_mumu_dV")
FIGURES = ("ee_d_u", "mumu_d_u", "ee_mumu_d", "ee_etau_d", "matter_ee_mumu")  # Figs. 3 and 4


@dataclass(frozen=True, kw_only=True)
class Aim:
    """Toys that are timed."""

    what: str
    analysis: str
    toys: int  # of each of two processes
    a_second: str
    refitted: bool = True  # whether a background's sideband is drawn anew
    migrad: int = 24  # toys


AIMS = (
    Aim(what="Eq. 7", analysis="paper", toys=1024000, a_second="> 3e6"),
    Aim(what="csi_2017, steady state fixed", analysis="csi_2017", toys=20000, a_second="> 2e5", refitted=False),
    Aim(what="csi_2017, steady state refitted", analysis="csi_2017", toys=20000, a_second="> 2e4"),
    Aim(what="csi_2021", analysis="csi_2021", toys=10000, a_second="> 3e4"),
    Aim(what="lar_2020", analysis="lar_2020", toys=10000, a_second=""),
    Aim(what="joint", analysis="joint", toys=4000, a_second="> 1e4", migrad=12),
)


def model_of(aim: Aim) -> Model:
    """The analysis of an aim, whose background is what it is in every toy if it is not refitted."""
    model = build_model(config(), aim.analysis, ROOT)
    if aim.refitted:
        return model
    return replace(model, datasets=tuple(replace(dataset, sidebands={}) for dataset in model.datasets))


def tests_of(model: Model) -> tuple[Hypotheses, Fits]:
    """The plane of two flavors, and the standard model in it."""
    tests = hypotheses_of(model, scan_of(dict.fromkeys(TESTED, (-1.0, 1.0, 41))), TESTED)
    return tests, tests.at(dict.fromkeys(TESTED, 0.0))


def statistics(tests: Hypotheses, fits: Fits, toys: int, number: int) -> FloatArray:
    """Those of toys of the standard model, as critical values are made of them, (toys,)."""
    return pool_statistics(tests, [fits], toys, 1, number)[0].statistic


def drawn(tests: Hypotheses, fits: Fits, toys: int, number: int) -> None:
    """The same toys, and nothing else."""
    of_toys(tests.model, fits.truth, toys, 1, number, made=lambda drawn: drawn.centres[:, 0])


def statistics_of_eq_7(tests: Hypotheses, fits: Fits, toys: int, number: int) -> FloatArray:
    """Statistics of toys of the standard model in closed form, (toys,)."""
    problem = toys_gaussian.problem_of(tests.model)
    return toys_gaussian.statistics_of(problem, *in_eq_7(tests, fits), toys, 1, stream=(number,))


def drawn_of_eq_7(tests: Hypotheses, fits: Fits, toys: int, number: int) -> None:
    """As many toys of the same."""
    problem, (truth, _, _) = toys_gaussian.problem_of(tests.model), in_eq_7(tests, fits)
    together = toys_gaussian.TOYS_OF_A_BLOCK
    for k in range(-(-toys // together)):
        toys_gaussian.draw(problem, truth, together, random_of(1, number, k))


def in_two(work: Callable[[int], object]) -> float:
    """Wall time of a piece of work in each of two processes."""
    return seconds(partial(in_processes, work, range(WORKERS), WORKERS), 1)


def migrad_statistic(model: Model, parameters: Mapping[str, float]) -> float:
    """Statistic of what a model has measured, by migrad over nuisances, and then over parameters, too."""
    function, given = toy_chi2(model, tuple(parameters)), list(parameters.values())
    least = []
    for free in (False, True):
        fit = Minuit(function, np.array([*given, *(n.centre for n in model.nuisances)]))
        fit.limits = [(None, None)] * len(given) + [(n.least, n.most) for n in model.nuisances]
        fit.errors = [0.1] * len(fit.errors)
        for i in range(len(given)):
            fit.fixed[i] = not free
        fit.migrad()
        least.append(float(fit.fval or 0.0))
    return least[0] - least[1]


def migrad_seconds(model: Model, fits: Fits, toys: int) -> float:
    """Wall time of a toy by migrad, with drawing it."""
    start = time.perf_counter()
    drawn = draw(model, fits.truth, toys, random_of(1))
    for i in range(toys):
        migrad_statistic(toy_model(model, drawn, i), dict.fromkeys(TESTED, 0.0))
    return (time.perf_counter() - start) / toys


def first_fit(folder: str) -> float:
    """What `main` prints, of a process that caches what it compiles in a folder."""
    variables = {"NUMBA_CACHE_DIR": folder, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, __file__], check=True, capture_output=True, text=True, env={**os.environ, **variables}
    )
    return float(done.stdout)


def rows(smoke: bool) -> Iterator[Row]:
    """Each aim, the figures of the paper, and what starting costs."""
    for aim in AIMS:
        yield from _toys(aim, smoke)
    chosen = config()
    model = build_model(chosen, "paper", ROOT)
    start = time.perf_counter()
    for name in FIGURES:
        scan = parse_scan(name, chosen["scans"][name])
        assert scan.coverage is not None
        points = dict.fromkeys(scan.coverage.points, 3) if smoke else scan.coverage.points
        scan = replace(scan, coverage=replace(scan.coverage, points=points))
        critical_points(model, scan, next(iter(scan.grids())), 1, WORKERS)
    took = time.perf_counter() - start
    yield Row("toys", "Figs. 3 and 4, 41 x 41 points, 4000 toys: time", took, "seconds", "< 60", {"seconds": took})
    with tempfile.TemporaryDirectory() as folder:
        for state in ("cold", "cached"):
            yield Row("toys", f"start-up, {state}: first fit", first_fit(folder), "seconds")
    numba, bare = (fresh("-c", f"import {name}") for name in ("numba", "numpy"))
    behind = {"numba_s": numba, "numpy_s": bare}
    yield Row("toys", "start-up: import of numba", numba - bare, "seconds", "", behind)


def _toys(aim: Aim, smoke: bool) -> Iterator[Row]:
    model = model_of(aim)
    tests, fits = tests_of(model)
    toys, repeats, few = (50, 1, 1) if smoke else (aim.toys, 3, aim.migrad)

    both, alone = (statistics_of_eq_7, drawn_of_eq_7) if tests.is_of_eq_7 else (statistics, drawn)
    both(tests, fits, 10, 0)  # compiles, once for both processes
    ours, drawing, migrad = [], [], []
    for _ in range(repeats):
        ours.append(in_two(partial(both, tests, fits, toys)) / (WORKERS * toys))
        drawing.append(in_two(partial(alone, tests, fits, toys)) / (WORKERS * toys))
        migrad.append(migrad_seconds(model, fits, few))
    behind = {"ours_s_per_toy": ours, "drawing_s_per_toy": drawing, "migrad_s_per_toy": migrad}
    yield Row("toys", f"{aim.what}: drawn and fitted twice", 1 / min(ours), "toys per second", aim.a_second, behind)
    yield Row("toys", f"{aim.what}: migrad", median_ratio(migrad, ours), "their toys per second", "", behind)
    yield Row("toys", f"{aim.what}: drawing alone", median_ratio(drawing, ours), "its toys per second", "", behind)


def main() -> None:
    """Print the seconds of the first fit of a toy."""
    model = model_of(AIMS[1])
    start = time.perf_counter()
    statistics(*tests_of(model), 1, 0)
    print(time.perf_counter() - start)


if __name__ == "__main__":
    main()
