# A rule for every figure that a study lists, and one for all other pairs of parameters.
for STUDY in STUDIES.values():
    for FIGURE in STUDY.figures:

        rule:
            name:
                f"draw_{FIGURE.name}"
            input:
                **figure_inputs(FIGURE),
                code=code(FIGURE.script),
            output:
                figure_files(FIGURE.name),
            log:
                f"logs/{{analysis}}/figures/{FIGURE.name}.log",
            wildcard_constraints:
                analysis=only(OF_STUDY[STUDY.name]),
            localrule: True
            conda:
                "../../envs/environment.yaml"
            params:
                **figure_params(FIGURE),
            message:
                f"{FIGURE.cited}, {{wildcards.analysis}}"
            script:
                "../scripts/{params.script}"  # looked up by the job, after this loop


rule draw_region:
    input:
        **figure_inputs(region("{grid}")),
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
