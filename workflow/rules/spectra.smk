rule templates:
    input:
        counts=dataset_file("counts.csv"),
        acceptance=dataset_file("acceptance.csv"),
        code=code("templates.py"),
    output:
        "results/{analysis}/templates.csv",
    log:
        "logs/{analysis}/templates.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        analysis=analysis_section,
    message:
        "Templates of {wildcards.analysis}: expected events per unit of weak charge squared"
    script:
        "../scripts/templates.py"


rule spectra:
    input:
        counts=dataset_file("counts.csv"),
        acceptance=dataset_file("acceptance.csv"),
        code=code("spectra.py"),
    output:
        "results/{analysis}/spectra.csv",
    log:
        "logs/{analysis}/spectra.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        analysis=analysis_section,
        example=config["spectrum_example"],
    message:
        "Spectra of {wildcards.analysis}: standard model and light mediator"
    script:
        "../scripts/spectra.py"
