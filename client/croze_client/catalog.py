"""Plans about what the service knows: spaces, workers, and genotypes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from croze_client.answers import need, the_object
from croze_client.jobs import JSON_HEADERS
from croze_client.known import Checked, Space, Worker, read_checked, read_space, read_worker
from croze_client.patience import Patience, ask
from croze_client.steps import Ask, Plan, Reply

T = TypeVar("T")


def spaces(patience: Patience) -> Plan[dict[str, Space]]:
    """All spaces by name."""
    found = yield from _listed("/v1/spaces", read_space, patience)
    return {space.name: space for space in found}


def workers(patience: Patience) -> Plan[list[Worker]]:
    """The workers that are alive. None is no error: jobs wait."""
    return (yield from _listed("/v1/workers", read_worker, patience))


def look_at(what: str, body: bytes, patience: Patience) -> Plan[list[Checked]]:
    """What comes of it if genotypes are looked at: to "validate" or to "convert" them."""
    path = f"/v1/architectures/{what}"
    reply = yield from ask(Ask(method="POST", path=path, headers=JSON_HEADERS, content=body), patience)
    return _items(reply, path, read_checked)


def _listed(path: str, read_one: Callable[[Mapping[str, Any]], T], patience: Patience) -> Plan[list[T]]:
    reply = yield from ask(Ask(method="GET", path=path), patience)
    return _items(reply, path, read_one)


def _items(reply: Reply, path: str, read_one: Callable[[Mapping[str, Any]], T]) -> list[T]:
    what = f"the answer of {path}"
    return [read_one(each) for each in need(the_object(reply.body, what), "items", list, what)]
