rule templates:
    message:
        "Templates of {wildcards.analysis}: expected events per unit of weak charge squared"
    input:
        counts=dataset_file("counts.csv"),
        acceptance=dataset_file("acceptance.csv"),
        code=code("templates.py"),
    output:
        nodes="results/{analysis}/templates.parquet",
        sums="results/{analysis}/templates.csv",
    params:
        analysis=analysis_section,
    conda:
        "../../envs/environment.yaml"
    script:
        "../scripts/templates.py"


rule spectra:
    message:
        "Spectra of {wildcards.analysis}: standard model and light mediator"
    input:
        templates=rules.templates.output.nodes,
        code=code("spectra.py"),
    output:
        "results/{analysis}/spectra.csv",
    params:
        analysis=analysis_section,
        example=config["spectrum_example"],
    conda:
        "../../envs/environment.yaml"
    script:
        "../scripts/spectra.py"
