"""What `croze score` was asked for, checked as a whole before anything is scored."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from app.cli.architectures_file import Entry, Unreadable
from app.cli.errors import UsageError
from app.cli.terminal import count
from app.jobs.classes import firsts
from proxy.aggregates import Aggregate, read_aggregate
from proxy.errors import InvalidArchitecture, ProxyError, shown
from proxy.json_types import JsonValue
from proxy.precision import check_precision
from proxy.proxies import get_proxy
from proxy.spaces import SPACES, get_space
from proxy.spaces._base import Architecture, Space
from proxy.spaces.reading import read, space_of
from proxy.spread import MAX_SEEDS
from workers.records import Dedupe

#: A seed is an unsigned 32-bit number, as over HTTP.
MAX_SEED: Final = 2**32 - 1
_SEEDS: Final = re.compile(r"(\d{1,10})(?:-(\d{1,10}))?", re.ASCII)
#: Per-layer tables are long; the service gives them for at most so many items, and so does `--local`.
MAX_ITEMS_WITH_LAYERS: Final = 100
#: Any number of classes: stands in where the batch is not at hand and `--classes` was not given.
_SOME_CLASSES: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringOptions:
    """The options of `croze score` that say what a score is."""

    space: str | None = None
    """None: seen from the architectures."""
    settings: Mapping[str, int]
    """Those given; the space and the batch fill in the rest."""
    proxies: tuple[str, ...] = ("croze",)
    aggregate: Aggregate | None = None
    """Of proxies that are all among `proxies`."""
    seeds: tuple[int, ...] = (0,)
    precision: str
    batch: str
    """Name, digest, or path of an .npz file."""
    layers: bool = False
    """Whether the per-layer table is wanted."""
    dedupe: Dedupe = "identical"
    """isomorphic: one architecture of a class is scored for all."""

    @property
    def batch_file(self) -> Path | None:
        """The .npz file that the batch is in; None if it is a name."""
        return Path(self.batch) if self.batch.lower().endswith(".npz") else None


@dataclass(frozen=True, slots=True)
class Accepted:
    """One architecture that may be scored."""

    where: str
    value: JsonValue
    """As the user wrote it."""
    format: str
    id: str | None
    architecture: Architecture


@dataclass(frozen=True)  # without slots, so that something can be kept
class ScoringRequest:
    """A checked request: every architecture is a member of the space."""

    space: Space[Any]
    options: ScoringOptions
    entries: Sequence[Accepted]

    @cached_property
    def firsts(self) -> Sequence[int]:
        """For each entry, the position of the one that is scored for it: its own, unless classes share a score."""
        class_of = self.space.isomorphism if self.options.dedupe == "isomorphic" else None
        return firsts(None if class_of is None else class_of(entry.architecture) for entry in self.entries)


def with_aggregate(named: Sequence[str], text: str | None) -> tuple[tuple[str, ...], Aggregate | None]:
    """All proxies that are needed, and the aggregate: "robust" or "croze+jacob_cov".

    Args:
        named: proxies; if none is, and there is no aggregate, it is croze.

    Raises:
        UsageError: there is no such aggregate.
    """
    if text is None:
        return tuple(named) or ("croze",), None
    try:
        aggregate = read_aggregate(text)
    except ProxyError as error:
        raise UsageError(f"--aggregate: {error.message}", ["write a name, or proxies: croze+jacob_cov"]) from error
    return (*named, *(proxy for proxy in aggregate.proxies if proxy not in named)), aggregate


def read_seeds(text: str) -> tuple[int, ...]:
    """ "0,1,2" or "0-3,7" as seeds.

    Raises:
        UsageError: it does not have that form, names a seed twice, or too many.
    """
    seeds: list[int] = []
    for part in text.split(","):
        match = _SEEDS.fullmatch(part.strip())
        if match is None or int(match[2] or match[1]) > MAX_SEED:
            raise UsageError(f"--seeds {shown(part)}: write 0,1,2 or 0-3, each seed from 0 to {MAX_SEED}")
        first, last = int(match[1]), int(match[2] or match[1])
        seeds += range(first, min(last, first + MAX_SEEDS) + 1)
    if not 1 <= len(seeds) <= MAX_SEEDS:
        raise UsageError(f"--seeds {shown(text)} names {'more' if seeds else 'fewer'} than 1 to {MAX_SEEDS} seeds")
    if len(set(seeds)) < len(seeds):
        raise UsageError(f"--seeds {shown(text)} names a seed twice")
    return tuple(seeds)


def whole_space(name: str | None) -> Iterator[Entry]:
    """Every architecture of a space, by its own index.

    Raises:
        UsageError: no such space, or it is not one that can be listed.
    """
    listed = ", ".join(space.name for space in SPACES.values() if space.enumerate is not None)
    if name is None:
        raise UsageError(f"--all needs --space; spaces that can be listed: {listed}")
    try:
        space = get_space(name)
    except ProxyError as error:
        raise UsageError(error.message) from error
    if space.enumerate is None:
        raise UsageError(f"space {name} cannot be listed ({space.size}); spaces that can be: {listed}")
    return (
        Entry(f"index {index}", architecture, space.canonical_format)
        for index, architecture in enumerate(space.enumerate())
    )


def check_request(found: Iterable[Entry | Unreadable], options: ScoringOptions) -> ScoringRequest:
    """Parse everything.

    Raises:
        UsageError: an option or an architecture is wrong; every bad architecture is named by its line.
    """
    check_options(options)
    accepted: list[Accepted] = []
    faults: list[str] = []
    space = get_space(options.space) if options.space else None
    for entry in found:
        if isinstance(entry, Unreadable):
            faults.append(f"{entry.where}: {entry.problem}")
            continue
        try:
            entry_space = space or space_of(entry.value, entry.format)
            accepted.append(accept(entry, entry_space))
            space = entry_space  # the first that is clear decides: one run, one space
        except ProxyError as error:
            faults += describe(entry.where, error)
    _refuse_unless_scorable(accepted, faults, options)
    assert space is not None, "an accepted architecture has a space"
    if options.dedupe == "isomorphic" and space.isomorphism is None:
        raise UsageError(f"space {space.name} knows no classes of equal functions; leave --dedupe out")
    check_settings(space, options.settings, _SOME_CLASSES)
    return ScoringRequest(space, options, accepted)


def check_settings(space: Space[Any], given: Mapping[str, int], classes: int) -> dict[str, int]:
    """All settings of the space.

    Raises:
        UsageError: naming the option that is wrong.
    """
    try:
        return space.complete_settings(given, classes)
    except ProxyError as error:
        details = [str(fault).replace("settings.", "--", 1) for fault in error.faults]
        raise UsageError(f"these settings do not fit space {space.name}", details) from error


def check_options(options: ScoringOptions) -> None:
    """Whether everything that is named exists, and goes together.

    Raises:
        UsageError: it does not.
    """
    try:
        for proxy in options.proxies:
            get_proxy(proxy)
        check_precision(options.precision)
        if options.space is not None:
            get_space(options.space)
    except ProxyError as error:
        raise UsageError(error.message) from error
    if len(set(options.proxies)) < len(options.proxies):
        raise UsageError(f"a proxy is named twice: {', '.join(options.proxies)}")
    if options.layers and len(options.seeds) > 1:
        raise UsageError("--per-layer goes with one seed only")
    if options.layers and options.dedupe == "isomorphic":
        raise UsageError("--per-layer and --dedupe isomorphic exclude each other: layers are an architecture's own")
    if options.batch_file and not options.batch_file.is_file():
        raise UsageError(f"batch file {options.batch} does not exist")


def _refuse_unless_scorable(accepted: Sequence[Accepted], faults: Sequence[str], options: ScoringOptions) -> None:
    if faults:
        verb = "is" if len(faults) == 1 else "are"
        raise UsageError(f"{count(len(faults), 'architecture')} {verb} not valid; nothing was scored", faults)
    if not accepted:
        raise UsageError(
            "no architecture given; write one as an argument, or name a file with -f (- is standard input)"
        )
    if options.layers and len(accepted) > MAX_ITEMS_WITH_LAYERS:
        raise UsageError(
            f"--per-layer takes at most {MAX_ITEMS_WITH_LAYERS} architectures, and there are {len(accepted)}"
        )


def accept(entry: Entry, space: Space[Any]) -> Accepted:
    """The entry as an architecture of the space.

    Raises:
        ProxyError: it is none.
    """
    parsed = read(space, entry.value, entry.format)
    return Accepted(entry.where, entry.value, parsed.format, entry.id, parsed.architecture)


def describe(where: str, error: ProxyError) -> list[str]:
    """All that is wrong with one architecture, as one line or one line a fault."""
    if isinstance(error, InvalidArchitecture) and error.faults:
        return ["; ".join([f"{where}: {error.faults[0]}", *map(str, error.faults[1:])])]
    return [f"{where}: {error.message}"]
