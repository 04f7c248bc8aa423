# Checks that come before any job, and the few functions that rules share.
from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

from cevnsi.config import check as settings
from cevnsi.workflow import run_folder
from cevnsi.workflow.dependencies import PACKAGE, code_digest, module_files
from cevnsi.experiments.inputs import PUBLISHED_FILE, READ_TWICE, check_inputs
from cevnsi.files.provenance import git_revision
from cevnsi.files.tables import TableError

FORMATS = ["pdf", "png", "svg"]
# Scans that a figure of the paper draws; a pair of axes in none of them gets a figure of its own.
PAPER_FIGURES = {
    "fig2": ["light_mediator"],
    "fig3": ["ee_d_u", "mumu_d_u", "ee_mumu_d", "ee_etau_d"],
    "fig4": ["matter_ee_mumu"],
}

CODE_SHA256 = code_digest(ROOT / "src" / "cevnsi")

if workflow.is_main_process:
    if code_digest(PACKAGE) != CODE_SHA256:
        raise WorkflowError(
            f"the library that would run, {PACKAGE}, is not this project's, {(ROOT / 'src' / 'cevnsi').resolve()}: "
            "`make env` in the project's folder, or install the project into the environment that runs it"
        )
    if not IS_MODULE:  # else locks and leftovers are the other workflow's to clear
        RUN_FOLDER_LOCK = run_folder.enter(
            Path(), Path("results")
        )  # held until this process ends
    try:
        settings.check(config)
        check_inputs(config, ROOT)
    except (settings.ConfigError, TableError) as error:
        raise WorkflowError(str(error)) from None
    for remark in settings.remarks(config):
        logger.warning(remark)


onstart:
    try:
        run_folder.check_writable(Path("results"))
    except OSError as error:
        raise WorkflowError(str(error)) from None


SCANS = {
    name: settings.parse_scan(name, section)
    for name, section in config["scans"].items()
}
GRIDS = {grid: scan for scan in SCANS.values() for grid in scan.grids()}
ANALYSES = list(config["analyses"])

# On a cluster only what computes chi2 is worth a job (chunk, domain_sensitivity, digitization_chunk): other rules are
# marked as local where they stand, as a list of names would not follow them into a workflow that gives them others.


wildcard_constraints:
    analysis="|".join(ANALYSES),
    dataset="|".join(config["datasets"]),
    scan="|".join(SCANS) or "none",
    grid="|".join(grid.replace(".", "[.]") for grid in GRIDS) or "none",
    ext="|".join(FORMATS),


def own(path):
    """A file of this project's folder, which no prefix of a module applies to."""
    return local(str(path))


def code(script):
    """A script and the modules it imports: an edit to any of them reruns what uses it, nothing else."""
    scripts = [ROOT / "workflow" / "scripts" / name for name in (script, "runner.py")]
    files = [*scripts, *module_files(scripts[0])]
    return [own(os.path.relpath(path)) for path in files]


def analysis_section(wildcards):
    """The assumptions of an analysis; which scans it runs is no assumption."""
    section = settings.complete(config["analyses"][wildcards.analysis], config)
    return {key: value for key, value in section.items() if key != "scans"} | {
        "scans": []
    }


def dataset_file(name):
    """Input function for a cleaned input of the analysis' dataset."""
    return (
        lambda wildcards: f"results/inputs/{config['analyses'][wildcards.analysis]['dataset']}/{name}"
    )


def scans_of(analysis):
    return [SCANS[name] for name in config["analyses"][analysis]["scans"]]


def pairs_of(analysis):
    """Grids of two axes, for which there are contours and ranges."""
    return [grid for scan in scans_of(analysis) for grid in scan.pairs()]


def figures_of(analysis):
    """Names of the figures of an analysis: the paper's, as far as their scans are run, then one per further pair."""
    run = config["analyses"][analysis]["scans"]
    paper = [name for name, scans in PAPER_FIGURES.items() if set(scans) <= set(run)]
    drawn = {scan for name in paper for scan in PAPER_FIGURES[name]}
    return ["fig1", *paper, *[grid for grid in pairs_of(analysis) if grid not in drawn]]


def drawn_grids(analysis):
    """Every figure of an analysis and the grids that it shows."""
    return {
        name: PAPER_FIGURES.get(name, [] if name == "fig1" else [name])
        for name in figures_of(analysis)
    }


def has_sensitivity(analysis):
    return (
        config.get("domain_sensitivity", {}).get("scan")
        in config["analyses"][analysis]["scans"]
    )


def drawn_figures(analysis):
    """The same, and the domain sensitivity, which shows none."""
    sensitivity = {"domain_sensitivity": []} if has_sensitivity(analysis) else {}
    return drawn_grids(analysis) | sensitivity


def all_figures(ext):
    """Every figure of every analysis in one format."""
    return [
        f"results/{analysis}/figures/{name}.{ext}"
        for analysis in ANALYSES
        for name in drawn_figures(analysis)
    ]


def no_digitization(analysis):
    """Why there is no ensemble of readings for an analysis; empty if there is one."""
    dataset = config["datasets"][config["analyses"][analysis]["dataset"]]
    if dataset["reader"] not in READ_TWICE:
        return "not read off"
    return "" if "digitization" in config else "off"


# Analyses with an ensemble of readings; the rules match no other.
VARIED = [analysis for analysis in ANALYSES if not no_digitization(analysis)]


def digitization_chunks(wildcards):
    base, n = (
        f"results/{wildcards.analysis}/chunks/digitization",
        int(config["digitization"]["chunks"]),
    )
    return [f"{base}/{k}-of-{n}.parquet" for k in range(1, n + 1)]


def digitization_scans(analysis):
    """The scans that the scorecard knows, whatever their chunks: here each is one."""
    return {
        scan.name: {**config["scans"][scan.name], "chunks": 1}
        for scan in scans_of(analysis)
        if scan.name in settings.PAPER_AXES
    }


# What an ensemble depends on besides the inputs.
digitization_params = {
    "analysis": analysis_section,
    "sections": lambda w: digitization_scans(w.analysis),
    "section": config.get("digitization"),
}

PUBLISHED = own(ROOT / PUBLISHED_FILE)


def chunk_section(scan):
    """What chi2 on the grid depends on: levels are drawn later, so changing one recomputes nothing here."""
    return {
        key: value
        for key, value in config["scans"][scan].items()
        if key not in ("confidence_levels", "n_dof")
    }


def chunks_of(wildcards):
    scan = GRIDS[wildcards.grid]
    base = f"results/{wildcards.analysis}/chunks/{scan.name}"
    return [f"{base}/{k}-of-{scan.chunks}.parquet" for k in range(1, scan.chunks + 1)]


def grid_files(wildcards):
    return [
        f"results/{wildcards.analysis}/grids/{grid}.parquet"
        for grid in pairs_of(wildcards.analysis)
    ]


def scan_sections(analysis):
    return {scan.name: config["scans"][scan.name] for scan in scans_of(analysis)}


def figure_files(name):
    """What drawing one figure makes: every format, and the numbers on it."""
    return [f"results/{{analysis}}/figures/{name}.{ext}" for ext in [*FORMATS, "csv"]]


def drawn_tables(*grids):
    """Input: grids and contours, in order, and what is known of them besides."""
    return {
        "grids": [f"results/{{analysis}}/grids/{grid}.parquet" for grid in grids],
        "contours": [f"results/{{analysis}}/contours/{grid}.csv" for grid in grids],
        "ranges": "results/{analysis}/ranges.csv",
        "best_fits": "results/{analysis}/best_fits.csv",
    }


def final_files():
    files = ["results/provenance.json"]
    for analysis in ANALYSES:
        base = f"results/{analysis}"
        figures = figures_of(analysis) + (
            ["domain_sensitivity"] if has_sensitivity(analysis) else []
        )
        files += [
            f"{base}/{name}"
            for name in (
                "spectra.csv",
                "templates.csv",
                "ranges.csv",
                "best_fits.csv",
                "scorecard.csv",
            )
        ]
        files += expand(f"{base}/figures/{{name}}.{{ext}}", name=figures, ext=FORMATS)
        files += [
            f"{base}/grids/{grid}.parquet"
            for scan in scans_of(analysis)
            for grid in scan.grids()
        ]
    files += expand("results/{analysis}/digitization.csv", analysis=VARIED)
    return files
