# The page for a reader: `make report`, or the target `report`. Nothing else needs it. It shows every analysis.
SHOWN = ANALYSES
# Those whose coverage has been made: it is shown, and kept as new as all else. No report makes it anew from nothing.
REPORTED = [
    analysis
    for analysis in SHOWN
    if covered_scans(analysis)
    and Path(f"results/{analysis}/coverage/ranges.csv").exists()
]
# The analyses that each figure of several shows, by study.
SHOWN_TOGETHER = {
    study: {figure.name: shown_in(study, figure) for figure in together_made(study)}
    for study in STUDIES
    if OF_STUDY[study]
}
PAGE_FILES = ["page.html.jinja", "page.css", "page.js"]


rule report:
    input:
        results=["results/provenance.json", *files_of_all(SHOWN)],
        provenance="results/provenance.json",
        cross_checks=[
            f"results/inputs/{dataset}/cross_check.csv"
            for dataset, section in config["datasets"].items()
            if section["reader"] in READ_TWICE
        ],
        numbers=all_figures(SHOWN, "csv"),
        data=[file for analysis in SHOWN for file in figure_tables(analysis)],
        covered=[file for analysis in REPORTED for file in coverage_of(analysis)],
        together=[
            f"results/studies/{study}/figures/{figure}.{ext}"
            for study, figures in SHOWN_TOGETHER.items()
            for figure in figures
            for ext in ("svg", "csv")
        ],
        published=PUBLISHED,
        template=own(ROOT / "workflow" / "report" / PAGE_FILES[0]),
        style=[own(ROOT / "workflow" / "report" / name) for name in PAGE_FILES[1:]],
        code=code("report.py"),
    output:
        "results/report.html",
    log:
        "logs/report.log",
    localrule: True
    params:
        config=config,
        study=DEFAULT,
        analyses=SHOWN,
        covered=REPORTED,
        together=SHOWN_TOGETHER,
    message:
        "Report: one page to look at"
    script:
        "../scripts/report.py"
