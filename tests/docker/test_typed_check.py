"""What the linters of foreign formats find lost. The formats themselves are read by `make check-containers`."""

from __future__ import annotations

from tests.docker.typed_check import lost


def test_what_a_type_drops_or_changes_is_said_and_what_it_adds_is_not() -> None:
    assert [*lost({"a": 1, "b": [{"c": "d"}]}, {"a": 1, "b": [{"c": "d", "e": None}], "f": 2})] == []
    assert [*lost({"a": 1, "b": [{"c": "d"}]}, {"a": "1", "b": [{}]})] == [
        '/a is 1, and was read as "1"',
        '/b/0/c is "d", and was read as null',
    ]
    assert [*lost([1, 2], [1])] == [" is [1, 2], and was read as [1]"]
