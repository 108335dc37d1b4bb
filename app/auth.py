"""Who asks. `app/gate.py` finds it out before anything of a request's body is read; endpoints take `CallerDep`.

Jobs belong to the name of the key that submitted them, not to the key: a key can be replaced by a newer one of the
same name, and nothing is lost from sight.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, Request

from workers.records import Role


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request."""

    key: str | None
    """The key's id; None if the service is open."""
    name: str | None
    """Whose key it is, and so the owner of the jobs that it submits; None if the service is open."""
    role: Role

    def sees(self, owner: str | None) -> bool:
        """Whether jobs of this owner exist for the caller."""
        return self.role == "admin" or (self.name is not None and self.name == owner)


#: Whoever reaches a service that needs no key: it has one user, who may do everything.
ANYBODY: Final = Caller(key=None, name=None, role="admin")


async def get_caller(request: Request) -> Caller:
    """Who sent this request. There is no default: without the gate nobody is served."""
    caller: Caller = request.state.caller
    return caller


CallerDep = Annotated[Caller, Depends(get_caller)]
