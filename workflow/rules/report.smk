rule scorecard:
    message:
        "Scorecard of {wildcards.analysis}: the paper's numbers and statements against ours"
    input:
        published=PUBLISHED,
        templates="results/{analysis}/templates.parquet",
        spectra="results/{analysis}/spectra.csv",
        ranges="results/{analysis}/ranges.csv",
        grids=grid_files,
        code=code("scorecard.py"),
    output:
        "results/{analysis}/scorecard.csv",
    params:
        analysis=analysis_section,
        sections=lambda w: scan_sections(w.analysis),
    conda:
        "../../envs/environment.yaml"
    script:
        "../scripts/scorecard.py"


rule provenance:
    message:
        "Provenance"
    input:
        files=sorted({str(ROOT / f) for d in config["datasets"].values() for f in d["files"].values()}),
        tables=expand("results/{analysis}/scorecard.csv", analysis=ANALYSES),
        code=code("provenance.py"),
    output:
        "results/provenance.json",
    params:
        config=config,
        root=str(ROOT),
    conda:
        "../../envs/environment.yaml"
    script:
        "../scripts/provenance.py"


onsuccess:
    from cevnsi.scorecard import run_summary

    print(run_summary(Path("results"), ANALYSES))
