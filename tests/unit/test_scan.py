"""Scans: chunks, blocks and threads of a grid are the grid, and every point of it is the plain formula's."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from cevnsi import model as model_module
from cevnsi.arrays import FloatArray
from cevnsi.fast.contraction import contract
from cevnsi.model import Model, chi2_at
from cevnsi.parameters import CONTACT_PARAMETERS, Axis
from cevnsi.physics.interactions import INTERACTIONS
from cevnsi.scans import chi2 as chi2_module
from cevnsi.scans import rows as scan_module
from cevnsi.scans.axes import Scan
from cevnsi.scans.rows import scan_rows
from points import by_epsilon, contact_chi2, mediator_chi2


def make_scan(axes: Mapping[str, tuple[float, float, int]], **changes: Any) -> Scan:
    """A scan named `s` over linear axes (log for the light mediator)."""
    light = "coupling" in axes
    scale = "log" if light else "linear"
    whole = tuple(axes)
    values: dict[str, Any] = {
        "name": "s",
        "interaction": "light_mediator" if light else "contact",
        "axes": tuple(Axis(name=name, minimum=a, maximum=b, points=n, scale=scale) for name, (a, b, n) in axes.items()),
        "domain": {},
        "fixed": {},
        "projections": (whole,),
        "confidence_levels": (0.9,),
        "n_dof": (2,),
        "chunks": 1,
    }
    return Scan(**(values | changes))


QUARKS = {f"eps_{pair}_{q}V": (-1.0, 1.0) for pair in ("ee", "mumu") for q in "ud"}
SCANS = {
    "mediator": make_scan({"mediator_mass_mev": (1, 1e4, 13), "coupling": (1e-6, 1e-1, 17)}),
    "mediator, coupling first": make_scan({"coupling": (1e-6, 1e-1, 11), "mediator_mass_mev": (1, 1e4, 9)}),
    "contact": make_scan({"eps_ee_dV": (-1, 1, 13), "eps_etau_dV": (-1, 1, 11)}, fixed={"eps_mumu_uV": 0.1}),
    "phase": make_scan({"eps_etau_dV": (-1, 1, 12), "eps_etau_dV_imag": (-1, 1, 9)}, fixed={"eps_etau_uV": 0.2}),
    "tau": make_scan({"eps_tautau_uV": (-1, 1, 11), "eps_ee_dV": (-1, 1, 9)}),
    "matter": make_scan({"eps_ee_matter": (-2, 3, 13), "eps_mumu_matter": (-2, 3, 11)}, domain=QUARKS),
    "three axes": make_scan(
        {"eps_ee_uV": (-1, 1, 11), "eps_ee_dV": (-1, 1, 7), "eps_emu_dV": (-0.5, 0.7, 5)},
        projections=(("eps_ee_uV", "eps_ee_dV"), ("eps_ee_dV", "eps_emu_dV"), ("eps_ee_uV", "eps_ee_dV", "eps_emu_dV")),
    ),
    "four axes": make_scan(
        {"eps_ee_uV": (-1, 1, 11), "eps_ee_dV": (-1, 1, 7), "eps_mumu_uV": (-1, 1, 5), "eps_mumu_dV": (-1, 1, 6)},
        projections=(("eps_ee_uV", "eps_mumu_uV"), ("eps_ee_dV", "eps_mumu_dV"), ("eps_mumu_uV", "eps_mumu_dV")),
    ),
    "turned": make_scan(
        {"eps_ee_dV": (-1, 1, 7), "eps_ee_uV": (-1, 1, 11), "eps_emu_dV": (-0.5, 0.7, 5)},
        projections=(("eps_ee_uV", "eps_ee_dV"), ("eps_emu_dV", "eps_ee_uV", "eps_ee_dV")),
    ),
    "four axes, summed": make_scan(
        {"eps_ee_uV": (-1, 1, 11), "eps_ee_dV": (-1, 0.6, 9), "eps_mumu_uV": (-1, 1, 5), "eps_mumu_dV": (-1, 0, 3)},
        projections=(
            ("eps_ee_matter", "eps_mumu_matter"),
            ("eps_mumu_matter", "eps_ee_dV"),
            ("eps_ee_uV", "eps_ee_dV"),
        ),
    ),
    "sum left out": make_scan(
        {"eps_ee_matter": (-2, 3, 9), "eps_mumu_matter": (-2, 3, 5), "eps_etau_uV": (-1, 1, 4)},
        domain=QUARKS,
        projections=(("eps_ee_matter", "eps_etau_uV"),),
    ),
    "profiled pair": make_scan(
        {"eps_ee_uV": (-1, 1, 11), "eps_mumu_uV": (-1, 1, 5), "eps_etau_uV": (-1, 1, 4)},
        domain={"eps_emu_dV": (-0.3, 0.2)},
        projections=(("eps_ee_uV", "eps_etau_uV"), ("eps_mumu_uV", "eps_etau_uV")),
    ),
}


# Every grid that they keep: the scan itself, or its axes that a projection names, least over the others.
PLANES = {
    name if set(projection) == {axis.name for axis in scan.axes} else f"{name}, {' '.join(projection)}": scan.onto(
        projection
    )
    for name, scan in SCANS.items()
    for projection in scan.projections
}


def at_points(model: Model, plane: Scan) -> FloatArray:
    """Chi2 of every point of a contact plane, one call a point; tests/property tests minima."""
    domain = {**plane.domain, **{axis.name: (axis.minimum, axis.maximum) for axis in plane.over}}
    values = [axis.values() for axis in plane.axes]
    grid = np.empty(plane.shape)
    for index in np.ndindex(plane.shape):
        point = {axis.name: value[i] for axis, value, i in zip(plane.axes, values, index, strict=True)}
        grid[index] = contact_chi2(model, {**plane.fixed, **point}, domain)
    return grid


@pytest.mark.parametrize("nuclei", ["mean", "cs_and_i"])
@pytest.mark.parametrize("name", [name for name in PLANES if "mediator" not in name])
def test_a_grid_is_chi2_at_each_of_its_points(name: str, nuclei: str, model: Callable[..., Model]) -> None:
    used, plane = model("release", nuclei=nuclei), PLANES[name]
    if nuclei == "cs_and_i" and (plane.over or plane.domain):
        plane = replace(plane, axes=tuple(replace(axis, points=min(axis.points, 4)) for axis in plane.axes))
    found = scan_rows(used, plane, 0, plane.shape[0])
    assert found.shape == plane.shape
    # couplings are broadcast in another order than at a single point, so the last digit may differ
    np.testing.assert_allclose(found, at_points(used, plane), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("nuclei", ["mean", "cs_and_i"])
def test_a_projection_turns_the_grid(nuclei: str, model: Callable[..., Model]) -> None:
    """As it lists the axes: of all axes of a scan, of a pair, and of a mediator's."""
    used = model("release", nuclei=nuclei)
    for scan in (SCANS["contact"], SCANS["three axes"], SCANS["mediator"]):
        first, second, *rest = (axis.name for axis in scan.axes)
        planes = [scan.onto((first, second)), scan.onto((second, first))]
        assert planes[0].shape == planes[1].shape[::-1]
        one, other = (scan_rows(used, plane, 0, plane.shape[0]) for plane in planes)
        np.testing.assert_allclose(other, one.T, rtol=1e-12)  # lines run along the other axis
        if rest:
            turned = scan.onto((rest[0], second, first))
            found = scan_rows(used, turned, 0, turned.shape[0])
            np.testing.assert_allclose(found, scan_rows(used, scan, 0, scan.shape[0]).T, rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("nuclei", ["mean", "cs_and_i"])
@pytest.mark.parametrize("reach", [0.1, 1.0, 30.0])
def test_a_grid_is_the_plain_formula_at_random_points(nuclei: str, reach: float, model: Callable[..., Model]) -> None:
    """Random axes, reaches, fixed values and cuts; `contact_chi2` is the formula of Eqs. 7 and 10 point by point."""
    used = model("release", nuclei=nuclei)
    random = np.random.default_rng(int(10 * reach))
    real = [name for name in CONTACT_PARAMETERS if "tau_" not in name or name.startswith("eps_etau")]
    for _ in range(40):
        names = random.choice(real, size=random.integers(3, 5), replace=False)
        fixed = {str(names[-1]): float(random.uniform(-reach, reach))}
        axes = {
            str(name): (float(-random.uniform(0.1, reach)), float(random.uniform(0.1, reach)), int(n))
            for name, n in zip(names[:-1], random.integers(2, 40, names.size - 1), strict=True)
        }
        scan = make_scan(axes, fixed=fixed)
        found = scan_rows(used, scan, 0, scan.shape[0])
        values = np.meshgrid(*(axis.values() for axis in scan.axes), indexing="ij", sparse=True)
        expected = contact_chi2(used, {**fixed, **dict(zip(axes, values, strict=True))}, {})
        np.testing.assert_allclose(found, np.broadcast_to(expected, scan.shape), rtol=1e-12)


@pytest.mark.parametrize("nuclei", ["mean", "cs_and_i"])
def test_a_long_line_is_the_plain_formula(nuclei: str, model: Callable[..., Model]) -> None:
    """Lines of several pieces, in more tiles than one."""
    used = model("paper", nuclei=nuclei)
    scan = make_scan({"eps_mumu_dV": (-3, 2, 37), "eps_emu_uV_imag": (-4, 5, 5003)}, fixed={"eps_ee_uV": 0.3})
    found = scan_rows(used, scan, 0, 37)
    mumu, emu = (axis.values() for axis in scan.axes)
    points = {"eps_ee_uV": 0.3, "eps_mumu_dV": mumu[:, None], "eps_emu_uV_imag": emu}
    np.testing.assert_allclose(found, contact_chi2(used, points, {}), rtol=1e-12)
    light = make_scan({"mediator_mass_mev": (0.1, 1e5, 37), "coupling": (1e-7, 1, 5003)})
    found = scan_rows(used, light, 0, 37)
    mass, coupling = (axis.values() for axis in light.axes)
    np.testing.assert_allclose(found, mediator_chi2(used, mass[:, None], coupling), rtol=1e-12)


def in_blocks_of(points: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a grid made in blocks of about so many points, and a light mediator's of one mass."""
    monkeypatch.setattr(scan_module, "POINTS_PER_BLOCK", points)
    values_at_once(points, monkeypatch)


def values_at_once(values: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (scan_module, chi2_module, model_module):
        monkeypatch.setattr(module, "VALUES_AT_ONCE", values)


@pytest.mark.parametrize("name", PLANES)
def test_threads_change_nothing(name: str, model: Callable[..., Model], monkeypatch: pytest.MonkeyPatch) -> None:
    used, plane = model("release"), PLANES[name]
    whole = scan_rows(used, plane, 0, plane.shape[0])
    in_blocks_of(30, monkeypatch)
    np.testing.assert_array_equal(scan_rows(used, plane, 0, plane.shape[0], threads=3), whole)


@pytest.mark.parametrize("name", ["mediator", "mediator, coupling first"])
def test_either_axis_of_the_mediator_may_come_first(name: str, model: Callable[..., Model]) -> None:
    used, scan = model("paper"), SCANS[name]
    chi2 = scan_rows(used, scan, 0, scan.shape[0])
    mass, coupling = scan.axis("mediator_mass_mev").values(), scan.axis("coupling").values()
    expected = mediator_chi2(used, mass[:, None], coupling)
    np.testing.assert_allclose(chi2, expected if name == "mediator" else expected.T, rtol=1e-12)


def test_no_coupling_is_the_standard_model(model: Callable[..., Model]) -> None:
    for analysis in ("paper", "release"):
        used = model(analysis)
        plain = float(contact_chi2(used, {}, {}))
        assert float(contact_chi2(used, dict.fromkeys(CONTACT_PARAMETERS, 0.0), {})) == pytest.approx(plain, rel=1e-14)
        light = mediator_chi2(used, np.array([1.0, 50.0, 1e4]), 0.0)
        np.testing.assert_allclose(light, plain, rtol=1e-12)  # nodes are summed per power of g^2 instead


@pytest.mark.parametrize("name", PLANES)
def test_any_number_of_chunks_is_the_whole_bit_for_bit(name: str, model: Callable[..., Model]) -> None:
    used, plane = model("paper"), PLANES[name]
    whole = scan_rows(used, plane, 0, plane.shape[0])
    for chunks in range(1, plane.shape[0] + 1):
        cut = replace(plane, chunks=chunks)
        rows = [cut.rows(k) for k in range(1, chunks + 1)]
        assert rows[0][0] == 0
        assert rows[-1][1] == plane.shape[0]
        assert all(a[1] == b[0] for a, b in pairwise(rows))
        sizes = [stop - start for start, stop in rows]
        assert max(sizes) - min(sizes) <= 1
        found = [scan_rows(used, cut, *r) for r in rows]
        np.testing.assert_array_equal(np.concatenate(found), whole)


SMALL = {
    "matter": make_scan({"eps_ee_matter": (-2, 3, 4), "eps_mumu_matter": (-2, 3, 3)}, domain=QUARKS),
    "three axes": make_scan(
        {"eps_ee_uV": (-1, 1, 4), "eps_emu_dV": (-1, 1, 3), "eps_mumu_dV": (-0.5, 0.7, 5)},
    ).onto(("eps_ee_uV", "eps_emu_dV")),
    "summed": make_scan(dict.fromkeys(QUARKS, (-1, 1, 3))).onto(("eps_mumu_matter", "eps_ee_dV")),
    "sum left out": SCANS["sum left out"].onto(("eps_ee_matter", "eps_etau_uV")),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_chunks_blocks_and_threads_of_two_nuclei(
    name: str, model: Callable[..., Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which are minimised many points at a time."""
    used, plane = model("release", nuclei="cs_and_i"), SMALL[name]
    whole = scan_rows(used, plane, 0, plane.shape[0])
    for rows in ([(0, 1), (1, plane.shape[0])], [(k, k + 1) for k in range(plane.shape[0])]):
        np.testing.assert_array_equal(np.concatenate([scan_rows(used, plane, *r) for r in rows]), whole)
    for points in (1, 2, 5):
        in_blocks_of(points, monkeypatch)
        for threads in (1, 3):
            np.testing.assert_array_equal(scan_rows(used, plane, 0, plane.shape[0], threads), whole)


@pytest.mark.parametrize("points", [1, 7, 64, 100])
@pytest.mark.parametrize("name", PLANES)
def test_blocks_change_nothing(
    name: str, points: int, model: Callable[..., Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    used, plane = model("release"), PLANES[name]
    whole = scan_rows(used, plane, 0, plane.shape[0])
    in_blocks_of(points, monkeypatch)
    np.testing.assert_array_equal(scan_rows(used, plane, 0, plane.shape[0]), whole)


@pytest.mark.parametrize("name", PLANES)
def test_no_more_points_at_once_than_memory_is_meant_for(
    name: str, model: Callable[..., Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Points that are minimised at need a few dozen arrays each, as do masses; a block is one row of them at least."""
    used, plane = model("release"), PLANES[name]
    values_at_once(1, monkeypatch)
    done: list[float] = []
    scan_rows(used, plane, 0, plane.shape[0], progress=done.append)
    rows = 1 if len(plane.axes) == 2 else plane.shape[1]
    if plane.interaction == "light_mediator":
        assert len(done) == plane.axis("mediator_mass_mev").points
    else:
        assert len(done) == (plane.shape[0] * rows if plane.over or plane.domain else 1)


def test_a_coupling_that_changes_nothing_is_flat(model: Callable[..., Model]) -> None:
    chi2 = scan_rows(model("paper"), SCANS["tau"], 0, 11)
    assert chi2.shape == (11, 9)
    assert (chi2 == chi2[0]).all()


def test_fixed_couplings_are_used(model: Callable[..., Model]) -> None:
    used = model("paper")
    axes = {"eps_ee_dV": (-1, 1, 3), "eps_etau_dV": (-1, 1, 3)}
    plain = scan_rows(used, make_scan(axes), 0, 3)
    held = scan_rows(used, make_scan(axes, fixed={"eps_mumu_uV": 0.1}), 0, 3)
    expected = float(contact_chi2(used, {"eps_mumu_uV": 0.1}, {}))
    assert held[1, 1] == pytest.approx(expected, rel=1e-12) != plain[1, 1]


def test_a_model_uses_only_the_bins_of_its_range(model: Callable[..., Model]) -> None:
    used = model("paper", photoelectron_range=(10, 16))
    np.testing.assert_array_equal(used.dataset.measurement.bin_edges_pe, [10, 12, 14, 16])
    assert used.dataset.templates.detected.shape[0] == 3
    np.testing.assert_array_equal(used.dataset.measurement.observed, [24, 25, 21])


@pytest.mark.parametrize("nuclei", ["mean", "cs_and_i"])
def test_contraction_sums_flavors_of_one_row(nuclei: str, model: Callable[..., Model]) -> None:
    used = model("paper", nuclei=nuclei)
    electron, muon = np.split(contract(used, used.dataset.contact_templates).data_template, 2)
    per_bin = used.dataset.templates.per_bin()  # nu_e, nu_mu, nu_mu_bar
    weighted = used.dataset.measurement.observed / used.dataset.measurement.errors**2
    np.testing.assert_allclose(electron, per_bin[0] @ weighted, rtol=1e-13)
    np.testing.assert_allclose(muon, (per_bin[1] + per_bin[2]) @ weighted, rtol=1e-13)


@pytest.mark.parametrize("nuclei", ["mean", "cs_and_i"])
def test_the_general_way_is_the_fast_one(nuclei: str, model: Callable[..., Model]) -> None:
    used = model("release", nuclei=nuclei)
    contact_values = {"eps_ee_dV": np.linspace(-1, 1, 5)[:, None], "eps_etau_uV_imag": np.linspace(0, 1, 3)}
    np.testing.assert_allclose(
        chi2_at(used, "contact", contact_values), contact_chi2(used, contact_values, {}), rtol=1e-10
    )
    mass, coupling = np.geomspace(1, 1e4, 5)[:, None], np.geomspace(1e-6, 1e-2, 4)
    found = chi2_at(used, "light_mediator", {"mediator_mass_mev": mass, "coupling": coupling})
    expected = [mediator_chi2(used, m, coupling) for m in mass[:, 0]]
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_an_interaction_of_epsilon_alone_is_scanned(
    model: Callable[..., Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What adding one takes: here a coupling to d quarks and electron neutrinos, and one that does nothing."""

    def electron(momentum_transfer_squared: Any, *, strength: Any, idle: Any) -> dict[tuple[str, str], Any]:
        return {("d", "ee"): strength + 0 * idle}

    monkeypatch.setitem(INTERACTIONS, "electron", by_epsilon("electron", electron, "strength", "idle"))
    used = model("paper")
    axes = (Axis(name="strength", minimum=-1, maximum=1, points=9), Axis(name="idle", minimum=0, maximum=1, points=3))
    projections = (("strength", "idle"),)
    scan = Scan(
        name="electron",
        interaction="electron",
        axes=axes,
        projections=projections,
        confidence_levels=(0.9,),
        n_dof=(2,),
    )
    found = scan_rows(used, scan, 0, 9)
    expected = contact_chi2(used, {"eps_ee_dV": axes[0].values()}, {})
    np.testing.assert_allclose(found, np.repeat(expected[:, None], 3, axis=1), rtol=1e-10)


def quarks(momentum_transfer_squared: Any, *, ee: Any, mumu: Any, emu: Any) -> dict[tuple[str, str], Any]:
    """Epsilon of an interaction that is contact in other names."""
    return {("d", "ee"): ee, ("d", "mumu"): mumu, ("u", "emu"): emu}


CALLED = {"ee": "eps_ee_dV", "mumu": "eps_mumu_dV", "emu": "eps_emu_uV"}


def of_epsilon_alone(projection: tuple[str, str], points: int) -> Scan:
    """The plane of a scan of three axes, of which the one that is left out has so many points."""
    ends = {"ee": (-0.2, 0.1), "mumu": (0.02, 0.15), "emu": (-0.3, 0.02)}
    axes = tuple(
        Axis(name=name, minimum=low, maximum=high, points=7 if name in projection else points)
        for name, (low, high) in ends.items()
    )
    return Scan(
        name="quarks", interaction="quarks", axes=axes, projections=(projection,), confidence_levels=(0.9,), n_dof=(2,)
    ).onto(projection)


@pytest.mark.parametrize("projection", [("emu", "ee"), ("ee", "mumu"), ("mumu", "emu")])
@pytest.mark.parametrize("nuclei", ["mean", "cs_and_i"])
def test_a_projection_of_an_interaction_of_epsilon_alone_is_least_between_the_ends(
    nuclei: str, projection: tuple[str, str], model: Callable[..., Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has no domain, so that the axes it leaves out are sampled at their points, and chi2 is followed down."""
    monkeypatch.setitem(INTERACTIONS, "quarks", by_epsilon("quarks", quarks, "ee", "mumu", "emu"))
    used = model("paper", nuclei=nuclei)
    for points in (3, 11, 41, 101):
        plane = of_epsilon_alone(projection, points)
        found = scan_rows(used, plane, 0, plane.shape[0])
        first, second = (axis.values() for axis in plane.axes)
        point = {CALLED[projection[0]]: first[:, None], CALLED[projection[1]]: second[None, :]}
        (left_out,) = plane.over
        exact = contact_chi2(used, point, {CALLED[left_out.name]: (left_out.minimum, left_out.maximum)})
        by_point = {name: value[..., None] for name, value in point.items()}
        on_points = contact_chi2(used, by_point | {CALLED[left_out.name]: left_out.values()}, {}).min(axis=-1)
        assert (found >= exact - 1e-9).all()
        assert (found <= on_points + 1e-9).all()
        if points > 11:
            np.testing.assert_allclose(found, exact, rtol=0, atol=1e-7)


def test_samples_of_what_is_left_out_count_for_memory(
    model: Callable[..., Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(INTERACTIONS, "quarks", by_epsilon("quarks", quarks, "ee", "mumu", "emu"))
    used, plane = model("paper"), of_epsilon_alone(("emu", "ee"), 41)
    values_at_once(41 * 7 * used.dataset.templates.recoil_energy_mev.size, monkeypatch)
    done: list[float] = []
    scan_rows(used, plane, 0, 7, progress=done.append)
    assert len(done) == 7  # a row has seven points, each sampled 41 times at every node
