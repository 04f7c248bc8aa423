"""The README's Python is run as it stands."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cevnsi import regions
from cevnsi.scan import mediator_chi2


def test_the_example_computes_a_spectrum_a_chi2_and_a_contour(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", (root / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    monkeypatch.chdir(root)
    found: dict[str, Any] = {}
    exec(compile(example, "README.md", "exec"), found)
    assert found["counts"].shape == (3, 12)
    assert found["chi2"] == pytest.approx(float(mediator_chi2(found["model"], np.array(10.0), 3e-5)), rel=1e-12)
    assert -0.28 < found["pull"] < 0.28
    (line,) = [line for line in found["lines"] if len(line[0]) > 100][:1]
    grid = found["grid"]
    assert grid.names == ("eps_ee_dV", "eps_ee_uV")
    nearest = [np.abs(axis[:, None] - values).argmin(axis=0) for axis, values in zip(grid.axes, line, strict=True)]
    # a step of the grid is 0.005, over which delta chi2 changes by well below one
    np.testing.assert_allclose(grid.delta_chi2[tuple(nearest)], regions.threshold(0.90, 2), atol=0.5)
