"""Big scans through the workflow: Fig. 4 by brute force over four couplings, against the exact profile."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from cevnsi.grids import as_grid
from cevnsi.regions import allowed_ranges
from cevnsi.scan import Model, scan_rows
from cevnsi.tables import read_parquet
from setting import QUARKS, ROOT, FloatArray, Row, exponent, four_quarks, paper_model, scan_of

MATTER = ("eps_ee_matter", "eps_mumu_matter")
LEVEL = (0.90, 2)
LARGEST_CHILD = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""  # in kB, of a process that has no other children


def overlay(points: int, chunks: int) -> dict[str, Any]:
    """The configuration of the brute-force scan."""
    scan = {
        "interaction": "contact",
        "axes": {name: {"min": -1, "max": 1, "points": points} for name in QUARKS},
        "projections": [list(MATTER)],
        "confidence_levels": [LEVEL[0]],
        "n_dof": [LEVEL[1]],
        "chunks": chunks,
    }
    return {"scans": {"brute_force": scan}, "analyses": {"paper": {"scans": ["brute_force", "matter_ee_mumu"]}}}


def by_workflow(points: int, chunks: int) -> tuple[FloatArray, float, float]:
    """The grid of matter parameters, wall time of the whole command and the largest memory of any of its jobs in MB."""
    grid = f"brute_force.{'.'.join(MATTER)}"
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "brute_force.yaml"
        config.write_text(yaml.safe_dump(overlay(points, chunks)), encoding="utf-8")
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--cores", "2"]
        command += ["--configfile", str(config), "--quiet", "all", "--", f"results/paper/contours/{grid}.csv"]
        start = time.perf_counter()
        watched = [sys.executable, "-c", LARGEST_CHILD, *command]
        done = subprocess.run(watched, cwd=folder, check=True, stdout=subprocess.PIPE, text=True)
        took = time.perf_counter() - start
        chi2 = read_parquet(Path(folder) / "results" / "paper" / "grids" / f"{grid}.parquet", ["chi2"])["chi2"]
    return chi2, took, float(done.stdout.splitlines()[-1]) / 1024


def exact_profile(model: Model, points: int) -> FloatArray:
    """The same grid by `cevnsi.profile`."""
    reach = dict.fromkeys(MATTER, (-6.0, 6.0, 2 * points - 1))
    scan = scan_of(reach, profile=dict.fromkeys(QUARKS, (-1.0, 1.0)))
    (chi2,) = scan_rows(model, scan, 0, scan.shape[0]).values()
    return chi2.ravel()


def errors(brute: FloatArray, exact: FloatArray, points: int) -> tuple[float, float]:
    """Largest excess of chi2 where the exact delta chi2 is below 9, and the largest shift of an end of Eq. 12."""
    close = exact - exact.min() < 9
    excess = brute[close] - exact[close]
    if excess.min() < -1e-9:
        raise AssertionError(f"brute force is {-excess.min():g} below the exact minimum")
    scan = replace(four_quarks(points, MATTER), name="brute_force")
    ends = []
    for chi2 in (brute, exact):
        ranges = allowed_ranges("", as_grid(scan, f"brute_force.{'.'.join(MATTER)}", chi2 - chi2.min()), [LEVEL])
        ends.append([end for r in ranges if r.other_parameters == "profiled" for end in (r.lower, r.upper)])
    shift = max(abs(a - b) for a, b in zip(*ends, strict=True))
    return float(excess.max()), shift


def rows(smoke: bool) -> Iterator[Row]:
    """Small ones here for the trend, the largest as a user would run it."""
    model = paper_model()
    sizes, largest, chunks = ((9, 17), 21, 2) if smoke else ((26, 51, 101), 201, 8)
    found = []
    for points in sizes:
        (brute,) = scan_rows(model, four_quarks(points, MATTER), 0, points, 2).values()
        found.append((2 / (points - 1), *errors(brute.ravel(), exact_profile(model, points), points)))
    brute, took, megabytes = by_workflow(largest, chunks)
    found.append((2 / (largest - 1), *errors(brute, exact_profile(model, largest), largest)))
    for step, excess, shift in found:
        behind = {"largest_shift_of_an_end": shift}
        yield Row(
            "brute force", f"largest excess of chi2, step {step:g}", excess, "exact profile (difference)", "", behind
        )
    steps, excesses, _ = zip(*found[-2:], strict=True)
    yield Row("brute force", "exponent of that excess over the last two steps", exponent(steps, excesses), "theory: 2")
    what = f"{largest}^4 = {largest**4:.1e} points through the workflow"
    yield Row("brute force", f"{what}: time", took / 120, "two minutes", "< 1", {"seconds": took, "chunks": chunks})
    yield Row("brute force", f"{what}: memory of a job", megabytes / 400, "400 MB", "< 1", {"megabytes": megabytes})
