"""One architecture of a class is scored for all of them: the first in the request.

What an item scores is settled here, when it is submitted: its spec names the architecture of its class's first item. So
nothing after this need know of classes, and what makes the same score once, makes it once.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace

from workers.records import ItemSpec


@dataclass(frozen=True, slots=True)
class Member:
    """One item, and the class it is to share a score with."""

    spec: ItemSpec
    name: str | None
    """`Space.isomorphism`; None if it shares none."""


def firsts(names: Iterable[Hashable]) -> list[int]:
    """For each position, that of the first with the same name; its own for None."""
    first: dict[Hashable, int] = {}
    return [position if name is None else first.setdefault(name, position) for position, name in enumerate(names)]


def represented(members: Sequence[Member]) -> list[ItemSpec]:
    """The items, those of a class scored as its first. They are in the order of the request, from index 0."""
    return [
        member.spec if member.name is None else _scored_as(member.spec, members[first].spec)
        for member, first in zip(members, firsts(member.name for member in members), strict=True)
    ]


def retried(failed: Sequence[ItemSpec]) -> list[ItemSpec]:
    """Failed items as those of a new job. They are scored as before, so that a class keeps one score."""
    places: dict[int | None, int] = {item.index: index for index, item in enumerate(failed)}
    return [
        replace(item, index=index, retried=item.index, representative=places.get(item.representative))
        for index, item in enumerate(failed)
    ]


def _scored_as(item: ItemSpec, first: ItemSpec) -> ItemSpec:
    sent = None if item.architecture == first.architecture else item.architecture
    return replace(item, architecture=first.architecture, sent=sent, representative=first.index)
