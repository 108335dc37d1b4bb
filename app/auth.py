"""Who asks. `app/gate.py` finds it out before anything of a request's body is read; endpoints take `CallerDep`.

Jobs belong to the name of the key that submitted them, not to the key: a key can be replaced by a newer one of the
same name, and nothing is lost from sight.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

from fastapi import Depends, Request

from app.errors import InvalidKey, MissingKey
from workers.records import Role

if TYPE_CHECKING:
    from app.settings import Access
    from workers.store.api_keys import ApiKeys

_CHALLENGE: Final = 'Bearer realm="croze"'
_REPAIR: Final = "send -H 'Authorization: Bearer <token>'; `croze keys add <name>` makes one"


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


def identify(authorization: str | None, keys: ApiKeys, access: Access, *, from_here: bool) -> Caller:
    """Who sends this `Authorization` header. `from_here`: both ends of the connection are on this machine.

    Without a header the service is open as long as nobody has ever made a key, to this machine only; `access` can
    say otherwise.

    Raises:
        MissingKey: there is no header, and it needs one.
        InvalidKey: the header holds no token, or one that is unknown or revoked.
    """
    if authorization is not None:
        return _holder(authorization, keys)
    if access == "open":
        return ANYBODY
    if access == "auto" and from_here and not keys.exist():
        return ANYBODY
    raise MissingKey(f"this service needs a key; {_REPAIR}", headers={"WWW-Authenticate": _CHALLENGE})


def _holder(authorization: str, keys: ApiKeys) -> Caller:
    scheme, _, token = authorization.strip().partition(" ")
    found = keys.find(token.strip()) if scheme.lower() == "bearer" else None
    if found is None:
        raise _not_known()
    return Caller(key=found.id, name=found.name, role=found.role)


def check_still_known(caller: Caller, keys: ApiKeys) -> None:
    """For what goes on after the request was let in.

    Raises:
        InvalidKey: the caller's key has been revoked meanwhile.
    """
    if caller.key is not None and not keys.lets_in(caller.key):
        raise _not_known()


def _not_known() -> InvalidKey:
    return InvalidKey(
        f"the key in the Authorization header is unknown or was revoked; {_REPAIR}",
        headers={"WWW-Authenticate": f'{_CHALLENGE}, error="invalid_token"'},
    )


async def get_caller(request: Request) -> Caller:
    """Who sent this request. There is no default: without the gate nobody is served."""
    caller: Caller = request.state.caller
    return caller


CallerDep = Annotated[Caller, Depends(get_caller)]
