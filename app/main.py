"""The API: `python -P -m app.serve`. Never imports torch."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from prometheus_client import CollectorRegistry
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware

from app import errors, health, openapi, problems
from app.architectures import endpoints as architectures
from app.catalog import aggregates, batches, proxies, spaces
from app.deps import State
from app.etags import ETags
from app.exposure import refuse_exposure, told_host
from app.fleet import endpoints as fleet
from app.gate import Gate
from app.jobs import endpoints as jobs
from app.jobs import item_endpoints as items
from app.jobs import score_endpoints as scores
from app.middleware import DOCS_PATH, AllowedHosts, BodyLimit, RequestId, SecurityHeaders, Unhandled
from app.settings import Settings
from app.telemetry import endpoints as telemetry
from app.telemetry import process
from app.telemetry.requests import Observed, RequestMetrics
from app.webhooks import endpoints as webhooks
from app.webhooks.delivery import delivering
from workers import tracing
from workers.settings import connect
from workers.store import Store

#: Objects made since the last look for cycles before there is another one.
_GARBAGE_THRESHOLD: Final = 50_000
#: Everything that is served.
ROUTERS: Final[tuple[APIRouter, ...]] = (
    jobs.router,
    items.router,
    scores.router,
    architectures.router,
    webhooks.router,
    spaces.router,
    proxies.router,
    aggregates.router,
    batches.router,
    problems.router,
    fleet.router,
    health.router,
    telemetry.router,
)


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application. Connects to Redis when it starts to serve, and not before it is needed.

    Without settings it is for a process of its own: it reads them from the environment, and sets up logging.
    """
    if settings is None:
        # A server's own process: nobody else's logs are there to be changed.
        settings = Settings()
        process.configure(settings)
    registry = telemetry.new_registry()
    app = FastAPI(
        title="CRoZe",
        summary="Zero-cost scores for neural architectures",
        description=openapi.DESCRIPTION,
        version=_version(),
        openapi_tags=openapi.TAGS,
        docs_url=DOCS_PATH,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=partial(_lifespan, settings=settings, registry=registry),
        telemetry=process.requests_traced(),
        # The first is the outermost: what it adds is on every answer of those below it.
        middleware=[
            Middleware(RequestId),
            Middleware(Observed, metrics=RequestMetrics(registry)),
            Middleware(SecurityHeaders),
            Middleware(Unhandled),
            Middleware(AllowedHosts, hosts=settings.allowed_hosts),
            Middleware(Gate, settings=settings),
            Middleware(BodyLimit, limit=settings.max_body),
            Middleware(ETags),
        ],
    )
    errors.install(app)
    for router in ROUTERS:
        app.include_router(router)
    app.openapi = partial(openapi.document, app)  # type: ignore[method-assign]
    return app


@asynccontextmanager
async def _lifespan(_: FastAPI, *, settings: Settings, registry: CollectorRegistry) -> AsyncIterator[State]:
    redis = connect(settings.redis_url)
    store = Store(redis)
    before = gc.get_threshold()
    # A request of thousands of items makes a million objects, none of them in a cycle: looking for cycles among them
    # again and again takes a tenth of its time.
    gc.set_threshold(_GARBAGE_THRESHOLD)
    try:
        refuse_exposure(told_host(), store, settings)
        async with delivering(store, allow_private=settings.webhook_allow_private):
            yield State(settings=settings, store=store, registry=registry)
    finally:
        await run_in_threadpool(tracing.flush)  # a server that was signaled ends without Python's own exit
        redis.close()
        gc.set_threshold(*before)


def _version() -> str:
    try:
        return version("croze")
    except PackageNotFoundError:
        # Run from a source tree that was never installed.
        return "0+unknown"


def __getattr__(name: str) -> Any:
    """`app.main:app` for servers without factories: made when asked for, so that importing reads no environment."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    application = globals()["app"] = create_app()
    return application
