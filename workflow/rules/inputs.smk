rule inputs:
    message:
        "Inputs of {wildcards.dataset}: verify, clean, cross-check"
    input:
        files=lambda w: [ROOT / file for file in config["datasets"][w.dataset]["files"].values()],
        checksums=ROOT / config["checksums"],
        code=code("inputs.py"),
    output:
        counts="results/inputs/{dataset}/counts.csv",
        acceptance="results/inputs/{dataset}/acceptance.csv",
        cross_check="results/inputs/{dataset}/cross_check.csv",
    params:
        section=lambda w: config["datasets"][w.dataset],
        root=str(ROOT),
        checksums=config["checksums"],
    conda:
        "../../envs/environment.yaml"
    script:
        "../scripts/inputs.py"
