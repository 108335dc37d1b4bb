"""[T] Which device a scorer uses, and what of it a score depends on."""

from __future__ import annotations

import torch

from proxy.task import Environment


def pick_device() -> torch.device:
    """The first CUDA device this process may see (CUDA_VISIBLE_DEVICES), else the CPU."""
    return torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")


def environment_of(device: torch.device) -> Environment:
    """Device class, instruction set and torch release: scores from equal environments are equal bit for bit."""
    if device.type == "cuda":
        major, minor = torch.cuda.get_device_capability(device)
        capability = f"sm_{major}{minor}"
    else:
        capability = torch.backends.cpu.get_cpu_capability()
    return Environment(device=device.type, capability=capability, torch=torch.__version__.split("+")[0])
