"""How far the ends of effective matter parameters (Eq. 11 of arXiv:1708.04255) move with the domain of what they leave.

Where nuclei differ in N/Z no difference of eps_uV and eps_dV cancels the charges of all, so that the ends stay finite
without any domain, if far out.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from cevnsi.arrays import FloatArray
from cevnsi.domains import reach
from cevnsi.model import Model
from cevnsi.scans.axes import Scan
from cevnsi.scans.limits import Curve, allowed, curves, lowest
from cevnsi.statistics.thresholds import threshold

# Of the reach of a bounded sum, 12 D: of all that a difference of up to 2 D either way allows beside one value that is
# allowed, (N - Z) / A times 4 D or 0.7 D of Cs and I and 0.4 D of argon, some four are seen.
SAMPLES = 121


def within(scan: Scan, bound: float, widest: float) -> Scan:
    """A scan of matter parameters with all that it minimises over within plus or minus a bound, which may be infinite.

    Its axes are what the parameters then reach, and no more than `widest` to either side.
    """
    domain = dict.fromkeys(scan.domain, (-bound, bound))
    axes = []
    for axis in scan.axes:
        low, high = (float(end) for end in reach(axis.name, domain))
        axes.append(replace(axis, minimum=max(low, -widest), maximum=min(high, widest)))
    return replace(scan, domain=domain, axes=tuple(axes))


def outermost(curve: Curve, levels: Sequence[float]) -> FloatArray:
    """Least and greatest allowed value along a curve, (levels, 2), at delta chi2 from its own least."""
    from scipy.optimize import elementwise

    def above(at: FloatArray, *height: FloatArray) -> FloatArray:
        return curve(at) - height[0]

    x = np.linspace(curve.axis.minimum, curve.axis.maximum, SAMPLES)
    samples = curve(x)
    heights = lowest(curve, x, samples, exact=True)[1] + np.asarray(levels)
    inside = samples < heights[:, None]
    place = np.stack([inside.argmax(axis=1), SAMPLES - 1 - inside[:, ::-1].argmax(axis=1)], axis=1)
    beyond = place + np.array([-1, 1])
    ends: FloatArray = x[place]
    level, side = np.nonzero((beyond >= 0) & (beyond < SAMPLES))
    if level.size:
        bracket = x[place[level, side]], x[beyond[level, side]]
        asked: Any = (heights[level],)
        ends[level, side] = elementwise.find_root(above, bracket, args=asked).x
    return ends


def domain_ends(model: Model, scan: Scan, bounds: FloatArray, widest: float) -> Iterator[tuple[Any, ...]]:
    """Rows of `tables.DOMAIN_ENDS`: least and greatest allowed value of each axis for each bound, then without one.

    Bounds are (bounds,). An end is only that of the axis where the data set none as far as the couplings, or `widest`,
    let the sum go.
    """
    levels = [(*level, threshold(*level)) for level in scan.levels()]
    heights = [level[-1] for level in levels]
    for bound in (*bounds.tolist(), math.inf):
        plane = within(scan, bound, widest)
        for axis in plane.axes:
            curve, *_ = curves(model, plane, axis.name)
            if math.isinf(bound):
                found = np.array([(each[0][0], each[-1][1]) for each in allowed(curve, None, heights)[0]])
            else:
                found = outermost(curve, heights)
            for level, ends in zip(levels, found.tolist(), strict=True):
                for side, end, of_axis in zip(("lower", "upper"), ends, (axis.minimum, axis.maximum), strict=True):
                    yield axis.name, bound, *level, side, end, "yes" if end == of_axis else "no"
