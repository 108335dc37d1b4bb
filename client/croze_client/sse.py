"""Server-Sent Events out of bytes, as they come."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """One event."""

    name: str
    id: str | None
    data: str


class EventDecoder:
    """Turns pieces of a stream, cut anywhere, into whole events. What is not yet whole is kept, and is lost with the
    stream: an event that was cut off was never there."""

    def __init__(self) -> None:
        self._rest = b""
        self._name = "message"
        self._id: str | None = None
        self._data: list[str] = []

    def feed(self, piece: bytes) -> Iterator[Event]:
        """The events that this piece completes."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            event = self._take(line.removesuffix(b"\r").decode("utf-8", "replace"))
            if event is not None:
                yield event

    def _take(self, line: str) -> Event | None:
        if line == "":
            event = Event(self._name, self._id, "\n".join(self._data)) if self._data else None
            self._name, self._data = "message", []
            return event
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name:
            case "event":
                self._name = value
            case "id":
                self._id = value
            case "data":
                self._data.append(value)
        return None  # "retry", comments, and what nobody knows
