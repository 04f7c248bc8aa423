"""Planes of Poisson chi2 in energy and time, against the plain way, and against migrad at each point."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from iminuit import Minuit

from cevnsi.config.build import build_model
from cevnsi.model import Model, chi2_at
from cevnsi.scans.rows import scan_rows
from points import nuisances_chi2
from setting import ROOT, Row, config, median_ratio, scan_of, seconds

THREADS = 2
THEIRS = "their points per second"
PLANES: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "contact": {"eps_ee_dV": (-1, 1), "eps_mumu_dV": (-1, 1)},
    "light_mediator": {"mediator_mass_mev": (1, 1e4), "coupling": (1e-6, 1e-1)},
}


@dataclass(frozen=True, kw_only=True)
class Aim:
    """An analysis whose planes are timed."""

    columns: Mapping[str, int]  # of 401 rows, by interaction
    seconds: Mapping[str, float]  # of the plane on two cores
    migrad: int  # times slower
    repeats: int = 3
    few: int = 9  # columns and rows of the plane that is made the plain way, too


AIMS = {
    "csi_2017": Aim(
        columns={"contact": 401, "light_mediator": 401}, seconds={"contact": 0.5}, migrad=1000, repeats=9, few=61
    ),
    "csi_2021": Aim(columns={"contact": 401}, seconds={"contact": 3}, migrad=100),
    "lar_2020": Aim(columns={"contact": 401}, seconds={"contact": 1}, migrad=100),
    "joint": Aim(
        columns={"contact": 401, "light_mediator": 801}, seconds={"contact": 8, "light_mediator": 60}, migrad=100
    ),
}


def migrad_seconds(model: Model, points: int) -> float:
    """Wall time a point of migrad over the nuisances, as one would call it, at random contact couplings."""
    random, names = np.random.default_rng(1), list(PLANES["contact"])
    took = 0.0
    for _ in range(points):
        function = nuisances_chi2(model, dict(zip(names, random.uniform(-1, 1, 2).tolist(), strict=True)))
        start = time.perf_counter()
        fit = Minuit(function, np.zeros(len(model.nuisances)))
        fit.limits = [(nuisance.least, nuisance.most) for nuisance in model.nuisances]
        fit.migrad()
        took += time.perf_counter() - start
    return took / points


def rows(smoke: bool) -> Iterator[Row]:
    """Each analysis of Poisson counts, and the joint one."""
    choices = config()
    for name, aim in AIMS.items():
        model = build_model(choices, name, ROOT)
        for interaction, columns in aim.columns.items():
            yield from _plane(model, name, interaction, aim, (7, 9) if smoke else (401, columns), smoke)


def _plane(model: Model, name: str, interaction: str, aim: Aim, size: tuple[int, int], smoke: bool) -> Iterator[Row]:
    repeats, fits, few = (1, 2, 3) if smoke else (aim.repeats, 20, aim.few)
    ends = PLANES[interaction]
    plane, small = (
        scan_of({key: (*span, n) for (key, span), n in zip(ends.items(), points, strict=True)})
        for points in (size, (few, few))
    )
    first, second = (axis.values() for axis in small.axes)
    at = dict(zip(ends, (first[:, None], second), strict=True))
    ours, plain, migrad = [], [], []
    scan_rows(model, plane, 0, size[0], THREADS)
    for _ in range(repeats):
        ours.append(seconds(partial(scan_rows, model, plane, 0, size[0], THREADS), 1) / (size[0] * size[1]))
        plain.append(seconds(partial(chi2_at, model, interaction, at), 1) / few**2)
        if interaction == "contact":
            migrad.append(migrad_seconds(model, fits))
    what, behind = f"{name}, {interaction}", {"ours_s_per_point": ours, "theirs_s_per_point": plain}
    took, asked = float(np.median(ours)) * size[0] * size[1], aim.seconds.get(interaction)
    yield Row(
        "poisson", f"{what}, {size[0]} x {size[1]}: time", took, "seconds", f"< {asked:g}" if asked else "", behind
    )
    yield Row("poisson", f"{what}: the plain way", median_ratio(plain, ours), THEIRS, "", behind)
    if migrad:
        ratio = median_ratio(migrad, ours)
        timed = {**behind, "theirs_s_per_point": migrad}
        yield Row("poisson", f"{what}: migrad", ratio, THEIRS, f">= {aim.migrad}", timed)
    worst = float(np.abs(scan_rows(model, small, 0, few) - chi2_at(model, interaction, at)).max())
    yield Row("poisson", f"{what}: largest difference", worst, "plain way (chi2)", "<= 1e-6")
