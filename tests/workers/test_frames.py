"""Frames: whatever is sent arrives, however it is cut; whatever is no frame is refused."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.json_types import JsonObject
from workers.errors import FrameError
from workers.frames import BLOCK_LIMIT, HEADER_LIMIT, Frame, FrameDecoder, encode

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
headers = st.dictionaries(st.text(), json_values, max_size=4)
frames = st.builds(Frame, headers, st.binary(max_size=200))


@given(st.lists(frames, max_size=5), st.lists(st.integers(1, 50), min_size=1, max_size=20))
def test_frames_arrive_as_sent_however_the_stream_is_cut(sent: list[Frame], cuts: list[int]) -> None:
    stream = b"".join(map(encode, sent))
    decoder = FrameDecoder()
    received = []
    position = step = 0
    while position < len(stream):
        size = cuts[step % len(cuts)]
        received += decoder.feed(stream[position : position + size])
        position, step = position + size, step + 1
    decoder.end()
    assert received == sent


@given(st.binary(max_size=200))
def test_any_bytes_give_frames_or_a_frame_error(noise: bytes) -> None:
    decoder = FrameDecoder()
    try:
        received = decoder.feed(noise)
        decoder.end()
    except FrameError:
        return
    assert sum(len(frame.block) for frame in received) < len(noise) or not noise


@given(frames, st.data())
def test_a_truncated_frame_is_an_error(frame: Frame, data: st.DataObject) -> None:
    stream = encode(frame)
    decoder = FrameDecoder()
    assert decoder.feed(stream[: data.draw(st.integers(1, len(stream) - 1))]) == []
    with pytest.raises(FrameError, match="ended inside a frame"):
        decoder.end()


@pytest.mark.parametrize(
    ("header", "block", "named"),
    [(HEADER_LIMIT + 1, 0, "header"), (2, BLOCK_LIMIT + 1, "block"), (2**32 - 1, 2**64 - 1, "header")],
)
def test_an_oversized_frame_is_refused_by_its_lengths_alone(header: int, block: int, named: str) -> None:
    with pytest.raises(FrameError, match=f"{named} of {header if named == 'header' else block} bytes is over"):
        FrameDecoder().feed(struct.pack("!IQ", header, block))


def test_an_oversized_frame_is_not_sent() -> None:
    with pytest.raises(FrameError, match=r"header of .* over the limit"):
        encode(Frame({"text": "x" * HEADER_LIMIT}))


@pytest.mark.parametrize("header", [{"value": float("nan")}, {"value": float("inf")}, {"value": object()}])
def test_a_header_without_json_form_is_not_sent(header: JsonObject) -> None:
    with pytest.raises(FrameError, match="must be JSON"):
        encode(Frame(header))


@pytest.mark.parametrize("header", [b"[]", b"1", b"{", b"\xff", b"[" * 100_000])
def test_a_header_that_is_no_json_object_is_refused(header: bytes) -> None:
    with pytest.raises(FrameError, match="header"):
        FrameDecoder().feed(struct.pack("!IQ", len(header), 0) + header)
