"""The recipes of CONTRIBUTING.md, followed to the letter in a copy of the project, all in one run up to its report."""

import hashlib
import re
from pathlib import Path

import pandas as pd
import pytest
import yaml

from project import ROOT, Project, copy_project, made_once, of_the_paper_alone

TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def blocks(title: str) -> list[str]:
    """Code of a section, block by block."""
    section = TEXT.split(f"\n## {title}\n")[1].split("\n## ")[0]
    return re.findall(r"```[a-z]*\n(.*?)```", section, re.DOTALL)


def put(path: Path, before: str, new: str) -> None:
    """Put text before the one place where another stands."""
    text = path.read_text(encoding="utf-8")
    assert text.count(before) == 1, (path, before)
    path.write_text(text.replace(before, new + before), encoding="utf-8")


OVERLAY = """
datasets:
  mine: {reader: events, files: {events: data/mine/events.csv, acceptance: data/mine/acceptance.csv}}
analyses:
  mine:
    dataset: mine
    nuclei: mean
    form_factor: gaussian
    sin2_theta_w: 0.23857
    photoelectron_range: [6, 30]
    normalization_uncertainty: 0.28
    exposure: {detector_mass_kg: 14.6, protons_on_target: 1.76e+23, neutrinos_per_proton: 0.08, baseline_m: 19.3,
               light_yield_pe_per_kev: 1.17}
    scans: [muon]
  observed:
    study: coherent_2017
    dataset: release
    nuclei: cs_and_i
    form_factor: helm
    sin2_theta_w: 0.23857
    photoelectron_range: [6, 30]
    normalization_uncertainty: 0.28
    scans: [ee_d_u, mumu_d_u]
scans:
  muon:
    interaction: muon_mediator
    axes:
      muon_mediator_mass_mev: {min: 1, max: 1000, points: 7, scale: log}
      muon_coupling: {min: 1.0e-5, max: 1.0e-2, points: 9, scale: log}
    confidence_levels: [0.90]
    n_dof: [2, 1]
    chunks: 1
"""


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy in which every recipe was followed, and run."""
    return Project(made_once(tmp_path_factory, "recipes", follow))


def follow(folder: Path) -> None:
    """Follow every recipe in a copy of the project, and run it."""
    project = copy_project(folder)
    package = project.folder / "src" / "cevnsi"

    (form_factor,) = blocks("A form factor")
    put(package / "physics" / "form_factors.py", "FORM_FACTORS: dict", form_factor + "\n\n")
    put(package / "physics" / "form_factors.py", "}\n", ', "gaussian": gaussian')

    (interaction,) = blocks("An interaction")
    folder = package / "physics" / "interactions"
    (folder / "muon_mediator.py").write_text(interaction, encoding="utf-8")
    line = "from cevnsi.physics.interactions.muon_mediator import MUON_MEDIATOR\n"
    put(folder / "__init__.py", "\nINTERACTIONS: dict", line)
    put(folder / "__init__.py", "}\n", '    "muon_mediator": MUON_MEDIATOR,\n')

    release, _ = blocks("A dataset")
    (package / "experiments" / "events.py").write_text(release, encoding="utf-8")
    inputs = package / "experiments" / "inputs.py"
    put(inputs, "from cevnsi.experiments.own_tables", "from cevnsi.experiments.events import EVENTS\n")
    put(inputs, "}\n\nREAD_TWICE", '    "events": EVENTS,\n')

    (statistic,) = blocks("A statistic")
    put(package / "statistics" / "likelihoods.py", "STATISTICS: dict", statistic + "\n\n")
    put(package / "statistics" / "likelihoods.py", "}\n", ', "neyman": neyman')
    mine = project.folder / "data" / "mine"
    mine.mkdir()
    rows = "".join(f"{pe}\n" for pe in range(7, 29) for _ in range(6))
    (mine / "events.csv").write_text(f"photoelectrons\n{rows}", encoding="utf-8")
    (mine / "acceptance.csv").write_text("photoelectrons,acceptance\n0,0\n50,0.7\n", encoding="utf-8")
    with (project.folder / "data" / "SHA256SUMS").open("a", encoding="utf-8") as sums:
        for path in sorted(mine.iterdir()):
            sums.write(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  data/mine/{path.name}\n")

    drawing, script, entry = blocks("A figure")
    paper = package / "studies" / "liao_marfatia_2017"
    put(paper / "figures.py", "def draw_domain_sensitivity(", drawing + "\n\n")
    (project.folder / "workflow" / "scripts" / "draw_acceptance.py").write_text(script, encoding="utf-8")
    put(paper / "study.py", ")\nSTUDY = Study(", entry)

    study, published = blocks("A study")
    (package / "studies" / "coherent_2017").mkdir()
    (package / "studies" / "coherent_2017" / "__init__.py").touch()
    (package / "studies" / "coherent_2017" / "study.py").write_text(study, encoding="utf-8")
    (project.folder / "data" / "coherent_2017").mkdir()
    (project.folder / "data" / "coherent_2017" / "published.csv").write_text(published, encoding="utf-8")
    known = package / "studies" / "known.py"
    line = "from cevnsi.studies.coherent_2017.study import STUDY as COHERENT_2017\n"
    put(known, "from cevnsi.studies.liao_marfatia_2017", line)
    put(known, "}\nDEFAULT = ", '    "coherent_2017": COHERENT_2017,\n')

    overlay = project.folder / "mine.yaml"
    overlay.write_text(of_the_paper_alone(OVERLAY), encoding="utf-8")
    project.snakemake(str(overlay), "--", "report", "hepdata", "coherent_2017")


def test_every_section_of_how_to_add_is_followed() -> None:
    assert re.findall(r"^## (An? .*)$", TEXT, re.MULTILINE) == [
        "A form factor",
        "An interaction",
        "A dataset",
        "A statistic",
        "A figure",
        "A study",
    ]


def test_the_new_interaction_is_limited_on_the_new_data(followed: Project) -> None:
    ranges = pd.read_csv(followed.folder / "results" / "mine" / "ranges.csv")
    row = ranges[(ranges["parameter"] == "muon_coupling") & (ranges["n_dof"] == 1)]
    assert row["ends_at_grid"].isna().all()  # these events are more than the standard model's: limited on both sides
    assert (row["lower"] > 1e-5).all()
    assert (row["lower"] < row["upper"]).all()
    assert (row["upper"] < 1e-2).all()


def test_a_range_of_the_new_interaction_needs_no_more_than_its_name(followed: Project) -> None:
    asked = ["range", "muon_coupling", "--fixed", "muon_mediator_mass_mev=10"]
    command = [followed.command()[0], "-m", "cevnsi", *asked]
    lines = followed.run(command).stdout.strip().splitlines()
    upper = float(lines[1].split(",")[lines[0].split(",").index("upper")])
    # the limit of the universal mediator at this mass, on all flavors, is a little lower
    assert 6e-5 < upper < 8e-5


def test_the_new_statistic_has_its_value(followed: Project) -> None:
    asked = "STATISTICS['neyman'](np.array([3.0, 4.0]), np.array([1.0, 0.0]), None)[0]"
    code = f"import numpy as np; from cevnsi.statistics.likelihoods import STATISTICS; print({asked})"
    printed = followed.run([followed.command()[0], "-c", code]).stdout
    assert float(printed) == 20  # (3 - 1)^2 / 1 + 4^2 / 1


def test_the_report_speaks_of_what_was_added(followed: Project) -> None:
    page = (followed.folder / "results" / "report.html").read_text(encoding="utf-8")
    assert "M<sub>μ</sub>" in page
    assert "Gaussian form factor" in page
    assert "a list of events" in page


def test_the_new_figure_is_drawn(followed: Project) -> None:
    """In every analysis of its study, and in no other."""
    results = followed.folder / "results"
    for analysis in ("paper", "release"):
        figures = results / analysis / "figures"
        used = pd.read_csv(results / "inputs" / {"paper": "figure3"}.get(analysis, analysis) / "acceptance.csv")
        assert pd.read_csv(figures / "acceptance.csv")["y"].tolist() == used["acceptance"].tolist()
        assert (figures / "acceptance.pdf").stat().st_size > 1000
    for analysis in ("mine", "coherent"):
        assert not list((results / analysis / "figures").glob("acceptance.*"))


def test_report_and_submission_have_the_new_figure(followed: Project) -> None:
    page = (followed.folder / "results" / "report.html").read_text(encoding="utf-8")
    section = page[page.index('<section id="figures">') : page.index('<section id="explore">')]
    (shown,) = [part for part in section.split("<h3>") if part.startswith("Acceptance</h3>")]
    assert shown.count("<img") == 2
    assert "Acceptance of the analysis release; its numbers are in the csv beside it." in shown
    submission = followed.folder / "results" / "hepdata" / "submission"
    names = [each.get("name") for each in yaml.safe_load_all((submission / "submission.yaml").read_text("utf-8"))]
    assert {"acceptance (paper)", "acceptance (release)"} < set(names)
    assert (submission / "paper-acceptance.png").is_file()
    assert not list(submission.glob("mine-*"))  # it belongs to no study


def test_the_new_study_has_its_figure_and_its_scorecard(followed: Project) -> None:
    base = followed.folder / "results" / "observed"
    card = pd.read_csv(base / "scorecard.csv")
    assert card["quantity"].tolist() == ["events of the standard model (text)"]
    assert card["published"].tolist() == [173]
    assert 140 < card["reproduced"][0] < 180
    assert card["within"].tolist() == [True]
    assert {path.stem for path in (base / "figures").iterdir()} == {"coherent_fig4", "mumu_d_u"}
    assert (base / "provenance.json").is_file()
    command = followed.command(str(followed.folder / "mine.yaml"), "--dry-run", "--quiet", "rules")
    assert (
        "`snakemake coherent_2017 ...` makes observed, `snakemake mine ...` makes mine, `snakemake analyses ...` all"
        in followed.run(command).stdout
    )


def test_the_paper_is_made_as_ever(followed: Project, finished: Project) -> None:
    for analysis in ("paper", "release"):
        for name in ("ranges.csv", "figures/fig3.svg", "contours/ee_d_u.csv"):
            path = f"results/{analysis}/{name}"
            assert (followed.folder / path).read_bytes() == (finished.folder / path).read_bytes()
