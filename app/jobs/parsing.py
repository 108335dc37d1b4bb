"""The architectures of a request, read into items: all of them, or a refusal that names every bad one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Final

from app.jobs.classes import Member, represented
from app.jobs.schemas import MAX_ID_LENGTH
from app.validation import brief
from proxy.errors import Fault, InvalidArchitecture, ProxyError, allowed_names
from proxy.spaces._base import ImageShape, Settings, Space
from proxy.spaces.reading import read
from workers.records import Dedupe, ItemOutcome, ItemSpec
from workers.timings import measured

#: Faults that a failed item lists: more would help nobody.
MAX_FAULTS: Final = 5
#: Fields of the object that may stand around a genotype.
ENTRY_FIELDS: Final = ("architecture", "format", "id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What all architectures of a job share."""

    space: Space[Any]
    settings: Settings
    image: ImageShape
    images: int
    memory_limit: int
    memory_times: float = 1.0
    """What the job's proxies need, as a multiple of `Space.peak_numbers`."""
    dedupe: Dedupe = "identical"


@measured("parse")
def parse_items(values: Sequence[object], format_name: str | None, frame: Frame) -> list[ItemSpec]:
    """One item for each value.

    Raises:
        ProxyError: at least one value is refused; `faults` names all of them by position. Its class is that of
            the refusals if they are of one kind, else InvalidArchitecture.
    """
    parsed = [_try_item(index, value, format_name, frame) for index, value in enumerate(values)]
    refusals = {index: each for index, each in enumerate(parsed) if isinstance(each, ProxyError)}
    if refusals:
        raise _refusal(refusals, len(values))
    return represented([each for each in parsed if isinstance(each, Member)])


def failed_items(
    values: Sequence[object], format_name: str | None, frame: Frame
) -> tuple[list[ItemSpec], dict[int, ItemOutcome]]:
    """One item for each value; and the outcomes of those that are refused, by index."""
    items: list[Member] = []
    failed: dict[int, ItemOutcome] = {}
    for index, value in enumerate(values):
        parsed = _try_item(index, value, format_name, frame)
        if isinstance(parsed, ProxyError):
            failed[index] = _failure(parsed)
            parsed = Member(_no_architecture(index, value), None)
        items.append(parsed)
    return represented(items), failed


@contextmanager
def located(at: str) -> Iterator[None]:
    """Gives an error that says not where it is a fault at `at`."""
    try:
        yield
    except ProxyError as error:
        if error.faults:
            raise
        raise type(error)(f"{at}: {error.message}", [_as_fault(error, at)]) from None


def _try_item(index: int, value: object, format_name: str | None, frame: Frame) -> Member | ProxyError:
    try:
        with shallow(value):
            return _parse_item(index, value, format_name, frame)
    except ProxyError as error:
        return error


@contextmanager
def shallow(value: object) -> Iterator[None]:
    """Refuses a value that is nested just less than the JSON parser's limit: too deep to be looked at or shown.

    Raises:
        InvalidArchitecture: it is.
    """
    try:
        yield
    except RecursionError:
        raise InvalidArchitecture(f"{brief(value)} is nested too deep; send a genotype") from None


def _failure(error: ProxyError) -> ItemOutcome:
    return ItemOutcome(
        status="failed",
        scores={},
        error={"code": error.code, "message": error.message},
        faults=tuple(asdict(fault) for fault in error.faults[:MAX_FAULTS]),
    )


def _no_architecture(index: int, value: object) -> ItemSpec:
    """Its place among the items is all that there is of it, and its name if it has a good one."""
    return ItemSpec(
        index=index,
        id=good_id(value),
        architecture="",
        format="",
        params=0,
        macs=0,
        facts={},
    )


def good_id(value: object) -> str | None:
    """The id that stands beside a genotype, however bad that is; None if there is none, or no good one."""
    item_id = value.get("id") if isinstance(value, dict) else None
    return item_id if isinstance(item_id, str) and _is_id(item_id) else None


def unwrapped(value: object, format_name: str | None) -> tuple[object, str | None, str | None]:
    """(genotype, format, id) of one of a request's architectures: a genotype, or an object around one.

    Raises:
        InvalidArchitecture: the object holds anything else, or of another type.
    """
    if not isinstance(value, dict) or "architecture" not in value:
        return value, format_name, None
    _check_entry(value)
    return value["architecture"], value.get("format") or format_name, value.get("id")


def _parse_item(index: int, value: object, format_name: str | None, frame: Frame) -> Member:
    value, format_name, item_id = unwrapped(value, format_name)
    parsed = read(frame.space, value, format_name)
    architecture = parsed.architecture
    frame.space.check_memory(
        architecture,
        frame.settings,
        frame.image,
        images=frame.images,
        limit=frame.memory_limit,
        times=frame.memory_times,
    )
    counts = frame.space.counts(architecture, frame.settings, frame.image)
    spec = ItemSpec(
        index=index,
        id=item_id,
        architecture=architecture.canonical,
        format=parsed.format,
        params=counts.params,
        macs=counts.macs,
        facts=frame.space.facts(architecture),
    )
    class_of = frame.space.isomorphism if frame.dedupe == "isomorphic" else None
    return Member(spec, None if class_of is None else class_of(architecture))


def _check_entry(entry: dict[str, object]) -> None:
    """Refuse an object around a genotype that holds anything but what it may."""
    faults = [
        Fault(name[:60], "no such field", allowed_names(name, ENTRY_FIELDS))
        for name in entry
        if name not in ENTRY_FIELDS
    ]
    if not isinstance(entry.get("format"), str | None):
        faults.append(Fault("format", f"{brief(entry['format'])} is not a string", "name a format, or leave it out"))
    if not _is_id(entry.get("id")):
        repair = f"allowed: a string of 1 to {MAX_ID_LENGTH} characters"
        faults.append(Fault("id", f"{brief(entry['id'])} is not allowed", repair))
    if faults:
        raise InvalidArchitecture.from_faults(faults)


def _is_id(value: object) -> bool:
    if value is None:
        return True
    # A lone surrogate is the one kind of character that cannot be written down in UTF-8.
    return isinstance(value, str) and 0 < len(value) <= MAX_ID_LENGTH and not _has_surrogate(value)


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def _refusal(refusals: dict[int, ProxyError], total: int) -> ProxyError:
    kinds = {type(error) for error in refusals.values()}
    kind = kinds.pop() if len(kinds) == 1 else InvalidArchitecture
    faults = [
        Fault(
            f"architectures[{index}]: {fault.at}" if fault.at else f"architectures[{index}]",
            fault.problem,
            fault.repair,
        )
        for index, error in refusals.items()
        for fault in error.faults or [_as_fault(error, "")]
    ]
    shown_faults = "; ".join(map(str, faults[:3]))
    more = f"; and {len(faults) - 3} more" if len(faults) > 3 else ""
    return kind(f"{len(refusals)} of {total} architectures refused: {shown_faults}{more}", faults)


def _as_fault(error: ProxyError, at: str) -> Fault:
    """An error's message as a fault: all are written "problem; repair"."""
    what, _, repair = error.message.partition("; ")
    return Fault(at, what, repair)
