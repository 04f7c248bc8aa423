"""A configuration file to a model without the workflow: what its first rules do, in memory, with the same checks."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from cevnsi.config import check as settings
from cevnsi.config.check import parse_analysis
from cevnsi.config.overlays import lay_over, resolve
from cevnsi.experiments.inputs import (
    complete,
    experiment_of,
    load_experiment,
    nuisances_of,
    parts_of,
    read_dataset,
)
from cevnsi.files import strict_yaml
from cevnsi.files.strict_yaml import ConfigError, near_miss
from cevnsi.model import DataSet, Model, assemble, joined, model_of


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
    """The section of a named analysis; ConfigError if there is none."""
    if name not in config["analyses"]:
        raise ConfigError(f"analyses: {name!r} is unknown; {near_miss(name, config['analyses'])}")
    section: dict[str, Any] = config["analyses"][name]
    return section


def load_dataset(section: Mapping[str, Any], tables: Iterable[Path | str]) -> DataSet:
    """Every bin of what results/inputs/ has of an analysis' dataset, under the assumptions of its complete section.

    Of an analysis of one data set, or a part of a joint one. TableError of files that are not sound.
    """
    return assemble(parse_analysis(section), *load_experiment(section, tables))


def load_model(section: Mapping[str, Any], tables: Iterable[Path | str]) -> Model:
    """The model of an analysis from what results/inputs/ has of its datasets; its section is complete.

    Which dataset a table is of says its folder, where there are several. TableError of files that are not sound.
    """
    if "joins" not in section:
        return model_of(parse_analysis(section), load_dataset(section, tables))
    listed = list(map(Path, tables))
    return joined(
        load_model(part, [path for path in listed if path.parent.name == part["dataset"]]) for part in parts_of(section)
    )


def build_model(config: Mapping[str, Any], name: str, root: Path | str = ".", *, all_bins: bool = False) -> Model:
    """The model of a named analysis of a configuration, which is checked again, as it may have been edited.

    Its inputs are read from the project's folder `root` and verified. The model has the bins that enter chi2, or with
    `all_bins` every bin of the measurement. ConfigError of a configuration that cannot be used, TableError of inputs.
    """
    settings.check(config)
    section, sums = complete(analysis_section(config, name), config), Path(config["checksums"])
    parts = parts_of(section)
    read = {part["dataset"]: read_dataset(config["datasets"][part["dataset"]], Path(root), sums) for part in parts}
    nuisances_of(name, section, read)
    models = []
    for part in parts:
        choices = parse_analysis(part)
        whole = assemble(choices, *experiment_of(part, read[part["dataset"]]))
        models.append(model_of(replace(choices, photoelectron_range=None) if all_bins else choices, whole))
    return joined(models)
