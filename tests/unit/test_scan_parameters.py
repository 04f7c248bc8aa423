"""Axes beside an interaction's own: combinations, nuisances, the normalization; and what delta chi2 is from."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

from cevnsi.config.build import build_model
from cevnsi.config.check import check, check_scan, parse_scan
from cevnsi.experiments.inputs import check_inputs
from cevnsi.files.strict_yaml import ConfigError
from cevnsi.files.tables import read_parquet
from cevnsi.model import Model, chi2_at, profiled
from cevnsi.parameters import Axis, combination
from cevnsi.physics.interactions import parameter
from cevnsi.scans.axes import Scan
from cevnsi.scans.chi2 import chi2, least_chi2
from cevnsi.scans.chunks import write_chunk, write_grid
from cevnsi.scans.limits import scan_ranges
from cevnsi.scans.rows import scan_rows

ANALYSES = ("paper", "csi_2017")
BOTH = {"eps_ee_V": {"eps_ee_uV": 1, "eps_ee_dV": 1}, "eps_mumu_V": {"eps_mumu_uV": 1, "eps_mumu_dV": 1}}


def scan_of(axes: dict[str, tuple[float, float]], points: int = 9, **keys: Any) -> Scan:
    section: dict[str, Any] = {
        "interaction": "contact",
        "axes": {name: {"min": low, "max": high, "points": points} for name, (low, high) in axes.items()},
        "confidence_levels": [0.9],
        "n_dof": [1],
        "chunks": 1,
    }
    return parse_scan("mine", section | keys)


def nuisance_of(model: Model) -> str:
    return model.nuisances[0].name


@pytest.mark.parametrize("analysis", ANALYSES)
def test_couplings_that_are_tied_are_both(analysis: str, model: Callable[..., Model]) -> None:
    used = model(analysis)
    scan = scan_of({"eps_ee_V": (-0.3, 0.5), "eps_mumu_V": (-0.2, 0.3)}, combinations=BOTH)
    found = scan_rows(used, scan, 0, 9)
    e, mu = (axis.values() for axis in scan.axes)
    point = {"eps_ee_uV": e[:, None], "eps_ee_dV": e[:, None], "eps_mumu_uV": mu, "eps_mumu_dV": mu}
    np.testing.assert_allclose(found, chi2_at(used, "contact", point), rtol=1e-9)


@pytest.mark.parametrize("analysis", ANALYSES)
def test_ranges_along_a_combination_are_where_chi2_crosses(analysis: str, model: Callable[..., Model]) -> None:
    used = model(analysis)
    scan = scan_of({"eps_ee_V": (-0.5, 0.7), "eps_mumu_V": (-0.5, 0.7)}, combinations=BOTH)
    rows = [row for row in scan_ranges(used, scan) if row.other_parameters == "zero"]
    assert {row.parameter for row in rows} == {"eps_ee_V", "eps_mumu_V"}
    least = min(scan_rows(used, replace(scan, axes=tuple(replace(a, points=201) for a in scan.axes)), 0, 201).ravel())
    for row in rows:
        for end in (row.lower, row.upper):
            quarks = BOTH[row.parameter]
            value = float(chi2_at(used, "contact", dict.fromkeys(quarks, end)))
            assert value - least == pytest.approx(row.delta_chi2, abs=0.02)  # a grid's least is not the least


@pytest.mark.parametrize("analysis", ANALYSES)
def test_a_nuisance_on_an_axis_is_held_with_its_prior(analysis: str, model: Callable[..., Model]) -> None:
    used = model(analysis)
    name, values = nuisance_of(used), np.array([-0.1, 0.0, 0.07, 0.3])
    point = {"eps_ee_dV": np.array([[-0.1], [0.2], [0.4]]), name: values}
    found = chi2(used, "contact", point, {})
    assert found.shape == (3, 4)
    np.testing.assert_allclose(found, chi2_at(used, "contact", point), rtol=1e-9)
    for i, j in np.ndindex(3, 4):
        at = profiled(used, "contact", {"eps_ee_dV": point["eps_ee_dV"][i, 0], name: values[j]})
        assert at.nuisances[0, 0] == values[j]
    free = profiled(used, "contact", {"eps_ee_dV": 0.2})
    best = chi2(used, "contact", {"eps_ee_dV": 0.2, name: free.nuisances[0, 0]}, {})
    assert float(best) == pytest.approx(free.chi2[0], abs=1e-8)
    assert (chi2(used, "contact", {"eps_ee_dV": 0.2, name: values}, {}) >= free.chi2[0] - 1e-9).all()


@pytest.mark.parametrize("analysis", ANALYSES)
def test_what_a_nuisance_is_minimised_over_beside_is_what_it_is_profiled_over(
    analysis: str, model: Callable[..., Model]
) -> None:
    used = model(analysis)
    axis = Axis(name=nuisance_of(used), minimum=-0.9, maximum=0.9, points=61)
    couplings = {"eps_ee_dV": np.linspace(-0.2, 0.5, 5)}
    found = least_chi2(used, "contact", couplings, {}, (axis,))
    np.testing.assert_allclose(found, chi2_at(used, "contact", couplings), atol=1e-7)


@pytest.mark.parametrize("analysis", ANALYSES)
@pytest.mark.parametrize("held", ["nuisance", "cevns_normalization"])
def test_a_domain_is_minimised_over_beside_what_is_held(held: str, analysis: str, model: Callable[..., Model]) -> None:
    used = model(analysis)
    name = nuisance_of(used) if held == "nuisance" else held
    domain = {"eps_ee_uV": (-0.2, 0.1), "eps_mumu_dV": (-0.1, 0.15)}
    grid = np.meshgrid(*(np.linspace(*ends, 41) for ends in domain.values()), indexing="ij")
    for value in (0.2, 0.8):
        elsewhere = {name: value, "eps_mumu_uV": 0.1}

        def at(x: Any, elsewhere: dict[str, float] = elsewhere) -> Any:
            return chi2_at(used, "contact", {**elsewhere, **dict(zip(domain, x, strict=True))})

        start = np.unravel_index(at(grid).argmin(), grid[0].shape)
        settings: Any = {"xatol": 1e-9, "fatol": 1e-10, "maxiter": 2000}
        first = np.array([float(axis[start]) for axis in grid])
        fit = minimize(at, first, bounds=list(domain.values()), method="Nelder-Mead", options=settings)
        assert float(chi2(used, "contact", elsewhere, domain)) == pytest.approx(float(fit.fun), abs=1e-6)


@pytest.mark.parametrize("analysis", ANALYSES)
@pytest.mark.parametrize("interaction", ["contact", "light_mediator"])
def test_the_normalization_multiplies_the_signal(interaction: str, analysis: str, model: Callable[..., Model]) -> None:
    used = model(analysis)
    own = {} if interaction == "contact" else {"mediator_mass_mev": 20.0, "coupling": 5e-5}
    values = np.array([0.0, 0.5, 1.0, 1.7])
    (dataset,) = used.datasets
    counts = dataset.signal(interaction, own)[0]
    expected = used.profiled([(values[:, None] * counts, {})]).chi2
    np.testing.assert_allclose(chi2(used, interaction, {**own, "cevns_normalization": values}, {}), expected, rtol=1e-9)
    assert float(chi2(used, interaction, {**own, "cevns_normalization": 1.0}, {})) == float(
        chi2(used, interaction, own, {})
    )


def test_a_common_radius_is_that_of_each(model: Callable[..., Model]) -> None:
    used = model("csi_2017", nuclei="cs_and_i", form_factor="helm_rms")
    radii = {"r_n": {"neutron_radius_Cs133_fm": 1, "neutron_radius_I127_fm": 1}}
    scan = scan_of({"r_n": (4.0, 6.0), "sin2_theta_w": (0.2, 0.3)}, combinations=radii)
    assert [axis.name for axis in scan.axes] == ["sin2_theta_w", "r_n"]
    sin2, radius = (axis.values() for axis in scan.axes)
    point = {"sin2_theta_w": sin2[:, None], **dict.fromkeys(radii["r_n"], radius)}
    np.testing.assert_allclose(scan_rows(used, scan, 0, 9), chi2_at(used, "contact", point), rtol=1e-9)


def test_what_is_called_by_a_configuration_has_words() -> None:
    assert parameter("steady_state").label == r"$\mathrm{steady\_state}$"
    assert parameter("eps_ee_V").zero_is_standard_model
    assert combination("eps_ee_V", {"eps_ee_uV": 1, "eps_ee_dV": 1}).html == parameter("eps_ee_V").html
    with pytest.raises(
        ValueError, match=r"combination eps_ee_V: is written as that of eps_ee_uV times 1 and eps_ee_dV times 1"
    ):
        combination("eps_ee_V", {"eps_ee_uV": 1, "eps_ee_dV": 0.5})


@pytest.mark.parametrize("reference", ["minimum", "standard_model", "zero"])
@pytest.mark.parametrize("analysis", ANALYSES)
def test_delta_chi2_is_from_its_reference(
    reference: str, analysis: str, model: Callable[..., Model], tmp_path: Path
) -> None:
    used = model(analysis)
    scan = scan_of({"eps_ee_dV": (-0.3, 0.6), "eps_mumu_dV": (-0.3, 0.6)}, reference=reference)
    chunk, grid = str(tmp_path / "1.parquet"), str(tmp_path / "grid.parquet")
    write_chunk(chunk, used, scan, 1, {"scan": "mine"})
    write_grid(grid, scan, "mine", [chunk], [{"scan": "mine"}])
    found = read_parquet(grid, ["chi2", "delta_chi2"])
    standard_model = float(chi2(used, "contact", {}, {}))
    expected = {"minimum": found["chi2"].min(), "standard_model": standard_model, "zero": 0.0}[reference]
    np.testing.assert_allclose(found["delta_chi2"], found["chi2"] - expected, atol=1e-9)
    rows = scan_ranges(used, scan)
    if reference == "zero" and analysis == "csi_2017":
        assert rows == []  # 144 bins have a chi2 of more than 2.71
    elif reference == "standard_model":
        for row in rows:
            if row.other_parameters == "zero" and not row.ends_at_grid:
                at = chi2(used, "contact", {row.parameter: np.array([row.lower, row.upper])}, {})
                np.testing.assert_allclose(at - standard_model, row.delta_chi2, atol=1e-6)


COMPLAINTS: list[tuple[dict[str, Any], str]] = [
    ({"axes": {"eps_ee_X": {}}}, "axes.eps_ee_X: unknown parameter of interaction contact"),
    ({"combinations": {"both": {"eps_ee_uV": 1}}}, "combinations.both: neither axes, domain nor fixed name it"),
    (
        {"combinations": {"eps_ee_dV": {"eps_ee_uV": 1}}},
        "combinations.eps_ee_dV: combination eps_ee_dV: is the",
    ),
    (
        {"combinations": {"both": {"eps_xx_uV": 1}}},
        "combinations.both: combination both: 'eps_xx_uV' is no contact",
    ),
    (
        {"combinations": {"both": {"eps_ee_uV": 0}}},
        "combinations.both: combination both: eps_ee_uV times 0; expec",
    ),
    ({"nuisances": ["flux"]}, "nuisances.flux: neither axes, domain nor fixed name it"),
    ({"nuisances": ["g_p"], "fixed": {"g_p": 0.1}}, "nuisances.g_p: is the name of another parameter"),
    ({"fixed": {"cevns_normalization": -1}}, "fixed.cevns_normalization: -1; expected 0 or more"),
    ({"fixed": {"neutron_radius_mean_fm": 1.2}}, "fixed.neutron_radius_mean_fm: 1.2 fm; expected more than the skin's"),
    ({"reference": "best"}, "reference: 'best' is unknown; expected one of minimum, standard_model, zero"),
    (
        {"combinations": {"r": {"neutron_radius_mean_fm": 1}}, "domain": {"r": [4, 5]}},
        "domain: only contact parameters can be minimised over",
    ),
    (
        {
            "axes": {"eps_ee_matter": {"min": -1, "max": 1, "points": 5}},
            "domain": {"eps_ee_uV": [-1, 1], "eps_ee_dV": [-1, 1]},
            "combinations": {"both": {"eps_ee_uV": 1, "eps_mumu_uV": 1}},
            "fixed": {"both": 0.1},
        },
        "combinations.both: moves couplings whose sum is axis eps_ee_matter (Eq. 11); expected one",
    ),
]


@pytest.mark.parametrize(("keys", "said"), COMPLAINTS, ids=[said[:50] for _, said in COMPLAINTS])
def test_what_a_scan_cannot_name_is_refused(keys: dict[str, Any], said: str, config: dict[str, Any]) -> None:
    axis = {"min": -1, "max": 1, "points": 5}
    section = config["scans"]["ee_d_u"]
    config["scans"]["mine"] = section | keys
    if "axes" in keys:
        axes = {name: axis | given for name, given in keys["axes"].items()}
        config["scans"]["mine"]["axes"] = axes | {"eps_mumu_dV": axis}
    with pytest.raises(ConfigError) as caught:
        check(config)
    assert said in str(caught.value)


def test_an_analysis_has_the_nuisances_that_its_scans_name(config: dict[str, Any], root: Path) -> None:
    axes = {name: {"min": -0.2, "max": 0.2, "points": 5} for name in ("eps_ee_dV", "steady_state")}
    config["scans"]["pulls"] = config["scans"]["ee_d_u"] | {"axes": axes, "nuisances": ["steady_state"]}
    config["analyses"]["csi_2017"]["scans"] = ["pulls"]
    check(config)
    check_inputs(config, root)
    assert "steady_state" in {n.name for n in build_model(config, "csi_2017", root).nuisances}
    axes["steady_state"]["min"] = -1.5
    with pytest.raises(ConfigError, match=r"scans\.pulls\.axes\.steady_state\.min: -1\.5; expected -1 or more"):
        check_inputs(config, root)
    axes["steady_state"]["min"] = -0.2
    config["analyses"]["paper"]["scans"] = ["pulls"]
    with pytest.raises(ConfigError, match=r"scans\.pulls\.nuisances: 'steady_state' is none of analysis paper"):
        check_inputs(config, root)


@pytest.mark.parametrize(
    ("keys", "scan", "said"),
    [
        ({}, {"axes": "neutron_radius_mean_fm"}, "form_factor: 'klein_nystrand' has no radius; scan mine needs one of"),
        (
            {"form_factor": "helm_rms"},
            {"axes": "neutron_radius_Cs133_fm"},
            "nuclei: has not the nuclide of",
        ),
        (
            {"form_factor": "helm_rms_apart"},
            {"domain": True},
            "scan mine has a domain, and form_factor 'helm",
        ),
    ],
)
def test_radii_need_their_form_factor(
    keys: dict[str, Any], scan: dict[str, Any], said: str, config: dict[str, Any]
) -> None:
    names = ["eps_ee_dV", scan.get("axes", "eps_mumu_dV")]
    axes = {name: {"min": 3, "max": 7, "points": 5} for name in names}
    domain = {"domain": {"eps_etau_dV": [-1, 1]}} if "domain" in scan else {}
    config["scans"]["mine"] = config["scans"]["ee_d_u"] | {"axes": axes} | domain
    config["analyses"]["csi_2017"] |= {"scans": ["mine"], **keys}
    with pytest.raises(ConfigError) as caught:
        check(config)
    assert f"analyses.csi_2017{'.' if said[0] in 'fn' else ': '}{said}" in str(caught.value)


def test_a_scan_of_no_configuration_is_checked_alike() -> None:
    with pytest.raises(ConfigError, match="unknown parameter of interaction contact"):
        check_scan(scan_of({"eps_ee_dV": (-1, 1), "steady_state": (-1, 1)}))
