"""Where chi2 may turn along a coupling: where the amplitude that it moves can just vanish."""

import numpy as np
import pytest

from cevnsi.constants import SIN2_THETA_W
from cevnsi.domains import turning_points
from cevnsi.experiments.targets import MEAN_OF_CSI
from cevnsi.parameters import CONTACT_PARAMETERS, MATTER_PARAMETERS, OFF_DIAGONAL
from cevnsi.physics.weak_charge import charge_amplitude, parts, standard_model_charge, tree_couplings

TREE = tree_couplings(SIN2_THETA_W)
CHARGE = abs(float(standard_model_charge(MEAN_OF_CSI, TREE)))


def amplitude(pair: str, u: float, d: float) -> float:
    return float(parts(charge_amplitude(MEAN_OF_CSI, pair, {("u", pair): u, ("d", pair): d}, TREE))[0])


@pytest.mark.parametrize("name", CONTACT_PARAMETERS)
def test_a_coupling_takes_its_amplitude_to_zero(name: str) -> None:
    """With that to the other quark at an end of its domain; without a domain, at zero."""
    made, other = CONTACT_PARAMETERS[name], {"u": "d", "d": "u"}
    of_other = next(
        each.name
        for each in CONTACT_PARAMETERS.values()
        if (each.pair, each.quark, each.imaginary) == (made.pair, other[made.quark], made.imaginary)
    )
    for ends in ((-0.4, 0.7), (0.0, 0.0)):
        domain = {of_other: ends} if any(ends) else {}
        points, scale = turning_points(name, domain, (MEAN_OF_CSI,), TREE)
        for point, end in zip(points, ends, strict=True):
            u, d = (point, end) if made.quark == "u" else (end, point)
            assert amplitude(made.pair, u, d) == pytest.approx(0, abs=1e-12)
            beyond = (scale, 0.0) if made.quark == "u" else (0.0, scale)
            assert amplitude(made.pair, u + beyond[0], d + beyond[1]) == pytest.approx(CHARGE, rel=1e-12)


@pytest.mark.parametrize("name", MATTER_PARAMETERS)
def test_a_sum_of_couplings_takes_its_amplitude_to_zero(name: str) -> None:
    """With one of the two at an end of its domain, whatever the other is for it (Eq. 11)."""
    pair = MATTER_PARAMETERS[name].pair
    u_ends, d_ends = (-0.8, 0.9), (-0.7, 1.0)
    quarks = dict(zip(MATTER_PARAMETERS[name].quarks, (u_ends, d_ends), strict=True))
    points, scale = turning_points(name, quarks, (MEAN_OF_CSI,), TREE)
    splits = [(u, point / 3 - u) for u, point in zip(u_ends, points[:2], strict=True)]
    splits += [(point / 3 - d, d) for d, point in zip(d_ends, points[2:], strict=True)]
    np.testing.assert_allclose([amplitude(pair, *split) for split in splits], 0, atol=1e-12)
    # shared evenly by u and d, the sum moves the amplitude by the standard model's charge
    alone = 0.0 if pair in OFF_DIAGONAL else -CHARGE
    assert amplitude(pair, scale / 6, scale / 6) - alone == pytest.approx(CHARGE, rel=1e-12)
