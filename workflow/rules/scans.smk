# Scans of one chunk are one job of an analysis; of the others each chunk is, and each grid.
for SUFFIX, SAME in KINDS:
    if RUN := [scan for scan in scans_of(SAME[0]) if scan.name in SMALL]:

        rule:
            name:
                f"scans{SUFFIX}"
            input:
                tables=dataset_tables,
                code=code("scans.py"),
            output:
                chunks=[
                    f"results/{{analysis}}/chunks/{scan.name}/1-of-1.parquet"
                    for scan in RUN
                ],
                grids=[
                    f"results/{{analysis}}/grids/{grid}.parquet"
                    for scan in RUN
                    for grid in scan.grids()
                ],
            log:
                "logs/{analysis}/scans.log",
            wildcard_constraints:
                analysis=only(SAME),
            params:
                name=lambda w: w.analysis,
                analysis=analysis_section,
                sections={scan.name: chunk_section(scan.name) for scan in RUN},
            message:
                "Scans of {wildcards.analysis} that are one chunk"
            script:
                "../scripts/scans.py"


rule chunk:
    input:
        tables=dataset_tables,
        code=code("chunk.py"),
    output:
        "results/{analysis}/chunks/{scan}/{k,[0-9]+}-of-{n,[0-9]+}.parquet",
    log:
        "logs/{analysis}/chunks/{scan}/{k}-of-{n}.log",
    wildcard_constraints:
        scan=only(CHUNKED),
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
        tables=dataset_tables,
        code=code("merge.py"),
    output:
        "results/{analysis}/grids/{grid}.parquet",
    log:
        "logs/{analysis}/grids/{grid}.log",
    wildcard_constraints:
        grid=GRIDS_OF_CHUNKED,
    localrule: True
    params:
        name=lambda w: w.analysis,
        analysis=analysis_section,
        scan=lambda w: GRIDS[w.grid].name,
        section=lambda w: chunk_section(GRIDS[w.grid].name),
        grid=lambda w: w.grid,
    message:
        "Grid {wildcards.grid} of {wildcards.analysis}: merge the chunks and check them"
    script:
        "../scripts/merge.py"
