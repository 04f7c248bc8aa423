"""Free fits of toys whose parameters can scale the signal, as a nuisance does: nothing is lower nearby."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.optimize import minimize

from cevnsi.arrays import FloatArray
from cevnsi.fast.toys import packed
from cevnsi.model import Model
from cevnsi.scans.critical import asimov, random_of
from cevnsi.scans.hypotheses import hypotheses_of, truth_of
from cevnsi.statistics.nuisances import precisions
from cevnsi.toys import draw, toy_model
from setting import scan_of

TESTED = ("eps_ee_dV", "eps_mumu_dV")


@pytest.mark.parametrize("name", ["csi_2017", "lar_2020"])
def test_nothing_is_lower_than_where_scales_are_at_their_centres(model: Callable[..., Model], name: str) -> None:
    made = model(name)
    tests = hypotheses_of(made, scan_of(dict.fromkeys(TESTED, (-1.0, 1.0, 41))), TESTED)
    # far off, toys want so much less signal that centres are often below a scale of zero
    fits = tests.at(dict(zip(TESTED, (0.1, -0.1), strict=True)))
    drawn, of = draw(made, fits.truth, 12, random_of(7)), fits.fitter
    drawn.centres[0, of.parts[0].scaled[-1]] = -1.2
    begin = of.hessian(asimov(made, fits), fits.place)[None]
    low, high = (end[None] for end in tests.free)
    value, place, _ = of.least(packed(made, drawn), low, high, fits.place[None], begin)
    least, most = of.ends
    bounds = [*zip(*tests.free, strict=True), *zip(least, most, strict=True)]
    for i in range(value.size):
        toy = toy_model(made, drawn, i)
        centres, precision = np.array([n.centre for n in toy.nuisances]), precisions(toy.nuisances)
        size = np.maximum(np.abs(place[i]), 0.1)

        def chi2(
            scaled: FloatArray,
            toy: Model = toy,
            centres: FloatArray = centres,
            precision: FloatArray = precision,
            size: FloatArray = size,
        ) -> float:
            truth = truth_of(of, scaled * size)
            counts = toy.expected(truth.signals)(truth.nuisances[None], np.zeros(1, np.intp))[0]
            return float(toy.likelihood(counts)[0][0] + precision @ (truth.nuisances - centres) ** 2)

        ends = [(low / s, high / s) for (low, high), s in zip(bounds, size, strict=True)]
        assert chi2(place[i] / size) == pytest.approx(value[i], abs=1e-6)
        start = np.where(place[i] > 0, 0.9, 1.1) * place[i] / size  # each elsewhere
        found = minimize(chi2, start, method="L-BFGS-B", bounds=ends)
        assert value[i] <= found.fun + 1e-6
