"""Grids and ranges at both thresholds, and the published values, to coverage/scorecard.csv."""

from typing import Any

from cevnsi.config.check import parse_scan
from cevnsi.files.tables import COVERED_RANGES, PUBLISHED, RANGES, read_parquet, read_table, write_csv
from cevnsi.scans.chunks import as_grid
from cevnsi.scans.coverage import critical_column
from cevnsi.studies.liao_marfatia_2017.scorecard import by_method
from cevnsi.studies.liao_marfatia_2017.sensitivity import CL_PAPER
from runner import run


def main(sections: dict[str, Any], files: Any, output: Any) -> None:
    """Of the planes of the scans in `sections` whose critical values at the paper's level are known."""
    scans, grids, critical = [parse_scan(*item) for item in sections.items()], {}, {}
    names = [(scan, name) for scan in scans for name in scan.pairs() if CL_PAPER in scan.confidence_levels]
    for (scan, name), path in zip(names, files.grids, strict=True):
        columns = read_parquet(path, ["delta_chi2", column := critical_column(CL_PAPER)])
        grids[name] = as_grid(scan, name, columns["delta_chi2"])
        critical[name] = columns[column].reshape(grids[name].delta_chi2.shape)
    tables = read_table(files.ranges, RANGES), read_table(files.covered_ranges, COVERED_RANGES)
    write_csv(output[0], by_method(read_table(files.published, PUBLISHED), *tables, grids, critical))


if job := globals().get("snakemake"):
    run(main, job)
