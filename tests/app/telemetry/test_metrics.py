"""What `/metrics` says, and that docs/metrics.md lists just that."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import redis as redis_driver
from prometheus_client.parser import text_string_to_metric_families

from app.settings import Settings
from tests.app.conftest import Serve
from tests.app.driving import cells, fail, submit, submitted, work
from tests.app.fleet.test_endpoints import BUSY, NEW
from tests.workers.processes import wait_until
from workers.embedded_redis import EmbeddedRedis
from workers.settings import connect
from workers.store import Store

DOCS = Path(__file__).parents[3] / "docs" / "metrics.md"
#: `croze_queue_items{state="open"}` -> 3.0
Samples = dict[str, float]


def scrape(api: httpx.Client) -> Samples:
    """Every sample by name and labels."""
    answer = api.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = [line.rpartition(" ") for line in answer.text.splitlines() if not line.startswith("#")]
    samples = {name: float(value) for name, _, value in lines}
    assert len(samples) == len(lines), "no sample comes twice"
    return samples


def of(samples: Samples, name: str) -> Samples:
    """The samples of one metric, by their labels."""
    return {key.removeprefix(name): value for key, value in samples.items() if re.fullmatch(rf"{name}({{.*}})?", key)}


def test_an_empty_service_is_all_zeros(api: httpx.Client) -> None:
    samples = scrape(api)
    assert samples["croze_redis_up"] == 1
    assert of(samples, "croze_queue_items") == {'{state="open"}': 0, '{state="leased"}': 0}
    assert samples["croze_queue_oldest_item_age_seconds"] == 0
    assert of(samples, "croze_jobs_ended_total") == {'{outcome="completed"}': 0, '{outcome="canceled"}': 0}
    assert set(of(samples, "croze_items_total").values()) == {0}
    assert samples["croze_item_compute_seconds_count"] == 0
    states = ("starting", "idle", "busy", "draining", "sick")
    assert of(samples, "croze_workers") == {f'{{device="unknown",state="{state}"}}': 0 for state in states}


def test_the_queue_and_what_became_of_it(api: httpx.Client, store: Store) -> None:
    job_id = submitted(api, architectures=cells(5), proxies=["params", "croze"])["id"]
    work(store, job_id, 2)
    fail(store, job_id, "timeout")
    store.jobs.claim(job_id, "busy", 1)
    samples = scrape(api)
    assert of(samples, "croze_queue_items") == {'{state="open"}': 1, '{state="leased"}': 1}
    assert of(samples, "croze_jobs") == {'{state="queued"}': 0, '{state="running"}': 1}
    assert 0 < samples["croze_queue_oldest_item_age_seconds"] < 300
    assert samples['croze_items_total{code="",outcome="scored"}'] == 2
    assert samples['croze_items_total{code="timeout",outcome="failed"}'] == 1
    assert of(samples, "croze_scores_total") == {'{source="cache"}': 0, '{source="computed"}': 4}
    # Two scores of a quarter of a second make an item's half.
    assert samples['croze_item_compute_seconds_bucket{le="0.3"}'] == 0
    assert samples['croze_item_compute_seconds_bucket{le="1"}'] == 2
    assert samples["croze_item_compute_seconds_sum"] == pytest.approx(1.0)
    assert samples["croze_item_queue_seconds_count"] == 4

    api.post(f"/v1/jobs/{job_id}/cancel")
    samples = scrape(api)
    assert of(samples, "croze_queue_items") == {'{state="open"}': 0, '{state="leased"}': 0}
    assert samples['croze_items_total{code="",outcome="canceled"}'] == 2
    assert samples['croze_jobs_ended_total{outcome="canceled"}'] == 1
    assert samples["croze_jobs_created_total"] == 1


def test_scores_from_the_cache_are_told_apart(api: httpx.Client, store: Store) -> None:
    store.fleet.beat(BUSY)
    work(store, submitted(api, architectures=cells(3))["id"])
    assert submitted(api, architectures=cells(3))["status"] == "completed"
    samples = scrape(api)
    assert of(samples, "croze_scores_total") == {'{source="cache"}': 3, '{source="computed"}': 3}
    assert samples['croze_items_total{code="",outcome="scored"}'] == 6
    assert samples["croze_item_compute_seconds_count"] == 3
    assert samples['croze_jobs_ended_total{outcome="completed"}'] == 2


def test_workers_by_state_and_one_by_one(api: httpx.Client, store: Store) -> None:
    for record in (BUSY, NEW, replace(NEW, id="host-2-new")):
        store.fleet.beat(record)
    samples = scrape(api)
    assert samples['croze_workers{device="cpu",state="busy"}'] == 1
    assert samples['croze_workers{device="cpu",state="idle"}'] == 0
    assert samples['croze_workers{device="unknown",state="starting"}'] == 2
    assert samples['croze_worker_engine_restarts_total{worker="host-7-abc"}'] == 3
    assert of(samples, "croze_worker_engine_memory_bytes") == {'{worker="host-7-abc"}': 300 * 2**20}
    assert samples['croze_worker_items_scored_total{worker="host-7-abc"}'] == 41
    assert 0 <= samples['croze_worker_heartbeat_age_seconds{worker="host-1-new"}'] < 60


def test_requests_by_route_and_never_by_path(serve: Serve, redis_url: str) -> None:
    api = serve(Settings(redis_url=redis_url))
    for number in range(3):
        api.get(f"/v1/jobs/nothing-{number}")
        api.get(f"/v1/no-such-collection-{number}")
        api.request("PROPFIND", "/livez")
    expected = {
        '{method="GET",route="/v1/jobs/{job_id}",status="404"}': 3,
        '{method="GET",route="none",status="404"}': 3,
        '{method="other",route="/livez",status="405"}': 3,
    }

    def counted() -> Samples:
        found = of(scrape(api), "croze_http_requests_total")
        return {labels: value for labels, value in found.items() if "/metrics" not in labels}

    # A request is counted after its last byte, so the client may be ahead.
    assert wait_until(lambda: counted() == expected, 20), counted()
    samples = scrape(api)
    assert samples['croze_http_request_seconds_count{method="GET",route="/v1/jobs/{job_id}"}'] == 3
    assert samples["croze_http_requests_active"] >= 1  # the scrape itself
    assert not [name for name in samples if "_created" in name and "jobs_created" not in name]


def test_without_redis_a_scrape_still_answers(serve: Serve) -> None:
    api = serve(Settings(redis_url="redis://127.0.0.1:1"))
    samples = scrape(api)
    assert samples["croze_redis_up"] == 0
    assert [name for name in samples if name.startswith("croze_") and "http" not in name] == ["croze_redis_up"]
    own = 'croze_http_requests_total{method="GET",route="/metrics",status="200"}'
    assert wait_until(lambda: own in scrape(api), 20)


def test_where_keys_are_in_use_a_scrape_needs_one(serve: Serve, redis_url: str, store: Store) -> None:
    _, token = store.api_keys.add("prometheus", "read")
    api = serve(Settings(redis_url=redis_url, requests_per_minute=1))
    assert api.get("/metrics").status_code == 401
    api.headers["Authorization"] = f"Bearer {token}"
    for _ in range(3):
        assert scrape(api)["croze_redis_up"] == 1


def test_without_redis_keys_cannot_be_checked_and_redis_is_said_to_be_away(serve: Serve, tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path) as server:
        with connect(server.url) as client:
            _, token = Store(client).api_keys.add("prometheus", "read")
        api = serve(Settings(redis_url=server.url))
        api.headers["Authorization"] = f"Bearer {token}"
        assert scrape(api)["croze_redis_up"] == 1
        server.stop()
        samples = scrape(api)
        assert samples["croze_redis_up"] == 0
        assert not of(samples, "croze_items_total")


def test_a_scrape_is_one_command_however_much_there_is(
    api: httpx.Client, store: Store, redis: redis_driver.Redis
) -> None:
    assert submit(api, architectures=cells(10_000), proxies=["params"]).status_code == 202
    assert submit(api, architectures=cells(3), proxies=["params"]).status_code == 202
    scrape(api)
    redis.config_resetstat()
    samples = scrape(api)
    assert of(samples, "croze_queue_items") == {'{state="open"}': 10_003, '{state="leased"}': 0}
    calls = {name.removeprefix("cmdstat_"): int(each["calls"]) for name, each in redis.info("commandstats").items()}
    assert calls["evalsha"] == 1
    # Inside the script: a fixed number, and three for each unfinished job.
    assert sum(calls.values()) < 30, calls


def _documented() -> Iterator[tuple[str, str, str]]:
    for name, kind, labels in re.findall(r"^\| `(\w+)` \| (\w+) \|([^|]*)\|", DOCS.read_text(), re.MULTILINE):
        yield name, kind, labels.replace("`", "").replace(" ", "")


@pytest.mark.skipif(sys.platform != "linux", reason="the metrics of a process are Linux' own")
def test_every_metric_is_documented_and_no_other(api: httpx.Client, store: Store) -> None:
    store.fleet.beat(BUSY)
    fail(store, submitted(api, architectures=cells(1))["id"], "timeout")
    found = set()
    for family in text_string_to_metric_families(api.get("/metrics").text):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = {label for sample in family.samples for label in sample.labels if label != "le"}
        found.add((name, family.type, ",".join(sorted(labels))))
        assert family.documentation
    documented = [
        (name, kind, ",".join(sorted(filter(None, labels.split(","))))) for name, kind, labels in _documented()
    ]
    assert len(set(documented)) == len(documented) > 20
    assert set(documented) == found


def test_alerts_name_metrics_that_exist() -> None:
    names = {name for name, _, _ in _documented()}
    alerts = re.findall(r"^    (.*)$", DOCS.read_text(), re.MULTILINE)
    assert len(alerts) >= 4
    for name in re.findall(r"croze_\w+", "\n".join(alerts)):
        assert name in names
