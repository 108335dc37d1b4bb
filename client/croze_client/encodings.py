"""Spaces as lists of choices, which is what optimisers of every kind want.

An encoding has variables with a few choices each. Every combination of them is one architecture, in a form that says
what it is: nobody has to know which operation is number three.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final

from croze_client.errors import BadInput, MixedSpaces
from croze_client.submission import Options


@dataclass(frozen=True, slots=True)
class Variable:
    """One thing to be chosen."""

    name: str
    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Encoding:
    """A space as variables."""

    space: str
    variables: tuple[Variable, ...]
    _write: Callable[[Mapping[str, str]], Any]

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many choices each variable has."""
        return tuple(len(variable.choices) for variable in self.variables)

    def options(self, options: Options) -> Options:
        """The same options, for this space. Raises MixedSpaces if they name another."""
        if options.get("space", self.space) != self.space:
            raise MixedSpaces(
                f"space {options['space']!r} is named beside an encoding of {self.space!r}", "leave it out"
            )
        return {**options, "space": self.space}

    def genotype(self, chosen: Sequence[Any] | Mapping[str, Any]) -> Any:
        """The architecture of these choices: by position or by name, each the choice itself or its number.

        Raises:
            BadInput: something is missing, or is no choice.
        """
        if isinstance(chosen, Mapping):
            missing = [variable.name for variable in self.variables if variable.name not in chosen]
            if missing:
                raise BadInput(f"nothing is chosen for {', '.join(missing)}", "choose for each variable")
            chosen = [chosen[variable.name] for variable in self.variables]
        if len(chosen) != len(self.variables):
            raise BadInput(f"{len(chosen)} choices for {len(self.variables)} variables", "choose for each variable")
        named = {each.name: _choice(each, value) for each, value in zip(self.variables, chosen, strict=True)}
        return self._write(named)


def _choice(variable: Variable, value: Any) -> str:
    if isinstance(value, str):
        if value in variable.choices:
            return value
    elif value in range(len(variable.choices)):  # whatever kind of number it is
        return variable.choices[int(value)]
    raise BadInput(
        f"{value!r} is no choice for {variable.name}",
        f"choose one of {', '.join(variable.choices)}, or its number from 0 to {len(variable.choices) - 1}",
    )


_NB201_OPERATIONS: Final = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")


def _write_nb201(named: Mapping[str, str]) -> str:
    nodes = ("|".join(f"{named[f'{source}_{target}']}~{source}" for source in range(target)) for target in range(1, 4))
    return "+".join(f"|{node}|" for node in nodes)


#: The six edges of a cell, named source_target, in the order of the official string.
NASBENCH201: Final = Encoding(
    "nasbench201",
    tuple(Variable(f"{source}_{target}", _NB201_OPERATIONS) for target in range(1, 4) for source in range(target)),
    _write_nb201,
)

_DARTS_OPERATIONS: Final = (
    "max_pool_3x3", "avg_pool_3x3", "skip_connect", "sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5",
)  # fmt: skip
_DARTS_NODES: Final = range(2, 6)


def _darts_variables() -> tuple[Variable, ...]:
    found = []
    for cell in ("normal", "reduce"):
        for node in _DARTS_NODES:
            pairs = tuple(f"{one},{other}" for one, other in combinations(range(node), 2))
            if len(pairs) > 1:
                found.append(Variable(f"{cell}_{node}_inputs", pairs))
            found += [Variable(f"{cell}_{node}_{which}", _DARTS_OPERATIONS) for which in ("first", "second")]
    return tuple(found)


def _write_darts(named: Mapping[str, str]) -> dict[str, Any]:
    genotype: dict[str, Any] = {}
    for cell in ("normal", "reduce"):
        pairs: list[list[object]] = []
        for node in _DARTS_NODES:
            inputs = map(int, named.get(f"{cell}_{node}_inputs", "0,1").split(","))
            operations = (named[f"{cell}_{node}_{which}"] for which in ("first", "second"))
            pairs += [[operation, source] for operation, source in zip(operations, inputs, strict=True)]
        genotype |= {cell: pairs, f"{cell}_concat": [*_DARTS_NODES]}
    return genotype


#: All cells of DARTS with two different inputs to each of four nodes, and the seven operations that it derives.
DARTS: Final = Encoding("darts", _darts_variables(), _write_darts)
