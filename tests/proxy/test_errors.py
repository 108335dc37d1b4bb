"""Error text is safe and short, whatever the value."""

from __future__ import annotations

import pytest

from proxy.errors import allowed_names, shown
from tests.proxy.spaces.contracts import HOSTILE


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_shown_is_bounded(value: object) -> None:
    assert len(shown(value)) <= 63


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("abc", "'abc'"),
        (12, "12"),
        (None, "None"),
        (["a", 0, 2.5], "['a', 0, 2.5]"),
        ({"a": True}, "{'a': True}"),
        ("x" * 100, "'" + "x" * 59 + "..."),
        (10**100, "an integer of 333 bits"),
    ],
)
def test_shown_values(value: object, text: str) -> None:
    assert shown(value) == text


def test_allowed_names_suggest_the_nearest() -> None:
    assert allowed_names("crose", ["croze", "params"]) == "did you mean 'croze'? allowed: croze, params"
    assert allowed_names("nothing like it", ["croze"]) == "allowed: croze"
    assert allowed_names(["croze"], ["croze"]) == "allowed: croze"
