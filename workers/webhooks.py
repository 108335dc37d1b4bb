"""Webhooks and their deliveries, as Redis keeps them: records, as those of `workers/records.py`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

WebhookEvent: TypeAlias = Literal["job.completed", "job.canceled"]
DeliveryStatus: TypeAlias = Literal["waiting", "delivered", "given_up"]
DeliveryOutcome: TypeAlias = Literal["delivered", "failed", "given_up"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Whom to tell of a job's end."""

    url: str
    secret: str = field(repr=False)
    """`whsec_` and base64. In no answer and no log."""
    events: tuple[WebhookEvent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryLease:
    """A webhook delivery that one process is to make now."""

    job: str
    """The job's id."""
    id: str
    """Of the delivery, whatever the attempt."""
    type: str
    failures: int
    """Attempts that failed before, since it was last asked for."""
    holder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryAttempt:
    """One attempt to make a delivery."""

    at: float
    """When it began, by Redis' clock."""
    status_code: int | None
    """What the receiver answered; None if it did not."""
    error: str | None
    """Why that is no success; None if it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A webhook delivery now."""

    id: str
    type: str
    status: DeliveryStatus
    attempts: tuple[DeliveryAttempt, ...]
    """Oldest first."""
    next_attempt_at: float | None
    """By Redis' clock; when the lease ends, if an attempt is being made. None if there will be none."""
