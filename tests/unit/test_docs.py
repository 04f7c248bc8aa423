"""README.md and docs/: what they show runs, what they name exists, and their numbers are those recorded."""

import csv
import doctest
import re
import runpy
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from snakemake.utils import update_config

from cevnsi.__main__ import main
from cevnsi.config.check import check, parse_analysis, parse_scan
from cevnsi.config.overlays import lay_over, resolve
from cevnsi.experiments.exposure import Exposure
from cevnsi.experiments.inputs import PUBLISHED_FILE, complete
from cevnsi.experiments.measurement import PHOTOELECTRONS
from cevnsi.experiments.release import as_acceptance
from cevnsi.files.strict_yaml import ConfigError, load_yaml, read
from cevnsi.files.tables import DOMAIN_BEST, DOMAIN_HOLE, DOMAIN_MATCHES, PUBLISHED, as_columns, read_table, write_csv
from cevnsi.model import DataSet, Model, cut, make_dataset
from cevnsi.questions import predict, scan_grid
from cevnsi.scans.limits import least_of, scan_ranges
from cevnsi.statistics.thresholds import threshold
from cevnsi.studies.liao_marfatia_2017.domain_map import best_domains
from cevnsi.studies.liao_marfatia_2017.scorecard import MediatorLimits, published_ends
from cevnsi.studies.liao_marfatia_2017.sensitivity import bounded, domain_matches, hole
from points import contact_chi2, mediator_chi2

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LINKED = [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", ROOT / "data" / "README.md"]
TEXT = {path: path.read_text(encoding="utf-8") for path in LINKED}


def fenced(language: str, paths: list[Path] = PAGES) -> list[Any]:
    """Every block of a language, as a parameter of a test that is named after its page and line."""
    found = []
    for path in paths:
        for block in re.finditer(r"^```(\w*)\n(.*?)^```$", TEXT[path], re.DOTALL | re.MULTILINE):
            line = TEXT[path][: block.start()].count("\n") + 1
            if block[1] == language:
                found.append(pytest.param(block[2], id=f"{path.name}:{line}"))
    return found


def prose(text: str) -> str:
    """A page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)


def anchors(text: str) -> set[str]:
    """What a link may follow a page's # with: its headings as GitHub spells them, - and a number on a repeated one."""
    seen: dict[str, int] = {}
    found = set()
    for heading in re.findall(r"^#+ (.*)$", prose(text), re.MULTILINE):
        name = re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        found.add(f"{name}-{seen[name]}" if name in seen else name)
        seen[name] = seen.get(name, 0) + 1
    return found


def broken_links(path: Path, text: str) -> list[str]:
    """Relative links and pictures of a page that lead to no file, out of the project, or to no heading."""
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(text)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (path.parent / name).resolve() if name else path
        there = file.is_relative_to(ROOT) and file.exists()
        if not there or (anchor and anchor not in anchors(text if file == path else file.read_text(encoding="utf-8"))):
            broken.append(target)
    return broken


@pytest.mark.parametrize("path", LINKED, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    assert broken_links(path, TEXT[path]) == []


@pytest.mark.parametrize(
    "target", ["docs/nothing.md", "docs/results.md#nothing", "#nothing", "../outside.md", "docs/figures/fig9.png"]
)
def test_a_broken_link_is_seen(target: str) -> None:
    page = "# A page\n\n## Eq. 12, and more\n\n[there](#eq-12-and-more) [there](docs/results.md#eq-12)"
    assert broken_links(ROOT / "README.md", f"{page} [x]({target})") == [target]


def test_every_page_and_picture_is_shown() -> None:
    shown = {
        (path.parent / target.partition("#")[0]).resolve()
        for path in PAGES
        for target in re.findall(r"\]\(([^):]+)\)", TEXT[path])
    }
    assert {path for path in PAGES if path.parent.name == "docs"} <= shown
    assert set((ROOT / "docs" / "figures").iterdir()) <= shown


def test_the_front_page_is_short() -> None:
    """Beside its tables, which are made of results."""
    written = re.sub(r"<!-- (.*?) -->.*?<!-- end \1 -->", "", TEXT[ROOT / "README.md"], flags=re.DOTALL)
    assert len(written.splitlines()) <= 120


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_files_that_are_named_exist(path: Path) -> None:
    """Of the project's own folders; what lies in data/mine is the reader's."""
    own = r"`((?:src|tests|workflow|docs|envs|data|benchmarks)/[^`\s]*)`"
    named = [name for name in re.findall(own, TEXT[path]) if not name.startswith("data/mine")]
    assert [name for name in named if not list(ROOT.glob(name.rstrip("/")))] == []


def test_targets_of_make_that_are_named_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = {
        name
        for path in [*PAGES, ROOT / "CONTRIBUTING.md"]
        for name in re.findall(r"(?:`|^)make ([a-z-]+)", TEXT[path], re.MULTILINE)
    }
    assert {"figures", "report", "test", "hepdata"} <= named <= targets


@pytest.mark.parametrize("example", fenced("yaml"))
def test_examples_of_yaml_are_valid_configurations(example: str, config: dict[str, Any]) -> None:
    laid = resolve(lay_over(read(ROOT / "config.yaml"), load_yaml(example)))
    check(laid)
    assert laid != config


def test_an_example_with_a_mistake_is_seen(config: dict[str, Any]) -> None:
    (complex_coupling,) = [block.values[0] for block in fenced("yaml") if "eps_emu_dV_imag" in str(block.values[0])]
    update_config(config, load_yaml(str(complex_coupling).replace("eps_emu_dV_imag", "eps_ee_dV_imag")))
    with pytest.raises(ConfigError, match="eps_ee_dV_imag: unknown parameter"):
        check(config)


def of_ones_own_data() -> str:
    """The example of an analysis of tables."""
    (example,) = [block.values[0] for block in fenced("yaml") if "reader: table" in str(block.values[0])]
    return str(example)


@pytest.mark.parametrize("key", [field.name for field in fields(Exposure)])
def test_an_analysis_of_ones_own_data_needs_the_whole_exposure(key: str, config: dict[str, Any]) -> None:
    update_config(config, load_yaml(re.sub(rf"^ +{key}: .*\n", "", of_ones_own_data(), flags=re.MULTILINE)))
    with pytest.raises(ConfigError, match=rf"analyses\.mine\.exposure: needs {key}, as dataset 'mine'"):
        check(config)


# Those of pages that read a run's files: test_grid_notes.py and test_likelihood_files.py make these.
WITHOUT_A_RUN = [path for path in PAGES if path.name not in ("results.md", "hepdata.md")]


@pytest.mark.parametrize("example", fenced("python", WITHOUT_A_RUN))
def test_examples_of_python_run(example: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    exec(compile(example, "example", "exec"), {})


@pytest.mark.parametrize("path", [path for path in PAGES if fenced("pycon", [path])], ids=lambda path: path.name)
def test_sessions_answer_as_shown(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """All of a page's are one."""
    monkeypatch.chdir(ROOT)
    session = "".join(block.values[0] for block in fenced("pycon", [path]))
    test = doctest.DocTestParser().get_doctest(session, {}, path.name, str(path), 0)
    assert doctest.DocTestRunner(verbose=False).run(test).failed == 0, capsys.readouterr().out


COMMANDS = [line for block in fenced("") for line in re.findall(r"^\$ python -m cevnsi (.*)$", block.values[0], re.M)]


@pytest.mark.parametrize("command", COMMANDS)
def test_examples_in_a_terminal_answer(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    assert main(command.split()) == 0
    said = capsys.readouterr()
    assert said.out
    assert said.err == ""


MOVED = re.findall(
    r"^\| `cevnsi\.(\S+?)`(.*?) \| (?:`(\w+)` in )?`(\S+)` \|$", TEXT[ROOT / "CHANGELOG.md"], re.MULTILINE
)


@pytest.mark.parametrize(("first", "others", "instead", "module"), MOVED, ids=[first for first, *_ in MOVED])
def test_what_moved_is_where_the_changelog_says(first: str, others: str, instead: str, module: str) -> None:
    place, name = first.rsplit(".", 1)
    for each in [instead] if instead else [name, *re.findall(r"`(\w+)`", others)]:
        exec(f"from {module} import {each}", {})
    with pytest.raises(ImportError):
        exec(f"from cevnsi.{place} import {name}", {})


def test_there_are_examples_of_each_kind() -> None:
    assert all([fenced("yaml"), fenced("python"), fenced("pycon"), COMMANDS])


def test_the_library_computes_a_spectrum_a_chi2_and_a_contour(monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = [block.values[0] for block in fenced("python", [ROOT / "docs" / "library.md"])]
    monkeypatch.chdir(ROOT)
    found: dict[str, Any] = {}
    exec(compile(str(example), "library.md", "exec"), found)
    assert found["counts"].shape == (3, 12)
    assert found["chi2"] == pytest.approx(float(mediator_chi2(found["model"], np.array(10.0), 3e-5)), rel=1e-12)
    assert -0.28 < found["nuisances"]["normalization"] < 0.28
    (line,) = [line for line in found["lines"] if len(line[0]) > 100][:1]
    grid = found["grid"]
    assert grid.names == ("eps_ee_dV", "eps_ee_uV")
    nearest = [np.abs(axis[:, None] - values).argmin(axis=0) for axis, values in zip(grid.axes, line, strict=True)]
    # a step of the grid is 0.005, over which delta chi2 changes by well below one
    np.testing.assert_allclose(grid.delta_chi2[tuple(nearest)], threshold(0.90, 2), atol=0.5)
    recorded = [row for row in recorded_ranges() if row["analysis"] == "paper" and row["scan"] == "ee_d_u"]
    assert len(found["ranges"]) == len(recorded)
    for ours, row in zip(found["ranges"], recorded, strict=True):
        assert (ours.lower, ours.upper) == pytest.approx((float(row["lower"]), float(row["upper"])), rel=1e-9)
    (interval,) = found["intervals"]
    assert (interval.lower_set_by, interval.upper_set_by) == ("eps_ee_uV <= 0.1", "eps_ee_uV >= -0.1")


# What docs/ says of Eq. 12 and of complex couplings, computed anew.

RESULTS = TEXT[ROOT / "docs" / "results.md"]
EQ_12 = re.findall(r"^\| \[(.*?), (.*?)\].*?\| (.*?) \| (.*?) to (.*?) \| (.*?) to (.*?) \|$", RESULTS, re.MULTILINE)


@pytest.mark.parametrize("row", EQ_12, ids=lambda row: "_".join(row[:3]))
def test_ends_of_eq_12_are_those_of_the_domain(
    row: tuple[str, ...], model: Callable[..., Model], config: dict[str, Any]
) -> None:
    low, high, delta_chi2 = map(float, row[:3])
    scan = bounded(parse_scan("matter_ee_mumu", config["scans"]["matter_ee_mumu"]), low, high)
    found = [
        end
        for each in scan_ranges(model("paper"), scan)
        if each.other_parameters == "profiled" and round(each.delta_chi2, 2) == delta_chi2
        for end in (each.lower, each.upper)
    ]
    digits = [len(text.partition(".")[2]) for text in row[3:]]
    assert [f"{end:.{n}f}" for end, n in zip(found, digits, strict=True)] == list(row[3:])
    published = (-0.95, 1.95, -0.66, 1.57)
    assert (np.abs(np.subtract(found, published)).max() < 0.05) == (high == 0.729)


def test_eq_12_has_rows_of_both_domains() -> None:
    assert {row[:2] for row in EQ_12} == {("-0.933", "0.729"), ("-1", "1")}


def test_bounds_at_which_the_published_ends_are_met(
    model: Callable[..., Model], config: dict[str, Any], tmp_path: Path
) -> None:
    """The sentences that `make readme` has written, made anew."""
    scan = parse_scan("matter_ee_mumu", config["scans"]["matter_ee_mumu"])
    rows = list(domain_matches(model("paper"), scan, published_ends(read_table(ROOT / PUBLISHED_FILE, PUBLISHED))))
    assert len(rows) == 8
    write_csv(tmp_path / "paper" / "domain_matches.csv", as_columns(rows, DOMAIN_MATCHES))
    said = RESULTS.split("<!-- matches -->")[1].split("<!-- end matches -->")[0]
    assert said.split() == GENERATE["matches"](tmp_path).split()
    for *_, end, bound, kind in rows:
        reach = ", where the end is only the reach" if kind == "reach" else ")"
        assert f"{bound:.3g} ({end:g}{reach}" in " ".join(said.split())
    assert [kind for *_, kind in rows].count("reach") == 2


def test_the_hole_of_fig_4(model: Callable[..., Model], config: dict[str, Any], tmp_path: Path) -> None:
    """The sentences that `make readme` has written, made anew."""
    scan = parse_scan("matter_ee_mumu", config["scans"]["matter_ee_mumu"])
    for analysis in ("paper", "release"):
        write_csv(tmp_path / analysis / "domain_hole.csv", as_columns(hole(model(analysis), scan), DOMAIN_HOLE))
    said = RESULTS.split("<!-- hole -->")[1].split("<!-- end hole -->")[0]
    assert said.split() == GENERATE["hole"](tmp_path, ["paper", "release"]).split()


def test_domains_that_come_closest(model: Callable[..., Model], config: dict[str, Any], tmp_path: Path) -> None:
    """The table and the sentence that `make readme` has written, made anew."""
    scan = parse_scan("matter_ee_mumu", config["scans"]["matter_ee_mumu"])
    published = published_ends(read_table(ROOT / PUBLISHED_FILE, PUBLISHED))
    for analysis in ("paper", "release"):
        rows = as_columns(best_domains(model(analysis), scan, published), DOMAIN_BEST)
        write_csv(tmp_path / analysis / "domain_best.csv", rows)
    said = RESULTS.split("<!-- domains -->")[1].split("<!-- end domains -->")[0]
    assert said.split() == GENERATE["domains"](tmp_path, ["paper", "release"]).split()
    said = TEXT[ROOT / "README.md"].split("<!-- closest -->")[1].split("<!-- end closest -->")[0]
    assert said.split() == GENERATE["closest"](tmp_path).split()


def test_ends_that_are_limits_move_by_a_third_per_unit_of_the_bound(
    model: Callable[..., Model], config: dict[str, Any]
) -> None:
    """As RESULTS and the reasons of published.csv say, and that such an interval is centred where they say."""
    (slope,) = re.findall(r"limit moves by (\S+) per unit of D:", RESULTS)
    (center,) = re.findall(r"centred on (\S+), whatever", RESULTS)
    scan = parse_scan("matter_ee_mumu", config["scans"]["matter_ee_mumu"])
    one, two = (
        [r for r in scan_ranges(model("paper"), bounded(scan, -d, d)) if r.other_parameters == "profiled"]
        for d in (1, 2)
    )
    assert len(one) == len(two) == 4
    for near, far in zip(one, two, strict=True):
        assert (near.lower - far.lower, far.upper - near.upper) == pytest.approx([float(slope)] * 2, abs=5e-3)
        assert (near.lower + near.upper) / 2 == pytest.approx(float(center), abs=5e-4)
    why = dict(zip(*(read_table(ROOT / PUBLISHED_FILE, PUBLISHED)[name] for name in ("key", "why")), strict=True))
    for side in ("lower", "upper"):
        for n_dof in (1, 2):
            said = why[f"eps_ee_matter_{side}_n{n_dof}"]
            assert f"moves by {slope} per unit of D" in said
            assert "for symmetric domains and sin2_theta_w 0.23857 only, an interval" in said
            assert f"is centred on {center}" in said
            assert "with [-0.933, 0.729] all four are within 0.05 at delta chi2 2.71" in said  # as EQ_12 has it


def test_without_a_bound_it_takes_two_nuclei_for_a_limit(model: Callable[..., Model], config: dict[str, Any]) -> None:
    numbers = re.findall(r"it is (\S+) at eps_ee = (\d+) and (\S+)\s+at (\d+); minimised over .*?, (\S+) and (\S+)\.\s",
                         RESULTS, re.DOTALL)  # fmt: skip
    ((first, near, second, far, *minimised),) = numbers
    scan = parse_scan("matter_ee_mumu", config["scans"]["matter_ee_mumu"])
    everything = bounded(scan, -1e4, 1e4).domain
    electron = {name: domain for name, domain in everything.items() if "_ee_" in name}
    for nuclei, expected in (("mean", [0.0] * 4), ("cs_and_i", [float(n) for n in (first, second, *minimised)])):
        used = model("paper", nuclei=nuclei)
        least = least_of(used, bounded(scan, -1.0, 1.0))
        found = [
            float(contact_chi2(used, {"eps_ee_matter": float(at), **others}, domain)) - least
            for others, domain in (({}, electron), ({"eps_mumu_matter": 0.0}, everything))
            for at in (near, far)
        ]
        # to the digits of the page; one nucleus makes up for any sum, but starts from the least over a smaller domain
        assert found == pytest.approx(expected, abs=0.01 if nuclei == "mean" else 0.05)
        assert nuclei == "mean" or min(found) > 0.05


@pytest.mark.slow
@pytest.mark.parametrize("analysis", ["paper", "release"])
def test_where_the_strip_opens_and_how_far_the_muon_band_is(
    analysis: str, model: Callable[..., Model], config: dict[str, Any]
) -> None:
    column = ["paper", "release"].index(analysis)
    rows = re.findall(r"^\| (6\.18|4\.61|4|2\.71)\b[^|]*\| (\S+) \| (\S+) \|$", RESULTS, re.MULTILINE)
    assert [row[0] for row in rows] == ["6.18", "4.61", "4", "2.71"]
    levels = [threshold(p, n) for p, n in ((0.9545, 2), (0.9, 2), (0.9545, 1), (0.9, 1))]
    scan = parse_scan("light_mediator", config["scans"]["light_mediator"])
    for level, row in zip(levels, rows, strict=True):
        assert f"{MediatorLimits.of(model(analysis), scan, level).strip_opening_mev():.2f}" == row[1 + column]
    (band,) = re.findall(r"least on the band's edge: (\S+) for `paper`, (\S+) for `release`\.", RESULTS)
    assert f"{MediatorLimits.of(model(analysis), scan).least_in_muon_band():.3f}" == band[column]


def test_a_disk_of_complex_couplings(config: dict[str, Any], model: Callable[..., Model]) -> None:
    (example,) = [block.values[0] for block in fenced("yaml") if "eps_emu_dV_imag" in str(block.values[0])]
    update_config(config, load_yaml(str(example)))
    grid = scan_grid(model("paper"), parse_scan("emu_complex", config["scans"]["emu_complex"]))
    modulus = np.hypot(grid.axes[0][:, None], grid.axes[1])
    order = np.argsort(modulus.ravel())
    inside = np.diff(grid.delta_chi2.ravel()[order])[np.diff(modulus.ravel()[order]) > 1e-9]
    assert (inside > 0).all()  # chi2 grows with the modulus and knows nothing else
    counts = [predict(model("paper"), {"eps_emu_dV_imag": value}) for value in (0.0, 0.2)]
    assert (counts[1].sum(axis=1) > counts[0].sum(axis=1)).all()  # of every flavor


def test_the_ratio_of_flavors_depends_on_the_range(
    dataset: Callable[..., DataSet], measurement: Callable[..., Any], config: dict[str, Any]
) -> None:
    (said,) = re.findall(
        r"(\S+) in 6 to 30 PE, (\S+) in all bins of Fig. 1 .*; without the acceptance (\S+) and (\S+)\.\s",
        RESULTS.replace("\n", " "),
    )
    analysis = parse_analysis(complete(config["analyses"]["paper"], config))
    uncut = as_acceptance({"photoelectrons": np.array([0.0, 50.0]), "acceptance": np.ones(2)})
    seen, all_events = dataset("paper"), make_dataset(analysis, measurement("figure3"), uncut)
    ratios = []
    for used in (cut(seen, PHOTOELECTRONS, 6, 30), seen, cut(all_events, PHOTOELECTRONS, 6, 30), all_events):
        counts = used.by_flavor("contact", {}).sum(axis=1)
        ratios.append(counts[1:].sum() / counts[0])
    assert [f"{ratio:.3f}" for ratio in ratios] == list(said)
    assert ratios[0] < 2 < min(ratios[1:])
    reasons = dict(zip(*(read_table(ROOT / PUBLISHED_FILE, PUBLISHED)[name] for name in ("key", "why")), strict=True))
    assert re.findall(r"\d\.\d+", reasons["flavor_ratio"]) == list(said)


# Tables that `make readme` writes.

GENERATE = runpy.run_path(str(ROOT / "docs" / "generate.py"))


def test_every_mark_has_its_end_and_one_place() -> None:
    pages = "".join(TEXT[path] for path in PAGES)
    opened, closed = (re.findall(rf"^<!-- {end}([\w ]+) -->$", pages, re.MULTILINE) for end in ("(?!end )", "end "))
    assert sorted(opened) == sorted(closed) == sorted({*opened})
    assert {"headline", "scorecard", "assumptions", "benchmark", "matches"} <= {*opened}


def test_blocks_go_between_their_marks_and_nowhere_else() -> None:
    texts = {Path("a"): "before\n<!-- x -->\nold\n<!-- end x -->\nafter\n", Path("b"): "none\n"}
    assert GENERATE["fill"](texts, {"x": r"new \1"}) == {
        Path("a"): "before\n<!-- x -->\n\nnew \\1\n<!-- end x -->\nafter\n",
        Path("b"): "none\n",
    }


@pytest.mark.parametrize("text", ["", "<!-- x -->\n", "<!-- x -->\n<!-- end x -->\n" * 2])
def test_missing_or_repeated_marks_are_refused(text: str) -> None:
    with pytest.raises(SystemExit, match="marks for x: expected in one place"):
        GENERATE["fill"]({Path("a"): text}, {"x": "new"})


def test_the_scorecards_have_every_published_quantity() -> None:
    with (ROOT / "data" / "liao_marfatia_2017" / "published.csv").open(encoding="utf-8", newline="") as stream:
        quantities = [f"| {row['quantity']} ({row['where']}) |" for row in csv.DictReader(stream)]
    assert {quantity: RESULTS.count(quantity) for quantity in quantities} == dict.fromkeys(quantities, 2)


def headlines() -> dict[str, list[str]]:
    """Rows of the front page's table: what was published, then a value per analysis."""
    block = TEXT[ROOT / "README.md"].split("<!-- headline -->")[1].split("<!-- end headline -->")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in block.strip().splitlines()]
    return {row[0]: row[1:] for row in rows}


def recorded_ranges() -> list[dict[str, str]]:
    """Rows of the run that `make verify` compares with."""
    with (ROOT / "tests" / "reference" / "ranges.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_front_page_has_the_recorded_ends_of_eq_12() -> None:
    recorded = [
        row for row in recorded_ranges() if row["scan"] == "matter_ee_mumu" and row["other_parameters"] == "profiled"
    ]
    expected = {
        (row["parameter"], f"{float(row['delta_chi2']):.2f}", row["analysis"]): "{:.3f} to {:.3f}".format(
            float(row["lower"]), float(row["upper"])
        )
        for row in recorded
    }
    shown = {}
    for quantity, (_, *ours) in headlines().items():
        if found := re.match(r"(eps_\w+) of Eq. 12, .* delta chi2 ([\d.]+)", quantity):
            for analysis, text in zip(("paper", "release"), ours, strict=True):
                shown[f"{found[1]}_matter", found[2], analysis] = text
    assert shown == expected
    assert len(shown) == 8


def test_the_front_page_counts_as_the_scorecards_do() -> None:
    within = [[row["within"] for row in card] for card in cards()]
    assert headlines()["scorecard: within tolerance"] == ["", *(f"{card.count('yes')} of 21" for card in within)]


def cards() -> list[list[dict[str, str]]]:
    """Rows of every scorecard of the page, by name of their columns."""
    found = []
    for card in RESULTS.split("Analysis `")[1:]:
        lines = [line for line in card.split("<!--")[0].splitlines() if line.startswith("|")]
        head, _, *rows = ([cell.strip(" *") for cell in line.strip("|").split(" | ")] for line in lines)
        found.append([dict(zip(head, row, strict=True)) for row in rows])
    return found


def test_what_the_scorecards_say_of_open_choices_is_what_they_show() -> None:
    """Ours is among them; what holds under all choices does as configured, and what holds under none does not."""
    assert len(cards()) == 2
    for card in cards():
        assert len(card) == 21
        assert {"depends", "yes"} <= {row["holds"] for row in card} <= {"depends", "yes", "no"}
        for row in card:
            ends = [float(end) for end in row["over open choices"].split(" to ")]
            assert ends[0] <= float(row["ours"]) <= ends[-1]
            assert {("yes", "no"), ("no", "yes")}.isdisjoint({(row["holds"], row["within"])})
