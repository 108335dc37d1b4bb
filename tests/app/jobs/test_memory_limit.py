"""What would need more memory than the limit is refused before it is queued."""

from __future__ import annotations

from pydantic import ByteSize

from app.settings import Settings
from proxy.data import load_batch
from proxy.data.spec import DEFAULT_BATCH
from proxy.spaces import SPACES
from tests.app.conftest import Serve
from tests.app.driving import CELL, submit
from tests.app.jobs.test_bad_input import check_refused


def test_memory_limit_is_a_setting(serve: Serve, redis_url: str) -> None:
    api = serve(Settings(redis_url=redis_url, memory_limit="1MiB"))  # type: ignore[arg-type]

    check_refused(submit(api), 422, "too_large", ["0.0 GiB", "fewer"])


def test_memory_limit_holds_for_float32_as_it_may_be_computed_in_float64(serve: Serve, redis_url: str) -> None:
    needed = _memory_needed()
    fits = serve(Settings(redis_url=redis_url, memory_limit=ByteSize(needed)))
    too_tight = serve(Settings(redis_url=redis_url, memory_limit=ByteSize(needed - 1)))

    assert submit(fits, precision="float32").status_code == 202
    check_refused(submit(too_tight, precision="float32"), 422, "too_large", ["fewer"])


def test_memory_limit_holds_for_the_proxy_that_needs_most(serve: Serve, redis_url: str) -> None:
    api = serve(Settings(redis_url=redis_url, memory_limit=ByteSize(2 * _memory_needed())))

    assert submit(api, proxies=["croze", "snip"]).status_code == 202
    check_refused(submit(api, proxies=["croze", "grasp"]), 422, "too_large", ["fewer"])
    check_refused(submit(api, aggregate={"proxies": ["croze", "grasp"]}), 422, "too_large", ["fewer"])


def _memory_needed() -> int:
    """Bytes that the default batch and settings are estimated to need in float64."""
    batch, space = load_batch(DEFAULT_BATCH), SPACES["nasbench201"]
    architecture = space.parse(CELL).architecture
    per_network, per_image = space.peak_numbers(architecture, space.complete_settings({}, 10), batch.image)
    return (per_network + batch.size * per_image) * 8
