# A submission to HEPData of the study that a plain run makes; no part of the default target.
rule hepdata:
    input:
        ranges=expand("results/{analysis}/ranges.csv", analysis=PAPER),
        scorecards=expand("results/{analysis}/scorecard.csv", analysis=PAPER),
        contours=[
            f"results/{analysis}/contours/{grid}.csv"
            for analysis in PAPER
            for grid in pairs_of(analysis)
        ],
        curves=all_figures(PAPER, "csv"),
        pictures=all_figures(PAPER, "png"),
        data=[file for analysis in PAPER for file in figure_tables(analysis)],
        code=code("hepdata.py"),
    output:
        directory("results/hepdata"),
    log:
        "logs/hepdata.log",
    localrule: True
    params:
        study=DEFAULT,
        settings={
            name: config[name]
            for figure in STUDIES[DEFAULT].figures
            for name in (figure.section, *figure.params.values())
            if name in config
        },
        analyses={
            name: {
                "section": analysis_section_of(name),
                "scans": scan_sections(name),
            }
            for name in PAPER
        },
    message:
        "Submission to HEPData: write, validate and pack"
    script:
        "../scripts/hepdata.py"
