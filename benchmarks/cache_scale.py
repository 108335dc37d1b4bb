"""All of NAS-Bench-201 over HTTP: how long it takes to accept what is unknown, and to answer what is known.

    python -m benchmarks.cache_scale                 # 15,625 architectures, 3 times
    python -m benchmarks.cache_scale --json          # one JSON document

No engine runs: the scores are made up, and written to the cache as a worker would. So this measures what the service
itself costs. Server, API and client share the machine's cores.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from typing import Any, Final

import httpx

from app.cli.local_service import LocalService
from benchmarks.own_service import own_service
from benchmarks.report import Row, report
from proxy.task import Environment, Score, address
from workers.records import ItemOutcome, JobSpec, WorkerRecord
from workers.settings import connect
from workers.store import Store

WORKER: Final = "benchmark"
ENVIRONMENT: Final = Environment(device="cpu", capability="AVX2", torch="2.13.0")
#: As a client sends it. The size of the network does not matter: no engine sees it.
REQUEST: Final = {"space": "nasbench201", "format": "nats_tss_index", "proxies": ["croze"]}


def main() -> None:
    parser = argparse.ArgumentParser(description="Known and unknown scores at scale, over HTTP.")
    parser.add_argument("--architectures", type=int, default=15_625, help="how many (default: all 15,625)")
    parser.add_argument("--repeats", type=int, default=3, help="how often what is known is asked for")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    with own_service(workers=0) as service, httpx.Client(base_url=service.url, timeout=120, trust_env=False) as client:
        rows = measure(service, client, options.architectures, options.repeats)
    report("cache_scale", {"architectures": options.architectures}, rows, as_json=options.json)


def measure(service: LocalService, client: httpx.Client, count: int, repeats: int) -> list[Row]:
    body = json.dumps({**REQUEST, "architectures": list(range(count))})
    content = {"Content-Type": "application/json"}

    def submit(status: int) -> str:
        answer = client.post("/v1/jobs", content=body, headers=content)
        assert answer.status_code == status, answer.text[:1000]
        return answer.headers["Location"]

    client.get("/v1/spaces")  # the first request pays for the connection
    unknown, job = timed(lambda: submit(202))
    with connect(service.redis_url) as connection:
        score_all(Store(connection), job.rpartition("/")[2])
    known, stream, pages = [], [], []
    for _ in range(repeats):
        seconds, job = timed(lambda: submit(200))
        known.append(seconds)
        stream.append(timed(lambda: read_stream(client, job, count))[0])  # noqa: B023 (called at once)
        pages.append(timed(lambda: read_pages(client, job, count))[0])  # noqa: B023
    both = min(map(sum, zip(known, stream, strict=True)))
    return [
        Row("unknown: submit", unknown, count / unknown),
        Row("known: submit", min(known), count / min(known)),
        Row("known: read as NDJSON", min(stream), count / min(stream)),
        Row("known: read in pages of 1,000", min(pages), count / min(pages)),
        Row("known: submit and read as NDJSON", both, count / both),
    ]


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds that the call took, and what it returned."""
    started = time.perf_counter()
    result = call()
    return time.perf_counter() - started, result


def read_stream(client: httpx.Client, job: str, count: int) -> None:
    answer = client.get(f"{job}/scores", headers={"Accept": "application/x-ndjson"})
    lines = answer.text.splitlines()
    assert len(lines) == count
    assert json.loads(lines[-1])["scores"]["croze"]["cached"]


def read_pages(client: httpx.Client, job: str, count: int) -> None:
    items, cursor = 0, None
    while items == 0 or cursor is not None:
        page = client.get(f"{job}/scores", params={"limit": 1000} | ({"cursor": cursor} if cursor else {})).json()
        items, cursor = items + len(page["items"]), page["next_cursor"]
    assert items == count


def score_all(store: Store, job_id: str) -> None:
    """Score a whole job as a worker does, with made-up scores."""
    store.fleet.beat(
        WorkerRecord(
            id=WORKER, host="here", pid=1, engine_pid=None, environment=ENVIRONMENT, state="busy", job=job_id,
            started_at=0.0, scored=0,
        )
    )  # fmt: skip
    job = store.jobs.get(job_id)
    assert job is not None
    while claims := store.jobs.claim(job_id, WORKER, 500):
        for claim in claims:
            index = claim.item.index
            score = made_up(job.spec, index)
            outcome = ItemOutcome(status="scored", scores={"croze": score.to_json()})
            where = address(job.spec.task(claim.item.architecture), "croze", ENVIRONMENT)
            assert store.jobs.record(job_id, WORKER, index, outcome, {where: score})


def made_up(job: JobSpec, index: int) -> Score:
    return Score(
        proxy="croze",
        status="scored",
        value=45646278148.781525 + index,
        direction="higher_is_better",
        components={"features": 543799.8099010378, "parameters": 12637.344599330056, "gradients": 6658.99270301098},
        batch=job.batch,
        seed=job.seed,
        precision=job.precision,
        computed_in=job.precision,
        revision=1,
        environment=ENVIRONMENT,
        seconds=0.9344881020006142,
    )


if __name__ == "__main__":
    main()
