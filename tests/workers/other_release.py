"""Another release, in a process of its own: its table of proxies is not ours. Run as a script.

OTHER_PROXIES   {"name": revision} that it has otherwise, or has and we have not
OTHER_JOB       the id of a job for it to accept, as its API would; without one, it is a worker (`odd_worker`)
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from tests.workers.scoring import ROOT

ITEMS = 6


@contextmanager
def worker(url: str, proxies: dict[str, int], *, patience_s: float = 3600.0) -> Iterator[None]:
    """A worker of a release with these proxies besides ours, or instead; killed at the end."""
    with subprocess.Popen(_COMMAND, env=_environment(url, proxies, CROZE_UNSERVED_TIMEOUT=str(patience_s))) as process:
        try:
            yield
        finally:
            process.kill()
            process.wait(10)


def accept(url: str, proxies: dict[str, int], job_id: str) -> None:
    """Has such a release accept a job of `ITEMS` items."""
    subprocess.run(_COMMAND, env=_environment(url, proxies, OTHER_JOB=job_id), check=True, timeout=120)


_COMMAND = [sys.executable, "-P", "-m", "tests.workers.other_release"]


def _environment(url: str, proxies: dict[str, int], **variables: str) -> dict[str, str]:
    odd = {"ODD_DIES_AT": "", "ODD_CLOCK_S": "0", "PYTHONPATH": ROOT}
    other = {"OTHER_PROXIES": json.dumps(proxies), "QUICK_REVISION": str(proxies.get("croze", 1))}
    return {**os.environ, "CROZE_REDIS_URL": url, **odd, **other, **variables}


def main() -> int:
    from proxy.proxies import PROXIES

    for name, revision in json.loads(os.environ["OTHER_PROXIES"]).items():
        PROXIES[name] = replace(PROXIES["croze"], name=name, revision=revision)
    # Only now: names of queues and keys follow from the table.
    from tests.workers.jobs import BATCH, new_items, new_job
    from tests.workers.odd_worker import main as work
    from workers.settings import connect
    from workers.store import Store

    if "OTHER_JOB" not in os.environ:
        return work()
    store = Store(connect(os.environ["CROZE_REDIS_URL"]))
    store.batches.put(BATCH, listed=False)
    store.jobs.create(new_job(id=os.environ["OTHER_JOB"]), new_items(ITEMS), {})
    return 0


if __name__ == "__main__":
    sys.exit(main())
