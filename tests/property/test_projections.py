"""Planes of scans of three and four axes: least between the ends of the axes left out, and not on their points."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from cevnsi.arrays import FloatArray
from cevnsi.config.check import check, parse_scan
from cevnsi.model import Model
from cevnsi.parameters import Axis
from cevnsi.physics.weak_charge import matter_parameter
from cevnsi.scans.axes import Scan
from cevnsi.scans.rows import scan_rows
from minima import least

Plane = tuple[str, str]

WITHIN = 1e-6  # of chi2: what is promised; the local minimisers converge to 1e-9
QUARKS = ("eps_ee_uV", "eps_ee_dV", "eps_mumu_uV", "eps_mumu_dV")


def make_scan(
    spans: dict[str, tuple[float, float, int]],
    domain: dict[str, tuple[float, float]] | None = None,
    fixed: dict[str, float] | None = None,
) -> Scan:
    """A scan of these axes that keeps its whole grid."""
    axes = tuple(
        Axis(name=name, minimum=low, maximum=high, points=points) for name, (low, high, points) in spans.items()
    )
    return Scan(
        name="s",
        interaction="contact",
        axes=axes,
        domain=domain or {},
        fixed=fixed or {},
        projections=(tuple(spans),),
        confidence_levels=(0.9,),
        n_dof=(2,),
        chunks=1,
    )


THREE = make_scan({"eps_ee_uV": (-1, 1, 9), "eps_ee_dV": (-0.7, 1, 7), "eps_emu_dV": (-0.5, 0.7, 6)})
PHASE = make_scan(
    {"eps_etau_dV": (-1, 1, 8), "eps_etau_dV_imag": (-0.3, 1, 5), "eps_mumu_dV": (-0.2, 0.3, 6)},
    fixed={"eps_etau_uV": 0.3, "eps_ee_uV": -0.1},
)
FOUR = make_scan(dict(zip(QUARKS, [(-1, 1, 9), (-1, 0.5, 7), (-1, 1, 6), (-0.2, 1, 5)], strict=True)))
STEPS = make_scan(dict(zip(QUARKS, [(-1, 1, 9), (-1, 0.5, 7), (-1, 0.5, 4), (-0.5, 1, 4)], strict=True)))
BESIDE = make_scan(
    {"eps_ee_uV": (-0.5, 0.6, 8), "eps_mumu_uV": (-1, 1, 6), "eps_emu_uV": (0.05, 0.4, 5)},
    domain={"eps_emu_dV": (-0.3, 0.2), "eps_mutau_dV_imag": (0.1, 0.4)},
)
SUMS = make_scan(
    {"eps_ee_matter": (-2, 3, 6), "eps_mumu_matter": (-1, 2, 5), "eps_emu_matter": (-1.2, 0.9, 4)},
    domain={f"eps_{pair}_{quark}V": (-0.6, 0.8) for pair in ("ee", "mumu", "emu") for quark in "ud"},
)
MATTER = ("eps_ee_matter", "eps_mumu_matter")
CASES: list[tuple[Scan, Plane]] = [
    (THREE, ("eps_ee_uV", "eps_ee_dV")),
    (THREE, ("eps_emu_dV", "eps_ee_dV")),
    (PHASE, ("eps_etau_dV", "eps_mumu_dV")),
    (PHASE, ("eps_etau_dV_imag", "eps_etau_dV")),
    (FOUR, ("eps_ee_uV", "eps_mumu_uV")),
    (FOUR, ("eps_mumu_dV", "eps_mumu_uV")),
    (STEPS, MATTER),
    (STEPS, ("eps_mumu_matter", "eps_ee_dV")),
    (BESIDE, ("eps_ee_uV", "eps_emu_uV")),
    (SUMS, ("eps_ee_matter", "eps_emu_matter")),
    (SUMS, ("eps_mumu_matter", "eps_ee_matter")),
]


def on_points(model: Model, scan: Scan, projection: Plane) -> FloatArray:
    """Least chi2 over the points of the whole grid that lie at each point of a plane."""
    whole = scan_rows(model, scan, 0, scan.shape[0])
    values = dict(zip(scan.projections[0], np.meshgrid(*(a.values() for a in scan.axes), indexing="ij"), strict=True))
    place = []
    for name in projection:
        axis = scan.axis(name)
        if name in scan.summed():
            u, d = scan.summed()[name]
            here = matter_parameter(values[u], values[d])
        else:
            here = values[name]
        step = (axis.maximum - axis.minimum) / (axis.points - 1)
        place.append(np.rint((here - axis.minimum) / step).astype(int))
    lowest = np.full(scan.onto(projection).shape, np.inf)
    np.minimum.at(lowest, tuple(place), whole)
    return lowest


@pytest.mark.slow
@pytest.mark.parametrize(("scan", "projection"), CASES, ids=[" ".join(projection) for _, projection in CASES])
@pytest.mark.parametrize("nuclei", ["mean", "cs_and_i"])
def test_a_projection_is_the_minimum_between_the_ends_of_the_other_axes(
    nuclei: str, scan: Scan, projection: Plane, model: Callable[..., Model]
) -> None:
    """Never above the least over their points, at any point of the plane; and that of many minimisers, at some."""
    used, plane = model("release", nuclei=nuclei), scan.onto(projection)
    found = scan_rows(used, plane, 0, plane.shape[0])
    lowest = on_points(used, scan, projection)
    assert np.isfinite(lowest).all()
    assert (found <= lowest + 1e-9).all()
    if scan in (THREE, PHASE, FOUR, STEPS):  # elsewhere the points include the minima, or nearly so
        assert (found < lowest - 1e-3).any()
    domain = {**plane.domain, **{axis.name: (axis.minimum, axis.maximum) for axis in plane.over}}
    random = np.random.default_rng(len(projection[0]) + plane.shape[0])
    for seed, index in enumerate(zip(*(random.integers(0, n, 4) for n in plane.shape), strict=True)):
        point = {axis.name: float(axis.values()[i]) for axis, i in zip(plane.axes, index, strict=True)}
        assert found[index] == pytest.approx(least(used, {**plane.fixed, **point}, domain, seed), abs=WITHIN)


TRIANGLE: dict[str, Any] = {  # as in docs/configuration.md
    "interaction": "contact",
    "axes": {name: {"min": -1, "max": 1, "points": 101} for name in ("eps_mumu_dV", "eps_mumu_uV", "eps_mutau_dV")},
    "projections": [["eps_mumu_dV", "eps_mumu_uV"], ["eps_mumu_dV", "eps_mutau_dV"]],
    "confidence_levels": [0.90, 0.99],
    "n_dof": [2, 1],
    "chunks": 8,
}


def with_points(section: dict[str, Any], points: dict[str, int]) -> dict[str, Any]:
    axes = {name: axis | {"points": points.get(name, axis["points"])} for name, axis in section["axes"].items()}
    return section | {"axes": axes}


@pytest.mark.parametrize("projection", TRIANGLE["projections"], ids=" ".join)
@pytest.mark.parametrize("nuclei", ["mean", "cs_and_i"])
def test_points_that_two_grids_share_have_the_same_chi2(
    nuclei: str, projection: list[str], config: dict[str, Any], model: Callable[..., Model]
) -> None:
    """Whatever the number of points of any axis, one that is left out included."""
    used = model("release", nuclei=nuclei, form_factor="helm")
    grids = {}
    for points in (21, 101):
        section = with_points(TRIANGLE, dict.fromkeys(TRIANGLE["axes"], points))
        check(config | {"scans": config["scans"] | {"muon_triangle": section}})
        plane = parse_scan("muon_triangle", section).onto(projection)
        grids[points] = scan_rows(used, plane, 0, points)
        for other in (2, 5, 1001):
            (left_out,) = plane.over
            another = parse_scan("muon_triangle", with_points(section, {left_out.name: other})).onto(projection)
            np.testing.assert_array_equal(scan_rows(used, another, 0, points), grids[points])
    np.testing.assert_allclose(grids[101][::5, ::5], grids[21], rtol=0, atol=1e-9)


@pytest.mark.parametrize("nuclei", ["mean", "cs_and_i"])
def test_a_wider_axis_that_is_left_out_is_never_worse(nuclei: str, model: Callable[..., Model]) -> None:
    used = model("release", nuclei=nuclei)
    narrow = THREE.onto(("eps_ee_uV", "eps_ee_dV"))
    (left_out,) = narrow.over
    ends = ((0.3, 0.4), (0.1, 0.4), (-0.1, 0.4))
    planes = [replace(narrow, over=(replace(left_out, minimum=low, maximum=high),)) for low, high in ends]
    of_narrow, *_, of_wide = grids = [scan_rows(used, plane, 0, 9) for plane in planes]
    assert all((wider <= narrower + 1e-9).all() for narrower, wider in pairwise(grids))
    assert (of_wide < of_narrow - 1e-3).any()
