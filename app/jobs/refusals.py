"""Why something cannot be done with a job."""

from __future__ import annotations

from app.errors import ApiError


class JobExpired(ApiError):
    """There was such a job, and its time is over."""

    code = "job_expired"


class JobDeleted(ApiError):
    """There was such a job, and its owner has deleted it."""

    code = "job_deleted"


class JobIdTaken(ApiError):
    """The id belongs to a job that this caller does not see."""

    code = "job_id_taken"


class JobNotEnded(ApiError):
    """This can be done only after the job has ended."""

    code = "job_not_ended"


class NothingToRetry(ApiError):
    """No item of the job has failed in a way that another try could mend."""

    code = "nothing_to_retry"


class UnknownScore(ApiError):
    """No score of that digest is remembered."""

    code = "unknown_score"


class UnknownReference(ApiError):
    """There is nothing of that name to rank against, or nothing at these conditions."""

    code = "unknown_reference"


class ReferenceMismatch(ApiError):
    """What the aggregate is to be ranked against was scored under other conditions, or has too few scores."""

    code = "reference_mismatch"


class IdempotencyMismatch(ApiError):
    """The key or the id was used before, for another request."""

    code = "idempotency_mismatch"
