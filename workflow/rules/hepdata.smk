# A submission to HEPData from finished results; no part of the default target.
rule hepdata:
    input:
        spectra=expand("results/{analysis}/spectra.csv", analysis=ANALYSES),
        ranges=expand("results/{analysis}/ranges.csv", analysis=ANALYSES),
        scorecards=expand("results/{analysis}/scorecard.csv", analysis=ANALYSES),
        contours=[
            f"results/{analysis}/contours/{grid}.csv"
            for analysis in ANALYSES
            for grid in pairs_of(analysis)
        ],
        curves=all_figures("csv"),
        pictures=all_figures("png"),
        sensitivity=[
            f"results/{analysis}/domain_sensitivity.csv"
            for analysis in ANALYSES
            if has_sensitivity(analysis)
        ],
        matches=[
            f"results/{analysis}/domain_matches.csv"
            for analysis in ANALYSES
            if has_sensitivity(analysis)
        ],
        code=code("hepdata.py"),
    output:
        directory("results/hepdata"),
    log:
        "logs/hepdata.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        analyses={
            name: {
                "section": {**config["analyses"][name], "scans": []},
                "scans": scan_sections(name),
                "figures": drawn_figures(name),
            }
            for name in ANALYSES
        },
        example=config["spectrum_example"],
    message:
        "Submission to HEPData: write, validate and pack"
    script:
        "../scripts/hepdata.py"
