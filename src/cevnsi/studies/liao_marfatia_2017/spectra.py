"""What the paper says of the standard model's spectrum."""

import numpy as np

from cevnsi.model import DataSet
from cevnsi.physics.interactions import INTERACTIONS


def mean_momentum_transfer_mev(dataset: DataSet) -> float:
    """sqrt(2 M E_r) averaged over the standard model's events, in MeV."""
    terms = INTERACTIONS["contact"].terms
    charges = terms.coefficients(dataset.recoils, {})
    weights = sum(c * w for c, w in zip(charges, terms.weights(dataset.recoils, {}), strict=True))
    transfer = np.sqrt(dataset.templates.momentum_transfer_squared)
    moment, counts = (dataset.templates.counts(weights * factor).sum() for factor in (transfer, 1.0))
    return float(moment / counts)
