"""A real worker process with a quick engine, which dies at a named step, or whose clock is wrong. Run as a script.

The product knows nothing of it: what is odd is put over its classes here, from outside.

    ODD_DIES_AT   a name in `STEPS`: SIGKILL itself when it first gets there
    ODD_CLOCK_S   seconds that the host's clock is off, for Python and for RQ
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, NoReturn

from tests.workers import quick_engine
from tests.workers.scoring import ROOT
from workers import keys

#: Short, so that a test need not wait for long; long enough for a machine that is busy.
LEASE_S: Final = 3.0


def die(*_: object, **__: object) -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("killed")


def before(owner: type, name: str) -> None:
    """Die when the method is called."""
    setattr(owner, name, die)


def after(owner: type, name: str, when: Callable[[Any], bool] = bool) -> None:
    """Die when the method has returned something that `when` is true of."""
    real = getattr(owner, name)

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        result = real(*args, **kwargs)
        return die() if when(result) else result

    setattr(owner, name, wrapped)


def _popped() -> None:
    from workers.workbench import Workbench

    before(Workbench, "work_on")


def _claimed() -> None:
    from workers.store.jobs import Jobs

    after(Jobs, "claim")


def _computing() -> None:
    """The engine has been asked, for an item of a job, and the worker waits for its answer."""
    from workers.engine import Engine

    real = Engine.score

    def score(self: Engine, task: Any, **kwargs: Any) -> Any:
        if task.seed == quick_engine.SLOW:
            before(Engine, "_check_patience")
        return real(self, task, **kwargs)

    Engine.score = score  # type: ignore[method-assign]


def _recording() -> None:
    from workers.store.jobs import Jobs

    before(Jobs, "record")


def _sending_the_record() -> None:
    """The command is on its way, and nobody will read the answer."""
    from workers.store.scripts import Script
    from workers.store.wire import Wire

    real = Wire.script

    def script(self: Wire, script: Script, keys: Any, args: Any = ()) -> Any:
        if script is Script.RECORD:
            connection = self.connection.connection_pool.get_connection()
            send: Callable[..., None] = connection.send_command
            send("EVAL", script.read(), len(keys), *keys, *args)
            die()
        return real(self, script, keys, args)

    Wire.script = script  # type: ignore[method-assign]


def _recorded() -> None:
    from workers.store.jobs import Jobs

    after(Jobs, "record")


def _handing_back() -> None:
    from workers.store.jobs import Jobs

    after(Jobs, "release")


def _unwanted() -> None:
    """It has just learned that the job was canceled or deleted."""
    from workers.store.jobs import Jobs

    after(Jobs, "is_wanted", lambda wanted: not wanted)
    after(Jobs, "renew", lambda wanted: not wanted)


def _reconciling() -> None:
    """It has the turn to ring forgotten jobs, and knows them, and rings none."""
    from workers.store.jobs import Jobs

    after(Jobs, "unrung")


STEPS: Final[dict[str, Callable[[], None]]] = {
    "popped": _popped,
    "claimed": _claimed,
    "computing": _computing,
    "recording": _recording,
    "sending_the_record": _sending_the_record,
    "recorded": _recorded,
    "handing_back": _handing_back,
    "unwanted": _unwanted,
    "reconciling": _reconciling,
}


@contextmanager
def odd_worker(url: str, *, dies_at: str = "", clock_s: float = 0.0) -> Iterator[subprocess.Popen[bytes]]:
    """Such a worker as a child, killed at the end."""
    variables = {"CROZE_REDIS_URL": url, "ODD_DIES_AT": dies_at, "ODD_CLOCK_S": str(clock_s), "PYTHONPATH": ROOT}
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "tests.workers.odd_worker"], env={**os.environ, **variables}
    ) as process:
        try:
            yield process
        finally:
            process.kill()
            process.wait(10)


def _shift_clock(seconds: float) -> None:
    import rq.worker  # noqa: F401 (what it imports is shifted)

    real = time.time
    time.time = lambda: real() + seconds

    def now() -> datetime:
        return datetime.now().astimezone() + timedelta(seconds=seconds)

    for name, module in list(sys.modules.items()):
        if name.startswith("rq.") and hasattr(module, "now"):
            module.now = now  # type: ignore[attr-defined]


def main() -> int:
    keys.LEASE_S, keys.HEARTBEAT_S = LEASE_S, 0.5  # type: ignore[misc]
    keys.RECONCILE_S = keys.RETIRE_S = 0.5  # type: ignore[misc]
    import workers.main
    from workers.engine import Engine

    step = os.environ["ODD_DIES_AT"]
    if step:
        STEPS[step]()
    if float(os.environ["ODD_CLOCK_S"]):
        _shift_clock(float(os.environ["ODD_CLOCK_S"]))
    vars(workers.main)["Engine"] = partial(Engine, quick_engine.COMMAND)
    return workers.main.main()


if __name__ == "__main__":
    sys.exit(main())
