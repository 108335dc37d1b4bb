"""Ray Tune: a trainable. One process talks to the service, and scores together what trials ask for together."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Unpack

import ray
from ray import tune
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from croze_client.async_client import AsyncClient
from croze_client.client import Client
from croze_client.encodings import Encoding
from croze_client.objectives import Objectives
from croze_client.results import ItemResult
from croze_client.submission import Options

#: Of a processor, for each trial: it does nothing but wait. With Ray's usual 1, only as many trials as there are
#: processors would wait at a time.
_CPU: Final = 0.01
#: Seconds from one trial's question to the request, in which others may join it.
_TOGETHER_S: Final = 0.02


def param_space(encoding: Encoding) -> dict[str, Any]:
    """The space for `tune.Tuner`: one `choice` for each variable."""
    return {each.name: tune.choice(list(each.choices)) for each in encoding.variables}


def trainable(
    client: Client,
    encoding: Encoding,
    objectives: Sequence[str] = ("croze",),
    *,
    cpu: float = _CPU,
    **options: Unpack[Options],
) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """What `tune.Tuner` runs: one architecture a trial.

        tune.Tuner(
            trainable(client, NASBENCH201),
            param_space=param_space(NASBENCH201),
            tune_config=tune.TuneConfig(
                metric="croze", mode="max", num_samples=100, max_concurrent_trials=8, reuse_actors=True
            ),
        )

    Each trial is a process of Ray's, so bound them by `max_concurrent_trials`; `reuse_actors` spares most of their
    starts. None of them has a client: an actor beside this process has one, made like `client`, API key included, which
    remembers what it has scored. If it dies, Ray starts another, and what was asked is asked again.

    A trial reports its objectives as the service gives them, `architecture`, `params` and `macs`. One whose
    architecture has no score reports NaN and an `error`; searchers of Ray pass over it, and `get_best_result` too.

    Starts Ray if nobody has: call `ray.init` before if you want it another way.

    Args:
        cpu: processors that Ray reserves for a trial.
    """
    wanted = Objectives.of(objectives)
    scorer = _scorer(client, wanted.options(encoding.options(options)))

    def croze(config: dict[str, Any], scorer: Any) -> dict[str, Any]:
        return _metrics(ray.get(scorer.score.remote(encoding.genotype(config))), wanted)

    return tune.with_resources(tune.with_parameters(croze, scorer=scorer), {"cpu": cpu})  # type: ignore[no-any-return, unused-ignore]


def _metrics(result: ItemResult, wanted: Objectives) -> dict[str, Any]:
    metrics: dict[str, Any] = {name: getattr(result, name) for name in ("architecture", "params", "macs")}
    values = wanted.values(result)
    if values is None:
        return {**metrics, **dict.fromkeys(wanted.names, math.nan), "error": str(result.reason)}
    return {**metrics, **dict(zip(wanted.names, values, strict=True))}


def _scorer(client: Client, options: Options) -> Any:
    if not ray.is_initialized():
        ray.init()
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    actor = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1, scheduling_strategy=here)(_Scorer)
    return actor.remote(client.arguments(), options)


class _Scorer:
    """The actor. Its methods run in one event loop, many at a time."""

    def __init__(self, arguments: Mapping[str, Any], options: Options) -> None:
        self._score = AsyncClient(**arguments).evaluator(**options)
        self._waiting: list[tuple[Any, asyncio.Future[ItemResult]]] = []
        self._rounds: set[asyncio.Task[None]] = set()

    async def score(self, architecture: Any) -> ItemResult:
        """One result; those who ask at nearly the same time share a request. Raises CrozeError."""
        future: asyncio.Future[ItemResult] = asyncio.get_running_loop().create_future()
        self._waiting.append((architecture, future))
        if len(self._waiting) == 1:
            task = asyncio.create_task(self._round())
            self._rounds.add(task)  # the loop itself keeps none alive
            task.add_done_callback(self._rounds.discard)
        return await future

    async def _round(self) -> None:
        await asyncio.sleep(_TOGETHER_S)
        asked, self._waiting = self._waiting, []
        try:
            results = await self._score([architecture for architecture, _ in asked])
        except Exception as error:
            for _, future in asked:
                future.set_exception(error)
        else:
            for (_, future), result in zip(asked, results, strict=True):
                future.set_result(result)
