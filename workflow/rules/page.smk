# The page for a reader: `make report`, or the target `report`. Nothing else needs it.
PAGE_FILES = ["page.html.jinja", "page.css", "page.js"]


rule report:
    input:
        results=final_files(),
        provenance="results/provenance.json",
        cross_checks=expand(
            "results/inputs/{dataset}/cross_check.csv", dataset=config["datasets"]
        ),
        numbers=[
            f"results/{analysis}/figures/{name}.csv"
            for analysis in ANALYSES
            for name in figures_of(analysis)
        ],
        domains=[
            f"results/{analysis}/{name}.csv"
            for analysis in ANALYSES
            if has_sensitivity(analysis)
            for name in ("domain_sensitivity", "domain_matches")
        ],
        published=PUBLISHED,
        template=own(ROOT / "workflow" / "report" / PAGE_FILES[0]),
        style=[own(ROOT / "workflow" / "report" / name) for name in PAGE_FILES[1:]],
        code=code("report.py"),
    output:
        "results/report.html",
    log:
        "logs/report.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        config=config,
        figures={analysis: drawn_grids(analysis) for analysis in ANALYSES},
    message:
        "Report: one page to look at"
    script:
        "../scripts/report.py"
