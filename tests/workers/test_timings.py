"""Timings: for those who collect them, and nobody else."""

from __future__ import annotations

import contextvars
import threading

import pytest

from workers.timings import collected, measured


def test_parts_add_up() -> None:
    with collected() as parts:
        for _ in range(3):
            with measured("a"):
                pass
        with pytest.raises(ZeroDivisionError), measured("b"):
            _ = 1 / 0
    assert parts.keys() == {"a", "b"}
    assert all(seconds > 0 for seconds in parts.values())


def test_nothing_is_kept_when_nobody_collects() -> None:
    with measured("before"):
        pass
    with collected() as parts:
        pass
    with measured("after"):
        pass
    assert parts == {}


def test_threads_with_a_copy_of_the_context_are_counted() -> None:
    def work() -> None:
        with measured("thread"):
            pass

    with collected() as parts:
        thread = threading.Thread(target=contextvars.copy_context().run, args=(work,))
        thread.start()
        thread.join(20)
    assert parts.keys() == {"thread"}
