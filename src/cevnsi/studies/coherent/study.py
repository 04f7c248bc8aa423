"""All of the study in one record: the figures that show its data sets together, and what is published of them."""

from cevnsi.experiments.inputs import PUBLISHED_FILE
from cevnsi.output.figure_spec import Together
from cevnsi.studies.coherent.scorecard import PUBLISHED_FILE as COHERENT_FILE
from cevnsi.studies.study import Study

JOINT = "joint"  # the analysis whose regions are filled

MAIN = ("csi_2017", "csi_2021", "lar_2020", JOINT)  # but those in which a radius is fitted
TOGETHER = (
    Together(
        name="counts_likelihood",
        title="How many events of CEvNS are seen",
        script="draw_likelihoods.py",
        of=MAIN,
        inputs={
            "likelihood": "results/{analysis}/counts_likelihood.csv",
            "published": COHERENT_FILE.as_posix(),
            "curve": "data/coherent_lar_2020/published/fig8_analysis_a.csv",
        },
    ),
    Together(
        name="contact_planes",
        title="Pairs of contact couplings",
        script="draw_planes.py",
        grids=("ee_d_u", "mumu_d_u", "ee_mumu_d", "ee_etau_d"),
        filled=JOINT,
    ),
    Together(
        name="light_mediator",
        title="A light mediator",
        script="draw_mediator.py",
        grids=("mediator",),
        filled=JOINT,
        params={"muon_g2": "muon_g2"},
    ),
    Together(
        name="b_minus_l",
        title="A mediator of B - L",
        script="draw_mediator.py",
        grids=("b_minus_l",),
        filled=JOINT,
        params={"muon_g2": "muon_g2"},
    ),
    Together(
        name="l_mu_minus_l_tau",
        title="A mediator of L_mu - L_tau, by its loop",
        script="draw_mediator.py",
        grids=("l_mu_minus_l_tau",),
        filled=JOINT,
        params={"muon_g2": "muon_g2"},
    ),
    Together(
        name="light_scalar",
        title="A light scalar",
        script="draw_mediator.py",
        grids=("scalar",),
        filled=JOINT,
        params={"muon_g2": "muon_g2"},
    ),
    Together(
        name="electromagnetic",
        title="Magnetic moments and charge radii of neutrinos",
        script="draw_planes.py",
        grids=("moments", "charge_radii"),
        filled=JOINT,
    ),
    Together(
        name="magnetic_moments",
        title="Magnetic moments, one at a time",
        script="draw_lines.py",
        lines=("moment_e", "moment_mu"),
    ),
    Together(
        name="charge_radii",
        title="Charge radii, one at a time",
        script="draw_lines.py",
        lines=("charge_e", "charge_mu"),
    ),
    Together(
        name="sterile",
        title="A sterile neutrino that mixes with muon flavor",
        script="draw_planes.py",
        grids=("sterile_mu",),
        filled=JOINT,
    ),
    Together(
        name="matter",
        title="Effective matter parameters without a domain",
        script="draw_matter.py",
        grids=("matter_free",),
        filled=JOINT,
        inputs={"published": PUBLISHED_FILE.as_posix()},
    ),
    Together(
        name="standard_model",
        title="The weak mixing angle, and radii of neutrons",
        script="draw_lines.py",
        lines=("mixing_angle", "radius_csi", "radius_ar"),
    ),
    Together(
        name="tied_couplings",
        title="One coupling at a time, the same for u and d",
        script="draw_lines.py",
        lines=("ee_tied", "mumu_tied"),
    ),
    Together(
        name="domain_ends",
        title="Ends of the matter parameters against the bound on what is minimised over",
        script="draw_domain_ends.py",
        section="domain_ends",
        inputs={"ends": "results/{analysis}/domain_ends.csv", "published": PUBLISHED_FILE.as_posix()},
    ),
)
STUDY = Study(
    name="coherent",
    title="What the public data of COHERENT say together",
    citation="arXiv:1804.09459, arXiv:2110.07730 and arXiv:2006.12659",
    published=COHERENT_FILE.as_posix(),
    together=TOGETHER,
    asked=(
        ("mixing_angle", "sin2_theta_w"),
        ("ee_tied", "eps_ee_V"),
        ("mumu_tied", "eps_mumu_V"),
        ("radius_csi", "neutron_radius_csi_fm"),
        ("radius_ar", "neutron_radius_Ar40_fm"),
        ("moment_e", "magnetic_moment_e_1e_10_mub"),
        ("moment_mu", "magnetic_moment_mu_1e_10_mub"),
        ("charge_e", "charge_radius_ee_1e_32_cm2"),
        ("charge_mu", "charge_radius_mumu_1e_32_cm2"),
    ),
    foremost="contact_planes",
    comment="Analyses csi_2017, csi_2021, lar_2020, a joint one and those of radii are made by the same software from "
    "three public releases of COHERENT, by Poisson likelihoods of energy and time with the nuisances that each release "
    "states. These numbers are none of the collaboration either.",
    sources={
        "https://arxiv.org/abs/2110.07730": "The measurement of all CsI data by the COHERENT Collaboration",
        "https://arxiv.org/abs/2003.10630": "That of argon",
        "https://arxiv.org/abs/2006.12659": "The data release of argon",
    },
)
