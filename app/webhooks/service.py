"""What can be done about a job's deliveries, apart from HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.answers import timestamp
from app.errors import ApiError
from app.validation import brief
from app.webhooks.addresses import locate
from proxy.json_types import JsonObject
from workers.webhooks import Delivery, Webhook

if TYPE_CHECKING:
    from app.jobs.service import Jobs
    from app.settings import Settings
    from app.webhooks.schemas import WebhookRequest


class UnknownDelivery(ApiError):
    """The job has no such delivery."""

    code = "unknown_delivery"


def check_webhook(request: WebhookRequest | None, settings: Settings) -> Webhook | None:
    """What a job keeps of its webhook.

    Raises:
        WebhookRefused: its URL leads where nothing is sent.
    """
    if request is None:
        return None
    locate(request.url, allow_private=settings.webhook_allow_private)
    return Webhook(url=request.url, secret=request.secret, events=tuple(request.events))


def deliveries(jobs: Jobs, job_id: str) -> list[Delivery]:
    """All deliveries of a job: one at most, for it ends once.

    Raises:
        UnknownJob, JobExpired, JobDeleted: as for `Jobs.get`.
    """
    found = jobs.store.deliveries.get(jobs.get(job_id).spec.id)
    return [] if found is None else [found]


def redeliver(jobs: Jobs, job_id: str, delivery_id: str) -> Delivery:
    """Make a delivery due now, whatever became of it.

    Raises:
        UnknownDelivery: the job has none of that id.
        UnknownJob, JobExpired, JobDeleted: as for `Jobs.get`.
    """
    stored = jobs.get(job_id).spec.id
    # No id of ours is longer, or of other letters.
    known = delivery_id.isascii() and jobs.store.deliveries.redeliver(stored, delivery_id)
    found = jobs.store.deliveries.get(stored) if known else None
    if found is None:
        raise UnknownDelivery(
            f"job {brief(job_id)} has no delivery {brief(delivery_id)}; GET /v1/jobs/{{id}}/deliveries lists all"
        )
    return found


def delivery_json(delivery: Delivery) -> JsonObject:
    """A delivery as `schemas.DeliveryView`."""
    return {
        "id": delivery.id,
        "type": delivery.type,
        "status": delivery.status,
        "attempts": [
            {"at": timestamp(each.at), "status_code": each.status_code, "error": each.error}
            for each in delivery.attempts
        ],
        "next_attempt_at": timestamp(delivery.next_attempt_at),
    }
