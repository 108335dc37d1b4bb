"""Draining: asked once it is patient, asked twice it is not, and only marked waits are interrupted."""

from __future__ import annotations

import signal
from contextlib import suppress

import pytest
from rq.exceptions import StopRequested

from workers.drain import Drain


def test_the_work_in_hand_has_its_grace() -> None:
    assert not Drain(60.0).requested
    drain = Drain(60.0)
    drain.request()
    assert drain.requested
    assert not drain.overdue


def test_asked_again_it_has_none() -> None:
    drain = Drain(60.0)
    drain.request()
    drain.request()
    assert drain.overdue


def test_a_signal_interrupts_a_marked_wait_only() -> None:
    drain = Drain(60.0)
    drain.on_signal(signal.SIGTERM, None)
    assert drain.requested
    again = Drain(60.0)
    with pytest.raises(StopRequested), again.interruptible():
        again.on_signal(signal.SIGTERM, None)
    again.on_signal(signal.SIGTERM, None)


def test_no_wait_begins_once_it_is_asked_for() -> None:
    drain = Drain(60.0)
    drain.request()
    entered = False
    with suppress(StopRequested), drain.interruptible():
        entered = True
    assert not entered
