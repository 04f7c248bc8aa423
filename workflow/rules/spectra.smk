rule spectra:
    input:
        counts=dataset_file("counts.csv"),
        acceptance=dataset_file("acceptance.csv"),
        code=code("spectra.py"),
    output:
        spectra="results/{analysis}/spectra.csv",
        templates="results/{analysis}/templates.csv",
    log:
        "logs/{analysis}/spectra.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        analysis=analysis_section,
        example=config["spectrum_example"],
    message:
        "Spectra and templates of {wildcards.analysis}"
    script:
        "../scripts/spectra.py"
