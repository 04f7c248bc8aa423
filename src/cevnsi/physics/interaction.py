"""What an interaction is to everything else."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cevnsi.parameters import Parameter


@dataclass(frozen=True, kw_only=True)
class Interaction:
    """Couplings epsilon at momentum transfers (nodes,), from parameters by name that broadcast against the nodes."""

    name: str
    parameters: Mapping[str, Parameter]  # what a scan may name, in the order of its axes
    epsilon: Callable[..., dict[tuple[str, str], Any]]
    zero_if_missing: bool  # what is not named is zero; otherwise every parameter must be


def named(*parameters: Parameter) -> dict[str, Parameter]:
    """Parameters by their names."""
    return {parameter.name: parameter for parameter in parameters}
