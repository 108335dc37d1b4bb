"""Torch is left as it was found."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from proxy.data.spec import Batch
from proxy.determinism import scoring_mode
from proxy.scorer import Scorer
from tests.proxy.architectures import task_of
from tests.proxy.proxies.test_croze import BIAS_ONLY


def settings_of_torch() -> dict[str, Any]:
    return {
        "threads": torch.get_num_threads(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "warn_only": torch.is_deterministic_algorithms_warn_only_enabled(),
        "fill": torch.utils.deterministic.fill_uninitialized_memory,  # type: ignore[attr-defined]
        "benchmark": torch.backends.cudnn.benchmark,
        "cudnn_tf32": torch.backends.cudnn.allow_tf32,
        "matmul_tf32": torch.backends.cuda.matmul.allow_tf32,
        "grad": torch.is_grad_enabled(),
        "dtype": torch.get_default_dtype(),
        "rng": torch.random.get_rng_state().tolist(),
    }


CPU, CUDA = torch.device("cpu"), torch.device("cuda", 0)


def test_inside_one_thread_with_gradients() -> None:
    with torch.no_grad(), scoring_mode(CPU):
        assert torch.get_num_threads() == 1
        assert torch.is_grad_enabled()


def test_on_a_gpu_only_deterministic_kernels_at_full_precision() -> None:
    # The switches can be thrown without a GPU.
    with scoring_mode(CUDA):
        assert torch.are_deterministic_algorithms_enabled()
        assert not torch.backends.cudnn.benchmark
        assert not torch.backends.cudnn.allow_tf32
        assert not torch.backends.cuda.matmul.allow_tf32


@pytest.mark.parametrize("device", [CPU, CUDA], ids=str)
def test_settings_are_put_back_even_after_an_error(device: torch.device) -> None:
    torch.set_num_threads(2)
    before = settings_of_torch()
    with pytest.raises(RuntimeError, match="on purpose"), scoring_mode(device):
        raise RuntimeError("on purpose")
    assert settings_of_torch() == before


def test_scoring_changes_no_setting_and_no_generator(batch: Batch, scorer: Scorer) -> None:
    before = settings_of_torch()
    scorer.score(task_of("nasbench201", BIAS_ONLY, batch, proxies=("croze", "croze:paper")), batch)
    assert settings_of_torch() == before


def test_thread_count_of_the_caller_changes_no_bit(batch: Batch, scorer: Scorer) -> None:
    task = task_of("nasbench201", BIAS_ONLY, batch)
    values = set()
    for threads in (1, 2):
        torch.set_num_threads(threads)
        values.add(scorer.score(task, batch)[0].value)
    assert len(values) == 1
