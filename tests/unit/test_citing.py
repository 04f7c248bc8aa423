"""References: every key that a record names is one, every one is named, and what is printed is BibTeX."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from cevnsi.__main__ import main
from cevnsi.config.build import read_config
from cevnsi.experiments.inputs import RELEASES
from cevnsi.experiments.targets import TARGETS
from cevnsi.physics import cross_section, flux, form_factors, muon_g2, weak_charge
from cevnsi.physics.cross_section import KINEMATICS
from cevnsi.physics.form_factors import FORM_FACTORS, RADIUS_FORM_FACTORS
from cevnsi.physics.interactions import INTERACTIONS
from cevnsi.physics.weak_charge import COUPLINGS
from cevnsi.references import REFERENCES, Reference, bibtex
from cevnsi.scans.axes import REFERENCES_OF_METHODS
from cevnsi.studies.citing import cited, citing_rows
from cevnsi.studies.known import STUDIES

ROOT = Path(__file__).parents[2]
OWN = ("table", "counts")  # readers of a user's own tables


def named() -> Iterator[str]:
    """Every key that some record names."""
    yield "cevnsi"
    for release in RELEASES.values():
        yield from release.references
        for keys in release.references_of_choices.values():
            yield from keys
    yield from (key for interaction in INTERACTIONS.values() for key in interaction.references)
    yield from (key for target in TARGETS.values() for nuclide in target.nuclides for key in nuclide.references)
    yield from (key for study in STUDIES.values() for key in study.references)
    by_choice = (form_factors.REFERENCES, cross_section.REFERENCES, weak_charge.REFERENCES, REFERENCES_OF_METHODS)
    yield from (key for choices in by_choice for keys in choices.values() for key in keys)
    yield from (*flux.REFERENCES, *muon_g2.REFERENCES, *muon_g2.REFERENCES_OF_FIG_2)


def test_every_key_is_a_reference_and_every_reference_is_named() -> None:
    assert set(named()) == set(REFERENCES)


def test_every_record_names_some() -> None:
    assert [name for name, release in RELEASES.items() if not release.references] == list(OWN)
    assert [name for name, interaction in INTERACTIONS.items() if not interaction.references] == []
    assert set(form_factors.REFERENCES) == {*FORM_FACTORS, *RADIUS_FORM_FACTORS} - {"point"}
    assert set(cross_section.REFERENCES) == set(KINEMATICS)
    assert set(weak_charge.REFERENCES) == set(COUPLINGS)
    with_radii = [n for target in TARGETS.values() for n in target.nuclides if n.neutron_radius_fm]
    assert with_radii
    assert all(nuclide.references for nuclide in with_radii)


def test_a_choice_that_is_cited_is_one_that_the_release_leaves_open() -> None:
    for release in RELEASES.values():
        for key, value in release.references_of_choices:
            assert value in release.choices[key]


def braced(text: str, start: int) -> int:
    """The place after the braces that open at `start` close; ValueError if they do not."""
    depth = 0
    for place in range(start, len(text)):
        if text[place - 1] != "\\" or text[place] not in "{}":
            depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return place + 1
    raise ValueError(f"braces at {start} do not close")


def parsed(text: str) -> dict[str, dict[str, str]]:
    """Fields of every entry by key, its kind as `kind`; ValueError of anything that is no strict BibTeX."""
    found: dict[str, dict[str, str]] = {}
    while text := text.lstrip():
        if not (head := re.match(r"@(article|book|misc)\{([a-z][a-z0-9_]*),", text)):
            raise ValueError(f"{text[:40]!r}; expected an entry")
        end = braced(text, head.end(1))
        inside, fields = text[head.end() : end - 1].strip(), {"kind": head[1]}
        while inside:
            if not (name := re.match(r"([A-Za-z]+) = (?=\{)", inside)) or name[1] in fields:
                raise ValueError(f"{inside[:40]!r}; expected a field, once")
            close = braced(inside, name.end())
            fields[name[1]] = inside[name.end() + 1 : close - 1]
            if inside[close : close + 1] != ",":
                raise ValueError(f"{inside[close : close + 40]!r}; expected a comma")
            inside = inside[close + 1 :].lstrip()
        if head[2] in found:
            raise ValueError(f"{head[2]} is there twice")
        found[head[2]] = fields
        text = text[end:]
    return found


@pytest.mark.parametrize(
    "text",
    [
        "@article{a,\n  title = {{b},\n}\n",
        "@article{a,\n  title = {b}\n}\n",
        "@article{a,\n  title = b,\n}\n",
        "@article{a,\n  year = {1},\n  year = {2},\n}\n",
        "@article{a,\n}\n@article{a,\n}\n",
        "of nothing",
    ],
)
def test_what_is_no_bibtex_is_seen(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected|twice|do not close"):
        parsed(text)


def test_all_of_them_are_bibtex() -> None:
    text = bibtex(REFERENCES)
    entries = parsed(text)
    assert list(entries) == list(REFERENCES)
    assert text.isascii()
    for key, entry in entries.items():
        work = REFERENCES[key]
        assert entry["author"].split(" and ") == list(work.authors), key
        assert entry.get("title", "") == (f"{{{work.title}}}" if work.title else ""), key
        assert entry.get("doi", "") == work.doi, key
        assert entry.get("eprint", "") == work.arxiv, key
        outside_math = re.sub(r"\$[^$]*\$", "", " ".join(entry.values()))
        assert not re.search(r"(?<!\\)[_&%#^~]", re.sub(r"\{\\~n\}", "", outside_math).replace(work.doi, "")), key


@pytest.mark.parametrize("key", REFERENCES)
def test_a_work_can_be_found(key: str) -> None:
    """By its DOI, its arXiv number, a page of a journal, or what a note says; a book and a review by their titles."""
    work = REFERENCES[key]
    page = bool(work.journal and work.volume and work.pages)
    assert work.doi or work.arxiv or page or work.note or (work.title and work.year)
    assert not work.doi or re.fullmatch(r"10\.\d{4,5}/\S+", work.doi)
    assert not work.arxiv or re.fullmatch(r"\d{4}\.\d{4,5}|[a-z]+(-[a-z]+)?/\d{7}", work.arxiv)
    assert bool(work.journal) == bool(work.volume) == bool(work.pages)
    assert work.kind != "article" or work.journal or work.arxiv


def test_no_work_is_there_twice() -> None:
    for field in ("doi", "arxiv"):
        values = [getattr(work, field) for work in REFERENCES.values() if getattr(work, field)]
        assert len(values) == len(set(values))


def test_numbers_are_those_of_docstrings_and_pages() -> None:
    """Of arXiv: each stands where it is used, or where its data are kept."""
    places = [*ROOT.glob("src/cevnsi/**/*.py"), *ROOT.glob("data/**/*.md"), *ROOT.glob("docs/*.md")]
    said = "".join(path.read_text(encoding="utf-8") for path in places if path.name != "references.py")
    assert [work.arxiv for work in REFERENCES.values() if work.arxiv and work.arxiv not in said] == []


def of_cff(entry: Mapping[str, Any]) -> Reference:
    """What CITATION.cff has of a work."""
    (number,) = (each["value"].removeprefix("arXiv:") for each in entry["identifiers"])
    people = tuple(f"{p['family-names']}, {p['given-names']}" for p in entry["authors"] if "family-names" in p)
    (group,) = [p["name"].removesuffix(" Collaboration") for p in entry["authors"] if "name" in p] or [""]
    return Reference(
        kind={"article": "article", "data": "misc"}[entry["type"]],
        authors=people,
        collaboration=group,
        title=entry["title"],
        journal=entry.get("journal", ""),
        volume=str(entry.get("volume", "")),
        pages=str(entry.get("start", "")),
        year=entry["year"],
        doi=entry["doi"],
        arxiv=number,
    )


def test_citation_file_agrees() -> None:
    """Its works are some of these, the data sets that a release is of among them, and all is the same."""
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    by_doi = {work.doi: key for key, work in REFERENCES.items() if work.doi}
    theirs = {by_doi[entry["doi"]]: of_cff(entry) for entry in citation["references"]}
    of_coherent = {key for key, work in REFERENCES.items() if work.collaboration == "COHERENT"}
    assert set(theirs) == {"liao_marfatia_2017", *of_coherent}
    for key, work in theirs.items():
        ours = REFERENCES[key]
        assert work == (replace(ours, authors=()) if ours.collaboration else ours), key
    assert f"{{{citation['authors'][0]['name']}}}" in REFERENCES["cevnsi"].authors
    assert REFERENCES["cevnsi"].title == citation["title"]
    assert REFERENCES["cevnsi"].note.endswith(str(citation["version"]))


PREDICTION = {"liao_marfatia_2017", "klein_nystrand_2000"}
BAND = {"leveille_1978", "jegerlehner_nyffeler_2009"}
TOYS = {"feldman_cousins_1998", "berns_2024"}
FIGURES = {"coherent_csi_2017", "huangt229", "kavanagh_cevns"}


def test_the_papers_analysis_cites_its_figures(config: dict[str, Any]) -> None:
    found = cited(config, "paper")
    assert found[0] == "liao_marfatia_2017"
    assert found[-1] == "cevnsi"
    assert set(found) == {*PREDICTION, *FIGURES, *BAND, *TOYS, "cevnsi"}
    assert set(cited(config, "release")) == set(found) - FIGURES | {"coherent_csi_2017", "coherent_csi_2017_data"}


def test_a_joint_analysis_cites_what_its_parts_do(config: dict[str, Any]) -> None:
    parts = {key for name in ("csi_2021", "lar_2020") for key in cited(config, name)}
    assert set(cited(config, "joint")) == parts


def plain(config: dict[str, Any], **changes: Any) -> set[str]:
    """What the analysis of the release cites without scans, or with these changes."""
    config["analyses"]["release"] |= {"scans": [], **changes}
    return set(cited(config, "release"))


RELEASE = {"liao_marfatia_2017", "coherent_csi_2017", "coherent_csi_2017_data", "cevnsi"}
RADIUS = {"cadeddu_2018_radius", "lewin_smith_1996"}


@pytest.mark.parametrize(
    ("changes", "more"),
    [
        ({}, {"klein_nystrand_2000"}),
        ({"form_factor": "point"}, set()),
        ({"form_factor": "helm"}, {"lewin_smith_1996"}),
        ({"form_factor": "helm_rms"}, RADIUS),
        ({"form_factor": "point", "kinematics": "full"}, {"lindner_rodejohann_xu_2017"}),
        ({"form_factor": "point", "couplings": "radiative"}, {"cadeddu_2021_mediators"}),
        ({"form_factor": "point", "couplings": "flavor_blind"}, {"pdg_2015"}),
        ({"form_factor": "point", "couplings": {"proton_nu_e": 0, "proton_nu_mu": 0, "neutron": -0.5}}, set()),
        ({"form_factor": "point", "scans": ["ee_d_u"]}, TOYS),
        ({"form_factor": "point", "scans": ["matter_free"]}, set()),
        ({"form_factor": "point", "scans": ["light_mediator"]}, BAND),
        ({"form_factor": "point", "scans": ["scalar"]}, {"cerdeno_2016", "hoferichter_2015"}),  # muons feel none
        ({"form_factor": "point", "scans": ["moment_e"]}, {"vogel_engel_1989"}),
    ],
)
def test_what_is_chosen_is_cited(changes: dict[str, Any], more: set[str], config: dict[str, Any]) -> None:
    assert plain(config, **changes) == RELEASE | more


def test_a_band_of_another_discrepancy_does_not_cite_that_of_fig_2(config: dict[str, Any]) -> None:
    config["muon_g2"] = {"discrepancy": 2.5e-9, "uncertainty": 0.6e-9}
    assert plain(config, scans=["light_mediator"]) & BAND == {"leveille_1978"}
    del config["muon_g2"]
    assert plain(config, scans=["light_mediator"]) >= BAND


def test_a_choice_of_a_release_is_cited(config: dict[str, Any]) -> None:
    before = set(cited(config, "csi_2017"))
    config["analyses"]["csi_2017"]["measurement"] = {"steady_state_shape": "bins", "photoelectron_edges": [6, 30]}
    assert set(cited(config, "csi_2017")) - before == {"li_ma_1983"}


def test_argon_cites_its_radii(config: dict[str, Any]) -> None:
    assert {"cadeddu_2020_argon", "angeli_marinova_2013"} <= set(cited(config, "lar_2020_radius"))
    assert "angeli_marinova_2013" not in cited(config, "lar_2020")


def test_the_terminal_prints_them(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(root)
    config = read_config("config.yaml")
    assert main(["cite", "--analysis", "joint"]) == 0
    assert list(parsed(capsys.readouterr().out)) == cited(config, "joint")
    assert main(["cite"]) == 0
    assert list(parsed(capsys.readouterr().out)) == cited(config, "paper")


def test_a_page_has_each_entry_once(config: dict[str, Any]) -> None:
    rows = citing_rows(config, ["paper", "joint"])
    assert rows["keys"] == {name: cited(config, name) for name in ("paper", "joint")}
    assert list(parsed(rows["bibtex"])) == list(dict.fromkeys([*cited(config, "paper"), *cited(config, "joint")]))
