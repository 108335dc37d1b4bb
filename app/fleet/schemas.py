"""Shapes of workers over HTTP."""

from __future__ import annotations

from pydantic import Field

from app.answers import View
from app.jobs.schemas import EnvironmentView
from workers.records import WorkerState


class EngineView(View):
    """A worker's engine: the process that holds torch and the batch."""

    pid: int | None = Field(description="null while none runs")
    memory_bytes: int | None = Field(description="Resident memory; null while none runs, or if the system does not say")
    restarts: int = Field(description="Engines that this worker has started after its first")


class WorkerView(View):
    """What a worker said of itself at its last heartbeat."""

    id: str = Field(examples=["host-4711-0a1b2c"])
    host: str
    pid: int
    state: WorkerState = Field(
        description="starting: no engine yet; idle; busy; sick: its engine does not give the known answer, "
        "it takes no work; draining: it ends"
    )
    job: str | None = Field(description="The job it works on; null if none, or one that is not yours")
    environment: EnvironmentView | None = Field(description="Where its scores are computed; null until that is known")
    engine: EngineView
    numerics: str = Field(
        description="Numerics revision of its release: another one than the service's takes no job that it would score "
        "differently",
        examples=["0a1b2c3d"],
    )
    scored: int = Field(description="Items it has scored since its start")
    started_at: str
    last_beat_at: str
    last_beat_age: float = Field(description="Seconds since; a worker is forgotten after 10")


class WorkerList(View):
    items: list[WorkerView]
    numerics: str = Field(description="Numerics revision of the service itself", examples=["0a1b2c3d"])
    unserved_items: int = Field(
        description="Open items, whosever they are, that no worker in the list can score: there is none, or their "
        "releases are others"
    )
