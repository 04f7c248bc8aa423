"""Tables and pictures of every analysis of a study to a submission to HEPData: a folder, and an archive of it."""

from pathlib import Path
from typing import Any

from cevnsi.config.check import parse_scan
from cevnsi.files.tables import CURVES, RANGES, contour_layout, read_table
from cevnsi.output.hepdata import Finished, check_submission, write_archive, write_submission
from cevnsi.studies.known import STUDIES
from cevnsi.studies.study import figures_of
from runner import run


def main(study: str, settings: dict[str, Any], analyses: dict[str, Any], files: Any, output: Any) -> None:
    """Read what each analysis has made, in the order of the rule's input; write, pack and check."""
    ranges, scorecards, contours = iter(files.ranges), iter(files.scorecards), iter(files.contours)
    curves, pictures, data = iter(files.curves), iter(files.pictures), iter(files.data)
    finished = []
    for name, plan in analyses.items():
        scans = [parse_scan(*item) for item in plan["scans"].items()]
        pairs: dict[str, Any] = {grid: axes for scan in scans for grid, axes in scan.pairs().items()}
        figures = figures_of(STUDIES[study], settings, scans)
        finished.append(
            Finished(
                name=name,
                section=plan["section"],
                scans={grid: scan for scan in scans for grid in scan.pairs()},
                figures=figures,
                ranges=read_table(next(ranges), RANGES),
                contours={grid: read_table(next(contours), contour_layout(axes)) for grid, axes in pairs.items()},
                curves={figure.name: read_table(next(curves), CURVES) for figure in figures},
                pictures={figure.name: Path(next(pictures)) for figure in figures},
                scorecard=Path(next(scorecards)),
                data={
                    table: read_table(next(data), layout) for figure in figures for table, layout in figure.data.items()
                },
                settings=settings,
            )
        )
    folder, archive = Path(output[0]) / "submission", Path(output[0]) / "submission.tar.gz"
    write_submission(folder, finished, STUDIES[study].comment, STUDIES[study].sources)
    write_archive(archive, folder)
    check_submission(archive)


if job := globals().get("snakemake"):
    run(main, job)
