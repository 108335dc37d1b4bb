"""Reads genotypes that came from outside, and says of those it refuses what they are. Torch-free.

`Space.parse` knows one space. Here all are known, those that are not scored included, so that a value of another space
is called by its name, and one that could be several things comes with all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, TypeVar

from proxy.errors import (
    AmbiguousFormat,
    Fault,
    InvalidArchitecture,
    ProxyError,
    UnknownFormat,
    UnsupportedSpace,
    allowed_names,
    shown,
)
from proxy.spaces import SPACES
from proxy.spaces._base import Architecture, Format, Parsed, Space
from proxy.spaces._faults import is_integer
from proxy.spaces._foreign import FOREIGN, ForeignFormat

A = TypeVar("A", bound=Architecture)

#: Characters of an architecture that are shown: enough for a cell of NAS-Bench-201.
_SHOWN: Final = 100


def read(space: Space[A], value: object, format_name: str | None = None) -> Parsed[A]:
    """Read a genotype of a space in the named format, or in the one that the value itself shows.

    Raises:
        InvalidArchitecture: the value is no architecture of the space.
        UnsupportedSpace: it, or the format, is of a space that is not scored here.
        AmbiguousFormat: it does not say what it is; all that it could be is listed.
        UnknownFormat: it fits nothing, or another space; or there is no such format.
    """
    try:
        return space.parse(value, format_name)
    except UnknownFormat as plain:
        raise _explained(plain, space, value, format_name) from None


def format_of(space: Space[A], name: str) -> Format[A]:
    """The format of a space that a request names.

    Raises:
        UnsupportedSpace: it is of a space that is not scored here.
        UnknownFormat: it is of another space, or does not exist.
    """
    try:
        return space.format_named(name)
    except UnknownFormat as plain:
        raise _explained(plain, space, None, name) from None


def space_of(value: object, format_name: str | None = None) -> Space[Any]:
    """The one space that a value, or its format, belongs to.

    Raises:
        UnsupportedSpace: it is of a space that is not scored here.
        AmbiguousFormat: it could be of several, or in several formats.
        UnknownFormat: it fits none.
    """
    fitting = _fitting(value, format_name)
    if len(fitting) == 1:
        return fitting[0]
    if format_name is not None:
        names = [name for space in SPACES.values() for name in space.formats]
        raise _foreign_format(format_name) or UnknownFormat(
            f"no space has a format {shown(format_name)}; {allowed_names(format_name, names)}"
        )
    foreign = _foreign(value)
    if foreign is not None:
        raise _unsupported(foreign, f"{shown(value)} is a genotype")
    readings = [reading for space in SPACES.values() for reading in _readings(space, value)]
    if readings:
        raise _ambiguous(value, [*readings, *_foreign_readings(value)])
    raise UnknownFormat(f"{shown(value)} fits no space by itself; check it, or name the space ({', '.join(SPACES)})")


def _fitting(value: object, format_name: str | None) -> list[Space[Any]]:
    """The spaces that have the format; without one, those in which the value shows what it is."""
    if format_name is not None:
        return [space for space in SPACES.values() if format_name in space.formats]
    return [space for space in SPACES.values() if any(each.recognises(value) for each in space.formats.values())]


def _explained(plain: UnknownFormat, space: Space[Any], value: object, format_name: str | None) -> ProxyError:
    """The error that says most of a value that the space alone could not place."""
    if format_name is not None:
        return _foreign_format(format_name) or _other_space(space, value, format_name) or plain
    foreign = _foreign(value)
    if foreign is not None:
        return _unsupported(foreign, f"{shown(value)} is a genotype")
    readings = list(_readings(space, value))
    if readings:
        return _ambiguous(value, [*readings, *_foreign_readings(value)])
    return _other_space(space, value, None) or plain


def _other_space(space: Space[Any], value: object, format_name: str | None) -> UnknownFormat | None:
    others = [other.name for other in _fitting(value, format_name) if other is not space]
    if len(others) != 1:
        return None
    what = f"{shown(value)} is" if format_name is None else f"format {shown(format_name)} is"
    return UnknownFormat(f"{what} of space {others[0]!r}, the request is of {space.name!r}; send each space by itself")


def _foreign(value: object) -> ForeignFormat | None:
    return next((each for each in FOREIGN.values() if each.recognises(value)), None)


def _foreign_format(name: str) -> UnsupportedSpace | None:
    return _unsupported(FOREIGN[name], f"format {shown(name)} is") if name in FOREIGN else None


def _unsupported(foreign: ForeignFormat, what: str) -> UnsupportedSpace:
    scored = "; ".join(f"{space.name} ({', '.join(space.formats)})" for space in SPACES.values())
    return UnsupportedSpace(
        f"{what} of {foreign.space} ({foreign.name}), which no proxy scores here; "
        f"spaces that are scored, and their formats: {scored}"
    )


def _readings(space: Space[A], value: object) -> Iterator[Fault]:
    """What a value would be in each format of the space that it may be meant in."""
    for form in space.formats.values():
        if form.recognises(value) or form.may_be(value):
            try:
                architecture = form.parse(value)
            except InvalidArchitecture:
                continue
            yield Fault("format", f"as {form.name} it is {_described(space, architecture)}", f"send {form.name!r}")


def _described(space: Space[A], architecture: A) -> str:
    numbers = [f"{name} {fact}" for name, fact in space.facts(architecture).items() if is_integer(fact)]
    return ", ".join([shown(architecture.canonical, _SHOWN), *numbers])


def _foreign_readings(value: object) -> Iterator[Fault]:
    for form in FOREIGN.values():
        reading = form.reading(value)
        if reading is not None:
            problem = f"as {form.name} of {form.space} it is {reading}"
            yield Fault("format", problem, "no proxy scores that space here")


def _ambiguous(value: object, readings: list[Fault]) -> AmbiguousFormat:
    listed = "; ".join(reading.problem for reading in readings)
    return AmbiguousFormat(f"{shown(value)} does not say what it is: {listed}; name one with 'format'", readings)
