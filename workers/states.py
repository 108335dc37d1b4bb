"""The states of jobs and items, and every way from one to another.

The scripts of `workers/store` make these changes, each in one step; docs/state-machine.md draws them, and tests hold
both to this table. Nothing leads out of an end but forgetting: what has ended never changes.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from workers.records import ItemStatus, JobStatus

#: Before there is anything.
START: Final = "[*]"

Tombstone: TypeAlias = Literal["expired", "deleted"]

#: (from, to) -> what does it.
JOB_CHANGES: Final[dict[tuple[JobStatus | Tombstone | Literal["[*]"], JobStatus | Tombstone | Literal["[*]"]], str]] = {
    (START, "queued"): "submit",
    (START, "completed"): "submit, all known",
    ("queued", "running"): "first claim",
    ("running", "completed"): "last outcome",
    ("queued", "canceled"): "cancel",
    ("running", "canceled"): "cancel",
    ("completed", "expired"): "retention ends",
    ("canceled", "expired"): "retention ends",
    ("completed", "deleted"): "delete",
    ("canceled", "deleted"): "delete",
    ("expired", START): "tombstone ends",
    ("deleted", START): "tombstone ends",
}

ITEM_CHANGES: Final[dict[tuple[ItemStatus | Literal["[*]"], ItemStatus], str]] = {
    (START, "queued"): "submit",
    (START, "scored"): "submit, known",
    (START, "failed"): "submit, not an architecture",
    ("queued", "running"): "claim",
    ("running", "queued"): "handed back, or lease ended",
    ("running", "scored"): "outcome",
    ("running", "failed"): "outcome",
    ("queued", "scored"): "outcome after the lease",
    ("queued", "failed"): "outcome after the lease, or no worker left that can",
    ("queued", "canceled"): "cancel",
    ("running", "canceled"): "cancel",
}
