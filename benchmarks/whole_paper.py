"""The whole paper by the workflow, against one process that makes the same files without it.

`python benchmarks/whole_paper.py PROJECT TARGETS` is that process: it asks snakemake for the jobs, then runs their
scripts one after another, and prints the seconds of each.
"""

import contextlib
import io
import json
import os
import runpy
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

if __name__ != "__main__":
    import yaml

    from cevnsi.files import strict_yaml
    from project import Project, copy_project
    from setting import ROOT, Row, fresh, median_ratio

CORES = 2


def floor(project: Path, targets: Sequence[str], configfiles: Sequence[Path]) -> None:
    """Run every script that targets need in this process, in an order that the files allow."""
    from snakemake.api import SnakemakeApi
    from snakemake.settings.types import ConfigSettings, DAGSettings, OutputSettings, Quietness, ResourceSettings

    taken: dict[str, list[float]] = {}
    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
        workflow = api.workflow(
            ResourceSettings(cores=1),
            ConfigSettings(configfiles=configfiles),
            snakefile=project / "Snakefile",
            workdir=Path.cwd(),
        )
        dag = workflow.dag(DAGSettings(targets=set(targets), forceall=True))
        with contextlib.redirect_stdout(io.StringIO()):
            dag.printrulegraph()  # builds the jobs, which the interface does not hand out otherwise
        jobs = [job for level in workflow._workflow.dag.toposorted() for job in level if job.is_script]
        scripts = project / "workflow" / "scripts"
        sys.path.insert(0, str(scripts))
        start = time.perf_counter()
        for job in jobs:
            before = time.perf_counter()
            script = Path(job.rule.script).name.format(params=job.params)
            with contextlib.redirect_stdout(io.StringIO()):
                runpy.run_path(str(scripts / script), init_globals={"snakemake": job})
            taken.setdefault(script, []).append(time.perf_counter() - before)
        whole = time.perf_counter() - start
    print(json.dumps({"whole": whole, "scripts": taken}))


def run(command: list[str], folder: Path, variables: Mapping[str, str]) -> tuple[float, str]:
    """Wall time and output of a command."""
    start = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **variables}, check=True, capture_output=True, text=True
    )
    return time.perf_counter() - start, done.stdout


def in_one_process(
    project: "Project", folder: Path, overlay: Sequence[str], targets: Sequence[str] = ()
) -> dict[str, Any]:
    """What `floor` prints, with results in a folder of their own."""
    folder.mkdir()
    variables = {"PYTHONPATH": str(project.folder / "src")}
    _, printed = run([sys.executable, __file__, str(project.folder), ",".join(targets), *overlay], folder, variables)
    found: dict[str, Any] = json.loads(printed.splitlines()[-1])
    return found


def split(cold: float, found: Mapping[str, Any], scripts: Path) -> Iterator["Row"]:
    """Where the core time of a cold run goes, from what the same pieces take apart."""
    jobs = Counter({name: len(times) for name, times in found["scripts"].items()})
    bare = fresh("-c", "pass")
    job_start = fresh("-c", "import pickle; from snakemake import script")
    environment = dict(os.environ)
    os.environ["PYTHONPATH"] = str(scripts)
    try:  # without a job a script does nothing, but that of figures, which imports those that draw
        imports = {name: fresh(str(scripts / name.replace("figures", "draw_exclusion"))) - bare for name in jobs}
    finally:
        os.environ.clear()
        os.environ.update(environment)
    drawing = sum(sum(found["scripts"].get(name, ())) for name in ("figures.py", "draw_regions.py"))
    compute = sum(map(sum, found["scripts"].values())) - drawing
    parts = {
        "start-up of jobs": sum(jobs.values()) * job_start,
        "imports": sum(count * imports[name] for name, count in jobs.items()),
        "compute": compute,
        "drawing": drawing,
    }
    parts["snakemake itself, and waiting"] = CORES * cold - sum(parts.values())
    for name, value in parts.items():
        yield Row(
            "whole paper", f"split, {name}", value / (CORES * cold), "core time of a cold run", "", {"core_s": value}
        )


def sweep(analyses: int, overlay: Sequence[str], path: Path) -> list[str]:
    """Overlays with one assumption of the paper's analysis at many values, by the command line's option."""
    paper = strict_yaml.read(ROOT / "config.yaml")["analyses"]["paper"] | {"scans": ["ee_d_u", "matter_ee_mumu"]}
    del paper["study"]
    swept = {f"sweep{i}": paper | {"sin2_theta_w": 0.23 + 0.0002 * i} for i in range(analyses)}
    path.write_text(yaml.safe_dump({"analyses": swept}), encoding="utf-8")
    return [*overlay, str(path)]


def rows(smoke: bool) -> Iterator["Row"]:
    """Cold, with nothing to do, after an edit of the style of figures; and an assumption swept."""
    cold, one = [], []
    overlay = [str(Path(__file__).with_name("smoke.yaml"))] if smoke else []
    command = [sys.executable, "-m", "snakemake", "--cores", str(CORES), "--quiet", "all"]
    with tempfile.TemporaryDirectory() as folder:
        overlays = ["--configfile", *overlay] if overlay else []
        for i in range(1 if smoke else 2):
            project = copy_project(Path(folder) / f"project{i}")
            variables = {"PYTHONPATH": str(project.folder / "src")}
            cold.append(run([*command, *overlays], project.folder, variables)[0])
            found = in_one_process(project, Path(folder) / f"floor{i}", overlay)
            one.append(found["whole"])
        behind = {"cold_s": cold, "one_process_s": one}
        yield Row("whole paper", "cold run, two cores", median_ratio(cold, one), "one process", "<= 1.3", behind)
        yield from split(cold[-1], found, project.folder / "workflow" / "scripts")
        again = run([*command, *overlays], project.folder, variables)[0]
        yield Row("whole paper", "a run with nothing to do", again / cold[-1], "cold run", "", {"seconds": again})
        style = project.folder / "src" / "cevnsi" / "output" / "figures.py"
        text = style.read_text(encoding="utf-8").replace('"font.size": 9,', '"font.size": 8,')
        style.write_text(text, encoding="utf-8")
        edited = run([*command, *overlays], project.folder, variables)[0]
        what = "after an edit of the style, which only draws"
        yield Row("whole paper", what, edited / cold[-1], "cold run", "", {"seconds": edited})
        analyses = 2 if smoke else 50
        swept = sweep(analyses, overlay, Path(folder) / "sweep.yaml")
        project = copy_project(Path(folder) / "sweep")
        arguments = ["--configfile", *swept, "--", *(f"sweep{i}" for i in range(analyses))]
        variables = {"PYTHONPATH": str(project.folder / "src")}
        dag, _ = run([*command, "--dry-run", *arguments], project.folder, variables)
        took, _ = run([*command, *arguments], project.folder, variables)
        found = in_one_process(project, Path(folder) / "floor", swept, arguments[-analyses:])
        behind = {"cold_s": [took], "one_process_s": [found["whole"]], "dry_run_s": [dag]}
        yield Row(
            "sweep", f"{analyses} analyses, cold, two cores", took / found["whole"], "one process", "<= 1.5", behind
        )
        yield Row("sweep", "a dry run, all jobs planned", dag / took, "cold run", "", behind)


if __name__ == "__main__":
    floor(Path(sys.argv[1]), [name for name in sys.argv[2].split(",") if name], [Path(name) for name in sys.argv[3:]])
