"""The report of a finished run: one file, well formed, the same bytes every time but for the run times."""

import base64
import gzip
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cevnsi.output.captions import number
from project import Project

VOID = {"meta", "link", "img", "input", "br"}
SECTIONS = (
    "answer",
    "scorecard",
    "fits",
    "figures",
    "explore",
    "ranges",
    "domain",
    "analyses",
    "inputs",
    "workflow",
    "versions",
    "citing",
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


def test_every_picture_has_words(reported: Project, page: Page) -> None:
    pictures = [attrs for tag, attrs in page.elements if tag == "img"]
    drawn = [path for of in ("*", "studies/*") for path in (reported.folder / "results").glob(f"{of}/figures/*.svg")]
    assert len(pictures) == len(drawn) > 50
    assert all(len(attrs["alt"]) > 60 for attrs in pictures)
    assert len({attrs["alt"] for attrs in pictures}) == len(pictures)


def test_the_answer_comes_first_with_the_limits_of_both_studies(reported: Project, text: str) -> None:
    """Those of ranges.csv, at 90 % and with one degree of freedom, and the two figures that matter most."""
    section = text[text.index('<section id="answer">') : text.index('<section id="scorecard">')]
    assert text.index("<main>") < text.index('<section id="answer">')
    for analysis, parameter, others in (
        ("paper", "eps_ee_matter", "profiled"),
        ("release", "eps_mumu_matter", "profiled"),
        ("joint", "eps_mumu_V", "none"),
    ):
        table = pd.read_csv(reported.folder / "results" / analysis / "ranges.csv", keep_default_na=False)
        rows = table[(table.parameter == parameter) & (table.n_dof == 1) & (table.confidence_level == 0.9)]
        rows = rows[rows.other_parameters == others] if others in set(rows.other_parameters) else rows
        assert len(rows) > 0
        for low, high in zip(rows.lower, rows.upper, strict=True):
            assert f"{number(low)} to {number(high)}" in re.sub("[≤≥] ", "", section)
    titles = re.findall("<h4>(.*?)</h4>", section)
    assert titles == ["Fig. 3: pairs of contact couplings", "Pairs of contact couplings"]
    assert section.count("<img") == 3  # of both analyses of the paper, and of several


def test_the_scorecard_comes_next_and_is_complete(reported: Project, text: str) -> None:
    positions = [text.index(f'<section id="{name}">') for name in SECTIONS]
    assert positions == sorted(positions)
    for analysis in ("paper", "release"):
        card = pd.read_csv(reported.folder / "results" / analysis / "scorecard.csv")
        assert f"<b>{card['within'].sum()} of {len(card)}</b> are within tolerance" in text
        count = card["verdict"].value_counts()
        assert count.sum() == len(card) == 21
        lead = f"{count.get('depends', 0)} depend on one, and {count.get('no', 0) or 'none'} fail under all"
        assert f"<b>{count['yes']} of {len(card)}</b> hold under every choice tried" in text
        assert lead in text
        assert all(quantity in text for quantity in card["quantity"])


def test_the_scorecard_has_each_verdict_and_its_choices(reported: Project, text: str) -> None:
    section = text[text.index('<section id="scorecard">') : text.index('<section id="fits">')]
    rows = re.findall("<tr>.*?</tr>", section.split("<tbody>")[1], re.DOTALL)
    words = {"yes": "holds", "depends": "depends", "no": "fails"}
    for place, analysis in enumerate(("paper", "release")):
        card = pd.read_csv(reported.folder / "results" / analysis / "scorecard.csv", keep_default_na=False)
        for row, (_, expected) in zip(rows, card.iterrows(), strict=True):
            cell = re.findall(r'<td data-label="Ours, .*?</td>', row, re.DOTALL)[place]
            assert f'<span class="verdict {expected["verdict"]}">{words[expected["verdict"]]}</span>' in cell
            ends = [number(float(expected[name])) for name in ("least", "greatest")]
            assert " to ".join(dict.fromkeys(ends)) in cell
            (listed,) = re.findall(rf"Ours in <code>{analysis}</code> with (.*?)\.</span>", row, re.DOTALL)
            named = [item.rpartition(": ")[0] for item in expected["choices"].split("; ")]
            assert [item.rpartition(": ")[0] for item in listed.split("; ")] == named


def test_every_data_set_has_its_fit(reported: Project, text: str) -> None:
    """Counts, chi2 and pulls of best_fit.json, once for each data set, and links to the figures of them."""
    section = text[text.index('<section id="fits">') : text.index('<section id="figures">')]
    names = re.findall('<th scope="col"><code>(.*?)</code>', section)
    assert names == ["paper", "release", "csi_2017", "csi_2021", "lar_2020", "joint"]  # and none of a radius
    for name in names:
        path = reported.folder / "results" / name / "best_fit.json"
        fit = json.loads(path.read_text(encoding="utf-8"))["together"]
        _, _, events, best, pulls, standard, of_standard = re.findall(
            rf'<td data-label="{name}">(.*?)</td>', section, re.DOTALL
        )
        assert events.startswith(f"{number(fit['cevns_counts']['value'], 3)} (+")
        for cell, record in ((best, fit), (standard, fit["standard_model"])):
            assert cell.startswith(number(record["chi2"], 5))
            assert "probability not measured" in cell
        for cell, record in ((pulls, fit), (of_standard, fit["standard_model"])):
            assert cell.count(" ± ") == len(record["nuisances"])
            for nuisance, each in record["nuisances"].items():
                pull = each["value"] / (each["sigma"] or 1)
                assert f"{nuisance.replace('_', ' ')}" in cell
                assert f"{pull:.2f} ±".replace("-", "−") in cell
    for figure in ("counts", "pulls", "counts_likelihood"):
        assert f'href="#figure-{figure}"' in section
        assert f'id="figure-{figure}"' in text


def test_eq_12_is_said_of_the_domain_that_it_holds_for(text: str) -> None:
    (finding,) = re.findall(r'<p class="finding">(Eq. 12: .*?)</p>', text, re.DOTALL)
    plain = " ".join(re.sub("<.*?>", "", finding).split())
    assert plain == (
        "Eq. 12: with the configured domain of what χ2 is minimised over, its ends are not all within tolerance in the "
        "analysis paper (with every eps_uV, eps_dV in [-0.933, 0.729], closest to Eq. 12 at delta chi2 2.71, they are, "
        "at Δχ2 = 2.71) and not all within tolerance in the analysis release (with every eps_uV, eps_dV in "
        "[-0.912, 0.708], closest to Eq. 12 at delta chi2 2.71, they are, at Δχ2 = 2.71). The paper states no domain, "
        "and the ends depend on it (below)."
    )
    domain = text[text.index('<section id="domain">') : text.index('<section id="analyses">')]
    assert "For one mean nucleus there is no limit without a bound." in domain
    assert "outwards by 0.32 per unit" in domain


def test_the_domain_has_the_bound_of_every_published_end(reported: Project, text: str) -> None:
    domain = text[text.index('<section id="domain">') : text.index('<section id="analyses">')]
    for analysis in ("paper", "release"):
        matches = pd.read_csv(reported.folder / "results" / analysis / "domain_matches.csv")
        matches = matches.sort_values("delta_chi2", kind="stable")
        cells = re.findall(rf'<td data-label="{analysis}">(.*?)</td>', domain)
        assert cells == [f"{row.bound:.3g}, {row.kind}" for row in matches.itertuples()]
        assert sorted(set(matches["kind"])) == ["limit", "reach"]


def test_the_domain_has_those_that_come_closest(reported: Project, text: str) -> None:
    domain = text[text.index('<section id="domain">') : text.index('<section id="analyses">')]
    for analysis in ("paper", "release"):
        best = pd.read_csv(reported.folder / "results" / analysis / "domain_best.csv")
        cells = re.findall(rf'<td data-label="Closest in {analysis}">(.*?)</td>', domain)
        rows = best.sort_values("delta_chi2", kind="stable").itertuples()
        for cell, row in zip(cells, rows, strict=True):
            assert f"{row.upper_bound:.3g}], miss {row.miss:.3f}" in cell
            assert ("only the reach" in cell) == isinstance(row.at_reach, str)
            assert ("as good with a lower bound" in cell) == (row.lower_to - row.lower_from > 0.005)


def test_ranges_say_what_makes_an_end_and_what_they_warn_of(reported: Project, text: str) -> None:
    section = text[text.index('<section id="ranges">') : text.index('<section id="domain">')]
    for analysis in ("paper", "release"):
        ranges = pd.read_csv(reported.folder / "results" / analysis / "ranges.csv", keep_default_na=False)
        cells = re.findall(rf'<td data-label="{analysis}">(.*?)</td>', section, re.DOTALL)
        cells = [cell for cell in cells if cell.strip()]  # nothing of a scan that it does not run
        named = ["scan", "parameter", "confidence_level", "n_dof", "other_parameters"]
        groups = [rows for _, rows in ranges.groupby(named, sort=False)]
        for cell, rows in zip(cells, groups, strict=True):
            warnings = set(rows["warning"]) - {""}
            assert re.findall(r'<span class="more warning">(.*?)</span>', cell) == list(warnings)
            for side in ("lower", "upper"):
                makes = [r[f"{side}_set_by"] for _, r in rows.iterrows() if side not in r["ends_at_grid"]]
                assert cell.count(f"{side} end set by") == sum(map(bool, makes))
        assert ranges["warning"].any()
        assert (ranges["upper_set_by"] == "eps_ee_uV <= 1").any()


def test_a_coarse_grid_is_said_in_the_caption(text: str) -> None:
    """Of the reduced light mediator's, and of narrow bands that some of other data have: their figures say so too."""
    figures = text[text.index('<section id="figures">') : text.index('<section id="explore">')]
    by_figure = {part.split("<")[0]: part for part in figures.split("<h3>")[1:]}
    coarse = {name for name, part in by_figure.items() if "the grid is too coarse for this figure" in part}
    assert coarse == {"Fig. 2: a light mediator", "ee_mumu_d"}


def test_intervals_beside_a_plot_say_that_they_are_read_off_a_grid(page: Page, text: str) -> None:
    plots = sum("data-scan" in attrs for _, attrs in page.elements)
    assert plots == 14  # six planes of the paper, eight more of the study coherent
    assert text.count("the intervals are read off all of them, by parabolas about the least points") == plots
    assert text.count("as in <code>ranges.csv</code>, are found on χ<sup>2</sup> itself") == plots


def test_small_tables_can_be_saved(reported: Project, page: Page) -> None:
    saved = {
        attrs["download"]: base64.b64decode(attrs["href"].partition("base64,")[2])
        for tag, attrs in page.elements
        if tag == "a" and "download" in attrs
    }
    for analysis in ("paper", "release"):
        for name in (
            "scorecard",
            "ranges",
            "best_fits",
            "domain_sensitivity",
            "domain_matches",
            "domain_map",
            "domain_best",
            "spectra",
            "templates",
        ):
            written = (reported.folder / "results" / analysis / f"{name}.csv").read_bytes()
            assert gzip.decompress(saved[f"{analysis}-{name}.csv.gz"]) == written


def test_captions_inputs_versions_and_the_check_are_there(reported: Project, text: str) -> None:
    content = json.loads((reported.folder / "results" / "provenance.json").read_text(encoding="utf-8"))
    expected = [*content["inputs_sha256"].values(), *content["versions"].values(), content["config_sha256"]]
    assert [value for value in expected if value not in text] == []
    assert "every bin rounds to the same one in both readings" in text
    for word in ("<b>Data:</b>", "<b>Statistic:</b>", "<b>Threshold:</b>", "<b>Domain:</b>"):
        assert text.count(word) >= 2 * 3


def test_rules_and_times_are_of_this_run(text: str) -> None:
    (times,) = re.findall("<!-- run times -->.*<!-- end run times -->", text, re.DOTALL)
    # in nine chunks and three scans of one, and those of the study coherent
    for rule, jobs in {"chunk": 18, "scans": 2, "tables": 2, "tables_2": 1}.items():
        assert f'<th scope="row">{rule}</th><td data-label="Jobs">{jobs}</td>' in times


def test_bytes_repeat_but_for_the_times(reported: Project, text: str, tmp_path: Path) -> None:
    def timeless(page: str) -> str:
        """Without what a run's clock decides: the times, and the order in which they list the rules."""
        return re.sub("<!-- run times -->.*<!-- end run times -->", "", page, flags=re.DOTALL)

    again = reported.copy(tmp_path / "project")
    again.snakemake("--forcerun", "report", "figures", "--", "report", variables={"PYTHONHASHSEED": "7", "LC_ALL": "C"})
    second = (again.folder / "results" / "report.html").read_text(encoding="utf-8")
    assert timeless(second) == timeless(text)
    assert len(timeless(text)) < len(text)


def test_the_report_is_no_part_of_a_plain_run(finished: Project) -> None:
    assert finished.jobs() == {}
    assert not (finished.folder / "results" / "report.html").exists()


@pytest.fixture(scope="module")
def of_coverage(reported: Project, covered: Project, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Another report, of a run whose notes are gone and of which one analysis has critical values."""
    bare = reported.copy(tmp_path_factory.mktemp("bare") / "project")
    for path in (bare.folder / ".snakemake" / "metadata").rglob("*"):
        if path.is_file():
            path.unlink()
    made = Path("results") / "paper" / "coverage"
    shutil.copytree(covered.folder / made, bare.folder / made)
    bare.snakemake("--forcerun", "report", "--rerun-triggers", "mtime", "--", "report")
    return (bare.folder / "results" / "report.html").read_text(encoding="utf-8")


def test_results_without_notes_have_a_report_without_times(of_coverage: str) -> None:
    assert "rules and run times are not known" in of_coverage
    assert Page(of_coverage).problems == []


def test_coverage_is_shown_where_it_has_been_made(of_coverage: str, text: str, covered: Project) -> None:
    assert 'id="coverage"' not in text
    section = of_coverage.split('id="coverage"')[1].split("</section>")[0]
    table = pd.read_csv(covered.folder / "results" / "paper" / "coverage" / "measured.csv")
    assert len(table) == 30  # five truths, three of nuisances, two methods
    for method, said in (("wilks", "Wilks"), ("feldman_cousins", "Feldman-Cousins")):
        shown = re.findall(rf"([\d.]+) % by {said}", section)
        assert shown == [f"{100 * part:.1f}" for part in table["coverage"][table["method"] == method]]
    ranges = pd.read_csv(covered.folder / "results" / "paper" / "coverage" / "ranges.csv", keep_default_na=False)
    ends = ranges[ranges["n_dof"] == 1]
    assert section.count("Feldman-Cousins: <span") == len(
        {*zip(ends.scan, ends.parameter, ends.other_parameters, strict=True)}
    )
    for name in ("ranges", "measured", "goodness", "scorecard"):
        assert f'download="paper-coverage-{name}.csv.gz"' in of_coverage


def test_how_good_a_fit_is_stands_with_it_where_toys_tell(of_coverage: str, covered: Project) -> None:
    section = of_coverage[of_coverage.index('<section id="fits">') : of_coverage.index('<section id="figures">')]
    cells = re.findall('<td data-label="paper">(.*?)</td>', section, re.DOTALL)
    table = pd.read_csv(covered.folder / "results" / "paper" / "coverage" / "goodness.csv").set_index("quantity")
    for cell, quantity in ((cells[3], "best_fit"), (cells[5], "standard_model")):
        found = table.loc[quantity]
        assert f"probability {number(found.probability, 3)} ± {number(found.error, 1)}" in cell
    assert "probability not measured" in section  # of the others


def test_lines_by_toys_are_those_of_coverage(of_coverage: str, text: str, covered: Project) -> None:
    """Of the analysis that has them, in parts of the axes; of every other it is said why there are none."""
    scans, others = (
        json.loads(re.findall('<script type="application/json" id="scans">(.*?)</script>', page)[0])
        for page in (of_coverage, text)
    )
    assert all("untried" in shown for scan in others for shown in scan["shown"])
    found = {scan["grid"]: shown for scan in scans for shown in scan["shown"] if "measured" in shown}
    assert {shown["analysis"] for shown in found.values()} == {"paper"}
    assert set(found) == {"ee_d_u", "mumu_d_u", "ee_mumu_d", "ee_etau_d", "matter_ee_mumu"}
    for scan in scans:
        for shown in scan["shown"]:
            assert ("measured" in shown) != ("untried" in shown)
        if scan["grid"] in found:
            (at_level,) = found[scan["grid"]]["measured"]
            path = covered.folder / "results" / "paper" / "coverage" / "contours" / f"{scan['grid']}.csv"
            lines = [line for _, line in pd.read_csv(path).groupby("segment")]
            for stored, line in zip(at_level["lines"], lines, strict=True):
                parts = np.frombuffer(base64.b64decode(stored), "<u2").reshape(-1, 2)
                assert len(parts) <= len(line)
                for i, name in enumerate(scan["parameters"]):
                    axis = np.frombuffer(base64.b64decode(scan["axes"][i]), "<f8")
                    ends = axis[0] + np.ptp(axis) * parts[[0, -1], i] / 65535
                    np.testing.assert_allclose(ends, line[name].iloc[[0, -1]], atol=np.ptp(axis) / 65535)
