"""A job's items on their way into Redis: in chunks, under keys that expire by themselves.

One command with 20,000 items would block the server and every other client with it. So the items are sent in
pieces that nobody looks at, and `create.lua` makes a job of them at once. If the sender is killed in between,
nothing was ever visible, and what it left is gone a minute later.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from proxy.aggregates import Row
from workers.keys import STAGING_S, StagedKeys
from workers.records import ItemOutcome, ItemSpec
from workers.store import codec
from workers.store.wire import Command, Wire

#: About 300 kB and a millisecond of the server's time a chunk.
CHUNK: Final = 1000

_MILLISECONDS: Final = int(STAGING_S * 1000)


def stage(
    wire: Wire,
    items: Sequence[ItemSpec],
    known: Mapping[int, ItemOutcome],
    rows: Mapping[int, Row],
    against: bytes,
) -> StagedKeys:
    """Send the items, the outcomes of those that are known already, and what these are ranked by. Returns where they
    wait. `against` is what all will be ranked against; empty if that is each other."""
    staged = StagedKeys.of(secrets.token_hex(8))
    if against:
        wire.command("SET", staged.against, against, "PX", _MILLISECONDS)
    for start in range(0, len(items), CHUNK):
        chunk = items[start : start + CHUNK]
        ranks = {item.index: rows[item.index] for item in chunk if item.index in rows}
        wire.transaction(*_chunk(staged, chunk, known), *_ranks(staged, ranks), *_lifetimes(staged, rows))
    return staged


def _chunk(staged: StagedKeys, items: Sequence[ItemSpec], known: Mapping[int, ItemOutcome]) -> Iterator[Command]:
    yield ("RPUSH", staged.items, *(codec.item_to_json(item) for item in items))
    ended = [(item.index, known[item.index]) for item in items if item.index in known]
    if ended:
        pairs = ((index, codec.outcome_to_json(outcome)) for index, outcome in ended)
        yield ("HSET", staged.outcomes, *(part for pair in pairs for part in pair))
        yield ("RPUSH", staged.finished, *(index for index, _ in ended))
    left = [item.index for item in items if item.index not in known]
    if left:
        yield ("ZADD", staged.open, *(part for index in left for part in (index, index)))


def _ranks(staged: StagedKeys, rows: Mapping[int, Row]) -> Iterator[Command]:
    for number, column in enumerate(zip(*rows.values(), strict=True)):
        pairs = zip(column, rows, strict=True)
        yield (
            "ZADD",
            staged.ranks_by(number),
            *(part for goodness, index in pairs for part in (repr(goodness), index)),
        )


def _lifetimes(staged: StagedKeys, rows: Mapping[int, Row]) -> Iterator[Command]:
    proxies = len(next(iter(rows.values()), ()))
    ranks = [staged.ranks_by(number) for number in range(proxies)]
    for key in (staged.items, staged.open, staged.outcomes, staged.finished, staged.against, *ranks):
        yield ("PEXPIRE", key, _MILLISECONDS)
