"""Poisson chi2 with shapes that have kinks and an offset of the time axis: against the plain way, and that itself."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

from cevnsi.arrays import FloatArray
from cevnsi.experiments.clock import Shares
from cevnsi.experiments.csi_2017_time import STEADY_STATE, read_energy_time
from cevnsi.experiments.measurement import PHOTOELECTRONS
from cevnsi.fast import poisson
from cevnsi.fast.poisson import Following, derivatives_over_nuisances, is_handled, least_over_nuisances
from cevnsi.fits import best_fit
from cevnsi.model import Model, charge_derivatives, chi2_at, cut, held_at, profiled
from cevnsi.parameters import Axis
from cevnsi.scans.axes import Scan
from cevnsi.scans.rows import scan_rows
from cevnsi.statistics.nuisances import SIGNAL, Nuisance
from energy_time import PATHS, made
from moving import OFFSETS, moving_experiment, moving_model
from points import nuisances_chi2

WITHIN = 1e-9
PLANE = {"eps_ee_dV": np.linspace(-1, 1, 5)[:, None], "eps_mumu_dV": np.linspace(-0.8, 0.9, 41)}
MEDIATOR = {"mediator_mass_mev": np.geomspace(1, 1e4, 4)[:, None], "coupling": np.geomspace(1e-6, 1e-2, 33)}


def kinked_beside_a_scale(model: Model) -> Model:
    """A nuisance that has a kink in the signal and scales a background: its slope above is not that of the kink."""
    (dataset,) = model.datasets
    scales = {"efficiency": ("neutrons",), "radius": ("steady_state",)}
    both = tuple(replace(n, scales=scales.get(n.name, n.scales)) for n in dataset.nuisances)
    return replace(model, datasets=(replace(dataset, nuisances=both),))


def tilted(model: Model) -> Model:
    """A background with a kink in its shape, beside scales."""
    (dataset,) = model.datasets
    steady = dataset.measurement.backgrounds[STEADY_STATE]
    tilt = np.linspace(-0.4, 0.5, steady.size) * steady
    shape = Nuisance(name="tilt", sigma=1.0, shifts={STEADY_STATE: (tilt, -0.3 * tilt + 0.05 * steady)})
    return replace(model, datasets=(replace(dataset, nuisances=(*dataset.nuisances, shape)),))


@pytest.fixture(scope="module")
def models(model: Callable[..., Model]) -> Mapping[str, Model]:
    analysis = model("release").analysis
    moving, csi = moving_model(analysis), made(read_energy_time(PATHS), analysis, "mean")
    (dataset,), (other,) = moving.datasets, csi.datasets
    flux = (Nuisance(name="flux", sigma=0.1, scales=(SIGNAL,), least=-1.0), *other.nuisances)
    held = tuple(replace(n, fixed={"efficiency": -0.7, "offset": 0.03}.get(n.name)) for n in dataset.nuisances)
    return {
        "moving": moving,
        "other counts": moving_model(analysis, seed=2),
        "joint": replace(moving, datasets=(dataset, replace(other, nuisances=flux))),
        "held": replace(moving, datasets=(replace(dataset, nuisances=held),)),
        "tilted": tilted(csi),
        "kinked beside a scale": kinked_beside_a_scale(moving),
    }


NAMES = ["moving", "other counts", "joint", "held", "tilted", "kinked beside a scale"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("interaction", "parameters"), [("contact", PLANE), ("light_mediator", MEDIATOR)])
def test_a_plane_is_the_plain_one(
    name: str,
    interaction: str,
    parameters: Mapping[str, Any],
    models: Mapping[str, Model],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Never by asking the plain way."""
    used = models[name]
    plain = chi2_at(used, interaction, parameters)

    def refused(*arguments: Any) -> None:
        raise AssertionError("the plain way was asked")

    monkeypatch.setattr(poisson, "chi2_at", refused)
    assert is_handled(used)
    np.testing.assert_allclose(least_over_nuisances(used, interaction, parameters), plain, rtol=1e-12, atol=WITHIN)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_no_minimum_is_missed_on_grids_fine_or_coarse(seed: int, model: Callable[..., Model]) -> None:
    """Of counts that differ: on the other side of a kink, or at another offset."""
    used, random = moving_model(model("release").analysis, seed=10 + seed), np.random.default_rng(seed)
    names = random.choice(["eps_ee_dV", "eps_ee_uV", "eps_mumu_dV", "eps_mumu_uV", "eps_emu_dV"], 2, replace=False)
    ends = np.sort(random.uniform(-1.5, 1.5, (2, 2)), axis=1)
    for points in (9, 70):
        first, last = (np.linspace(span[0], span[1], n) for span, n in zip(ends, (6, points), strict=True))
        plane = dict(zip(names.tolist(), (first[:, None], last), strict=True))
        plain = chi2_at(used, "contact", plane)
        np.testing.assert_allclose(least_over_nuisances(used, "contact", plane), plain, rtol=1e-12, atol=WITHIN)


@pytest.mark.parametrize("name", ["moving", "joint", "tilted"])
def test_no_bit_depends_on_what_goes_together(name: str, models: Mapping[str, Model]) -> None:
    used = models[name]
    axes = tuple(
        Axis(name=k, minimum=float(v.min()), maximum=float(v.max()), points=v.size, scale="linear")
        for k, v in PLANE.items()
    )
    plane = Scan(
        name="plane",
        interaction="contact",
        axes=axes,
        projections=(tuple(PLANE),),
        confidence_levels=(),
        n_dof=(),
        chunks=1,
    )
    whole = scan_rows(used, plane, 0, 5)
    np.testing.assert_array_equal(scan_rows(used, plane, 0, 5, threads=2), whole)
    np.testing.assert_array_equal(np.concatenate([scan_rows(used, plane, k, k + 1) for k in range(5)]), whole)
    points = {name: np.random.default_rng(1).uniform(-1, 1, 300) for name in PLANE}
    alone = least_over_nuisances(used, "contact", points)
    for part in ([3], [299, 0], list(range(40, 141))):
        some = {name: value[part] for name, value in points.items()}
        np.testing.assert_array_equal(least_over_nuisances(used, "contact", some), alone[part])


@pytest.mark.parametrize("name", NAMES)
def test_derivatives_by_charge_are_the_plain_ones(name: str, models: Mapping[str, Model]) -> None:
    used = models[name]
    charges = np.random.default_rng(2).uniform(0, 6000, (60, 2 * len(used.nuclides)))
    charges[:5] = 0.0
    found, plain = derivatives_over_nuisances(used, "contact", charges), charge_derivatives(used, charges)
    np.testing.assert_allclose(found[0], plain[0], rtol=1e-12, atol=WITHIN)
    for mine, theirs in zip(found[1:], plain[1:], strict=True):
        # gradients are as good as the place of the minimum, the root of what chi2 is good to
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-6 * np.abs(theirs).max())


@pytest.mark.parametrize("name", NAMES)
def test_descents_that_are_followed_are_where_they_would_be(name: str, models: Mapping[str, Model]) -> None:
    """Of steps that get shorter: where another minimum over nuisances is lower, that is found at their end."""
    used, random = models[name], np.random.default_rng(4)
    charges = random.uniform(0, 4000, (12, 2 * len(used.nuclides)))
    follow, every = Following(model=used, interaction="contact"), np.arange(12)
    for size in (2000.0, 300.0, 40.0, 5.0, 0.5):
        follow(charges, every)
        charges = np.abs(charges + random.uniform(-size, size, charges.shape))
    before = follow(charges, every)[0]
    lower = follow.improve(charges, every)
    found, plain = follow(charges, every), derivatives_over_nuisances(used, "contact", charges)
    assert ((found[0] < before - WITHIN) == lower).all()
    np.testing.assert_allclose(found[0], plain[0], rtol=1e-12, atol=WITHIN)
    for mine, theirs in zip(found[1:], plain[1:], strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-6 * np.abs(theirs).max())
    follow.start_from(every + 12, every)
    np.testing.assert_allclose(follow(charges, every + 12)[0], plain[0], rtol=1e-12, atol=WITHIN)


@pytest.mark.parametrize("point", [{}, {"eps_ee_dV": 0.4}, {"eps_mumu_uV": -0.3, "eps_emu_dV": 0.2}], ids=range(3))
def test_the_plain_way_is_the_least_of_many_descents(point: dict[str, float], models: Mapping[str, Model]) -> None:
    """By a quasi-Newton method with limits, from random nuisances."""
    used, random = models["moving"], np.random.default_rng(5)
    chi2_of = nuisances_chi2(used, point)

    def function(theta: FloatArray) -> float:
        value = chi2_of(theta)
        return value if np.isfinite(value) else 1e9

    limits = [
        (n.least if np.isfinite(n.least) else -5.0, n.most if np.isfinite(n.most) else 5.0) for n in used.nuisances
    ]
    found = profiled(used, "contact", point)
    assert float(function(found.nuisances[0])) == pytest.approx(float(found.chi2[0]), rel=1e-11)
    ends = []
    for _ in range(8):
        start = [random.uniform(max(low, -1), min(high, 1)) for low, high in limits]
        made_by = minimize(function, start, method="L-BFGS-B", bounds=limits, options={"ftol": 1e-15, "gtol": 1e-8})
        ends.append(float(made_by.fun))
    assert found.chi2[0] <= min(ends) + 1e-9
    assert found.chi2[0] == pytest.approx(min(ends), abs=1e-4)  # no gradient is smooth at a kink


def test_counts_at_an_offset_are_those_of_times_that_are_later(models: Mapping[str, Model]) -> None:
    """A nuisance that is an offset, against data whose shares were made at it."""
    used = models["moving"]
    (dataset,) = used.datasets
    assert dataset.clock is not None
    at = float(OFFSETS[33])
    fixed, _ = held_at(used, {"offset": at})
    clock = {name: shares.values[33] for name, shares in dataset.clock.shares.items()}
    still = replace(
        dataset.clock,
        shares={
            name: Shares(offsets=OFFSETS, values=np.broadcast_to(values, (OFFSETS.size, *values.shape)))
            for name, values in clock.items()
        },
    )
    other, _ = held_at(replace(used, datasets=(replace(dataset, clock=still),)), {"offset": 0.0})
    assert float(chi2_at(fixed, "contact", {})) == pytest.approx(float(chi2_at(other, "contact", {})), rel=1e-12)


def test_the_signal_is_counted_at_the_best_offset(models: Mapping[str, Model]) -> None:
    """The amplitude times the standard model's counts there."""
    used, record = models["moving"], best_fit(models["moving"])
    offset = record["nuisances"]["offset"]["value"]
    fixed, _ = held_at(used, {"offset": offset})
    assert record["sm_counts"]["all"] == pytest.approx(float(used.standard_model_counts.sum()), rel=1e-12)
    expected = best_fit(fixed)["cevns_counts"]["value"]
    assert record["cevns_counts"]["value"] == pytest.approx(expected, rel=1e-5)
    assert expected / best_fit(fixed)["sm_counts"]["all"] == pytest.approx(
        record["cevns_counts"]["value"] / float(fixed.standard_model_counts.sum()), rel=1e-5
    )


def test_nuisances_keep_within_their_limits(model: Callable[..., Model]) -> None:
    """Of counts that come later than any offset allows."""
    experiment, analysis = moving_experiment(), moving_model(model("release").analysis)
    (dataset,) = analysis.datasets
    late = dataset.measurement.observed.reshape(dataset.measurement.shape).copy()
    late[:, :3], late[:, 4] = 0.0, 40.0
    used = replace(
        analysis, datasets=(replace(dataset, measurement=replace(dataset.measurement, observed=late.ravel())),)
    )
    assert experiment.clock is not None
    found = profiled(used, "contact", {})
    offset = [n.name for n in used.nuisances].index("offset")
    assert found.nuisances[0, offset] == 0.25
    assert float(least_over_nuisances(used, "contact", {})) == pytest.approx(float(found.chi2[0]), abs=WITHIN)


def test_shapes_are_cut_with_their_bins(models: Mapping[str, Model]) -> None:
    """Of a window: counts and what nuisances shift are those of the whole there."""
    (whole,) = models["tilted"].datasets
    low, high = whole.measurement.axes[PHOTOELECTRONS][[1, 4]]
    part = cut(whole, PHOTOELECTRONS, low, high)
    here = slice(1, 4)
    tilt = whole.nuisances[-1].shifts[STEADY_STATE], part.nuisances[-1].shifts[STEADY_STATE]
    for mine, theirs in zip(tilt[1], tilt[0], strict=True):
        assert mine is not None
        assert theirs is not None
        np.testing.assert_array_equal(mine, theirs.reshape(whole.measurement.shape)[here].ravel())
    used = replace(models["tilted"], datasets=(part,))
    assert float(least_over_nuisances(used, "contact", {})) == pytest.approx(float(chi2_at(used, "contact", {})))


def test_offsets_beyond_what_is_known_are_refused(models: Mapping[str, Model]) -> None:
    (dataset,) = models["moving"].datasets
    *others, offset = dataset.nuisances
    beyond = [replace(offset, most=0.3), replace(offset, least=-np.inf), replace(offset, most=1.0, fixed=0.3)]
    for changed in beyond:
        with pytest.raises(ValueError, match=r"nuisance offset: from .* to .*; expected offsets at which shares of"):
            replace(dataset, nuisances=(*others, changed))
    replace(dataset, nuisances=(*others, replace(offset, least=-1.0, most=1.0, fixed=0.2)))


def test_starts_of_one_name_are_the_same(models: Mapping[str, Model]) -> None:
    used = models["moving"]
    (dataset,) = used.datasets
    *others, offset = dataset.nuisances
    second = replace(dataset, nuisances=(*others, replace(offset, starts=())))
    with pytest.raises(ValueError, match=r"nuisance offset: starts .* and .* in two data sets"):
        replace(used, datasets=(dataset, second)).nuisances  # noqa: B018
