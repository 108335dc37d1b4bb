"""What Redis says of jobs, items and workers, as Prometheus metrics. docs/metrics.md explains each.

Read when somebody asks, by one script: nothing here has to be kept in step with anything, and every API process
tells the same.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable
from typing import Final, get_args

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from workers.errors import StoreError
from workers.figures import Figures, Histogram
from workers.records import SeenWorker, WorkerState
from workers.store import Store

#: Of a worker whose first engine is not ready.
_NO_DEVICE: Final = "unknown"

log = logging.getLogger("croze.api")


class FiguresCollector(Collector):
    """All that Redis knows; or, while it is away or there is no store to be asked, just that."""

    def __init__(self, store: Store | None) -> None:
        self._store = store

    def collect(self) -> Iterable[Metric]:
        figures = self._read()
        up = "Whether Redis answered; if not, only what this process knows by itself is here"
        yield GaugeMetricFamily("croze_redis_up", up, figures is not None)
        if figures is not None:
            yield from _of_queue(figures)
            yield from _of_work(figures)
            yield from _of_workers(figures.workers)

    def _read(self) -> Figures | None:
        if self._store is None:
            return None
        try:
            return self._store.figures()
        except StoreError as error:
            log.warning("no figures: %s", error.message)
            return None


def _of_queue(figures: Figures) -> Iterable[Metric]:
    items = GaugeMetricFamily("croze_queue_items", "Items of unfinished jobs that have not ended", labels=["state"])
    items.add_metric(["open"], figures.items_open)
    items.add_metric(["leased"], figures.items_leased)
    yield items
    unserved = "Open items that no worker alive can score"
    yield GaugeMetricFamily("croze_queue_items_unserved", unserved, figures.items_unserved)
    jobs = GaugeMetricFamily("croze_jobs", "Unfinished jobs", labels=["state"])
    jobs.add_metric(["queued"], figures.jobs_queued)
    jobs.add_metric(["running"], figures.jobs_running)
    yield jobs
    age = "Age of the oldest job that has an open item; 0 if none has"
    yield GaugeMetricFamily("croze_queue_oldest_item_age_seconds", age, figures.oldest_open_seconds)


def _of_work(figures: Figures) -> Iterable[Metric]:
    yield CounterMetricFamily("croze_jobs_created", "Jobs accepted", figures.jobs["created"])
    jobs = CounterMetricFamily("croze_jobs_ended", "Jobs ended", labels=["outcome"])
    for outcome in ("completed", "canceled"):
        jobs.add_metric([outcome], figures.jobs[outcome])
    yield jobs
    items = CounterMetricFamily("croze_items", "Items ended", labels=["outcome", "code"])
    for labels, number in sorted(figures.items.items()):
        items.add_metric(labels, number)
    yield items
    scores = CounterMetricFamily("croze_scores", "Scores given to items, by where they came from", labels=["source"])
    for source, number in sorted(figures.scores.items()):
        scores.add_metric([source], number)
    yield scores
    yield _histogram("croze_item_queue_seconds", "From a job's creation to an item's first claim", figures.queue)
    yield _histogram("croze_item_compute_seconds", "Computing an item's scores", figures.compute)
    yield from _of_deliveries(figures)
    yield CounterMetricFamily("croze_engine_deaths", "Engines that died over an item", figures.engine_deaths)
    yield CounterMetricFamily("croze_lease_expiries", "Leases that ran out", figures.lease_expiries)


def _of_deliveries(figures: Figures) -> Iterable[Metric]:
    made = CounterMetricFamily("croze_webhook_deliveries", "What became of attempts to deliver", labels=["outcome"])
    for outcome, number in sorted(figures.deliveries.items()):
        made.add_metric([outcome], number)
    yield made
    waiting = "Webhook deliveries that are to be made"
    yield GaugeMetricFamily("croze_webhook_deliveries_waiting", waiting, figures.deliveries_waiting)


def _of_workers(workers: Iterable[SeenWorker]) -> Iterable[Metric]:
    number = GaugeMetricFamily("croze_workers", "Workers that are alive", labels=["state", "device"])
    age = GaugeMetricFamily("croze_worker_heartbeat_age_seconds", "Since a worker's last heartbeat", labels=["worker"])
    scored = CounterMetricFamily("croze_worker_items_scored", "Items that a worker has scored", labels=["worker"])
    restarts = CounterMetricFamily("croze_worker_engine_restarts", "Engines after the first", labels=["worker"])
    memory = GaugeMetricFamily("croze_worker_engine_memory_bytes", "Memory that an engine holds", labels=["worker"])
    found: Counter[tuple[str, str]] = Counter()
    for seen in workers:
        record = seen.record
        found[record.state, _device(seen)] += 1
        age.add_metric([record.id], seen.beat_age)
        scored.add_metric([record.id], record.scored)
        restarts.add_metric([record.id], record.engine_restarts)
        if record.engine_memory is not None:
            memory.add_metric([record.id], record.engine_memory)
    # A state that no worker is in is 0, not absent: else nothing could be told of "no worker is idle".
    for device in sorted({device for _, device in found} or {_NO_DEVICE}):
        for state in get_args(WorkerState):
            number.add_metric([state, device], found[state, device])
    yield from (number, age, scored, restarts, memory)


def _device(seen: SeenWorker) -> str:
    environment = seen.record.environment
    return _NO_DEVICE if environment is None else environment.device


def _histogram(name: str, documentation: str, histogram: Histogram) -> HistogramMetricFamily:
    buckets = [(bound.replace("inf", "+Inf"), float(below)) for bound, below in histogram.buckets]
    return HistogramMetricFamily(name, documentation, buckets=buckets, sum_value=histogram.sum)
