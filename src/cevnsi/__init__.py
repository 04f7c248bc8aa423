"""CEvNS rates, likelihoods, scans and limits for nonstandard neutrino interactions.

Formulas are those of J. Liao and D. Marfatia, Phys. Lett. B 775 (2017) 54, arXiv:1708.04255; "Eq. n" in a docstring
means an equation of that paper. Energies are in MeV unless a name says otherwise.

The names below are those that a notebook needs (docs/tour.ipynb). Each is loaded when it is first asked for, and lives
in the module that it comes from.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cevnsi.config.build import build_model, read_config
    from cevnsi.files.strict_yaml import ConfigError
    from cevnsi.parameters import Parameter
    from cevnsi.physics.interaction import Interaction
    from cevnsi.physics.interactions import INTERACTIONS
    from cevnsi.questions import (
        allowed_range,
        best_fit,
        chi2_and_nuisances,
        critical_value,
        make_line,
        make_plane,
        predict,
        scan_grid,
    )

__version__ = "0.2.0"

__all__ = [
    "INTERACTIONS",
    "ConfigError",
    "Interaction",
    "Parameter",
    "allowed_range",
    "best_fit",
    "build_model",
    "chi2_and_nuisances",
    "critical_value",
    "make_line",
    "make_plane",
    "predict",
    "read_config",
    "scan_grid",
]

_MODULES = {
    "INTERACTIONS": "physics.interactions",
    "ConfigError": "files.strict_yaml",
    "Interaction": "physics.interaction",
    "Parameter": "parameters",
    "build_model": "config.build",
    "read_config": "config.build",
}  # of the others: questions


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES.get(name, 'questions')}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
