"""Plans by hand: a service that answers as a test says, a clock that only pauses move, and all that was asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from croze_client.jobs import explained
from croze_client.patience import Patience
from croze_client.steps import Ask, Emit, Lost, Pause, Plan, Read, Reply

Answer = Reply | Lost | bytes


def good(body: Any, status: int = 200) -> Reply:
    return Reply(status, {}, json.dumps(body).encode())


def problem(status: int, code: str, detail: str = "it is wrong; mend it", **headers: str) -> Reply:
    body = {"code": code, "detail": detail, "title": "Wrong", "status": status, "request_id": "r"}
    return Reply(status, {name.replace("_", "-"): text for name, text in headers.items()}, json.dumps(body).encode())


def job(status: str = "queued", total: int = 3, **counts: int) -> dict[str, Any]:
    """A job as the service would say it, as far as this client reads it."""
    usual = {"total": total, "queued": 0, "running": 0, "scored": 0, "failed": 0, "canceled": 0}
    return {"id": "job-1", "status": status, "counts": usual | counts, "space": "nasbench201", "proxies": ["croze"]}


def item(index: int) -> dict[str, Any]:
    return {"index": index, "status": "scored", "space": "nasbench201", "scores": {}}


def event(name: str, event_id: object, data: Any) -> bytes:
    return f"event: {name}\nid: {event_id}\ndata: {json.dumps(data)}\n\n".encode()


@dataclass
class Script:
    """What the service answers, one after the other. The last answer is given again and again."""

    answers: list[Answer]
    asked: list[Ask] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    emitted: list[Any] = field(default_factory=list)
    now: float = 0.0

    def patience(self, **limits: float) -> Patience:
        return Patience(clock=lambda: self.now, **limits)

    def run(self, plan: Plan[Any]) -> Any:
        """What the plan ends with."""
        answers = self._each()
        plan, came = explained(plan), None
        try:
            while True:
                came = self._came_of(plan.send(came), answers)
        except StopIteration as stop:
            return stop.value

    def _came_of(self, step: object, answers: Iterator[Answer]) -> Any:
        match step:
            case Ask():
                self.asked.append(step)
                return next(answers)
            case Read():
                return next(answers)
            case Pause():
                self.pauses.append(step.seconds)
                self.now += step.seconds
            case Emit():
                self.emitted.append(step.value)
        return None

    def _each(self) -> Iterator[Answer]:
        yield from self.answers
        while True:
            yield self.answers[-1]
