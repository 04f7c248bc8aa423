"""Tables of datasets and grids of an analysis to contours, intervals, best fits, their counts, spectra, templates."""

from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

from cevnsi.config.build import load_dataset, load_model
from cevnsi.config.check import parse_scan
from cevnsi.files.atomic import write_json
from cevnsi.files.tables import BEST_FITS, RANGES, as_columns, read_parquet, write_csv
from cevnsi.fits import best_fits_of, counts_likelihood, fits_of, fits_of_each, fitted_counts
from cevnsi.output.spectra import fitted_table, spectra_table, templates_table
from cevnsi.scans.chunks import as_grid
from cevnsi.scans.limits import scan_limits
from cevnsi.scans.ranges import AllowedRange
from cevnsi.scans.regions import coarseness, contour_table
from runner import run


def main(
    analysis: dict[str, Any], sections: dict[str, Any], example: dict[str, float], files: Any, output: Any
) -> None:
    """Limits scan by scan, in the order of the analysis; what a grid is too coarse for is said in the log, too."""
    model = load_model(analysis, files.tables)
    if "joins" not in analysis:  # else each data set's are with the analysis that is joined
        whole = load_dataset(analysis, files.tables)
        write_csv(output.spectra, spectra_table(whole, example))
        write_csv(output.templates, templates_table(whole))
    together = fits_of(model)
    each = fits_of_each(together)
    write_json(output.best_fit, best_fits_of(together, each))
    if output.fitted:
        counts, datasets = fitted_counts(together), {dataset.name: dataset for dataset in model.datasets}
        for path in output.fitted:  # one of each data set of Poisson counts, called after it
            name = Path(path).stem
            write_csv(path, fitted_table(datasets[name], *counts[name]))
        write_csv(output.counts_likelihood[0], counts_likelihood(together, each))
    grids, contours = iter(files.grids), iter(output.contours)
    rows: list[AllowedRange] = []
    fits: list[tuple[Any, ...]] = []
    for name, section in sections.items():
        scan = parse_scan(name, section)
        limits = scan_limits(model, scan)
        ranges, best = limits.ranges, limits.best_fits
        warnings: dict[Any, list[str]] = {}
        for grid, axes in scan.drawn().items():
            columns = read_parquet(next(grids), ["chi2", "delta_chi2"])
            least = float(columns["chi2"].min())
            excess = least - min((fit.chi2 for fit in best if fit.grid == grid), default=least)
            fits += [(*astuple(fit), excess) for fit in best if fit.grid == grid]
            shown = as_grid(scan, grid, columns["delta_chi2"])
            if len(axes) == 2:
                write_csv(next(contours), contour_table(shown, scan.levels()))
            for key, text in coarseness(shown, excess, [r for r in ranges if r.parameter in shown.names]).items():
                warnings.setdefault(key, []).append(f"{grid}: {text}")
        for row in ranges:
            said = warnings.get((row.confidence_level, row.n_dof, row.parameter, row.other_parameters), [])
            rows.append(replace(row, warning="; ".join([row.warning, *said] if row.warning else said)))
    for row in rows:
        if row.warning:
            print(f"{row.scan}, {row.parameter}, {row.confidence_level:g} CL, {row.n_dof} dof: {row.warning}")
    write_csv(output.ranges, as_columns(map(astuple, rows), RANGES))
    write_csv(output.best_fits, as_columns(fits, BEST_FITS))


if job := globals().get("snakemake"):
    run(main, job)
