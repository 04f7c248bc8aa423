rule fig1:
    input:
        spectra="results/{analysis}/spectra.csv",
        code=code("draw_spectrum.py"),
    output:
        figure_files("fig1"),
    log:
        "logs/{analysis}/figures/fig1.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        example=config["spectrum_example"],
    message:
        "Fig. 1, {wildcards.analysis}"
    script:
        "../scripts/draw_spectrum.py"


rule fig2:
    input:
        **drawn_tables("light_mediator"),
        code=code("draw_exclusion.py"),
    output:
        figure_files("fig2"),
    log:
        "logs/{analysis}/figures/fig2.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        sections=lambda w: {"light_mediator": config["scans"]["light_mediator"]},
    message:
        "Fig. 2, {wildcards.analysis}"
    script:
        "../scripts/draw_exclusion.py"


rule fig3:
    input:
        **drawn_tables(*PAPER_FIGURES["fig3"]),
        code=code("draw_regions.py"),
    output:
        figure_files("fig3"),
    log:
        "logs/{analysis}/figures/fig3.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        sections=lambda w: {
            name: config["scans"][name] for name in PAPER_FIGURES["fig3"]
        },
        grids=PAPER_FIGURES["fig3"],
    message:
        "Fig. 3, {wildcards.analysis}"
    script:
        "../scripts/draw_regions.py"


rule fig4:
    input:
        **drawn_tables("matter_ee_mumu"),
        code=code("draw_regions.py"),
    output:
        figure_files("fig4"),
    log:
        "logs/{analysis}/figures/fig4.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        sections=lambda w: {"matter_ee_mumu": config["scans"]["matter_ee_mumu"]},
        grids=PAPER_FIGURES["fig4"],
    message:
        "Fig. 4, {wildcards.analysis}"
    script:
        "../scripts/draw_regions.py"


rule region_figure:
    input:
        **drawn_tables("{grid}"),
        code=code("draw_regions.py"),
    output:
        figure_files("{grid}"),
    log:
        "logs/{analysis}/figures/{grid}.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        sections=lambda w: {GRIDS[w.grid].name: config["scans"][GRIDS[w.grid].name]},
        grids=lambda w: [w.grid],
    message:
        "Region {wildcards.grid}, {wildcards.analysis}"
    script:
        "../scripts/draw_regions.py"


rule domain_figure:
    input:
        table="results/{analysis}/domain_sensitivity.csv",
        published=PUBLISHED,
        code=code("draw_domain_sensitivity.py"),
    output:
        figure_files("domain_sensitivity"),
    log:
        "logs/{analysis}/figures/domain_sensitivity.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    message:
        "Domain sensitivity, {wildcards.analysis}"
    script:
        "../scripts/draw_domain_sensitivity.py"
