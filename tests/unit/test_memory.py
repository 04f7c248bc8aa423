"""Bounds of memory, as they are set: none that a larger grid, or more masses, would need more than."""

import math
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cevnsi import domains
from cevnsi import model as model_module
from cevnsi.experiments.csi_2017_time import read_energy_time
from cevnsi.fast.lines import Line, pieces
from cevnsi.model import Model, chi2_at
from cevnsi.parameters import CONTACT_PARAMETERS, Axis, combination
from cevnsi.scans import rows as rows_module
from cevnsi.scans.axes import Scan
from cevnsi.scans.chi2 import chi2, points_at_once
from cevnsi.scans.rows import scan_rows
from cevnsi.statistics.descent import descend
from energy_time import PATHS, made
from points import mediator_chi2

MB = 2**20


@contextmanager
def peak_of() -> Iterator[Callable[[], int]]:
    """How many bytes were needed at once so far, of those that numpy allocates."""
    tracemalloc.start()
    try:
        yield lambda: tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def log_scan(interaction: str, points: tuple[int, int]) -> Scan:
    names = ("mediator_mass_mev", "coupling") if interaction == "light_mediator" else ("eps_ee_uV", "eps_ee_dV")
    axes = tuple(
        Axis(name=name, minimum=1e-3, maximum=1.0, points=n, scale="log") for name, n in zip(names, points, strict=True)
    )
    return Scan(
        name="s",
        interaction=interaction,
        axes=axes,
        projections=(names,),
        confidence_levels=(0.9,),
        n_dof=(2,),
    )


def sizes_of_blocks(model: Model, scan: Scan, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Points of each block of a grid, of which nothing is computed and no memory touched."""
    sizes: list[int] = []
    monkeypatch.setattr(rows_module, "_fill", lambda *arguments: sizes.append(arguments[-1].size))
    scan_rows(model, scan, 0, scan.shape[0])
    assert sum(sizes) == math.prod(scan.shape)
    return sizes


@pytest.mark.parametrize("points", [(3000, 40_000), (20_011, 5000), (400_000, 100)])
def test_a_block_of_a_grid_is_some_thirty_megabytes(
    points: tuple[int, int], model: Callable[..., Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As large as the cost of starting one asks for, and no larger whatever the grid is."""
    sizes = sizes_of_blocks(model("paper"), log_scan("contact", points), monkeypatch)
    assert 24 * MB < 8 * max(sizes) < 32 * MB


def test_a_block_of_masses_keeps_their_nodes_in_bounds(
    model: Callable[..., Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    used = model("paper")
    sizes = sizes_of_blocks(used, log_scan("light_mediator", (30_000, 50)), monkeypatch)
    nodes = used.dataset.templates.recoil_energy_mev.size
    assert 1 * MB < 8 * max(sizes) / 50 * nodes < 2 * MB  # of each of a few dozen arrays


@pytest.mark.parametrize("count", [40, 20_000])
def test_any_number_of_masses_needs_tens_of_megabytes(count: int, model: Callable[..., Model]) -> None:
    used = model("paper")
    nodes = used.dataset.templates.recoil_energy_mev.size
    assert count < 100 or 8 * count * nodes > 30 * MB  # of one array, were all there at once
    masses = np.geomspace(1, 1e4, count)
    mediator_chi2(used, 1.0, 1e-4)
    with peak_of() as peak:
        found = chi2_at(used, "light_mediator", {"mediator_mass_mev": masses, "coupling": 1e-4})
        assert peak() < 24 * MB
    np.testing.assert_allclose(found[::7], mediator_chi2(used, masses[::7], 1e-4), rtol=1e-9)


def test_points_are_taken_together_as_far_as_they_fit(
    model: Callable[..., Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call costs more than a point, and a point of contact couplings needs no nodes."""
    used, profiled = model("paper"), model_module.profiled
    calls: list[str] = []

    def watched(*given: Any) -> Any:
        calls.append(given[1])
        return profiled(*given)

    monkeypatch.setattr(model_module, "profiled", watched)
    couplings = np.linspace(-1, 1, 5000)
    chi2_at(used, "contact", {"eps_ee_dV": couplings})
    assert len(calls) == 1
    chi2_at(used, "light_mediator", {"mediator_mass_mev": np.geomspace(1, 1e4, 1000), "coupling": 1e-4})
    assert 2 < len(calls) < 8


def test_points_that_are_minimised_at_are_as_many_as_fit(model: Callable[..., Model]) -> None:
    used = model("paper")
    for n in (1, 3):
        over = tuple(Axis(name=f"axis {k}", minimum=0, maximum=1, points=11) for k in range(n))
        exact = tuple(replace(axis, name=name) for axis, name in zip(over, CONTACT_PARAMETERS, strict=False))
        assert 1 * MB < 6 * 8 * points_at_once(used, "contact", {}, exact) < 2 * MB  # six edges of a polygon
        values = points_at_once(used, "light_mediator", {}, over) * 11**n
        assert values * used.dataset.templates.recoil_energy_mev.size <= model_module.VALUES_AT_ONCE or n == 3
    assert points_at_once(used, "light_mediator", {}, over) == 1  # which needs more than is meant for, but no less does


@pytest.mark.parametrize("rows", [100, 700])
@pytest.mark.parametrize("interaction", ["contact", "light_mediator"])
def test_a_plane_of_poisson_counts_needs_tens_of_megabytes(
    interaction: str, rows: int, model: Callable[..., Model]
) -> None:
    used = made(read_energy_time(PATHS), model("paper").analysis)
    scan = log_scan(interaction, (rows, 401))
    grid = 8 * math.prod(scan.shape)
    scan_rows(used, scan, 0, 2)
    with peak_of() as peak:
        scan_rows(used, scan, 0, rows)
        assert 8 * MB < peak() - grid < 64 * MB


@pytest.mark.parametrize("points", [1, 40, 1000, 1371, 3200, 3201, 20_000])
def test_tiles_are_whole_kernels_that_stay_in_cache(points: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the last digit of a line does not depend on where it is in a tile, and BLAS is not slower than memory."""
    shapes: set[tuple[int, int]] = set()
    matmul = np.matmul

    def watched(a: Any, b: Any, out: Any) -> Any:
        shapes.add(out.shape[1:])
        return matmul(a, b, out=out)

    monkeypatch.setattr("numpy.matmul", watched)
    values = np.linspace(0, 1, points)
    runs = pieces(values)
    line = Line(values, runs, np.zeros(len(runs)))
    line.fill(np.ones((2, 5, len(runs), 3)), np.empty((3, points)))
    for lines, columns in shapes:
        assert lines % 16 == 0
        assert 2 * 8 * lines * columns <= 1 * MB  # both products; of a level-two cache
        assert lines * columns > 0.4 * MB / 16 or len(runs) > 1  # enough work for a call


@pytest.mark.parametrize("points", [1000, 100_000])
def test_tiles_that_are_divided_at_once_are_a_few_megabytes(points: int) -> None:
    values = np.linspace(0, 1, points)
    runs = pieces(values)
    line, out = Line(values, runs, np.zeros(len(runs))), np.empty((3, points))
    with peak_of() as peak:
        line.fill(np.ones((2, 5, len(runs), 3)), out)
        assert 2 * MB < peak() < 4 * MB


def test_derivatives_in_the_charges_are_made_block_by_block(
    model: Callable[..., Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    used = model("release")
    charges = np.random.default_rng(1).uniform(100, 3000, (60_000, 2))
    assert 8 * charges.size * used.standard_model_counts.size > 10 * MB  # of one array, were all there at once
    model_module.charge_derivatives(used, charges[:1])
    with peak_of() as peak:
        found = model_module.charge_derivatives(used, charges)
        assert peak() < 24 * MB
    monkeypatch.setattr(model_module, "VALUES_AT_ONCE", 1000)
    for some, of_all in zip(model_module.charge_derivatives(used, charges[:100]), found, strict=True):
        np.testing.assert_array_equal(some, of_all[:100])


@pytest.mark.parametrize("matter", [True, False], ids=["matter", "flavors"])
def test_points_of_a_domain_are_descended_from_block_by_block(
    matter: bool, model: Callable[..., Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    used, sizes = model("release", nuclei="cs_and_i"), []

    def watched(derivatives: Any, start: Any, *ends: Any) -> Any:
        sizes.append(len(start))
        return descend(derivatives, start, *ends)

    flavors = combination("flavors", {"eps_ee_dV": 1.0, "eps_mumu_dV": 1.0})
    domain = {"eps_ee_uV": (-1.0, 1.0), "eps_ee_dV": (-1.0, 1.0)} if matter else {"flavors": (-1.0, 1.0)}
    point = {"eps_ee_matter" if matter else "eps_mumu_uV": np.linspace(-1.0, 1.0, 101)}
    expected = chi2(used, "contact", point, domain, {"flavors": flavors})
    monkeypatch.setattr(domains, "descend", watched)
    monkeypatch.setattr(domains, "DESCENTS_AT_ONCE", 50)
    np.testing.assert_array_equal(chi2(used, "contact", point, domain, {"flavors": flavors}), expected)
    assert 20 < max(sizes) <= 50
