# A submission to HEPData of the study that a plain run makes, with what of another is finished; no part of the default
# target. No submission makes an analysis of that other study from nothing: what is there is kept as new as all else.
MADE_BESIDE = [name for name in OF_STUDY[BESIDE] if are_made(files_submitted(name))]
SUBMITTED = [*PAPER, *MADE_BESIDE]
SUBMITTED_TOGETHER = [
    figure
    for figure in together_made(BESIDE)
    if set(shown_in(BESIDE, figure)) <= set(MADE_BESIDE)
    and are_made(drawn_of_study(figure, ext) for ext in ("csv", "png"))
]
FURTHER = {
    f"{analysis}-{name}": (path, NUMBERS_OF[name].format(analysis))
    for analysis in MADE_BESIDE
    for name, path in numbers_submitted(analysis).items()
}
SCORECARD_BESIDE = f"results/studies/{BESIDE}/scorecard.csv"
if SCORED and set(SCORED) <= set(MADE_BESIDE) and are_made([SCORECARD_BESIDE]):
    FURTHER[f"{BESIDE}-scorecard.csv"] = (
        SCORECARD_BESIDE,
        f"Published values against ours, study {BESIDE}",
    )
# Likelihoods need no more than what is read: they are of all analyses, finished or not.
WITH_LIKELIHOOD = [
    analysis
    for analysis in [*PAPER, *OF_STUDY[BESIDE]]
    if "joins" not in config["analyses"][analysis]
]


rule hepdata:
    input:
        ranges=expand("results/{analysis}/ranges.csv", analysis=SUBMITTED),
        scorecards=expand("results/{analysis}/scorecard.csv", analysis=PAPER),
        contours=[
            f"results/{analysis}/contours/{grid}.csv"
            for analysis in SUBMITTED
            for grid in pairs_of(analysis)
        ],
        curves=all_figures(SUBMITTED, "csv"),
        pictures=all_figures(SUBMITTED, "png"),
        data=[file for analysis in SUBMITTED for file in figure_tables(analysis)],
        numbers_together=[
            drawn_of_study(figure, "csv") for figure in SUBMITTED_TOGETHER
        ],
        pictures_together=[
            drawn_of_study(figure, "png") for figure in SUBMITTED_TOGETHER
        ],
        further=[path for path, _ in FURTHER.values()],
        tables=sorted(
            {
                file
                for analysis in WITH_LIKELIHOOD
                for file in tables_of_analysis(analysis)
            }
        ),
        code=code("hepdata.py"),
    output:
        directory("results/hepdata"),
    log:
        "logs/hepdata.log",
    localrule: True
    params:
        plan={
            "study": DEFAULT,
            "beside": BESIDE,
            "settings": {
                name: config[name]
                for study in (DEFAULT, BESIDE)
                for figure in STUDIES[study].figures
                for name in (figure.section, *figure.params.values())
                if name in config
            },
            "analyses": {
                name: {
                    "section": analysis_section_of(name),
                    "scans": scan_sections(name),
                    "study": DEFAULT if name in PAPER else BESIDE,
                    "counted": is_counted(config, name),
                    "judged": name in PAPER,
                }
                for name in SUBMITTED
            },
            "together": {
                figure.name: shown_in(BESIDE, figure) for figure in SUBMITTED_TOGETHER
            },
            "further": {name: said for name, (_, said) in FURTHER.items()},
            "likelihoods": {
                name: {
                    "section": analysis_section_of(name),
                    "tables": tables_of_analysis(name),
                }
                for name in WITH_LIKELIHOOD
            },
        },
    message:
        "Submission to HEPData: write, validate and pack"
    script:
        "../scripts/hepdata.py"
