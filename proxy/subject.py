"""[T] What a proxy scores: one architecture with its networks, on one batch.

Shape suffixes: N images, C channels, H height, W width.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from proxy._resolve import resolve
from proxy.data.spec import Batch
from proxy.kernels import channels_last
from proxy.nets import ScorableNet
from proxy.spaces import get_space
from proxy.spaces._base import Counts
from proxy.task import ScoringTask
from proxy.training_pass import TrainingPass


@dataclass(frozen=True, eq=False)
class BatchTensors:
    """A batch on a device, in the precision of the score."""

    images_NCHW: Tensor
    labels_N: Tensor
    pixel_range_C11: tuple[Tensor, Tensor] | None
    """What pixels 0 and 1 become when normalised; None if the batch does not say how it was."""

    @classmethod
    def of(cls, batch: Batch, device: torch.device, dtype: torch.dtype) -> BatchTensors:
        """Cast from float32, in which images are normalised, to `dtype`."""
        pixel_range = None
        if batch.mean is not None and batch.std is not None:
            mean_C11, std_C11 = (
                torch.tensor(values, dtype=dtype, device=device)[:, None, None] for values in (batch.mean, batch.std)
            )
            pixel_range = (0 - mean_C11) / std_C11, (1 - mean_C11) / std_C11
        return cls(
            channels_last(torch.from_numpy(batch.images_NCHW).to(device=device, dtype=dtype)),
            torch.from_numpy(batch.labels_N).to(device=device),
            pixel_range,
        )


class Subject:
    """One architecture on one batch. Networks are built when a proxy first asks, and shared between proxies."""

    def __init__(self, task: ScoringTask, batch: Batch, tensors: BatchTensors) -> None:
        self.batch = tensors
        self._task = task
        self._image = batch.image
        self._space = get_space(task.space)
        self._networks: dict[bool, ScorableNet] = {}
        self._passes: dict[torch.dtype, TrainingPass] = {}

    def on(self, tensors: BatchTensors) -> Subject:
        """The same architecture on the same batch in another precision. Networks and passes are shared."""
        other = copy(self)
        other.batch = tensors
        return other

    @cached_property
    def _architecture(self) -> Any:
        return self._space.parse(self._task.architecture, self._space.canonical_format).architecture

    @property
    def seed(self) -> int:
        """Of all random numbers: the network's weights are drawn from it already."""
        return self._task.seed

    @property
    def training_pass(self) -> TrainingPass:
        """The network with batch norm on the batch: one pass for all proxies that look at it in one precision."""
        key = self.batch.images_NCHW.dtype
        if key not in self._passes:
            net = self.network(batch_norm=True)
            self._passes[key] = TrainingPass(net, self.batch.images_NCHW, self.batch.labels_N)
        return self._passes[key]

    def forget_passes(self) -> None:
        """Free what `training_pass` holds."""
        self._passes.clear()

    @property
    def counts(self) -> Counts:
        """Size of the network that people train."""
        return self._space.counts(self._architecture, self._task.settings, self._image)

    def network(self, *, batch_norm: bool) -> ScorableNet:
        """The untrained network, with batch norm or (but for what a space keeps of it) without."""
        if batch_norm not in self._networks:
            self._networks[batch_norm] = resolve(self._space.network)(
                self._architecture,
                self._task.settings,
                seed=self._task.seed,
                batch_norm=batch_norm,
                image=self._image,
            )
        return self._networks[batch_norm]
