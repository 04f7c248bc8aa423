rule chunk:
    input:
        counts=dataset_file("counts.csv"),
        acceptance=dataset_file("acceptance.csv"),
        code=code("chunk.py"),
    output:
        "results/{analysis}/chunks/{scan}/{k,[0-9]+}-of-{n,[0-9]+}.parquet",
    log:
        "logs/{analysis}/chunks/{scan}/{k}-of-{n}.log",
    conda:
        "../../envs/environment.yaml"
    params:
        analysis=analysis_section,
        scan=lambda w: w.scan,
        section=lambda w: chunk_section(w.scan),
        chunk=lambda w: int(w.k),
    message:
        "Scan {wildcards.scan} of {wildcards.analysis}: chunk {wildcards.k} of {wildcards.n}"
    script:
        "../scripts/chunk.py"


rule merge:
    input:
        chunks=chunks_of,
        counts=dataset_file("counts.csv"),
        acceptance=dataset_file("acceptance.csv"),
        code=code("merge.py"),
    output:
        "results/{analysis}/grids/{grid}.parquet",
    log:
        "logs/{analysis}/grids/{grid}.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        analysis=analysis_section,
        scan=lambda w: GRIDS[w.grid].name,
        section=lambda w: chunk_section(GRIDS[w.grid].name),
        grid=lambda w: w.grid,
    message:
        "Grid {wildcards.grid} of {wildcards.analysis}: merge the chunks and check them"
    script:
        "../scripts/merge.py"
