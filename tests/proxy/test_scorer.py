"""What a score's record says, and how failures are told."""

from __future__ import annotations

import weakref
from dataclasses import replace

import pytest
import torch

from proxy.data.spec import Batch
from proxy.errors import RangeLost, UnknownPrecision, UnknownProxy
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


def needs_float64(subject: Subject) -> ProxyResult:
    """Says 1 if nothing of its attempt in float32 is left when it is asked anew."""
    if subject.batch.images_NCHW.dtype == torch.float32:
        held = torch.zeros(1)
        _attempts.append(weakref.ref(held))
        raise RangeLost(f"more digits than {held} has")
    return ProxyResult(float(_attempts[-1]() is None))


_attempts: list[weakref.ref[torch.Tensor]] = []


def test_what_is_computed_anew_has_the_memory_of_the_first_attempt(
    batch: Batch, scorer: Scorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PROXIES, "croze", replace(PROXIES["croze"], compute=f"{__name__}:needs_float64", components={}))
    (score,) = scorer.score(task_of("nasbench201", CELL, batch, precision="float32"), batch)
    assert (score.value, score.precision, score.computed_in) == (1.0, "float32", "float64")


@pytest.mark.parametrize("proxy", ["croze", "macs"])
def test_a_range_that_float64_has_lost_is_not_computed_twice(
    proxy: str, batch: Batch, scorer: Scorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Be it that float64 was asked for, or that the proxy computes in nothing else."""
    monkeypatch.setitem(
        PROXIES, proxy, replace(PROXIES[proxy], compute=f"{__name__}:loses_range", always_double=proxy == "macs")
    )
    precision = "float32" if proxy == "macs" else "float64"
    _calls.clear()
    (score,) = scorer.score(task_of("nasbench201", CELL, batch, proxies=(proxy,), precision=precision), batch)
    assert score.error is not None
    assert (score.error["code"], score.computed_in) == ("non_finite", "float64")
    assert _calls == [torch.float64]


def loses_range(subject: Subject) -> ProxyResult:
    _calls.append(subject.batch.images_NCHW.dtype)
    raise RangeLost("it is gone")


_calls: list[torch.dtype] = []


def test_a_shared_pass_is_gone_before_others_need_memory(
    batch: Batch, scorer: Scorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PROXIES, "macs", replace(PROXIES["macs"], compute=f"{__name__}:counts_passes"))
    asked = ("macs", "snip", "jacob_cov")
    scores = scorer.score(task_of("nasbench201", CELL, batch, proxies=asked), batch)
    assert tuple(score.proxy for score in scores) == asked
    assert [score.value == 0 for score in scores] == [True, False, False]


def counts_passes(subject: Subject) -> ProxyResult:
    return ProxyResult(float(len(subject._passes)))


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
