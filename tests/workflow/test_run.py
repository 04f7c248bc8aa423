"""The workflow from end to end on reduced grids: what it makes, and what an edit reruns."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from snakemake.utils import update_config

from cevnsi.config.build import build_model, read_config
from cevnsi.config.check import parse_scan
from cevnsi.files import tables
from cevnsi.files.strict_yaml import read
from cevnsi.model import chi2_at
from cevnsi.studies.known import DEFAULT, STUDIES
from points import contact_chi2
from project import ROOT, Project, edited

ANALYSES = ("paper", "release")
SCANS = ("light_mediator", "ee_d_u", "mumu_d_u", "ee_mumu_d", "ee_etau_d", "matter_ee_mumu")
CONFIG = read_config(ROOT / "config.yaml")
COHERENT = [name for name, section in CONFIG["analyses"].items() if section.get("study") == "coherent"]
FIGURES = tuple(figure.name for figure in STUDIES[DEFAULT].figures)


@pytest.mark.parametrize("analysis", ANALYSES)
def test_every_promised_file_is_there(finished: Project, analysis: str) -> None:
    base = finished.folder / "results" / analysis
    expected = [f"grids/{scan}.parquet" for scan in SCANS] + [f"contours/{scan}.csv" for scan in SCANS]
    expected += [f"figures/{name}.{ext}" for name in FIGURES for ext in ("pdf", "png", "svg", "csv")]
    expected += ["spectra.csv", "ranges.csv", "best_fits.csv", "scorecard.csv", "templates.csv"]
    expected += ["domain_sensitivity.csv", "domain_matches.csv", "domain_hole.csv", "domain_map.csv", "domain_best.csv"]
    assert [name for name in expected if not (base / name).is_file() or not (base / name).stat().st_size] == []


@pytest.mark.parametrize("analysis", ANALYSES)
def test_tables_have_the_columns_of_the_contract(finished: Project, analysis: str) -> None:
    base = finished.folder / "results" / analysis
    layouts = {"spectra": tables.SPECTRA, "ranges": tables.RANGES, "scorecard": tables.SCORECARD}
    layouts |= {"best_fits": tables.BEST_FITS, "domain_matches": tables.DOMAIN_MATCHES}
    layouts |= {"domain_sensitivity": tables.SENSITIVITY, "domain_hole": tables.DOMAIN_HOLE}
    layouts |= {"domain_map": tables.DOMAIN_MAP, "domain_best": tables.DOMAIN_BEST}
    may_be_empty = ["ends_at_grid", "at_reach", "lower_set_by", "upper_set_by", "warning"]
    for name, layout in layouts.items():
        table = pd.read_csv(base / f"{name}.csv")
        assert tuple(table.columns) == layout.columns
        assert len(table) > 0
        assert not table.drop(columns=may_be_empty, errors="ignore").isna().any(axis=None), name
    for dataset in ("figure3", "release"):
        counts = pd.read_csv(finished.folder / "results" / "inputs" / dataset / "counts.csv")
        assert {"bin_low_pe", "bin_high_pe", "observed_counts", "stat_uncertainty"} <= set(counts.columns)


def test_the_scorecard_says_what_reading_the_figures_is_worth(finished: Project) -> None:
    base = finished.folder / "results"
    spread = pd.read_csv(base / "paper" / "digitization.csv", index_col="key")
    card = pd.read_csv(base / "paper" / "scorecard.csv")
    assert tuple(spread.reset_index().columns) == tables.DIGITIZATION.columns
    published = pd.read_csv(ROOT / "data" / "liao_marfatia_2017" / "published.csv")["key"]
    np.testing.assert_array_equal(card["digitization"], spread["standard_deviation"][published])
    # the reduced scans have no more points than the ensemble's, so its member 0 is the analysis itself
    np.testing.assert_array_equal(card["reproduced"], spread["nominal"][published])
    assert (spread["standard_deviation"][[key for key in published if "_matter_" in key]] > 0).all()
    assert set(pd.read_csv(base / "release" / "scorecard.csv")["digitization"]) == {"not read off"}
    assert not (base / "release" / "digitization.csv").exists()


def test_another_seed_draws_anew_and_recomputes_nothing_else(finished: Project) -> None:
    with edited(finished.folder / "config.yaml", "  seed: 1\n", "  seed: 2\n"):
        assert finished.jobs() == {"digitization_chunk": 2, "digitization": 1, "scorecard": 1, "provenance": 1}


def test_without_the_key_the_scorecard_says_so(finished: Project, tmp_path: Path) -> None:
    overlay = tmp_path / "reduced_without.yaml"
    reduced = read(ROOT / "tests" / "config" / "reduced.yaml")
    del reduced["digitization"]
    overlay.write_text(yaml.safe_dump(reduced, sort_keys=False), encoding="utf-8")
    config = (finished.folder / "config.yaml").read_text(encoding="utf-8")
    section = config[config.index("digitization:") :].split("\n\n")[0]
    project = replace(finished.copy(tmp_path / "project"), overlay=str(overlay))
    with edited(project.folder / "config.yaml", section, ""):
        assert project.jobs() == {"scorecard": 1, "provenance": 1}
        project.snakemake()
    assert set(pd.read_csv(project.folder / "results/paper/scorecard.csv")["digitization"]) == {"off"}


@pytest.mark.parametrize("fault", ["truncated", "of another seed"])
def test_a_bad_chunk_of_the_ensemble_is_named(finished: Project, tmp_path: Path, fault: str) -> None:
    project = finished.copy(tmp_path / "project")
    name = "results/paper/chunks/digitization/2-of-2.parquet"
    chunk = project.folder / name
    content, note = tables.read_parquet(chunk), tables.read_note(chunk)
    if fault == "truncated":
        chunk.write_bytes(chunk.read_bytes()[:1000])
    else:
        tables.write_parquet(chunk, content, note | {"made_from": "another"})
    done = project.snakemake("--rerun-triggers", "mtime", check=False)
    assert done.returncode != 0
    assert f"rm -f {name}" in done.stdout
    chunk.unlink()
    project.snakemake()
    assert project.digests() == finished.digests()


@pytest.mark.parametrize("analysis", ANALYSES)
def test_ranges_do_not_depend_on_the_grid(finished: Project, analysis: str) -> None:
    """Those of the publication grids, as `make verify` has recorded them, from a tenth of the points along an axis."""
    ranges = pd.read_csv(finished.folder / "results" / analysis / "ranges.csv")
    recorded = pd.read_csv(ROOT / "tests" / "reference" / "ranges.csv")
    recorded = recorded[recorded["analysis"] == analysis].reset_index(drop=True)
    exact = [name for name in ranges.columns if name not in ("lower", "upper", "warning")]
    pd.testing.assert_frame_equal(ranges[exact], recorded[exact])
    for side in ("lower", "upper"):  # roots are found to a few 1e-13, from the least chi2 found to 1e-12
        np.testing.assert_allclose(ranges[side], recorded[side], rtol=1e-9, atol=1e-12)
    assert not recorded["warning"].str.contains("coarse", na=False).any()


@pytest.mark.parametrize(("analysis", "limit"), [("paper", "0.027474"), ("release", "0.027554")])
def test_a_coarse_mass_axis_shows_no_interval_that_there_is_not(finished: Project, analysis: str, limit: str) -> None:
    """41 masses show the strip in pieces, and the coupling in two intervals; it has one, and this is said."""
    base = finished.folder / "results" / analysis
    ranges = pd.read_csv(base / "ranges.csv", keep_default_na=False)
    rows = ranges[(ranges["scan"] == "light_mediator") & (ranges["parameter"] == "coupling")].set_index("n_dof")
    assert list(rows.index) == [2, 1]
    assert (rows["lower"] == 1e-6).all()
    assert f"{rows['upper'][1]:.6f}" == limit
    assert (rows["upper_set_by"] == "mediator_mass_mev <= 10000").all()
    assert rows["warning"].str.startswith("light_mediator: the grid is too coarse: ").all()
    assert "its points alone show 2 intervals" in rows["warning"][1]
    said = "The grid is too coarse for this figure: see ranges.csv"
    drawn = {name: said in (base / "figures" / f"{name}.svg").read_text(encoding="utf-8") for name in FIGURES}
    assert drawn == {name: name == "fig2" for name in FIGURES}
    log = (finished.folder / "logs" / analysis / "tables.log").read_text(encoding="utf-8")
    assert f"light_mediator, coupling, 0.9545 CL, 1 dof: {rows['warning'][1]}" in log
    warned = (ranges["warning"] != "").sum()
    assert f"{warned} rows of results/{analysis}/ranges.csv have a warning" in (finished.folder / "run.log").read_text(
        encoding="utf-8"
    )


@pytest.mark.parametrize("analysis", ANALYSES)
@pytest.mark.parametrize("scan", SCANS)
def test_no_grid_is_below_the_best_fit(finished: Project, analysis: str, scan: str) -> None:
    base = finished.folder / "results" / analysis
    best = pd.read_csv(base / "best_fits.csv")
    best = best[best["grid"] == scan]
    grid = pd.read_parquet(base / "grids" / f"{scan}.parquet")
    assert list(best["parameter"]) == list(grid.columns[:2])
    np.testing.assert_allclose(grid["chi2"].min() - best["chi2"].min(), best["grid_excess"], atol=1e-12)
    assert (best["grid_excess"] > -1e-9).all()  # what chi2 is minimised with is good to 1e-9
    assert ((best["flat_from"] <= best["value"]) & (best["value"] <= best["flat_to"])).all()


@pytest.mark.parametrize("analysis", ANALYSES)
@pytest.mark.parametrize("scan", SCANS)
def test_grids_are_complete_and_start_at_zero(finished: Project, analysis: str, scan: str) -> None:
    grid = pd.read_parquet(finished.folder / "results" / analysis / "grids" / f"{scan}.parquet")
    first, second, *rest = grid.columns
    assert rest == ["chi2", "delta_chi2"]
    assert len(grid) == grid[first].nunique() * grid[second].nunique()
    assert np.isfinite(grid.to_numpy()).all()
    assert grid["delta_chi2"].min() == 0
    np.testing.assert_allclose(grid["chi2"] - grid["chi2"].min(), grid["delta_chi2"], atol=1e-12)


def test_provenance_names_inputs_and_versions(finished: Project) -> None:
    content = json.loads((finished.folder / "results" / "provenance.json").read_text(encoding="utf-8"))
    lines = (ROOT / "data" / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    sums = {name: digest for digest, name in (line.split("  ") for line in lines)}
    assert content["inputs_sha256"] == {name: sums[name] for name in content["inputs_sha256"]}
    assert len(content["inputs_sha256"]) == 6
    assert {"snakemake", "numpy", "python"} <= content["versions"].keys()


def test_a_run_ends_with_figures_and_scorecard(finished: Project) -> None:
    text = (finished.folder / "run.log").read_text(encoding="utf-8")
    for analysis in ANALYSES:
        card = pd.read_csv(finished.folder / "results" / analysis / "scorecard.csv")
        score = f"{card['within'].sum()} of {len(card)} within tolerance"
        assert f"{analysis}: figures in results/{analysis}/figures; scorecard: {score}" in text


def test_a_second_run_has_nothing_to_do(finished: Project) -> None:
    assert finished.jobs() == {}


def test_a_style_edit_reruns_only_figures(finished: Project) -> None:
    with edited(finished.folder / "src" / "cevnsi" / "output" / "figures.py", '"font.size": 9,', '"font.size": 8,'):
        assert finished.jobs() == {"figures": 2, "provenance": 1}


def test_what_a_study_says_of_its_figures_redraws_none(finished: Project) -> None:
    page = finished.folder / "src" / "cevnsi" / "studies" / "liao_marfatia_2017" / "page.py"
    with edited(page, "What the report says of the paper", "What a report says of the paper"):
        assert finished.jobs() == {"scorecard": 2, "provenance": 1}


MINE = """
analyses:
  mine:
    dataset: release
    nuclei: mean
    form_factor: helm
    sin2_theta_w: 0.23857
    photoelectron_range: [6, 30]
    normalization_uncertainty: 0.28
    scans: [light_mediator, ee_d_u]
"""


def test_an_analysis_of_no_study_is_made_by_its_name_and_not_otherwise(finished: Project, tmp_path: Path) -> None:
    """Grids, contours, ranges and a figure for every pair, but neither figures of the paper nor a scorecard."""
    project = finished.copy(tmp_path / "project")
    overlay = tmp_path / "mine.yaml"
    overlay.write_text(MINE, encoding="utf-8")
    laid = ("--configfile", str(ROOT / "tests" / "config" / "reduced.yaml"), str(overlay))
    plain = project.snakemake(str(overlay), "--dry-run", "--quiet", "rules").stdout
    assert "lar_2020_radius, `snakemake mine ...` makes mine, `snakemake analyses ...` all" in plain
    assert project.jobs(*laid) == {"provenance": 1}  # which holds the configuration
    scans = ("light_mediator", "ee_d_u")
    last = {f"{name}_9": 1 for name in ("scans", "tables", "figures")}
    expected = {"inputs": 0, "merge": 1, **last, "draw_region": 1}
    jobs = project.jobs(*laid, "--", "mine")
    assert {name: jobs.get(name, 0) for name in expected} == expected
    assert not {"scorecard", "figures", "domain_sensitivity", "provenance"} & jobs.keys()
    done = project.snakemake(str(overlay), "--", "mine")
    base = project.folder / "results" / "mine"
    assert {path.name for path in (base / "figures").iterdir()} == {
        f"{scan}.{ext}" for scan in scans for ext in ("pdf", "png", "svg", "csv")
    }
    assert not (base / "scorecard.csv").exists()
    assert "mine: figures in results/mine/figures; ranges in results/mine/ranges.csv" in done.stdout
    noted = json.loads((base / "provenance.json").read_text(encoding="utf-8"))
    assert len(noted["inputs_sha256"]) == 3  # of its dataset alone
    assert {path.name for path in base.glob("*.csv")} == {"best_fits.csv", "ranges.csv", "spectra.csv", "templates.csv"}
    assert project.jobs(*laid, "--", "liao_marfatia_2017") == {"liao_marfatia_2017": 1, "provenance": 1}
    assert project.jobs(*laid, "--", "paper") == {}


def test_a_report_without_any_study_has_no_scorecard(finished: Project, tmp_path: Path) -> None:
    """Although one of a former run lies there."""
    project, overlay = finished.copy(tmp_path / "project"), tmp_path / "papers.yaml"
    overlay.write_text(f"analyses: {json.dumps(dict.fromkeys(COHERENT))}\n", encoding="utf-8")
    with edited(project.folder / "config.yaml", "    study: liao_marfatia_2017 #", "    #"):
        project.snakemake(str(overlay), "--", "report")
    text = (project.folder / "results" / "report.html").read_text(encoding="utf-8")
    assert 'id="ranges"' in text
    for absent in ('id="scorecard"', "#scorecard", 'id="domain"', "published numbers and statements", "scorecard.csv"):
        assert absent not in text
    for name in ("light_mediator", "ee_d_u", "matter_ee_mumu"):
        assert f"<h3>{name}</h3>" in text


def test_an_analysis_is_not_called_as_a_rule(finished: Project, tmp_path: Path) -> None:
    overlay = tmp_path / "merge.yaml"
    overlay.write_text(MINE.replace("mine:", "merge:"), encoding="utf-8")
    done = finished.snakemake(str(overlay), "--dry-run", check=False)
    assert done.returncode != 0
    assert "analyses.merge: a rule of the workflow is called so; choose another name" in done.stdout


def test_a_physics_edit_reruns_what_depends_on_it(finished: Project) -> None:
    with edited(
        finished.folder / "src" / "cevnsi" / "physics" / "flux.py", '"nu_e": (96.0, -192.0)', '"nu_e": (97.0, -192.0)'
    ):
        jobs = finished.jobs()
    assert jobs["tables"] == 2
    assert jobs["chunk"] == 2 * (4 + 2 + 3)  # all chunks of both analyses,
    assert jobs["scans"] == 2  # and their scans of one
    assert "inputs" not in jobs


def test_a_level_edit_recomputes_no_chi2(finished: Project) -> None:
    overlay = finished.folder / "level.yaml"
    overlay.write_text("scans: {ee_d_u: {confidence_levels: [0.95]}}", encoding="utf-8")
    config = finished.folder / "config.yaml"
    old = "  ee_d_u: # Fig. 3 (a)\n    interaction: contact\n"
    with edited(config, old, old + "    fixed: {}\n"):  # a key that changes nothing is still a change of the section
        jobs = finished.jobs()
    assert "scans" in jobs
    assert not {"chunk", "merge"} & jobs.keys()  # of other scans
    with edited(config, "confidence_levels: [0.9545]", "confidence_levels: [0.9]"):
        jobs = finished.jobs()
    assert not {"chunk", "scans", "merge"} & jobs.keys()
    assert jobs["tables"] == 2


def test_more_axes_two_nuclei_and_helm(finished: Project, tmp_path: Path) -> None:
    """What a user adds in a configuration alone: a third analysis, a four-axis scan, a phase, projections."""
    overlay = ROOT / "tests" / "config" / "wider.yaml"
    project = finished.copy(tmp_path / "project")
    base = project.folder / "results" / "two_nuclei"
    full = "results/two_nuclei/grids/four_axes.parquet"
    project.snakemake(str(overlay), "--", "results/two_nuclei/scorecard.csv", full,
                      "results/two_nuclei/figures/four_axes.eps_ee_dV.eps_mumu_dV.pdf")  # fmt: skip
    grid = pd.read_parquet(project.folder / full)
    scan = parse_scan("four_axes", read(overlay)["scans"]["four_axes"])
    chi2 = grid["chi2"].to_numpy().reshape(scan.shape)
    model = build_model(read_config(ROOT / "config.yaml", overlay), "two_nuclei", ROOT)
    for name, left_out in (("eps_ee_dV.eps_ee_uV", (2, 3)), ("eps_ee_uV.eps_mumu_uV", (0, 2))):
        pair = pd.read_parquet(base / "grids" / f"four_axes.{name}.parquet")
        over = {scan.axes[i].name: (scan.axes[i].minimum, scan.axes[i].maximum) for i in left_out}
        exact = contact_chi2(model, {kept: pair[kept].to_numpy() for kept in name.split(".")}, over)
        np.testing.assert_allclose(pair["chi2"], exact, rtol=1e-9)
        nodes = chi2.min(axis=left_out).ravel()
        assert (pair["chi2"] <= nodes + 1e-9).all()  # between the ends, of which the points are some
        assert (pair["chi2"] < nodes - 1e-3).any()
    ranges = pd.read_csv(base / "ranges.csv")
    assert set(ranges[ranges["scan"] == "four_axes"]["parameter"]) == {axis.name for axis in scan.axes}
    assert set(ranges[ranges["scan"] == "four_axes"]["confidence_level"]) == {0.9, 0.99}


def test_analyses_of_no_study_from_inputs_to_the_page(finished: Project, tmp_path: Path) -> None:
    """CsI 2021, argon, and both together, one scan of which is in chunks."""
    project, overlay = finished.copy(tmp_path / "project"), tmp_path / "few.yaml"
    scans = {"csi_2021": ["ee_mumu_d"], "lar_2020": ["ee_mumu_d"], "joint": ["ee_d_u", "mumu_d_u"]}
    analyses = dict.fromkeys(COHERENT) | {name: {"scans": names} for name, names in scans.items()}
    laid: dict[str, Any] = {"analyses": analyses}
    overlay.write_text(yaml.safe_dump(laid, sort_keys=False), encoding="utf-8")
    project.snakemake(str(overlay), "--", *scans, "report")
    results = project.folder / "results"
    for name, bins in (("csi_2021", 99), ("lar_2020", 960)):
        spectra = pd.read_csv(results / name / "spectra.csv")
        assert (spectra.groupby(["case", "component"]).size() == bins).all()
        assert len(pd.read_csv(results / name / "contours" / "ee_mumu_d.csv")) > 20
        assert set(pd.read_csv(results / name / "ranges.csv")["parameter"]) == {"eps_ee_dV", "eps_mumu_dV"}
    base = results / "joint"
    assert {path.name for path in base.glob("*.*")} == {
        "best_fit.json", "best_fits.csv", "counts_likelihood.csv", "provenance.json", "ranges.csv"
    }  # fmt: skip
    assert {path.name for path in (base / "fitted_counts").iterdir()} == {"csi_2021.csv", "lar_2020.csv"}
    assert {path.name for path in (results / "csi_2021" / "fitted_counts").iterdir()} == {"csi_2021.csv"}
    assert {path.name for path in (base / "figures").iterdir()} == {
        f"{name}.{ext}"
        for name in ("counts", "pulls", "counts_likelihood", "ee_d_u", "mumu_d_u")
        for ext in ("pdf", "png", "svg", "csv")
    }
    model = build_model(read_config(project.folder / "config.yaml", overlay), "joint", project.folder)
    grid = pd.read_parquet(base / "grids" / "mumu_d_u.parquet")
    assert len(list((base / "chunks" / "mumu_d_u").iterdir())) == 2
    at = grid.iloc[::97]
    point = {name: at[name].to_numpy() for name in ("eps_mumu_dV", "eps_mumu_uV")}
    np.testing.assert_allclose(at["chi2"], chi2_at(model, "contact", point), rtol=1e-11, atol=1e-9)
    fit = json.loads((base / "best_fit.json").read_text(encoding="utf-8"))
    assert set(fit["datasets"]) == {"csi_2021", "lar_2020"}
    assert "flux" in fit["together"]["standard_model"]["nuisances"]
    noted = json.loads((base / "provenance.json").read_text(encoding="utf-8"))
    assert len(noted["inputs_sha256"]) == 9 + 15
    page = (results / "report.html").read_text(encoding="utf-8")
    assert (
        "(dataset <code>csi_2021</code>), 9 bins from 0 to 60 PE times 11 bins from 0 to 6 μs; and the official" in page
    )
    assert 'download="joint-best_fit.json"' in page
    assert 'download="joint-spectra.csv.gz"' not in page
    files = ("--configfile", str(ROOT / "tests" / "config" / "reduced.yaml"), str(overlay))
    assert project.jobs(*files, "--", *scans) == {}
    # Another width of a shared nuisance, in one part alone, is refused before any job.
    laid["analyses"]["lar_2020"] = {"nuisances": {"flux": {"sigma": 0.2}}}
    overlay.write_text(yaml.safe_dump(laid, sort_keys=False), encoding="utf-8")
    done = project.snakemake(str(overlay), "--dry-run", "--", "joint", check=False)
    assert "analyses.joint.joins: nuisance flux has sigma 0.1 in csi_2021 and 0.2 in lar_2020" in done.stdout


SHOW_CONFIG = """
include: "workflow/rules/config.smk"

import json
print("merged:", json.dumps(config))

rule nothing:
    localrule: True
"""


def shown(project: Project, *overlays: str) -> dict[str, Any]:
    """The configuration that the workflow merges."""
    snakefile = project.folder / "show.smk"
    snakefile.write_text(SHOW_CONFIG, encoding="utf-8")
    arguments = (*overlays, "--snakefile", str(snakefile), "--dry-run", "--", "nothing")
    lines = project.snakemake(*arguments).stdout.splitlines()
    (merged,) = [json.loads(line.removeprefix("merged:")) for line in lines if line.startswith("merged:")]
    assert isinstance(merged, dict)
    return merged


@pytest.fixture(scope="module")
def without(finished: Project) -> dict[str, Any]:
    """What it merges with no further overlay."""
    return shown(finished)


@pytest.mark.parametrize("place", ["datasets", "analyses", "scans", "scans.ee_d_u.axes", "spectrum_example"])
def test_an_overlay_does_not_turn_the_order(finished: Project, without: dict[str, Any], place: str) -> None:
    """What names only the last key of a mapping, with the value that it has."""
    reduced = ROOT / "tests" / "config" / finished.overlay
    value = read(ROOT / "config.yaml")
    update_config(value, read(reduced))
    for name in place.split("."):
        value = value[name]
    last = list(value)[-1]
    overlay = {last: value[last]}
    for name in reversed(place.split(".")):
        overlay = {name: overlay}
    path = finished.folder / "last.yaml"
    path.write_text(json.dumps(overlay), encoding="utf-8")
    assert repr(shown(finished, str(path))) == repr(without)  # which has an order
    assert list(without["scans"])[: len(SCANS)] == list(SCANS)
    assert finished.jobs("--configfile", str(reduced), str(path)) == {}


def test_what_no_analysis_uses_is_said_once_and_stops_nothing(finished: Project, tmp_path: Path) -> None:
    path = tmp_path / "unused.yaml"
    of_coherent = [name for name, section in read(ROOT / "config.yaml")["analyses"].items() if "release" not in name]
    of_coherent.remove("paper")
    analyses: dict[str, Any] = dict.fromkeys(of_coherent)
    analyses |= {"paper": {"scans": ["ee_d_u"]}, "release": {"scans": ["ee_d_u", "mumu_d_u"]}}
    datasets = dict.fromkeys(("csi_2017", "csi_2021", "lar_2020"))
    scans = dict.fromkeys(name for name in read(ROOT / "config.yaml")["scans"] if name not in SCANS)
    laid = {"analyses": analyses, "datasets": datasets, "scans": scans, "domain_ends": None, "general_fit": None}
    path.write_text(yaml.safe_dump(laid), encoding="utf-8")
    project = finished.copy(tmp_path / "project")
    counts = project.folder / "results" / "inputs" / "release" / "counts.csv"
    counts.unlink()
    command = project.command(str(path), "--", str(counts.relative_to(project.folder)))
    errors = tmp_path / "stderr"
    done = project.run(["sh", "-c", f'"$@" 2>{errors}', "sh", *command])  # which fails where the run does
    said = errors.read_text(encoding="utf-8").splitlines()
    unused = ("light_mediator", "ee_mumu_d", "ee_etau_d", "matter_ee_mumu")
    for name in unused:
        assert said.count(f"scans.{name}: no analysis names it, so it is not run") == 1
    assert sum("no analysis names" in line for line in said) == len(unused)
    assert (
        sum("domain_sensitivity: no analysis of the study liao_marfatia_2017 names its scan" in line for line in said)
        == 1
    )
    assert "no analysis names" not in done.stdout
    assert counts.is_file()
    assert "no analysis names" not in (finished.folder / "run.log").read_text(encoding="utf-8")


BAD = {
    "analyses: {paper: {form_factr: helm}}": "analyses.paper.form_factr: unknown key; did you mean 'form_factor'?",
    "analyses: {paper: {form_factor: hlem}}": "analyses.paper.form_factor: 'hlem' is unknown",
    "analyses: {paper: {dataset: figure4}}": "analyses.paper.dataset: 'figure4' is unknown",
    "scans: {ee_d_u: {chunks: 42}}": "scans.ee_d_u.chunks: 42 chunks, but axis eps_ee_dV has 41 rows",
    "scans: {ee_d_u: {axes: {eps_ee_dV: {min: 2}}}}": "scans.ee_d_u.axes.eps_ee_dV: min 2 >= max 1",
}


@pytest.mark.parametrize("overlay", BAD)
def test_bad_configuration_stops_before_any_job(finished: Project, overlay: str) -> None:
    path = finished.folder / "bad.yaml"
    path.write_text(overlay, encoding="utf-8")
    done = finished.snakemake(str(path), "--forceall", check=False)
    assert done.returncode != 0
    assert BAD[overlay] in done.stdout
    assert "Traceback" not in done.stdout
    assert finished.jobs() == {}


def test_a_changed_input_stops_before_any_job(finished: Project) -> None:
    name = "data/coherent_csi_2017/digitized/figure3_residuals_a.csv"
    with edited(finished.folder / name, "8.04435", "9.04435"):
        done = finished.run(finished.command("--forceall"), check=False)  # as a user does
    assert done.returncode != 0
    assert f"{name}: sha256 is" in done.stdout
    assert "Traceback" not in done.stdout
    assert finished.jobs() == {}
