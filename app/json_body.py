"""JSON bodies, read more strictly than by the standard library: no NaN, no name twice in an object, and every
bad document is a 4xx.

Python's parser takes NaN, keeps the last of two values of one name without a word, raises three kinds of error beside
its own, and FastAPI answers those with a bare 400.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from app.answers import JSON_MEDIA_TYPE
from app.errors import InvalidJson, UnsupportedMediaType
from proxy.errors import shown
from workers.timings import measured


class JsonRoute(APIRoute):
    """A route whose body is strict JSON."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        takes_json = self.body_field is not None

        async def strict(request: Request) -> Response:
            if takes_json:
                _check_media_type(request)
            return await handle(_StrictRequest(request.scope, request.receive))

        return strict


class _StrictRequest(Request):
    async def json(self) -> Any:
        content = await self.body()
        with measured("parse"):
            return loads(content)


def loads(content: bytes) -> Any:
    """The JSON value of a body.

    Raises:
        InvalidJson: it is no JSON, holds NaN or Infinity, names something twice, or is nested too deep for any
            architecture.
    """
    try:
        return json.loads(content, parse_constant=_no_constant, object_pairs_hook=_each_name_once)
    except json.JSONDecodeError as error:
        message = f"not JSON at line {error.lineno}, column {error.colno}: {error.msg}; send one JSON object"
        raise InvalidJson(message) from None
    except RecursionError:
        message = "the JSON is nested too deep; no architecture or setting needs more than 10 levels"
        raise InvalidJson(message) from None
    except UnicodeDecodeError as error:
        raise InvalidJson(f"byte {error.start} is not UTF-8; send JSON in UTF-8") from None
    except ValueError as error:
        # An integer of more than 4,300 digits.
        raise InvalidJson(f"a number cannot be read: {shown(str(error), 120)}; send shorter numbers") from None


def _no_constant(name: str) -> NoReturn:
    raise InvalidJson(f"{name} is not JSON; send finite numbers, or null")


def _each_name_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        (name, _), *_ = Counter(name for name, _ in pairs).most_common(1)
        raise InvalidJson(
            f"{shown(name)} is named twice in one object, and which value is meant is not known; name it once"
        )
    return value


def _check_media_type(request: Request) -> None:
    given = request.headers.get("content-type", "")
    if given.partition(";")[0].strip().lower() != JSON_MEDIA_TYPE:
        raise UnsupportedMediaType(
            f"Content-Type {shown(given)} is not taken; send -H 'Content-Type: {JSON_MEDIA_TYPE}'"
        )
