rule digitization_chunk:
    input:
        cross_check=dataset_file("cross_check.csv"),
        acceptance=dataset_file("acceptance.csv"),
        code=code("digitization_chunk.py"),
    output:
        "results/{analysis}/chunks/digitization/{k,[0-9]+}-of-{n,[0-9]+}.parquet",
    log:
        "logs/{analysis}/chunks/digitization/{k}-of-{n}.log",
    wildcard_constraints:
        analysis=only(VARIED),
    params:
        **digitization_params,
        chunk=lambda w: int(w.k),
    message:
        "Drawn readings of the figures, {wildcards.analysis}: chunk {wildcards.k} of {wildcards.n}"
    script:
        "../scripts/digitization_chunk.py"


rule digitization:
    input:
        chunks=digitization_chunks,
        cross_check=dataset_file("cross_check.csv"),
        acceptance=dataset_file("acceptance.csv"),
        code=code("digitization.py"),
    output:
        "results/{analysis}/digitization.csv",
    log:
        "logs/{analysis}/digitization.log",
    wildcard_constraints:
        analysis=only(VARIED),
    localrule: True
    params:
        **digitization_params,
    message:
        "What the errors of reading the figures are worth, {wildcards.analysis}"
    script:
        "../scripts/digitization.py"
