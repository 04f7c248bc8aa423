PUBLISHED = str(ROOT / "data" / "liao_marfatia_2017" / "published.csv")


def figure_files(name):
    """Output of a rule that draws one figure: every format, and the numbers on it."""
    return [f"results/{{analysis}}/figures/{name}.{ext}" for ext in [*FORMATS, "csv"]]


def drawn_tables(*grids):
    """Input: grids and contours, in order."""
    return {
        "grids": [f"results/{{analysis}}/grids/{grid}.parquet" for grid in grids],
        "contours": [f"results/{{analysis}}/contours/{grid}.csv" for grid in grids],
    }


rule fig1:
    message:
        "Fig. 1, {wildcards.analysis}"
    input:
        spectra="results/{analysis}/spectra.csv",
        code=code("draw_spectrum.py"),
    output:
        figure_files("fig1"),
    params:
        example=config["spectrum_example"],
    conda:
        "../../envs/environment.yaml"
    script:
        "../scripts/draw_spectrum.py"


rule fig2:
    message:
        "Fig. 2, {wildcards.analysis}"
    input:
        **drawn_tables("light_mediator"),
        code=code("draw_exclusion.py"),
    output:
        figure_files("fig2"),
    params:
        sections=lambda w: {"light_mediator": config["scans"]["light_mediator"]},
    conda:
        "../../envs/environment.yaml"
    script:
        "../scripts/draw_exclusion.py"


rule fig3:
    message:
        "Fig. 3, {wildcards.analysis}"
    input:
        **drawn_tables(*PAPER_FIGURES["fig3"]),
        code=code("draw_regions.py"),
    output:
        figure_files("fig3"),
    params:
        sections=lambda w: {name: config["scans"][name] for name in PAPER_FIGURES["fig3"]},
        grids=PAPER_FIGURES["fig3"],
    conda:
        "../../envs/environment.yaml"
    script:
        "../scripts/draw_regions.py"


rule fig4:
    message:
        "Fig. 4, {wildcards.analysis}"
    input:
        **drawn_tables("matter_ee_mumu"),
        code=code("draw_regions.py"),
    output:
        figure_files("fig4"),
    params:
        sections=lambda w: {"matter_ee_mumu": config["scans"]["matter_ee_mumu"]},
        grids=PAPER_FIGURES["fig4"],
    conda:
        "../../envs/environment.yaml"
    script:
        "../scripts/draw_regions.py"


rule region_figure:
    message:
        "Region {wildcards.grid}, {wildcards.analysis}"
    input:
        **drawn_tables("{grid}"),
        code=code("draw_regions.py"),
    output:
        figure_files("{grid}"),
    params:
        sections=lambda w: {GRIDS[w.grid].name: config["scans"][GRIDS[w.grid].name]},
        grids=lambda w: [w.grid],
    conda:
        "../../envs/environment.yaml"
    script:
        "../scripts/draw_regions.py"


rule domain_figure:
    message:
        "Domain sensitivity, {wildcards.analysis}"
    input:
        table="results/{analysis}/domain_sensitivity.csv",
        published=PUBLISHED,
        code=code("draw_domain_sensitivity.py"),
    output:
        figure_files("domain_sensitivity"),
    conda:
        "../../envs/environment.yaml"
    script:
        "../scripts/draw_domain_sensitivity.py"
