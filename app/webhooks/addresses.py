"""Where webhooks may lead: else a client could have this service send requests to what only it can reach (SSRF).

Checked when a job is submitted, and again at each attempt, on the very address that is then connected to: what a name
resolves to can change in between.
"""

from __future__ import annotations

import ipaddress
import queue
import socket
import threading
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Final, TypeAlias

import httpx

from app.errors import ApiError
from app.validation import brief
from proxy.errors import Fault

Address: TypeAlias = IPv4Address | IPv6Address

LOOK_UP_S: Final = 3.0
_LOOK_UPS: Final = threading.BoundedSemaphore(32)
_ALLOWED: Final = "allowed: an http:// or https:// URL without user and password, of a host with public addresses alone"
_REPAIR: Final = f"{_ALLOWED} (for others the operator sets CROZE_WEBHOOK_ALLOW_PRIVATE)"
_GLOBAL_IPV6: Final = ipaddress.IPv6Network("2000::/3")
#: Special ones that not every release of Python knows, and those that stand for an IPv4 address inside.
_NOT_PUBLIC: Final = tuple(
    map(
        ipaddress.ip_network,
        ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),
    )
)


class WebhookRefused(ApiError):
    """The URL leads, or might lead, where this service sends nothing."""

    code = "webhook_refused"

    @classmethod
    def of(cls, problem: str, repair: str = _REPAIR) -> WebhookRefused:
        """The refusal, located."""
        fault = Fault("webhook.url", problem, repair)
        return cls(str(fault), [fault])


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that can be connected to."""

    url: httpx.URL
    addresses: tuple[Address, ...]


def locate(text: str, *, allow_private: bool) -> Target:
    """Read and look up a webhook's URL.

    Raises:
        WebhookRefused: it is none, cannot be looked up, or one of its addresses is not public.
    """
    url = _parsed(text)
    host = url.raw_host.decode("ascii")
    found = tuple(_address(each) for each in _looked_up(host, url.port or (443 if url.scheme == "https" else 80)))
    if not found:
        raise WebhookRefused.of(f"host {brief(host)} cannot be found", "check the name, or try again")
    if not allow_private and not all(map(is_public, found)):
        raise WebhookRefused.of(f"host {brief(host)} has an address that is not public")
    return Target(url, found)


def is_public(address: Address) -> bool:
    """Whether anybody on the internet would find the same machine there."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address not in _GLOBAL_IPV6:
            return False
    special = address.is_multicast or address.is_reserved or not address.is_global
    return not special and not any(address in network for network in _NOT_PUBLIC)


def look_up(host: str, port: int) -> list[str]:
    """The addresses of a host as the system finds them. Waits as long as the system does."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def _parsed(text: str) -> httpx.URL:
    try:
        url = httpx.URL(text)
        url.raw_host.decode("ascii")
    except (httpx.InvalidURL, ValueError):
        raise WebhookRefused.of(f"{brief(text)} is no URL") from None
    if url.scheme not in ("http", "https") or not url.host or url.userinfo or not _is_port(url.port):
        raise WebhookRefused.of(f"{brief(text)} is not allowed")
    return url


def _is_port(port: int | None) -> bool:
    return port is None or 0 < port < 2**16


def _looked_up(host: str, port: int) -> list[str]:
    """What `look_up` finds in time; nothing if it does not. The system's own time limits are long, and not ours."""
    answers: queue.SimpleQueue[list[str]] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(look_up(host, port))
        except (OSError, UnicodeError):
            answers.put([])
        finally:
            _LOOK_UPS.release()

    if not _LOOK_UPS.acquire(timeout=LOOK_UP_S):
        return []
    threading.Thread(target=ask, daemon=True).start()
    try:
        return answers.get(timeout=LOOK_UP_S)
    except queue.Empty:
        return []


def _address(text: str) -> Address:
    # The zone of a link-local address is no part of it.
    return ipaddress.ip_address(text.partition("%")[0])
