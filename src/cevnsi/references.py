"""Papers, data and programs that results rest on, by keys that records name; `cevnsi cite` prints them.

A fact that is not known for sure is left out: an arXiv number or a journal's page is enough to find a paper.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from cevnsi import __version__


@dataclass(frozen=True, kw_only=True)
class Reference:
    """One work, in LaTeX; what is empty is unknown, or there is none."""

    kind: str = "article"  # of its BibTeX entry
    authors: tuple[str, ...]  # each "Family, Given"; a group in braces; "others"
    collaboration: str = ""
    title: str = ""
    journal: str = ""
    volume: str = ""
    pages: str = ""  # the first, or an article's number
    publisher: str = ""
    year: int | None = None
    doi: str = ""
    arxiv: str = ""
    note: str = ""

    def bibtex(self, key: str) -> str:
        """Its entry, with a line a field."""
        fields = {
            "author": " and ".join(self.authors),
            "collaboration": self.collaboration,
            "title": f"{{{self.title}}}" if self.title else "",  # in two pairs of braces, which keep capitals
            "journal": self.journal,
            "volume": self.volume,
            "pages": self.pages,
            "publisher": self.publisher,
            "year": "" if self.year is None else str(self.year),
            "doi": self.doi,
            "eprint": self.arxiv,
            "archivePrefix": "arXiv" if self.arxiv else "",
            "note": self.note,
        }
        lines = [f"  {name} = {{{value}}},\n" for name, value in fields.items() if value]
        return f"@{self.kind}{{{key},\n{''.join(lines)}}}\n"


AKIMOV = ("Akimov, D.", "others")

REFERENCES: dict[str, Reference] = {
    "cevnsi": Reference(
        kind="misc",
        authors=("{The cevnsi authors}",),
        title="cevnsi: CEvNS constraints on nonstandard neutrino interactions, reproducibly",
        note=f"software, version {__version__}",
    ),
    "liao_marfatia_2017": Reference(
        authors=("Liao, Jiajun", "Marfatia, Danny"),
        title="COHERENT constraints on nonstandard neutrino interactions",
        journal="Physics Letters B",
        volume="775",
        pages="54",
        year=2017,
        doi="10.1016/j.physletb.2017.10.046",
        arxiv="1708.04255",
    ),
    # Measurements, and what is released of them.
    "coherent_csi_2017": Reference(
        authors=AKIMOV,
        collaboration="COHERENT",
        title="Observation of coherent elastic neutrino-nucleus scattering",
        journal="Science",
        volume="357",
        pages="1123",
        year=2017,
        doi="10.1126/science.aao0990",
        arxiv="1708.01294",
    ),
    "coherent_csi_2017_data": Reference(
        kind="misc",
        authors=AKIMOV,
        collaboration="COHERENT",
        title="COHERENT Collaboration data release from the first observation of coherent elastic neutrino-nucleus "
        "scattering",
        year=2018,
        doi="10.5281/zenodo.1228631",
        arxiv="1804.09459",
    ),
    "coherent_csi_2021": Reference(  # its data are files beside arXiv:2110.07730
        authors=AKIMOV,
        collaboration="COHERENT",
        title="Measurement of the coherent elastic neutrino-nucleus scattering cross section on CsI by COHERENT",
        journal="Physical Review Letters",
        volume="129",
        pages="081801",
        year=2022,
        doi="10.1103/PhysRevLett.129.081801",
        arxiv="2110.07730",
    ),
    "coherent_lar_2020": Reference(
        authors=AKIMOV,
        collaboration="COHERENT",
        title="First measurement of coherent elastic neutrino-nucleus scattering on argon",
        journal="Physical Review Letters",
        volume="126",
        pages="012002",
        year=2021,
        doi="10.1103/PhysRevLett.126.012002",
        arxiv="2003.10630",
    ),
    "coherent_lar_2020_data": Reference(
        kind="misc",
        authors=AKIMOV,
        collaboration="COHERENT",
        title="COHERENT Collaboration data release from the first detection of coherent elastic neutrino-nucleus "
        "scattering on argon",
        year=2020,
        doi="10.5281/zenodo.3903810",
        arxiv="2006.12659",
    ),
    "huangt229": Reference(
        kind="misc",
        authors=("{Matthew-shawn}",),
        title="huangt229",
        note="public repository Matthew-shawn/huangt229: Fig. 3 of arXiv:1708.01294 read off",
    ),
    "kavanagh_cevns": Reference(
        kind="misc",
        authors=("Kavanagh, Bradley J.",),
        title="CEvNS: code for calculating coherent elastic neutrino-nucleus scattering cross sections",
        year=2017,
        note="public repository bradkav/CEvNS: Figs. 3 and S9 of arXiv:1708.01294 read off",
    ),
    "chi2_pull_test": Reference(
        kind="misc",
        authors=("{BarbeauGroup}",),
        title=r"chi2\_pull\_test",
        note=r"public repository BarbeauGroup/chi2\_pull\_test: the neutrinos of the CsI release in time",
    ),
    # Nuclei.
    "klein_nystrand_2000": Reference(
        authors=("Klein, S. R.", "Nystrand, J."),
        title="Interference in exclusive vector meson production in heavy ion collisions",
        journal="Physical Review Letters",
        volume="84",
        pages="2330",
        year=2000,
        arxiv="hep-ph/9909237",
    ),
    "lewin_smith_1996": Reference(
        authors=("Lewin, J. D.", "Smith, P. F."),
        title="Review of mathematics, numerical factors, and corrections for dark matter experiments based on elastic "
        "nuclear recoil",
        journal="Astroparticle Physics",
        volume="6",
        pages="87",
        year=1996,
        doi="10.1016/S0927-6505(96)00047-3",
    ),
    "cadeddu_2018_radius": Reference(
        authors=("Cadeddu, M.", "Giunti, C.", "Li, Y. F.", "Zhang, Y. Y."),
        title="Average CsI neutron density distribution from COHERENT data",
        journal="Physical Review Letters",
        volume="120",
        pages="072501",
        year=2018,
        arxiv="1710.02730",
    ),
    "cadeddu_2020_argon": Reference(authors=("Cadeddu, M.", "others"), year=2020, arxiv="2005.01645"),
    "angeli_marinova_2013": Reference(
        authors=("Angeli, I.", "Marinova, K. P."),
        title="Table of experimental nuclear ground state charge radii: an update",
        journal="Atomic Data and Nuclear Data Tables",
        volume="99",
        pages="69",
        year=2013,
        doi="10.1016/j.adt.2011.12.006",
    ),
    # Cross sections and couplings.
    "lindner_rodejohann_xu_2017": Reference(
        authors=("Lindner, Manfred", "Rodejohann, Werner", "Xu, Xun-Jie"),
        journal="Journal of High Energy Physics",
        volume="03",
        pages="097",
        year=2017,
        arxiv="1612.04150",
    ),
    "cadeddu_2021_mediators": Reference(
        authors=(
            *("Cadeddu, M.", "Cargioli, N.", "Dordei, F.", "Giunti, C.", "Li, Y. F."),
            *("Picciau, E.", "Zhang, Y. Y."),
        ),
        title="Constraints on light vector mediators through coherent elastic neutrino nucleus scattering data from "
        "COHERENT",
        journal="Journal of High Energy Physics",
        volume="01",
        pages="116",
        year=2021,
        arxiv="2008.05022",
    ),
    "pdg_2015": Reference(
        kind="misc",
        authors=("{Particle Data Group}",),
        title="Review of Particle Physics",
        year=2015,
    ),
    "cerdeno_2016": Reference(
        authors=(
            *(r"Cerde{\~n}o, David G.", "Fairbairn, Malcolm", "Jubb, Thomas", "Machado, Pedro A. N."),
            *("Vincent, Aaron C.", r"B{\oe}hm, C{\'e}line"),
        ),
        title="Physics from solar neutrinos in dark matter direct detection experiments",
        year=2016,
        arxiv="1604.01025",
    ),
    "hoferichter_2015": Reference(
        authors=("Hoferichter, Martin", "Ruiz de Elvira, Jacobo", "Kubis, Bastian", r"Mei{\ss}ner, Ulf-G."),
        title=r"High-precision determination of the pion-nucleon $\sigma$-term from Roy-Steiner equations",
        journal="Physical Review Letters",
        volume="115",
        pages="092301",
        year=2015,
        arxiv="1506.04142",
    ),
    "vogel_engel_1989": Reference(
        authors=("Vogel, P.", "Engel, J."),
        title="Neutrino electromagnetic form factors",
        journal="Physical Review D",
        volume="39",
        pages="3378",
        year=1989,
        doi="10.1103/PhysRevD.39.3378",
    ),
    "cadeddu_2018_charge_radii": Reference(
        authors=(
            *("Cadeddu, M.", "Giunti, C.", "Kouzakov, K. A.", "Li, Y. F."),
            *("Studenikin, A. I.", "Zhang, Y. Y."),
        ),
        title="Neutrino charge radii from COHERENT elastic neutrino-nucleus scattering",
        journal="Physical Review D",
        volume="98",
        pages="113010",
        year=2018,
        arxiv="1810.05606",
        note="the sign as revised there",
    ),
    "amaral_2020": Reference(
        authors=("Amaral, D. W. P.", "Cerde{\\~n}o, D. G.", "Foldenauer, P.", "Reid, E."),
        title=r"Solar neutrino probes of the muon anomalous magnetic moment in the gauged $U(1)_{L_\mu-L_\tau}$",
        journal="Journal of High Energy Physics",
        volume="12",
        pages="155",
        year=2020,
        arxiv="2006.11225",
    ),
    "peskin_schroeder_1995": Reference(
        kind="book",
        authors=("Peskin, M.", "Schroeder, D."),
        title="An Introduction to Quantum Field Theory",
        year=1995,
    ),
    "giunti_laveder_2011": Reference(
        authors=("Giunti, Carlo", "Laveder, Marco"),
        title="Implications of 3+1 short-baseline neutrino oscillations",
        year=2011,
        arxiv="1111.1069",
    ),
    "formaggio_2012": Reference(
        authors=("Formaggio, Joseph A.", "Figueroa-Feliciano, E.", "Anderson, A. J."),
        title="Sterile neutrinos, coherent scattering, and oscillometry measurements with low-temperature bolometers",
        journal="Physical Review D",
        volume="85",
        pages="013009",
        year=2012,
        doi="10.1103/PhysRevD.85.013009",
        arxiv="1107.3512",
    ),
    "blanco_2019": Reference(
        authors=("Blanco, Carlos", "Hooper, Dan", "Machado, Pedro"),
        title="Constraining sterile neutrino interpretations of the LSND and MiniBooNE anomalies with coherent "
        "neutrino scattering experiments",
        year=2019,
        arxiv="1901.08094",
    ),
    "leveille_1978": Reference(
        authors=("Leveille, J. P.",),
        title="The second-order weak correction to (g-2) of the muon in arbitrary gauge models",
        journal="Nuclear Physics B",
        volume="137",
        pages="63",
        year=1978,
    ),
    "jegerlehner_nyffeler_2009": Reference(
        authors=("Jegerlehner, F.", "Nyffeler, A."),
        title="The muon $g-2$",
        journal="Physics Reports",
        volume="477",
        pages="1",
        year=2009,
    ),
    # Statistics.
    "feldman_cousins_1998": Reference(
        authors=("Feldman, Gary J.", "Cousins, Robert D."),
        title="Unified approach to the classical statistical analysis of small signals",
        journal="Physical Review D",
        volume="57",
        pages="3873",
        year=1998,
        doi="10.1103/PhysRevD.57.3873",
        arxiv="physics/9711021",
    ),
    "berns_2024": Reference(
        authors=("Berns, L.",),
        title="An importance sampling method for Feldman-Cousins confidence intervals",
        journal="Physical Review D",
        volume="109",
        pages="092002",
        year=2024,
        arxiv="2303.11290",
    ),
    "li_ma_1983": Reference(
        authors=("Li, T.-P.", "Ma, Y.-Q."),
        title="Analysis methods for results in gamma-ray astronomy",
        journal="Astrophysical Journal",
        volume="272",
        pages="317",
        year=1983,
        doi="10.1086/161295",
    ),
}


def bibtex(keys: Iterable[str]) -> str:
    """Entries of these keys, in their order."""
    return "\n".join(REFERENCES[key].bibtex(key) for key in keys)
