"""The report of a finished run: one file, well formed, the same bytes every time but for the run times."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from project import Project

VOID = {"meta", "link", "img", "input", "br"}
SECTIONS = (
    "scorecard",
    "figures",
    "explore",
    "ranges",
    "domain",
    "analyses",
    "inputs",
    "workflow",
    "versions",
    "tables",
)


class Page(HTMLParser):
    """Elements of a page with their attributes; complains about tags that do not match."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.problems: list[str] = []
        self.feed(text)
        self.problems += [f"<{tag}> is not closed" for tag in self.open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"</{tag}> at line {self.getpos()[0]} closes nothing")

    def values(self, *attributes: str) -> list[str]:
        """Values of these attributes anywhere."""
        return [attrs[name] for _, attrs in self.elements for name in attributes if name in attrs]


@pytest.fixture(scope="module")
def reported(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the finished run, with its report."""
    project = finished.copy(tmp_path_factory.mktemp("reported") / "project")
    assert project.jobs("--", "report") == {"report": 1}
    project.snakemake("--", "report")
    return project


@pytest.fixture(scope="module")
def text(reported: Project) -> str:
    return (reported.folder / "results" / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


def test_it_is_well_formed_and_whole(page: Page, text: str) -> None:
    assert page.problems == []
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert set(SECTIONS) <= set(ids)
    assert {link for link in page.values("href", "src") if not link.startswith(("#", "data:"))} == set()
    assert len(text.encode("utf-8")) < 15_000_000


def test_every_picture_has_words(page: Page) -> None:
    pictures = [attrs for tag, attrs in page.elements if tag == "img"]
    assert len(pictures) == 2 * 5
    assert all(len(attrs["alt"]) > 60 for attrs in pictures)
    assert len({attrs["alt"] for attrs in pictures}) == len(pictures)


def test_the_scorecard_comes_first_and_is_complete(reported: Project, text: str) -> None:
    positions = [text.index(f'<section id="{name}">') for name in SECTIONS]
    assert positions == sorted(positions)
    for analysis in ("paper", "release"):
        card = pd.read_csv(reported.folder / "results" / analysis / "scorecard.csv")
        assert f"<b>{card['within'].sum()} of {len(card)}</b>" in text
        assert all(quantity in text for quantity in card["quantity"])


def test_captions_inputs_versions_and_the_check_are_there(reported: Project, text: str) -> None:
    content = json.loads((reported.folder / "results" / "provenance.json").read_text(encoding="utf-8"))
    expected = [*content["inputs_sha256"].values(), *content["versions"].values(), content["config_sha256"]]
    assert [value for value in expected if value not in text] == []
    assert "every bin rounds to the same one in both readings" in text
    for word in ("<b>Data:</b>", "<b>Statistic:</b>", "<b>Threshold:</b>", "<b>Domain:</b>"):
        assert text.count(word) >= 2 * 3


def test_graph_and_times_are_of_this_run(text: str) -> None:
    (graph,) = re.findall(r'<svg class="rules".*?</svg>', text, re.DOTALL)
    for feeds in ("templates feeds chunk", "chunk feeds merge", "merge feeds contours", "provenance feeds report"):
        assert feeds in graph
    assert "chunk × 24" in graph  # of the reduced grids, both analyses
    (times,) = re.findall("<!-- run times -->.*<!-- end run times -->", text, re.DOTALL)
    assert re.search(r'<th scope="row">chunk</th><td data-label="Jobs">24</td>', times)


def test_bytes_repeat_but_for_the_times(reported: Project, text: str, tmp_path: Path) -> None:
    def timeless(page: str) -> str:
        """Without what a run's clock decides: the times, and the order in which they list the rules."""
        return re.sub("<!-- run times -->.*<!-- end run times -->", "", page, flags=re.DOTALL)

    again = reported.copy(tmp_path / "project")
    again.snakemake("--forcerun", "report", "fig1", "--", "report", variables={"PYTHONHASHSEED": "7", "LC_ALL": "C"})
    second = (again.folder / "results" / "report.html").read_text(encoding="utf-8")
    assert timeless(second) == timeless(text)
    assert len(timeless(text)) < len(text)


def test_the_report_is_no_part_of_a_plain_run(finished: Project) -> None:
    assert finished.jobs() == {}
    assert not (finished.folder / "results" / "report.html").exists()


def test_results_without_notes_have_a_report_without_graph(reported: Project, tmp_path: Path) -> None:
    bare = reported.copy(tmp_path / "project")
    for path in (bare.folder / ".snakemake" / "metadata").rglob("*"):
        if path.is_file():
            path.unlink()
    bare.snakemake("--forcerun", "report", "--rerun-triggers", "mtime", "--", "report")
    text = (bare.folder / "results" / "report.html").read_text(encoding="utf-8")
    assert "graph and run times are not known" in text
    assert Page(text).problems == []
