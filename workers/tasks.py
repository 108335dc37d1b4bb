"""The only task that RQ runs here. What it means is in `workers.workbench`."""

from __future__ import annotations

from workers.workbench import Workbench

_workbench: Workbench | None = None


def install(workbench: Workbench) -> None:
    """Make this the workbench of the process: RQ calls a function by its name, and can pass it nothing but JSON."""
    global _workbench
    _workbench = workbench


def work_on_job(job_id: str) -> None:
    """Score some of a job."""
    assert _workbench is not None, "workers.main installs a workbench before it listens"
    _workbench.answer_ring(job_id)
