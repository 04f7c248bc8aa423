"""A configuration file to a model without the workflow: what its first rules do, in memory, with the same checks."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cevnsi.config import check as settings
from cevnsi.config.check import complete, parse_analysis
from cevnsi.config.overlays import lay_over, resolve
from cevnsi.experiments.inputs import check_range, read_dataset
from cevnsi.experiments.loading import as_acceptance, as_measurement, load_acceptance, load_measurement
from cevnsi.files import strict_yaml
from cevnsi.files.strict_yaml import ConfigError, near_miss
from cevnsi.model import DataSet, Model, make_dataset, make_model


def read_config(path: Path | str, *overlays: Path | str) -> dict[str, Any]:
    """A configuration file with others laid over it, read strictly and checked as the workflow does.

    ConfigError names the files and every complaint. Sections that one anchor of a file fills in share nothing, so that
    an edit of one is none of another.
    """
    config: Mapping[str, Any] = {}
    for file in (path, *overlays):
        config = lay_over(config, strict_yaml.read(Path(file)))
    try:
        config = resolve(config)
        settings.check(config)
    except ConfigError as error:
        raise ConfigError(f"{', '.join(map(str, (path, *overlays)))}: {error}") from None
    apart: dict[str, Any] = json.loads(json.dumps(config))
    return apart


def analysis_section(config: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The section of a named analysis."""
    if name not in config["analyses"]:
        raise ConfigError(f"analyses: {name!r} is unknown; {near_miss(name, config['analyses'])}")
    section: dict[str, Any] = config["analyses"][name]
    return section


def load_dataset(section: Mapping[str, Any], counts: Path | str, acceptance: Path | str) -> DataSet:
    """Every bin of what results/inputs/ has of an analysis' dataset, under the assumptions of its complete section."""
    return make_dataset(parse_analysis(section), load_measurement(counts), load_acceptance(acceptance))


def load_model(section: Mapping[str, Any], counts: Path | str, acceptance: Path | str) -> Model:
    """The model of an analysis from what results/inputs/ has of its dataset; its section is complete."""
    return make_model(parse_analysis(section), load_measurement(counts), load_acceptance(acceptance))


def build_model(config: Mapping[str, Any], name: str, root: Path | str = ".", *, all_bins: bool = False) -> Model:
    """The model of a named analysis of a configuration, which is checked again, as it may have been edited.

    Its inputs are read from the project's folder `root` and verified. The model has the bins that enter chi2, or with
    `all_bins` every bin of the measurement.
    """
    settings.check(config)
    section, root = analysis_section(config, name), Path(root)
    tables = read_dataset(config["datasets"][section["dataset"]], root, Path(config["checksums"]))
    check_range(name, section, tables["counts"])
    measurement = as_measurement(tables["counts"])
    if all_bins:
        section = section | {"photoelectron_range": measurement.bin_edges_pe[[0, -1]].tolist()}
    return make_model(parse_analysis(complete(section, config)), measurement, as_acceptance(tables["acceptance"]))
