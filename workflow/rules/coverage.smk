# Critical values by pseudo-data, and what they make of grids and ranges: the target `coverage`, no part of any other.
COVERED = [analysis for analysis in ANALYSES if covered_scans(analysis)]
# Analyses of a study whose regions and fits are tried on toys.
TESTED = [analysis for analysis in COVERED if is_tested(analysis)]

COMPARED_BY_METHOD = [analysis for analysis in JUDGED if compared_scans(analysis)]


rule coverage_points:
    input:
        tables=dataset_tables,
        code=code("coverage_points.py"),
    output:
        "results/{analysis}/coverage/points/{grid}/{k,[0-9]+}-of-{n,[0-9]+}.parquet",
    log:
        "logs/{analysis}/coverage/points/{grid}/{k}-of-{n}.log",
    wildcard_constraints:
        analysis=only(COVERED),
    params:
        analysis=analysis_section,
        scan=lambda w: GRIDS[w.grid].name,
        section=lambda w: points_section(w.analysis, GRIDS[w.grid].name),
        grid=lambda w: w.grid,
        chunk=lambda w: int(w.k),
    message:
        "Critical values of {wildcards.grid}, {wildcards.analysis}: chunk {wildcards.k} of {wildcards.n}"
    script:
        "../scripts/coverage_points.py"


rule coverage_lines:
    input:
        tables=dataset_tables,
        code=code("coverage_lines.py"),
    output:
        "results/{analysis}/coverage/lines/{scan}.parquet",
    log:
        "logs/{analysis}/coverage/lines/{scan}.log",
    wildcard_constraints:
        analysis=only(COVERED),
    params:
        analysis=analysis_section,
        scan=lambda w: w.scan,
        section=lambda w: lines_section(w.analysis, w.scan),
    message:
        "Critical values along ranges of {wildcards.scan}, {wildcards.analysis}"
    script:
        "../scripts/coverage_lines.py"


# As the tables of a plain run, all of an analysis are one job; so are its figures.
for SUFFIX, SAME in KINDS:
    if SAME := [analysis for analysis in SAME if analysis in COVERED]:

        rule:
            name:
                f"coverage_tables{SUFFIX}"
            input:
                tables=dataset_tables,
                grids=lambda w: [
                    f"results/{w.analysis}/grids/{grid}.parquet"
                    for grid in covered_grids(w.analysis)
                ],
                points=lambda w: [
                    f"results/{w.analysis}/coverage/points/{grid}/{k}-of-{scan.chunks}.parquet"
                    for scan in covered_scans(w.analysis)
                    for grid in scan.drawn()
                    for k in range(1, scan.chunks + 1)
                ],
                lines=lambda w: [
                    f"results/{w.analysis}/coverage/lines/{scan.name}.parquet"
                    for scan in covered_scans(w.analysis)
                    if has_lines(scan)
                ],
                code=code("coverage_tables.py"),
            output:
                grids=[
                    f"results/{{analysis}}/coverage/grids/{grid}.parquet"
                    for grid in covered_grids(SAME[0])
                ],
                contours=[
                    f"results/{{analysis}}/coverage/contours/{grid}.csv"
                    for scan in covered_scans(SAME[0])
                    for grid in scan.pairs()
                ],
                ranges="results/{analysis}/coverage/ranges.csv",
            log:
                "logs/{analysis}/coverage/tables.log",
            wildcard_constraints:
                analysis=only(SAME),
            localrule: True
            params:
                name=lambda w: w.analysis,
                analysis=analysis_section,
                sections=lambda w: {
                    scan.name: covered_section(
                        config["scans"][scan.name], config["analyses"][w.analysis]
                    )
                    for scan in covered_scans(w.analysis)
                },
                point_sections=lambda w: {
                    scan.name: points_section(w.analysis, scan.name)
                    for scan in covered_scans(w.analysis)
                },
                line_sections=lambda w: {
                    scan.name: lines_section(w.analysis, scan.name)
                    for scan in covered_scans(w.analysis)
                },
            message:
                "Grids with critical values, contours and allowed ranges of {wildcards.analysis}"
            script:
                "../scripts/coverage_tables.py"

        if DRAWN := covered_figures(SAME[0]):

            rule:
                name:
                    f"coverage_figures{SUFFIX}"
                input:
                    **{
                        f"{figure.name}__{name}": file
                        for figure in DRAWN
                        for name, file in covered_inputs(figure).items()
                    },
                    code=code("figures.py", *(figure.script for figure in DRAWN)),
                output:
                    **{
                        figure.name: [
                            f"results/{{analysis}}/coverage/figures/{figure.name}.{ext}"
                            for ext in [*FORMATS, "csv"]
                        ]
                        for figure in DRAWN
                    },
                log:
                    "logs/{analysis}/coverage/figures.log",
                wildcard_constraints:
                    analysis=only(SAME),
                localrule: True
                params:
                    figures=lambda w: {
                        figure.name: {
                            "script": figure.script,
                            "inputs": list(covered_inputs(figure)),
                            "params": figure_params(figure, w.analysis),
                        }
                        for figure in covered_figures(w.analysis)
                    },
                message:
                    "Figures with both thresholds, {wildcards.analysis}"
                script:
                    "../scripts/figures.py"


rule coverage_tests:
    input:
        tables=dataset_tables,
        grids=lambda w: [
            f"results/{w.analysis}/grids/{grid}.parquet" for grid in tested_grids()
        ],
        contours=lambda w: [
            f"results/{w.analysis}/contours/{grid}.csv"
            for grid, axes in tested_grids().items()
            if len(axes) == 2
        ],
        best_fit="results/{analysis}/best_fit.json",
        code=code("coverage_tests.py"),
    output:
        measured="results/{analysis}/coverage/measured.csv",
        goodness="results/{analysis}/coverage/goodness.csv",
    log:
        "logs/{analysis}/coverage/tests.log",
    wildcard_constraints:
        analysis=only(TESTED),
    params:
        analysis=analysis_section,
        section=lambda w: points_section(w.analysis, config["coverage_tests"]["scan"]),
        tests=config.get("coverage_tests"),
    message:
        "Regions and fits of {wildcards.analysis} tried on toys"
    script:
        "../scripts/coverage_tests.py"


rule coverage_scorecard:
    input:
        published=lambda w: own(ROOT / study_of(config, w.analysis).published),
        ranges="results/{analysis}/ranges.csv",
        covered_ranges="results/{analysis}/coverage/ranges.csv",
        grids=lambda w: [
            f"results/{w.analysis}/coverage/grids/{grid}.parquet"
            for scan in compared_scans(w.analysis)
            for grid in scan.pairs()
        ],
        code=code("coverage_scorecard.py"),
    output:
        "results/{analysis}/coverage/scorecard.csv",
    log:
        "logs/{analysis}/coverage/scorecard.log",
    wildcard_constraints:
        analysis=only(COMPARED_BY_METHOD),
    localrule: True
    params:
        sections=lambda w: {
            scan.name: PLAIN[scan.name] for scan in compared_scans(w.analysis)
        },
    message:
        "Scorecard of {wildcards.analysis} at both thresholds"
    script:
        "../scripts/coverage_scorecard.py"


for NAME in STUDIES:
    if DRAWN := covered_together(NAME):

        rule:
            name:
                f"{NAME}_coverage_figures"
            input:
                **{
                    f"{figure.name}__{name}": files
                    for figure in DRAWN
                    for name, files in covered_together_inputs(NAME, figure).items()
                },
                code=code("figures.py", *(figure.script for figure in DRAWN)),
            output:
                **{
                    figure.name: [
                        f"results/studies/{NAME}/coverage/figures/{figure.name}.{ext}"
                        for ext in [*FORMATS, "csv"]
                    ]
                    for figure in DRAWN
                },
            log:
                f"logs/studies/{NAME}/coverage/figures.log",
            localrule: True
            params:
                figures={
                    figure.name: {
                        "script": figure.script,
                        "inputs": list(covered_together_inputs(NAME, figure)),
                        "params": together_params(NAME, figure, covered_grids),
                    }
                    for figure in DRAWN
                },
            message:
                f"Figures of the study {NAME} with both thresholds"
            script:
                "../scripts/figures.py"


rule coverage:
    input:
        [file for study in STUDIES for file in covered_files_of_study(study)],
    localrule: True


# That of every analysis alone, also of one's own.
for NAME in COVERED:

    rule:
        name:
            f"coverage_{NAME}"
        input:
            coverage_of(NAME),
        localrule: True
