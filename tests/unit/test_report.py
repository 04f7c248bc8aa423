import base64
import gzip
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import matplotlib.pyplot as plt
import numpy as np
import pytest

from cevnsi.config.check import parse_scan
from cevnsi.experiments.csi_2017 import CSI_2017
from cevnsi.files.atomic import write_json
from cevnsi.files.tables import CURVES, DOMAIN_BEST, DOMAIN_HOLE, DOMAIN_MATCHES, RANGES, as_columns, write_csv
from cevnsi.model import DataSet, model_of
from cevnsi.output import captions, report
from cevnsi.parameters import Axis
from cevnsi.scans.axes import Scan
from cevnsi.studies.liao_marfatia_2017 import page
from cevnsi.studies.liao_marfatia_2017.captions import hole_remark
from cevnsi.studies.liao_marfatia_2017.study import FIGURES
from points import mediator_chi2


@pytest.mark.parametrize(("points", "kept"), [(2, 2), (151, 151), (152, 151), (401, 151), (801, 151), (100_000, 151)])
def test_a_thinned_axis_keeps_its_ends(points: int, kept: int) -> None:
    found = report.thinned(points)
    assert found.size == kept
    assert (found[0], found[-1]) == (0, points - 1)
    steps = np.diff(found)
    assert steps.max() - steps.min() <= 1


def test_numbers_survive_the_way_into_the_page() -> None:
    values = np.array([[1.0, -0.1], [np.pi, 1e-300]])
    back = np.frombuffer(base64.b64decode(report.encoded(values)), "<f8")
    np.testing.assert_array_equal(back, values.ravel())


def test_a_line_goes_over_every_grid_of_the_same_axes() -> None:
    def scan(grid: str, parameters: list[str], *analyses: str) -> dict[str, Any]:
        return {"grid": grid, "parameters": parameters, "shown": [{"analysis": name} for name in analyses]}

    scans = [
        scan("fine", ["mass", "coupling"], "one", "two"),
        scan("other", ["mass", "charge"], "one"),
        scan("wide", ["mass", "coupling"], "two", "three"),
    ]
    called = ["one", "two", "two, wide", "three, wide"]
    found = report.overlays(scans, scans[0])
    assert [row["called"] for row in found] == called
    assert [(row["scan"], row["place"]) for row in found] == [(0, 0), (0, 1), (2, 0), (2, 1)]
    assert [row["called"] for row in report.overlays(scans, scans[2])] == ["one, fine", "two, fine", "two", "three"]
    assert [row["called"] for row in report.overlays(scans, scans[1])] == ["one"]


def test_a_line_keeps_its_bends_and_closes() -> None:
    along = np.arange(101) * 600
    bent = np.concatenate(
        [np.stack([along, 2 * along // 3], axis=1), np.stack([along[::-1], 60000 - along // 3], axis=1)]
    )
    kept = report.straightened(bent)
    np.testing.assert_array_equal(kept, bent[[0, 100, 101, 201]])
    angle = np.linspace(0, 2 * np.pi, 500)
    circle = np.rint(30000 + 20000 * np.stack([np.cos(angle), np.sin(angle)], axis=1)).astype(int)
    kept = report.straightened(circle)
    np.testing.assert_array_equal(kept[[0, -1]], circle[[0, -1]])
    assert len(kept) < 150
    middles = (kept[1:] + kept[:-1]) / 2 - 30000
    assert np.abs(np.hypot(*middles.T) - 20000).max() < report.NEAR + 1  # of rounding
    np.testing.assert_array_equal(report.straightened(circle[:1]), circle[:1])


def test_values_are_told_in_parts_of_their_axis() -> None:
    axis = Axis(name="coupling", minimum=1e-6, maximum=1e-2, points=5, scale="log")
    parts = report.in_parts(axis, np.array([1e-6, 1e-4, 1e-2]))
    np.testing.assert_array_equal(parts, [0, 32768, 65535])  # a half goes to the even one
    np.testing.assert_array_equal(report.in_parts(replace(axis, scale="linear"), np.array([1e-6, 1e-2])), [0, 65535])


@pytest.mark.parametrize("example", [1e-4, 3e-5, 0.3, 0.0])
def test_a_slider_stops_at_the_example_too(example: float) -> None:
    steps = report.slider_steps("coupling", example)
    assert steps[0] == 1e-6
    assert (example in steps) == (example > 0)
    assert set(np.round(np.log10(steps), 3)) >= {-5.9, -4.0, -1.0}
    assert steps.size == 51 + (example in (3e-5, 0.3))


def test_nothing_in_a_script_element_can_end_it() -> None:
    text = report.in_script({"b": "</script><!--", "a": [1, 2.5]})
    assert "<" not in text
    assert text.index('"a"') < text.index('"b"')


def sensitivity(ends: Callable[[float], float], reach: int = 1) -> dict[str, Any]:
    """Symmetric ends at four bounds, of which so many of the first are only the reach."""
    bounds = np.array([0.5, 1.0, 1.5, 2.0])
    n = bounds.size
    return {
        "parameter": ["eps_ee_matter"] * 2 * n,
        "bound": np.tile(bounds, 2),
        "confidence_level": np.full(2 * n, 0.9),
        "n_dof": np.full(2 * n, 2.0),
        "delta_chi2": np.full(2 * n, 4.6),
        "side": ["lower"] * n + ["upper"] * n,
        "end": np.concatenate([[-ends(b) for b in bounds], [ends(b) for b in bounds]]),
        "ends_at_grid": ["yes"] * reach + ["no"] * (n - reach) + ["yes"] * reach + ["no"] * (n - reach),
    }


@pytest.mark.parametrize("reach", [0, 1, 2])
def test_only_limits_tell_how_far_an_end_moves(reach: int) -> None:
    table = sensitivity(lambda b: 6 * b if b <= 0.5 * reach else 1 + 0.3 * b, reach)
    assert page.slope_of_limits(table) == pytest.approx(0.3)


def test_without_two_limits_of_an_end_no_slope_is_known() -> None:
    assert page.slope_of_limits(sensitivity(lambda b: 6 * b, 3)) is None


def study_of(folder: Path, name: str = "mine", scans: tuple[Scan, ...] = ()) -> report.AnalysisResults:
    section = _section()
    return report.AnalysisResults(
        name=name,
        section=section,
        whole=section | {"reader": "release2018", "exposure": vars(CSI_2017)},
        folder=folder,
        scans=scans,
        inputs=folder,
    )


MATCH_ROWS = [
    ("eps_ee_matter", "lower", 0.9, 2, 4.605, -0.95, 0.4075, "limit"),
    ("eps_ee_matter", "upper", 0.9, 2, 4.605, 1.95, 0.325, "reach"),
    ("eps_ee_matter", "lower", 0.9, 1, 2.706, -0.95, float("nan"), "none"),
]


def test_the_caption_of_fig_4_tells_of_its_hole_only_where_it_has_one(tmp_path: Path) -> None:
    scan = parse_scan(
        "matter_ee_mumu",
        {
            "interaction": "contact",
            "axes": {f"eps_{pair}_matter": {"min": -2, "max": 3, "points": 5} for pair in ("ee", "mumu")},
            "domain": {f"eps_{pair}_{q}V": [-1, 1] for pair in ("ee", "mumu") for q in "ud"},
            "confidence_levels": [0.9],
            "n_dof": [2, 1],
            "chunks": 1,
        },
    )
    for name, excess in (("with", 7.66), ("without", 3.0)):
        rows = [
            (scan.name, 0.5656, excess, 0.9, 2, 4.605, 1.1387),
            (scan.name, 0.5656, excess, 0.9, 1, 2.706, 1.2466),
            ("another", 0.5656, 9.9, 0.9, 2, 4.605, 1.3),
        ]
        write_csv(tmp_path / name / "domain_hole.csv", as_columns(rows, DOMAIN_HOLE))
    said = hole_remark(study_of(tmp_path / "with", scans=(scan,)))
    assert "at (0.566, 0.566)" in said
    assert "Δχ<sup>2</sup> = 7.66." in said
    assert "at Δχ<sup>2</sup> = 4.6 from |ε| ≤ 1.139 on." in said.replace("4.61", "4.6")
    assert "1.247" not in said  # of a level that the figure does not draw
    assert "1.3" not in said  # of a scan that it is not of
    assert hole_remark(study_of(tmp_path / "without", scans=(scan,))) == ""  # it is no hole at 4.61
    assert hole_remark(study_of(tmp_path / "with")) == ""  # it has no Fig. 4
    assert hole_remark(study_of(tmp_path / "none", scans=(scan,))) == ""


def test_published_ends_have_the_bounds_of_every_analysis(tmp_path: Path) -> None:
    write_csv(tmp_path / "one" / "domain_matches.csv", as_columns(MATCH_ROWS, DOMAIN_MATCHES))
    write_csv(tmp_path / "two" / "domain_matches.csv", as_columns(MATCH_ROWS[1:], DOMAIN_MATCHES))
    rows = page.match_rows([study_of(tmp_path / name, name) for name in ("one", "two", "without")])
    assert [(row["side"], row["published"], row["delta_chi2"]) for row in rows] == [
        ("lower", -0.95, 2.706), ("lower", -0.95, 4.605), ("upper", 1.95, 4.605)
    ]  # fmt: skip
    none, limit, reach = (row["bounds"] for row in rows)
    assert limit == {"one": (0.4075, "limit")}
    assert reach == {"one": (0.325, "reach"), "two": (0.325, "reach")}
    assert {name: kind for name, (_, kind) in none.items()} == {"one": "none", "two": "none"}


BEST_ROWS = [
    ("any", 0.9, 2, 4.605, -0.5, 0.3, 0.053, "x", "eps_ee_matter_upper", -0.9, 1.9, -0.6, 1.6, -0.6, -0.5, 0.3, 0.3),
    ("any", 0.9, 1, 2.706, -0.9, 0.7, 0.048, "x", "", -0.9, 1.9, -0.6, 1.6, -2.0, -0.9, 0.7, 0.7),
]


def test_domains_that_come_closest_are_told_by_analysis(tmp_path: Path) -> None:
    write_csv(tmp_path / "one" / "domain_best.csv", as_columns(BEST_ROWS, DOMAIN_BEST))
    write_csv(tmp_path / "two" / "domain_best.csv", as_columns(BEST_ROWS[1:], DOMAIN_BEST))
    low, high = page.best_domain_rows([study_of(tmp_path / name, name) for name in ("one", "two", "without")])
    assert (low["delta_chi2"], high["delta_chi2"]) == (2.706, 4.605)
    assert set(low["best"]) == {"one", "two"}
    assert high["best"] == {
        "one": {"lower_bound": -0.5, "upper_bound": 0.3, "miss": 0.053, "lower_from": -0.6, "lower_to": -0.5,
                "at_reach": "eps_ee_matter_upper"}
    }  # fmt: skip


PUBLISHED_ENDS = {
    "key": [f"eps_{pair}_matter_{side}_n{n}" for pair in ("ee", "mumu") for side in ("lower", "upper") for n in (2, 1)],
    "quantity": [str(i) for i in range(8)],
    "where": ["Eq. 12"] * 8,
    "published": np.array([-0.95, -0.95, 1.95, 1.95, -0.66, -0.66, 1.57, 1.57]),
    "tolerance": np.full(8, 0.05),
}


def card(values: dict[str, list[float]]) -> dict[str, Any]:
    """A scorecard of Eq. 12: values in the order above under each choice, "" is the configured one."""
    other = [(name, found) for name, found in values.items() if name]
    return {
        "quantity": ["another quantity (Sec. 3)", *(f"{i} (Eq. 12)" for i in range(8))],
        "reproduced": ["nan", *map(str, values[""])],
        "choices": ["every bin: 2.1", *("; ".join(f"{n}: {v[i]:.4g}" for n, v in other) for i in range(8))],
    }


EXACT = [-0.95, -0.95, 1.95, 1.95, -0.66, -0.66, 1.57, 1.57]


def moved(*ends: int, by: float = 0.2) -> list[float]:
    return [value + by * (i in ends) for i, value in enumerate(EXACT)]


@pytest.mark.parametrize(
    ("values", "configured", "chosen"),
    [
        ({"": EXACT}, [2.71, 4.61], []),
        ({"": moved(0)}, [2.71], []),
        ({"": moved(0, by=0.0499)}, [2.71, 4.61], []),
        ({"": moved(0, 1)}, [], []),
        ({"": moved(0, 1), "in [-1, 0.73]": moved(6)}, [], [("in [-1, 0.73]", 2.71)]),
        ({"": moved(0, 1), "in [-2, 2]": moved(2, 3), "x = 1": EXACT}, [], [("x = 1", 4.61), ("x = 1", 2.71)]),
    ],
)
def test_eq_12_is_reproduced_where_all_of_its_ends_are(
    values: dict[str, list[float]], configured: list[float], chosen: list[tuple[str, float]], tmp_path: Path
) -> None:
    study = study_of(tmp_path)
    study.__dict__["scorecard"] = card(values)
    row = page.reproduced_equation(study, PUBLISHED_ENDS)
    assert row is not None
    assert [round(level, 2) for level in row["configured"]] == configured
    assert [(name, round(level, 2)) for name, level in row["chosen"]] == chosen


def test_an_analysis_without_eq_12_says_nothing_of_it(tmp_path: Path) -> None:
    study = study_of(tmp_path)
    study.__dict__["scorecard"] = {name: values[:1] for name, values in card({"": EXACT}).items()}
    assert page.reproduced_equation(study, PUBLISHED_ENDS) is None


def test_a_scorecard_is_counted_by_its_verdicts(tmp_path: Path) -> None:
    study = study_of(tmp_path)
    study.__dict__["scorecard"] = {"within": ["true", "false", "true"], "verdict": ["yes", "depends", "depends"]}
    assert page.score(study) == {"within": 2, "all": 3, "yes": 1, "depends": 2, "no": 0}


def range_row(side: str, set_by: str, at_grid: str = "", warning: str = "", interval: int = 0) -> tuple[Any, ...]:
    ends = [set_by if side == each else "" for each in ("lower", "upper")]
    return ("mine", "eps_ee_matter", 0.9, 2, 4.6, interval, -1.0, 2.0, "profiled", at_grid, *ends, warning, "wilks")


def test_ranges_say_which_bound_of_another_parameter_makes_an_end(tmp_path: Path) -> None:
    study = study_of(tmp_path)
    rows = [
        range_row("lower", "eps_ee_uV >= -1; eps_ee_dV <= 0.5"),
        range_row("upper", "eps_ee_matter <= 2", "upper", interval=1),  # the axis' own, which a sign says
        range_row("upper", "", interval=2),
    ]
    study.__dict__["ranges"] = as_columns(rows, RANGES)
    (group,) = report.range_groups([study])
    (row,) = group["rows"]
    notes = [each["note"] for each in row["intervals"]["mine"]]
    bounds = "ε<sub>ee</sub><sup>uV</sup> ≥ −1 and ε<sub>ee</sub><sup>dV</sup> ≤ 0.5"
    assert notes == [f"lower end set by {bounds}", "", ""]
    assert [each["at_grid"] for each in row["intervals"]["mine"]] == ["", "upper", ""]


def test_ranges_have_the_warnings_of_each_analysis(tmp_path: Path) -> None:
    made = []
    for name, warning in (("one", "the grid is too coarse"), ("two", "")):
        study = study_of(tmp_path, name)
        study.__dict__["ranges"] = as_columns([range_row("lower", "", warning=warning)], RANGES)
        made.append(study)
    (group,) = report.range_groups(made)
    (row,) = group["rows"]
    assert row["warnings"] == {"one": "the grid is too coarse"}
    assert set(row["intervals"]) == {"one", "two"}


COARSE = "the grid is too coarse: an interval is 2 steps wide"


@pytest.mark.parametrize(
    ("warning", "n_dof", "grid"),
    [
        (f"mine.eps_ee_dV.eps_ee_uV: {COARSE}", 2, "mine.eps_ee_dV.eps_ee_uV"),
        (
            f"chi2 varies faster than it was sampled; mine.eps_ee_uV.eps_etau_dV: {COARSE}",
            2,
            "mine.eps_ee_uV.eps_etau_dV",
        ),
        (f"mine.eps_ee_dV.eps_ee_uV: {COARSE}", 1, None),  # of a level that no figure draws
        ("no sensitivity: chi2 does not depend on eps_ee_uV", 2, None),
    ],
)
def test_a_caption_warns_of_its_own_grid_alone(warning: str, n_dof: int, grid: str | None) -> None:
    """Two projections share eps_ee_uV, which has its rows once."""
    axes = {f"eps_{name}V": {"min": -1, "max": 1, "points": 5} for name in ("ee_d", "ee_u", "etau_d")}
    projections = [["eps_ee_dV", "eps_ee_uV"], ["eps_ee_uV", "eps_etau_dV"]]
    section = {"interaction": "contact", "axes": axes, "projections": projections, "chunks": 1}
    scan = parse_scan("mine", section | {"confidence_levels": [0.9], "n_dof": [2, 1]})
    row = ("mine", "eps_ee_uV", 0.9, n_dof, 4.6, 0, -1.0, 1.0, "profiled", "", "", "", warning, "wilks")
    table = as_columns([row], RANGES)
    coarse = [name for name, pair in scan.pairs().items() if captions.is_coarse(scan, pair, table)]
    assert coarse == ([grid] if grid else [])


def test_the_best_fit_is_the_one_that_the_figure_marks(tmp_path: Path) -> None:
    rows: list[tuple[Any, ...]] = [("a", "SM", 0, 0.0, 0.0), ("b", "best fit", 0, 0.25, -0.5)]
    write_csv(tmp_path / "figures" / "fig3.csv", as_columns(rows, CURVES))
    write_csv(tmp_path / "figures" / "fig2.csv", as_columns([("fig2", "best fit", 0, 10.0, 1e-4)], CURVES))
    study = study_of(tmp_path)
    of = {figure.name: figure for figure in FIGURES}
    assert study.best_fit(of["fig3"], "a") is None
    assert study.best_fit(of["fig3"], "b") == (0.25, -0.5)
    assert study.best_fit(of["fig2"], "light_mediator") == (10.0, 1e-4)


def fitted(value: float, pull: float) -> dict[str, Any]:
    """A record of best_fit.json."""
    nuisances = {"steady_state": {"value": 0.02 * pull, "error": 0.01, "sigma": 0.02}}
    offset = {"time_offset_us": {"value": 0.07, "error": 0.03, "sigma": None}}
    return {
        "cevns_counts": {"value": value, "error_low": 21.5, "error_high": 22.5},
        "significance": 6.05,
        "chi2": 148.0,
        "bins": 144,
        "backgrounds": {"steady_state": 410.0},
        "nuisances": nuisances,
        "standard_model": {"chi2": 150.0, "nuisances": nuisances | offset},
    }


def test_figures_of_fitted_counts_are_said_in_words(tmp_path: Path) -> None:
    one, other, both = fitted(126.0, -0.5), fitted(160.0, 0.4), fitted(280.0, 0.1)
    for name, datasets in (("alone", {"csi_2017": both}), ("joint", {"csi_2017": one, "lar_2020": other})):
        write_json(tmp_path / name / "best_fit.json", {"datasets": datasets, "together": both})
    alone, joint = (study_of(tmp_path / name, name) for name in ("alone", "joint"))
    said = captions.counts_alt(alone)
    assert "has 280 events, plus 22.5 minus 21.5, 6.05 standard deviations from none over 410 steady state" in said
    assert "chi squared is 148, and 150 of the standard model, in 144 bins" in said
    assert "Best fit: steady state 0.1. Standard model's fit: steady state 0.1, time offset us 0.07." in (
        captions.pulls_alt(alone)
    )
    assert "It is least at 280 events" in captions.counts_likelihood_alt(alone)
    said = captions.counts_likelihood_alt(joint)
    for part in ("least of csi 2017 at 126 events", "of lar 2020 at 160 events", "of all together at 280 events"):
        assert part in said


def test_a_data_uri_is_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("ε\n", encoding="utf-8")
    kind, content = report.data_uri(path, "text/csv").split(";base64,")
    assert kind == "data:text/csv"
    assert base64.b64decode(content).decode() == "ε\n"


def test_rows_of_scans_that_the_same_analyses_run_share_a_table() -> None:
    rows = [
        {"scan": "a", "parameter": "x", "found": {"one": 1, "two": 2}},
        {"scan": "a", "parameter": "y", "found": {"two": 2}},
        {"scan": "b", "parameter": "x", "found": {"three": 3}},
        {"scan": "c", "parameter": "x", "found": {"two": 2, "one": 1}},
    ]
    found = report.by_columns(rows, ["one", "two", "three"])
    assert [(table["analyses"], table["rows"]) for table in found] == [
        (["one", "two"], [rows[0], rows[1], rows[3]]),
        (["three"], [rows[2]]),
    ]


def test_a_packed_table_is_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("ε\n", encoding="utf-8")
    kind, content = report.packed_uri(path).split(";base64,")
    assert kind == "data:application/gzip"
    assert gzip.decompress(base64.b64decode(content)).decode() == "ε\n"
    assert report.packed_uri(path) == f"{kind};base64,{content}"


def test_a_picture_is_the_file_with_fewer_digits(tmp_path: Path) -> None:
    """Every element and attribute, and the numbers of paths within half a hundredth."""
    figure, axes = plt.subplots()
    axes.plot([0.1, 2.345], [-1e-3, 3.0], label="Z' & <10 %, #1")
    axes.set_xlabel("$M_{Z'}$")
    axes.legend()
    figure.savefig(tmp_path / "a.svg")
    plt.close(figure)
    kind, content = report.picture_uri(tmp_path / "a.svg").split(",", 1)
    assert kind == "data:image/svg+xml"
    assert not set('"\n') & set(content)
    whole, lean = ElementTree.parse(tmp_path / "a.svg").getroot(), ElementTree.fromstring(unquote(content))
    for metadata in whole.findall("{*}metadata"):
        whole.remove(metadata)
    pairs = list(zip(whole.iter(), lean.iter(), strict=True))
    assert len(pairs) > 50
    for theirs, ours in pairs:
        assert theirs.tag == ours.tag
        assert (theirs.text or "").split() == (ours.text or "").split()
        for name, value in theirs.attrib.items():
            if name != "d":
                assert ours.attrib[name] == value
                continue
            for a, b in zip(value.split(), ours.attrib[name].split(), strict=True):
                assert a == b or abs(float(a) - float(b)) <= 0.00501


@pytest.mark.parametrize(("i", "j"), [(0, 0), (20, 50), (5, 20), (13, 33)])
def test_stored_counts_are_those_of_the_step(i: int, j: int, dataset: Callable[..., DataSet], tmp_path: Path) -> None:
    """In the order of masses, couplings, flavors and bins."""
    made = dataset("release", nuclei="mean")
    study = study_of(tmp_path)
    study.__dict__["dataset"] = made  # in place of files
    study.__dict__["model"] = model = model_of(study.choices, made)
    stored = report.spectrum_payload(study, {"mediator_mass_mev": 10, "coupling": 1e-4})
    mass, coupling = stored["steps"][0][i], stored["steps"][1][j]
    assert [round(np.log10(value), 9) for value in (mass, coupling)] == [i / 5, -6 + j / 10]
    at = i * len(stored["steps"][1]) + j
    (largest, chi2, pull), counts = (
        [np.frombuffer(base64.b64decode(stored[name]), "<f4")[at] for name in ("largest", "chi2", "pull")],
        np.frombuffer(base64.b64decode(stored["counts"]), "<u2").reshape(-1, 3, made.measurement.observed.size)[at],
    )
    point = {"mediator_mass_mev": mass, "coupling": coupling}
    expected = made.by_flavor("light_mediator", point)
    np.testing.assert_allclose(counts * (largest / 65535), expected, rtol=0, atol=0.501 * expected.max() / 65535)
    assert chi2 == pytest.approx(mediator_chi2(model, np.array(mass), coupling), rel=1e-6)
    observed, sigma = model.dataset.measurement.observed, model.dataset.measurement.errors
    total = model.dataset.by_flavor("light_mediator", point).sum(axis=0)
    weight = total / sigma**2  # alpha of Eq. 7 at its least chi2, in closed form
    alpha = ((observed - total) * weight).sum() / ((total * weight).sum() + 1 / 0.28**2)
    assert pull == pytest.approx(alpha / 0.28, rel=1e-5)
    assert [stored["steps"][k][stored["start"][k]] for k in range(2)] == pytest.approx([10, 1e-4])


def _section() -> dict[str, object]:
    return {
        "dataset": "release",
        "nuclei": "cs_and_i",
        "form_factor": "klein_nystrand",
        "sin2_theta_w": 0.23857,
        "photoelectron_range": [6, 30],
        "normalization_uncertainty": 0.28,
        "scans": [],
    }
