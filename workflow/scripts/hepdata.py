"""Tables and pictures of every analysis to a submission to HEPData: a folder, and an archive of it that is checked."""

from pathlib import Path
from typing import Any

from cevnsi.config.check import parse_scan
from cevnsi.files.tables import CURVES, DOMAIN_MATCHES, RANGES, SENSITIVITY, SPECTRA, contour_layout, read_table
from cevnsi.output.hepdata import Finished, check_submission, write_archive, write_submission
from runner import run


def main(analyses: dict[str, Any], example: dict[str, float], files: Any, output: Any) -> None:
    """Read what each analysis has made, in the order of the rule's input; write, pack and check."""
    spectra, ranges, scorecards = iter(files.spectra), iter(files.ranges), iter(files.scorecards)
    contours, curves, pictures = iter(files.contours), iter(files.curves), iter(files.pictures)
    sensitivity, matches = iter(files.sensitivity), iter(files.matches)
    finished = []
    for name, plan in analyses.items():
        scans = [parse_scan(*item) for item in plan["scans"].items()]
        pairs: dict[str, Any] = {grid: axes for scan in scans for grid, axes in scan.pairs().items()}
        figures = plan["figures"]
        has_sensitivity = "domain_sensitivity" in figures
        finished.append(
            Finished(
                name=name,
                section=plan["section"],
                scans={grid: scan for scan in scans for grid in scan.pairs()},
                example=example,
                figures=figures,
                spectra=read_table(next(spectra), SPECTRA),
                ranges=read_table(next(ranges), RANGES),
                contours={grid: read_table(next(contours), contour_layout(axes)) for grid, axes in pairs.items()},
                curves={figure: read_table(next(curves), CURVES) for figure in figures},
                sensitivity=read_table(next(sensitivity), SENSITIVITY) if has_sensitivity else None,
                matches=read_table(next(matches), DOMAIN_MATCHES) if has_sensitivity else None,
                pictures={figure: Path(next(pictures)) for figure in figures},
                scorecard=Path(next(scorecards)),
            )
        )
    folder, archive = Path(output[0]) / "submission", Path(output[0]) / "submission.tar.gz"
    write_submission(folder, finished)
    write_archive(archive, folder)
    check_submission(archive)


if job := globals().get("snakemake"):
    run(main, job)
