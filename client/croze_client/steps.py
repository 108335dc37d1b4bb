"""What the client does, apart from how: plans are generators that yield steps and are sent what came of them.

`Client` performs steps with httpx' blocking client, `AsyncClient` with its asynchronous one. Everything that is to be
decided (what to ask, when to ask again, what an answer means) is decided in a plan, once.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeAlias, TypeVar

T = TypeVar("T")

#: Seconds within which a service that is there answers, its busiest moments included.
ANSWER_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Send a request, and read the whole answer. What comes of it is an `Outcome`."""

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None
    silence: float = ANSWER_S
    """Seconds without a byte after which the connection counts as lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Open(Ask):
    """Send a request whose answer is a stream. What comes of it is an `Outcome`, whose body is read only if it is an
    error. A stream that is open already is closed."""


@dataclass(frozen=True, slots=True)
class Read:
    """Read on in the open stream. What comes of it is bytes (none at the end of the stream) or `Lost`."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Do nothing for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Emit(Generic[T]):
    """Give this to the caller."""

    value: T


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Lost:
    """No answer, or only half of one."""

    why: str


Step: TypeAlias = Ask | Read | Pause | Emit[Any]
Outcome: TypeAlias = Reply | Lost
#: A plan that ends with a `T`. What it is sent depends on the step, hence Any; the functions below say it.
Plan: TypeAlias = Generator[Step, Any, T]


def ask_once(request: Ask) -> Plan[Outcome]:
    """The answer to a request, if there is one."""
    outcome: Outcome = yield request
    return outcome


def read_on() -> Plan[bytes | Lost]:
    """The next bytes of the open stream."""
    piece: bytes | Lost = yield Read()
    return piece


def pause(seconds: float) -> Plan[None]:
    """Wait."""
    yield Pause(seconds)


def emit(value: object) -> Plan[None]:
    """Give `value` to the caller."""
    yield Emit(value)
