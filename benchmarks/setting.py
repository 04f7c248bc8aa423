"""What all parts of the benchmark share: models, scans, timing, and the rows of the table."""

import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from baselines import Experiment
from cevnsi.arrays import FloatArray
from cevnsi.config.build import read_config
from cevnsi.config.check import parse_analysis
from cevnsi.experiments.inputs import complete, read_dataset
from cevnsi.experiments.measurement import PHOTOELECTRONS, Measurement
from cevnsi.experiments.release import as_acceptance, as_measurement
from cevnsi.experiments.response import Acceptance
from cevnsi.model import Model, make_model
from cevnsi.parameters import Axis
from cevnsi.scans.axes import Scan

ROOT = Path(__file__).parents[1]
HERE = Path(__file__).parent
QUARKS = ("eps_ee_uV", "eps_ee_dV", "eps_mumu_uV", "eps_mumu_dV")


@dataclass(frozen=True)
class Row:
    """One line of the table: a ratio within this run, what it compares, and the values behind it."""

    part: str
    what: str
    ratio: float
    of: str
    aim: str = ""
    behind: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """For benchmark.json."""
        return asdict(self)


def seconds(action: Callable[[], Any], repeats: int) -> float:
    """Median wall time of an action, once its first run has settled what the process keeps of freed memory."""
    action()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return median(times)


def fresh(*arguments: str) -> float:
    """Wall time of a Python process from its start to its end."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def median_ratio(above: Sequence[float], below: Sequence[float]) -> float:
    """Median of ratios of neighbours in time, which share the machine's mood."""
    return median(a / b for a, b in zip(above, below, strict=True))


def config() -> dict[str, Any]:
    """The project's configuration."""
    return read_config(ROOT / "config.yaml")


def inputs(bin_edges_pe: FloatArray | None = None) -> tuple[Measurement, Acceptance]:
    """What the paper's analysis reads; with other bins, the counts that a flat spectrum would have there."""
    tables = read_dataset(config()["datasets"]["figure3"], ROOT, Path(config()["checksums"]))
    acceptance = as_acceptance(tables["acceptance"])
    if bin_edges_pe is None:
        return as_measurement(tables["counts"]), acceptance
    flat = np.diff(bin_edges_pe) * 7.0
    axes = {PHOTOELECTRONS: bin_edges_pe}
    return Measurement(axes=axes, observed=flat, uncertainty=np.sqrt(2 * flat)), acceptance


def paper_model(nuclei: str = "mean", bin_edges_pe: FloatArray | None = None) -> Model:
    """The paper's analysis, its templates integrated here."""
    analysis = parse_analysis(complete(config()["analyses"]["paper"] | {"nuclei": nuclei}, config()))
    return make_model(analysis, *inputs(bin_edges_pe))


def experiment(model: Model) -> Experiment:
    """The same for the baselines."""
    return Experiment(model.analysis, model.dataset.measurement, inputs()[1])


def scan_of(axes: Mapping[str, tuple[float, float, int]], *projections: tuple[str, ...], **changes: Any) -> Scan:
    """A scan with these axes, log ones for a light mediator; the whole grid is kept if no projection is named."""
    light = "coupling" in axes
    made = tuple(
        Axis(name=name, minimum=low, maximum=high, points=points, scale="log" if light else "linear")
        for name, (low, high, points) in axes.items()
    )
    values: dict[str, Any] = {
        "name": "benchmark",
        "interaction": "light_mediator" if light else "contact",
        "axes": made,
        "domain": {},
        "fixed": {},
        "projections": projections or (tuple(axes),),
        "confidence_levels": (0.9,),
        "n_dof": (2,),
        "chunks": 1,
    }
    return Scan(**(values | changes))


def square(interaction: str, points: int) -> Scan:
    """Two axes of as many points each."""
    if interaction == "light_mediator":
        return scan_of({"mediator_mass_mev": (1, 1e4, points), "coupling": (1e-6, 1e-1, points)})
    return scan_of({"eps_ee_dV": (-1, 1, points), "eps_mumu_uV": (-1, 1, points)})


def four_quarks(points: int, *projections: tuple[str, ...]) -> Scan:
    """The four couplings that Fig. 4 profiles over, each in [-1, 1]."""
    return scan_of(dict.fromkeys(QUARKS, (-1.0, 1.0, points)), *projections)


def exponent(sizes: ArrayLike, times: ArrayLike) -> float:
    """Slope of log time against log size."""
    return float(np.polyfit(np.log(np.asarray(sizes)), np.log(np.asarray(times)), 1)[0])
