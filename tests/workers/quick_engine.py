"""An engine without torch: real process, real frames, scores that follow from the task. Run as a script.

It is ready in a fraction of the time, for tests of what happens around an engine.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
import time
from dataclasses import asdict, replace

from proxy.json_types import JsonObject
from proxy.task import Score, ScoringTask
from tests.workers.jobs import ENVIRONMENT, cell, score
from tests.workers.scoring import ROOT
from workers import known_answer
from workers.frames import Frame, FrameDecoder, encode

COMMAND = ("/usr/bin/env", f"PYTHONPATH={ROOT}", sys.executable, "-P", "-m", "tests.workers.quick_engine")
#: Tasks of this seed take so long.
SLOW, SLOW_S = 7, 1.0
#: Over the architecture `POISON`, it dies for one of these seeds, and takes its worker with it for the other.
DEADLY, ASSASSIN = 8, 9
POISON = cell(2)
#: Of the proxy that it stands for.
REVISION = int(os.environ.get("QUICK_REVISION", "1"))
#: What it says that an item takes: four make a chunk.
SECONDS = 0.5


def value_of(task: ScoringTask, revision: int = 1) -> float:
    """The score of a task, as that revision computes it."""
    for known in known_answer.KNOWN:
        if task == known_answer.task(known.precision):
            return known.value
    digest = hashlib.sha256(json.dumps([task.architecture, task.seed, revision]).encode()).digest()
    return int.from_bytes(digest[:6], "big") / 7


def answer(request: Frame) -> JsonObject:
    if request.header["type"] == "batch":
        return {"type": "loaded"}
    task = ScoringTask.from_json(request.header["task"])  # type: ignore[arg-type]
    if task.seed == SLOW:
        time.sleep(SLOW_S)
    if task.architecture == POISON and task.seed in (DEADLY, ASSASSIN):
        os.kill(os.getpid() if task.seed == DEADLY else os.getppid(), signal.SIGKILL)
    scores: list[Score] = [
        replace(
            score(value_of(task, REVISION), proxy),
            seconds=SECONDS,
            batch=task.batch,
            seed=task.seed,
            revision=REVISION,
        )
        for proxy in task.proxies
    ]
    return {"type": "scores", "scores": [each.to_json() for each in scores]}


def main() -> None:
    decoder = FrameDecoder()
    _send({"type": "ready", "environment": asdict(ENVIRONMENT), "pid": os.getpid()})
    while piece := os.read(0, 2**20):
        for frame in decoder.feed(piece):
            _send(answer(frame))


def _send(header: JsonObject) -> None:
    pending = memoryview(encode(Frame(header)))
    while pending:
        pending = pending[os.write(1, pending) :]


if __name__ == "__main__":
    main()
