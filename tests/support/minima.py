"""The least chi2 over a domain by many local minimisers, which know nothing of how the library finds it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, minimize

from cevnsi.arrays import FloatArray
from cevnsi.model import Model
from cevnsi.parameters import CONTACT_PARAMETERS, MATTER_PARAMETERS, quarks_of
from points import contact_chi2

Domain = Mapping[str, tuple[float, float]]
Combinations = Mapping[str, Mapping[str, float]]  # what one unit of each adds to couplings

SEEN = [name for name in CONTACT_PARAMETERS if "tautau" not in name]  # what changes the rate
STEP = 1e-6  # of difference quotients


def some_fixed(rng: np.random.Generator, domain: Domain) -> dict[str, float]:
    """Random values of some couplings that a domain leaves alone."""
    others = [name for name in SEEN if name not in domain and rng.random() < 0.3]
    return {name: float(rng.uniform(-0.4, 0.4)) for name in others}


class Box:
    """Chi2 at contact couplings inside a domain, at fixed parameters.

    A matter parameter bounds the sum of its eps_uV and its eps_dV (Eq. 11), or if it is fixed ties them. Combinations
    add to the couplings that they are of.
    """

    def __init__(
        self,
        model: Model,
        parameters: Mapping[str, float],
        domain: Domain,
        combinations: Mapping[str, Mapping[str, float]] = {},
    ) -> None:
        self.model, self.combinations = model, combinations
        self.fixed = {name: value for name, value in parameters.items() if name not in MATTER_PARAMETERS}
        given = {name: (value, value) for name, value in parameters.items() if name in MATTER_PARAMETERS}
        sums = given | {name: ends for name, ends in domain.items() if name in MATTER_PARAMETERS}
        of_sums = [quark for name in sums for quark in quarks_of(name)]
        self.sums = [(low / 3, high / 3) for low, high in sums.values()]  # of couplings 0 and 1, of 2 and 3, ...
        self.names = [*of_sums, *(n for n in domain if n not in of_sums and n not in MATTER_PARAMETERS)]
        self.low, self.high = np.array([domain[name] for name in self.names]).T

    def at(self, place: FloatArray) -> FloatArray:
        """Couplings at places (n, k) of the unit box: each eps_uV as far as its sum lets it go, then its eps_dV."""
        value: FloatArray = self.low + place * (self.high - self.low)
        for i, (low, high) in enumerate(self.sums):
            u, d = 2 * i, 2 * i + 1
            value[:, u] = self._between(u, place, low - self.high[d], high - self.low[d])
            value[:, d] = self._between(d, place, low - value[:, u], high - value[:, u])
        return value

    def _between(self, i: int, place: FloatArray, low: Any, high: Any) -> FloatArray:
        """Coupling i at places, kept between these as well as in its domain."""
        first = np.maximum(self.low[i], low)
        value: FloatArray = first + place[:, i] * np.maximum(np.minimum(self.high[i], high) - first, 0.0)
        return value

    def chi2(self, value: FloatArray) -> FloatArray:
        """Chi2 at couplings (n, k)."""
        point: dict[str, Any] = {**self.fixed, **dict(zip(self.names, value.T, strict=True))}
        for name, of in self.combinations.items():
            moved = point.pop(name, 0.0)
            for part, unit in of.items():
                point[part] = point.get(part, 0.0) + unit * moved
        chi2: FloatArray = contact_chi2(self.model, point, {})
        return np.broadcast_to(chi2, len(value))

    def with_slope(self, value: FloatArray) -> tuple[float, FloatArray]:
        """Chi2 at couplings (k,), and its slope (k,)."""
        k = value.size
        chi2 = self.chi2(value + STEP * np.concatenate([np.eye(k), -np.eye(k), np.zeros((1, k))]))
        return float(chi2[-1]), (chi2[:k] - chi2[k:-1]) / (2 * STEP)

    def down_from(self, value: FloatArray) -> float:
        """The local minimum that SLSQP comes down to, infinite if it has left the domain."""
        rows = np.zeros((len(self.sums), value.size))
        for i, row in enumerate(rows):
            row[[2 * i, 2 * i + 1]] = 1.0

        settings: Any = {"method": "SLSQP", "options": {"ftol": 1e-14, "maxiter": 500}, "jac": True}
        run = minimize(
            self.with_slope,
            value,
            bounds=Bounds(self.low, self.high),
            constraints=[LinearConstraint(row, *ends) for row, ends in zip(rows, self.sums, strict=True)],
            **settings,
        )
        x = np.clip(run.x, self.low, self.high)
        inside = all(low - 1e-10 <= row @ x <= high + 1e-10 for row, (low, high) in zip(rows, self.sums, strict=True))
        return float(self.chi2(x[None])[0]) if inside else np.inf


def least(
    model: Model,
    parameters: Mapping[str, float],
    domain: Domain,
    seed: int,
    starts: int = 12,
    points: int = 10_000,
    combinations: Mapping[str, Mapping[str, float]] = {},
) -> float:
    """The least of many local minima, from the best of many random points and from as many others of them."""
    box, random = Box(model, parameters, domain, combinations), np.random.default_rng(seed)
    places = random.random((points, len(box.names)))
    corners = random.random(places.shape) < 0.3
    places[::2] = np.where(corners, np.round(places), places)[::2]
    values = box.at(places)
    chi2 = box.chi2(values)
    chosen = [*np.argsort(chi2)[:starts], *range(starts)]
    return min(float(chi2.min()), *(box.down_from(values[i]) for i in chosen))
