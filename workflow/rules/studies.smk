# What a study makes of several of its analyses together, in results/studies/.
for NAME in STUDIES:
    if MADE := together_made(NAME):

        rule:
            name:
                f"{NAME}_figures"
            input:
                **{
                    f"{figure.name}__{name}": files
                    for figure in MADE
                    for name, files in together_inputs(NAME, figure).items()
                },
                code=code("figures.py", *(figure.script for figure in MADE)),
            output:
                **{
                    figure.name: [
                        f"results/studies/{NAME}/figures/{figure.name}.{ext}"
                        for ext in [*FORMATS, "csv"]
                    ]
                    for figure in MADE
                },
            log:
                f"logs/studies/{NAME}/figures.log",
            localrule: True
            params:
                figures={
                    figure.name: {
                        "script": figure.script,
                        "inputs": list(together_inputs(NAME, figure)),
                        "params": together_params(NAME, figure),
                    }
                    for figure in MADE
                },
            message:
                f"Figures of the study {NAME}"
            script:
                "../scripts/figures.py"


rule coherent_scorecard:
    input:
        best_fits=[f"results/{analysis}/best_fit.json" for analysis in SCORED],
        tables=[file for analysis in SCORED for file in tables_of_analysis(analysis)],
        published=own(ROOT / STUDIES["coherent"].published),
        flux=own(ROOT / FLUX_FILE),
        code=code("coherent_scorecard.py"),
    output:
        scorecard="results/studies/coherent/scorecard.csv",
        choices="results/studies/coherent/choices.csv",
    log:
        "logs/studies/coherent/scorecard.log",
    localrule: True
    params:
        sections={analysis: analysis_section_of(analysis) for analysis in SCORED},
        tables={analysis: tables_of_analysis(analysis) for analysis in SCORED},
    message:
        "Scorecard of the study coherent: published numbers against ours"
    script:
        "../scripts/coherent_scorecard.py"


rule general_fit:
    input:
        tables=dataset_tables,
        code=code("general_fit.py"),
    output:
        "results/{analysis}/general_fit.csv",
    log:
        "logs/{analysis}/general_fit.log",
    wildcard_constraints:
        analysis=only(FITTED_FREELY),
    params:
        analysis=analysis_section,
        fit=config.get("general_fit"),
    message:
        "Ranges of contact couplings with all others free, {wildcards.analysis}"
    script:
        "../scripts/general_fit.py"


rule domain_ends:
    input:
        tables=dataset_tables,
        code=code("domain_ends.py"),
    output:
        "results/{analysis}/domain_ends.csv",
    log:
        "logs/{analysis}/domain_ends.log",
    wildcard_constraints:
        analysis=only(BY_DOMAIN),
    params:
        analysis=analysis_section,
        section=lambda w: PLAIN[config["domain_ends"]["scan"]],
        ends=config.get("domain_ends"),
    message:
        "Ends of the matter parameters against the domain, {wildcards.analysis}"
    script:
        "../scripts/domain_ends.py"
