"""What is refused before it is sent, and how requests are written."""

from __future__ import annotations

import json
import pickle
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from croze_client import Architecture, AsyncClient, BadInput, Client, DuplicateIds, MixedSpaces, Options, Patience
from croze_client.results import read_item
from croze_client.writing import MAX_JOB, MAX_JOB_BYTES, one_job, some_jobs

from tests.client.plans import item

SPACE: Options = {"space": "nasbench201"}


def request(architectures: list[Any], options: Options = SPACE) -> Any:
    return json.loads(one_job(architectures, options, {}, None, None).body)


def test_two_spaces_in_one_job_are_refused() -> None:
    with pytest.raises(MixedSpaces, match="darts and nasbench201"):
        request([Architecture("a", space="nasbench201"), Architecture("b", space="darts")])
    darts = read_item(item(0) | {"space": "darts", "architecture": "c"})
    with pytest.raises(MixedSpaces, match="submit one job for each"):
        request(["a", darts])
    assert request([darts], {})["space"] == "darts"
    with pytest.raises(BadInput, match="no space"):
        request(["a"], {})


def test_one_id_for_two_architectures_is_refused() -> None:
    with pytest.raises(DuplicateIds, match="'x'"):
        request([Architecture(1, id="x"), Architecture(2, id="y"), Architecture(3, id="x")])
    assert isinstance(DuplicateIds("it is"), ValueError)


@pytest.mark.parametrize("bad", [float("nan"), object(), {1, 2}, b"bytes", [[float("inf")]]])
def test_what_is_no_json_is_refused_with_its_place(bad: object) -> None:
    with pytest.raises(BadInput, match="architecture 1 cannot be written as JSON"):
        request(["good", bad])


@pytest.mark.parametrize("bad", ["", "two words", "g\u00e9n\u00e9ration", "line\n", 7])
def test_what_is_no_key_is_refused(bad: Any) -> None:
    for written in (lambda: one_job([1], SPACE, {}, bad, None), lambda: some_jobs([1], SPACE, {}, bad)):
        with pytest.raises(BadInput, match="no idempotency key"):
            written()


def test_nothing_is_no_job() -> None:
    with pytest.raises(BadInput, match="no architecture"):
        request([])


def test_numpy_tuples_and_read_only_mappings_are_written_as_what_they_are() -> None:
    one: Any = np.int8(1)
    settings = MappingProxyType({"cells": one})
    body = request([np.array([4, 0, 3]), (np.int64(1), 2)], {**SPACE, "settings": settings})
    assert body["architectures"] == [[4, 0, 3], [1, 2]]
    assert body["settings"] == {"cells": 1}


def test_options_are_fields_and_those_of_a_call_come_before_a_clients() -> None:
    submission = one_job(
        [Architecture(7, id="a", format="f"), 8], {"seed": 2, "extra": {"new": 1}}, {"seed": 1, **SPACE}, "k", None
    )
    assert json.loads(submission.body) == {
        "space": "nasbench201",
        "on_invalid": "fail",
        "seed": 2,
        "new": 1,
        "architectures": [{"architecture": 7, "format": "f", "id": "a"}, 8],
    }
    assert submission.key == "k"
    assert one_job([1], SPACE, {}, None, None).key != one_job([1], SPACE, {}, None, None).key


def test_a_long_list_is_several_jobs_each_with_a_key_of_its_own() -> None:
    parts, submissions = some_jobs(range(2 * MAX_JOB + 1), SPACE, {}, "k")
    assert [(part.start, len(part.entries)) for part in parts] == [(0, MAX_JOB), (MAX_JOB, MAX_JOB), (2 * MAX_JOB, 1)]
    assert [(start, submission.key) for start, submission in submissions] == [
        (0, "k-0"), (MAX_JOB, f"k-{MAX_JOB}"), (2 * MAX_JOB, f"k-{2 * MAX_JOB}"),
    ]  # fmt: skip
    long = "x" * (MAX_JOB_BYTES // 3)
    parts, _ = some_jobs([long] * 4, SPACE, {}, None)
    assert [len(part.entries) for part in parts] == [2, 2]
    with pytest.raises(BadInput, match="ranks the items of one job"):
        some_jobs([long] * 4, {**SPACE, "aggregate": "any"}, {}, None)


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_a_client_of_another_process_is_like_the_first(kind: type[Client] | type[AsyncClient]) -> None:
    given = {"url": "http://service:1", "api_key": "secret", "space": "darts", "patience": Patience(away=3)}
    first = kind(**given)  # type: ignore[arg-type]
    assert pickle.loads(pickle.dumps(first.arguments())) == given  # noqa: S301 (our own)
    assert Client(**first.arguments()).arguments() == AsyncClient(**first.arguments()).arguments() == given
    assert kind("http://service:1", api_key="").arguments()["api_key"] == ""
