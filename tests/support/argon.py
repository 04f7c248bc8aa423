"""Argon 2020 as a model."""

from pathlib import Path
from typing import Any

from cevnsi.config.build import build_model, read_config
from cevnsi.experiments.checks import Tables
from cevnsi.experiments.lar_2020 import read_lar_2020
from cevnsi.model import Model
from project import ROOT

RELEASE = ROOT / "data" / "coherent_lar_2020"
FILES = read_config(ROOT / "config.yaml")["datasets"]["lar_2020"]["files"]
PATHS = {role: ROOT / Path(file) for role, file in FILES.items()}


def made(**keys: Any) -> Model:
    """The model of the analysis lar_2020 with other keys; those of `measurement` may stand for themselves."""
    config = read_config(ROOT / "config.yaml")
    choices = {name: keys.pop(name) for name in ("signal", "shape_systematics") if name in keys}
    del config["analyses"]["joint"]  # whose couplings would be others
    config["analyses"]["lar_2020"] |= {"measurement": choices, **keys}
    return build_model(config, "lar_2020", ROOT)


def tables() -> Tables:
    """What is read."""
    return read_lar_2020(PATHS)
