"""Critical values of coarse points and lines, and grids, to grids with critical values, their contours, and ranges."""

from collections.abc import Mapping
from dataclasses import astuple
from typing import Any

import numpy as np

from cevnsi.config.build import load_model
from cevnsi.config.check import parse_scan
from cevnsi.files.atomic import TableError, file_digest, make_anew
from cevnsi.files.tables import COVERED_RANGES, as_columns, read_note, read_parquet, write_csv, write_parquet_parts
from cevnsi.model import Model
from cevnsi.scans.axes import FELDMAN_COUSINS, Scan
from cevnsi.scans.chunks import as_grid, check_note, repetitive_columns
from cevnsi.scans.coverage import (
    covered_columns,
    covered_grid_note,
    covered_note,
    critical_column,
    critical_line_of,
    error_column,
    extents,
    has_lines,
    join_points,
    line_note,
    line_ranges,
)
from cevnsi.scans.limits import curves_by_grid, each_once, reference_of
from cevnsi.scans.ranges import CoveredRange
from cevnsi.scans.regions import contour_table
from runner import run

GridColumns = Mapping[str, Any]


def _ranges(model: Model, scan: Scan, grids: Mapping[str, GridColumns], line_file: str | None) -> list[CoveredRange]:
    """Ranges of every parameter, and extents of regions of two; of a scan that goes without ranges none."""
    if not scan.ranges:
        return []
    made = curves_by_grid(model, scan)
    least = reference_of(model, scan, made)
    rows: list[CoveredRange] = []
    done: list[str] = []
    for grid, axes in scan.drawn().items() if 2 in scan.n_dof else ():
        if len(axes) == 2:
            shown = as_grid(scan, grid, grids[grid]["chi2"] - least)
            pairs = {
                level: tuple(
                    grids[grid][column(level)].reshape(shown.delta_chi2.shape)
                    for column in (critical_column, error_column)
                )
                for level in scan.confidence_levels
            }
            rows += extents(scan.name, shown, pairs, done)
            done += axes
    if line_file is None:
        return rows
    lines = read_parquet(line_file)
    for grid, curve in each_once(made):
        wanted = {"grid": grid, "parameter": curve.axis.name, "other_parameters": curve.others}
        mine = np.ones(len(lines["value"]), np.bool_)
        for name, text in wanted.items():
            mine &= np.array(lines[name]) == text
        if not mine.any():
            raise TableError(f"{line_file}: has no row of {', '.join(wanted.values())}; {make_anew(line_file)}")
        numbers = {name: np.asarray(values)[mine] for name, values in lines.items() if name not in wanted}
        by_level = {level: critical_line_of(curve.axis, level, numbers) for level in scan.confidence_levels}
        rows += line_ranges(curve, scan.name, least, by_level)
    return rows


def main(
    name: str,
    analysis: dict[str, Any],
    sections: dict[str, Any],
    point_sections: dict[str, Any],
    line_sections: dict[str, Any],
    files: Any,
    output: Any,
) -> None:
    """Check every chunk and line against what it should have been made from, and write scan by scan."""
    model, inputs = load_model(analysis, files.tables), list(map(file_digest, files.tables))
    grid_files, points, lines = iter(files.grids), iter(files.points), iter(files.lines)
    covered, contours = iter(output.grids), iter(output.contours)
    rows: list[CoveredRange] = []
    for called, section in sections.items():
        scan, grids = parse_scan(called, section), {}
        for grid, axes in scan.drawn().items():
            parts = {}
            for chunk in range(1, scan.chunks + 1):
                path = next(points)
                check_note(
                    path, read_note(path), covered_note(scan, grid, chunk, analysis, point_sections[called], inputs)
                )
                parts[path] = read_parquet(path)
            columns = {
                **read_parquet(next(grid_files), [*axes, "chi2", "delta_chi2"]),
                **covered_columns(scan, grid, join_points(scan, grid, parts)),
            }
            said = covered_grid_note(scan, grid, name, analysis, section, inputs)
            write_parquet_parts(next(covered), [columns], said, repetitive_columns(scan))
            if len(axes) == 2:
                shown = as_grid(scan, grid, columns["delta_chi2"])
                levels = [(level, 2) for level in scan.confidence_levels]
                critical = {
                    level: columns[critical_column(level[0])].reshape(shown.delta_chi2.shape) for level in levels
                }
                table = contour_table(shown, levels, critical)
                write_csv(next(contours), {**table, "method": [FELDMAN_COUSINS] * len(table["segment"])})
            grids[grid] = columns
        line_file = next(lines) if has_lines(scan) else None
        if line_file is not None:
            one = parse_scan(called, line_sections[called])
            check_note(line_file, read_note(line_file), line_note(one, analysis, line_sections[called], inputs))
        rows += _ranges(model, scan, grids, line_file)
    write_csv(output.ranges, as_columns(map(astuple, rows), COVERED_RANGES))


if job := globals().get("snakemake"):
    run(main, job)
