"""A score's place among all architectures of its space: worked out whenever it is shown, never kept with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proxy.json_types import JsonObject
from proxy.reference_scores import Conditions, find_reference
from workers.records import JobSpec


def reference_json(score: Mapping[str, Any], job: JobSpec) -> JsonObject | None:
    """As `schemas.ReferenceView`; None for a score that has no value, or conditions of which no distribution is known.

    Args:
        score: `proxy.task.Score` as JSON.
        job: that it was computed for.
    """
    if score["value"] is None:
        return None
    reference = find_reference(
        Conditions(
            space=job.space,
            settings=job.settings,
            proxy=score["proxy"],
            revision=score["revision"],
            batch=score["batch"],
            seed=score["seed"],
            precision=score["precision"],
        )
    )
    if reference is None:
        return None
    place = reference.place(score["value"])
    return {"percentile": place.percentile, "rank": place.rank, "of": place.of}
