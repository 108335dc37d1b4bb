"""Syne Tune: a backend for its Tuner. Trials that are started together are one job, and told as they finish."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Final, Unpack

from syne_tune.backend.trial_backend import TrialBackend
from syne_tune.backend.trial_status import Status, TrialResult
from syne_tune.config_space import choice
from syne_tune.constants import ST_WORKER_TIMESTAMP

from croze_client.client import Client
from croze_client.encodings import Encoding
from croze_client.errors import BadInput, CrozeError
from croze_client.objectives import Objectives
from croze_client.results import ItemResult, Job
from croze_client.submission import Options

#: The loss of an architecture without a score: worse than any, and finite, because statistics are made of losses.
FAILED: Final = 1e30
#: Seconds that a look at trials waits for the first of them to end. The Tuner does nothing else meanwhile.
_LOOK_S: Final = 1.0


def config_space(encoding: Encoding) -> dict[str, Any]:
    """The space for schedulers: one `choice` for each variable."""
    return {each.name: choice(list(each.choices)) for each in encoding.variables}


class CrozeBackend(TrialBackend):  # type: ignore[misc, unused-ignore]
    """`Tuner(CrozeBackend(client, encoding), scheduler, stop_criterion, n_workers=32, sleep_time=0)`.

    `n_workers` trials are asked for at a time. It waits for results itself, so the Tuner's own sleep, of five seconds
    if it is not told otherwise, only costs time.

    Schedulers minimise one and all of their metrics, unless told otherwise: `croze_loss` is what to give them, minus
    the score, and `macs_loss` beside it if that is an objective. Each trial also reports its objectives as the service
    gives them, `architecture`, `params` and `macs`. A trial whose architecture has no score completes with the loss
    `failed`; a failed trial would count against the Tuner's `max_failures`, and end the search.

    A Tuner that is saved is saved without the client. Give one to what is loaded: `tuner.trial_backend.client`.
    """

    def __init__(
        self,
        client: Client,
        encoding: Encoding,
        objectives: Sequence[str] = ("croze",),
        *,
        failed: float = FAILED,
        **options: Unpack[Options],
    ) -> None:
        super().__init__()
        self.client: Client | None = client
        self._encoding = encoding
        self._wanted = Objectives.of(objectives)
        self._options = self._wanted.options(encoding.options(options))
        self._failed = failed
        self._waiting: dict[int, Any] = {}
        self._rounds: list[_Round] = []
        self._news: SimpleQueue[_News] = SimpleQueue()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "client": None, "_rounds": [], "_news": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _news=SimpleQueue())

    def _schedule(self, trial_id: int, config: dict[str, Any]) -> None:
        self._waiting[trial_id] = self._encoding.genotype(config)

    def _all_trial_results(self, trial_ids: list[int]) -> list[TrialResult]:
        """What there is of these trials; all that wait are sent first.

        Raises:
            CrozeError: the service refuses, or is away for longer than the client's patience.
        """
        self._send()
        for trial_id, outcome in self._heard(any(self._runs(each) for each in trial_ids)):
            if isinstance(outcome, CrozeError):
                raise outcome
            if self._runs(trial_id):
                self._end(self._trial_dict[trial_id], outcome)
        return [self._trial_dict[each] for each in trial_ids]

    def busy_trial_ids(self) -> list[tuple[int, str]]:
        return [(each, Status.in_progress) for each in self.trial_ids if self._runs(each)]

    def stop_all(self) -> None:
        """Cancel what is at work. Scores that there are stay known to the service."""
        self._waiting.clear()
        for each in self._rounds:
            each.cancel()
        self._rounds.clear()
        for trial_id, _ in self.busy_trial_ids():
            self._trial_dict[trial_id].status = Status.stopped

    def _stop_trial(self, trial_id: int, result: dict[str, Any] | None) -> None:
        self._waiting.pop(trial_id, None)
        self._trial_dict[trial_id].status = Status.stopped

    def _pause_trial(self, trial_id: int, result: dict[str, Any] | None) -> None:
        self._waiting.pop(trial_id, None)

    def _resume_trial(self, trial_id: int) -> None:
        """What it asks for again the service knows."""

    def copy_checkpoint(self, src_trial_id: int, tgt_trial_id: int) -> None:
        """There are none."""

    def delete_checkpoint(self, trial_id: int) -> None:
        """There are none."""

    def stdout(self, trial_id: int) -> list[str]:
        """None: the service keeps no log of an architecture."""
        return []

    def stderr(self, trial_id: int) -> list[str]:
        """None, as of stdout."""
        return []

    def entrypoint_path(self) -> Path:
        """No script is run; the Tuner names its folder after this."""
        return Path("croze.py")

    def set_entrypoint(self, entry_point: str) -> None:
        """Raises BadInput: what scores is the service."""
        raise BadInput(f"{entry_point!r} cannot be run by the scoring service", "use LocalBackend for scripts")

    def _runs(self, trial_id: int) -> bool:
        return bool(self._trial_dict[trial_id].status == Status.in_progress)

    def _send(self) -> None:
        if not self._waiting:
            return
        if self.client is None:
            raise BadInput(
                "this backend was loaded from a file, which holds no client", "set tuner.trial_backend.client to one"
            )
        self._rounds = [each for each in self._rounds if each.is_alive()]
        job = self.client.submit(self._waiting.values(), **self._options)
        self._rounds.append(_Round(self.client, job, list(self._waiting), self._news))
        self._waiting.clear()

    def _heard(self, wait: bool) -> list[_News]:
        """All news. Waits a moment for the first if it is told to."""
        found: list[_News] = []
        with suppress(Empty):
            found.append(self._news.get(timeout=_LOOK_S) if wait else self._news.get_nowait())
            while True:
                found.append(self._news.get_nowait())
        return found

    def _end(self, trial: TrialResult, result: ItemResult) -> None:
        metrics: dict[str, Any] = {name: getattr(result, name) for name in ("architecture", "params", "macs")}
        values = self._wanted.values(result) or [math.nan] * len(self._wanted.names)
        losses = self._wanted.losses(result, self._failed)
        for name, value, loss in zip(self._wanted.names, values, losses, strict=True):
            metrics |= {name: value, f"{name}_loss": loss}
        trial.metrics.append({**metrics, ST_WORKER_TIMESTAMP: time.time()})
        trial.status = Status.completed
        trial.training_end_time = datetime.now()


class _Round(Thread):
    """One job: tells of each of its trials when it has ended, or why none is heard of any more."""

    def __init__(self, client: Client, job: Job, trial_ids: list[int], news: SimpleQueue[_News]) -> None:
        super().__init__(name=f"croze-{job.id}", daemon=True)
        self._client, self._job, self._trial_ids, self._news = client, job, trial_ids, news
        self._enough = False
        self.start()

    def cancel(self) -> None:
        self._enough = True
        if self.is_alive():
            with suppress(CrozeError):
                self._client.cancel(self._job)

    def run(self) -> None:
        try:
            for result in self._client.stream(self._job):
                self._news.put((self._trial_ids[result.index], result))
        except Exception as error:
            if not self._enough:
                known = error if isinstance(error, CrozeError) else CrozeError(f"{type(error).__name__}: {error}")
                self._news.put((-1, known))


_News = tuple[int, ItemResult | CrozeError]
