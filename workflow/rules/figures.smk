# Figures are one job of an analysis; but that of a scan of several chunks is its own, as its grid may cost much.
for SUFFIX, SAME in KINDS:
    if DRAWN := drawn_together(SAME[0]):

        rule:
            name:
                f"figures{SUFFIX}"
            input:
                **{
                    f"{figure.name}__{name}": file
                    for figure in DRAWN
                    for name, file in figure_inputs(figure).items()
                },
                code=code("figures.py", *(figure.script for figure in DRAWN)),
            output:
                **{figure.name: figure_files(figure.name) for figure in DRAWN},
            log:
                "logs/{analysis}/figures.log",
            wildcard_constraints:
                analysis=only(SAME),
            localrule: True
            params:
                figures=lambda w: {
                    figure.name: {
                        "script": figure.script,
                        "inputs": list(figure_inputs(figure)),
                        "params": figure_params(figure, w.analysis),
                    }
                    for figure in drawn_together(w.analysis)
                },
            message:
                "Figures of {wildcards.analysis}"
            script:
                "../scripts/figures.py"


rule draw_region:
    input:
        **figure_inputs(region("{grid}")),
        code=code("draw_regions.py"),
    output:
        figure_files("{grid}"),
    log:
        "logs/{analysis}/figures/{grid}.log",
    wildcard_constraints:
        grid=GRIDS_OF_CHUNKED,
    localrule: True
    params:
        sections=lambda w: {GRIDS[w.grid].name: PLAIN[GRIDS[w.grid].name]},
        grids=lambda w: [w.grid],
    message:
        "Region {wildcards.grid}, {wildcards.analysis}"
    script:
        "../scripts/draw_regions.py"
