from snakemake.utils import min_version

min_version("9.20")

# A workflow that uses this one as a module keeps the default target that it has.
IS_DEFAULT = workflow.default_target is None


include: "workflow/rules/config.smk"
include: "workflow/rules/common.smk"
include: "workflow/rules/inputs.smk"
include: "workflow/rules/scans.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/coverage.smk"
include: "workflow/rules/digitization.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/hepdata.smk"
include: "workflow/rules/page.smk"
include: "workflow/rules/studies.smk"


rule all:
    default_target: IS_DEFAULT
    input:
        final_files(),
    localrule: True


rule analyses:
    input:
        [file for study in STUDIES for file in files_of_study(study)],
        files_of_all(OF_STUDY[None]),
        ["results/provenance.json"] if PAPER else [],
    localrule: True


# Every study and every analysis is a target by its name.
for NAME in STUDIES:

    rule:
        name:
            NAME
        input:
            files_of_study(NAME),
            ["results/provenance.json"] if NAME == DEFAULT else [],
        localrule: True


for NAME in ANALYSES:
    if workflow.is_rule(NAME):
        raise WorkflowError(
            f"analyses.{NAME}: a rule of the workflow is called so; choose another name"
        )

    rule:
        name:
            NAME
        input:
            files_of(NAME),
        localrule: True
