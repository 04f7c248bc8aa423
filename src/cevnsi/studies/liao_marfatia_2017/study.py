"""All of the study in one record: what the paper states, and every figure with what it draws and is called."""

from cevnsi.experiments.inputs import PUBLISHED_FILE
from cevnsi.files.tables import DOMAIN_BEST, DOMAIN_HOLE, DOMAIN_MAP, DOMAIN_MATCHES, SENSITIVITY, SPECTRA
from cevnsi.output.figure_spec import FigureSpec
from cevnsi.studies.liao_marfatia_2017.captions import hole_remark, spectrum_alt, spectrum_caption
from cevnsi.studies.liao_marfatia_2017.hepdata import (
    COMMENT,
    SOURCES,
    domain_tables,
    map_tables,
    muon_table,
    spectrum_tables,
)
from cevnsi.studies.liao_marfatia_2017.page import page_rows
from cevnsi.studies.liao_marfatia_2017.scorecard import open_choices, reproduced_values
from cevnsi.studies.study import Study

FIGURES = (
    FigureSpec(
        name="fig1",
        title="Fig. 1: predicted spectrum",
        location="Figure 1",
        script="draw_spectrum.py",
        inputs={"spectra": "results/{analysis}/spectra.csv"},
        params={"example": "spectrum_example"},
        caption=spectrum_caption,
        alt=spectrum_alt,
        tables=spectrum_tables,
        data={"spectra": SPECTRA},
    ),
    FigureSpec(
        name="fig2",
        title="Fig. 2: a light mediator",
        location="Figure 2",
        grids=("light_mediator",),
        script="draw_exclusion.py",
        params={"muon_g2": "muon_g2"},
        shaded="excluded",
        panel="fig2",
        tables=muon_table,
    ),
    FigureSpec(
        name="fig3",
        title="Fig. 3: pairs of contact couplings",
        location="Figure 3",
        grids=("ee_d_u", "mumu_d_u", "ee_mumu_d", "ee_etau_d"),
    ),
    FigureSpec(
        name="fig4",
        title="Fig. 4: effective matter parameters",
        location="Figure 4",
        grids=("matter_ee_mumu",),
        ranges_in="Eq. 12",
        remark=hole_remark,
    ),
    FigureSpec(
        name="domain_sensitivity",
        title="Ends of Eq. 12 against the bound on what is minimised over",
        section="domain_sensitivity",
        script="draw_domain_sensitivity.py",
        inputs={"table": "results/{analysis}/domain_sensitivity.csv", "published": PUBLISHED_FILE.as_posix()},
        tables=domain_tables,
        data={"domain_sensitivity": SENSITIVITY, "domain_matches": DOMAIN_MATCHES, "domain_hole": DOMAIN_HOLE},
        on_its_own=True,
    ),
    FigureSpec(
        name="domain_map",
        title="How far each domain misses Eq. 12",
        section="domain_sensitivity",
        script="draw_domain_map.py",
        inputs={
            "table": "results/{analysis}/domain_map.csv",
            "best": "results/{analysis}/domain_best.csv",
            "published": PUBLISHED_FILE.as_posix(),
        },
        tables=map_tables,
        data={"domain_map": DOMAIN_MAP, "domain_best": DOMAIN_BEST},
        on_its_own=True,
    ),
)
STUDY = Study(
    name="liao_marfatia_2017",
    title="COHERENT constraints on nonstandard neutrino interactions",
    citation="J. Liao and D. Marfatia, Phys. Lett. B 775 (2017) 54, arXiv:1708.04255",
    references=("liao_marfatia_2017",),
    published=PUBLISHED_FILE.as_posix(),
    figures=FIGURES,
    needs=("photoelectron_range", "normalization_uncertainty"),  # of Eq. 7
    axes={
        "light_mediator": ("mediator_mass_mev", "coupling"),
        "ee_d_u": ("eps_ee_dV", "eps_ee_uV"),
        "mumu_d_u": ("eps_mumu_dV", "eps_mumu_uV"),
        "ee_mumu_d": ("eps_ee_dV", "eps_mumu_dV"),
        "ee_etau_d": ("eps_ee_dV", "eps_etau_dV"),
        "matter_ee_mumu": ("eps_ee_matter", "eps_mumu_matter"),
    },
    logarithmic=("light_mediator",),
    values=reproduced_values,
    choices=open_choices,
    page=page_rows,
    asked=(("matter_ee_mumu", "eps_ee_matter"), ("matter_ee_mumu", "eps_mumu_matter")),
    foremost="fig3",
    comment=COMMENT,
    sources=SOURCES,
)
