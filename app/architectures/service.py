"""What can be said of genotypes without scoring them, apart from HTTP. Synchronous, and keeps nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from app.architectures.schemas import ConvertRequest, GenotypesRequest, ValidateRequest
from app.jobs.parsing import MAX_FAULTS, good_id, located, shallow, unwrapped
from proxy.data import DEFAULT_BATCH, load_batch
from proxy.errors import LossyConversion, ProxyError
from proxy.json_types import JsonObject, JsonValue
from proxy.spaces import get_space
from proxy.spaces._base import Format, ImageShape, Parsed, Settings, Space
from proxy.spaces.reading import format_of, read
from workers.timings import measured


@measured("parse")
def validate(request: ValidateRequest) -> JsonObject:
    """What each genotype is, as `schemas.ValidationView`.

    Raises:
        UnknownSpace, InvalidSettings: of the request as a whole.
    """
    space, batch = _space(request), load_batch(DEFAULT_BATCH)
    settings = space.complete_settings(request.settings, batch.classes)
    items: list[JsonValue] = []
    invalid = 0
    for index, value, parsed in _read_all(request, space):
        items.append(validated(index, good_id(value), parsed, space, settings, batch.image))
        invalid += isinstance(parsed, ProxyError)
    return {
        "space": space.name,
        "settings": dict(settings),
        "valid": len(items) - invalid,
        "invalid": invalid,
        "items": items,
    }


def validated(
    index: int,
    item_id: str | None,
    parsed: Parsed[Any] | ProxyError,
    space: Space[Any],
    settings: Settings,
    image: ImageShape,
) -> JsonObject:
    """What a genotype is, or why it is nothing, as `schemas.ValidatedView`."""
    item = _checked(index, item_id, parsed, space)
    if isinstance(parsed, ProxyError):
        return {**item, "params": None, "macs": None, "error": error_json(parsed)}
    counts = space.counts(parsed.architecture, settings, image)
    return {**item, "params": counts.params, "macs": counts.macs, "error": None}


@measured("parse")
def convert(request: ConvertRequest) -> JsonObject:
    """Each genotype in another format, as `schemas.ConversionView`.

    Raises:
        UnknownSpace, UnknownFormat, UnsupportedSpace: of the request as a whole.
    """
    space = _space(request)
    with located("to"):
        target = format_of(space, request.to)
    items: list[JsonValue] = []
    refused = 0
    for index, value, parsed in _read_all(request, space):
        outcome = parsed if isinstance(parsed, ProxyError) else _written(parsed, space, target, request)
        item = _checked(index, good_id(value), parsed, space)
        if isinstance(outcome, ProxyError):
            item |= {"architecture": None, "reordered": False, "error": error_json(outcome)}
            refused += 1
        else:
            architecture, reordered = outcome
            item |= {"architecture": architecture, "reordered": reordered, "error": None}
        items.append(item)
    return {
        "space": space.name,
        "to": target.name,
        "converted": len(items) - refused,
        "refused": refused,
        "items": items,
    }


def write(architecture: Any, space: Space[Any], target: Format[Any], *, reorder: bool) -> tuple[JsonValue, bool]:
    """(an architecture in a format, whether it had to be reordered for it).

    Raises:
        LossyConversion: the format cannot hold it; not in another order either, if `reorder` allows one.
    """
    try:
        return target.write(architecture), False
    except LossyConversion:
        if not reorder or space.reordered is None:
            raise
        return target.write(space.reordered(architecture)), True


def error_json(error: ProxyError) -> JsonObject:
    """An error as `jobs.schemas.ErrorView`."""
    faults: list[JsonValue] = [asdict(fault) for fault in error.faults[:MAX_FAULTS]]
    told: JsonObject = {"code": error.code, "message": error.message}
    return {**told, "faults": faults} if faults else told


def _space(request: GenotypesRequest) -> Space[Any]:
    with located("space"):
        return get_space(request.space)


def _read_all(request: GenotypesRequest, space: Space[Any]) -> Iterator[tuple[int, object, Parsed[Any] | ProxyError]]:
    """(index, what was sent, what it is or why it is nothing) of each."""
    for index, value in enumerate(request.architectures):
        yield index, value, _try_read(value, request.format, space)


def _try_read(value: object, format_name: str | None, space: Space[Any]) -> Parsed[Any] | ProxyError:
    try:
        with shallow(value):
            genotype, own_format, _ = unwrapped(value, format_name)
            return read(space, genotype, own_format)
    except ProxyError as error:
        return error


def _written(
    parsed: Parsed[Any], space: Space[Any], target: Format[Any], request: ConvertRequest
) -> tuple[JsonValue, bool] | LossyConversion:
    try:
        return write(parsed.architecture, space, target, reorder=request.allow_reordering)
    except LossyConversion as error:
        return error


def _checked(index: int, item_id: str | None, parsed: Parsed[Any] | ProxyError, space: Space[Any]) -> JsonObject:
    """As `schemas.CheckedView`."""
    item: JsonObject = {"index": index, "id": item_id, "valid": not isinstance(parsed, ProxyError)}
    if isinstance(parsed, ProxyError):
        return {**item, "canonical": None, "space": space.name, "format": None, "connected": None, "facts": {}}
    facts = dict(space.facts(parsed.architecture))
    return {
        **item,
        "canonical": parsed.architecture.canonical,
        "space": space.name,
        "format": parsed.format,
        "connected": facts.pop("connected"),
        "facts": facts,
    }
