"""Planes of Poisson chi2 in energy and time, against the plain way, and against migrad at each point."""

import time
from collections.abc import Iterator, Mapping
from functools import partial

import numpy as np
from iminuit import Minuit

from cevnsi.experiments.csi_2017_time import read_energy_time
from cevnsi.model import Model, chi2_at
from cevnsi.scans.rows import scan_rows
from energy_time import PATHS, made
from points import nuisances_chi2
from setting import Row, median_ratio, paper_model, scan_of, seconds

THREADS = 2
THEIRS = "their points per second"
PLANES: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "contact": {"eps_ee_dV": (-1, 1), "eps_mumu_dV": (-1, 1)},
    "light_mediator": {"mediator_mass_mev": (1, 1e4), "coupling": (1e-6, 1e-1)},
}


def migrad_seconds(model: Model, points: int) -> float:
    """Wall time a point of migrad over the nuisances, as one would call it, at random contact couplings."""
    random, names = np.random.default_rng(1), list(PLANES["contact"])
    took = 0.0
    for _ in range(points):
        function = nuisances_chi2(model, dict(zip(names, random.uniform(-1, 1, 2).tolist(), strict=True)))
        start = time.perf_counter()
        fit = Minuit(function, np.zeros(len(model.nuisances)))
        fit.limits = [(nuisance.least, None) for nuisance in model.nuisances]
        fit.migrad()
        took += time.perf_counter() - start
    return took / points


def rows(smoke: bool) -> Iterator[Row]:
    """CsI 2017 in 144 bins of energy and time, with three nuisances."""
    points, repeats, few, fits = (41, 1, 11, 3) if smoke else (401, 9, 61, 50)
    model = made(read_energy_time(PATHS), paper_model().analysis)
    for interaction, ends in PLANES.items():
        plane, small = (scan_of({name: (*span, n) for name, span in ends.items()}) for n in (points, few))
        first, second = (axis.values() for axis in small.axes)
        at = dict(zip(ends, (first[:, None], second), strict=True))
        ours, plain, migrad = [], [], []
        scan_rows(model, plane, 0, points, THREADS)
        for _ in range(repeats):
            ours.append(seconds(partial(scan_rows, model, plane, 0, points, THREADS), 1) / points**2)
            plain.append(seconds(partial(chi2_at, model, interaction, at), 1) / few**2)
            if interaction == "contact":
                migrad.append(migrad_seconds(model, fits))
        what, behind = f"csi_2017, {interaction}", {"ours_s_per_point": ours, "theirs_s_per_point": plain}
        aim = "< 0.5" if interaction == "contact" else ""
        took = float(np.median(ours)) * points**2
        yield Row("poisson", f"{what}, {points} x {points}: time", took, "seconds", aim, behind)
        yield Row("poisson", f"{what}: the plain way", median_ratio(plain, ours), THEIRS, "", behind)
        if migrad:
            ratio = median_ratio(migrad, ours)
            yield Row("poisson", f"{what}: migrad", ratio, THEIRS, ">= 1000", {**behind, "theirs_s_per_point": migrad})
        worst = float(np.abs(scan_rows(model, small, 0, few) - chi2_at(model, interaction, at)).max())
        yield Row("poisson", f"{what}: largest difference", worst, "plain way (chi2)", "<= 1e-6")
