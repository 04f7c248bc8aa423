"""Likelihoods as files: pyhf, and plain sums over what they hold, find the chi2 that the library finds."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyhf
import pytest
from scipy.optimize import minimize

from cevnsi.arrays import FloatArray
from cevnsi.files.atomic import write_json
from cevnsi.model import Model, charge_derivatives, chi2_at, farthest_charges, held_at
from cevnsi.output.likelihood_files import (
    SETTINGS,
    NoLikelihood,
    about_workspace,
    factors_of,
    largest_difference,
    likelihood_files,
    plain_likelihood,
    standard_model_charges,
    with_offset_held,
    workspace,
)
from cevnsi.physics.weak_charge import ROWS, contact, tree_couplings, weak_charge_squared
from cevnsi.statistics.nuisances import Nuisance

pytestmark = pytest.mark.filterwarnings("ignore:jsonschema.RefResolver:DeprecationWarning")  # pyhf 0.7 reads by it
ROOT = Path(__file__).parents[2]
WITHIN = 1e-6  # of chi2, of either minimizer
ANALYSES = ("csi_2017", "lar_2020", "csi_2021")


@pytest.fixture(autouse=True)
def strict_minimizer() -> None:
    """Stops where 1e-12 of chi2 is left, not pyhf's 1e-6."""
    pyhf.set_backend("numpy", pyhf.optimize.scipy_optimizer(tolerance=1e-12, maxiter=10_000))


def least(made: dict[str, Any], fixed: dict[str, float]) -> tuple[float, dict[str, float]]:
    """-2 ln L of a workspace, the least with some parameters fixed, and all parameters there."""
    read = pyhf.Workspace(made)  # which checks the schema
    model = read.model(modifier_settings=SETTINGS)
    start, held = model.config.suggested_init(), model.config.suggested_fixed()
    places = {name: model.config.par_slice(name).start for name in model.config.par_order}
    for name, value in fixed.items():
        start[places[name]], held[places[name]] = value, True
    best, value = pyhf.infer.mle.fit(read.data(model), model, start, fixed_params=held, return_fitted_val=True)
    return float(value), {name: float(best[place]) for name, place in places.items()}


def some_charges(count: int) -> FloatArray:
    """Over the standard model's, (points, count): that first, none, less, more, and any."""
    random = np.random.default_rng(5)
    return np.array([[1.0] * count, [0.0] * count, [0.2] * count, [1.7] * count, *random.uniform(0, 3, (4, count))])


def used_of(model: Callable[..., Model], analysis: str, **choices: Any) -> Model:
    return with_offset_held(model(analysis, **choices))[0]


@pytest.mark.parametrize("analysis", ANALYSES)
def test_pyhf_finds_our_chi2_at_charges(analysis: str, model: Callable[..., Model]) -> None:
    used = used_of(model, analysis)
    made, names = workspace(used), factors_of(used)
    relative = some_charges(len(names))
    ours = charge_derivatives(used, relative * standard_model_charges(used))[0]
    theirs = np.array([least(made, dict(zip(names, each.tolist(), strict=True)))[0] for each in relative])
    assert np.ptp(ours) > 10  # points are not all alike
    np.testing.assert_allclose(theirs - theirs[0], ours - ours[0], rtol=0, atol=WITHIN)


@pytest.mark.parametrize("analysis", ANALYSES)
def test_pyhf_finds_our_best_fit(analysis: str, model: Callable[..., Model]) -> None:
    used = used_of(model, analysis)
    made, names, units = workspace(used), factors_of(used), standard_model_charges(used)

    def ours(relative: FloatArray) -> tuple[float, FloatArray]:
        chi2, gradient, _ = charge_derivatives(used, (relative * units)[None])
        return float(chi2[0]), gradient[0] * units

    ends = [(0.0, most) for most in farthest_charges(used) / units]
    found = minimize(ours, np.ones(units.size), jac=True, bounds=ends, options={"ftol": 1e-15, "gtol": 1e-9})
    theirs, best = least(made, {})
    standard, _ = least(made, dict.fromkeys(names, 1.0))
    assert theirs - standard == pytest.approx(found.fun - ours(np.ones(units.size))[0], abs=WITHIN)
    # chi2 is flat at its least: 1e-6 of it are a thousandth of what one unit of it allows
    np.testing.assert_allclose([best[name] for name in names], found.x, rtol=0, atol=2e-3)


@pytest.mark.parametrize("analysis", ["csi_2017", "lar_2020"])
def test_at_couplings_it_is_the_chi2_that_every_scan_has(analysis: str, model: Callable[..., Model]) -> None:
    used = used_of(model, analysis)
    made, names, units = workspace(used), factors_of(used), standard_model_charges(used)
    couplings = [{}, {"eps_ee_dV": 0.1}, {"eps_mumu_uV": -0.05, "eps_etau_dV": 0.2}]
    of_nucleons = tree_couplings(used.analysis.sin2_theta_w)
    theirs, ours = [], []
    for parameters in couplings:
        epsilon = contact(parameters)
        charges = [weak_charge_squared(n, row, epsilon, of_nucleons) for row in ROWS for n in used.nuclides]
        theirs.append(least(made, dict(zip(names, np.array(charges) / units, strict=True)))[0])
        ours.append(float(chi2_at(used, "contact", parameters)))
    np.testing.assert_allclose(np.array(theirs) - theirs[0], np.array(ours) - ours[0], rtol=0, atol=WITHIN)


def test_a_scale_times_a_shape_is_lumi_and_shapes_have_their_kinks(model: Callable[..., Model]) -> None:
    used = used_of(model, "csi_2021")
    made = workspace(used)
    samples = {sample["name"]: sample for sample in made["channels"][0]["samples"]}
    kinds = {each["name"]: each["type"] for each in samples["signal_mu_I127"]["modifiers"]}
    assert kinds["lumi"] == "lumi"
    assert "flux" not in kinds
    shapes = {name for name, kind in kinds.items() if kind == "histosys"}
    assert shapes == {"efficiency", "quenching_0", "quenching_1", "radius"}
    signal = samples["signal_mu_I127"]
    (efficiency,) = [each for each in signal["modifiers"] if each["name"] == "efficiency"]
    up, down = (np.array(efficiency["data"][side]) - signal["data"] for side in ("hi_data", "lo_data"))
    assert np.abs(up + down).max() > 1e-3 * np.abs(up).max()  # no mirror images
    (settings,) = [each for each in made["measurements"][0]["config"]["parameters"] if each["name"] == "lumi"]
    assert settings == {"name": "lumi", "inits": [1.0], "bounds": [[0.0, 3.0]], "auxdata": [1.0], "sigmas": [0.1]}


def test_a_free_scale_and_a_held_one(model: Callable[..., Model]) -> None:
    used = used_of(model, "csi_2017")
    nuisances = tuple(
        replace(n, sigma=None) if n.name == "prompt_neutrons" else replace(n, fixed=0.05)
        for n in used.dataset.nuisances
        if n.name != "signal_normalization"
    )
    other = replace(used, datasets=(replace(used.dataset, nuisances=nuisances),))
    made, names = workspace(other), factors_of(other)
    relative = some_charges(2)
    ours = charge_derivatives(other, relative * standard_model_charges(other))[0]
    theirs = [least(made, dict(zip(names, each.tolist(), strict=True))) for each in relative]
    np.testing.assert_allclose([value - theirs[0][0] for value, _ in theirs], ours - ours[0], rtol=0, atol=WITHIN)
    assert {*theirs[0][1]} == {*names, "prompt_neutrons"}


def changed(used: Model, *more: Nuisance, **every: Any) -> Model:
    """A model with further nuisances, and something else of all that it has."""
    nuisances = tuple(replace(n, **every) for n in used.dataset.nuisances)
    return replace(used, datasets=(replace(used.dataset, nuisances=(*nuisances, *more)),))


def test_what_no_workspace_can_say_is_refused(model: Callable[..., Model]) -> None:
    with pytest.raises(NoLikelihood, match="time_offset_us: is fitted, and moves signal_e_Cs133 in time"):
        workspace(model("csi_2021"))
    with pytest.raises(NoLikelihood, match="gaussian counts; expected Poisson's"):
        workspace(model("paper"))
    with pytest.raises(NoLikelihood, match="expected one form factor"):
        workspace(model("lar_2020_radius"))
    held = used_of(model, "csi_2021")
    own = Nuisance(name="own", sigma=0.1, scales=("signal",), least=-1.0)
    with pytest.raises(NoLikelihood, match="signal_e_Cs133: scaled by flux, own; expected one, where it is a factor"):
        workspace(changed(held, own))
    shift = np.ones(np.size(held.dataset.measurement.observed))
    shape = Nuisance(name="bend", sigma=1.0, shifts={"steady_state": (shift, None)})
    with pytest.raises(NoLikelihood, match="nuisances flux, steady_state: scale what others shape; expected one such"):
        workspace(changed(held, shape))
    only = used_of(model, "csi_2017")
    bend = replace(shape, sigma=None, shifts={"prompt_neutrons": (np.ones(144), None)})
    with pytest.raises(NoLikelihood, match="bend: a shape without a prior"):
        workspace(changed(changed(only, fixed=0.0), bend))


def test_the_offset_is_held_where_the_standard_model_is_best(model: Callable[..., Model]) -> None:
    whole = model("csi_2021")
    held, said = with_offset_held(whole)
    assert said == "time_offset_us held at 0.07"
    best = float(chi2_at(whole, "contact", {}))
    assert 0 <= float(chi2_at(held, "contact", {})) - best < 1e-3
    beside, _ = held_at(whole, {"time_offset_us": 0.1})
    assert float(chi2_at(beside, "contact", {})) - best > 0.1
    assert with_offset_held(held) == (held, "")


def test_what_holding_the_offset_costs_is_what_the_docs_and_the_file_say(model: Callable[..., Model]) -> None:
    whole = model("csi_2021")
    _, about = about_workspace(whole)
    costs = {offset: largest_difference(whole, with_offset_held(whole, offset)[0]) for offset in (0.07, 0.0)}
    assert f"another by up to {costs[0.07]:.2f} where" in about["description"]
    page = " ".join((ROOT / "docs" / "hepdata.md").read_text(encoding="utf-8").split())
    assert f"by up to {costs[0.07]:.2f} (at an offset of zero {costs[0.0]:.2f})" in page
    assert largest_difference(whole, whole) == 0


def test_its_bytes_repeat_and_it_says_what_its_factors_are(model: Callable[..., Model], tmp_path: Path) -> None:
    used = model("lar_2020")
    for name in ("a", "b"):
        made = likelihood_files("lar_2020", used)
        write_json(tmp_path / name, [content for content, _ in made.values()])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert list(made) == ["lar_2020-workspace.json", "lar_2020-about_workspace.json"]
    about = made["lar_2020-about_workspace.json"][0]
    assert about["standard_model"]["relative_charge_squared_e_Ar40"] == pytest.approx(
        (18 * (0.5 - 2 * 0.23857) - 22 / 2) ** 2, rel=1e-12
    )


def block(with_text: str) -> str:
    """The block of Python in the docs that has some text."""
    page = (ROOT / "docs" / "hepdata.md").read_text(encoding="utf-8")
    (found,) = [each for each in re.findall(r"^```python\n(.*?)^```$", page, re.S | re.M) if with_text in each]
    return str(found)


@pytest.mark.parametrize("analysis", ["paper", "release"])
@pytest.mark.parametrize("relative", [(1.0, 1.0), (0.0, 0.0), (0.3, 2.0), (1.9, 0.1)])
def test_five_lines_of_the_docs_compute_eq_7(
    analysis: str,
    relative: tuple[float, float],
    model: Callable[..., Model],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    used = model(analysis)
    for file, (content, _) in likelihood_files(analysis, used).items():
        write_json(tmp_path / file.replace(analysis, "paper"), content)
    monkeypatch.chdir(tmp_path)
    text = block("paper-likelihood.json")
    charges = np.array(relative) * standard_model_charges(used)
    other = text.replace('np.array(known["standard_model"])', f"np.array({charges.tolist()})")
    assert other != text
    found: dict[str, Any] = {}
    exec(compile(other, "hepdata.md", "exec"), found)
    (ours,) = charge_derivatives(used, charges[None])[0]
    assert found["chi2"] == pytest.approx(ours, rel=0, abs=1e-9)
    as_written: dict[str, Any] = {}
    exec(compile(text, "hepdata.md", "exec"), as_written)
    assert as_written["chi2"] == pytest.approx(float(chi2_at(used, "contact", {})), rel=0, abs=1e-9)


def test_eq_7_of_other_counts_is_refused(model: Callable[..., Model]) -> None:
    with pytest.raises(NoLikelihood, match=r"poisson counts; expected those of Eq\. 7"):
        plain_likelihood(model("lar_2020"))
    with pytest.raises(NoLikelihood, match="expected one form factor"):
        plain_likelihood(model("paper", form_factor="helm_rms_apart", nuclei="cs_and_i"))


def test_the_docs_read_a_workspace(
    model: Callable[..., Model], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used = model("csi_2017")
    for file, (content, _) in likelihood_files("csi_2017", used).items():
        write_json(tmp_path / file, content)
    monkeypatch.chdir(tmp_path)
    found: dict[str, Any] = {}
    exec(compile(block("csi_2017-workspace.json"), "hepdata.md", "exec"), found)
    ours = charge_derivatives(used, np.array([[0.5, 1.0], [1.0, 1.0]]) * standard_model_charges(used))[0]
    assert found["chi2"] == pytest.approx(ours[0] - ours[1], abs=WITHIN)
    assert found["about"]["modifier_settings"] == SETTINGS
