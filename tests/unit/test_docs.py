"""README.md and docs/: what they show runs, what they name exists, and their numbers are those recorded."""

import csv
import re
import runpy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from snakemake.utils import update_config

from cevnsi import regions
from cevnsi.__main__ import main
from cevnsi.config import check, parse_analysis, parse_scan
from cevnsi.loading import analysis_templates, as_acceptance
from cevnsi.points import predict, scan_grid
from cevnsi.scan import Model, mediator_chi2
from cevnsi.strict_yaml import ConfigError, load_yaml, read
from cevnsi.templates import Templates, predicted_counts

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
    assert len(TEXT[ROOT / "README.md"].splitlines()) <= 150


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
    before = read(ROOT / "config.yaml")
    update_config(config, load_yaml(example))
    check(config)
    assert config != before


def test_an_example_with_a_mistake_is_seen(config: dict[str, Any]) -> None:
    (complex_coupling,) = [block.values[0] for block in fenced("yaml") if "eps_emu_dV_imag" in str(block.values[0])]
    update_config(config, load_yaml(str(complex_coupling).replace("eps_emu_dV_imag", "eps_ee_dV_imag")))
    with pytest.raises(ConfigError, match="eps_ee_dV_imag: unknown parameter"):
        check(config)


@pytest.mark.parametrize("example", fenced("python"))
def test_examples_of_python_run(example: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    exec(compile(example, "example", "exec"), {})


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


def test_there_are_examples_of_each_kind() -> None:
    assert all([fenced("yaml"), fenced("python"), COMMANDS])


def test_the_library_computes_a_spectrum_a_chi2_and_a_contour(monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = [block.values[0] for block in fenced("python", [ROOT / "docs" / "library.md"])]
    monkeypatch.chdir(ROOT)
    found: dict[str, Any] = {}
    exec(compile(str(example), "library.md", "exec"), found)
    assert found["counts"].shape == (3, 12)
    assert found["chi2"] == pytest.approx(float(mediator_chi2(found["model"], np.array(10.0), 3e-5)), rel=1e-12)
    assert -0.28 < found["pull"] < 0.28
    (line,) = [line for line in found["lines"] if len(line[0]) > 100][:1]
    grid = found["grid"]
    assert grid.names == ("eps_ee_dV", "eps_ee_uV")
    nearest = [np.abs(axis[:, None] - values).argmin(axis=0) for axis, values in zip(grid.axes, line, strict=True)]
    # a step of the grid is 0.005, over which delta chi2 changes by well below one
    np.testing.assert_allclose(grid.delta_chi2[tuple(nearest)], regions.threshold(0.90, 2), atol=0.5)


# What docs/ says of Eq. 12 and of complex couplings, computed anew.

RESULTS = TEXT[ROOT / "docs" / "results.md"]
EQ_12 = re.findall(r"^\| \[(.*?), (.*?)\].*?\| (.*?) \| (.*?) to (.*?) \| (.*?) to (.*?) \|$", RESULTS, re.MULTILINE)


@pytest.mark.parametrize("row", EQ_12, ids=lambda row: "_".join(row[:3]))
def test_ends_of_eq_12_are_those_of_the_domain(
    row: tuple[str, ...], model: Callable[..., Model], config: dict[str, Any]
) -> None:
    low, high, delta_chi2, *ends = map(float, row)
    scan = parse_scan("matter_ee_mumu", config["scans"]["matter_ee_mumu"])
    scan = replace(scan, profile=dict.fromkeys(scan.profile, (low, high)))
    found = [
        end
        for each in regions.allowed_ranges(scan.name, scan_grid(model("paper"), scan), [(0.9, 1), (0.9, 2)])
        if each.other_parameters == "profiled" and round(each.delta_chi2, 2) == delta_chi2
        for end in (each.lower, each.upper)
    ]
    assert found == pytest.approx(ends, abs=6e-4)  # the page has three digits or four
    published = (-0.95, 1.95, -0.66, 1.57)
    assert (np.abs(np.subtract(found, published)).max() < 0.05) == (high == 0.73)


def test_eq_12_has_rows_of_both_domains() -> None:
    assert {row[:2] for row in EQ_12} == {("-1", "0.73"), ("-1", "1")}


@pytest.mark.parametrize(
    ("pair", "side", "n_dof", "bound", "is_limit"),
    [
        ("ee", "lower", 1, 1.00, True),
        ("ee", "upper", 1, 0.78, True),
        ("mumu", "lower", 1, 1.08, True),
        ("mumu", "upper", 1, 0.58, True),
        ("ee", "lower", 2, 0.41, True),
        ("mumu", "lower", 2, 0.65, True),
        ("ee", "upper", 2, 0.325, False),
        ("mumu", "upper", 2, 0.262, False),
    ],
)
def test_bounds_at_which_the_published_ends_are_met(
    pair: str, side: str, n_dof: int, bound: float, is_limit: bool, model: Callable[..., Model], config: dict[str, Any]
) -> None:
    published = {"ee": {"lower": -0.95, "upper": 1.95}, "mumu": {"lower": -0.66, "upper": 1.57}}[pair][side]
    scan = parse_scan("matter_ee_mumu", config["scans"]["matter_ee_mumu"])
    axes = tuple(replace(axis, minimum=-6 * bound, maximum=6 * bound) for axis in scan.axes)
    scan = replace(scan, axes=axes, profile=dict.fromkeys(scan.profile, (-bound, bound)))
    ranges = regions.allowed_ranges(scan.name, scan_grid(model("paper"), scan), [(0.9, n_dof)])
    (found,) = [r for r in ranges if r.parameter == f"eps_{pair}_matter" and r.other_parameters == "profiled"]
    assert getattr(found, side) == pytest.approx(published, abs=0.005)  # half a digit
    assert (side not in found.ends_at_grid) == is_limit  # the grid ends where Eq. 11 does
    sentence = RESULTS.split("<!-- matches -->")[1].split("<!-- end matches -->")[0]
    assert {f"{bound:.{2 if is_limit else 3}f}", f"({published})"} <= set(re.findall(r"\(?-?\d\.\d+\)?", sentence))


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
    templates: Callable[..., Templates], measurement: Callable[..., Any], config: dict[str, Any]
) -> None:
    (said,) = re.findall(
        r"(\S+) in 6 to 30 PE, (\S+) in all bins of Fig. 1 .*; without the acceptance (\S+) and (\S+)\.\s",
        RESULTS.replace("\n", " "),
    )
    analysis = parse_analysis(config["analyses"]["paper"])
    uncut = as_acceptance({"photoelectrons": np.array([0.0, 50.0]), "acceptance": np.ones(2)})
    seen, all_events = templates("paper"), analysis_templates(analysis, measurement("figure3"), uncut)
    ratios = []
    for used in (seen.select(6, 30), seen, all_events.select(6, 30), all_events):
        counts = predicted_counts(used, [{}], analysis.sin2_theta_w).sum(axis=1)
        ratios.append(counts[1:].sum() / counts[0])
    assert ratios == pytest.approx([float(number) for number in said], abs=5e-4)
    assert ratios[0] < 2 < min(ratios[1:])


# Tables that `make readme` writes.

GENERATE = runpy.run_path(str(ROOT / "docs" / "generate.py"))


def test_every_mark_has_its_end_and_one_place() -> None:
    pages = "".join(TEXT[path] for path in PAGES)
    opened, closed = (re.findall(rf"^<!-- {end}(\w+) -->$", pages, re.MULTILINE) for end in ("(?!end )", "end "))
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


def test_the_front_page_has_the_recorded_ends_of_eq_12() -> None:
    """Those of the publication grids that `make verify` compares with."""
    with (ROOT / "tests" / "reference" / "ranges.csv").open(encoding="utf-8", newline="") as stream:
        recorded = [
            row
            for row in csv.DictReader(stream)
            if row["scan"] == "matter_ee_mumu" and row["other_parameters"] == "profiled"
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
    cards = RESULTS.split("Analysis `")[1:]
    verdicts = [re.findall(r"\| (yes|\*\*no\*\*) \|$", card, re.MULTILINE) for card in cards]
    expected = [f"{card.count('yes')} of {len(card)}" for card in verdicts]
    assert headlines()["scorecard: within tolerance"] == ["", *expected]
