"""Two hosts on one machine: network namespaces with a cable between them that can be pulled out."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

from tests.workers.processes import exists

IP: Final = shutil.which("ip") or "/usr/sbin/ip"
#: The host where Redis is, in a network that the two have for themselves.
ADDRESS: Final = "10.77.0.1"
_OTHER_ADDRESS: Final = "10.77.0.2"
#: Each host's end of the cable.
_PORT: Final = "cable"
_NAME: Final = re.compile(r"croze-(\d+)-(?:near|far)")


@dataclass(frozen=True)
class Hosts:
    """Names of two namespaces: they know each other and nobody else."""

    near: str
    far: str

    def within(self, host: str) -> list[str]:
        """A command that runs another one there."""
        return [IP, "netns", "exec", host]

    @contextmanager
    def cut(self) -> Iterator[None]:
        """Nothing that is sent arrives, and nobody is told."""
        _ip("-n", self.near, "link", "set", _PORT, "down")
        try:
            yield
        finally:
            _ip("-n", self.near, "link", "set", _PORT, "up")


def why_not() -> str | None:
    """What keeps this machine from having two; None if nothing does."""
    name = f"croze-{os.getpid()}-near"
    try:
        _ip("netns", "add", name)
        _ip("netns", "exec", name, IP, "link", "add", _PORT, "type", "veth", "peer", "name", "peer")
    except FileNotFoundError:
        return "network namespaces are made by the program ip (iproute2), which is not here"
    except subprocess.CalledProcessError as error:
        return f"network namespaces need root: {error.stderr.strip()}"
    finally:
        _remove(name)
    return None


@contextmanager
def two_hosts() -> Iterator[Hosts]:
    """Makes them, and removes them whatever happens; also those of an earlier process that was killed."""
    for name in _left_behind():
        _remove(name)
    hosts = Hosts(*(f"croze-{os.getpid()}-{place}" for place in ("near", "far")))
    try:
        for name in (hosts.near, hosts.far):
            _ip("netns", "add", name)
        ends = (_PORT, "netns", hosts.near, "type", "veth", "peer", "name", _PORT, "netns", hosts.far)
        _ip("link", "add", *ends)
        for name, address in ((hosts.near, ADDRESS), (hosts.far, _OTHER_ADDRESS)):
            _ip("-n", name, "address", "add", f"{address}/30", "dev", _PORT)
            _ip("-n", name, "link", "set", _PORT, "up")
        yield hosts
    finally:
        for name in (hosts.near, hosts.far):
            _remove(name)


def _left_behind() -> list[str]:
    names = (line.split()[0] for line in _ip("netns", "list").splitlines() if line)
    found = ((name, _NAME.fullmatch(name)) for name in names)
    return [name for name, match in found if match is not None and not exists(int(match[1]))]


def _remove(name: str) -> None:
    with suppress(subprocess.CalledProcessError, FileNotFoundError):
        _ip("netns", "delete", name)


def _ip(*arguments: str) -> str:
    return subprocess.run([IP, *arguments], check=True, capture_output=True, text=True, timeout=60).stdout
