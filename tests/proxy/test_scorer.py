"""What a score's record says, and how failures are told."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from proxy.data.spec import Batch
from proxy.errors import UnknownPrecision, UnknownProxy
from proxy.proxies import PROXIES
from proxy.proxies._base import ProxyResult
from proxy.scorer import Scorer
from proxy.subject import Subject
from tests.proxy.architectures import task_of

CELL = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|skip_connect~2|"


def runs_out_of_memory(_: Subject) -> ProxyResult:
    raise torch.OutOfMemoryError("CUDA out of memory")


def is_not_a_number(_: Subject) -> ProxyResult:
    return ProxyResult(float("nan"))


def test_one_score_per_proxy_in_the_order_asked(batch: Batch, scorer: Scorer) -> None:
    asked = ("macs", "croze", "params", "croze:paper")
    scores = scorer.score(task_of("nasbench201", CELL, batch, proxies=asked), batch)
    assert tuple(score.proxy for score in scores) == asked
    assert all(score.environment == scorer.environment for score in scores)
    assert all(score.seconds >= 0 for score in scores)


def test_layers_only_on_request(batch: Batch, scorer: Scorer) -> None:
    (without,) = scorer.score(task_of("nasbench201", CELL, batch), batch)
    (with_layers,) = scorer.score(task_of("nasbench201", CELL, batch, layers=True), batch)
    assert without.layers is None
    assert with_layers.layers is not None
    assert [row["name"] for row in with_layers.layers][:2] == ["stem", "cell1.node1<-0.nor_conv_3x3"]
    assert with_layers.layers[-1]["name"] == "head"
    assert without.value == with_layers.value


@pytest.mark.parametrize(
    ("compute", "code"), [("runs_out_of_memory", "out_of_memory"), ("is_not_a_number", "non_finite")]
)
def test_a_failing_proxy_fails_alone(
    compute: str, code: str, batch: Batch, scorer: Scorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = replace(PROXIES["macs"], compute=f"{__name__}:{compute}")
    monkeypatch.setitem(PROXIES, "macs", failing)
    macs, params = scorer.score(task_of("nasbench201", CELL, batch, proxies=("macs", "params")), batch)
    assert (macs.status, macs.value) == ("failed", None)
    assert macs.error is not None
    assert macs.error["code"] == code
    assert params.status == "scored"


def test_unknown_names_are_refused_before_anything_runs(batch: Batch, scorer: Scorer) -> None:
    task = task_of("nasbench201", CELL, batch)
    with pytest.raises(UnknownProxy, match="allowed: croze, croze:paper, params, macs"):
        scorer.score(replace(task, proxies=("croze", "synflo")), batch)
    with pytest.raises(UnknownPrecision, match=r"'float16' does not exist.*float64"):
        scorer.score(replace(task, precision="float16"), batch)


def test_batches_are_kept_but_not_without_end(batch: Batch) -> None:
    scorer = Scorer()
    for shift in range(6):
        other = Batch(
            name=str(shift), images_NCHW=batch.images_NCHW + shift, labels_N=batch.labels_N, classes=batch.classes
        )
        scorer.score(task_of("nasbench201", CELL, other), other)
    assert len(scorer._tensors) == 4
