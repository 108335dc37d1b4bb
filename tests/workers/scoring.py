"""Small tasks for engines. Torch-free."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from proxy.data.spec import Batch
from proxy.spaces import get_space
from proxy.task import ScoringTask

ROOT = str(Path(__file__).parents[2])
"""What PYTHONPATH must hold for a process of its own to find `tests`, which is not installed."""

ODD_ENGINE = ("/usr/bin/env", f"PYTHONPATH={ROOT}", sys.executable, "-P", "-m", "tests.workers.odd_engine")


def small_batch(seed: int = 0, images: int = 2) -> Batch:
    """Noise of 3x8x8."""
    generator = np.random.default_rng(seed)
    return Batch(
        name=f"noise-{seed}",
        images_NCHW=generator.standard_normal((images, 3, 8, 8)).astype(np.float32),
        labels_N=np.arange(images, dtype=np.int64) % 10,
        classes=10,
    )


def small_task(batch: Batch, seed: int = 0, proxies: tuple[str, ...] = ("croze", "params")) -> ScoringTask:
    """Some 10 ms of work."""
    space = get_space("nasbench201")
    return ScoringTask(
        space=space.name,
        architecture="|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_1x1~1|avg_pool_3x3~2|",
        settings=space.complete_settings({"channels": 4, "cells": 1}, batch.classes),
        proxies=proxies,
        batch=batch.digest,
        seed=seed,
        precision="float64",
    )


def endless_task(batch: Batch) -> ScoringTask:
    """Minutes in native code."""
    space = get_space("darts")
    example = space.formats[space.canonical_format].example
    return ScoringTask(
        space=space.name,
        architecture=space.parse(example, space.canonical_format).architecture.canonical,
        settings=space.complete_settings({"channels": 400, "layers": 20}, batch.classes),
        proxies=("croze",),
        batch=batch.digest,
        precision="float64",
    )
