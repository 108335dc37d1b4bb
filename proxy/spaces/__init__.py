"""The table of search spaces. Adding a space is one folder and one line here (docs/add-a-space.md)."""

from __future__ import annotations

from typing import Any, Final

from proxy.errors import UnknownSpace, allowed_names, shown
from proxy.spaces._base import Space
from proxy.spaces.darts import DARTS
from proxy.spaces.nasbench201 import NASBENCH201

#: Each entry knows its own kind of architecture; a caller hands back only what it got from the same entry.
SPACES: Final[dict[str, Space[Any]]] = {space.name: space for space in (NASBENCH201, DARTS)}


def get_space(name: str) -> Space[Any]:
    """The space of that name.

    Raises:
        UnknownSpace: there is none.
    """
    if name not in SPACES:
        raise UnknownSpace(f"space {shown(name)} does not exist; {allowed_names(name, SPACES)}")
    return SPACES[name]
