"""Records as the JSON that Redis keeps, and back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from typing import Any, Final

from proxy.json_types import JsonObject
from proxy.task import Environment, Score
from workers.aggregates import AggregateSpec
from workers.records import ApiKey, ItemOutcome, ItemSpec, JobSpec, WorkerRecord
from workers.webhooks import Webhook

#: By hand, not by `asdict`: that copies deeply, and there are 20,000 of them.
_ITEM_FIELDS: Final = ("id", "architecture", "format", "params", "macs", "facts")
#: Written only where they say something.
_RARE_ITEM_FIELDS: Final = ("retried", "sent", "representative")
_SCORE_FIELDS: Final = {field.name for field in fields(Score)}
_FIELDS: Final[Mapping[type, frozenset[str]]] = {
    kind: frozenset(field.name for field in fields(kind))
    for kind in (JobSpec, ItemSpec, ItemOutcome, WorkerRecord, ApiKey)
}


def _dumps(data: object) -> str:
    # NaN is no JSON and no score: an undefined value is None, with a status.
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _loads(text: bytes) -> Any:
    # Decoded here: json.loads would first look for the encoding.
    return json.loads(text.decode())


def _known(kind: type, data: dict[str, Any]) -> dict[str, Any]:
    """The fields that this release has: a newer one, which works beside it, may have added some.

    One that changes what a job means is no such field: it raises `proxy.numerics.TASK_FORMAT`, or is a feature there.
    """
    names = _FIELDS[kind]
    return data if data.keys() <= names else {name: value for name, value in data.items() if name in names}


def job_to_json(spec: JobSpec) -> str:
    return _dumps({**asdict(spec), "settings": dict(spec.settings)})


def job_from_json(text: bytes) -> JobSpec:
    data: dict[str, Any] = _loads(text)
    webhook: dict[str, Any] | None = data.get("webhook")
    if webhook is not None:
        data["webhook"] = Webhook(**webhook | {"events": tuple(webhook["events"])})
    aggregate: dict[str, Any] | None = data.get("aggregate")
    if aggregate is not None:
        data["aggregate"] = AggregateSpec(**aggregate | {"proxies": tuple(aggregate["proxies"])})
    lists = {name: tuple(data.get(name, ())) for name in ("proxies", "seeds")}
    return JobSpec(**_known(JobSpec, data | lists))


def item_to_json(spec: ItemSpec) -> str:
    """Without its index, which is its place in the list."""
    data = {name: getattr(spec, name) for name in _ITEM_FIELDS}
    for name in _RARE_ITEM_FIELDS:
        value = getattr(spec, name)
        if value is not None:
            data[name] = value
    return _dumps(data)


def item_from_json(index: int, text: bytes) -> ItemSpec:
    data: dict[str, Any] = _loads(text)
    return ItemSpec(index=index, **_known(ItemSpec, data))


def outcome_to_json(outcome: ItemOutcome) -> str:
    data: dict[str, object] = {
        "status": outcome.status,
        "scores": dict(outcome.scores),
        "error": None if outcome.error is None else dict(outcome.error),
    }
    return _dumps({**data, "faults": list(outcome.faults)} if outcome.faults else data)


def outcome_from_json(text: bytes) -> ItemOutcome:
    data: dict[str, Any] = _loads(text)
    return ItemOutcome(**_known(ItemOutcome, data | {"faults": tuple(data.get("faults", ()))}))


def score_to_json(score: Score) -> str:
    return _dumps(score.to_json())


def known_score(text: bytes) -> JsonObject | None:
    """A remembered score as `Score.to_json` gives it, marked as cached; None if it is not of that shape.

    It stays JSON: a `Score` made of it would only be written down again.
    """
    try:
        data = _loads(text)
    except ValueError:
        return None
    if not isinstance(data, dict) or data.keys() != _SCORE_FIELDS or data["status"] != "scored":
        return None
    data["cached"] = True
    return data


def environment_to_json(environment: Environment) -> str:
    # Sorted, for it is compared as text: the same environment is one member of a set.
    return json.dumps(asdict(environment), sort_keys=True, separators=(",", ":"))


def environment_from_json(text: bytes) -> Environment:
    data: dict[str, str] = _loads(text)
    return Environment(**data)


def tags_to_text(tags: Iterable[str]) -> str:
    # Sorted: the same tags are one member of a set.
    return " ".join(sorted(tags))


def tags_from_text(text: bytes) -> frozenset[str]:
    return frozenset(text.decode().split())


def worker_to_json(record: WorkerRecord) -> str:
    return _dumps(asdict(record))


def worker_from_json(text: bytes) -> WorkerRecord:
    data: dict[str, Any] = _loads(text)
    if data["environment"] is not None:
        data["environment"] = Environment(**data["environment"])
    return WorkerRecord(**_known(WorkerRecord, data))


def api_key_to_json(key: ApiKey) -> str:
    return _dumps(asdict(key))


def api_key_from_json(text: bytes) -> ApiKey:
    data: dict[str, Any] = _loads(text)
    return ApiKey(**_known(ApiKey, data))
