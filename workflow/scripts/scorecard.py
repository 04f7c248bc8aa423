"""Every table of an analysis, and the published values, to scorecard.csv."""

from typing import Any

from cevnsi.config.build import load_dataset, load_model
from cevnsi.config.check import parse_muon_g2, parse_scan
from cevnsi.files.tables import DIGITIZATION, DOMAIN_BEST, PUBLISHED, RANGES, read_parquet, read_table, write_csv
from cevnsi.scans.chunks import as_grid
from cevnsi.studies.known import STUDIES
from cevnsi.studies.liao_marfatia_2017.scorecard import scorecard
from runner import run


def main(
    study: str,
    analysis: dict[str, Any],
    sections: dict[str, Any],
    no_digitization: str,
    muon_g2: dict[str, float] | None,
    files: Any,
    output: Any,
) -> None:
    """Compare what this analysis has run; `no_digitization` says why there is no ensemble of readings, if so."""
    scans = [parse_scan(*item) for item in sections.items()]
    model = load_model(analysis, files.tables)
    names = [(scan, name) for scan in scans for name in scan.drawn()]
    grids = {
        name: as_grid(scan, name, read_parquet(path, ["delta_chi2"])["delta_chi2"])
        for (scan, name), path in zip(names, files.grids, strict=True)
    }
    judge = STUDIES[study]
    assert judge.values is not None
    discrepancy = parse_muon_g2(muon_g2)
    ours = judge.values(model, scans, read_table(files.ranges, RANGES), grids, discrepancy)
    spread = no_digitization or read_table(files.digitization[0], DIGITIZATION)
    best = read_table(files.best_domains[0], DOMAIN_BEST) if files.best_domains else None
    choices = judge.choices
    everything = load_dataset(analysis, files.tables)
    others = choices(model, everything, scans, grids, best, discrepancy) if choices else {}
    write_csv(output[0], scorecard(read_table(files.published, PUBLISHED), ours, spread, others))


if job := globals().get("snakemake"):
    run(main, job)
