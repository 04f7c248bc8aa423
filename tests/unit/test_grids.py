"""Chunks as tables, and what a merge refuses."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cevnsi.arrays import FloatArray
from cevnsi.files.atomic import TableError
from cevnsi.files.tables import read_note, read_parquet, write_parquet, write_parquet_parts
from cevnsi.model import Model
from cevnsi.parameters import Axis
from cevnsi.scans import chunks as grids_module
from cevnsi.scans.axes import Scan
from cevnsi.scans.chunks import (
    as_grid,
    check_note,
    chunk_note,
    chunk_parts,
    merge,
    outer_columns,
    repetitive_columns,
)
from cevnsi.scans.rows import scan_rows

NAMES = ("eps_ee_uV", "eps_ee_dV", "eps_mumu_dV")
PAIRS = (NAMES[:2], NAMES[1:])


def three_axes(chunks: int, projections: tuple[tuple[str, ...], ...] = (*PAIRS, NAMES)) -> Scan:
    axes = tuple(Axis(name=name, minimum=-1.0, maximum=1.0, points=n) for name, n in zip(NAMES, (7, 5, 4), strict=True))
    return Scan(
        name="s",
        interaction="contact",
        axes=axes,
        domain={},
        fixed={},
        projections=projections,
        confidence_levels=(0.9,),
        n_dof=(2,),
        chunks=chunks,
    )


def chunk_chi2(model: Model, scan: Scan, chunk: int) -> dict[tuple[str, ...], FloatArray]:
    """Chi2 on a chunk of every grid."""
    planes = {projection: scan.onto(projection) for projection in scan.projections}
    return {projection: scan_rows(model, plane, *plane.rows(chunk)) for projection, plane in planes.items()}


def chunk_columns(model: Model, scan: Scan, chunk: int) -> dict[str, FloatArray]:
    """All parts of a chunk's table, joined."""
    parts = list(chunk_parts(scan, chunk, chunk_chi2(model, scan, chunk)))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def paths_of(scan: Scan, folder: Path) -> list[str]:
    return [str(folder / f"{k}-of-{scan.chunks}.parquet") for k in range(1, scan.chunks + 1)]


def write_chunks(model: Model, scan: Scan, folder: Path) -> list[str]:
    for k, path in enumerate(paths_of(scan, folder), start=1):
        write_parquet_parts(path, chunk_parts(scan, k, chunk_chi2(model, scan, k)), {}, repetitive_columns(scan))
    return paths_of(scan, folder)


@pytest.fixture(scope="module")
def chi2_of_chunk(model: Callable[..., Model]) -> Callable[..., dict[tuple[str, ...], FloatArray]]:
    """Chi2 on a chunk of every grid of three axes: chi2_of_chunk(chunks, projections, chunk), each made once."""
    return cache(lambda chunks, projections, chunk: chunk_chi2(model("paper"), three_axes(chunks, projections), chunk))


TURNED = (NAMES[1::-1], NAMES[::-1], NAMES[1:])  # the second axis first, and the last of all


@pytest.mark.parametrize("projections", [(*PAIRS, NAMES), TURNED], ids=["in order", "turned"])
@pytest.mark.parametrize("rows_per_part", [1, 7, 20, 2**20])
@pytest.mark.parametrize("chunks", [1, 2, 3, 4])
def test_merged_chunks_are_the_whole_bit_for_bit(
    chunks: int,
    rows_per_part: int,
    projections: tuple[tuple[str, ...], ...],
    chi2_of_chunk: Callable[..., dict[tuple[str, ...], FloatArray]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scan, whole = three_axes(chunks, projections), chi2_of_chunk(1, projections, 1)
    monkeypatch.setattr(grids_module, "ROWS_PER_PART", rows_per_part)
    paths = paths_of(scan, tmp_path)
    for k, path in enumerate(paths, start=1):
        chi2 = chi2_of_chunk(chunks, projections, k)
        write_parquet_parts(path, chunk_parts(scan, k, chi2), {}, repetitive_columns(scan))
    for name, projection in scan.grids().items():
        parts = list(merge(scan, name, paths))
        sizes = [part["chi2"].size for part in parts]
        assert set(sizes[:-1]) <= {rows_per_part}
        assert 0 < sizes[-1] <= rows_per_part
        write_parquet_parts(tmp_path / name, parts, repetitive=repetitive_columns(scan))
        table = read_parquet(tmp_path / name)
        assert list(table) == [*projection, "chi2", "delta_chi2"]
        np.testing.assert_array_equal(table["chi2"], whole[projection].ravel())
        np.testing.assert_array_equal(table["delta_chi2"], table["chi2"] - table["chi2"].min())
        assert table["delta_chi2"].min() == 0
        for column, axis in zip(projection, outer_columns([scan.axis(n).values() for n in projection]), strict=True):
            np.testing.assert_array_equal(table[column], axis)


QUARKS = ("eps_ee_uV", "eps_ee_dV", "eps_mumu_uV", "eps_mumu_dV")
MATTER = ("eps_ee_matter", "eps_mumu_matter")


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (1, 2, 0, 3)], ids=["by pair", "interleaved"])
@pytest.mark.parametrize("matter", [MATTER, MATTER[::-1]], ids=" ".join)
@pytest.mark.parametrize("chunks", [1, 3])
def test_a_grid_of_matter_parameters_is_never_above_the_least_over_their_quarks(
    chunks: int, matter: tuple[str, str], order: tuple[int, ...], model: Callable[..., Model], tmp_path: Path
) -> None:
    """At the points of a grid of all four: chi2 is minimised between the ends, whatever points lie there."""
    axes = tuple(
        Axis(name=QUARKS[i], minimum=-1.0, maximum=1.0 if i % 2 else 0.5, points=9 if i % 2 else 7) for i in order
    )
    scan = Scan(
        name="s",
        interaction="contact",
        axes=axes,
        domain={},
        fixed={},
        projections=(matter, tuple(a.name for a in axes)),
        confidence_levels=(0.9,),
        n_dof=(2,),
        chunks=chunks,
    )
    used = model("release")
    paths = write_chunks(used, scan, tmp_path)
    (found,) = merge(scan, f"s.{'.'.join(matter)}", paths)
    assert list(found) == [*matter, "chi2", "delta_chi2"]
    least: dict[tuple[float, float], float] = {}
    for part in merge(scan, "s", paths):
        sums = {name: 3 * (part[name.replace("matter", "uV")] + part[name.replace("matter", "dV")]) for name in matter}
        first, second = sums.values()
        for i in range(first.size):
            key = round(first[i], 9), round(second[i], 9)
            least[key] = min(least.get(key, np.inf), part["chi2"][i])
    assert len(least) == found["chi2"].size == 15 * 15
    excess = [
        least[round(first, 9), round(second, 9)] - chi2
        for first, second, chi2 in zip(*(found[name] for name in (*matter, "chi2")), strict=True)
    ]
    assert min(excess) > -1e-9
    corners = np.array(excess).reshape(15, 15)[[0, 0, -1, -1], [0, -1, 0, -1]]
    np.testing.assert_allclose(corners, 0, atol=1e-9)  # where a sum leaves its quarks no way to go


def test_grid_names() -> None:
    assert three_axes(1).grids() == {
        "s.eps_ee_uV.eps_ee_dV": PAIRS[0],
        "s.eps_ee_dV.eps_mumu_dV": PAIRS[1],
        "s": NAMES,
    }
    assert list(three_axes(1).pairs()) == ["s.eps_ee_uV.eps_ee_dV", "s.eps_ee_dV.eps_mumu_dV"]
    assert list(three_axes(1, TURNED).grids()) == ["s.eps_ee_dV.eps_ee_uV", "s", "s.eps_ee_dV.eps_mumu_dV"]


def test_a_chunk_is_one_long_table(model: Callable[..., Model]) -> None:
    scan = three_axes(2)
    first = chunk_columns(model("paper"), scan, 1)
    assert list(first) == ["projection", *NAMES, "chi2"]
    # half of the rows of each grid: 3 of 7 by 5, 2 of 5 by 4, and 3 of 7 by 5 by 4
    assert {column.size for column in first.values()} == {3 * 5 + 2 * 4 + 3 * 5 * 4}
    kept = first["projection"] == 1
    assert np.count_nonzero(kept) == 2 * 4
    assert np.isnan(first["eps_ee_uV"][kept]).all()  # minimised over
    assert np.isfinite(first["eps_ee_dV"][kept]).all()


def test_outer_columns_run_last_axis_fastest() -> None:
    first, second = outer_columns([np.array([1.0, 2.0]), np.array([5.0, 6.0, 7.0])])
    np.testing.assert_array_equal(first, [1, 1, 1, 2, 2, 2])
    np.testing.assert_array_equal(second, [5, 6, 7, 5, 6, 7])


Damage = Callable[[dict[str, FloatArray]], dict[str, FloatArray]]


def drop_row(columns: dict[str, FloatArray]) -> dict[str, FloatArray]:
    return {name: np.delete(column, 4) for name, column in columns.items()}


def repeat_row(columns: dict[str, FloatArray]) -> dict[str, FloatArray]:
    return {name: np.insert(column, 4, column[3]) for name, column in columns.items()}


def swap_rows(columns: dict[str, FloatArray]) -> dict[str, FloatArray]:
    order = np.arange(columns["chi2"].size)
    order[[2, 3]] = order[[3, 2]]
    return {name: column[order] for name, column in columns.items()}


def with_value(name: str, value: float) -> Damage:
    def damage(columns: dict[str, FloatArray]) -> dict[str, FloatArray]:
        changed = columns[name].copy()
        changed[3] = value
        return {**columns, name: changed}

    return damage


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (drop_row, "has 14 rows, expected 15"),
        (repeat_row, "has 16 rows, expected 15"),
        (swap_rows, "row 2: eps_ee_dV is 0.5, expected 0.0"),
        (with_value("chi2", float("nan")), "row 3: chi2 is nan"),
        (with_value("chi2", float("inf")), "row 3: chi2 is inf"),
        (with_value("eps_ee_uV", 9.0), "row 3: eps_ee_uV is 9.0, expected -1.0"),
    ],
    ids=["a row less", "a row twice", "rows swapped", "nan", "inf", "another grid"],
)
def test_a_damaged_chunk_is_named(damage: Damage, said: str, model: Callable[..., Model], tmp_path: Path) -> None:
    scan = three_axes(2)
    paths = write_chunks(model("paper"), scan, tmp_path)
    write_parquet(paths[0], damage(chunk_columns(model("paper"), scan, 1)))
    with pytest.raises(TableError) as caught:
        next(merge(scan, "s.eps_ee_uV.eps_ee_dV", paths))
    assert str(caught.value).startswith(f"{paths[0]}: {said}")
    assert f"rm -f {paths[0]}" in str(caught.value)


def test_chunks_in_another_order_are_refused(model: Callable[..., Model], tmp_path: Path) -> None:
    scan = three_axes(2)
    first, second = write_chunks(model("paper"), scan, tmp_path)
    with pytest.raises(TableError, match=r"2-of-2\.parquet: has 20 rows, expected 15; "):
        next(merge(scan, "s.eps_ee_uV.eps_ee_dV", [second, first]))


def test_a_missing_chunk_is_refused(model: Callable[..., Model], tmp_path: Path) -> None:
    scan = three_axes(2)
    with pytest.raises(ValueError, match="1 files, expected 2 chunks"):
        next(merge(scan, "s", write_chunks(model("paper"), scan, tmp_path)[:1]))


SECTION: dict[str, Any] = {"axes": {"a": {"min": 0}}}


def test_a_chunk_of_the_same_making_passes(tmp_path: Path) -> None:
    note = chunk_note(three_axes(2), 1, {"nuclei": "mean"}, SECTION, ["aa", "bb"])
    write_parquet(tmp_path / "c.parquet", {"x": np.zeros(2)}, note)
    check_note("c.parquet", read_note(tmp_path / "c.parquet"), note)


@pytest.mark.parametrize(
    ("other", "key"),
    [
        (chunk_note(three_axes(2), 2, {"nuclei": "mean"}, SECTION, ["aa", "bb"]), "chunk"),
        (chunk_note(three_axes(3), 1, {"nuclei": "mean"}, SECTION, ["aa", "bb"]), "chunks"),
        (chunk_note(replace(three_axes(2), name="t"), 1, {"nuclei": "mean"}, SECTION, ["aa", "bb"]), "scan"),
        (chunk_note(three_axes(2), 1, {"nuclei": "cs_and_i"}, SECTION, ["aa", "bb"]), "made_from"),
        (chunk_note(three_axes(2), 1, {"nuclei": "mean"}, {"axes": {"a": {"min": 1}}}, ["aa", "bb"]), "made_from"),
        (chunk_note(three_axes(2), 1, {"nuclei": "mean"}, SECTION, ["aa", "cc"]), "made_from"),
        ({}, "scan"),
    ],
    ids=[
        "another chunk",
        "another count",
        "another scan",
        "another analysis",
        "another grid",
        "other inputs",
        "no note",
    ],
)
def test_a_chunk_of_another_making_is_told_apart(other: dict[str, Any], key: str) -> None:
    expected = chunk_note(three_axes(2), 1, {"nuclei": "mean"}, SECTION, ["aa", "bb"])
    with pytest.raises(TableError) as caught:
        check_note("some/c.parquet", other, expected)
    text = str(caught.value)
    assert text.startswith(f"some/c.parquet: its {key} is {other.get(key)!r}, expected {expected[key]!r}")
    assert "another configuration or other inputs" in text


def test_as_grid_gives_back_the_axes() -> None:
    axes = (
        Axis(name="mediator_mass_mev", minimum=1.0, maximum=100.0, points=3, scale="log"),
        Axis(name="coupling", minimum=0.0, maximum=1.0, points=2),
    )
    scan = Scan(
        name="m",
        interaction="light_mediator",
        axes=axes,
        domain={},
        fixed={},
        projections=(("mediator_mass_mev", "coupling"),),
        confidence_levels=(),
        n_dof=(),
        chunks=1,
    )
    grid = as_grid(scan, "m", np.arange(6.0))
    assert grid.names == ("mediator_mass_mev", "coupling")
    assert grid.log == (True, False)
    np.testing.assert_allclose(grid.axes[0], [1, 10, 100], rtol=1e-15)
    np.testing.assert_array_equal(grid.delta_chi2, [[0, 1], [2, 3], [4, 5]])
    assert grid.lowest_point() == (1.0, 0.0)


def test_as_grid_has_the_order_of_its_projection() -> None:
    scan = three_axes(1, TURNED)
    grid = as_grid(scan, "s.eps_ee_dV.eps_ee_uV", np.arange(35.0))
    assert grid.names == ("eps_ee_dV", "eps_ee_uV")
    assert (grid.axes[0].size, grid.axes[1].size) == (5, 7) == grid.delta_chi2.shape
