"""The recipes of CONTRIBUTING.md, followed to the letter in a copy of the project, all in one run up to its report."""

import hashlib
import re
from pathlib import Path

import pandas as pd
import pytest

from project import ROOT, Project, copy_project, made_once

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
    package, schema = project.folder / "src" / "cevnsi", project.folder / "src" / "cevnsi" / "config" / "schema.yaml"

    (form_factor,) = blocks("A form factor")
    put(package / "physics" / "form_factors.py", "FORM_FACTORS: dict", form_factor + "\n\n")
    put(package / "physics" / "form_factors.py", "}\n", ', "gaussian": gaussian')
    put(schema, "]\n          description: Nuclear form factor.", ", gaussian")

    (interaction,) = blocks("An interaction")
    folder = package / "physics" / "interactions"
    (folder / "muon_mediator.py").write_text(interaction, encoding="utf-8")
    line = "from cevnsi.physics.interactions.muon_mediator import MUON_MEDIATOR\n"
    put(folder / "__init__.py", "\nINTERACTIONS: dict", line)
    put(folder / "__init__.py", "}\n", '    "muon_mediator": MUON_MEDIATOR,\n')
    put(schema, "]\n          description: What the parameters are couplings of.", ", muon_mediator")

    reader, roles, _ = blocks("A dataset")
    inputs = package / "experiments" / "inputs.py"
    put(inputs, "# A reader and the roles of its files", reader + "\n\n")
    put(inputs, "}\n\nREAD_TWICE", '    "events": (read_events, ("events", "acceptance")),\n')
    put(schema, "]\n          description: How the files are read", ", events")
    put(schema, "  analyses:\n    type: object", roles)
    mine = project.folder / "data" / "mine"
    mine.mkdir()
    rows = "".join(f"{pe}\n" for pe in range(7, 29) for _ in range(6))
    (mine / "events.csv").write_text(f"photoelectrons\n{rows}", encoding="utf-8")
    (mine / "acceptance.csv").write_text("photoelectrons,acceptance\n0,0\n50,0.7\n", encoding="utf-8")
    with (project.folder / "data" / "SHA256SUMS").open("a", encoding="utf-8") as sums:
        for path in sorted(mine.iterdir()):
            sums.write(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  data/mine/{path.name}\n")

    overlay = project.folder / "mine.yaml"
    overlay.write_text(OVERLAY, encoding="utf-8")
    project.snakemake(str(overlay), "--", "report")


def test_every_section_of_how_to_add_is_followed() -> None:
    assert re.findall(r"^## (An? .*)$", TEXT, re.MULTILINE) == [
        "A form factor",
        "An interaction",
        "A dataset",
        "A figure",
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


def test_the_report_speaks_of_what_was_added(followed: Project) -> None:
    page = (followed.folder / "results" / "report.html").read_text(encoding="utf-8")
    assert "M<sub>μ</sub>" in page
    assert "gaussian form factor" in page
    assert "files of the reader events" in page


def test_the_new_figure_is_drawn(followed: Project, tmp_path: Path) -> None:
    project = followed.copy(tmp_path / "project")
    package = project.folder / "src" / "cevnsi"
    figure, script, rule = blocks("A figure")
    put(package / "output" / "figures.py", "def draw_domain_sensitivity(", figure + "\n\n")
    (project.folder / "workflow" / "scripts" / "draw_acceptance.py").write_text(script, encoding="utf-8")
    rules = project.folder / "workflow" / "rules" / "figures.smk"
    rules.write_text(f"{rules.read_text(encoding='utf-8')}\n\n{rule}", encoding="utf-8")
    put(project.folder / "workflow" / "rules" / "common.smk", ", *paper, *[grid for grid", ', "acceptance"')
    put(package / "config" / "check.py", ', "digitization"),\n', ', "acceptance"')
    project.snakemake(str(project.folder / "mine.yaml"), "--", "results/mine/figures/acceptance.pdf")
    figures = project.folder / "results" / "mine" / "figures"
    assert pd.read_csv(figures / "acceptance.csv")["y"].tolist() == [0.0, 0.7]
    assert (figures / "acceptance.pdf").stat().st_size > 1000
