"""What the lifespan opens and endpoints use. Async, so that FastAPI does not take a thread for a look-up."""

from __future__ import annotations

from typing import Annotated, TypedDict

from fastapi import Depends, Request
from prometheus_client import CollectorRegistry

from app.auth import CallerDep
from app.jobs.service import Jobs
from app.settings import Settings
from workers.store import Store


class State(TypedDict):
    """What `main.create_app`'s lifespan yields: there for every request as `request.state`."""

    settings: Settings
    store: Store
    registry: CollectorRegistry


async def get_settings(request: Request) -> Settings:
    """The settings this process was started with."""
    settings: Settings = request.state.settings
    return settings


async def get_store(request: Request) -> Store:
    """Redis, as our records."""
    store: Store = request.state.store
    return store


SettingsDep = Annotated[Settings, Depends(get_settings)]
StoreDep = Annotated[Store, Depends(get_store)]


async def get_jobs(store: StoreDep, settings: SettingsDep, caller: CallerDep) -> Jobs:
    """All that this caller can do with jobs."""
    return Jobs(store, settings, caller)


JobsDep = Annotated[Jobs, Depends(get_jobs)]
