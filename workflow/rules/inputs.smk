# Datasets by the tables that are made of them, which have the same names for one reader.
for SUFFIX, MADE, SAME in tables_made():

    rule:
        name:
            f"inputs{SUFFIX}"
        input:
            files=lambda w: [
                own(ROOT / file)
                for file in config["datasets"][w.dataset]["files"].values()
            ],
            checksums=own(ROOT / config["checksums"]),
            code=code("inputs.py"),
        output:
            **{name: f"results/inputs/{{dataset}}/{name}.csv" for name in MADE},
        log:
            "logs/inputs/{dataset}.log",
        wildcard_constraints:
            dataset=only(SAME),
        localrule: True
        params:
            section=lambda w: config["datasets"][w.dataset],
            root=lambda w: str(ROOT),
            checksums=lambda w: config["checksums"],
        message:
            "Inputs of {wildcards.dataset}: verify, clean, cross-check"
        script:
            "../scripts/inputs.py"
