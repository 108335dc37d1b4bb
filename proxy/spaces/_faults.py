"""What the readers of genotypes share: collecting faults, and small checks of JSON values. Torch-free."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeGuard

from proxy.errors import Fault, InvalidArchitecture, allowed_names, shown

#: An error lists this many faults and counts the rest: hostile input must not fill an answer.
MAX_FAULTS: Final = 20
#: The position of a fault that concerns the whole value.
WHOLE: Final = "architecture"


class Faults:
    """The faults found so far in one value."""

    def __init__(self) -> None:
        self._listed: list[Fault] = []
        self._count = 0

    def __bool__(self) -> bool:
        return self._count > 0

    def add(self, at: str, problem: str, repair: str) -> None:
        """Note one fault."""
        self._count += 1
        if len(self._listed) < MAX_FAULTS:
            self._listed.append(Fault(at, problem, repair))

    def add_unknown(self, at: str, noun: str, name: object, allowed: Sequence[str]) -> None:
        """Note a name that does not exist. Looking for what was meant is slow, so it ends with the list."""
        full = len(self._listed) == MAX_FAULTS
        self.add(at, f"{noun} {shown(name)} does not exist", "" if full else allowed_names(name, allowed))

    def error(self) -> InvalidArchitecture:
        """The error that lists them."""
        unlisted = self._count - len(self._listed)
        if unlisted == 0:
            return InvalidArchitecture.from_faults(self._listed)
        rest = Fault(WHOLE, f"{unlisted} more faults are not listed", "mend the listed ones first")
        return InvalidArchitecture.from_faults([*self._listed, rest])

    def check(self) -> None:
        """Raise `error()` if anything was noted."""
        if self:
            raise self.error()


def invalid(problem: str, repair: str) -> InvalidArchitecture:
    """The error for a value that cannot be looked into any further."""
    return InvalidArchitecture.from_faults([Fault(WHOLE, problem, repair)])


def is_integer(value: object) -> TypeGuard[int]:
    """Whether `value` is a JSON integer: true and false are not."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_sequence(value: object) -> TypeGuard[list[object] | tuple[object, ...]]:
    """Whether `value` is a JSON array, or a tuple in its place."""
    return isinstance(value, list | tuple)
