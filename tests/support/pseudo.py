"""Models of the project's data, and of counts made up, to draw toys of and to fit them."""

import fcntl
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from cevnsi.config.build import build_model, read_config
from cevnsi.model import Model
from cevnsi.parameters import Axis
from cevnsi.scans.axes import Coverage, Scan
from cevnsi.scans.hypotheses import Hypotheses, hypotheses_of
from project import ROOT

NAMES = ("paper", "csi_2017", "csi_2021", "lar_2020", "joint")
LEVELS = (0.6827, 0.9)


@cache
def named(name: str) -> Model:
    """The model of an analysis of the project."""
    return build_model(read_config(ROOT / "config.yaml"), name, ROOT)


def counted(model: Model, scale: float, point: Mapping[str, float] = {}) -> Model:
    """Poisson counts of so much more exposure, exactly as they are expected at a point, with no nuisance moved.

    Templates of backgrounds are known: toys make none anew.
    """
    datasets = []
    for dataset in model.datasets:
        backgrounds = {name: scale * values for name, values in dataset.measurement.backgrounds.items()}
        templates = replace(dataset.templates, events=scale * dataset.templates.events)
        more = replace(dataset, templates=templates, sidebands={})
        signal = more.in_time(more.signal("contact", point)[0])
        total = signal + np.sum([np.zeros(signal.size), *backgrounds.values()], axis=0)
        measured = replace(dataset.measurement, observed=total, backgrounds=backgrounds)
        datasets.append(replace(more, measurement=measured))
    return replace(model, datasets=tuple(datasets))


def plane(*names: str, points: int = 3, chunks: int = 1, interaction: str = "contact", **changes: Any) -> Scan:
    """A scan of these axes, couplings from -0.3 to 0.6."""
    axes = tuple(Axis(name=name, minimum=-0.3, maximum=0.6, points=points) for name in names)
    return Scan(
        **{
            "name": "plane",
            "interaction": interaction,
            "axes": axes,
            "projections": (names,),
            "confidence_levels": LEVELS,
            "n_dof": (len(names),),
            "chunks": chunks,
            "coverage": Coverage(toys=200, points=dict.fromkeys(names, points), seed=1),
            **changes,
        }
    )


def hypotheses(model: Model, *names: str, **changes: Any) -> Hypotheses:
    """Tests of all axes of such a scan."""
    return hypotheses_of(model, plane(*names, **changes), names)


def compile_once() -> None:
    """Have the fits compiled, and kept beside the source: of processes that share tests one does, and others wait."""
    with (Path(tempfile.gettempdir()) / "cevnsi-compiled-fits.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        hypotheses(named("paper"), "eps_ee_dV").at({"eps_ee_dV": 0.0})
