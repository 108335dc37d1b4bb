"""params and macs as proxies."""

from __future__ import annotations

from proxy.data.spec import Batch
from proxy.scorer import Scorer
from tests.proxy.architectures import task_of
from tests.proxy.proxies.contracts import ProxyContract

#: NAS-Bench-201 index 0: 0.129306 M parameters and 17.95859 M multiply-accumulates (NAS-Bench-Suite-Zero, 2022).
INDEX_0 = "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|"


class TestParams(ProxyContract):
    name = "params"

    def test_published_value(self, batch: Batch, scorer: Scorer) -> None:
        settings = {"channels": 16, "cells": 5, "classes": 10}
        (score,) = scorer.score(task_of("nasbench201", INDEX_0, batch, settings=settings, proxies=("params",)), batch)
        assert score.value == 129_306


class TestMacs(ProxyContract):
    name = "macs"
