"""What a job with an aggregate keeps, and what its items are ranked by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from proxy.aggregates import Row
from proxy.ranking import Ladder

Against: TypeAlias = Literal["job", "earlier", "shipped"]

_NUMBER: np.dtype[np.float64] = np.dtype("<f8")


@dataclass(frozen=True, slots=True, kw_only=True)
class AggregateSpec:
    """The aggregate that a job asks for."""

    name: str
    method: str
    proxies: tuple[str, ...]
    against: Against = "job"
    """What its items are ranked against: each other; those of an earlier job, which are kept with this one; or the
    scores of a whole space (`proxy.reference_scores`)."""
    earlier: str | None = None
    """The id of that earlier job, as whoever submitted this one calls it."""


def pack(rows: Sequence[Row]) -> bytes:
    """Rows to rank against, in the form that Redis keeps: for each proxy, the goodness of all, the worst first."""
    return np.sort(np.asarray(rows, _NUMBER).T, axis=1).tobytes()


def unpack(content: bytes, proxies: int) -> list[Ladder]:
    """What to rank against, by each of that many proxies."""
    columns = np.frombuffer(content, _NUMBER).reshape(proxies, -1)
    return [Ladder(column.tolist()) for column in columns]
