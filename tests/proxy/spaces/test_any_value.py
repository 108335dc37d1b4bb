"""Whatever JSON value comes in, each space reads it or refuses it, and never fails otherwise."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.errors import InvalidArchitecture, UnknownFormat
from proxy.spaces import SPACES
from proxy.spaces._base import Space

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=5),
    max_leaves=25,
)
#: What genotypes are written with, so that damaged text often stays close to a valid one.
SIGNS = st.text(alphabet="|~+()[]{},=:'\"019 an_-.\\", max_size=9)

every_space = pytest.mark.parametrize("space", SPACES.values(), ids=lambda space: space.name)


def check_read_or_refused(space: Space[Any], value: object, name: str | None) -> None:
    try:
        architecture = space.parse(value, name).architecture
    except (InvalidArchitecture, UnknownFormat):
        return
    assert space.parse(architecture.canonical).architecture == architecture


@every_space
@given(value=JSON)
@settings(deadline=None, database=None)
def test_arbitrary_json(space: Space[Any], value: object) -> None:
    for name in (None, *space.formats):
        check_read_or_refused(space, value, name)


@every_space
@given(data=st.data())
@settings(deadline=None, database=None)
def test_damaged_examples(space: Space[Any], data: st.DataObject) -> None:
    for name, form in space.formats.items():
        text = form.example if isinstance(form.example, str) else json.dumps(form.example)
        start = data.draw(st.integers(0, len(text)))
        stop = data.draw(st.integers(start, len(text)))
        damaged = text[:start] + data.draw(SIGNS) + text[stop:]
        check_read_or_refused(space, damaged, name)
        try:
            value = json.loads(damaged)
        except ValueError:
            continue
        check_read_or_refused(space, value, name)
