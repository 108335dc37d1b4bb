"""A service that nobody needs a key for does not start where strangers could reach it.

This is a courtesy: the gate lets nobody in from elsewhere without a key anyway. But an operator should hear of it at
once, and not from the first client.
"""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from workers.errors import StoreUnavailable

if TYPE_CHECKING:
    from app.settings import Settings
    from workers.store import Store


class Exposed(Exception):
    """The service would be open, or useless, where it is told to listen."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"{host} can be reached from other machines, and no key was ever made: `croze keys add NAME` makes one. "
            f"Or set CROZE_ACCESS=keys to start now and let nobody in until there is one, or CROZE_ACCESS=open to let "
            f"everybody in"
        )


def is_loopback(host: str) -> bool:
    """Whether an address is one that only this machine can reach."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def refuse_exposure(host: str | None, store: Store, settings: Settings) -> None:
    """Check the address that is listened on; None: it is not known. If Redis is away it is not known whether there are
    keys; the service then starts, and asks for them.

    Raises:
        Exposed: it can be reached from elsewhere, nobody has made a key, and nothing says that this is meant.
    """
    if host is None or is_loopback(host) or settings.access != "auto":
        return
    try:
        closed = store.api_keys.exist()
    except StoreUnavailable:
        return
    if not closed:
        raise Exposed(host)


def told_host(arguments: Sequence[str] = sys.argv, environment: Mapping[str, str] = os.environ) -> str | None:
    """The address that uvicorn was told to listen on. It does not tell the application."""
    for position, argument in enumerate(arguments):
        if argument == "--host":
            return "".join(arguments[position + 1 : position + 2])
        if argument.startswith("--host="):
            return argument.removeprefix("--host=")
    return environment.get("UVICORN_HOST")
