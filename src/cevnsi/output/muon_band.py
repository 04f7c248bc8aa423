"""Couplings that explain the muon's moment, on a plane of a mediator's mass and coupling."""

from collections.abc import Sequence

import numpy as np

from cevnsi.arrays import FloatArray
from cevnsi.physics.interactions import INTERACTIONS
from cevnsi.physics.muon_g2 import Discrepancy, coupling_band
from cevnsi.physics.vector_mediator import MASS
from cevnsi.scans.axes import Scan


def muon_band(
    scan: Scan, names: Sequence[str], masses_mev: FloatArray, discrepancy: Discrepancy
) -> tuple[FloatArray, FloatArray] | None:
    """Least and greatest coupling at masses in MeV, (masses,) each, within two sigma of the discrepancy.

    None on another plane, or of what muons do not feel. ValueError where no coupling explains it.
    """
    made = INTERACTIONS[scan.interaction]
    if made.muon_charge is None or made.expansion is None or len(names) != 2:
        return None
    charge = float(np.abs(made.muon_charge(scan.fixed)))
    if names[0] != MASS.name or names[1] not in made.expansion.quadratic or not charge:
        return None
    low, high = coupling_band(masses_mev, discrepancy)
    return low / charge, high / charge
