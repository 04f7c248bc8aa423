"""Chi2 on a grid against the least that any program does with one, filling an array; and against plain code.

Against a fill the best of several counts on both sides: a virtual machine that has to fetch memory from its host now
and then takes ten times as long for either.
"""

import pickle
import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np

from baselines import bin_events, bins_chi2, bins_mediator_chi2, quad_chi2, rate_nodes
from cevnsi.scans.rows import scan_rows
from points import contact_chi2, mediator_chi2
from setting import HERE, Row, experiment, fresh, median_ratio, paper_model, seconds, square

THREADS = 2
INTERACTIONS = ("contact", "light_mediator")
NUCLEI = ("mean", "cs_and_i")
FILL = "points per second of a fill"
THEIRS = "their points per second"


def cold(interaction: str, nuclei: str, points: int, repeats: int) -> Row:
    """Fresh processes from their start to their end, imports and all; nothing is compiled at run time."""
    ours, fill, start = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: str(Path(folder) / name) for name in ("model", "scan", "small")}
        pickled = (paper_model(nuclei), square(interaction, points), square(interaction, 2))
        for path, thing in zip(paths.values(), pickled, strict=True):
            Path(path).write_bytes(pickle.dumps(thing))
        script = str(HERE / "cold.py")
        for _ in range(repeats):
            fresh(script, "fill", str(points**2))  # so that the machine has the memory at hand for both that follow
            fill.append(fresh(script, "fill", str(points**2)))
            ours.append(fresh(script, "scan", paths["model"], paths["scan"], str(THREADS)))
            start.append(fresh(script, "scan", paths["model"], paths["small"], str(THREADS)))
    behind = {"scan_s": ours, "fill_s": fill, "start_up_s": start}
    what = f"{interaction}, {nuclei}, {points**2:.0e} points, cold process"
    return Row("kernel", what, min(fill) / min(ours), FILL, ">= 0.6", behind)


def warm(interaction: str, nuclei: str, points: int, repeats: int) -> Row:
    """The same inside one process, start-up and integrals done."""
    model, scan = paper_model(nuclei), square(interaction, points)
    scan_rows(model, square(interaction, 100), 0, 100)
    ours, fill = [], []
    for _ in range(repeats):
        fill.append(seconds(lambda: np.empty(points**2).fill(1.0), 1))
        ours.append(seconds(lambda: scan_rows(model, scan, 0, points, THREADS), 1))
    what = f"{interaction}, {nuclei}, {points**2:.0e} points, warm"
    return Row("kernel", what, min(fill) / min(ours), FILL, ">= 0.6", {"scan_s": ours, "fill_s": fill})


def agreement(nuclei: str) -> Row:
    """Largest relative difference of a grid from the plain formula."""
    model, worst = paper_model(nuclei), 0.0
    for interaction in INTERACTIONS:
        scan = square(interaction, 1501)
        first, second = (axis.values() for axis in scan.axes)
        grid = scan_rows(model, scan, 0, 1501)
        if interaction == "contact":
            plain = contact_chi2(model, {scan.axes[0].name: first[:, None], scan.axes[1].name: second}, {})
        else:
            plain = mediator_chi2(model, first[:, None], second)
        worst = max(worst, float(np.abs(grid / plain - 1).max()))
    return Row("kernel", f"largest relative difference, {nuclei}", worst, "plain formula", "<= 1e-12")


def against_quad(nuclei: str, points: int, repeats: int) -> Row:
    """Points per second against integrals at every point."""
    model, scan = paper_model(nuclei), square("contact", points)
    one = experiment(model)
    ours, theirs = [], []
    for _ in range(repeats):
        ours.append(seconds(lambda: scan_rows(model, scan, 0, points, THREADS), 1) / points**2)
        theirs.append(seconds(lambda: quad_chi2(one, {"eps_ee_dV": 0.1}), 1))
    behind = {"ours_s_per_point": ours, "theirs_s_per_point": theirs}
    what = f"contact, {nuclei}: scipy quad per point"
    return Row("baselines", what, median_ratio(theirs, ours), THEIRS, "", behind)


def against_bins(interaction: str, nuclei: str, points: int, repeats: int) -> Row:
    """Points per second against a loop over bins on the whole grid, integrals of both done before."""
    model, scan = paper_model(nuclei), square(interaction, points)
    one = experiment(model)
    nodes = rate_nodes(one)
    events = bin_events(nodes)
    first, second = (axis.values() for axis in scan.axes)
    plane = {scan.axes[0].name: first[:, None], scan.axes[1].name: second}
    ours, theirs = [], []
    for _ in range(repeats):
        ours.append(seconds(lambda: scan_rows(model, scan, 0, points, THREADS), 1))
        if interaction == "contact":
            theirs.append(seconds(lambda: bins_chi2(one, events, plane), 1))
        else:
            theirs.append(seconds(lambda: bins_mediator_chi2(one, nodes, first[:, None], second), 1))
    what = f"{interaction}, {nuclei}: numpy loop over bins"
    return Row("baselines", what, median_ratio(theirs, ours), THEIRS, "", {"ours_s": ours, "theirs_s": theirs})


def rows(smoke: bool) -> Iterator[Row]:
    """All of it."""
    points, repeats = (300, 1) if smoke else (10_000, 5)
    for interaction, nuclei in product(INTERACTIONS, NUCLEI):
        yield cold(interaction, nuclei, points, repeats)
    for interaction, nuclei in product(INTERACTIONS, NUCLEI):
        yield warm(interaction, nuclei, points, repeats)
    for nuclei in NUCLEI:
        yield agreement(nuclei)
    for nuclei in NUCLEI:
        yield against_quad(nuclei, 300 if smoke else 3000, repeats)
    for interaction, nuclei in product(INTERACTIONS, NUCLEI):
        yield against_bins(interaction, nuclei, 300 if smoke or interaction == "light_mediator" else 1000, repeats)
