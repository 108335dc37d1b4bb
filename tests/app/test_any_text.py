"""The small parsers of what clients send outside of bodies: any text is read, or refused by a documented error."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from ipaddress import IPv6Address
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import InvalidCursor, InvalidRequest
from app.jobs import cursor, ids
from app.jobs.cursor import Order
from app.jobs.headers import END, idempotency_key, last_event, preferred_wait
from app.jobs.schemas import MAX_WAIT_SECONDS
from app.webhooks import addresses
from app.webhooks.addresses import WebhookRefused, is_public, locate
from app.webhooks.signing import MAX_BYTES, MIN_BYTES, key_of
from workers.store import codec
from workers.store.listing import Mark

FIXED = settings(max_examples=300, deadline=None, database=None, derandomize=True)
#: Text at large, and text of which parsers make much.
_TEXT = st.text(max_size=80) | st.text(alphabet='0123456789abcdef"\\-_=:;,./@[]% waitjobsemx', max_size=80)
_ENCODED = st.text(max_size=40).map(lambda text: base64.urlsafe_b64encode(text.encode("utf-8", "replace")).decode())


@FIXED
@given(text=_TEXT | _ENCODED, total=st.integers(1, 20_000))
def test_cursors(text: str, total: int) -> None:
    orders: tuple[Order, ...] = ("request", "best")
    for order in orders:
        try:
            start = cursor.decode(text, total, order)
        except InvalidCursor:
            continue
        assert 0 < start < total
        assert text == cursor.encode(start, order)
    try:
        mark = cursor.decode_mark(text)
    except InvalidCursor:
        return
    assert cursor.encode_mark(mark) == text


@FIXED
@given(start=st.integers(1, 19_999), moment=st.floats(1e9, 1e11), identity=st.uuids())
def test_cursors_that_were_given_out_come_back(start: int, moment: float, identity: Any) -> None:
    assert cursor.decode(cursor.encode(start), 20_000) == start
    mark = Mark(round(moment, 6), identity.hex)
    assert cursor.decode_mark(cursor.encode_mark(mark)) == mark
    with pytest.raises(InvalidCursor):
        cursor.decode(cursor.encode(start), 20_000, "best")


@FIXED
@given(text=_TEXT, total=st.integers(1, 20_000))
def test_headers(text: str, total: int) -> None:
    wait = preferred_wait([text, f"a, {text}", text])
    assert wait is None or 0 <= wait <= MAX_WAIT_SECONDS
    for parse in (idempotency_key, lambda header: last_event(header, total)):
        _refused_or(parse, text)
    key = _refused_or(idempotency_key, text)
    assert key is None or re.fullmatch(r"[\x21-\x7e]{1,255}", key)
    seen = _refused_or(lambda header: last_event(header, total), text)
    assert seen is None or 0 <= seen <= total
    assert last_event(END, total) is None


@FIXED
@given(owner=st.none() | st.text(max_size=10), other=st.none() | st.text(max_size=10), text=_TEXT)
def test_ids(owner: str | None, other: str | None, text: str) -> None:
    made = _refused_or(lambda given: ids.for_new(owner, None, given), text)
    if made is None:
        return
    stored, name = made
    assert re.fullmatch(r"[0-9a-f]{32}", stored)
    assert ids.stored(owner, text) == stored
    if name is not None and (owner or "") != (other or ""):
        assert ids.stored(other, text) != stored, "another owner's job of the same name is another job"


@FIXED
@given(text=_TEXT | _TEXT.map("http://{}".format) | _TEXT.map("https://{}/".format))
def test_urls_of_webhooks(text: str) -> None:
    looked_up: list[str] = []

    def look_up(host: str, port: int) -> list[str]:
        assert 0 < port < 2**16
        looked_up.append(host)
        return ["10.0.0.1"]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(addresses, "look_up", look_up)
        with pytest.raises(WebhookRefused):
            locate(text, allow_private=False)
    assert all(host.isascii() for host in looked_up)


@FIXED
@given(st.ip_addresses(v=4))
def test_an_address_is_no_more_public_for_being_written_as_another(address: Any) -> None:
    assert is_public(IPv6Address(f"::ffff:{address}")) == is_public(address)
    for wrapped in (f"64:ff9b::{address}", f"::{address}", f"2002:{int(address) >> 16:x}:{int(address) & 0xFFFF:x}::1"):
        assert not is_public(IPv6Address(wrapped))


@FIXED
@given(
    _TEXT.map("whsec_{}".format) | st.binary(max_size=100).map(lambda key: f"whsec_{base64.b64encode(key).decode()}")
)
def test_secrets_of_webhooks(secret: str) -> None:
    try:
        key = key_of(secret)
    except ValueError:
        return
    assert MIN_BYTES <= len(key) <= MAX_BYTES


@FIXED
@given(
    st.binary(max_size=60)
    | st.recursive(st.none() | st.floats() | st.text(), st.lists, max_leaves=5).map(repr).map(str.encode)
)
def test_what_redis_holds_as_a_score(text: bytes) -> None:
    assert codec.known_score(text) is None


def _refused_or(parse: Callable[[str], Any], text: str) -> Any:
    """What it gives; None if it is refused."""
    try:
        return parse(text)
    except InvalidRequest:
        return None
