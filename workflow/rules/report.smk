rule scorecard:
    input:
        published=PUBLISHED,
        counts=dataset_file("counts.csv"),
        acceptance=dataset_file("acceptance.csv"),
        ranges="results/{analysis}/ranges.csv",
        grids=grid_files,
        digitization=lambda w: (
            [f"results/{w.analysis}/digitization.csv"] if w.analysis in VARIED else []
        ),
        code=code("scorecard.py"),
    output:
        "results/{analysis}/scorecard.csv",
    log:
        "logs/{analysis}/scorecard.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        analysis=analysis_section,
        sections=lambda w: scan_sections(w.analysis),
        no_digitization=lambda w: no_digitization(w.analysis),
    message:
        "Scorecard of {wildcards.analysis}: the paper's numbers and statements against ours"
    script:
        "../scripts/scorecard.py"


INPUT_FILES = sorted(
    {
        file
        for dataset in config["datasets"].values()
        for file in dataset["files"].values()
    }
)


rule provenance:
    input:
        files=[own(ROOT / name) for name in INPUT_FILES],
        tables=expand("results/{analysis}/scorecard.csv", analysis=ANALYSES),
        code=code("provenance.py"),
    output:
        "results/provenance.json",
    log:
        "logs/provenance.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        config=config,
        revision=git_revision(ROOT),
        code_sha256=CODE_SHA256,
        names=INPUT_FILES,
    message:
        "Provenance"
    script:
        "../scripts/provenance.py"


onsuccess:
    from cevnsi.studies.liao_marfatia_2017.scorecard import run_summary

    print(run_summary(Path("results"), ANALYSES))
