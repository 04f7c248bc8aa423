# Checks that come before any job, and the few functions that rules share.
from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

from cevnsi.config.check import ConfigError, covered_section, parse_scan
from cevnsi.workflow import run_folder
from cevnsi.workflow.dependencies import PACKAGE, code_digest, module_files
from cevnsi.experiments.inputs import (
    READ_TWICE,
    RELEASES,
    check_inputs,
    complete,
    is_counted,
)
from cevnsi.files.provenance import git_revision
from cevnsi.files.atomic import TableError
from cevnsi.output.figure_spec import region
from cevnsi.scans.coverage import has_lines
from cevnsi.studies import known
from cevnsi.studies.coherent.scorecard import EXPLANATIONS, FLUX_FILE
from cevnsi.studies.known import DEFAULT, STUDIES, study_of
from cevnsi.studies.liao_marfatia_2017.sensitivity import CL_PAPER
from cevnsi.studies.study import figures_of

COMPARED = ["scorecard", "choices"]
FORMATS = ["pdf", "png", "svg"]
CODE_SHA256 = code_digest(ROOT / "src" / "cevnsi")

if workflow.is_main_process:
    if code_digest(PACKAGE) != CODE_SHA256:
        raise WorkflowError(
            f"the library that would run, {PACKAGE}, is not this project's, {(ROOT / 'src' / 'cevnsi').resolve()}: "
            "`make env` in the project's folder, or install the project into the environment that runs it"
        )
    try:
        run_folder.check_run_folder(Path())
    except OSError as error:
        raise WorkflowError(str(error)) from None
    if not IS_MODULE:  # else locks and leftovers are the other workflow's to clear
        RUN_FOLDER_LOCK = run_folder.enter(
            Path(), Path("results")
        )  # held until this process ends
    try:
        known.check(config)
        check_inputs(config, ROOT)
    except (ConfigError, TableError) as error:
        raise WorkflowError(str(error)) from None
    for remark in known.remarks(config):
        logger.warning(remark)


onstart:
    try:
        run_folder.check_writable(Path("results"))
    except OSError as error:
        raise WorkflowError(str(error)) from None
    # The scheduler's limit of jobs by time, meant for submissions, starts a timer whenever jobs wait for a core, and
    # each timer leads to another: they look through all waiting jobs ever more often, and the last holds up the end.
    if workflow.local_exec:
        workflow.scheduler.job_rate_limiter = None


SCANS = {name: parse_scan(name, section) for name, section in config["scans"].items()}
GRIDS = {grid: scan for scan in SCANS.values() for grid in scan.grids()}
# Sections of scans as all but the jobs of coverage see them, which alone run anew where it is changed.
PLAIN = {
    name: {key: value for key, value in section.items() if key != "coverage"}
    for name, section in config["scans"].items()
}
ANALYSES = list(config["analyses"])
OF_STUDY = {study: known.analyses_of(config, study) for study in (*STUDIES, None)}
PAPER = OF_STUDY[DEFAULT]

# On a cluster only what computes chi2 is worth a job (scans, chunk, domain_sensitivity, digitization_chunk,
# coverage_points, coverage_lines, coverage_tests): other rules are marked as local where they stand, as a list of names
# would not follow them into a workflow that gives them others.


wildcard_constraints:
    analysis="|".join(ANALYSES),
    dataset="|".join(config["datasets"]),
    scan="|".join(SCANS) or "none",
    grid="|".join(grid.replace(".", "[.]") for grid in GRIDS) or "none",
    ext="|".join(FORMATS),


def own(path):
    """A file of this project's folder, which no prefix of a module applies to."""
    return local(str(path))


def code(*names):
    """Scripts and the modules they import: an edit to any of them reruns what uses it, nothing else."""
    scripts = [ROOT / "workflow" / "scripts" / name for name in (*names, "runner.py")]
    modules = {path for script in scripts for path in module_files(script)}
    return [own(os.path.relpath(path)) for path in (*scripts, *sorted(modules))]


def analysis_section_of(analysis):
    """The assumptions of an analysis; which scans it runs and for what study is none."""
    section = complete(config["analyses"][analysis], config)
    return {
        key: value
        for key, value in section.items()
        if key not in ("scans", "study", "coverage")
    } | {"scans": []}


def analysis_section(wildcards):
    return analysis_section_of(wildcards.analysis)


def dataset_file(name):
    """Input function for a cleaned input of the analysis' dataset."""
    return (
        lambda wildcards: f"results/inputs/{config['analyses'][wildcards.analysis]['dataset']}/{name}"
    )


def parts_of(analysis):
    """The analyses that an analysis joins; itself if it joins none."""
    return config["analyses"][analysis].get("joins", [analysis])


def datasets_of(analysis):
    """Names of the datasets of an analysis."""
    return [config["analyses"][part]["dataset"] for part in parts_of(analysis)]


def dataset_tables(wildcards):
    return tables_of_analysis(wildcards.analysis)


def tables_of_analysis(analysis):
    """The tables of the analysis' datasets that a likelihood takes; their folders say of which each is."""
    found = []
    for dataset in datasets_of(analysis):
        section = config["datasets"][dataset]
        release = RELEASES[section["reader"]]
        found += [
            f"results/inputs/{dataset}/{name}.csv"
            for name in release.tables_of(section["files"])
            if name in release.tables
        ]
    return found


def tables_of_dataset(analysis):
    """Tables of one data set: a joint analysis leaves them to those that it joins, where they are the same."""
    is_joint = "joins" in config["analyses"][analysis]
    return [] if is_joint else ["spectra", "templates"]


def counted_datasets(analysis):
    """Those of its datasets whose counts can be drawn with what is fitted to them."""
    return [
        config["analyses"][part]["dataset"]
        for part in parts_of(analysis)
        if is_counted(config, part)
    ]


def tables_of_counts(analysis):
    """What is drawn of them beside these counts."""
    has_some = counted_datasets(analysis)
    return ["results/{analysis}/counts_likelihood.csv"] if has_some else []


def input_names(analysis):
    """Files of the analysis' datasets, as they are named."""
    return [
        file
        for dataset in datasets_of(analysis)
        for file in config["datasets"][dataset]["files"].values()
    ]


def scans_of(analysis):
    return [SCANS[name] for name in config["analyses"][analysis]["scans"]]


def pairs_of(analysis):
    """Grids of two axes, for which there are contours."""
    return [grid for scan in scans_of(analysis) for grid in scan.pairs()]


def drawn_of(analysis):
    """Grids of one axis or two, for which there are ranges and figures."""
    return [grid for scan in scans_of(analysis) for grid in scan.drawn()]


def figures_made(analysis):
    """The figures of an analysis."""
    counted = is_counted(config, analysis)
    study = study_of(config, analysis)
    return figures_of(study, config, scans_of(analysis), counted=counted)


def drawn_together(analysis):
    """Those of them that one job draws: what its study lists, and pairs of scans that are one chunk."""
    study = study_of(config, analysis)
    listed = study.figures if study else ()
    return [
        figure
        for figure in figures_made(analysis)
        if figure in listed or all(GRIDS[grid].name in SMALL for grid in figure.grids)
    ]


def figure_tables(analysis):
    """Further tables that the figures of an analysis are spoken of by."""
    return [
        f"results/{analysis}/{name}.csv"
        for figure in figures_made(analysis)
        for name in figure.data
    ]


def best_domain_files(analysis):
    """The table of the domains that come closest to Eq. 12, where an analysis has one."""
    has_it = any("domain_best" in figure.data for figure in figures_made(analysis))
    return [f"results/{analysis}/domain_best.csv"] if has_it else []


def all_figures(analyses, ext):
    """Every figure of some analyses in one format."""
    return [
        f"results/{analysis}/figures/{figure.name}.{ext}"
        for analysis in analyses
        for figure in figures_made(analysis)
    ]


def only(analyses):
    """What a wildcard may be, for rules that not every analysis has."""
    return "|".join(analyses) or "none"


def no_digitization(analysis):
    """Why there is no ensemble of readings for an analysis; empty if there is one."""
    readers = [config["datasets"][name]["reader"] for name in datasets_of(analysis)]
    if not set(readers) <= set(READ_TWICE):
        return "not read off"
    return "" if "digitization" in config and analysis in PAPER else "off"


def kinds():
    """Analyses by the files they make, which have the same names: what the names of their rules end in, and they.

    One job of an analysis makes all its files of a sort, where each costs less than the start of a job.
    """
    found = {}
    for analysis, section in config["analyses"].items():
        joined = tuple(section.get("joins", ()))
        counted = tuple(counted_datasets(analysis))
        kind = (section.get("study"), counted, joined, *section["scans"])
        found.setdefault(kind, []).append(analysis)
    return [
        (f"_{i}" if i > 1 else "", same) for i, same in enumerate(found.values(), 1)
    ]


def tables_made():
    """Datasets by the tables that are made of them: what the name of their rule ends in, the tables, and they."""
    found = {}
    for name, section in config["datasets"].items():
        tables = RELEASES[section["reader"]].tables_of(section["files"])
        found.setdefault(tuple(tables), []).append(name)
    return [
        (f"_{i}" if i > 1 else "", tables, same)
        for i, (tables, same) in enumerate(found.items(), 1)
    ]


KINDS = kinds()
# Scans that are one chunk: all of an analysis are one job, and each of the others' chunks and grids is one.
SMALL = [name for name, scan in SCANS.items() if scan.chunks == 1]
CHUNKED = [name for name in SCANS if name not in SMALL]
GRIDS_OF_CHUNKED = only(
    [grid.replace(".", "[.]") for grid in GRIDS if GRIDS[grid].name in CHUNKED]
)


# Analyses with an ensemble of readings; the rules match no other.
VARIED = [analysis for analysis in PAPER if not no_digitization(analysis)]
# Analyses that are compared with what their study states.
JUDGED = [
    analysis
    for analysis in ANALYSES
    if (study := study_of(config, analysis)) and study.values
]
# Those whose best fits are compared with what is published of their data sets, after which they are called.
SCORED = [
    analysis
    for analysis in OF_STUDY["coherent"]
    if analysis in EXPLANATIONS
    and "joins" not in config["analyses"][analysis]
    and config["datasets"][config["analyses"][analysis]["dataset"]]["reader"]
    == analysis
]
# Analyses whose contact couplings are fitted with all others free.
FITTED_FREELY = [
    analysis
    for analysis in config.get("general_fit", {}).get("analyses", [])
    if analysis in ANALYSES
]
# Analyses whose ends of matter parameters are found for several domains, and without one.
BY_DOMAIN = [
    analysis
    for analysis in OF_STUDY["coherent"]
    if config.get("domain_ends", {}).get("scan")
    in config["analyses"][analysis]["scans"]
]


def digitization_chunks(wildcards):
    base, n = (
        f"results/{wildcards.analysis}/chunks/digitization",
        int(config["digitization"]["chunks"]),
    )
    return [f"{base}/{k}-of-{n}.parquet" for k in range(1, n + 1)]


def digitization_scans(analysis):
    """The scans that the scorecard knows, whatever their chunks: here each is one."""
    return {
        scan.name: {**PLAIN[scan.name], "chunks": 1}
        for scan in scans_of(analysis)
        if scan.name in STUDIES[DEFAULT].axes
    }


# What an ensemble depends on besides the inputs.
digitization_params = {
    "analysis": analysis_section,
    "sections": lambda w: digitization_scans(w.analysis),
    "section": config.get("digitization"),
    "muon_g2": config.get("muon_g2"),
}

PUBLISHED = own(ROOT / STUDIES[DEFAULT].published)


def chunk_section(scan):
    """What chi2 on the grid depends on: levels are drawn later, so changing one recomputes nothing here."""
    return {
        key: value
        for key, value in PLAIN[scan].items()
        if key not in ("confidence_levels", "n_dof", "ranges")
    }


def chunks_of(wildcards):
    scan = GRIDS[wildcards.grid]
    base = f"results/{wildcards.analysis}/chunks/{scan.name}"
    return [f"{base}/{k}-of-{scan.chunks}.parquet" for k in range(1, scan.chunks + 1)]


def grid_files(wildcards):
    return [
        f"results/{wildcards.analysis}/grids/{grid}.parquet"
        for grid in drawn_of(wildcards.analysis)
    ]


def scan_sections(analysis):
    return {scan.name: PLAIN[scan.name] for scan in scans_of(analysis)}


def figure_files(name):
    """What drawing one figure makes: every format, and the numbers on it."""
    return [f"results/{{analysis}}/figures/{name}.{ext}" for ext in [*FORMATS, "csv"]]


def figure_inputs(figure):
    """Input of a figure: grids and contours, panel by panel, and what is known of them besides; and its own files."""
    files = {}
    if figure.grids:
        base = "results/{analysis}"
        files["grids"] = [f"{base}/grids/{grid}.parquet" for grid in figure.grids]
        files["contours"] = [f"{base}/contours/{grid}.csv" for grid in figure.grids]
        files |= {name: f"{base}/{name}.csv" for name in ("ranges", "best_fits")}
    if figure.lines:
        files["grids"] = [
            f"results/{{analysis}}/grids/{grid}.parquet" for grid in figure.lines
        ]
        files["best_fits"] = ["results/{analysis}/best_fits.csv"] * len(figure.lines)
    for name, path in figure.inputs.items():
        if path.startswith("results/"):
            files[name] = with_dataset(path)
        else:
            files[name] = own(ROOT / path)
    return files


def with_dataset(path):
    """Input function for a path that may have the dataset of an analysis, or those whose counts are drawn."""
    if "{counted}" in path:
        return lambda wildcards: [
            path.format(analysis=wildcards.analysis, counted=dataset)
            for dataset in counted_datasets(wildcards.analysis)
        ]
    if "{dataset}" not in path:
        return path
    return lambda wildcards: path.format(
        analysis=wildcards.analysis,
        dataset=config["analyses"][wildcards.analysis]["dataset"],
    )


def figure_params(figure, analysis):
    """What a figure of an analysis is drawn by: sections of its grids' scans, those that it names, and data sets."""
    params = {name: config.get(section) for name, section in figure.params.items()}
    if any("{counted}" in path for path in figure.inputs.values()):
        params["datasets"] = counted_datasets(analysis)
    if drawn := figure.grids + figure.lines:
        params["grids"] = list(drawn)
        params["sections"] = {
            GRIDS[grid].name: PLAIN[GRIDS[grid].name] for grid in drawn
        }
    return params


def files_of(analysis):
    """All that is made of one analysis."""
    base = f"results/{analysis}"
    names = ["ranges", "best_fits"]
    names += ["scorecard"] if analysis in JUDGED else []
    names += ["digitization"] if analysis in VARIED else []
    names += ["domain_ends"] if analysis in BY_DOMAIN else []
    names += ["general_fit"] if analysis in FITTED_FREELY else []
    names += [f"fitted_counts/{dataset}" for dataset in counted_datasets(analysis)]
    files = [f"{base}/{name}.csv" for name in names] + [f"{base}/best_fit.json"]
    files += [path.format(analysis=analysis) for path in tables_of_counts(analysis)]
    files += [
        f"results/{part}/{name}.csv"
        for part in parts_of(analysis)
        for name in tables_of_dataset(part)
    ]
    files += [file for ext in FORMATS for file in all_figures([analysis], ext)]
    files += [
        f"{base}/grids/{grid}.parquet"
        for scan in scans_of(analysis)
        for grid in scan.grids()
    ]
    return files + ([f"{base}/provenance.json"] if analysis not in PAPER else [])


def shown_in(study, figure):
    """The analyses of a study that a figure of several can show: those that have some panel of it."""
    panels = {*figure.grids, *figure.lines}
    asked = config.get(figure.section, {}).get("scan") if figure.section else None
    return [
        analysis
        for analysis in OF_STUDY[study]
        if (not figure.of or analysis in figure.of)
        and (not panels or panels & set(drawn_of(analysis)))
        and (not figure.section or asked in config["analyses"][analysis]["scans"])
    ]


def together_made(study):
    """The figures of a study that show several analyses, as far as any has what they draw."""
    return [figure for figure in STUDIES[study].together if shown_in(study, figure)]


def panels_of(study, figure, grids=drawn_of):
    """The analyses that have each panel of such a figure, among the grids of theirs that a function names."""
    shown = shown_in(study, figure)
    having = {
        grid: [analysis for analysis in shown if grid in grids(analysis)]
        for grid in figure.grids + figure.lines
    }
    return {grid: analyses for grid, analyses in having.items() if analyses}


def places_of(panels):
    """Folder and grid of each panel of such a figure, analysis by analysis."""
    return [
        (f"results/{analysis}", grid)
        for grid, analyses in panels.items()
        for analysis in analyses
    ]


def together_inputs(study, figure, grids=drawn_of):
    """What such a figure is drawn from: what is known of each panel, analysis by analysis, and its own files."""
    places = places_of(panels_of(study, figure, grids))
    files = {}
    if places:
        files["grids"] = [f"{base}/grids/{grid}.parquet" for base, grid in places]
        files["best_fits"] = [f"{base}/best_fits.csv" for base, _ in places]
    if figure.grids:
        files["contours"] = [f"{base}/contours/{grid}.csv" for base, grid in places]
        files["ranges"] = [f"{base}/ranges.csv" for base, _ in places]
    for name, path in figure.inputs.items():
        if path.startswith("results/"):
            files[name] = [
                path.format(analysis=analysis) for analysis in shown_in(study, figure)
            ]
        else:
            files[name] = [own(ROOT / path)]
    return files


def together_params(study, figure, grids=drawn_of):
    """What such a figure is drawn by."""
    shown = shown_in(study, figure)
    panels = panels_of(study, figure, grids)
    params = {name: config.get(section) for name, section in figure.params.items()}
    params["datasets"] = {analysis: datasets_of(analysis) for analysis in shown}
    if panels:
        params["panels"] = panels
        params["sections"] = {
            GRIDS[grid].name: PLAIN[GRIDS[grid].name] for grid in panels
        }
    else:
        params["analyses"] = shown
    if figure.filled:
        params["filled"] = figure.filled
    return params


def files_of_study(study):
    """All that is made of the analyses of a study, by themselves and together."""
    files = files_of_all(OF_STUDY[study])
    files += [
        f"results/studies/{study}/figures/{figure.name}.{ext}"
        for figure in together_made(study)
        for ext in FORMATS
    ]
    if SCORED and study == "coherent":
        files += [f"results/studies/coherent/{name}.csv" for name in COMPARED]
    return files


def files_of_all(analyses):
    return [file for analysis in analyses for file in files_of(analysis)]


def final_files():
    """All of the study that a plain run makes."""
    return ["results/provenance.json", *files_of_all(PAPER)]


def covered_scans(analysis):
    """The scans of an analysis whose critical values are found, as it has them."""
    section = config["analyses"][analysis]
    return [
        parse_scan(name, covered_section(config["scans"][name], section))
        for name in section["scans"]
        if "coverage" in config["scans"][name]
    ]


def points_section(analysis, scan):
    """What critical values depend on: of levels also which they are, but not how many numbers of parameters."""
    laid = covered_section(config["scans"][scan], config["analyses"][analysis])
    return {key: value for key, value in laid.items() if key not in ("n_dof", "ranges")}


def lines_section(analysis, scan):
    """The same of lines, which no chunk has a part of."""
    return points_section(analysis, scan) | {"chunks": 1}


def covered_grids(analysis):
    return [grid for scan in covered_scans(analysis) for grid in scan.drawn()]


def covered_figures(analysis):
    """The figures of an analysis whose grids all have critical values, and that can show two thresholds."""
    covered = covered_grids(analysis)
    return [
        figure
        for figure in figures_made(analysis)
        if figure.script in ("draw_regions.py", "draw_line.py")
        and (drawn := figure.grids + figure.lines)
        and set(drawn) <= set(covered)
    ]


def covered_inputs(figure):
    """What such a figure is drawn from: besides what it is in a plain run, critical values and their contours."""
    base, drawn = "results/{analysis}/coverage", figure.grids + figure.lines
    files = figure_inputs(figure)
    files["covered"] = [f"{base}/grids/{grid}.parquet" for grid in drawn]
    if figure.grids:
        files["covered_contours"] = [f"{base}/contours/{grid}.csv" for grid in drawn]
    return files


def compared_scans(analysis):
    """Covered scans of a judged analysis at the level of the paper."""
    return [
        scan
        for scan in covered_scans(analysis)
        if analysis in JUDGED and CL_PAPER in scan.confidence_levels
    ]


def covered_together(study):
    """The figures of several analyses of a study that have a panel of which some have critical values."""
    return [
        figure
        for figure in together_made(study)
        if panels_of(study, figure, covered_grids)
    ]


def covered_together_inputs(study, figure):
    """What such a figure is drawn from: besides what it is in a plain run, critical values and their contours."""
    files = together_inputs(study, figure, covered_grids)
    places = places_of(panels_of(study, figure, covered_grids))
    files["covered"] = [
        f"{base}/coverage/grids/{grid}.parquet" for base, grid in places
    ]
    if figure.grids:
        files["covered_contours"] = [
            f"{base}/coverage/contours/{grid}.csv" for base, grid in places
        ]
    return files


def covered_files_of_study(study):
    """All that is made of critical values of the analyses of a study, by themselves and together."""
    files = [file for analysis in OF_STUDY[study] for file in coverage_of(analysis)]
    return files + [
        f"results/studies/{study}/coverage/figures/{figure.name}.{ext}"
        for figure in covered_together(study)
        for ext in [*FORMATS, "csv"]
    ]


def is_tested(analysis):
    """Whether regions and fits of an analysis are tried on toys."""
    section = config["analyses"][analysis]
    asked = config.get("coverage_tests", {}).get("scan")
    return "study" in section and asked in section["scans"]


def tested_grids():
    name = config["coverage_tests"]["scan"]
    return parse_scan(name, config["scans"][name]).drawn()


def coverage_of(analysis):
    """All that is made of the critical values of an analysis."""
    base = f"results/{analysis}/coverage"
    scans = covered_scans(analysis)
    files = [f"{base}/ranges.csv"] if scans else []
    files += [f"{base}/grids/{grid}.parquet" for scan in scans for grid in scan.drawn()]
    files += [f"{base}/contours/{grid}.csv" for scan in scans for grid in scan.pairs()]
    files += [f"{base}/lines/{scan.name}.parquet" for scan in scans if has_lines(scan)]
    files += [f"{base}/scorecard.csv"] if compared_scans(analysis) else []
    if is_tested(analysis):
        files += [f"{base}/measured.csv", f"{base}/goodness.csv"]
    return files + [
        f"{base}/figures/{figure.name}.{ext}"
        for figure in covered_figures(analysis)
        for ext in [*FORMATS, "csv"]
    ]


# What a submission to HEPData has of another study than the paper's, as far as it is finished.
BESIDE = "coherent"
NUMBERS_OF = {
    "best_fit.json": "Best fits of the size of the signal, analysis {}",
    "best_fits.csv": "Least chi2 on each grid, analysis {}",
    "domain_ends.csv": "Ends of the matter parameters against the domain, analysis {}",
    "general_fit.csv": "Ranges of contact couplings with all others free, analysis {}",
}


def numbers_submitted(analysis):
    """Further files of an analysis, in the submission as they are."""
    made = files_of(analysis)
    paths = {name: f"results/{analysis}/{name}" for name in NUMBERS_OF}
    return {name: path for name, path in paths.items() if path in made}


def files_submitted(analysis):
    """All that a submission takes from an analysis."""
    files = [f"results/{analysis}/ranges.csv", *figure_tables(analysis)]
    files += [f"results/{analysis}/contours/{grid}.csv" for grid in pairs_of(analysis)]
    files += numbers_submitted(analysis).values()
    return files + [
        file for ext in ("csv", "png") for file in all_figures([analysis], ext)
    ]


def are_made(files):
    return all(Path(file).exists() for file in files)


def drawn_of_study(figure, ext):
    return f"results/studies/{BESIDE}/figures/{figure.name}.{ext}"
