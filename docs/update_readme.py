"""Put the scorecards and figures of a finished run into the README, and what each assumption is worth.

Run by `make readme`; what `make bench` has measured goes in too, if it was run. Only what lies between the README's
`<!-- name -->` marks is replaced.
"""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

from cevnsi.config import Analysis, parse_analysis, parse_scan
from cevnsi.detector import CSI_2017
from cevnsi.loading import analysis_templates, load_acceptance, load_measurement
from cevnsi.nuclei import NUCLEI
from cevnsi.points import scan_grid
from cevnsi.regions import allowed_ranges
from cevnsi.scan import make_model
from cevnsi.scorecard import markdown
from cevnsi.strict_yaml import read
from cevnsi.tables import SCORECARD, read_table
from cevnsi.templates import predicted_counts

ROOT = Path(__file__).parents[1]
PICTURES = ("fig1", "fig2", "fig3", "fig4", "domain_sensitivity")


def scorecards(analyses: list[str]) -> str:
    """One Markdown table per analysis."""
    parts = []
    for analysis in analyses:
        table = read_table(ROOT / "results" / analysis / "scorecard.csv", SCORECARD)
        parts.append(f"Analysis `{analysis}`:\n\n{markdown(table)}")
    return "\n".join(parts)


def _row(name: str, analysis: Analysis, config: dict[str, dict[str, dict[str, object]]]) -> str:
    """SM counts and the four ends of Eq. 12 (delta chi2 4.61) under one set of assumptions."""
    folder = ROOT / "results" / "inputs" / analysis.dataset
    measurement = load_measurement(folder / "counts.csv")
    templates = analysis_templates(analysis, measurement, load_acceptance(folder / "acceptance.csv"))
    model = make_model(analysis, templates, measurement)
    scan = parse_scan("matter_ee_mumu", config["scans"]["matter_ee_mumu"])
    scan = replace(scan, axes=tuple(replace(axis, points=101) for axis in scan.axes))
    ranges = allowed_ranges(scan.name, scan_grid(model, scan), [(0.9, 2)])
    ends = [end for r in ranges if r.other_parameters == "profiled" for end in (r.lower, r.upper)]
    counts = predicted_counts(model.templates, [{} for _ in analysis.nuclides], analysis.sin2_theta_w).sum()
    return f"| {name} | {counts:.1f} | {' | '.join(f'{end:+.3f}' for end in ends)} |"


def assumptions(config: dict[str, dict[str, dict[str, object]]]) -> str:
    """What one change at a time to the analysis `paper` does."""
    paper = parse_analysis(config["analyses"]["paper"])
    cases = {
        "`paper` as it is": paper,
        "`dataset: release` (9 counts in the first bin, sqrt(C + AC), logistic acceptance)": replace(
            paper, dataset="release"
        ),
        "`nuclei: cs_and_i`": replace(paper, nuclides=NUCLEI["cs_and_i"]),
        "`form_factor: helm`": replace(paper, form_factor="helm"),
        "`sin2_theta_w: 0.2312` (at the Z pole)": replace(paper, sin2_theta_w=0.2312),
        "`normalization_uncertainty: 0.14`": replace(paper, normalization_uncertainty=0.14),
        "`exposure: {light_yield_pe_per_kev: 1.3}`": replace(
            paper, exposure=replace(CSI_2017, light_yield_pe_per_kev=1.3)
        ),
    }
    head = "| change | SM counts, 6-30 PE | eps_ee from | to | eps_mumu from | to |\n|---|---|---|---|---|---|"
    return "\n".join([head, *(_row(name, analysis, config) for name, analysis in cases.items())]) + "\n"


def main() -> None:
    """Replace the marked parts of the README and copy the pictures it shows."""
    config = read(ROOT / "config.yaml")
    blocks = {"scorecard": scorecards(list(config["analyses"])), "assumptions": assumptions(config)}
    pictures = {f"{name}.png": ROOT / "results" / "paper" / "figures" for name in PICTURES}
    measured = ROOT / "results" / "benchmark.json"
    if measured.exists():
        blocks["benchmark"] = "\n".join(json.loads(measured.read_text(encoding="utf-8"))["table"]) + "\n"
        pictures["benchmark_growth.png"] = measured.parent
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for name, content in blocks.items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
        if not pattern.search(text):
            raise SystemExit(f"README.md: no marks for {name}")
        text = pattern.sub(lambda m, content=content: m[1] + "\n" + content + "\n" + m[2], text)
    (ROOT / "README.md").write_text(text, encoding="utf-8")
    for picture, folder in pictures.items():
        shutil.copy(folder / picture, ROOT / "docs" / "figures")


if __name__ == "__main__":
    main()
