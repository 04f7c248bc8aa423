rule inputs:
    input:
        files=lambda w: [
            own(ROOT / file)
            for file in config["datasets"][w.dataset]["files"].values()
        ],
        checksums=own(ROOT / config["checksums"]),
        code=code("inputs.py"),
    output:
        counts="results/inputs/{dataset}/counts.csv",
        acceptance="results/inputs/{dataset}/acceptance.csv",
        cross_check="results/inputs/{dataset}/cross_check.csv",
    log:
        "logs/inputs/{dataset}.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        section=lambda w: config["datasets"][w.dataset],
        root=lambda w: str(ROOT),
        checksums=lambda w: config["checksums"],
    message:
        "Inputs of {wildcards.dataset}: verify, clean, cross-check"
    script:
        "../scripts/inputs.py"
