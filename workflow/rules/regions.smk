rule contours:
    input:
        grid="results/{analysis}/grids/{grid}.parquet",
        code=code("contours.py"),
    output:
        "results/{analysis}/contours/{grid}.csv",
    log:
        "logs/{analysis}/contours/{grid}.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        scan=lambda w: GRIDS[w.grid].name,
        section=lambda w: config["scans"][GRIDS[w.grid].name],
        grid=lambda w: w.grid,
    message:
        "Contours of {wildcards.grid}, {wildcards.analysis}"
    script:
        "../scripts/contours.py"


rule ranges:
    input:
        counts=dataset_file("counts.csv"),
        acceptance=dataset_file("acceptance.csv"),
        grids=grid_files,
        code=code("ranges.py"),
    output:
        ranges="results/{analysis}/ranges.csv",
        best_fits="results/{analysis}/best_fits.csv",
    log:
        "logs/{analysis}/ranges.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        analysis=analysis_section,
        sections=lambda w: scan_sections(w.analysis),
    message:
        "Allowed ranges and best fits of every parameter, {wildcards.analysis}"
    script:
        "../scripts/ranges.py"


rule domain_sensitivity:
    input:
        counts=dataset_file("counts.csv"),
        acceptance=dataset_file("acceptance.csv"),
        published=PUBLISHED,
        code=code("domain_sensitivity.py"),
    output:
        ends="results/{analysis}/domain_sensitivity.csv",
        matches="results/{analysis}/domain_matches.csv",
    log:
        "logs/{analysis}/domain_sensitivity.log",
    wildcard_constraints:
        analysis=only(PAPER),
    conda:
        "../../envs/environment.yaml"
    params:
        analysis=analysis_section,
        section=lambda w: config["scans"][config["domain_sensitivity"]["scan"]],
        sensitivity=config.get("domain_sensitivity"),
    message:
        "Ends of the allowed ranges against the bound on profiled parameters, {wildcards.analysis}"
    script:
        "../scripts/domain_sensitivity.py"
