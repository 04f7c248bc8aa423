"""The submission to HEPData: what its tables hold, what the validator says, and that its bytes repeat."""

import socket
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from matplotlib import image

from cevnsi.config.check import parse_scan
from cevnsi.files.atomic import TableError
from cevnsi.files.tables import DOMAIN_BEST, DOMAIN_MAP, as_columns
from cevnsi.model import DataSet
from cevnsi.output.figure_spec import FigureSpec, Together, region
from cevnsi.output.figures import Panel, draw_regions, drawing, save
from cevnsi.output.hepdata import (
    LONGEST_TITLE,
    MISSING,
    REMARKS,
    THUMBNAIL_WIDTH,
    Finished,
    FinishedTogether,
    Resource,
    Table,
    check_submission,
    complaints,
    profiled,
    pulls_of,
    table_document,
    tables_of,
    write_archive,
    write_submission,
)
from cevnsi.output.spectra import spectra_table
from cevnsi.scans.ranges import AllowedRange
from cevnsi.scans.regions import Grid, contour_table
from cevnsi.statistics.thresholds import threshold
from cevnsi.studies.liao_marfatia_2017.figures import draw_domain_map, draw_domain_sensitivity, draw_spectrum
from cevnsi.studies.liao_marfatia_2017.hepdata import COMMENT, SOURCES
from cevnsi.studies.liao_marfatia_2017.study import FIGURES

AXIS = {"min": -1, "max": 1, "points": 41}
SECTION = {
    "interaction": "contact",
    "axes": {"eps_ee_dV": AXIS, "eps_mumu_dV": AXIS},
    "domain": {"eps_ee_uV": [-0.5, 0.25]},
    "fixed": {"eps_tautau_uV": 0.1},
    "confidence_levels": [0.9],
    "n_dof": [2, 1],
    "chunks": 1,
}
OF = {figure.name: figure for figure in FIGURES}
EXAMPLE = {"mediator_mass_mev": 10.0, "coupling": 1e-4}


def annulus() -> Grid:
    """Delta chi2 that is least on a ring: two lines at every level."""
    x = np.linspace(-1, 1, 41)
    delta = ((np.hypot(x[:, None], x[None, :]) - 0.6) / 0.1) ** 2
    return Grid(names=("eps_ee_dV", "eps_mumu_dV"), axes=(x, x), log=(False, False), delta_chi2=delta - delta.min())


def arrays(columns: dict[str, Any]) -> dict[str, Any]:
    """Columns as they come from a csv."""
    return {
        name: values if len(values) and isinstance(values[0], str) else np.array(values, float)
        for name, values in columns.items()
    }


SENSITIVITY = {
    "parameter": ["eps_ee_matter"] * 4,
    "bound": [0.5, 0.5, 1.0, 1.0],
    "confidence_level": [0.9] * 4,
    "n_dof": [2] * 4,
    "delta_chi2": [4.605] * 4,
    "side": ["lower", "upper"] * 2,
    "end": [-1.0, 1.5, -1.25, 2.0],
    "ends_at_grid": ["yes", "no", "no", "no"],
}
MATCHES = {
    "parameter": ["eps_ee_matter"] * 4,
    "side": ["lower", "lower", "upper", "upper"],
    "confidence_level": np.full(4, 0.9),
    "n_dof": np.array([2.0, 1.0] * 2),
    "delta_chi2": np.array([4.605, 2.706] * 2),
    "published": np.array([-0.95, -0.95, 1.95, 1.95]),
    "bound": ["0.40751413816236504", "0.9972798988264675", "0.325", "nan"],
    "kind": ["limit", "limit", "reach", "none"],
}
HOLE = {
    "scan": ["matter_ee_mumu"] * 2,
    "at": np.full(2, 0.5656),
    "excess": np.full(2, 7.6566),
    "confidence_level": np.full(2, 0.9),
    "n_dof": np.array([2.0, 1.0]),
    "delta_chi2": np.array([4.605, 2.706]),
    "bound": ["1.1387", "nan"],
}
BEST_FIT = (0.123456789, -0.59)  # no point of the grid


def ranges_of_mine() -> list[AllowedRange]:
    """Two intervals of one parameter at one level and one at the other, with ends of every kind, and a warning."""

    def row(parameter: str, n_dof: int, i: int, ends: tuple[float, float], others: str, **said: str) -> AllowedRange:
        return AllowedRange(
            scan="mine",
            parameter=parameter,
            confidence_level=0.9,
            n_dof=n_dof,
            delta_chi2=threshold(0.9, n_dof),
            interval=i,
            lower=ends[0],
            upper=ends[1],
            other_parameters=others,
            ends_at_grid=said.pop("ends_at_grid", ""),
            **said,
        )

    return [
        row("eps_ee_dV", 2, 0, (-1.0, 0.8), "profiled", ends_at_grid="lower", lower_set_by="eps_ee_dV >= -1"),
        row("eps_ee_dV", 1, 0, (-0.76, -0.43), "zero", upper_set_by="eps_ee_uV <= 0.25"),
        row("eps_ee_dV", 1, 1, (0.43, 0.76), "zero"),
        row("eps_mumu_dV", 2, 0, (-0.81, 0.81), "profiled", warning="mine: the grid is too coarse: its points ..."),
        row("eps_mumu_dV", 1, 0, (-0.79, 0.79), "profiled"),
    ]


ENDS = (-0.93, 1.93, -0.61, 1.62)
WORST = ("eps_mumu_matter_lower", "eps_ee_matter_upper")
MAP = {
    "domain_map": arrays(
        as_columns(
            [
                (low, high, 0.9, n_dof, level, 0.05 - low / 100 + n_dof / 1000, *WORST, *ENDS)
                for low in (-1.0, -0.5)
                for high in (0.5, 0.7)
                for n_dof, level in ((2, 4.605), (1, 2.706))
            ],
            DOMAIN_MAP,
        )
    ),
    "domain_best": arrays(
        as_columns(
            [
                ("any", 0.9, 1, 2.706, -0.9, 0.7, 0.048, WORST[0], "", *ENDS, -2.0, -0.9, 0.7, 0.7),
                ("symmetric", 0.9, 1, 2.706, -0.8, 0.8, 0.08, *WORST, *ENDS, -0.8, -0.8, 0.8, 0.8),
            ],
            DOMAIN_BEST,
        )
    ),
}


@pytest.fixture(scope="module")
def finished(dataset: Callable[..., DataSet], tmp_path_factory: pytest.TempPathFactory, root: Path) -> Finished:
    """A small analysis of one scan, with figures drawn as the workflow draws them."""
    folder = tmp_path_factory.mktemp("figures")
    grid, scan = annulus(), parse_scan("mine", SECTION)
    contours = arrays(contour_table(grid, scan.levels()))
    spectra = arrays(spectra_table(dataset("paper"), EXAMPLE))
    sensitivity = arrays(SENSITIVITY)
    curves, pictures = {}, {}
    with drawing():
        for name, (figure, columns) in {
            "fig1": draw_spectrum(spectra, "mediator"),
            "mine": draw_regions(
                {"mine": Panel(grid=grid, contours=contours, levels=scan.drawn_levels(), best_fit=BEST_FIT)}
            ),
            "domain_sensitivity": draw_domain_sensitivity(sensitivity, {}),
            "domain_map": draw_domain_map(MAP["domain_map"], MAP["domain_best"], 0.05),
        }.items():
            curves[name], pictures[name] = arrays(columns), folder / f"{name}.png"
            save(figure, pictures[name])
    rows = [vars(row) for row in ranges_of_mine()]
    (folder / "scorecard.csv").write_text("quantity\n", encoding="utf-8")
    return Finished(
        name="small",
        section={
            "dataset": "figure3",
            "nuclei": "mean",
            "form_factor": "helm",
            "sin2_theta_w": 0.23,
            "photoelectron_range": [6, 30],
            "normalization_uncertainty": 0.28,
            "exposure": {"light_yield_pe_per_kev": 1.3},
        },
        scans={"mine": scan},
        figures=[OF["fig1"], region("mine"), OF["domain_sensitivity"], OF["domain_map"]],
        ranges=arrays({name: [row[name] for row in rows] for name in rows[0]}),
        contours={"mine": contours},
        curves=curves,
        data={
            "spectra": spectra,
            "domain_sensitivity": sensitivity,
            "domain_matches": MATCHES,
            "domain_hole": HOLE,
            **MAP,
        },
        settings={"spectrum_example": EXAMPLE},
        pictures=pictures,
        scorecard=folder / "scorecard.csv",
    )


@pytest.fixture(scope="module")
def submission(finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that tests leave as they found it."""
    folder = tmp_path_factory.mktemp("written") / "submission"
    write_submission(folder, [finished], COMMENT, SOURCES)
    return folder


def table(finished: Finished, title: str) -> Table:
    return {each.title: each for each in tables_of(finished)}[title]


def values(column: dict[str, Any]) -> list[Any]:
    return [value["value"] for value in column["values"]]


def qualifiers(column: dict[str, Any]) -> dict[str, Any]:
    return {each["name"]: each["value"] for each in column["qualifiers"]}


def test_every_part_has_its_tables(finished: Finished) -> None:
    assert [each.title for each in tables_of(finished)] == [
        "Figure 1 (small)",
        "Figure 1, by flavor (small)",
        "mine: 90 % CL, 2 dof (small)",
        "mine: 90 % CL, 1 dof (small)",
        "Domain sensitivity of eps_ee_matter (small)",
        "Domain of Eq. 12 (small)",
        "Middle of the region of Fig. 4 (small)",
        "Miss of Eq. 12, 2 dof, 90 % CL (small)",
        "Miss of Eq. 12, 1 dof, 90 % CL (small)",
        "Domains closest to Eq. 12 (small)",
        "Best fits (small)",
        "Ranges of mine (small)",
    ]


def test_cumulative_counts_are_the_sums_that_they_say(finished: Finished) -> None:
    single = {
        (qualifiers(column)["Model"], column["header"]["name"].split(", ")[1]): np.array(values(column))
        for column in table(finished, "Figure 1, by flavor (small)").dependent
    }
    sums = table(finished, "Figure 1 (small)")
    assert len(sums.dependent) == len(single) == 6
    for column in sums.dependent:
        flavors = column["header"]["name"].split(", ")[1].split(" + ")
        expected = sum(single[qualifiers(column)["Model"], flavor] for flavor in flavors)
        np.testing.assert_allclose(values(column), expected, rtol=1e-12)  # the order of summation
        assert len([each for each in column["qualifiers"] if each["name"] == "RE"]) == len(flavors)
    assert sums.independent[0]["values"][3] == {"low": 6.0, "high": 8.0}


def test_a_line_is_the_contour(finished: Finished) -> None:
    contours = finished.contours["mine"]
    for n_dof in (2, 1):
        made = table(finished, f"mine: 90 % CL, {n_dof} dof (small)")
        rows = contours["n_dof"] == n_dof
        assert values(made.independent[0]) == list(contours["eps_ee_dV"][rows])
        assert len(made.dependent) == 2
        for segment, column in enumerate(made.dependent):
            inside = contours["segment"][rows] == segment
            assert [v for v in values(column) if v != MISSING] == list(contours["eps_mumu_dV"][rows][inside])
            assert [v != MISSING for v in values(column)] == list(inside)
            assert qualifiers(column) == {
                "Analysis": "small",
                "Data set": "figure3",
                "Interaction": "contact",
                "Profiled over": "normalization pull; eps_ee_uV in [-0.5, 0.25]",
                "Fixed": "eps_tautau_uV = 0.1",
                "Confidence level": 0.9,
                "Degrees of freedom": n_dof,
                "Delta chi2": threshold(0.9, n_dof),
                "Line": segment,
            }
        assert ("Not drawn" in made.description) == (n_dof == 1)


def test_a_level_without_lines_has_no_table(finished: Finished) -> None:
    rows = finished.contours["mine"]["n_dof"] == 1
    kept = {name: column[rows] for name, column in finished.contours["mine"].items()}
    titles = [each.title for each in tables_of(replace(finished, contours={"mine": kept}))]
    assert [title for title in titles if title.startswith("mine: ")] == ["mine: 90 % CL, 1 dof (small)"]


def without_lines(finished: Finished) -> Finished:
    """As it is where all of a plane is allowed, or none: tables without rows."""
    contours = {name: column[:0] for name, column in finished.contours["mine"].items()}
    curves = finished.curves["mine"]
    kept = [i for i, name in enumerate(curves["curve"]) if "CL" not in name]
    mine = {name: [column[i] for i in kept] for name, column in curves.items()}
    return replace(finished, contours={"mine": contours}, curves={**finished.curves, "mine": mine})


def test_a_figure_without_a_line_is_in_the_submission(finished: Finished, tmp_path: Path) -> None:
    """Of no table, so that the submission itself lists it, or the validator would complain."""
    bare = without_lines(finished)
    assert not any(each.title.startswith("mine: ") for each in tables_of(bare))
    write_submission(tmp_path / "submission", [bare], COMMENT, SOURCES)
    check_submission(tmp_path / "submission")
    assert (tmp_path / "submission" / "small-mine.png").read_bytes() == finished.pictures["mine"].read_bytes()
    first, *_ = yaml.safe_load_all((tmp_path / "submission" / "submission.yaml").read_text(encoding="utf-8"))
    (listed,) = [each for each in first["additional_resources"] if each["location"] == "small-mine.png"]
    assert listed["description"] == "mine, on which no line is; analysis small"


def test_what_is_profiled_over() -> None:
    axes = {f"eps_ee_{quark}V": AXIS for quark in "ud"} | {f"eps_mumu_{quark}V": {**AXIS, "min": -2} for quark in "ud"}
    projections = [["eps_ee_uV", "eps_ee_dV"], ["eps_ee_matter", "eps_mumu_uV"]]
    scan = parse_scan("s", {"interaction": "contact", "axes": axes, "projections": projections, "chunks": 1})
    mumu = "eps_mumu_dV in [-2, 1]; eps_mumu_uV in [-2, 1]"  # d before u, whatever the order of the mapping
    assert profiled(scan, projections[0]) == f"normalization pull; {mumu}"
    ee = "eps_ee_dV in [-1, 1]; eps_ee_uV in [-1, 1]"
    assert profiled(scan, projections[1]) == f"normalization pull; {ee}; eps_mumu_dV in [-2, 1]"
    assert profiled(scan) == "normalization pull"


SHOWN_AS = {"Lower end": "lower", "Upper end": "upper", "Ends that are only the axis' own": "ends_at_grid", **REMARKS}


def test_ranges_keep_every_interval_and_mark_what_is_missing(finished: Finished) -> None:
    made = table(finished, "Ranges of mine (small)")
    keys = list(zip(*map(values, made.independent), strict=True))
    ranges, found = finished.ranges, 0
    names = {"eps_ee_dV": r"$\epsilon_{ee}^{dV}$", "eps_mumu_dV": r"$\epsilon_{\mu\mu}^{dV}$"}
    for i, name in enumerate(ranges["parameter"]):
        row = keys.index((names[name], ranges["other_parameters"][i], int(ranges["interval"][i])))
        columns = [c for c in made.dependent if qualifiers(c)["Degrees of freedom"] == ranges["n_dof"][i]]
        cells = {column["header"]["name"]: values(column)[row] for column in columns}
        assert cells == {text: "none" if ranges[name][i] == "" else ranges[name][i] for text, name in SHOWN_AS.items()}
        assert {qualifiers(column)["Delta chi2"] for column in columns} == {ranges["delta_chi2"][i]}
        found += 1
    every = [value for column in made.dependent for value in values(column)]
    assert len(every) - every.count(MISSING) == len(SHOWN_AS) * found
    assert every.count(MISSING) > 0


@pytest.mark.parametrize("without", [[name] for name in REMARKS.values()] + [[*REMARKS.values()], []])
def test_remarks_on_ranges_are_there_where_there_are_any(finished: Finished, without: list[str]) -> None:
    ranges = {**finished.ranges, **{name: [""] * len(finished.ranges["scan"]) for name in without}}
    made = table(replace(finished, ranges=ranges), "Ranges of mine (small)")
    expected = [text for text, name in SHOWN_AS.items() if name not in without]
    assert [column["header"]["name"] for column in made.dependent] == 2 * expected


def test_domain_sensitivity_says_which_ends_are_the_reach(finished: Finished) -> None:
    made = table(finished, "Domain sensitivity of eps_ee_matter (small)")
    assert values(made.independent[0]) == [0.5, 1.0]
    assert [values(column) for column in made.dependent] == [[-1.0, -1.25], ["yes", "no"], [1.5, 2.0], ["no", "no"]]
    assert [qualifiers(column)["End"] for column in made.dependent] == ["lower", "lower", "upper", "upper"]


def test_the_domain_of_eq_12_tells_limits_from_reaches(finished: Finished) -> None:
    made = table(finished, "Domain of Eq. 12 (small)")
    assert [values(column) for column in made.independent] == [
        [r"$\epsilon_{ee}$"] * 2, ["lower", "upper"], [-0.95, 1.95]
    ]  # fmt: skip
    assert [values(column) for column in made.dependent] == [
        [0.40751413816236504, 0.325], ["limit", "reach"], [0.9972798988264675, MISSING], ["limit", "none"]
    ]  # fmt: skip
    assert [qualifiers(column)["Degrees of freedom"] for column in made.dependent] == [2, 2, 1, 1]
    none: dict[str, list[str]] = {name: [] for name in MATCHES}  # of parameters without a published end
    titles = [each.title for each in tables_of(replace(finished, data={**finished.data, "domain_matches": none}))]
    assert "Domain of Eq. 12 (small)" not in titles


def test_the_middle_of_the_region_has_a_bound_or_none(finished: Finished) -> None:
    made = table(finished, "Middle of the region of Fig. 4 (small)")
    assert [values(column) for column in made.dependent] == [[0.5656] * 2, [7.6566] * 2, [1.1387, MISSING]]
    none: dict[str, list[float]] = {name: [] for name in HOLE}  # of a domain that does not reach it
    titles = [each.title for each in tables_of(replace(finished, data={**finished.data, "domain_hole": none}))]
    assert "Middle of the region of Fig. 4 (small)" not in titles


def test_the_map_of_domains_is_a_table_of_each_level(finished: Finished) -> None:
    made = table(finished, "Miss of Eq. 12, 1 dof, 90 % CL (small)")
    assert [values(column) for column in made.independent] == [[-1.0, -1.0, -0.5, -0.5], [0.5, 0.7] * 2]
    assert values(made.dependent[0]) == pytest.approx([0.061, 0.061, 0.056, 0.056])
    assert [values(column) for column in made.dependent[1:]] == [[name] * 4 for name in WORST]
    assert qualifiers(made.dependent[0])["Degrees of freedom"] == 1
    assert "Miss of Eq. 12, 2 dof, 90 % CL (small)" in [each.title for each in tables_of(finished)]


def test_the_domains_that_come_closest_are_a_table(finished: Finished) -> None:
    made = table(finished, "Domains closest to Eq. 12 (small)")
    assert [values(column) for column in made.independent] == [["any", "symmetric"], [0.9, 0.9], [1, 1]]
    found = {column["header"]["name"]: values(column) for column in made.dependent}
    assert found["Lower bound"] == [-0.9, -0.8]
    assert found["Largest miss"] == [0.048, 0.08]
    assert found[r"Upper end of $\epsilon_{ee}$"] == [1.93, 1.93]
    assert found["Ends at the reach"] == ["none", "eps_ee_matter_upper"]
    none = {**finished.data, "domain_map": arrays(as_columns([], DOMAIN_MAP)), "domain_best": {"kind": []}}
    titles = [each.title for each in tables_of(replace(finished, data=none))]
    assert not [title for title in titles if "losest" in title or "Miss" in title]


def test_best_fits_are_those_of_the_figure(finished: Finished) -> None:
    made = table(finished, "Best fits (small)")
    assert tuple(values(made.dependent[0])) == BEST_FIT
    assert values(made.dependent[1]) == [0.0, 0.0]
    assert "Best fits (small)" not in [each.title for each in tables_of(replace(finished, figures=[OF["fig1"]]))]


def test_where_a_figure_marks_no_best_fit_none_is_given(finished: Finished, tmp_path: Path) -> None:
    curves = finished.curves["mine"]
    kept = [i for i, name in enumerate(curves["curve"]) if name != "best fit"]
    mine = {name: [column[i] for i in kept] for name, column in curves.items()}
    degenerate = replace(finished, curves={**finished.curves, "mine": mine})
    made = table(degenerate, "Best fits (small)")
    assert [values(column) for column in made.dependent] == [[MISSING, MISSING], [0.0, 0.0]]
    write_submission(tmp_path / "submission", [degenerate], COMMENT, SOURCES)
    check_submission(tmp_path / "submission")


def test_no_text_takes_a_best_fit_or_an_end_for_a_grid_point(finished: Finished) -> None:
    for each in tables_of(finished):
        headers = [column["header"]["name"] for column in [*each.independent, *each.dependent]]
        assert not any("grid" in text for text in (each.description, *headers)), each.title


def test_a_figure_of_which_nothing_is_known_is_in_with_its_numbers(finished: Finished, tmp_path: Path) -> None:
    """One of a user's own, drawn from no grid."""
    own = FigureSpec(name="acceptance", title="Acceptance of the detector")
    numbers = arrays({"panel": ["acceptance"] * 2, "curve": ["a", "b"], "segment": [0, 0], "x": [0, 50], "y": [0, 0.7]})
    more = replace(
        finished,
        figures=[*finished.figures, own],
        curves={**finished.curves, "acceptance": numbers},
        pictures={**finished.pictures, "acceptance": finished.pictures["fig1"]},
    )
    made = table(more, "acceptance (small)")
    assert [values(column) for column in made.independent] == [["acceptance, a", "acceptance, b"], [0.0, 50.0]]
    assert [values(column) for column in made.dependent] == [[0.0, 0.7]]
    assert "Acceptance of the detector" in made.description
    write_submission(tmp_path / "submission", [more], COMMENT, SOURCES)
    check_submission(tmp_path / "submission")


def test_figures_of_several_analyses_and_further_files_are_in(finished: Finished, tmp_path: Path) -> None:
    numbers = arrays({"panel": ["p"] * 2, "curve": ["a, 1", "b"], "segment": [0, 0], "x": [0, 50], "y": [np.nan, 0.7]})
    several = FinishedTogether(
        study="mine",
        figure=Together(name="planes", title="Planes of mine", script="draw_planes.py"),
        analyses=("one", "two"),
        curves=numbers,
        picture=finished.pictures["fig1"],
    )
    unjudged = replace(finished, scorecard=None)
    further = [
        Resource(name="small-likelihood.json", description="A likelihood", content={"b": [1.5], "a": 1}),
        Resource(name="small-more.csv", description="More", content=finished.scorecard or Path()),
    ]
    folder = tmp_path / "submission"
    write_submission(folder, [unjudged], COMMENT, SOURCES, together=[several], further=further)
    check_submission(folder)
    first, *documents = yaml.safe_load_all((folder / "submission.yaml").read_text(encoding="utf-8"))
    named = {each["location"]: each["description"] for each in first["additional_resources"]}
    assert {name: named[name] for name in ("small-likelihood.json", "small-more.csv")} == {
        "small-likelihood.json": "A likelihood",
        "small-more.csv": "More",
    }
    assert "small-scorecard.csv" not in named
    assert (folder / "small-likelihood.json").read_text(encoding="utf-8").startswith('{\n  "a": 1,')
    assert (folder / "small-more.csv").read_text(encoding="utf-8") == "quantity\n"
    assert documents[-1]["name"] == "planes (mine)"
    content = yaml.safe_load((folder / documents[-1]["data_file"]).read_text(encoding="utf-8"))
    assert [values(column) for column in content["independent_variables"]] == [["p, a, 1", "p, b"], [0.0, 50.0]]
    (ordinate,) = content["dependent_variables"]
    assert values(ordinate) == [MISSING, 0.7]
    assert qualifiers(ordinate) == {"Analyses": "one, two"}
    assert (folder / "mine-planes.png").read_bytes() == finished.pictures["fig1"].read_bytes()


def test_what_a_likelihood_is_minimised_over_is_its_own(finished: Finished) -> None:
    section = {name: value for name, value in finished.section.items() if name != "normalization_uncertainty"}
    assert pulls_of(finished) == "normalization pull"
    assert pulls_of(replace(finished, section=section)) == "nuisances"
    joint = {"joins": {"one": dict(finished.section), "two": section}}
    assert pulls_of(replace(finished, section=joint)) == "nuisances"


def test_ranges_are_placed_where_the_study_states_them(finished: Finished) -> None:
    stated = replace(region("mine"), ranges_in="Eq. 12")
    made = table(replace(finished, figures=[stated]), "Ranges of mine (small)")
    assert made.location == "Eq. 12"
    assert made.description.startswith("Eq. 12: allowed intervals")
    assert table(finished, "Ranges of mine (small)").location == ""


def test_a_long_title_is_cut_and_still_its_own(finished: Finished) -> None:
    long = [replace(table(finished, "Best fits (small)"), title="x" * 100) for _ in range(2)]
    names = [table_document(finished, each, number)["name"] for number, each in enumerate(long, start=999)]
    assert len(set(names)) == 2
    assert max(map(len, names)) == LONGEST_TITLE


def test_the_validator_accepts_it_without_network(submission: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert complaints(submission) == []
    check_submission(submission)


def test_every_number_survives_yaml(finished: Finished, submission: Path) -> None:
    documents = list(yaml.safe_load_all((submission / "submission.yaml").read_text(encoding="utf-8")))
    assert "not of the paper's authors" in documents[0]["comment"]
    for document, made in zip(documents[1:], tables_of(finished), strict=True):
        content = yaml.safe_load((submission / document["data_file"]).read_text(encoding="utf-8"))
        assert content == {"independent_variables": made.independent, "dependent_variables": made.dependent}
        assert document["name"] == made.title
        assert "normalization uncertainty 0.28, light_yield_pe_per_kev 1.3" in document["description"]
        assert [each["name"] for each in document["keywords"]] == ["reactions", "observables", "phrases"]


def test_thumbnails_are_the_pictures_made_smaller(finished: Finished, submission: Path) -> None:
    for name, picture in finished.pictures.items():
        large, small = image.imread(picture), image.imread(submission / f"thumb_small-{name}.png")
        assert (submission / f"small-{name}.png").read_bytes() == picture.read_bytes()
        assert THUMBNAIL_WIDTH / 2 < small.shape[1] <= THUMBNAIL_WIDTH
        assert small.shape[0] / small.shape[1] == pytest.approx(
            large.shape[0] / large.shape[1], rel=0.01
        )  # whole pixels
        assert small[..., :3].mean() == pytest.approx(large[..., :3].mean(), abs=0.01)  # 8 bits, and the rim cut off


def _edit(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")

    return change


DAMAGE = {
    "a cell is lost": (_edit("table003.yaml", "  - {value: '-'}\n", ""), "Inconsistent length"),
    "a column has no name": (_edit("table001.yaml", "{name: Photoelectrons}", "{}"), "'name' is a required property"),
    "a table is lost": (lambda folder: (folder / "table002.yaml").unlink(), "Missing data_file 'table002.yaml'"),
    "a thumbnail is lost": (lambda f: (f / "thumb_small-fig1.png").unlink(), "Missing 'additional_resources' file"),
    "a file too many": (lambda folder: (folder / "notes.txt").touch(), "notes.txt is not referenced"),
    "two tables of one name": (_edit("submission.yaml", "1, by flavor", "1"), "Duplicate table name: Figure 1 (small)"),
    "an unknown keyword": (_edit("submission.yaml", "name: phrases", "name: phrase"), "'phrase' is not one of"),
    "no submission.yaml": (lambda folder: (folder / "submission.yaml").unlink(), "No submission.yaml"),
    "no YAML": (_edit("table004.yaml", "independent_variables:", "independent_variables: ]"), "problem parsing"),
    "a schema elsewhere": (
        _edit("submission.yaml", "data_file:", "data_schema: https://example.org/schema.json\ndata_file:"),
        "Autoloading of remote schema https://example.org/schema.json is not allowed",
    ),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_the_validator_refuses_a_damaged_one(finished: Finished, tmp_path: Path, what: str) -> None:
    damage, complaint = DAMAGE[what]
    write_submission(tmp_path / "submission", [finished], COMMENT, SOURCES)
    damage(tmp_path / "submission")
    with pytest.raises(TableError, match="HEPData's validator refuses it") as caught:
        check_submission(tmp_path / "submission")
    assert complaint in str(caught.value)


def test_no_archive_is_no_submission(tmp_path: Path) -> None:
    (tmp_path / "submission.tar.gz").write_bytes(b"not an archive")
    assert complaints(tmp_path / "submission.tar.gz") != []


def test_archives_repeat_and_hold_the_folder(finished: Finished, submission: Path, tmp_path: Path) -> None:
    write_submission(tmp_path / "again", [finished], COMMENT, SOURCES)
    for name, folder in (("a", submission), ("b", tmp_path / "again")):
        write_archive(tmp_path / f"{name}.tar.gz", folder)
    assert (tmp_path / "a.tar.gz").read_bytes() == (tmp_path / "b.tar.gz").read_bytes()
    with tarfile.open(tmp_path / "a.tar.gz") as archive:
        assert {member.mtime for member in archive} == {0}
        archive.extractall(tmp_path / "out", filter="data")
    files = {path.name: path.read_bytes() for path in submission.iterdir()}
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == files
    assert complaints(tmp_path / "a.tar.gz") == []
