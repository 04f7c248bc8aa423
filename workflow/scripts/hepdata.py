"""Tables, pictures and likelihoods of analyses to a submission to HEPData: a folder, and an archive of it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cevnsi.config.build import load_model
from cevnsi.config.check import parse_scan
from cevnsi.files.tables import CURVES, RANGES, contour_layout, read_table
from cevnsi.output.hepdata import (
    Finished,
    FinishedTogether,
    Resource,
    check_submission,
    write_archive,
    write_submission,
)
from cevnsi.output.likelihood_files import NoLikelihood, likelihood_files
from cevnsi.studies.known import STUDIES
from cevnsi.studies.study import figures_of
from runner import run


def likelihoods(plans: Mapping[str, Any]) -> Iterator[Resource]:
    """That of each analysis which a file can say."""
    for name, plan in plans.items():
        try:
            made = likelihood_files(name, load_model(plan["section"], plan["tables"]))
        except NoLikelihood as reason:
            print(f"{name}: no file of its likelihood: {reason}")
            continue
        yield from (Resource(name=file, description=said, content=what) for file, (what, said) in made.items())


def main(plan: dict[str, Any], files: Any, output: Any) -> None:
    """Read what each analysis has made, in the order of the rule's input; write, pack and check."""
    ranges, scorecards, contours = iter(files.ranges), iter(files.scorecards), iter(files.contours)
    curves, pictures, data = iter(files.curves), iter(files.pictures), iter(files.data)
    settings, finished = plan["settings"], []
    for name, asked in plan["analyses"].items():
        scans = [parse_scan(*item) for item in asked["scans"].items()]
        pairs: dict[str, Any] = {grid: axes for scan in scans for grid, axes in scan.pairs().items()}
        figures = figures_of(STUDIES[asked["study"]], settings, scans, counted=asked["counted"])
        finished.append(
            Finished(
                name=name,
                section=asked["section"],
                scans={grid: scan for scan in scans for grid in scan.drawn()},
                figures=figures,
                ranges=read_table(next(ranges), RANGES),
                contours={grid: read_table(next(contours), contour_layout(axes)) for grid, axes in pairs.items()},
                curves={figure.name: read_table(next(curves), CURVES) for figure in figures},
                pictures={figure.name: Path(next(pictures)) for figure in figures},
                scorecard=Path(next(scorecards)) if asked["judged"] else None,
                data={
                    table: read_table(next(data), layout) for figure in figures for table, layout in figure.data.items()
                },
                settings=settings,
            )
        )
    of_study = {figure.name: figure for figure in STUDIES[plan["beside"]].together}
    together = [
        FinishedTogether(
            study=plan["beside"],
            figure=of_study[name],
            analyses=shown,
            curves=read_table(numbers, CURVES),
            picture=Path(picture),
        )
        for (name, shown), numbers, picture in zip(
            plan["together"].items(), files.numbers_together, files.pictures_together, strict=True
        )
    ]
    further = [
        Resource(name=name, description=said, content=Path(path))
        for (name, said), path in zip(plan["further"].items(), files.further, strict=True)
    ]
    cited = list(dict.fromkeys([plan["study"], *(asked["study"] for asked in plan["analyses"].values())]))
    comment = " ".join(STUDIES[study].comment for study in cited)
    sources = {place: said for study in cited for place, said in STUDIES[study].sources.items()}
    folder, archive = Path(output[0]) / "submission", Path(output[0]) / "submission.tar.gz"
    write_submission(
        folder,
        finished,
        comment,
        sources,
        together=together,
        further=[*further, *likelihoods(plan["likelihoods"])],
    )
    write_archive(archive, folder)
    check_submission(archive)


if job := globals().get("snakemake"):
    run(main, job)
