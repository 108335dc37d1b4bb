"""Messages over a pipe: a JSON header and, where there is one, a block of bytes. Both ends use this file.

A frame is 12 bytes (unsigned, big-endian: header length in 4, block length in 8), the header as UTF-8 JSON, the block.
Both lengths are bounded and are checked before anything of that size is kept.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import Final

from proxy.json_types import JsonObject
from workers.errors import FrameError

#: Scores of a network's every layer, by every proxy, take under 1 MiB.
HEADER_LIMIT: Final = 16 * 2**20
#: A batch has at most 64 MiB of pixels (`proxy.data.spec.MAX_VALUES`).
BLOCK_LIMIT: Final = 2**27

_LENGTHS: Final = struct.Struct("!IQ")


@dataclass(frozen=True, slots=True)
class Frame:
    """One message."""

    header: JsonObject
    block: bytes = b""


def encode(frame: Frame) -> bytes:
    """The bytes of a frame.

    Raises:
        FrameError: it is over a limit, or its header has no JSON form (NaN and infinities have none).
    """
    try:
        header = json.dumps(frame.header, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise FrameError(f"a frame's header must be JSON: {error}") from error
    _check_lengths(len(header), len(frame.block))
    return _LENGTHS.pack(len(header), len(frame.block)) + header + frame.block


class FrameDecoder:
    """Cuts a stream of bytes into frames, however the stream was cut into pieces."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, piece: bytes) -> list[Frame]:
        """The frames that `piece` completes, in order. After an error the decoder is of no more use.

        Raises:
            FrameError: the stream holds something that is not a frame.
        """
        self._buffer += piece
        frames = []
        while (frame := self._take()) is not None:
            frames.append(frame)
        return frames

    def end(self) -> None:
        """Say that the stream has ended.

        Raises:
            FrameError: it ended inside a frame.
        """
        if self._buffer:
            raise FrameError(f"the stream ended inside a frame, after {len(self._buffer)} bytes of it")

    def _take(self) -> Frame | None:
        if len(self._buffer) < _LENGTHS.size:
            return None
        header_length, block_length = _LENGTHS.unpack_from(self._buffer)
        _check_lengths(header_length, block_length)
        middle = _LENGTHS.size + header_length
        end = middle + block_length
        if len(self._buffer) < end:
            return None
        header = _parse(bytes(self._buffer[_LENGTHS.size : middle]))
        block = bytes(self._buffer[middle:end])
        del self._buffer[:end]
        return Frame(header, block)


def _check_lengths(header: int, block: int) -> None:
    for name, length, limit in (("header", header, HEADER_LIMIT), ("block", block, BLOCK_LIMIT)):
        if length > limit:
            raise FrameError(f"a frame's {name} of {length} bytes is over the limit of {limit}")


def _parse(header: bytes) -> JsonObject:
    try:
        value = json.loads(header)
    except (ValueError, RecursionError) as error:
        raise FrameError(f"a frame's header is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise FrameError(f"a frame's header must be a JSON object, not {type(value).__name__}")
    return value
