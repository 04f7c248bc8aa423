"""Poisson chi2 of whole planes against the plain way, and that no bit of it depends on what goes together."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from iminuit import Minuit

from cevnsi.arrays import FloatArray
from cevnsi.experiments.csi_2017_time import NEUTRONS, STEADY_STATE, read_energy_time
from cevnsi.experiments.measurement import Control, Measurement
from cevnsi.fast import poisson_scales
from cevnsi.fast.poisson_scales import derivatives_over_scales, has_scales_alone, least_over_scales
from cevnsi.model import DataSet, Model, charge_derivatives, chi2_at
from cevnsi.parameters import Axis
from cevnsi.physics.interactions import INTERACTIONS
from cevnsi.physics.weak_charge import quark_numbers, standard_model_charge
from cevnsi.scans import chi2 as chi2_module
from cevnsi.scans import rows as rows_module
from cevnsi.scans.axes import Scan
from cevnsi.scans.limits import scan_ranges
from cevnsi.scans.rows import scan_rows
from cevnsi.statistics.nuisances import SIGNAL, Nuisance
from energy_time import PATHS, made
from points import by_epsilon, nuisances_chi2

# Both ways stop where chi2 has nothing to fall by: the plain one at 1e-13 of it, this one at 1e-8 of a decrement, which
# is 3e-13 of chi2. What is left is rounding.
WITHIN = 1e-9

FLUX = Nuisance(name="flux", sigma=0.1, scales=(SIGNAL, NEUTRONS))


def with_nuisances(model: Model, *nuisances: Nuisance) -> Model:
    return replace(model, datasets=tuple(replace(dataset, nuisances=nuisances) for dataset in model.datasets))


def in_energy_alone(dataset: DataSet, nuisances: tuple[Nuisance, ...]) -> DataSet:
    """Poisson counts of a data set that has others: the standard model's over a background, none in the last bin."""
    bins = dataset.measurement.observed.size
    background = np.linspace(9.0, 2.0, bins)
    observed = np.rint(1.2 * dataset.signal("contact", {})[0] + background)
    observed[-1] = 0.0
    measurement = Measurement(axes=dataset.measurement.axes, observed=observed, backgrounds={NEUTRONS: background})
    return replace(dataset, measurement=measurement, nuisances=nuisances, statistic="poisson")


@pytest.fixture(scope="module")
def models(model: Callable[..., Model]) -> Mapping[str, Model]:
    tables, release = read_energy_time(PATHS), model("release")
    csi = {nuclei: made(tables, release.analysis, nuclei) for nuclei in ("mean", "cs_and_i")}
    mean = csi["mean"]
    (dataset,) = mean.datasets
    signal, neutrons, steady = dataset.nuisances
    energy = in_energy_alone(model("release", nuclei="cs_and_i").dataset, (replace(FLUX, scales=(SIGNAL,)),))
    return {
        **csi,
        "free signal": with_nuisances(mean, replace(signal, sigma=None), neutrons, steady),
        "without least": with_nuisances(mean, *(replace(each, least=-np.inf) for each in dataset.nuisances)),
        "one of several, several of one": with_nuisances(mean, FLUX, signal, neutrons, steady),
        "at rest": with_nuisances(mean, replace(signal, least=-0.05), replace(neutrons, least=0.1), steady),
        "held": with_nuisances(mean, replace(signal, fixed=0.1), neutrons, replace(steady, fixed=-0.05)),
        "nothing unknown": with_nuisances(mean),
        "energy alone": replace(release, datasets=(energy,)),
        "joint": replace(
            release,
            datasets=(replace(dataset, nuisances=(FLUX, signal, steady)), energy),
        ),
    }


MODELS = (
    *("mean", "cs_and_i", "free signal", "without least", "one of several, several of one", "at rest"),
    *("held", "nothing unknown", "energy alone", "joint"),
)
CONTACT = {
    "both flavors": ("eps_ee_dV", "eps_mumu_dV", 1.0),
    "one flavor": ("eps_ee_dV", "eps_ee_uV", 1.0),
    "large": ("eps_mumu_uV", "eps_emu_dV", 1e3),
    "off the diagonal": ("eps_mutau_dV_imag", "eps_ee_uV", 3.0),
}


def contact_plane(name: str, points: tuple[int, int], most: float = np.inf) -> dict[str, FloatArray]:
    first, second, reach = CONTACT[name]
    reach = min(reach, most)
    return {first: np.linspace(-reach, reach, points[0])[:, None], second: np.linspace(-reach, reach, points[1])}


def mediator_plane(points: tuple[int, int]) -> dict[str, FloatArray]:
    return {
        "mediator_mass_mev": np.geomspace(1, 1e4, points[0])[:, None],
        "coupling": np.geomspace(1e-6, 1e-1, points[1]),
    }


@pytest.fixture
def not_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*arguments: Any) -> None:
        raise AssertionError("the plain way")

    monkeypatch.setattr(poisson_scales, "chi2_at", refused)
    monkeypatch.setattr(poisson_scales, "charge_derivatives", refused)


@pytest.mark.usefixtures("not_plain")
@pytest.mark.parametrize("plane", CONTACT)
@pytest.mark.parametrize("name", MODELS)
def test_a_plane_of_contact_couplings_is_the_plain_one(name: str, plane: str, models: Mapping[str, Model]) -> None:
    # beyond 100, where two scales add up to next to nothing, the plain way may end early: at 1679 for 160
    used, parameters = models[name], contact_plane(plane, (9, 75), 100.0 if "several" in name else np.inf)
    assert has_scales_alone(used)
    assert any((dataset.measurement.observed == 0).any() for dataset in used.datasets)
    found = least_over_scales(used, "contact", parameters)
    assert found.shape == (9, 75)
    # without a nuisance chi2 grows to 1e10
    np.testing.assert_allclose(found, chi2_at(used, "contact", parameters), rtol=1e-12, atol=WITHIN)


@pytest.mark.parametrize("name", MODELS)
def test_a_plane_of_a_light_mediator_is_the_plain_one(name: str, models: Mapping[str, Model]) -> None:
    """Where the plain way is good to that: it keeps a scale to 1e-16 of one, and ends early where two add up to that.

    Where the charge all but vanishes a free scale makes counts of the rounding of the signal.
    """
    used, parameters = models[name], mediator_plane((13, 70))
    found = least_over_scales(used, "light_mediator", parameters)
    plain = chi2_at(used, "light_mediator", parameters)
    seen = sum(dataset.measurement.observed.sum() for dataset in used.datasets)
    excess = sum(dataset.signal("light_mediator", parameters)[0].sum(axis=-1) for dataset in used.datasets) / seen
    good = (excess < (1e5 if "several" in name else 1e10)) & (excess > (1e-6 if "free" in name else 0))
    assert good.sum() > 0.75 * good.size
    np.testing.assert_allclose(found[good], plain[good], rtol=1e-12, atol=1e-8)
    assert (found <= plain * (1 + 1e-12) + 1e-5).all()


def test_a_signal_that_is_far_too_large_keeps_its_digits(models: Mapping[str, Model]) -> None:
    """Newton's steps of numbers with three digits more, where the plain way is short of some."""
    used, parameters = models["mean"], {"mediator_mass_mev": np.array([1.0]), "coupling": np.array([0.1])}
    (dataset,) = used.datasets
    observed = dataset.measurement.observed.astype(np.longdouble)
    signal = dataset.signal("light_mediator", parameters)[0]
    assert signal.sum() > 1e11 * observed.sum()
    shapes = np.concatenate([signal, list(dataset.measurement.backgrounds.values())]).astype(np.longdouble)
    precision = np.array([nuisance.sigma or np.inf for nuisance in used.nuisances], np.longdouble) ** -2
    scale = np.array([130 / shapes[0].sum(), 1, 1], np.longdouble)
    for _ in range(30):
        mean = scale @ shapes
        slope = shapes @ (1 - observed / mean) + precision * (scale - 1)
        curvature = (shapes * observed / mean**2) @ shapes.T + np.diag(precision)
        unit = np.sqrt(np.diag(curvature)).astype(float)  # LAPACK knows double alone, and corrects what it leaves
        scaled = (curvature / np.outer(unit, unit)).astype(float)
        scale = scale - np.linalg.solve(scaled, (slope / unit).astype(float)) / unit
    mean, seen = scale @ shapes, observed > 0
    expected = 2 * (mean.sum() - observed.sum() + (observed[seen] * np.log(observed[seen] / mean[seen])).sum())
    expected += (precision * (scale - 1) ** 2).sum()
    assert least_over_scales(used, "light_mediator", parameters)[0] == pytest.approx(float(expected), abs=WITHIN)


@pytest.mark.usefixtures("not_plain")
@pytest.mark.parametrize("name", MODELS)
def test_where_a_charge_vanishes(name: str, models: Mapping[str, Model]) -> None:
    """Of a nucleus; what a free scale then multiplies is next to nothing, and the scale huge."""
    used = models[name]
    nuclide = used.nuclides[0]
    at = -float(standard_model_charge(nuclide, used.couplings_at({}))) / quark_numbers(nuclide)["d"]
    near = at * (1 + np.concatenate([-np.geomspace(1, 1e-3, 20), np.geomspace(1e-3, 1, 20)]))
    for parameters in (
        {"eps_ee_dV": near[:, None], "eps_mumu_dV": near},
        {"eps_ee_dV": np.array([[at]]), "eps_mumu_dV": near},
    ):
        found = least_over_scales(used, "contact", parameters)
        np.testing.assert_allclose(found, chi2_at(used, "contact", parameters), rtol=1e-12, atol=WITHIN)


@pytest.mark.parametrize("name", ["mean", "cs_and_i", "joint", "one of several, several of one"])
def test_random_points_are_those_of_iminuit(name: str, models: Mapping[str, Model]) -> None:
    used, random = models[name], np.random.default_rng(20261126)
    for _ in range(3):
        parameters = {coupling: random.uniform(-1, 1) for coupling in ("eps_ee_uV", "eps_ee_dV", "eps_mumu_dV")}
        minuit = Minuit(nuisances_chi2(used, parameters), np.zeros(len(used.nuisances)))
        minuit.limits = [(nuisance.least if np.isfinite(nuisance.least) else None, None) for nuisance in used.nuisances]
        minuit.strategy, minuit.tol = 2, 1e-6
        minuit.migrad().migrad()
        found = least_over_scales(used, "contact", {each: np.array(value) for each, value in parameters.items()})
        assert float(found) == pytest.approx(minuit.fval, abs=1e-6)


def scan_of(parameters: Mapping[str, FloatArray]) -> Scan:
    light = "coupling" in parameters
    axes = tuple(
        Axis(
            name=name,
            minimum=float(values.min()),
            maximum=float(values.max()),
            points=values.size,
            scale="log" if light else "linear",
        )
        for name, values in parameters.items()
    )
    return Scan(
        name="s",
        interaction="light_mediator" if light else "contact",
        axes=axes,
        projections=(tuple(parameters),),
        confidence_levels=(0.9,),
        n_dof=(2,),
    )


PLANES = {
    "contact": contact_plane("both flavors", (6, 131)),
    "large": contact_plane("large", (9, 66)),
    "mediator": mediator_plane((5, 67)),
    "mediator, coupling first": dict(reversed([(k, v.T) for k, v in mediator_plane((67, 5)).items()])),
}


@pytest.mark.parametrize("plane", PLANES)
@pytest.mark.parametrize("name", ["cs_and_i", "joint"])
@settings(max_examples=4)  # each makes a plane
@given(data=st.data())
def test_no_bit_depends_on_chunks_blocks_and_threads(
    name: str, plane: str, data: st.DataObject, models: Mapping[str, Model]
) -> None:
    used, scan = models[name], scan_of(PLANES[plane])
    rows = scan.shape[0]
    whole = _wholes(used, name, plane, scan)
    cuts = sorted(data.draw(st.sets(st.integers(1, rows - 1), max_size=4)))
    at_once, threads = data.draw(st.integers(1, 20_000)), data.draw(st.sampled_from([1, 3]))
    with pytest.MonkeyPatch.context() as patched:
        for module in (rows_module, chi2_module):
            patched.setattr(module, "VALUES_AT_ONCE", at_once)
        found = [
            scan_rows(used, scan, start, stop, threads) for start, stop in zip([0, *cuts], [*cuts, rows], strict=True)
        ]
    np.testing.assert_array_equal(np.concatenate(found), whole)


WHOLES: dict[tuple[str, str], FloatArray] = {}


def _wholes(used: Model, name: str, plane: str, scan: Scan) -> FloatArray:
    if (name, plane) not in WHOLES:
        WHOLES[name, plane] = scan_rows(used, scan, 0, scan.shape[0])
    return WHOLES[name, plane]


def test_nor_does_a_minimum_over_a_domain(models: Mapping[str, Model], monkeypatch: pytest.MonkeyPatch) -> None:
    plane = scan_of(contact_plane("one flavor", (4, 5)))
    scan = replace(plane, domain={"eps_mumu_dV": (-0.5, 0.3), "eps_emu_dV": (-0.2, 0.2)})
    used = models["joint"]
    whole = scan_rows(used, scan, 0, 4)
    np.testing.assert_array_equal(np.concatenate([scan_rows(used, scan, k, k + 1) for k in range(4)]), whole)
    monkeypatch.setattr(chi2_module, "has_scales_alone", lambda model: False)
    np.testing.assert_allclose(whole, scan_rows(used, scan, 0, 4), rtol=0, atol=1e-7)


@pytest.mark.parametrize("interaction", ["contact", "light_mediator"])
def test_points_of_one_dimension_stand_alone(interaction: str, models: Mapping[str, Model]) -> None:
    used, random = models["joint"], np.random.default_rng(4)
    points = {
        "contact": {"eps_ee_dV": random.uniform(-1, 1, 700), "eps_mumu_uV": random.uniform(-1, 1, 700)},
        "light_mediator": {
            "mediator_mass_mev": 10 ** random.uniform(0, 4, 700),
            "coupling": 10 ** random.uniform(-6, -2, 700),
        },
    }[interaction]
    whole = least_over_scales(used, interaction, points)
    np.testing.assert_allclose(whole, chi2_at(used, interaction, points), rtol=1e-12, atol=1e-8)
    for part in ([3], [699, 0], list(range(40, 341))):
        some = {name: value[part] for name, value in points.items()}
        np.testing.assert_array_equal(least_over_scales(used, interaction, some), whole[part])
    at_one = {name: value[5] for name, value in points.items()}
    assert least_over_scales(used, interaction, at_one) == whole[5]


@pytest.mark.parametrize("name", ["mean", "cs_and_i", "joint", "one of several, several of one", "at rest", "held"])
def test_derivatives_by_charge_are_the_plain_ones(name: str, models: Mapping[str, Model]) -> None:
    used = models[name]
    charges = np.random.default_rng(2).uniform(0, 4000, (300, 2 * len(used.nuclides)))
    charges[:10] = 0.0
    charges[10:20] *= 1e4
    found, plain = derivatives_over_scales(used, "contact", charges), charge_derivatives(used, charges)
    for mine, theirs in zip(found, plain, strict=True):
        # gradients are as good as the place of the minimum, the root of what chi2 is good to
        np.testing.assert_allclose(mine, theirs, rtol=1e-6, atol=1e-8 * np.abs(theirs).max())
    np.testing.assert_allclose(found[0], plain[0], rtol=1e-12, atol=WITHIN)
    for some in (slice(0, 1), slice(7, 180)):
        for part, whole in zip(derivatives_over_scales(used, "contact", charges[some]), found, strict=True):
            np.testing.assert_array_equal(part, whole[some])


def test_ranges_are_those_of_the_plain_way(models: Mapping[str, Model], monkeypatch: pytest.MonkeyPatch) -> None:
    used, scan = models["cs_and_i"], scan_of(contact_plane("both flavors", (5, 5)))
    found = scan_ranges(used, scan)
    monkeypatch.setattr(chi2_module, "has_scales_alone", lambda model: False)
    for mine, plain in zip(found, scan_ranges(used, scan), strict=True):
        assert (mine.parameter, mine.other_parameters) == (plain.parameter, plain.other_parameters)
        assert (mine.lower, mine.upper) == pytest.approx((plain.lower, plain.upper), abs=1e-8)


def test_an_interaction_of_epsilon_alone_has_planes(
    models: Mapping[str, Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its one template differs from point to point."""

    def electron(momentum_transfer_squared: Any, *, strength: Any, slope: Any) -> dict[tuple[str, str], Any]:
        return {("d", "ee"): strength + slope * momentum_transfer_squared / 1e4}

    monkeypatch.setitem(INTERACTIONS, "electron", by_epsilon("electron", electron, "strength", "slope"))
    parameters = {"strength": np.linspace(-1, 1, 5)[:, None], "slope": np.linspace(-2, 2, 70)}
    axes = tuple(Axis(name=name, minimum=v.min(), maximum=v.max(), points=v.size) for name, v in parameters.items())
    scan = replace(scan_of(contact_plane("both flavors", (2, 2))), interaction="electron", axes=axes)
    found = scan_rows(models["joint"], scan, 0, 5, threads=2)
    expected = chi2_at(models["joint"], "electron", parameters)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=WITHIN)


def test_a_background_alone_cannot_make_what_is_seen(models: Mapping[str, Model]) -> None:
    """Without background and without signal nothing is expected where something is seen: infinite, the plain way."""
    used = models["energy alone"]
    (dataset,) = used.datasets
    bare = replace(dataset, measurement=replace(dataset.measurement, backgrounds={}))
    electron, calls = by_epsilon("electron", lambda q2, *, strength: {}, "strength"), []

    def none(recoils: Any, values: Any) -> list[FloatArray]:
        return [np.zeros((1, 1, 1)) + np.asarray(values["strength"])[..., None, None, None]]

    def watched(*arguments: Any) -> FloatArray:
        calls.append(arguments)
        return chi2_at(*arguments)

    with pytest.MonkeyPatch.context() as patched:
        terms = replace(INTERACTIONS["contact"].terms, weights=none, coefficients=lambda recoils, values: [1.0],
                        shaping=("strength",), quadratic={})  # fmt: skip
        patched.setitem(INTERACTIONS, "electron", replace(electron, expansion=terms))
        patched.setattr(poisson_scales, "chi2_at", watched)
        strengths = np.array([[0.0, 1e3, 1.1e3, 0.0]])
        found = least_over_scales(replace(used, datasets=(bare,)), "electron", {"strength": strengths})
        with np.errstate(invalid="ignore"):
            plain = chi2_at(replace(used, datasets=(bare,)), "electron", {"strength": strengths})
    np.testing.assert_allclose(found, plain, rtol=1e-12)
    assert np.isinf(found[0, [0, 3]]).all()
    assert np.isfinite(found[0, 1:3]).all()
    assert [np.size(values["strength"]) for _, _, values in calls] == [2]


def test_a_minimum_at_counts_of_zero_is_the_plain_way_s(models: Mapping[str, Model]) -> None:
    """A scale without a least, of a background that is mostly where nothing is seen, wants to be negative there."""
    (dataset,) = models["energy alone"].datasets
    background = np.zeros(dataset.measurement.observed.size)
    background[-1] = 50.0
    background[0] = 1.0
    free = Nuisance(name="background", sigma=None, scales=(NEUTRONS,))
    made = replace(
        dataset,
        measurement=replace(dataset.measurement, backgrounds={NEUTRONS: background}),
        nuisances=(*dataset.nuisances, free),
    )
    used, parameters = replace(models["energy alone"], datasets=(made,)), contact_plane("one flavor", (3, 4))
    found = least_over_scales(used, "contact", parameters)
    np.testing.assert_array_equal(found, chi2_at(used, "contact", parameters))
    assert np.isfinite(found).all()


def test_anything_else_is_not_of_scales_alone(models: Mapping[str, Model], model: Callable[..., Model]) -> None:
    mean = models["mean"]
    (dataset,) = mean.datasets
    bins = np.ones(dataset.measurement.observed.size)
    others = [
        replace(dataset, nuisances=(Nuisance(name="tilt", sigma=1.0, shifts={STEADY_STATE: (bins, None)}),)),
        replace(dataset, varied={dataset.nuisances[0].name: (dataset.templates, None)}),
        replace(dataset, measurement=replace(dataset.measurement, control=Control(counts=bins, windows=1.0))),
        model("release").dataset,
    ]
    for other in others:
        assert not has_scales_alone(replace(mean, datasets=(other,)))
        assert not has_scales_alone(replace(mean, datasets=(dataset, other)))


def test_the_plain_way_leads_down_where_two_scales_are_as_good(models: Mapping[str, Model]) -> None:
    """Of a signal 1e7 times too large, which two nuisances scale: their Hessian is singular but for rounding."""
    used, point = models["one of several, several of one"], {"eps_mumu_uV": -478.26, "eps_emu_dV": 459.46}
    expected = float(least_over_scales(used, "contact", point))
    assert float(chi2_at(used, "contact", point)) == pytest.approx(expected, abs=1e-6)
