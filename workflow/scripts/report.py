"""A finished run to one page."""

from pathlib import Path
from typing import Any

from cevnsi.config.check import parse_scan
from cevnsi.experiments.inputs import is_counted
from cevnsi.files.atomic import write_text
from cevnsi.files.tables import PUBLISHED, read_table
from cevnsi.output.report import StudyResults, collect, finished, render
from cevnsi.studies.citing import citing_rows
from cevnsi.studies.known import STUDIES, study_of
from cevnsi.studies.study import figures_of
from cevnsi.workflow.run_record import behind, read_jobs
from runner import run


def main(
    study: str,
    config: dict[str, Any],
    analyses: list[str],
    covered: list[str],
    together: dict[str, dict[str, list[str]]],
    files: Any,
    output: Any,
) -> None:
    """Collect what the run has made and what studies say of it, and lay it out.

    Those `covered` have critical values; `together` are the analyses of each figure of several, by study.
    """
    figures, judged = {}, []
    for name in analyses:
        of_study = study_of(config, name)
        judged += [name] if of_study is STUDIES[study] else []  # by the study that the page is of
        scans = [parse_scan(scan, config["scans"][scan]) for scan in config["analyses"][name]["scans"]]
        figures[name] = figures_of(of_study, config, scans, counted=is_counted(config, name))
    results = Path(files.provenance).parent
    made = finished(results, config, figures, judged)
    studies = [studied(name, results, config, analyses, figures) for name, figures in together.items()]
    content = collect(results, config, made, behind(read_jobs(Path()), files.results), covered, studies)
    chosen = STUDIES[study]
    content |= {"title": chosen.title, "citation": chosen.citation, "citing": citing_rows(config, analyses)}
    if chosen.page:
        content |= chosen.page(config, made, read_table(files.published, PUBLISHED))
    write_text(output[0], render(content, Path(files.template)))


def studied(
    name: str, results: Path, config: dict[str, Any], analyses: list[str], shown: dict[str, list[str]]
) -> StudyResults:
    """A study of some of these analyses, with the parameters of the panels that its figures show."""
    study = STUDIES[name]
    mine = [analysis for analysis in analyses if study_of(config, analysis) is study]
    scans = {scan for analysis in mine for scan in config["analyses"][analysis]["scans"]}
    drawn: dict[str, tuple[str, ...]] = {}
    for scan in scans:
        drawn |= parse_scan(scan, config["scans"][scan]).drawn()
    return StudyResults(
        title=study.title,
        citation=study.citation,
        folder=results / "studies" / name,
        analyses=tuple(mine),
        together={
            figure.name: (
                figure.title,
                shown[figure.name],
                [drawn[grid] for grid in (*figure.grids, *figure.lines) if grid in drawn],
            )
            for figure in study.together
            if figure.name in shown
        },
        asked=study.asked,
        foremost=study.foremost,
    )


if job := globals().get("snakemake"):
    run(main, job)
