rule scorecard:
    input:
        published=lambda w: own(ROOT / study_of(config, w.analysis).published),
        tables=dataset_tables,
        ranges="results/{analysis}/ranges.csv",
        grids=grid_files,
        digitization=lambda w: (
            [f"results/{w.analysis}/digitization.csv"] if w.analysis in VARIED else []
        ),
        best_domains=lambda w: best_domain_files(w.analysis),
        code=code("scorecard.py"),
    output:
        "results/{analysis}/scorecard.csv",
    log:
        "logs/{analysis}/scorecard.log",
    wildcard_constraints:
        analysis=only(JUDGED),
    localrule: True
    params:
        analysis=analysis_section,
        sections=lambda w: scan_sections(w.analysis),
        no_digitization=lambda w: no_digitization(w.analysis),
        muon_g2=config.get("muon_g2"),
        study=lambda w: config["analyses"][w.analysis]["study"],
    message:
        "Scorecard of {wildcards.analysis}: published numbers and statements against ours"
    script:
        "../scripts/scorecard.py"


INPUT_FILES = sorted({file for analysis in PAPER for file in input_names(analysis)})


rule provenance:
    input:
        files=[own(ROOT / name) for name in INPUT_FILES],
        tables=expand("results/{analysis}/scorecard.csv", analysis=PAPER),
        code=code("provenance.py"),
    output:
        "results/provenance.json",
    log:
        "logs/provenance.log",
    localrule: True
    params:
        config=config,
        revision=git_revision(ROOT),
        code_sha256=CODE_SHA256,
        names=INPUT_FILES,
    message:
        "Provenance"
    script:
        "../scripts/provenance.py"


rule own_provenance:
    input:
        files=lambda w: [own(ROOT / name) for name in input_names(w.analysis)],
        tables=lambda w: [
            file for file in files_of(w.analysis) if file.endswith(".csv")
        ],
        code=code("provenance.py"),
    output:
        "results/{analysis}/provenance.json",
    log:
        "logs/{analysis}/provenance.log",
    wildcard_constraints:
        analysis=only([analysis for analysis in ANALYSES if analysis not in PAPER]),
    localrule: True
    params:
        config=config,
        revision=git_revision(ROOT),
        code_sha256=CODE_SHA256,
        names=lambda w: input_names(w.analysis),
    message:
        "Provenance of {wildcards.analysis}"
    script:
        "../scripts/provenance.py"


onsuccess:
    from cevnsi.studies.closing import closing_lines

    print(closing_lines(Path("results"), config))
