"""What configuration files laid over one another come to, and analyses that are like another."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from snakemake.utils import update_config

from cevnsi.config.build import read_config
from cevnsi.config.overlays import lay_over, resolve
from cevnsi.files.strict_yaml import ConfigError, read

TREES = st.recursive(
    st.integers() | st.lists(st.integers(), max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
    max_leaves=12,
)
MAPPINGS = st.dictionaries(st.sampled_from("abcd"), TREES, max_size=4)


@given(config=MAPPINGS, overlay=MAPPINGS)
def test_files_are_laid_over_as_snakemake_does(config: dict[str, Any], overlay: dict[str, Any]) -> None:
    ours = lay_over(config, overlay)
    update_config(config, overlay)
    assert ours == config


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("overlay", "edits"),
    [
        ("analyses: {paper: {normalization_uncertainty: 0.3}}", {"uncertainty: 0.28": "uncertainty: 0.3"}),
        ("analyses: {paper: {photoelectron_range: [8, 30]}}", {"[6, 30]": "[8, 30]"}),
        ("analyses: {release: {dataset: figure3}}", {"    dataset: release\n": "    dataset: figure3\n"}),
        ("analyses: {paper: {exposure: {baseline_m: 20}}}", {"[6, 30]": "[6, 30]\n    exposure: {baseline_m: 20}"}),
        ("analyses: {release: null}", {"  release:\n    like: paper": "  release: null", "    dataset: release\n": ""}),
    ],
)  # fmt: skip
def test_an_edit_is_what_an_overlay_is(root: Path, tmp_path: Path, overlay: str, edits: dict[str, str]) -> None:
    text = (root / "config.yaml").read_text(encoding="utf-8")
    for old, new in edits.items():
        assert text.count(old) == 1
        text = text.replace(old, new)
    laid = read_config(root / "config.yaml", write(tmp_path, "overlay.yaml", overlay))
    assert laid == read_config(write(tmp_path, "edited.yaml", text))
    assert laid != read_config(root / "config.yaml")


def test_a_scan_does_without_coverage_that_is_null(config: dict[str, Any]) -> None:
    laid = resolve(lay_over(config, {"scans": {"ee_d_u": {"coverage": None}}}))
    assert laid["scans"]["ee_d_u"] == {k: v for k, v in config["scans"]["ee_d_u"].items() if k != "coverage"}
    assert "coverage" in laid["scans"]["mumu_d_u"]


def test_what_is_null_is_not_there(config: dict[str, Any]) -> None:
    nulls = {"digitization": None, "scans": {"ee_d_u": None}, "analyses": {"paper": {"study": None}}}
    laid = resolve(lay_over(config, nulls))
    assert "digitization" not in laid
    assert laid["scans"].keys() == config["scans"].keys() - {"ee_d_u"}
    assert laid["analyses"]["paper"].keys() == config["analyses"]["paper"].keys() - {"study"}


def test_what_an_analysis_is_like_reaches_it_through_overlays(root: Path, tmp_path: Path) -> None:
    first = write(tmp_path, "first.yaml", "analyses: {paper: {sin2_theta_w: 0.24}, mine: {like: release, study: null}}")
    second = write(tmp_path, "second.yaml", "analyses: {release: {nuclei: cs_and_i}}")
    analyses = read_config(root / "config.yaml", first, second)["analyses"]
    for name in [name for name, section in analyses.items() if section.get("study") == "coherent"]:
        del analyses[name]  # none of which is like these
    assert {name: section["sin2_theta_w"] for name, section in analyses.items()} == dict.fromkeys(analyses, 0.24)
    assert [section["nuclei"] for section in analyses.values()] == ["mean", "cs_and_i", "cs_and_i"]
    assert analyses["mine"]["dataset"] == "release"
    assert ["study" in section for section in analyses.values()] == [True, True, False]
    assert all("like" not in section for section in analyses.values())


def test_a_configuration_without_such_words_is_what_it_was(config: dict[str, Any]) -> None:
    assert resolve(config) == config


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"mine": {"like": "papr"}}, "analyses.mine.like: 'papr' is unknown; did you mean 'paper'?"),
        (
            {"mine": {"like": "mine"}},
            "analyses.mine.like: mine is like mine; expected an analysis that is like no other",
        ),
        ({"paper": {"like": "release"}}, "analyses.paper.like: paper is like release is like paper; expected an"),
        ({"mine": {"like": ["paper"]}}, "analyses.mine.like: ['paper'] is unknown"),
        ({"mine": {"like": "paper"}, "paper": None}, "analyses.release.like: 'paper' is unknown"),
    ],
)
def test_like_nothing(root: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve(lay_over(read(root / "config.yaml"), {"analyses": changes}))
    assert said in str(caught.value)


def test_what_cannot_be_used_names_every_file(root: Path, tmp_path: Path) -> None:
    overlay = write(tmp_path, "overlay.yaml", "analyses: {paper: {exposure: {protons_on_target: 1.76e23}}}")
    with pytest.raises(ConfigError) as caught:
        read_config(root / "config.yaml", overlay)
    assert f"{root / 'config.yaml'}, {overlay}: the configuration cannot be used" in str(caught.value)
    assert "'1.76e23' is not of type 'number' (Protons delivered.); as a number, write 1.76e+23" in str(caught.value)
    overlay.write_text("analyses: {paper: {a: [}}", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"overlay\.yaml: (.|\n)*line 1, column 24"):
        read_config(root / "config.yaml", overlay)
