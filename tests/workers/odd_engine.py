"""[T] The real engine with a scorer that misbehaves when the task's seed says so. Run as a script."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import torch

import proxy.scorer
from proxy.data.spec import Batch
from proxy.task import Score, ScoringTask
from tests.workers import odd_engine_seeds as seeds


class OddScorer(proxy.scorer.Scorer):
    """Does what the seed says, then scores."""

    def score(self, task: ScoringTask, batch: Batch) -> list[Score]:
        if task.seed == seeds.PRINTS:
            print("stray")  # noqa: T201
            sys.stdout.flush()
            os.write(1, b"\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00{}")
            subprocess.run(["/bin/echo", "from a child"], check=True)
            assert sys.stdin.read() == ""
        elif task.seed == seeds.DIES:
            os.kill(os.getpid(), signal.SIGSEGV)
        elif task.seed == seeds.RAISES:
            raise KeyError("unforeseen")
        elif task.seed == seeds.RUNS_OUT_OF_MEMORY:
            torch.empty(2**58, dtype=torch.float64)
        elif task.seed == seeds.SLEEPS:
            time.sleep(600)
        elif task.seed == seeds.GROWS:
            _grow()
        elif task.seed == seeds.DIES_ONCE:
            _die_once(os.environ["ODD_ENGINE_MARK"])
        scores = super().score(task, batch)
        if task.seed == seeds.IS_NAN:
            return [replace(score, value=float("nan")) for score in scores]
        if task.seed == seeds.COUNTS_THREADS:
            counts = {"torch": float(torch.get_num_threads()), "omp": float(os.environ["OMP_NUM_THREADS"])}
            return [replace(score, components=counts) for score in scores]
        return scores


def _grow() -> None:
    """In native code, which no exception reaches; slowly, for the sake of whoever else needs memory."""
    pieces = []
    for _ in range(200):
        pieces.append(torch.ones(2**21, dtype=torch.float64))
        time.sleep(0.02)


def _die_once(mark: str) -> None:
    if not os.path.exists(mark):  # noqa: PTH110
        os.close(os.open(mark, os.O_CREAT))
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    proxy.scorer.Scorer = OddScorer  # type: ignore[misc]
    from workers.engine_main import main

    main()
