def chunk_section(scan):
    """What chi2 on the grid depends on: levels are drawn later, so changing one recomputes nothing here."""
    return {key: value for key, value in config["scans"][scan].items() if key not in ("confidence_levels", "n_dof")}


rule chunk:
    message:
        "Scan {wildcards.scan} of {wildcards.analysis}: chunk {wildcards.k} of {wildcards.n}"
    input:
        templates="results/{analysis}/templates.parquet",
        counts=dataset_file("counts.csv"),
        code=code("chunk.py"),
    output:
        "results/{analysis}/chunks/{scan}/{k,[0-9]+}-of-{n,[0-9]+}.parquet",
    params:
        analysis=analysis_section,
        scan=lambda w: w.scan,
        section=lambda w: chunk_section(w.scan),
        chunk=lambda w: int(w.k),
    conda:
        "../../envs/environment.yaml"
    script:
        "../scripts/chunk.py"


def chunks_of(wildcards):
    scan = GRIDS[wildcards.grid]
    base = f"results/{wildcards.analysis}/chunks/{scan.name}"
    return [f"{base}/{k}-of-{scan.chunks}.parquet" for k in range(1, scan.chunks + 1)]


rule merge:
    message:
        "Grid {wildcards.grid} of {wildcards.analysis}: merge the chunks and check them"
    input:
        chunks=chunks_of,
        templates="results/{analysis}/templates.parquet",
        counts=dataset_file("counts.csv"),
        code=code("merge.py"),
    output:
        "results/{analysis}/grids/{grid}.parquet",
    params:
        analysis=analysis_section,
        scan=lambda w: GRIDS[w.grid].name,
        section=lambda w: chunk_section(GRIDS[w.grid].name),
        grid=lambda w: w.grid,
    conda:
        "../../envs/environment.yaml"
    script:
        "../scripts/merge.py"
