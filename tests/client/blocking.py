"""AsyncClient behind the methods of Client, so that every test can be told of both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from types import TracebackType
from typing import Any, Self, TypeVar

from croze_client import AsyncClient

T = TypeVar("T")


class Blocking:
    """An AsyncClient with a loop of its own."""

    def __init__(self, url: str, **options: Any) -> None:
        self._loop = asyncio.new_event_loop()
        self._client = AsyncClient(url, **options)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._loop.run_until_complete(self._client.aclose())
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def evaluator(self, **options: Any) -> _BlockingEvaluator:
        return _BlockingEvaluator(self._client.evaluator(**options), self._run)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            result = method(*args, **kwargs)
            return self._each(result) if hasattr(result, "__anext__") else self._run(result)

        return call if callable(method) else method

    def _run(self, awaited: Any) -> Any:
        return self._loop.run_until_complete(awaited)

    def _each(self, results: AsyncIterator[T]) -> Iterator[T]:
        nothing = object()
        try:
            while (result := self._run(_next(results, nothing))) is not nothing:
                yield result
        finally:
            self._run(results.aclose())  # type: ignore[attr-defined]


class _BlockingEvaluator:
    def __init__(self, evaluator: Any, run: Callable[[Any], Any]) -> None:
        self._evaluator = evaluator
        self._run = run

    def __len__(self) -> int:
        return len(self._evaluator)

    def __call__(self, population: Any) -> Any:
        return self._run(self._evaluator(population))

    def scores(self, population: Any, **options: Any) -> Any:
        return self._run(self._evaluator.scores(population, **options))


async def _next(results: AsyncIterator[T], nothing: T) -> T:
    return await anext(results, nothing)
