"""The target `hepdata` on reduced results: accepted by the validator, equal to the tables, made anew if they change."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from cevnsi.output.hepdata import complaints
from project import Project, made_once, of_the_paper_alone

ANALYSES = ("paper", "release")
COUNTED = ("csi_2017", "csi_2021", "lar_2020")
PANELS = {
    "light_mediator": "Figure 2",
    "ee_d_u": "Figure 3 (a)",
    "mumu_d_u": "Figure 3 (b)",
    "ee_mumu_d": "Figure 3 (c)",
    "ee_etau_d": "Figure 3 (d)",
    "matter_ee_mumu": "Figure 4",
}


@pytest.fixture(scope="module")
def submitted(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the finished run with its submission made."""

    def make(folder: Path) -> None:
        finished.copy(folder).snakemake("--", "hepdata")

    return Project(made_once(tmp_path_factory, "submitted", make))


@pytest.fixture(scope="module")
def tables(submitted: Project) -> dict[str, dict[str, Any]]:
    """Every table by its name, with what submission.yaml says of it."""
    folder = submitted.folder / "results" / "hepdata" / "submission"
    _, *documents = yaml.safe_load_all((folder / "submission.yaml").read_text(encoding="utf-8"))
    return {
        document["name"]: document | yaml.safe_load((folder / document["data_file"]).read_text(encoding="utf-8"))
        for document in documents
    }


def _points(table: dict[str, Any]) -> Iterator[tuple[float, float]]:
    """Points of every line of a table."""
    x = [value["value"] for value in table["independent_variables"][0]["values"]]
    for column in table["dependent_variables"]:
        for at, value in zip(x, column["values"], strict=True):
            if value["value"] != "-":
                yield at, value["value"]


def _curves(project: Project, analysis: str) -> pd.DataFrame:
    figures = project.folder / "results" / analysis / "figures"
    read = [pd.read_csv(path) for path in sorted(figures.glob("*.csv"))]
    return pd.concat(read)


def test_validator_accepts_folder_and_archive(submitted: Project) -> None:
    made = submitted.folder / "results" / "hepdata"
    assert complaints(made / "submission") == []
    assert complaints(made / "submission.tar.gz") == []


@pytest.mark.parametrize("analysis", ANALYSES)
def test_every_line_of_every_figure_is_there(
    submitted: Project, tables: dict[str, dict[str, Any]], analysis: str
) -> None:
    curves = _curves(submitted, analysis)
    rest = set(curves["panel"] + ": " + curves["curve"])

    def drawn(panel: str, curve: str) -> pd.DataFrame:
        rest.discard(f"{panel}: {curve}")
        rows: pd.DataFrame = curves[(curves["panel"] == panel) & (curves["curve"] == curve)]
        return rows

    for scan, title in PANELS.items():
        level = "0.9545" if scan == "light_mediator" else "0.9"
        panel = "fig2" if scan == "light_mediator" else scan
        expected = drawn(panel, f"{level} CL, 2 dof")
        assert len(expected) > 0
        table = tables[f"{title}: {100 * float(level):g} % CL, 2 dof ({analysis})"]
        assert list(_points(table)) == list(zip(expected["x"], expected["y"], strict=True))
        assert table["location"] == title
        contours = pd.read_csv(submitted.folder / f"results/{analysis}/contours/{scan}.csv")
        one = contours[contours["n_dof"] == 1].to_numpy()[:, -2:]
        table = tables[f"{title}: {100 * float(level):g} % CL, 1 dof ({analysis})"]
        assert list(_points(table)) == [tuple(row) for row in one]
        fits = tables[f"Best fits ({analysis})"]
        rows = [v["value"] == title for v in fits["independent_variables"][0]["values"]]
        for name, column in zip(("best fit", "SM"), fits["dependent_variables"], strict=True):
            cells = [v["value"] for v, keep in zip(column["values"], rows, strict=True) if keep]
            marked = drawn(panel, name)[["x", "y"]].to_numpy()
            assert cells == (list(marked[0]) if len(marked) else ["-", "-"])
            assert len(marked) == (name == "SM" and panel != "fig2")  # the data leave a degenerate set in every plane
    muon = tables[f"Figure 2: muon g-2 ({analysis})"]
    band = pd.concat([drawn("fig2", f"muon g-2, {side}") for side in ("lower", "upper")])
    assert len(band) > 0
    assert list(_points(muon)) == list(zip(band["x"], band["y"], strict=True))
    for parameter in ("eps_ee_matter", "eps_mumu_matter"):
        table = tables[f"Domain sensitivity of {parameter} ({analysis})"]
        bounds = [v["value"] for v in table["independent_variables"][0]["values"]]
        columns = table["dependent_variables"]
        for column, at_reach in zip(columns[::2], columns[1::2], strict=True):
            of = {each["name"]: each["value"] for each in column["qualifiers"]}
            text = f"delta chi2 {of['Delta chi2']:.2f}, {of['Degrees of freedom']} dof, {of['End']}"
            for curve, only_reach in ((text, "no"), (f"{text}, only the reach", "yes")):
                ends = [
                    (bound, value["value"])
                    for bound, value, reach in zip(bounds, column["values"], at_reach["values"], strict=True)
                    if reach["value"] == only_reach
                ]
                assert ends == list(drawn(parameter, curve)[["x", "y"]].itertuples(index=False, name=None))
    spectrum = tables[f"Figure 1 ({analysis})"]
    for column, curve in zip(spectrum["dependent_variables"], curves[curves["panel"] == "fig1"]["curve"].unique(),
                             strict=True):  # fmt: skip
        assert [v["value"] for v in column["values"]] == list(drawn("fig1", curve)["y"])
        assert column["header"]["name"].endswith(curve.split(":")[1])
    # lines of the map of domains follow from its tables, where the miss and what is only the reach stand point by point
    mapped = pd.read_csv(submitted.folder / f"results/{analysis}/domain_map.csv", keep_default_na=False)
    for n_dof in (1, 2):
        table = tables[f"Miss of Eq. 12, {n_dof} dof, 90 % CL ({analysis})"]
        rows = mapped[mapped["n_dof"] == n_dof]
        for column, name in zip(table["dependent_variables"], ("miss", "miss_of", "at_reach"), strict=True):
            assert [v["value"] for v in column["values"]] == list(rows[name].replace("", "none"))
    best = tables[f"Domains closest to Eq. 12 ({analysis})"]
    lower, upper = ([v["value"] for v in column["values"]] for column in best["dependent_variables"][:2])
    of_map = curves["panel"].str.startswith("delta chi2")
    for name in ("least miss", "least with four limits", "least of symmetric ones"):
        marked = curves[of_map & (curves["curve"] == name)]
        assert set(zip(marked["x"], marked["y"], strict=True)) <= set(zip(lower, upper, strict=True))
    assert {text.partition(",")[0] for text in rest} <= {"delta chi2 2.71", "delta chi2 4.61"}


@pytest.mark.parametrize("analysis", ANALYSES)
def test_ranges_and_spectra_are_the_tables(
    submitted: Project, tables: dict[str, dict[str, Any]], analysis: str
) -> None:
    base = submitted.folder / "results" / analysis
    ranges = pd.read_csv(base / "ranges.csv", keep_default_na=False)
    for scan, rows in ranges.groupby("scan"):
        columns = tables[f"Ranges of {scan} ({analysis})"]["dependent_variables"]
        expected = ["lower", "upper", "ends_at_grid"]
        expected += [name for name in ("lower_set_by", "upper_set_by", "warning") if rows[name].any()]
        assert len(columns) == len(expected) * len(rows[["confidence_level", "n_dof"]].drop_duplicates())
        for start, name in enumerate(expected):
            cells = [v["value"] for c in columns[start :: len(expected)] for v in c["values"] if v["value"] != "-"]
            assert sorted(cells) == sorted(rows[name].replace("", "none"))
        thresholds = {q["value"] for column in columns for q in column["qualifiers"] if q["name"] == "Delta chi2"}
        assert thresholds == set(rows["delta_chi2"])
    matches = pd.read_csv(base / "domain_matches.csv")
    columns = tables[f"Domain of Eq. 12 ({analysis})"]["dependent_variables"]
    for start, name in enumerate(("bound", "kind")):
        cells = [v["value"] for column in columns[start::2] for v in column["values"]]
        assert sorted(cells) == sorted(matches[name])
    spectra = pd.read_csv(base / "spectra.csv")
    table = tables[f"Figure 1, by flavor ({analysis})"]
    cells = [v["value"] for column in table["dependent_variables"] for v in column["values"]]
    assert sorted(cells) == sorted(spectra["predicted_counts"])


def test_likelihoods_are_there_though_nothing_of_another_study_is_made(
    submitted: Project, tables: dict[str, dict[str, Any]]
) -> None:
    folder = submitted.folder / "results" / "hepdata" / "submission"
    assert {path.name for path in folder.glob("*.json")} == {
        *(f"{name}-likelihood.json" for name in ANALYSES),
        *(f"{name}-{what}.json" for name in COUNTED for what in ("workspace", "about_workspace")),
    }
    assert not [title for title in tables if any(name in title for name in ("lar_2020", "coherent"))]
    assert not (submitted.folder / "results" / "lar_2020").exists()
    said = (submitted.folder / "logs" / "hepdata.log").read_text(encoding="utf-8")
    assert "lar_2020_radius: no file of its likelihood: lar_2020: counts depend on more than charges squared" in said


def test_what_of_another_study_is_finished_is_in(reported: Project, tmp_path: Path) -> None:
    project = reported.copy(tmp_path / "project")
    asked = project.jobs("--", "hepdata")
    assert set(asked) == {"hepdata"}  # nothing else is made for it
    project.snakemake("--", "hepdata")
    folder = project.folder / "results" / "hepdata" / "submission"
    assert complaints(project.folder / "results" / "hepdata" / "submission.tar.gz") == []
    first, *documents = yaml.safe_load_all((folder / "submission.yaml").read_text(encoding="utf-8"))
    titles = [document["name"] for document in documents]
    assert "contact_planes (coherent)" in titles
    assert "Ranges of mixing_angle (lar_2020)" in titles
    assert "ee_mumu_d: 90 % CL, 2 dof (joint)" in titles
    named = {each["location"] for each in first["additional_resources"]}
    assert {"coherent-scorecard.csv", "lar_2020-general_fit.csv", "csi_2021-domain_ends.csv"} <= named
    ranges = pd.read_csv(project.folder / "results" / "lar_2020" / "ranges.csv", keep_default_na=False)
    (table,) = [each for each in documents if each["name"] == "Ranges of mixing_angle (lar_2020)"]
    content = yaml.safe_load((folder / table["data_file"]).read_text(encoding="utf-8"))
    lower = [v["value"] for c in content["dependent_variables"] if c["header"]["name"] == "Lower end"
             for v in c["values"] if v["value"] != "-"]  # fmt: skip
    assert sorted(lower) == sorted(ranges["lower"][ranges["scan"] == "mixing_angle"])
    (project.folder / "results" / "lar_2020" / "ranges.csv").unlink()  # of what is no longer all there nothing is made
    assert set(project.jobs("--", "hepdata")) == {"hepdata"}


NO_LINES = """
analyses:
  paper: {scans: [tautau]}
  release: {scans: [tautau]}
scans:
  tautau:
    interaction: contact
    axes: {eps_tautau_dV: {min: -1, max: 1, points: 11}, eps_tautau_uV: {min: -1, max: 1, points: 11}}
    confidence_levels: [0.9]
    n_dof: [2, 1]
    chunks: 1
"""


def test_a_plane_that_chi2_does_not_depend_on_has_no_lines(finished: Project, tmp_path: Path) -> None:
    """No tau neutrino is in the beam: all of the plane is allowed, and no point of it is better than another."""
    project = finished.copy(tmp_path / "project")
    overlay = tmp_path / "no_lines.yaml"
    overlay.write_text(of_the_paper_alone(NO_LINES), encoding="utf-8")
    project.snakemake(str(overlay), "--", "hepdata", "report")
    results = project.folder / "results"
    assert complaints(results / "hepdata" / "submission.tar.gz") == []
    first, *documents = yaml.safe_load_all((results / "hepdata/submission/submission.yaml").read_text(encoding="utf-8"))
    for analysis in ANALYSES:
        assert len(pd.read_csv(results / analysis / "contours" / "tautau.csv")) == 0
        assert f"{analysis}-tautau.png" in {each["location"] for each in first["additional_resources"]}
        (table,) = [each for each in documents if each["name"] == f"Ranges of tautau ({analysis})"]
        content = yaml.safe_load((results / "hepdata" / "submission" / table["data_file"]).read_text(encoding="utf-8"))
        cells = {
            column["header"]["name"]: {value["value"] for value in column["values"]}
            for column in content["dependent_variables"]
        }
        assert cells["Lower end"] == {-1.0}
        assert cells["Bounds that make the lower end"] == {"eps_tautau_dV >= -1", "eps_tautau_uV >= -1"}
        assert all("no sensitivity: chi2 does not depend on eps_tautau_" in warning for warning in cells["Warning"])
    assert "no sensitivity: chi2 does not depend on eps_tautau_dV" in (results / "report.html").read_text(
        encoding="utf-8"
    )


def test_nothing_to_do_until_results_change(submitted: Project) -> None:
    assert submitted.jobs("--", "hepdata") == {}
    before = submitted.digests(below="results/hepdata")
    submitted.snakemake("--forcerun", "tables", "--", "hepdata")
    assert submitted.digests(below="results/hepdata") == before  # the same bytes once more
    contours = submitted.folder / "results" / "paper" / "contours" / "ee_d_u.csv"
    text = contours.read_text(encoding="utf-8")
    contours.write_text(text.replace("0.9,2,0,", "0.9,2,1,", 1), encoding="utf-8")
    assert submitted.jobs("--", "hepdata")["hepdata"] == 1
    contours.write_text(text, encoding="utf-8")


def test_default_target_leaves_it_out(finished: Project) -> None:
    assert not (finished.folder / "results" / "hepdata").exists()


def test_a_refused_submission_is_not_kept(submitted: Project, tmp_path: Path) -> None:
    project = submitted.copy(tmp_path / "project")
    source = project.folder / "src" / "cevnsi" / "output" / "hepdata.py"
    text = source.read_text(encoding="utf-8")
    assert '"observables", "values"' in text
    source.write_text(text.replace('"observables", "values"', '"observable", "values"'), encoding="utf-8")
    done = project.snakemake("--", "hepdata", check=False)
    assert done.returncode != 0
    assert "HEPData's validator refuses it" in done.stdout
    assert "'observable' is not one of" in done.stdout
    assert "Traceback" not in done.stdout
    assert not (project.folder / "results" / "hepdata").exists()
