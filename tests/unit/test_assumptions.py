"""Numbers that the paper leaves open, where something else says what they should be."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cevnsi.parameters import CONTACT_PARAMETERS


def test_the_domain_of_fig_4_is_the_usual_range_of_couplings(config: dict[str, Any]) -> None:
    profile = config["scans"]["matter_ee_mumu"]["domain"]
    assert set(profile) == {f"eps_{pair}_{quark}V" for pair in ("ee", "mumu") for quark in "ud"}
    for name, ends in profile.items():
        assert tuple(ends) == CONTACT_PARAMETERS[name].usual == (-1.0, 1.0)


def test_the_error_of_the_acceptance_covers_what_the_release_says_of_it(
    config: dict[str, Any], tables: Callable[[str], dict[str, dict[str, Any]]]
) -> None:
    read, formula = tables("figure3")["acceptance"], tables("release")["acceptance"]
    x = np.linspace(6.05, 30, 500)  # photoelectrons, beyond the step of the formula
    drawn, exact = (np.interp(x, table["photoelectrons"], table["acceptance"]) for table in (read, formula))
    apart = np.sqrt(((drawn - exact) ** 2).mean())
    assert apart == pytest.approx(0.0024, abs=1e-4)
    assert apart < config["digitization"]["acceptance_error"] < 1.5 * apart
