# What costs less than the start of a job is one: all tables of an analysis that are made from its inputs and grids.
for SUFFIX, SAME in KINDS:

    rule:
        name:
            f"tables{SUFFIX}"
        input:
            tables=dataset_tables,
            grids=grid_files,
            code=code("tables.py"),
        output:
            **{
                name: f"results/{{analysis}}/{name}.csv"
                for name in tables_of_dataset(SAME[0])
            },
            contours=[
                f"results/{{analysis}}/contours/{grid}.csv"
                for grid in pairs_of(SAME[0])
            ],
            ranges="results/{analysis}/ranges.csv",
            best_fits="results/{analysis}/best_fits.csv",
            best_fit="results/{analysis}/best_fit.json",
            fitted=[
                f"results/{{analysis}}/fitted_counts/{dataset}.csv"
                for dataset in counted_datasets(SAME[0])
            ],
            counts_likelihood=tables_of_counts(SAME[0]),
        log:
            "logs/{analysis}/tables.log",
        wildcard_constraints:
            analysis=only(SAME),
        localrule: True
        params:
            analysis=analysis_section,
            sections=lambda w: scan_sections(w.analysis),
            example=config["spectrum_example"],
        message:
            "Contours, allowed ranges, best fits, spectra and templates of {wildcards.analysis}"
        script:
            "../scripts/tables.py"


rule domain_sensitivity:
    input:
        tables=dataset_tables,
        published=PUBLISHED,
        code=code("domain_sensitivity.py"),
    output:
        ends="results/{analysis}/domain_sensitivity.csv",
        matches="results/{analysis}/domain_matches.csv",
        hole="results/{analysis}/domain_hole.csv",
        map="results/{analysis}/domain_map.csv",
        best="results/{analysis}/domain_best.csv",
    log:
        "logs/{analysis}/domain_sensitivity.log",
    wildcard_constraints:
        analysis=only(PAPER),
    params:
        analysis=analysis_section,
        section=lambda w: PLAIN[config["domain_sensitivity"]["scan"]],
        sensitivity=config.get("domain_sensitivity"),
    message:
        "Ends of the allowed ranges against the domain of profiled parameters, {wildcards.analysis}"
    script:
        "../scripts/domain_sensitivity.py"
