def grid_files(wildcards):
    return [f"results/{wildcards.analysis}/grids/{grid}.parquet" for grid in pairs_of(wildcards.analysis)]


def scan_sections(analysis):
    return {scan.name: config["scans"][scan.name] for scan in scans_of(analysis)}


rule contours:
    message:
        "Contours of {wildcards.grid}, {wildcards.analysis}"
    input:
        grid="results/{analysis}/grids/{grid}.parquet",
        code=code("contours.py"),
    output:
        "results/{analysis}/contours/{grid}.csv",
    params:
        scan=lambda w: GRIDS[w.grid].name,
        section=lambda w: config["scans"][GRIDS[w.grid].name],
        grid=lambda w: w.grid,
    conda:
        "../../envs/environment.yaml"
    script:
        "../scripts/contours.py"


rule ranges:
    message:
        "Allowed ranges of every parameter, {wildcards.analysis}"
    input:
        grids=grid_files,
        code=code("ranges.py"),
    output:
        "results/{analysis}/ranges.csv",
    params:
        sections=lambda w: scan_sections(w.analysis),
    conda:
        "../../envs/environment.yaml"
    script:
        "../scripts/ranges.py"


rule domain_sensitivity:
    message:
        "Ends of the allowed ranges against the bound on profiled parameters, {wildcards.analysis}"
    input:
        templates="results/{analysis}/templates.parquet",
        counts=dataset_file("counts.csv"),
        code=code("domain_sensitivity.py"),
    output:
        "results/{analysis}/domain_sensitivity.csv",
    params:
        analysis=analysis_section,
        section=lambda w: config["scans"][config["domain_sensitivity"]["scan"]],
        sensitivity=config.get("domain_sensitivity"),
    conda:
        "../../envs/environment.yaml"
    script:
        "../scripts/domain_sensitivity.py"
