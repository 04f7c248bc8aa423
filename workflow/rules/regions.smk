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
        grids=grid_files,
        code=code("ranges.py"),
    output:
        "results/{analysis}/ranges.csv",
    log:
        "logs/{analysis}/ranges.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        sections=lambda w: scan_sections(w.analysis),
    message:
        "Allowed ranges of every parameter, {wildcards.analysis}"
    script:
        "../scripts/ranges.py"


rule domain_sensitivity:
    input:
        templates="results/{analysis}/templates.parquet",
        counts=dataset_file("counts.csv"),
        code=code("domain_sensitivity.py"),
    output:
        "results/{analysis}/domain_sensitivity.csv",
    log:
        "logs/{analysis}/domain_sensitivity.log",
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
