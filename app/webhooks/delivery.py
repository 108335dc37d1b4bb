"""Sends what is due: a few deliveries at a time, in every API process. Redis says who sends which.

A delivery is made at least once: who dies over it loses its lease, and another process makes it again.
"""

from __future__ import annotations

import json
import logging
import random
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Final

import anyio
import httpx
from anyio import to_thread
from starlette.concurrency import run_in_threadpool

from app.answers import timestamp
from app.jobs.outlook import Prospect
from app.jobs.views import job_json
from app.webhooks.addresses import Address, Target, WebhookRefused, locate
from app.webhooks.signing import signed_headers
from workers.errors import StoreError
from workers.records import Job
from workers.webhooks import DeliveryAttempt, DeliveryLease, DeliveryOutcome, Webhook

if TYPE_CHECKING:
    from workers.store import Store

log = logging.getLogger("croze.webhooks")

#: Seconds after each failed attempt; after the last one it is given up.
BACK_OFF_S: Final = (5.0, 30.0, 120.0, 600.0, 3_600.0, 21_600.0)
_JITTER: Final = 0.2
#: For one attempt as a whole. Shorter than the lease.
ATTEMPT_S: Final = 10.0
_CONNECT_S: Final = 3.0
_AT_ONCE: Final = 8
_POLL_S: Final = 1.0
_GONE: Final = 410


class Courier:
    """Makes deliveries until it is canceled."""

    def __init__(self, store: Store, *, allow_private: bool) -> None:
        self._store = store
        self._allow_private = allow_private
        self._free = anyio.Semaphore(_AT_ONCE)

    async def run(self) -> None:
        """Lease, send, report; for ever."""
        async with anyio.create_task_group() as group:
            while True:
                await self._free.acquire()
                lease = await self._next()
                if lease is None:
                    self._free.release()
                    await anyio.sleep(_POLL_S)
                else:
                    group.start_soon(self._make, lease)

    async def _next(self) -> DeliveryLease | None:
        try:
            return await run_in_threadpool(self._store.deliveries.lease, secrets.token_hex(8))
        except StoreError as error:
            log.debug("no deliveries: %s", error.message)
        except Exception:
            # Whatever it is, it must not end the service.
            log.exception("no deliveries")
        return None

    async def _make(self, lease: DeliveryLease) -> None:
        try:
            await self._attempt(lease)
        except StoreError as error:
            # The lease ends, and it is made again.
            log.warning("delivery %s: %s", lease.id, error.message)
        except Exception:
            log.exception("delivery %s", lease.id)
        finally:
            self._free.release()

    async def _attempt(self, lease: DeliveryLease) -> None:
        job = await run_in_threadpool(self._store.jobs.get, lease.job)
        if job is None or job.spec.webhook is None:
            return  # deleted meanwhile, and the delivery with it
        now = await run_in_threadpool(self._store.deliveries.now)
        status, error = await self._send(job, job.spec.webhook, lease, now)
        attempt = DeliveryAttempt(at=now, status_code=status, error=error)
        outcome, delay = _consequence(lease, attempt)
        await run_in_threadpool(self._store.deliveries.report, lease, outcome, attempt, delay)
        log.info("delivery %s: %s, %s", lease.id, outcome, status if error is None else error)

    async def _send(
        self, job: Job, webhook: Webhook, lease: DeliveryLease, now: float
    ) -> tuple[int | None, str | None]:
        """The receiver's status, and what is wrong if it is no success. Never more of an answer: it is not read."""
        look_up = partial(locate, webhook.url, allow_private=self._allow_private)
        body = payload(job, lease.type)
        headers = signed_headers(webhook.secret, lease.id, int(now), body)
        try:
            with anyio.fail_after(ATTEMPT_S):
                target = await to_thread.run_sync(look_up, abandon_on_cancel=True)
                status = await _post(target, body, headers)
        except WebhookRefused as refused:
            return None, f"{refused.code}: {refused.message}"
        except (TimeoutError, httpx.TimeoutException):
            return None, f"no answer within {ATTEMPT_S:g} s"
        except (httpx.HTTPError, OSError) as error:
            return None, f"no answer: {type(error).__name__}"
        return status, None if 200 <= status < 300 else f"answered {status}"


def payload(job: Job, event: str) -> bytes:
    """The body of a delivery: the job as its owner sees it. The same at each attempt, for what has ended stays."""
    data = job_json(job, job.spec.name or job.spec.id, Prospect())
    return json.dumps({"type": event, "timestamp": timestamp(job.finished_at), "data": data}).encode()


@asynccontextmanager
async def delivering(store: Store, *, allow_private: bool) -> AsyncIterator[None]:
    """Deliveries are made meanwhile."""
    async with anyio.create_task_group() as group:
        group.start_soon(Courier(store, allow_private=allow_private).run)
        try:
            yield
        finally:
            group.cancel_scope.cancel()


def _consequence(lease: DeliveryLease, attempt: DeliveryAttempt) -> tuple[DeliveryOutcome, float]:
    """What becomes of the delivery, and in how many seconds it is made again if it is."""
    if attempt.error is None:
        return "delivered", 0.0
    if attempt.status_code == _GONE or lease.failures >= len(BACK_OFF_S):
        return "given_up", 0.0
    jitter = random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311
    return "failed", BACK_OFF_S[lease.failures] * jitter


async def _post(target: Target, body: bytes, headers: dict[str, str]) -> int:
    """The status that the first address answers which can be connected to.

    Raises:
        httpx.HTTPError: none could, or it did not answer.
    """
    *others, last = target.addresses
    # The environment's proxies would connect to where we have not looked.
    async with httpx.AsyncClient(trust_env=False, timeout=httpx.Timeout(ATTEMPT_S, connect=_CONNECT_S)) as client:
        for address in others:
            with suppress(httpx.ConnectError, httpx.ConnectTimeout):
                return await _post_to(client, target, address, body, headers)
        return await _post_to(client, target, last, body, headers)


async def _post_to(
    client: httpx.AsyncClient, target: Target, address: Address, body: bytes, headers: dict[str, str]
) -> int:
    url = target.url
    told = {"Host": url.netloc.decode("ascii"), "Content-Type": "application/json", "User-Agent": "croze", **headers}
    # Connected to by address, and asked for by name: in TLS too, where the certificate must be the name's.
    async with client.stream(
        "POST",
        url.copy_with(host=str(address)),
        content=body,
        headers=told,
        extensions={"sni_hostname": url.raw_host.decode("ascii")},
    ) as answer:
        return answer.status_code
