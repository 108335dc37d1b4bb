"""Ax 1: a runner and metrics for `Client.run_trials`. Each trial is one job of the service."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final, Unpack
from uuid import uuid4

from ax.api.configs import ChoiceParameterConfig
from ax.api.protocols.metric import IMetric
from ax.api.protocols.runner import IRunner
from ax.core.base_trial import BaseTrial
from ax.core.trial_status import TrialStatus
from ax.storage.json_store.registry import CORE_DECODER_REGISTRY, CORE_ENCODER_REGISTRY

from croze_client.client import Client
from croze_client.encodings import Encoding
from croze_client.errors import BadInput, JobGone, JobUnknown, ServiceUnreachable, WaitTimeout
from croze_client.objectives import Objectives
from croze_client.results import ItemResult
from croze_client.submission import Options

#: Seconds that a look at a trial waits for its end: most end sooner than Ax would look again.
_LOOK_S: Final = 0.25
#: How often a job that the service took and then forgot is submitted again.
_MAX_RESUBMISSIONS: Final = 3
_log = logging.getLogger(__name__)


def parameters(encoding: Encoding) -> list[ChoiceParameterConfig]:
    """The space for `configure_experiment`: one choice without an order for each variable."""
    return [
        ChoiceParameterConfig(name=each.name, values=list(each.choices), parameter_type="str", is_ordered=False)
        for each in encoding.variables
    ]


class CrozeRunner(IRunner):  # type: ignore[misc, unused-ignore]
    """For `ax.configure_runner(runner)` and `ax.configure_metrics(runner.metrics())`.

    A metric is named as its objective and has the value that the service gives: `configure_optimization("croze")`
    maximises it, "croze, -macs" looks for a front. A trial whose architecture has no score has failed, and the others
    go on; `run_trials` ends the search if more than its `tolerated_trial_failure_rate` do. A service that is away
    leaves its trials running: they are looked at again.

    `ax.save_to_json_file` saves all but the way to the service. Give that to what is loaded, by the same two calls:
    trials that run then are found again.
    """

    def __init__(
        self,
        client: Client,
        encoding: Encoding,
        objectives: Sequence[str] = ("croze",),
        **options: Unpack[Options],
    ) -> None:
        super().__init__()
        self._client = client
        self._encoding = encoding
        self._wanted = Objectives.of(objectives)
        self._options = self._wanted.options(encoding.options(options))
        self._ended: dict[str, ItemResult] = {}
        self._forgotten: Counter[str] = Counter()

    def metrics(self) -> list[CrozeMetric]:
        """One for each objective."""
        return [CrozeMetric(name, self) for name in self._wanted.names]

    def run_trial(self, trial_index: int, parameterization: Mapping[str, Any]) -> dict[str, Any]:
        """Submit the trial; what it says of it is enough for another process to go on with it.

        Raises:
            CrozeError: the service refuses, or is away for longer than the client's patience.
        """
        metadata = {"job_id": f"ax-{uuid4().hex}", "architecture": self._encoding.genotype(parameterization)}
        self._submit(metadata)
        return metadata

    def poll_trial(self, trial_index: int, trial_metadata: Mapping[str, Any]) -> TrialStatus:
        """Whether there is a value for each objective, or there will never be one, or nobody knows yet."""
        try:
            result = self._result(trial_metadata)
        except (WaitTimeout, ServiceUnreachable) as error:
            _log.debug("trial %d: %s", trial_index, error)
            return TrialStatus.RUNNING
        except JobUnknown:
            return self._submit_again(trial_metadata)
        except JobGone as error:
            _log.warning("trial %d has failed: %s", trial_index, error)
            return TrialStatus.FAILED
        return TrialStatus.FAILED if self._wanted.values(result) is None else TrialStatus.COMPLETED

    def poll_exception(self, trial: BaseTrial) -> str:
        """Why a trial has failed."""
        result = self._ended.get(trial.run_metadata.get("job_id", ""))
        return "the service has forgotten its job" if result is None else str(result.reason)

    def stop_trial(self, trial_index: int, trial_metadata: Mapping[str, Any]) -> dict[str, Any]:
        """Cancel the trial's job."""
        self._client.cancel(trial_metadata["job_id"])
        return {}

    def value(self, trial_metadata: Mapping[str, Any], objective: str) -> float:
        """The value of a trial that has completed. Raises CrozeError, LookupError."""
        value = self._result(trial_metadata).value(objective)
        if value is None:
            raise LookupError(f"{trial_metadata['job_id']} has no {objective}")
        return float(value)

    def _result(self, metadata: Mapping[str, Any]) -> ItemResult:
        job_id = metadata["job_id"]
        if job_id not in self._ended:
            self._client.wait(job_id, timeout=_LOOK_S)
            (self._ended[job_id],) = self._client.results(job_id)
        return self._ended[job_id]

    def _submit(self, metadata: Mapping[str, Any]) -> None:
        self._client.submit([metadata["architecture"]], job_id=metadata["job_id"], **self._options)

    def _submit_again(self, metadata: Mapping[str, Any]) -> TrialStatus:
        """The service does not know a job that it took: its Redis was replaced by a copy that lagged behind."""
        job_id = metadata["job_id"]
        self._forgotten[job_id] += 1
        if self._forgotten[job_id] > _MAX_RESUBMISSIONS:
            return TrialStatus.FAILED
        self._submit(metadata)
        return TrialStatus.RUNNING


class CrozeMetric(IMetric):  # type: ignore[misc, unused-ignore]
    """One objective of a runner's trials."""

    def __init__(self, name: str, runner: CrozeRunner) -> None:
        super().__init__(name=name)
        self._runner = runner

    def fetch(self, trial_index: int, trial_metadata: Mapping[str, Any]) -> tuple[int, float]:
        """Progression 0, for there is one value a trial, and that."""
        return 0, self._runner.value(trial_metadata, self.name)


class _Unconfigured(IRunner):  # type: ignore[misc, unused-ignore]
    """In the place of the runner of an experiment that was loaded from a file."""

    def run_trial(self, trial_index: int, parameterization: Mapping[str, Any]) -> dict[str, Any]:
        raise _unconfigured()

    def poll_trial(self, trial_index: int, trial_metadata: Mapping[str, Any]) -> TrialStatus:
        raise _unconfigured()

    def stop_trial(self, trial_index: int, trial_metadata: Mapping[str, Any]) -> dict[str, Any]:
        raise _unconfigured()


def _unconfigured() -> BadInput:
    return BadInput(
        "this experiment was loaded from a file, which holds no client",
        "call configure_runner with a CrozeRunner, and configure_metrics with its metrics",
    )


# Ax refuses to save what it finds no entry for.
CORE_ENCODER_REGISTRY |= {
    CrozeRunner: lambda _: {"__type": "CrozeRunner"},
    _Unconfigured: lambda _: {"__type": "CrozeRunner"},
    CrozeMetric: lambda metric: {"__type": "Metric", "name": metric.name},
}
CORE_DECODER_REGISTRY["CrozeRunner"] = _Unconfigured
