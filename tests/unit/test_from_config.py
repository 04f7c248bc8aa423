"""A configuration file to a model: the same as by way of the workflow's steps, with the same complaints."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cevnsi.config.build import build_model, read_config
from cevnsi.files.atomic import TableError
from cevnsi.files.strict_yaml import ConfigError
from cevnsi.model import Model


@pytest.mark.parametrize("analysis", ["paper", "release"])
def test_the_model_is_that_of_the_steps(analysis: str, root: Path, model: Callable[..., Model]) -> None:
    found, expected = build_model(read_config(root / "config.yaml"), analysis, root), model(analysis)
    assert found.analysis == expected.analysis
    np.testing.assert_array_equal(found.dataset.templates.events, expected.dataset.templates.events)
    np.testing.assert_array_equal(found.dataset.measurement.observed, expected.dataset.measurement.observed)


def test_all_bins_are_those_of_the_counts(root: Path) -> None:
    config = read_config(root / "config.yaml")
    whole, used = (build_model(config, "paper", root, all_bins=every) for every in (True, False))
    np.testing.assert_array_equal(whole.dataset.measurement.bin_edges_pe, np.arange(0, 51, 2))
    np.testing.assert_array_equal(used.dataset.measurement.bin_edges_pe, np.arange(6, 31, 2))
    np.testing.assert_array_equal(whole.dataset.templates.per_bin()[..., 3:15], used.dataset.templates.per_bin())


@pytest.fixture
def project(root: Path, tmp_path: Path) -> Path:
    """A folder with configuration and data, free to be changed."""
    shutil.copytree(root / "data", tmp_path / "data")
    shutil.copy(root / "config.yaml", tmp_path)
    return tmp_path


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_bad_key_is_named_with_its_file(project: Path) -> None:
    _edit(project / "config.yaml", "form_factor: klein_nystrand", "form_factor: klein_nystrond")
    with pytest.raises(ConfigError) as caught:
        read_config(project / "config.yaml")
    assert str(caught.value).startswith(f"{project / 'config.yaml'}: ")
    assert "analyses.paper.form_factor: 'klein_nystrond' is unknown" in str(caught.value)


def test_an_unknown_analysis_is_named(project: Path) -> None:
    config = read_config(project / "config.yaml")
    with pytest.raises(ConfigError, match=r"analyses: 'relase' is unknown; did you mean 'release'\?"):
        build_model(config, "relase", project)
    with pytest.raises(ConfigError, match="analyses: 'xyz' is unknown; expected one of paper, release"):
        build_model(config, "xyz", project)


def test_a_changed_input_is_refused(project: Path) -> None:
    name = "data/coherent_csi_2017/digitized/figure3_residuals_a.csv"
    _edit(project / name, "8.04435", "8.04436")
    config = read_config(project / "config.yaml")
    with pytest.raises(TableError, match=f"{name}: sha256 is"):
        build_model(config, "paper", project)
    build_model(config, "release", project)  # which does not read it


def test_a_range_between_bin_edges_is_refused(project: Path) -> None:
    _edit(project / "config.yaml", "[6, 30]", "[7, 30]")
    config = read_config(project / "config.yaml")
    with pytest.raises(ConfigError, match=r"analyses\.paper\.photoelectron_range: 7 is not a bin edge of dataset figu"):
        build_model(config, "paper", project)


EDITS: list[tuple[tuple[str, ...], Any, str]] = [
    (
        ("analyses", "paper", "photoelectron_range"),
        [30, 6],
        r"photoelectron_range: \[30, 6\]; the first must be smaller",
    ),
    (("analyses", "paper", "form_factr"), "helm", "analyses.paper.form_factr: unknown key; did you mean 'form_factor'"),
    (("analyses", "paper", "sin2_theta_w"), float("nan"), "analyses.paper.sin2_theta_w: nan is not a finite number"),
    (("analyses", "paper", "normalization_uncertainty"), 0, "analyses.paper.normalization_uncertainty: 0 is less than"),
    (("analyses", "paper", "exposure"), {"baseline_m": -1}, "analyses.paper.exposure.baseline_m: -1 is less than"),
    (("analyses", "release", "dataset"), "figure4", "analyses.release.dataset: 'figure4' is unknown"),
    (("scans", "ee_d_u", "chunks"), 1000, "scans.ee_d_u.chunks: 1000 chunks"),
]


@pytest.mark.parametrize(("place", "value", "said"), EDITS)
def test_an_edited_configuration_is_checked_like_a_file(
    place: tuple[str, ...], value: Any, said: str, root: Path
) -> None:
    config = read_config(root / "config.yaml")
    inside = config
    for name in place[:-1]:
        inside = inside[name]
    inside[place[-1]] = value
    for all_bins in (False, True):
        with pytest.raises(ConfigError, match=said):
            build_model(config, "paper", root, all_bins=all_bins)


def _lists(value: Any) -> list[Any]:
    """Every list and mapping of a configuration."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [each for one in inside for each in _lists(one)] + ([value] if isinstance(value, (dict, list)) else [])


def test_no_edit_of_one_section_is_one_of_another(project: Path) -> None:
    """Though an anchor of the file fills in both."""
    _edit(project / "config.yaml", "photoelectron_range: [6, 30]", "photoelectron_range: [6, 30]\n    exposure: {}")
    config = read_config(project / "config.yaml")
    assert config["analyses"]["paper"] == config["analyses"]["release"] | {"dataset": "figure3"}
    assert len({id(each) for each in _lists(config)}) == len(_lists(config))
    config["analyses"]["paper"]["exposure"]["baseline_m"] = 30.0
    found = [build_model(config, name, project).analysis.exposure.baseline_m for name in ("paper", "release")]
    assert found == [30.0, 19.3]
