"""Optuna: trials are asked for some at a time, scored as one job, and told as they finish."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Unpack

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.trial import TrialState

from croze_client.client import Client
from croze_client.encodings import Encoding
from croze_client.errors import BadInput
from croze_client.objectives import Objectives
from croze_client.submission import Options


def distributions(encoding: Encoding) -> dict[str, BaseDistribution]:
    """The space for `study.ask`: one categorical parameter for each variable."""
    return {each.name: CategoricalDistribution(each.choices) for each in encoding.variables}


def optimize(
    study: optuna.Study,
    client: Client,
    encoding: Encoding,
    n_trials: int,
    *,
    at_once: int = 32,
    objectives: Sequence[str] = ("croze",),
    **options: Unpack[Options],
) -> None:
    """Run that many trials.

    A trial whose architecture has no score has failed, and the study goes on. Each trial carries the user attributes
    `architecture` (canonical form), `params` and `macs`. The same architecture twice is no cost: it is known.

    Args:
        study: its directions are yours to set: croze is to be maximised, sizes minimised.
        at_once: trials asked for at a time: larger is faster, smaller lets the sampler learn more often.
        objectives: proxies, params or macs; as many as the study has directions.

    Raises:
        BadInput: the numbers of objectives and directions differ.
        CrozeError: the service refuses, or is away. The trials in hand have failed, and no other is touched.
    """
    wanted = Objectives.of(objectives)
    if len(wanted.names) != len(study.directions):
        raise BadInput(
            f"{len(wanted.names)} objectives for a study of {len(study.directions)} directions", "give one for each"
        )
    space = distributions(encoding)
    asked = 0
    while asked < n_trials:
        trials = [study.ask(space) for _ in range(min(at_once, n_trials - asked))]
        asked += len(trials)
        _score(study, client, encoding, trials, wanted, wanted.options(encoding.options(options)))


def _score(
    study: optuna.Study,
    client: Client,
    encoding: Encoding,
    trials: list[optuna.Trial],
    wanted: Objectives,
    options: Options,
) -> None:
    open_trials = dict(enumerate(trials))
    genotypes = [encoding.genotype(trial.params) for trial in trials]
    try:
        for result in client.score_iter(genotypes, **options):
            trial = open_trials.pop(result.index)
            for name in ("architecture", "params", "macs"):
                trial.set_user_attr(name, getattr(result, name))
            values = wanted.values(result)
            if values is None:
                trial.set_user_attr("error", str(result.reason))
                study.tell(trial, state=TrialState.FAIL)
            else:
                study.tell(trial, values)
    finally:
        for trial in open_trials.values():  # something is wrong: none is to stay open in the storage
            with suppress(Exception):
                study.tell(trial, state=TrialState.FAIL)
