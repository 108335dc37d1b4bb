"""The asynchronous client: the same as the blocking one, word for word, with `await`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
from contextlib import aclosing, suppress
from types import TracebackType
from typing import Any, Literal, Self, TypeVar, Unpack

import httpx

from croze_client import catalog, following, jobs
from croze_client.errors import CrozeError
from croze_client.evaluator import AsyncEvaluator
from croze_client.http import AsyncPerformer, connection
from croze_client.known import Checked, Space, Worker
from croze_client.patience import Patience
from croze_client.progress import ProgressOption, Tally, reporting
from croze_client.results import ItemResult, Job
from croze_client.steps import Emit, Plan
from croze_client.submission import Options, Submission
from croze_client.writing import Part, genotypes, one_job, some_jobs

T = TypeVar("T")


class AsyncClient:
    """A running service. Use it in an `async with` block, or close it.

    Every method but those that submit may be given a `Job` or its id. A `Job` that this client submitted is submitted
    again if the service has lost it; an id alone is not enough for that.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        api_key: str | None = None,
        patience: Patience | None = None,
        **defaults: Unpack[Options],
    ) -> None:
        """
        Args:
            url: None: what CROZE_URL says, else http://127.0.0.1:8000.
            api_key: None: what CROZE_API_KEY says, else none.
            patience: for how long a service that is away or busy is asked again.
            defaults: options for all jobs, `space="nasbench201"` for example.

        Raises:
            BadInput: that is no URL, or no key.
        """
        how = connection(url, api_key)
        self.url = how["base_url"]
        self._api_key = how["headers"].get("Authorization", "").removeprefix("Bearer ")
        self._http = httpx.AsyncClient(**how)
        self._patience = patience or Patience()
        self._defaults = defaults

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Drop all connections."""
        await self._http.aclose()

    def arguments(self) -> dict[str, Any]:
        """What makes another client like this one, a `Client` too, in whatever process. The API key is in it."""
        return {"url": self.url, "api_key": self._api_key, "patience": self._patience, **self._defaults}

    async def score(
        self,
        architectures: Iterable[object],
        *,
        key: str | None = None,
        progress: ProgressOption = None,
        **options: Unpack[Options],
    ) -> list[ItemResult]:
        """One result for each architecture, in their order, when all have ended. Arguments and errors: `score_iter`."""
        parts, submissions = some_jobs(architectures, options, self._defaults, key)
        results: dict[int, ItemResult] = {}
        async for result in self._score_parts(parts, submissions, key, progress, final=True):
            results[result.index] = result
        return [results[index] for index in sorted(results)]

    def score_iter(
        self,
        architectures: Iterable[object],
        *,
        key: str | None = None,
        progress: ProgressOption = None,
        **options: Unpack[Options],
    ) -> AsyncIterator[ItemResult]:
        """Each architecture's result as soon as it has ended; `index` says whose it is.

        A list that is too long for one job is several. Left early, what is at work is canceled, unless it has a key
        or this client is closed by then.

        Args:
            architectures: genotypes in any format of the space; `Architecture` around those that need a format or
                an id; or results of before.
            key: an idempotency key of your own. The same call with the same key, in another process too, goes on with
                the same job instead of starting a new one.
            progress: True for a bar, or a function that is told.

        Raises:
            BadInput, MixedSpaces, DuplicateIds: refused before it was sent.
            ApiError: the service refuses all of it.
            ServiceUnreachable: it is away for longer than the patience. Its job goes on.
        """
        parts, submissions = some_jobs(architectures, options, self._defaults, key)
        return self._score_parts(parts, submissions, key, progress)

    async def submit(
        self,
        architectures: Iterable[object],
        *,
        key: str | None = None,
        job_id: str | None = None,
        **options: Unpack[Options],
    ) -> Job:
        """Make one job, and return at once.

        Args:
            key: an idempotency key of your own; None: a new one.
            job_id: an id of your own, instead of a key: the same id and request again are the same job.

        Raises: as `score_iter`.
        """
        return await self._run(
            jobs.submit(one_job(architectures, options, self._defaults, key, job_id), self._patience)
        )

    async def job(self, job: Job | str) -> Job:
        """The job as it is now."""
        return await self._run(jobs.look(job, self._patience))

    async def wait(self, job: Job | str, timeout: float | None = None) -> Job:
        """The job at its end.

        Raises:
            WaitTimeout: it has not ended within `timeout` seconds, or the service has not answered in that time.
            JobUnknown, JobGone, JobLost, ServiceUnreachable
        """
        return await self._run(jobs.wait(job, self._patience, timeout))

    def stream(self, job: Job | str) -> AsyncIterator[ItemResult]:
        """Every item as soon as it has ended, those that have ended already first; each once.

        Raises:
            JobUnknown, JobGone, JobLost, ServiceUnreachable
        """
        return self._iterate(following.follow(job, self._patience))

    async def results(self, job: Job | str, order: Literal["request", "best"] = "request") -> list[ItemResult]:
        """All items as they are now, in the order of the request, or best first by the job's aggregate."""
        return await self._run(jobs.page_through(jobs.id_of(job), self._patience, order))

    async def cancel(self, job: Job | str) -> Job:
        """End the job; what is scored stays. A job that has ended stays as it is."""
        return await self._run(jobs.change(jobs.id_of(job), "cancel", self._patience))

    async def retry(self, job: Job | str) -> Job:
        """A new job of the items that failed."""
        return await self._run(jobs.change(jobs.id_of(job), "retry", self._patience))

    async def delete(self, job: Job | str) -> None:
        """Cancel the job, and forget it with its results. Scores stay known."""
        await self._run(jobs.delete(jobs.id_of(job), self._patience))

    def evaluator(self, **options: Unpack[Options]) -> AsyncEvaluator:
        """A function from populations to results, which remembers."""
        return AsyncEvaluator(self, options)

    async def validate(
        self,
        architectures: Iterable[object],
        *,
        space: str | None = None,
        format: str | None = None,  # noqa: A002 (the service's word)
        settings: Mapping[str, int] | None = None,
    ) -> list[Checked]:
        """What each genotype is, without scoring it. One that is no architecture says why; no exception."""
        body = genotypes(architectures, self._defaults, space=space, format=format, settings=settings)
        return await self._run(catalog.look_at("validate", body, self._patience))

    async def convert(
        self,
        architectures: Iterable[object],
        to: str,
        *,
        space: str | None = None,
        format: str | None = None,  # noqa: A002 (the service's word)
        allow_reordering: bool = False,
    ) -> list[Checked]:
        """Each genotype in another format, as `converted`. What that cannot hold is an `error`, never dropped."""
        reordering = True if allow_reordering else None
        body = genotypes(architectures, self._defaults, space=space, format=format, to=to, allow_reordering=reordering)
        return await self._run(catalog.look_at("convert", body, self._patience))

    async def spaces(self) -> dict[str, Space]:
        """All search spaces by name."""
        return await self._run(catalog.spaces(self._patience))

    async def workers(self) -> list[Worker]:
        """The workers that are alive."""
        return await self._run(catalog.workers(self._patience))

    async def _score_parts(
        self,
        parts: Sequence[Part],
        submissions: Iterable[tuple[int, Submission]],
        key: str | None,
        progress: ProgressOption,
        *,
        final: bool = False,
    ) -> AsyncIterator[ItemResult]:
        tally = Tally(sum(len(part.entries) for part in parts))
        with reporting(progress) as report:
            report(tally.progress())
            for start, submission in submissions:
                plan = following.score(submission, self._patience, start, final=final)
                async with aclosing(self._score_part(plan, key)) as results:
                    async for result in results:
                        report(tally.count(result))
                        yield result

    async def _score_part(self, plan: Plan[Job], key: str | None) -> AsyncGenerator[ItemResult, None]:
        job: Job | None = None
        try:
            async with aclosing(self._iterate(plan)) as emitted:
                async for each in emitted:
                    if isinstance(each, Job):
                        job = each
                    else:
                        yield each
        except CrozeError:
            raise  # it goes on, and can be asked for again
        except BaseException:  # the caller has enough: nobody will ask for it
            if job is not None and key is None:
                with suppress(httpx.HTTPError, RuntimeError):  # the latter if this client is closed already
                    await self._http.post(jobs.job_path(job.id, "cancel"), timeout=5.0)
            raise

    async def _run(self, plan: Plan[T]) -> T:
        performer = AsyncPerformer(self._http)
        plan = jobs.explained(plan)
        try:
            step = next(plan)
            while True:
                step = plan.send(await performer.perform(step))
        except StopIteration as stop:
            ended: T = stop.value
            return ended
        finally:
            await performer.close()

    async def _iterate(self, plan: Plan[Any]) -> AsyncGenerator[Any, None]:
        performer = AsyncPerformer(self._http)
        plan = jobs.explained(plan)
        came: object = None
        try:
            while True:
                step = plan.send(came)
                came = None
                if isinstance(step, Emit):
                    yield step.value
                else:
                    came = await performer.perform(step)
        except StopIteration:
            return
        finally:
            await performer.close()
            plan.close()
