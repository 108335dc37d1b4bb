"""What an item costs Redis: memory, disk, network and processor time. `python -m benchmarks.redis_per_item`.

A job of NAS-Bench-201 cells is submitted, claimed, recorded and read back by the store itself, as the API and a worker
do it, on a real server; nothing is computed. docs/many-machines.md plans with these figures.
"""

from __future__ import annotations

import json
import secrets
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import redis
import typer

from proxy.data import load_batch
from proxy.data.spec import DEFAULT_BATCH
from proxy.spaces import get_space
from proxy.task import Environment, Score, address
from workers.embedded_redis import EmbeddedRedis
from workers.records import ItemOutcome, ItemSpec, JobSpec
from workers.settings import connect
from workers.store import Store

_ENVIRONMENT: Final = Environment(device="cpu", capability="AVX512", torch="2.13.0")
#: About as many cells as a second's work.
_CHUNK: Final = 6
_PAGE: Final = 1000
_PATIENCE_S: Final = 60.0


@dataclass(frozen=True)
class Cost:
    """Of one item, on average. Sizes are in bytes."""

    open_memory: int
    """Held for an item that has not ended."""
    job_memory: int
    """Held for one that has, until its job expires."""
    cache_memory: int
    """Held for its score, until that was not used for long enough."""
    received: int
    """Sent to Redis from its submission to its result's being read."""
    sent: int
    """Sent by Redis."""
    appended: int
    """Written to the append-only file, before that is rewritten."""
    processor_us: int
    """Microseconds of Redis' processor time."""


def measure(items: int) -> Cost:
    """Let that many items go through a server that holds nothing else."""
    with tempfile.TemporaryDirectory(prefix="croze-") as folder, EmbeddedRedis(Path(folder)) as server:
        raw, store = redis.Redis.from_url(server.url), Store(connect(server.url))
        spec, specs = _job(items)
        store.batches.put(load_batch(DEFAULT_BATCH))
        # The server keeps the scripts that it has run once.
        first, few = _job(1)
        store.jobs.create(first, few, {})
        _work(store, first)
        store.jobs.delete(first.id)
        before = _usage(raw)
        store.jobs.create(spec, specs, {})
        accepted = _usage(raw)
        _work(store, spec)
        for start in range(0, items, _PAGE):
            store.jobs.items(spec.id, start, _PAGE)
        done = _usage(raw)
        store.jobs.delete(spec.id)
        forgotten = _usage(raw)
    all_of_it = {name: (done[name] - before[name]) / items for name in before}
    return Cost(
        open_memory=round((accepted["used_memory"] - before["used_memory"]) / items),
        job_memory=round((done["used_memory"] - forgotten["used_memory"]) / items),
        cache_memory=round((forgotten["used_memory"] - before["used_memory"]) / items),
        received=round(all_of_it["total_net_input_bytes"]),
        sent=round(all_of_it["total_net_output_bytes"]),
        appended=round(all_of_it["aof_current_size"]),
        processor_us=round(1e6 * (all_of_it["used_cpu_user"] + all_of_it["used_cpu_sys"])),
    )


def _job(items: int) -> tuple[JobSpec, list[ItemSpec]]:
    space, batch = get_space("nasbench201"), load_batch(DEFAULT_BATCH)
    settings = space.complete_settings({}, batch.classes)
    specs = []
    for index in range(items):
        architecture = space.parse(index, "nats_tss_index").architecture
        counts = space.counts(architecture, settings, batch.image)
        specs.append(
            ItemSpec(
                index=index,
                architecture=architecture.canonical,
                format="nats_tss_index",
                params=counts.params,
                macs=counts.macs,
                facts=space.facts(architecture),
            )
        )
    job = JobSpec(
        id=secrets.token_hex(16),
        space=space.name,
        settings=settings,
        proxies=("croze",),
        seed=0,
        batch=batch.digest,
        batch_name=batch.name,
        precision="float32",
    )
    return job, specs


def _work(store: Store, job: JobSpec) -> None:
    """As a worker does, with scores that are made up and as long as real ones."""
    while claims := store.jobs.claim(job.id, "host-4711-0a1b2c", _CHUNK):
        for index, task in ((claim.item.index, job.task(claim.item.architecture)) for claim in claims):
            where = address(task, "croze", _ENVIRONMENT)
            store.scores.reserve("host-4711-0a1b2c", [where], [])
            score = _score(job, index)
            outcome = ItemOutcome(status="scored", scores={"croze": score.to_json()})
            store.jobs.record(job.id, "host-4711-0a1b2c", index, outcome, {where: score})
            store.scores.free("host-4711-0a1b2c", [where])


def _score(job: JobSpec, index: int) -> Score:
    return Score(
        proxy="croze",
        status="scored",
        value=index + 1 / 3,
        direction="higher_is_better",
        components=dict.fromkeys(("features", "parameters", "gradients"), 100 / (index + 3)),
        batch=job.batch,
        seed=job.seed,
        precision=job.precision,
        computed_in=job.precision,
        revision=1,
        environment=_ENVIRONMENT,
        seconds=0.160123,
    )


def _usage(raw: redis.Redis) -> dict[str, float]:
    found: Any = raw.info("everything")
    deadline = time.monotonic() + _PATIENCE_S
    # What is deleted is given back by a thread of the server's, a little later.
    while found["lazyfree_pending_objects"] and time.monotonic() < deadline:
        time.sleep(0.01)
        found = raw.info("everything")
    names = ("used_memory", "total_net_input_bytes", "total_net_output_bytes", "aof_current_size")
    usage = {name: float(found[name]) for name in (*names, "used_cpu_user", "used_cpu_sys")}
    # Buffers come and go.
    usage["used_memory"] -= found["mem_clients_normal"] + found["mem_aof_buffer"]
    return usage


def main(items: Annotated[int, typer.Argument(min=2, max=15_625, help="Cells in the job.")] = 15_625) -> None:
    """Print what an item costs Redis, as JSON."""
    typer.echo(json.dumps(asdict(measure(items)), indent=2))


if __name__ == "__main__":
    typer.run(main)
