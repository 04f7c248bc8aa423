"""Poisson chi2 of random nuisances with kinks, on random rows: the fast way against the plain one."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from cevnsi.arrays import FloatArray
from cevnsi.experiments.csi_2017_time import STEADY_STATE, read_energy_time
from cevnsi.fast import poisson
from cevnsi.fast.poisson import derivatives_over_nuisances, least_over_nuisances
from cevnsi.model import Model, charge_derivatives, chi2_at
from cevnsi.statistics.nuisances import SIGNAL, Nuisance, Sides
from energy_time import PATHS, made
from moving import moving_model

WITHIN = 1e-9
CLOSE = 1000.0  # of chi2: farther out all `starts` of the offset may lead to another of its minima than the least
COUPLINGS = ["eps_ee_dV", "eps_ee_uV", "eps_mumu_dV", "eps_mumu_uV", "eps_emu_dV"]


def drawn(whole: Model, other: Model, random: np.random.Generator) -> Model:
    """Nuisances that scale, shift and vary at once, some held, some shared with a data set that these only scale."""
    (dataset,) = whole.datasets
    assert dataset.clock is not None
    shapes = {"steady_state": dataset.measurement.backgrounds["steady_state"], **dataset.clock.shapes}

    def change(values: FloatArray) -> FloatArray:
        return (random.normal(0, 0.05, values.size) + random.normal(0, 0.05)) * values

    def sides(values: FloatArray) -> Sides:
        return change(values), change(values) if random.random() < 0.6 else None

    nuisances = []
    for nuisance in dataset.nuisances:
        moves = {} if nuisance.name == "offset" else shapes
        shifts = {name: sides(values) for name, values in moves.items() if random.random() < 0.3}
        held_at = 0.03 if nuisance.name == "offset" else float(random.choice([0.0, -0.05, 0.07]))
        nuisances.append(replace(nuisance, shifts=shifts, fixed=held_at if random.random() < 0.12 else None))
    varied = {
        name: (up, down if random.random() < 0.7 else None)
        for name, (up, down) in dataset.varied.items()
        if random.random() < 0.8
    }
    first = replace(dataset, nuisances=tuple(nuisances), varied=varied)
    if random.random() < 0.6:
        return replace(whole, datasets=(first,))
    (second,) = other.datasets
    shared = (
        Nuisance(name="flux", sigma=0.1, scales=(SIGNAL,), least=-1.0, fixed=nuisances[0].fixed),
        Nuisance(name="efficiency", sigma=1.0, scales=(STEADY_STATE,), fixed=nuisances[1].fixed),
    )
    second = replace(second, nuisances=(*shared, *second.nuisances))
    return replace(whole, datasets=(first, second) if random.random() < 0.5 else (second, first))


@pytest.mark.parametrize("seed", [0, 2, 3, 5, 7, 9, 11, 12, 13, 14, 15, 17, 19, 20, 22, 23])
def test_random_shapes_are_fitted_as_the_plain_way_does(
    seed: int, model: Callable[..., Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And without asking it: chi2 on rows, and its derivatives in charges."""
    random, analysis = np.random.default_rng(seed), model("release").analysis
    other = made(read_energy_time(PATHS), analysis, "mean")
    used = drawn(moving_model(analysis, seed=100 + seed, nuclei="mean"), other, random)
    names = random.choice(COUPLINGS, 2, replace=False).tolist()
    (low, high), ends = np.sort(random.uniform(-0.9, 0.9, (2, 2)), axis=1)
    row = np.linspace(ends[0], ends[1], int(random.choice([1, 9, 33, 71])))
    plane = dict(zip(names, (np.array([[low], [high]]), row), strict=True))
    charges = random.uniform(0, 6000, (8, 2 * len(used.nuclides)))
    plain, derivatives = chi2_at(used, "contact", plane), charge_derivatives(used, charges)

    def refused(*_: object) -> None:
        raise AssertionError("the plain way was asked")

    monkeypatch.setattr(poisson, "chi2_at", refused)
    monkeypatch.setattr(poisson, "charge_derivatives", refused)
    close = plain < CLOSE
    rows = least_over_nuisances(used, "contact", plane)
    np.testing.assert_allclose(rows[close], plain[close], rtol=1e-12, atol=WITHIN)
    found = derivatives_over_nuisances(used, "contact", charges)
    np.testing.assert_allclose(found[0], derivatives[0], rtol=1e-12, atol=WITHIN)
    for mine, theirs in zip(found[1:], derivatives[1:], strict=True):
        # gradients are as good as the place of the minimum, the root of what chi2 is good to
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-6 * np.abs(theirs).max())
