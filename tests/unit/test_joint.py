"""Analyses of several data sets: what they may join, and that chi2 is that of all counts and of each nuisance once."""

import copy
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from iminuit import Minuit

from cevnsi.__main__ import main
from cevnsi.arrays import FloatArray
from cevnsi.config import check as settings
from cevnsi.config.build import build_model, load_model
from cevnsi.config.check import parse_scan
from cevnsi.config.overlays import lay_over, resolve
from cevnsi.experiments.csi_2017_time import SIGNAL_UNCERTAINTY, read_energy_time
from cevnsi.experiments.inputs import RELEASES, check_inputs, complete, is_counted, read_dataset
from cevnsi.files.strict_yaml import ConfigError
from cevnsi.files.tables import write_csv
from cevnsi.fits import Fits, best_fits_of, counts_likelihood, fits_of, fits_of_each, fitted_counts
from cevnsi.model import Model, alone, chi2_at, joined, profiled
from cevnsi.output import captions
from cevnsi.output.fit_figures import draw_counts, draw_counts_likelihood, draw_pulls
from cevnsi.output.spectra import fitted_table
from cevnsi.questions import chi2_and_nuisances, predict, scan_grid
from cevnsi.scans.chi2 import chi2
from cevnsi.scans.limits import scan_ranges
from cevnsi.scans.rows import scan_rows
from cevnsi.statistics.nuisances import precisions
from energy_time import PATHS, made
from light_nucleus import argon
from project import ROOT
from second import NAME, add_files, laid_over

POINTS: Any = {
    "contact": [{}, {"eps_ee_dV": 0.3}, {"eps_mumu_uV": -0.2, "eps_ee_uV": 0.1}, {"eps_emu_dV": 0.2}],
    "light_mediator": [{"mediator_mass_mev": 10.0, "coupling": 5e-5}],
}
ROUNDING = 1e-9  # of chi2 of some hundred, at whose minimum Newton's steps end


@pytest.fixture(scope="module")
def csi(model: Callable[..., Model]) -> Callable[..., Model]:
    """CsI 2017 under choices."""
    tables, analysis = read_energy_time(PATHS), model("csi_2017").analysis
    return lambda nuclei="mean", **choices: made(tables, analysis, nuclei, **choices)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the project's data and a second set of counts."""
    folder = tmp_path_factory.mktemp("joint")
    shutil.copytree(ROOT / "data", folder / "data")
    add_files(folder)
    return folder


@pytest.fixture
def both(config: dict[str, Any]) -> dict[str, Any]:
    """A configuration with a joint analysis."""
    return laid_over(config)


def refusal(config: dict[str, Any], project: Path) -> str:
    try:
        settings.check(config)
        check_inputs(config, project)
    except ConfigError as error:
        return str(error)
    return ""


def test_chi2_is_the_same_with_the_flux_apart(csi: Callable[..., Model]) -> None:
    """As both scale the signal, and their values add up: sigma^2 is 0.10^2 + (0.28^2 - 0.10^2)."""
    one, two = csi(), csi(flux_uncertainty=0.10)
    assert [n.name for n in two.nuisances] == ["flux", "signal_normalization", "prompt_neutrons", "steady_state"]
    assert [n.sigma for n in two.nuisances[:2]] == [0.10, pytest.approx(0.26153, abs=1e-5)]
    for interaction, points in POINTS.items():
        for point in points:
            expected = profiled(one, interaction, point)
            found = profiled(two, interaction, point)
            assert found.chi2[0] == pytest.approx(expected.chi2[0], abs=ROUNDING)
            assert found.nuisances[0, :2].sum() == pytest.approx(expected.nuisances[0, 0], abs=1e-6)
            for each in (one, two):
                assert chi2(each, interaction, point, {}) == pytest.approx(expected.chi2[0], abs=ROUNDING)


@pytest.mark.parametrize("flux", [-0.1, SIGNAL_UNCERTAINTY, 0.5])
def test_the_flux_is_a_part_of_what_is_not_known(flux: float, csi: Callable[..., Model]) -> None:
    with pytest.raises(ValueError, match="expected 0 or more, below that of all of the signal"):
        csi(flux_uncertainty=flux)


@pytest.mark.parametrize("statistic", ["poisson", "gaussian"])
def test_chi2_of_independent_data_sets_is_the_sum(statistic: str, csi: Callable[..., Model]) -> None:
    first = csi(flux_uncertainty=0.1)
    second = argon(first.analysis, flux="flux_of_another", statistic=statistic)
    together = joined([first, second])
    for interaction, points in POINTS.items():
        for point in points:
            expected = sum(float(chi2(each, interaction, point, {})) for each in (first, second))
            assert float(chi2(together, interaction, point, {})) == pytest.approx(expected, abs=ROUNDING)
    assert [each.dataset for each in alone(together)] == [first.dataset, second.dataset]


def by_iminuit(model: Model, interaction: str, point: dict[str, float]) -> float:
    """Chi2 least over the union of the nuisances, written out: each data set's deviance, and each prior once."""
    names = [nuisance.name for nuisance in model.nuisances]
    signals = [dataset.signal(interaction, point)[0] for dataset in model.datasets]

    def total(theta: FloatArray) -> float:
        value, at = float(precisions(model.nuisances) @ theta**2), dict(zip(names, theta, strict=True))
        for dataset, signal in zip(model.datasets, signals, strict=True):
            expected: FloatArray = np.zeros(signal.shape)
            for sample, counts in {"signal": signal, **dataset.measurement.backgrounds}.items():
                expected = expected + (1 + sum(at[n.name] for n in dataset.nuisances if sample in n.scales)) * counts
            observed = dataset.measurement.observed
            ratio = np.where(observed > 0, observed, 1) / expected
            value += float(2 * (expected - observed + observed * np.log(ratio)).sum())
        return value

    fit = Minuit(total, np.zeros(len(names)), name=names)
    fit.errordef, fit.strategy, fit.tol = 1, 2, 1e-4
    fit.limits = [(-0.9, 3)] * len(names)
    fit.migrad()
    assert fit.valid
    assert fit.fval is not None
    return float(fit.fval)


def test_a_shared_nuisance_is_one(csi: Callable[..., Model]) -> None:
    first = csi(flux_uncertainty=0.1)
    second = argon(first.analysis, scale=1.5)  # which wants another flux than the first
    together = joined([first, second])
    assert len(together.nuisances) == len(first.nuisances) + len(second.nuisances) - 1
    for interaction, points in POINTS.items():
        for point in points:
            found = float(chi2(together, interaction, point, {}))
            assert found == pytest.approx(by_iminuit(together, interaction, point), abs=1e-6)
            parts = sum(float(chi2(each, interaction, point, {})) for each in (first, second))
            assert abs(found - parts) > 0.01
            assert found == pytest.approx(float(chi2_at(together, interaction, point)), abs=ROUNDING)


def test_a_grid_is_its_points(csi: Callable[..., Model], config: dict[str, Any]) -> None:
    """Planes of contact couplings and of a mediator, made at once, and chi2 point by point; in any rows."""
    first = csi("cs_and_i", flux_uncertainty=0.1)
    together = joined([first, argon(first.analysis, scale=1.5)])
    for name, sizes in (("ee_d_u", (7, 9)), ("light_mediator", (5, 7))):
        section = copy.deepcopy(config["scans"][name])
        for axis, points in zip(section["axes"].values(), sizes, strict=True):
            axis["points"] = points
        scan = parse_scan(name, section)
        found = scan_rows(together, scan, 0, sizes[0])
        grid = np.meshgrid(*(axis.values() for axis in scan.axes), indexing="ij")
        point = {axis.name: values for axis, values in zip(scan.axes, grid, strict=True)}
        # under the largest couplings the plain way keeps 1e-16 of scales that are 1e-16 themselves
        plain, rounding = chi2_at(together, scan.interaction, point), 1e-11 if name == "ee_d_u" else 1e-7
        np.testing.assert_allclose(found, plain, rtol=rounding, atol=ROUNDING)
        by_row = [scan_rows(together, scan, i, i + 1) for i in range(sizes[0])]
        np.testing.assert_array_equal(np.concatenate(by_row), found)


@pytest.mark.parametrize("coupling", [0.02, 0.05, 0.1])
def test_two_nuisances_of_one_signal_cancel_whatever_its_size(coupling: float, csi: Callable[..., Model]) -> None:
    """A signal 1e10 to 1e16 times too large is scaled to next to nothing, with chi2 as of a single nuisance as wide."""
    apart, point = argon(csi("cs_and_i").analysis), {"mediator_mass_mev": 1.0, "coupling": coupling}
    (dataset,) = apart.datasets
    flux, own, *others = dataset.nuisances
    assert flux.sigma is not None
    assert own.sigma is not None
    one = replace(own, sigma=float(np.hypot(flux.sigma, own.sigma)))
    together = replace(apart, datasets=(replace(dataset, nuisances=(one, *others)),))
    expected = float(chi2(together, "light_mediator", point, {}))
    assert expected < 400
    for way in (chi2(apart, "light_mediator", point, {}), chi2_at(apart, "light_mediator", point)):
        assert float(way) == pytest.approx(expected, rel=1e-6)


def test_ends_of_ranges_are_at_the_threshold(csi: Callable[..., Model], config: dict[str, Any]) -> None:
    first = csi("cs_and_i", flux_uncertainty=0.1)
    together = joined([first, argon(first.analysis)])
    scan = parse_scan("ee_d_u", config["scans"]["ee_d_u"])
    rows = [row for row in scan_ranges(together, scan) if row.other_parameters == "profiled" and row.n_dof == 1]
    assert rows
    over = {"eps_ee_dV": (-1.0, 1.0), "eps_ee_uV": (-1.0, 1.0)}
    least = float(chi2(together, "contact", {}, over))
    for row in rows:
        rest = {name: ends for name, ends in over.items() if name != row.parameter}
        for side, end in (("lower", row.lower), ("upper", row.upper)):
            at = float(chi2(together, "contact", {row.parameter: end}, rest)) - least
            if side not in row.ends_at_grid:
                assert at == pytest.approx(row.delta_chi2, abs=1e-6)


def test_a_radius_of_one_data_set_changes_nothing_in_another(model: Callable[..., Model]) -> None:
    first = model("csi_2017", nuclei="cs_and_i", form_factor="helm_rms")
    second = argon(first.analysis, flux="another")  # of a form factor without a radius, and without cesium
    together = joined([first, second])
    radii = np.array([4.5, 5.5])
    expected = chi2(first, "contact", {"neutron_radius_Cs133_fm": radii}, {}) + chi2(second, "contact", {}, {})
    found = chi2(together, "contact", {"neutron_radius_Cs133_fm": radii}, {})
    np.testing.assert_allclose(found, expected, rtol=0, atol=ROUNDING)
    assert np.ptp(found) > 1e-3


def test_a_joint_analysis_is_that_of_its_parts(both: dict[str, Any], project: Path) -> None:
    assert refusal(both, project) == ""
    found = build_model(both, "both", project)
    assert [dataset.name for dataset in found.datasets] == ["csi_2017", NAME]
    assert [analysis.nuclei for analysis in found.analyses] == ["mean", "cs_and_i"]
    assert [n.name for n in found.nuisances].count("flux") == 1
    counts = predict(found, {"eps_ee_dV": 0.1})
    parts = [predict(build_model(both, name, project), {"eps_ee_dV": 0.1}) for name in ("csi_2017", NAME)]
    np.testing.assert_array_equal(counts, np.concatenate(parts, axis=1))
    value, nuisances = chi2_and_nuisances(found, {})
    assert value == pytest.approx(by_iminuit(found, "contact", {}), abs=1e-6)
    assert set(nuisances) == {"flux", "signal_normalization", "prompt_neutrons", "steady_state", "leak"}
    assert is_counted(both, "both")
    with pytest.raises(ValueError, match="a model of 2 data sets; expected one"):
        _ = found.dataset
    with pytest.raises(ValueError, match="a model of 2 data sets; expected one"):
        _ = found.analysis
    scan = replace(parse_scan("ee_d_u", both["scans"]["ee_d_u"]))
    small = replace(scan, axes=tuple(replace(axis, points=3) for axis in scan.axes))
    assert scan_grid(found, small).delta_chi2.min() == 0


def test_tables_are_told_apart_by_their_folders(both: dict[str, Any], project: Path, tmp_path: Path) -> None:
    section = complete(both["analyses"]["both"], both)
    paths = []
    for dataset in ("csi_2017", NAME):
        read = read_dataset(both["datasets"][dataset], project, Path(both["checksums"]))
        for name in RELEASES[both["datasets"][dataset]["reader"]].tables_of(both["datasets"][dataset]["files"]):
            paths.append(tmp_path / dataset / f"{name}.csv")
            write_csv(paths[-1], read[name])
    expected = chi2_and_nuisances(build_model(both, "both", project), {})
    assert chi2_and_nuisances(load_model({**section, "scans": []}, paths), {}) == expected


def test_what_joining_sets_is_a_choice_like_others(both: dict[str, Any], project: Path) -> None:
    widths = {n.name: n.sigma for n in build_model(both, "csi_2017", project).nuisances}
    assert "flux" not in widths  # alone it is as it was
    both["analyses"]["csi_2017"]["measurement"] = {"flux_uncertainty": 0}
    assert {n.name: n.sigma for n in build_model(both, "both", project).nuisances}["signal_normalization"] == 0.28
    both["analyses"]["csi_2017"]["measurement"] = {"flux_uncertainty": 0.2}
    both["analyses"][NAME]["nuisances"]["flux"]["sigma"] = 0.2
    assert {n.name: n.sigma for n in build_model(both, "both", project).nuisances}["flux"] == 0.2


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "unknown": ({"both": {"joins": ["csi_2017", "secnd"]}}, "analyses.both.joins: 'secnd' is unknown; did you mean"),
    "one alone": ({"both": {"joins": ["csi_2017"]}}, "analyses.both.joins: ['csi_2017'] is too short"),
    "twice": ({"both": {"joins": [NAME, NAME]}}, "analyses.both.joins: ['second', 'second'] has non-unique elements"),
    "itself": ({"both": {"joins": ["both", NAME]}}, "analyses.both.joins: both joins others itself; expected"),
    "a joint one": (
        {"three": {"joins": ["both", "paper"], "scans": []}},
        "analyses.three.joins: both joins others itself; expected analyses of one dataset each",
    ),
    "one dataset": (
        {"other": {"like": NAME}, "both": {"joins": ["other", NAME]}},
        "analyses.both.joins: other and second are of one dataset, second, which would count twice",
    ),
    "one exposure": (
        {"both": {"joins": ["csi_2017", "paper"]}},
        "analyses.both.joins: csi_2017 and paper overlap: the CsI exposure of 2017 would count twice",
    ),
    "another angle": (
        {NAME: {"sin2_theta_w": 0.2312}},
        "analyses.both.joins: analyses.csi_2017.sin2_theta_w is 0.23857 and analyses.second.sin2_theta_w is 0.2312",
    ),
    "other couplings": (
        {NAME: {"couplings": "radiative"}},
        "analyses.csi_2017.couplings is tree and analyses.second.couplings is radiative; expected the same",
    ),
    "another width": (
        {NAME: {"nuisances": {"flux": {"sigma": 0.2, "scales": ["signal"]}}}},
        "analyses.both.joins: nuisance flux has sigma 0.1 in csi_2017 and 0.2 in second; expected the same",
    ),
    "a choice of its parts": (
        {"both": {"nuclei": "mean", "photoelectron_range": [6, 30]}},
        "both.photoelectron_range: is a choice of the analyses that it joins; expected joins, scans, study, coverage",
    ),
    "a dataset besides": ({"both": {"dataset": NAME}}, "analyses.both.dataset: is a choice of the analyses"),
    "like one that has a dataset": (
        {"both": {"like": "csi_2017"}},
        "analyses.both.nuclei: is a choice of the analyses that it joins",
    ),
    "neither": ({"both": {"joins": None}}, "analyses.both: 'dataset' is a required property"),
    "no scans": ({"both": {"scans": None}}, "analyses.both: 'scans' is a required property"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_joined(case: str, both: dict[str, Any], project: Path) -> None:
    changed, said = BAD[case]
    config = resolve(lay_over(both, {"analyses": changed}))
    assert said in refusal(config, project)


def test_a_nuisance_that_one_data_set_holds(both: dict[str, Any], project: Path) -> None:
    both["analyses"][NAME]["nuisances"]["flux"] = {"fixed": 0.1, "scales": ["signal"]}
    said = "analyses.both.joins: nuisance flux has sigma 0.1 in csi_2017 and None in second"
    assert said in refusal(both, project)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("first", "csi_2017"), "first contains the exposure of csi_2017"),
        (("csi_2017", "first"), "first contains the exposure of csi_2017"),
    ],
)
def test_an_exposure_that_another_contains(
    names: tuple[str, str], said: str, both: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    periods = (*RELEASES["csi_2017"].periods, "a later one")
    monkeypatch.setitem(RELEASES, "counts", replace(RELEASES["counts"], periods=periods))
    both["analyses"] |= {"first": both["analyses"][NAME]}
    both["analyses"]["both"]["joins"] = list(names)
    with pytest.raises(ConfigError, match=said):
        settings.check(both)


def test_radii_are_those_of_some_part(both: dict[str, Any], project: Path) -> None:
    both["scans"]["radius"] = {
        "interaction": "contact",
        "axes": {f"neutron_radius_{name}_fm": {"min": 4, "max": 6, "points": 3} for name in ("Cs133", "I127")},
        "confidence_levels": [0.9], "n_dof": [1], "chunks": 1,
    }  # fmt: skip
    both["analyses"]["both"]["scans"] = ["radius"]
    assert "analyses.second.form_factor: 'helm' has no radius; scan radius needs one of helm_rms" in refusal(
        both, project
    )
    both["analyses"][NAME]["form_factor"] = "helm_rms"
    assert refusal(both, project) == ""
    both["analyses"][NAME] |= {"nuclei": "mean"}
    both["analyses"]["csi_2017"] |= {"form_factor": "helm_rms"}
    assert "analyses.csi_2017.nuclei and analyses.second.nuclei: has not the nuclide of" in refusal(both, project)


def test_nuisances_of_any_part_may_be_scanned(both: dict[str, Any], project: Path) -> None:
    both["scans"]["pull"] = {
        "interaction": "contact",
        "nuisances": ["leak", "flux"],
        "axes": {name: {"min": -0.2, "max": 0.2, "points": 3} for name in ("leak", "flux")},
        "confidence_levels": [0.9], "n_dof": [1], "chunks": 1,
    }  # fmt: skip
    both["analyses"]["both"]["scans"] = ["pull"]
    assert refusal(both, project) == ""
    found = build_model(both, "both", project)
    at = {"flux": 0.05, "leak": -0.1}
    there = float(chi2(found, "contact", at, {}))
    assert there == pytest.approx(float(chi2_at(found, "contact", at)), abs=ROUNDING)
    assert there > chi2_and_nuisances(found, {})[0]
    both["analyses"]["csi_2017"]["scans"] = ["pull"]
    assert "'leak' is none of analysis csi_2017" in refusal(both, project)


def records(model: Model) -> dict[str, Any]:
    """What best_fit.json has of a model."""
    fits = fits_of(model)
    return best_fits_of(fits, fits_of_each(fits))


def test_best_fits_are_of_each_and_of_all(both: dict[str, Any], project: Path) -> None:
    found = records(build_model(both, "both", project))
    assert list(found["datasets"]) == ["csi_2017", NAME]
    for name, analysis in (("csi_2017", "csi_2017"), (NAME, NAME)):
        single = records(build_model(both, analysis, project))["together"]
        for key in ("cevns_counts", "sm_counts", "backgrounds"):
            for what, value in single[key].items():
                assert found["datasets"][name][key][what] == pytest.approx(value, rel=1e-4)
    together = found["together"]
    assert together["bins"] == 148
    assert together["chi2"] > sum(each["chi2"] for each in found["datasets"].values())
    parts = together["by_dataset"].values()
    total = sum(part["backgrounds"].get("steady_state", 0) for part in parts)
    assert total == pytest.approx(together["backgrounds"]["steady_state"])  # called alike in both
    assert "by_dataset" not in records(build_model(both, NAME, project))["together"]


@pytest.fixture
def fits(both: dict[str, Any], project: Path) -> tuple[Fits, dict[str, Fits]]:
    """Of both together, and of each alone."""
    together = fits_of(build_model(both, "both", project))
    return together, fits_of_each(together)


def drawn(curves: Mapping[str, list[Any]], panel: str, curve: str, column: str = "y") -> FloatArray:
    rows = zip(curves["panel"], curves["curve"], curves[column], strict=True)
    return np.array([value for in_panel, name, value in rows if (in_panel, name) == (panel, curve)])


def test_counts_are_drawn_with_the_fit_of_all(fits: tuple[Fits, dict[str, Fits]]) -> None:
    found, counts = best_fits_of(*fits)["together"], fitted_counts(fits[0])
    fitted = {dataset.name: fitted_table(dataset, *counts[dataset.name]) for dataset in fits[0].model.datasets}
    figure, curves = draw_counts(fitted)
    assert [legend.get_title().get_text() for row in figure.subfigs for legend in row.legends] == ["CsI 2017", "second"]
    assert [len(row.axes) for row in figure.subfigs] == [4, 2]  # each axis with its residuals
    assert list(dict.fromkeys(curves["panel"])) == ["csi_2017, pe", "csi_2017, us", "second, pe"]

    def total(panel: str, curve: str) -> float:
        halves = drawn(curves, panel, "half_width")
        width = 2 * halves if np.ptp(halves) > 1e-9 else 1.0  # counts are per unit where it is not one
        return float((width * drawn(curves, panel, curve)).sum())

    both_data = total("csi_2017, us", "cevns") + total("second, pe", "cevns")
    assert both_data == pytest.approx(found["cevns_counts"]["value"])
    for name, panel in (("csi_2017", "csi_2017, pe"), (NAME, "second, pe")):
        for background, expected in found["by_dataset"][name]["backgrounds"].items():
            assert total(panel, background) == pytest.approx(expected)
        standard = found["standard_model"]["by_dataset"][name]["backgrounds"].values()
        signal = sum(values.sum() for values in counts[name][1].flavors.values())
        assert total(panel, "standard_model") == pytest.approx(sum(standard) + signal)


def test_pulls_are_drawn_of_all_and_of_each(fits: tuple[Fits, dict[str, Fits]]) -> None:
    found = best_fits_of(*fits)
    figure, curves = draw_pulls(found)
    (ax,) = figure.axes
    names = list(found["together"]["standard_model"]["nuisances"])
    names.sort(key=lambda name: name in found["together"]["nuisances"])  # those of the signal alone first
    assert [text.get_text() for text in ax.get_yticklabels()] == [name.replace("_", " ") for name in names]
    for prefix, record in {"": found["together"], **{f"{n}, ": r for n, r in found["datasets"].items()}}.items():
        for curve, nuisances in (
            ("best_fit", record["nuisances"]),
            ("standard_model", record["standard_model"]["nuisances"]),
        ):
            for name, each in nuisances.items():
                assert drawn(curves, name, f"{prefix}{curve}", "x") == pytest.approx(each["value"] / each["sigma"])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "best fit, together", "standard model fit, together", "CsI 2017 alone", "second alone"
    ]  # fmt: skip


def test_likelihoods_are_of_each_and_of_all(fits: tuple[Fits, dict[str, Fits]]) -> None:
    found, table = best_fits_of(*fits), counts_likelihood(*fits)
    assert list(dict.fromkeys(table["dataset"])) == ["csi_2017", NAME, "together"]
    events, rise = np.array(table["cevns_counts"]), np.array(table["minus2_delta_lnl"])
    for name, record in {**found["datasets"], "together": found["together"]}.items():
        rows = np.array(table["dataset"]) == name
        assert events[rows][rise[rows].argmin()] == pytest.approx(record["cevns_counts"]["value"])
        assert rise[rows][0] == pytest.approx(record["significance"] ** 2, abs=1e-4)
    figure, curves = draw_counts_likelihood(table)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["CsI 2017", "second", "together"]
    assert curves["y"] == table["minus2_delta_lnl"]


def test_captions_name_every_data_set(both: dict[str, Any]) -> None:
    said = captions.counts_caption(both, "both")
    assert "(dataset <code>csi_2017</code>), 12 bins from 6 to 30 PE times 12 bins from 0 to 6 μs; and tables" in said
    assert "one mean nucleus of CsI, Klein-Nystrand form factor, sin<sup>2</sup>θ<sub>W</sub> = 0.23857 (<code>" in said
    assert "those of one name in several data sets as one" in said
    assert "<code>flux</code> of width 0.1" in said
    assert "['signal']" not in said
    assert "Data:</b> the official" in captions.plain_caption(both, "both")


def test_the_terminal_answers_for_a_joint_analysis(
    both: dict[str, Any], project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "config.yaml").write_text(yaml.safe_dump(both, sort_keys=False), encoding="utf-8")
    asked = ["--config", str(project / "config.yaml"), "--analysis", "both"]
    assert main(["chi2", *asked]) == 0
    header, values = (line.split(",") for line in capsys.readouterr().out.splitlines())
    assert dict(zip(header, values, strict=True))["bins"] == "148"
    assert main(["spectrum", *asked, "eps_ee_dV=0.1"]) == 0
    header, *rows = (line.split(",") for line in capsys.readouterr().out.splitlines())
    assert header[:5] == ["dataset", "bin_low_pe", "bin_high_pe", "bin_low_us", "bin_high_us"]
    assert [row[0] for row in rows] == ["csi_2017"] * 144 + [NAME] * 4
    assert rows[-1][3] == ""  # it has no times
    assert [row[header.index("observed_counts")] for row in rows[-4:]] == ["25.0", "43.0", "40.0", "20.0"]
    assert main(["range", "eps_ee_dV", *asked]) == 0
    assert capsys.readouterr().out.count("\n") > 1
    assert main(["check", "--config", str(project / "config.yaml")]) == 0
