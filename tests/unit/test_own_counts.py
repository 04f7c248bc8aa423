"""Counts of one's own, in energy or in energy and time, with backgrounds and named nuisances, from a configuration."""

import copy
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cevnsi.config.build import build_model
from cevnsi.experiments.csi_2017 import CSI_2017
from cevnsi.experiments.csi_2017_time import NEUTRONS, STEADY_STATE
from cevnsi.experiments.inputs import RELEASES, check_inputs
from cevnsi.experiments.response import Logistic
from cevnsi.files.atomic import TableError, read_text
from cevnsi.files.strict_yaml import ConfigError
from cevnsi.files.tables import csv_text, write_csv
from cevnsi.model import Model, chi2_at
from cevnsi.physics.flux import FLAVORS
from cevnsi.studies.known import check

POINTS: Any = [{}, {"eps_ee_dV": 0.3}, {"eps_mumu_uV": -0.2, "eps_ee_uV": 0.1}]
ACCEPTANCE = Logistic(plateau=0.6655, steepness=0.4942, midpoint=10.8507)
NUISANCES = {
    "flux": {"sigma": 0.28, "scales": ["signal"]},
    "neutrons": {"sigma": 0.25, "scales": [NEUTRONS]},
    "leak": {"sigma": 405**-0.5, "scales": [STEADY_STATE]},
}


def texts_of(model: Model) -> dict[str, str]:
    """A model's data as a user would write them down."""
    measured, templates = model.dataset.measurement, model.dataset.templates
    fine = np.linspace(6, 30, 4801)  # straight lines are within 1e-7 of the logistic
    texts = {
        "counts": csv_text({**measured.bins(), "observed_counts": measured.observed}),
        "acceptance": csv_text({"photoelectrons": fine, "acceptance": ACCEPTANCE(fine)}),
        "backgrounds": csv_text({**measured.bins(), **measured.backgrounds}),
    }
    if templates.arrival is not None:
        edges = measured.axes["arrival_time_us"]
        shares = dict(zip(FLAVORS, templates.arrival, strict=True))
        texts["arrival"] = csv_text({"bin_low_us": edges[:-1], "bin_high_us": edges[1:], **shares})
    return texts


@pytest.fixture
def build(config: dict[str, Any], tmp_path: Path) -> Callable[..., Model]:
    """The model of an analysis of tables with these texts, and further keys."""

    def made(texts: dict[str, str], **keys: Any) -> Model:
        lines = []
        for role, text in texts.items():
            (tmp_path / f"{role}.csv").write_text(text, encoding="utf-8")
            lines.append(f"{hashlib.sha256(text.encode()).hexdigest()}  {role}.csv\n")
        (tmp_path / "SUMS").write_text("".join(lines), encoding="utf-8")
        used = copy.deepcopy(config)
        used["checksums"] = "SUMS"
        files = {role: f"{role}.csv" for role in texts}
        used["datasets"] = {"mine": {"reader": "counts", "files": files}}
        section = {name: used["analyses"]["csi_2017"][name] for name in ("nuclei", "form_factor", "sin2_theta_w")}
        exposure = {"exposure": {name: float(value) for name, value in vars(CSI_2017).items()}}
        chosen = {"nuisances": copy.deepcopy(NUISANCES)} | exposure | keys
        used["analyses"] = {"mine": {"dataset": "mine", "scans": ["ee_d_u"], **section, **chosen}}
        check(used)
        return build_model(used, "mine", tmp_path)

    return made


def test_the_release_written_down_is_the_release(build: Callable[..., Model], model: Callable[..., Model]) -> None:
    csi = model("csi_2017")
    mine = build(texts_of(csi))
    np.testing.assert_allclose(mine.dataset.by_flavor("contact", {}), csi.dataset.by_flavor("contact", {}), rtol=1e-6)
    for point in POINTS:
        assert chi2_at(mine, "contact", point) == pytest.approx(chi2_at(csi, "contact", point), abs=1e-5)


def test_a_window_is_cut_out(build: Callable[..., Model], model: Callable[..., Model]) -> None:
    mine = build(texts_of(model("csi_2017")), photoelectron_range=[8, 20])
    assert mine.dataset.measurement.shape == (6, 12)


def in_energy(model: Model) -> dict[str, str]:
    """The same without times: sums of all."""
    measured = model.dataset.measurement
    summed = {
        name: values.reshape(measured.shape).sum(axis=1)
        for name, values in {"observed_counts": measured.observed, **measured.backgrounds}.items()
    }
    edges = measured.bin_edges_pe
    bins = {"bin_low_pe": edges[:-1], "bin_high_pe": edges[1:]}
    observed = summed.pop("observed_counts")
    return texts_of(model) | {
        "counts": csv_text({**bins, "observed_counts": observed}),
        "backgrounds": csv_text({**bins, **summed}),
    }


def test_counts_in_energy_alone_need_no_arrival(build: Callable[..., Model], model: Callable[..., Model]) -> None:
    texts = in_energy(model("csi_2017"))
    del texts["arrival"]
    mine = build(texts)
    assert list(mine.dataset.measurement.axes) == ["photoelectrons"]
    csi = model("csi_2017").dataset
    share = csi.by_flavor("contact", {}).sum(axis=1) / mine.dataset.by_flavor("contact", {}).sum(axis=1)
    assert csi.templates.arrival is not None
    np.testing.assert_allclose(share, csi.templates.arrival.sum(axis=1), rtol=1e-6)


def test_counts_with_uncertainties_are_gaussian(build: Callable[..., Model], model: Callable[..., Model]) -> None:
    texts = in_energy(model("csi_2017"))
    del texts["arrival"]
    rows = texts["counts"].splitlines()
    texts["counts"] = "\n".join([f"{rows[0]},stat_uncertainty", *(f"{row},7.5" for row in rows[1:])]) + "\n"
    mine = build(texts, statistic="gaussian", nuisances={})
    (dataset,) = mine.datasets
    counts = dataset.signal("contact", {})[0] + sum(dataset.measurement.backgrounds.values())
    expected = (((counts - dataset.measurement.observed) / 7.5) ** 2).sum()
    assert chi2_at(mine, "contact", {}) == pytest.approx(float(expected), rel=1e-12)
    with pytest.raises(ConfigError, match="statistic: poisson of counts with uncertainties"):
        build(texts)


def test_smearing_is_that_of_the_release(build: Callable[..., Model], model: Callable[..., Model]) -> None:
    """With an acceptance down to nothing, as smeared recoils of few photoelectrons are seen, too."""
    csi = model("csi_2017")
    texts = texts_of(csi)
    fine = np.linspace(0, 100, 20001)
    fraction = np.where(fine > 6, ACCEPTANCE(fine), 0.0)
    texts["acceptance"] = csv_text({"photoelectrons": fine, "acceptance": fraction})
    smeared = build(texts, measurement={"smearing": "poisson", "acceptance_at": "count"})
    found, sharp = (each.dataset.by_flavor("contact", {}).sum() for each in (smeared, build(texts)))
    assert 0.9 * sharp < found < 1.1 * sharp
    assert found != sharp


def replaced(role: str, old: str, new: str) -> Callable[[dict[str, str]], dict[str, str]]:
    def change(texts: dict[str, str]) -> dict[str, str]:
        assert old in texts[role]
        return texts | {role: texts[role].replace(old, new, 1)}

    return change


def without(role: str) -> Callable[[dict[str, str]], dict[str, str]]:
    return lambda texts: {name: text for name, text in texts.items() if name != role}


COMPLAINTS: list[tuple[Callable[[dict[str, str]], dict[str, str]], str]] = [
    (replaced("counts", "8.0,10.0,0.0,0.5", "8.0,10.0,0.1,0.5"), "counts.csv: bins with a gap or overlap, bin_low_us"),
    (replaced("counts", "\n8.0,10.0,0.0,0.5,", "\n8.0,10.0,0.5,0.5,"), "counts.csv: row 14: bin edges not increasing"),
    (replaced("counts", "bin_low_us", "low_us"), "counts.csv: extra column 'low_us'"),
    (replaced("counts", "6.0,8.0,0.0,0.5,3.0", "6.0,8.0,0.0,0.5,-3.0"), "counts.csv: row 2: observed_counts -3 is neg"),
    (replaced("counts", "6.0,8.0,0.0,0.5,3.0\n", ""), "counts.csv: has 143 rows; expected 144, 12 times 12 bins"),
    (replaced("backgrounds", NEUTRONS, "signal"), "backgrounds.csv: column 'signal'; expected a name"),
    (replaced("backgrounds", NEUTRONS, "nu_mu"), "backgrounds.csv: column 'nu_mu'; expected a name"),
    (
        replaced("backgrounds", NEUTRONS, "prompt neutrons"),
        "backgrounds.csv: column 'prompt neutrons'; expected",
    ),
    (
        replaced("backgrounds", "6.0,8.0,0.0,0.5", "6.0,8.0,0.5,1.0"),
        "backgrounds.csv: row 2: bin_low_us is 0.5, ",
    ),
    (replaced("arrival", "nu_mu_bar", "nu_tau"), "arrival.csv: missing column 'nu_mu_bar'"),
    (replaced("arrival", "0.0,0.5,", "0.0,0.5,-"), "arrival.csv: row 2: nu_e -"),
    (replaced("arrival", "5.5,6.0", "5.5,6.5"), "arrival.csv: row 13: bin_high_us is 6.5, expected 6, as bins of"),
    (
        replaced("arrival", "\n0.0,0.5,", "\n0.000001,0.5,"),
        "arrival.csv: row 2: bin_low_us is 1e-06, expected 0, as bins",
    ),
    (replaced("arrival", "\n2.0,2.5,", "\n2.0,3.0,"), "arrival.csv: row 6: bin_high_us is 3, expected 2.5, as bins of"),
    (replaced("arrival", "5.5,6.0,0.", "5.5,6.0,1."), "arrival.csv: nu_e sums to 1.9"),
    (without("arrival"), "counts.csv: expected a file of arrival for its bins of time"),
    (lambda texts: in_energy_texts(texts), "counts.csv: expected bins of time for a file of arrival"),
    (replaced("acceptance", "30.0,", "29.0,"), "acceptance.csv: row 4802: photoelectrons not increasing"),
]


def in_energy_texts(texts: dict[str, str]) -> dict[str, str]:
    one = {"bin_low_pe": [6.0], "bin_high_pe": [30.0]}
    counts, backgrounds = one | {"observed_counts": [547.0]}, one | {"leak": [405.0]}
    return texts | {"counts": csv_text(counts), "backgrounds": csv_text(backgrounds)}


@pytest.mark.parametrize(("change", "said"), COMPLAINTS, ids=[said[:40] for _, said in COMPLAINTS])
def test_a_bad_table_is_named(
    change: Callable[[dict[str, str]], dict[str, str]],
    said: str,
    build: Callable[..., Model],
    model: Callable[..., Model],
) -> None:
    texts = change(texts_of(model("csi_2017")))
    with pytest.raises(TableError) as caught:
        build(texts)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("nuisances", "said"),
    [
        ({"flux": {"sigma": 0.1}}, "nuisances.flux: has no `scales`; expected some of signal, prompt_neutrons"),
        ({"flux": {"sigma": 0.1, "scales": ["leak"]}}, "nuisances.flux.scales: 'leak'; expected some of signal"),
        ({"flux": {"scales": ["signal"]}}, "nuisances.flux"),
        ({"flux": {"sigma": 0.1, "fixed": 0, "scales": ["signal"]}}, "nuisances.flux"),
        ({"flux": {"sigma": 1e-12, "scales": ["signal"]}}, "nuisances.flux.sigma: 1e-12 is not valid"),
        ({"flux": {"fixed": 1e12, "scales": ["signal"]}}, "nuisances.flux.fixed: 1000000000000.0 is greater than"),
        (
            {name: {"sigma": "free", "scales": [STEADY_STATE]} for name in ("a", "b")},
            "analyses.mine: nuisances: a, b: free, but counts cannot tell what each is",
        ),
        (
            {"a": {"fixed": -1, "scales": [STEADY_STATE]}, "b": {"fixed": -0.5, "scales": [STEADY_STATE, "signal"]}},
            "analyses.mine: nuisances: steady_state is held at -0.5 times its counts; expected 0 or more",
        ),
        (
            {"off": {"fixed": -1, "scales": ["signal", NEUTRONS, STEADY_STATE]}},
            "analyses.mine: bin photoelectrons [6, 8), arrival_time_us [0, 0.5): 3 observed, but neither signal nor",
        ),
    ],
)
def test_a_nuisance_of_nothing_is_refused(
    nuisances: dict[str, Any], said: str, build: Callable[..., Model], model: Callable[..., Model]
) -> None:
    texts = texts_of(model("csi_2017"))
    with pytest.raises(ConfigError) as caught:
        build(texts, nuisances=nuisances)
    assert said in str(caught.value)


def test_a_bin_that_expects_nothing_and_observes_something_is_refused(
    build: Callable[..., Model], model: Callable[..., Model]
) -> None:
    texts = in_energy(model("csi_2017"))
    del texts["arrival"]
    texts["backgrounds"] = texts["backgrounds"].splitlines()[0] + "\n"
    texts["backgrounds"] += "".join(f"{low},{low + 2},0,0\n" for low in range(6, 30, 2))
    texts["acceptance"] = "photoelectrons,acceptance\n6,0.1\n28,0.7\n28,0\n30,0\n"
    said = r"analyses\.mine: bin photoelectrons \[28, 30\): \d+ observed, but neither signal nor background is expected"
    with pytest.raises(ConfigError, match=said):
        build(texts)


def test_what_a_release_scales_is_its_own(config: dict[str, Any], root: Path) -> None:
    config["analyses"]["csi_2017"]["nuisances"] = {STEADY_STATE: {"sigma": 0.1, "scales": ["signal"]}}
    with pytest.raises(ConfigError, match=r"nuisances\.steady_state\.scales: what it scales is the release's"):
        check_inputs(config, root)


def test_tables_are_stored_as_they_are_loaded(
    build: Callable[..., Model], model: Callable[..., Model], tmp_path: Path
) -> None:
    texts = texts_of(model("csi_2017"))
    build(texts)
    tables = RELEASES["counts"].read({role: tmp_path / f"{role}.csv" for role in texts})
    (tmp_path / "stored").mkdir()
    for name, table in tables.items():
        write_csv(tmp_path / "stored" / f"{name}.csv", table)
    again = RELEASES["counts"].loaded(sorted((tmp_path / "stored").iterdir()))
    for name, table in tables.items():
        for column, values in table.items():
            np.testing.assert_array_equal(again[name][column], values)
    assert read_text(tmp_path / "stored" / "counts.csv") == texts["counts"]
