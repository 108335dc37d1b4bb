"""The baseline proxies against their formulas, written out plainly, in float64 and on small networks."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from proxy.data.spec import Batch
from proxy.forward_trace import traced
from proxy.nets import Output, ScorableNet
from proxy.proxies import get_proxy
from proxy.scaled import Scaled
from proxy.scorer import Scorer
from proxy.spaces.nasbench201.model import NasBench201Net
from proxy.subject import BatchTensors, Subject
from tests.golden import BASELINES as BASELINE_GOLDENS
from tests.proxy.architectures import random_cell, random_genotype, task_of
from tests.proxy.proxies.contracts import ProxyContract

DEAD = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
MIXED = "|nor_conv_3x3~0|+|avg_pool_3x3~0|skip_connect~1|+|nor_conv_1x1~0|nor_conv_3x3~1|nor_conv_1x1~2|"
_RNG = random.Random(20)
ARCHITECTURES = [
    ("nasbench201", MIXED),
    ("nasbench201", random_cell(_RNG).canonical),
    ("darts", random_genotype(_RNG).canonical),
    ("darts", random_genotype(_RNG).canonical),
]
BASELINES = ("synflow", "snip", "grasp", "fisher", "grad_norm", "plain", "jacob_cov", "nwot", "zen", "l2_norm")


class TestSynflow(ProxyContract):
    name = "synflow"


class TestSnip(ProxyContract):
    name = "snip"


class TestGrasp(ProxyContract):
    name = "grasp"


class TestFisher(ProxyContract):
    name = "fisher"


class TestGradNorm(ProxyContract):
    name = "grad_norm"


class TestPlain(ProxyContract):
    name = "plain"


class TestJacobCov(ProxyContract):
    name = "jacob_cov"

    def example(self, space: str) -> Any:
        usual = super().example(space)
        # Of this one batch norms take away the gradient (`proxy.proxies.jacob_cov`).
        return json.loads(json.dumps(usual).replace("skip_connect", "max_pool_3x3")) if space == "darts" else usual


class TestNwot(ProxyContract):
    name = "nwot"


class TestZen(ProxyContract):
    name = "zen"


class TestL2Norm(ProxyContract):
    name = "l2_norm"


def subject_of(space: str, architecture: Any, batch: Batch) -> Subject:
    tensors = BatchTensors.of(batch, torch.device("cpu"), torch.float64)
    return Subject(task_of(space, architecture, batch), batch, tensors)


def logits_of(net: ScorableNet, theta: dict[str, Tensor], images_NCHW: Tensor) -> Tensor:
    logits_NK = net.forward(theta, Scaled(images_NCHW)).logits_NK
    return logits_NK.value * math.ldexp(1.0, logits_NK.exponent)


def weights_of(net: ScorableNet, images_NCHW: Tensor, *, absolute: bool = False) -> dict[str, Tensor]:
    theta = net.parameters(images_NCHW)
    return {
        name: (value.abs() if absolute else value).clone().requires_grad_(value.ndim > 1)
        for name, value in theta.items()
    }


def gradients_of(scalar: Tensor, theta: dict[str, Tensor]) -> dict[str, Tensor]:
    """Of every weight; zeros where it has none."""
    names = [name for name, value in theta.items() if value.requires_grad]
    values = torch.autograd.grad(scalar, [theta[name] for name in names], materialize_grads=True)
    return dict(zip(names, values, strict=True))


def loss_of(subject: Subject, theta: dict[str, Tensor]) -> Tensor:
    net = subject.network(batch_norm=True)
    return F.cross_entropy(logits_of(net, theta, subject.batch.images_NCHW.contiguous()), subject.batch.labels_N)


def plainly_synflow(subject: Subject) -> float:
    net = subject.network(batch_norm=False)
    ones_1CHW = torch.ones_like(subject.batch.images_NCHW[:1])
    theta = weights_of(net, ones_1CHW, absolute=True)
    gradients = gradients_of(logits_of(net, theta, ones_1CHW).sum(), theta)
    return math.log(sum(float((theta[name].detach() * gradient).abs().sum()) for name, gradient in gradients.items()))


def over_weights(subject: Subject, part: Callable[[Tensor, Tensor], Tensor]) -> float:
    theta = weights_of(subject.network(batch_norm=True), subject.batch.images_NCHW)
    gradients = gradients_of(loss_of(subject, theta), theta)
    return sum(float(part(theta[name].detach(), gradient)) for name, gradient in gradients.items())


def plainly_snip(subject: Subject) -> float:
    return over_weights(subject, lambda weight, gradient: (weight * gradient).abs().sum())


def plainly_plain(subject: Subject) -> float:
    return over_weights(subject, lambda weight, gradient: (weight * gradient).sum())


def plainly_grad_norm(subject: Subject) -> float:
    return over_weights(subject, lambda _, gradient: gradient.square().sum().sqrt())


def plainly_grasp(subject: Subject) -> float:
    """By a difference quotient of the gradient along itself."""
    theta = weights_of(subject.network(batch_norm=True), subject.batch.images_NCHW)
    gradients = gradients_of(loss_of(subject, theta), theta)
    step = 1e-9

    def along(sign: float) -> dict[str, Tensor]:
        moved = {
            name: (value.detach() + sign * step * gradients[name]).requires_grad_() if name in gradients else value
            for name, value in theta.items()
        }
        return gradients_of(loss_of(subject, moved), moved)

    ahead, behind = along(1), along(-1)
    return -sum(float((theta[name].detach() * (ahead[name] - behind[name]) / (2 * step)).sum()) for name in gradients)


def plainly_fisher(subject: Subject) -> float:
    theta = weights_of(subject.network(batch_norm=True), subject.batch.images_NCHW)
    with traced() as trace:
        loss = loss_of(subject, theta)
    outputs = [output.value for output in trace.convolved.values()]
    total = 0.0
    for output, gradient in zip(
        outputs, torch.autograd.grad(loss, outputs, materialize_grads=True, allow_unused=True), strict=True
    ):
        for channel in range(output.shape[1]):
            products_N = [(output[image, channel] * gradient[image, channel]).sum() for image in range(len(output))]
            total += sum(float(product.detach()) ** 2 for product in products_N) / len(products_N) / 2
    return total


def plainly_jacob_cov(subject: Subject) -> float:
    net, images_NCHW = subject.network(batch_norm=True), subject.batch.images_NCHW.clone().requires_grad_()
    logits_NK = logits_of(net, net.parameters(images_NCHW), images_NCHW)
    (gradient_NCHW,) = torch.autograd.grad(logits_NK.sum(), [images_NCHW])
    v = np.linalg.eigvalsh(np.corrcoef(gradient_NCHW.flatten(1).numpy()))
    return -float(np.sum(np.log(v + 1e-5) + 1 / (v + 1e-5)))


def plainly_nwot(subject: Subject) -> float:
    net, images_NCHW = subject.network(batch_norm=True), subject.batch.images_NCHW
    with traced() as trace:
        net.forward(net.parameters(images_NCHW), Scaled(images_NCHW))
    codes = np.concatenate([(each.value.flatten(1) > 0).numpy() for each in trace.rectified], axis=1)
    kernel = [[float((one == other).sum()) for other in codes] for one in codes]
    return float(np.linalg.slogdet(np.array(kernel))[1])


def plainly_zen(subject: Subject) -> float:
    net, images_NCHW = subject.network(batch_norm=True), subject.batch.images_NCHW
    generator = torch.Generator().manual_seed(subject.seed)
    theta = dict(net.parameters(images_NCHW))
    for layer in net.layers:
        if layer.reaches_output:
            theta[layer.weight] = torch.randn(theta[layer.weight].shape, generator=generator).double()
    one, other = (torch.randn(images_NCHW.shape, generator=generator).double() for _ in range(2))
    with traced() as trace:
        before = net.forward(theta, Scaled(one)).features[-2]
    after = net.forward(theta, Scaled(one + 0.01 * other)).features[-2]
    assert before is not None
    assert after is not None
    moved_NCHW = after.value * 2.0**after.exponent - before.value * 2.0**before.exponent
    deviations = [
        float((x.value * 2.0**x.exponent).var(dim=(0, 2, 3), correction=0).mean() + 1e-5) ** 0.5
        for x in trace.normalised
    ]
    distance = float(moved_NCHW.abs().sum()) / len(images_NCHW)
    return math.log(distance) + sum(math.log(deviation) for deviation in deviations)


def plainly_l2_norm(subject: Subject) -> float:
    net = subject.network(batch_norm=True)
    return sum(math.sqrt(value.double().square().sum()) for value in net.theta.values() if value.ndim > 1)


#: How far the plain form may be off: that of grasp is a difference quotient.
PLAINLY: dict[str, tuple[Callable[[Subject], float], float]] = {
    "synflow": (plainly_synflow, 1e-12),
    "snip": (plainly_snip, 1e-9),
    "grasp": (plainly_grasp, 1e-4),
    "fisher": (plainly_fisher, 1e-9),
    "grad_norm": (plainly_grad_norm, 1e-9),
    "plain": (plainly_plain, 1e-7),
    "jacob_cov": (plainly_jacob_cov, 1e-6),
    "nwot": (plainly_nwot, 1e-9),
    "zen": (plainly_zen, 1e-9),
    "l2_norm": (plainly_l2_norm, 1e-12),
}


@pytest.mark.parametrize(("space", "architecture"), ARCHITECTURES, ids=["mixed", "cell", "genotype", "genotype 2"])
@pytest.mark.parametrize("name", BASELINES)
def test_value_is_the_formula(name: str, space: str, architecture: str, small_batch: Batch, scorer: Scorer) -> None:
    (score,) = scorer.score(task_of(space, architecture, small_batch, proxies=(name,)), small_batch)
    formula, tolerance = PLAINLY[name]
    assert score.value == pytest.approx(formula(subject_of(space, architecture, small_batch)), rel=tolerance)


@pytest.mark.parametrize("space", ["nasbench201", "darts"])
def test_scores_of_one_request_are_those_of_separate_requests(space: str, small_batch: Batch, scorer: Scorer) -> None:
    architecture = dict(ARCHITECTURES)[space]
    together = scorer.score(task_of(space, architecture, small_batch, proxies=BASELINES), small_batch)
    backwards = scorer.score(task_of(space, architecture, small_batch, proxies=BASELINES[::-1]), small_batch)
    for score, other in zip(together, reversed(backwards), strict=True):
        (alone,) = scorer.score(task_of(space, architecture, small_batch, proxies=(score.proxy,)), small_batch)
        assert score.value == alone.value == other.value, score.proxy


def test_proxies_of_one_request_share_one_network_and_one_forward_pass(
    small_batch: Batch, scorer: Scorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    forward, passes = NasBench201Net.forward, []

    def counted(self: NasBench201Net, theta: Any, x_NCHW: Scaled) -> Output:
        passes.append(self)
        return forward(self, theta, x_NCHW)

    monkeypatch.setattr(NasBench201Net, "forward", counted)
    names = ("snip", "grad_norm", "plain", "fisher", "jacob_cov", "nwot", "l2_norm")
    scorer.score(task_of("nasbench201", MIXED, small_batch, proxies=names), small_batch)
    assert len(passes) == 1
    scorer.score(task_of("nasbench201", MIXED, small_batch, proxies=("zen", *names, "grasp")), small_batch)
    assert len(passes) == 1 + 4
    assert len({id(net) for net in passes[1:]}) == 1


def test_float32_is_close_to_float64(batch: Batch, scorer: Scorer) -> None:
    worst: dict[str, float] = {}
    for space, architecture in ARCHITECTURES:
        task = task_of(space, architecture, batch, proxies=BASELINES)
        narrow = scorer.score(task_of(space, architecture, batch, proxies=BASELINES, precision="float32"), batch)
        for score, other in zip(scorer.score(task, batch), narrow, strict=True):
            assert score.value is not None
            assert other.value is not None
            error = abs(other.value / score.value - 1)
            worst[score.proxy] = max(error, worst.get(score.proxy, 0.0))
    assert all(worst[name] == 0 for name in BASELINES if get_proxy(name).always_double)
    assert max(worst.values()) < 1e-5, worst


@pytest.mark.parametrize("golden", BASELINE_GOLDENS, ids=lambda golden: f"{golden['space']}-{golden['seed']}")
def test_pinned_values(golden: dict[str, Any], batch: Batch, scorer: Scorer) -> None:
    assert golden["batch"] == batch.name
    assert set(golden["scores"]) == set(BASELINES)
    task = task_of(
        golden["space"],
        golden["architecture"],
        batch,
        settings=golden["settings"],
        proxies=BASELINES,
        seed=golden["seed"],
    )
    for score in scorer.score(task, batch):
        pinned = golden["scores"][score.proxy]
        tolerance = 1e-6 if score.proxy == "plain" else 1e-8
        if pinned is None:
            assert score.status == "failed", score.proxy
        else:
            assert score.value == pytest.approx(pinned, rel=tolerance, abs=0), score.proxy


@pytest.mark.parametrize(
    ("last", "code"), [("skip_connect", "zero_gradient"), ("max_pool_3x3", None)], ids=["batch norms", "a pool"]
)
def test_a_gradient_that_batch_norms_take_away_is_none(
    last: str, code: str | None, small_batch: Batch, scorer: Scorer
) -> None:
    """Each state of the last cell is a sum of what batch norms or preprocessed inputs carry, or of pools of it."""
    pairs = [["sep_conv_3x3", 0], ["sep_conv_3x3", 1], [last, 0], ["dil_conv_3x3", 1]]
    cell = {"normal": pairs, "normal_concat": [2, 3], "reduce": pairs, "reduce_concat": [2, 3]}
    jacob_cov, snip = scorer.score(task_of("darts", cell, small_batch, proxies=("jacob_cov", "snip")), small_batch)
    assert (jacob_cov.error and jacob_cov.error["code"]) == code
    assert snip.status == "scored"


UNDEFINED = {
    "synflow": "zero_gradient",
    "snip": "zero_gradient",
    "grasp": "zero_gradient",
    "grad_norm": "zero_gradient",
    "plain": "zero_gradient",
    "jacob_cov": "singular_matrix",
    "nwot": "singular_matrix",
    "zen": "non_finite",
}


def test_what_is_undefined_has_a_code_and_leaves_the_others(small_batch: Batch, scorer: Scorer) -> None:
    names = (*UNDEFINED, "l2_norm", "params", "fisher", "croze")
    scores = scorer.score(task_of("nasbench201", DEAD, small_batch, proxies=names), small_batch)
    codes = {score.proxy: score.error["code"] for score in scores if score.error is not None}
    assert codes == UNDEFINED
    assert [score.proxy for score in scores if score.status == "scored"] == ["l2_norm", "params", "fisher", "croze"]


def test_a_relu_counts_for_each_operation_that_has_one(small_batch: Batch) -> None:
    """Of five cells a stage, 4, 8 and 16 channels, 16x16 images: three convolutions a cell, two of one node."""
    subject = subject_of("nasbench201", "|none~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|", small_batch)
    cells = subject.network(batch_norm=True)
    one_convolution_a_cell = sum(
        cells_a_stage * channels * side**2
        for cells_a_stage, channels, side in zip((4, 4, 4), (4, 8, 16), (16, 8, 4), strict=True)
    )
    reductions = (4 * 16**2 + 8 * 8**2) + (8 * 8**2 + 16 * 4**2)
    last = 16 * 4**2
    assert len(cells.layers) == 1 + 12 + 6 + 1
    diagonal_N = subject.training_pass.agreement.diagonal()
    assert diagonal_N.tolist() == [one_convolution_a_cell + reductions + last] * len(diagonal_N)
