"""Shapes of webhooks over HTTP."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator, Field

from app.answers import View
from app.validation import RequestModel
from app.webhooks.signing import MAX_BYTES, MIN_BYTES, key_of
from workers.webhooks import DeliveryStatus, WebhookEvent

MAX_URL_LENGTH: Final = 2000


def _is_secret(value: str) -> str:
    key_of(value)
    return value


class WebhookRequest(RequestModel):
    """Whom to tell of a job's end."""

    url: str = Field(
        min_length=1,
        max_length=MAX_URL_LENGTH,
        description=f"an http:// or https:// URL of at most {MAX_URL_LENGTH} characters, with public addresses alone",
    )
    secret: Annotated[str, AfterValidator(_is_secret)] = Field(
        max_length=100,
        repr=False,
        description=f"whsec_ and {MIN_BYTES} to {MAX_BYTES} random bytes in base64; it signs what is sent, and never "
        "comes back",
    )
    events: list[WebhookEvent] = Field(
        ["job.completed", "job.canceled"],
        min_length=1,
        max_length=2,
        description="a list of one or both of job.completed, job.canceled",
    )


class WebhookView(View):
    """Whom a job's end is told."""

    url: str
    events: list[WebhookEvent]


class AttemptView(View):
    """One attempt to deliver."""

    at: str
    status_code: int | None = Field(description="What the receiver answered; null if it did not")
    error: str | None = Field(description="Why that is no success; null if it is")


class DeliveryView(View):
    """What is sent to a webhook, and what became of it."""

    id: str = Field(description="The same as webhook-id, at each attempt")
    type: WebhookEvent
    status: DeliveryStatus
    attempts: list[AttemptView] = Field(description="Oldest first; the last 50")
    next_attempt_at: str | None = Field(description="null if there will be none")


class DeliveryList(View):
    items: list[DeliveryView]
