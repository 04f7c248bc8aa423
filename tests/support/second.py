"""Counts of one's own to be fitted together with those of CsI 2017: what configures them, and their files."""

import copy
import hashlib
from pathlib import Path
from typing import Any

NAME = "second"
TEXTS = {
    "counts": "bin_low_pe,bin_high_pe,observed_counts\n6,10,25\n10,14,43\n14,20,40\n20,30,20\n",
    "acceptance": "photoelectrons,acceptance\n0,0\n6,0.1\n12,0.5\n30,0.66\n",
    "backgrounds": "bin_low_pe,bin_high_pe,neutrons,steady_state\n"
    "6,10,0.5,10\n10,14,0.5,12\n14,20,1,20\n20,30,0.5,14\n",
}
EXPOSURE = {
    "detector_mass_kg": 14.6,
    "protons_on_target": 1.76e23,
    "neutrinos_per_proton": 0.08,
    "baseline_m": 19.3,
    "light_yield_pe_per_kev": 1.17,
}
OVERLAY: dict[str, Any] = {
    "datasets": {NAME: {"reader": "counts", "files": {role: f"data/{NAME}/{role}.csv" for role in TEXTS}}},
    "analyses": {
        NAME: {
            "dataset": NAME,
            "nuclei": "cs_and_i",
            "form_factor": "helm",
            "sin2_theta_w": 0.23857,
            "nuisances": {
                "flux": {"sigma": 0.1, "scales": ["signal"]},
                "leak": {"sigma": 0.1, "scales": ["steady_state"]},
            },
            "exposure": EXPOSURE,
            "scans": ["ee_d_u"],
        },
        "both": {"joins": ["csi_2017", NAME], "scans": ["ee_d_u", "mumu_d_u"]},
    },
}


def laid_over(config: dict[str, Any]) -> dict[str, Any]:
    """A configuration with the data set, the analysis of it, and the joint one."""
    laid = copy.deepcopy(config)
    for place, sections in copy.deepcopy(OVERLAY).items():
        laid[place] |= sections
    return laid


def add_files(project: Path) -> None:
    """Write the tables into a project's data, and list them."""
    folder = project / "data" / NAME
    folder.mkdir(parents=True)
    with (project / "data" / "SHA256SUMS").open("a", encoding="utf-8") as sums:
        for role, text in TEXTS.items():
            (folder / f"{role}.csv").write_text(text, encoding="utf-8")
            sums.write(f"{hashlib.sha256(text.encode()).hexdigest()}  data/{NAME}/{role}.csv\n")
