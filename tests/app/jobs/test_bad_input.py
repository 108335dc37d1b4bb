"""Everything that can be wrong with a request: a clear answer, nothing queued, neighbours unaffected."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import pytest
import redis as redis_driver

from app.jobs.schemas import MAX_ARCHITECTURES, MAX_LAYER_ITEMS
from tests.app.driving import CELL, cells, job_keys, queued, submit, submitted, work
from workers.store import Store

DARTS: Final[dict[str, Any]] = {
    "normal": [["sep_conv_3x3", 0], ["sep_conv_3x3", 1]],
    "normal_concat": [2],
    "reduce": [["max_pool_3x3", 0], ["max_pool_3x3", 1]],
    "reduce_concat": [2],
}


@dataclass(frozen=True)
class Bad:
    """A request that is refused."""

    name: str
    fields: dict[str, Any]
    code: str
    says: list[str]
    """Parts of `detail`: the bad value, what is allowed, the repair."""
    at: str | None = None
    """Where the first fault is, or begins."""
    status: int = field(default=422)


def _one(architecture: object, **fields: Any) -> dict[str, Any]:
    return {"architectures": [architecture], **fields}


def _darts(**changes: Any) -> dict[str, Any]:
    return _one({**DARTS, **changes}, space="darts")


_FIRST = "architectures[0]"

BAD: Final = [
    Bad("unknown_operation", _one(CELL.replace("none~1", "conv_9x9~1")), "invalid_architecture",
        ["conv_9x9", "nor_conv_3x3"], _FIRST),
    Bad("wrong_edge", _one(CELL.replace("none~1", "none~2")), "invalid_architecture", ["node 2", "2"], _FIRST),
    Bad("wrong_arity", _one(CELL.rpartition("+")[0]), "invalid_architecture", ["2", "3"], _FIRST),
    Bad("index_out_of_range", _one(15625, format="nats_tss_index"), "invalid_architecture",
        ["15625", "0 to 15624"], _FIRST),
    Bad("negative_index", _one(-1, format="nats_tss_index"), "invalid_architecture", ["-1", "0 to 15624"], _FIRST),
    Bad("index_true", _one(True, format="nats_tss_index"), "invalid_architecture", ["True"], _FIRST),
    Bad("index_float", _one(1.0, format="nats_tss_index"), "invalid_architecture", ["1.0"], _FIRST),
    Bad("index_without_format", _one(12), "ambiguous_format",
        ["12", "nats_tss_index", "|none~0|+|none~0|none~1|+|none~0|nor_conv_3x3~1|avg_pool_3x3~2|", "8:8:8:16:40"],
        "architectures[0]: format"),
    Bad("six_integers", _one([4, 0, 3, 1, 4, 3]), "ambiguous_format",
        ["naslib_nb201", "2631", "nb201_spec", "2620"], "architectures[0]: format"),
    Bad("unknown_format", _one(CELL, format="nb202"), "unknown_format", ["nb202", "nb201_str"], _FIRST),
    Bad("format_of_a_space_that_is_not_scored", _one(CELL, format="nb101"), "unsupported_for_proxy",
        ["NAS-Bench-101", "nb201_str", "darts_json"], _FIRST),
    Bad("genotype_of_a_space_that_is_not_scored", _one("64-41414-1_02_333"), "unsupported_for_proxy",
        ["TransNAS-Bench-101", "nb201_str", "darts_json"], _FIRST),
    Bad("format_of_another_space", _one(CELL, format="darts_json"), "unknown_format",
        ["'darts_json'", "space 'darts'", "'nasbench201'"], _FIRST),
    Bad("odd_pairs", _darts(normal=[["sep_conv_3x3", 0]]), "invalid_architecture",
        ["normal", "1 pairs", "odd", "add or remove"], _FIRST),
    Bad("darts_unknown_operation", _darts(reduce=[["max_pool_3x3", 0], ["max_pool_9x9", 1]]),
        "invalid_architecture", ["max_pool_9x9", "max_pool_3x3"], _FIRST),
    Bad("darts_input_ahead", _darts(normal=[["sep_conv_3x3", 0], ["sep_conv_3x3", 2]]),
        "invalid_architecture", ["2"], _FIRST),
    Bad("darts_key_missing", _one({"normal": DARTS["normal"], "normal_concat": [2]}, space="darts"),
        "invalid_architecture", ["reduce"], _FIRST),
    Bad("architecture_null", _one(None), "unknown_format", ["None", "nb201_str"], _FIRST),
    Bad("architecture_of_another_space", _one(DARTS), "unknown_format", ["space 'darts'", "'nasbench201'"], _FIRST),
    Bad("hundred_kilobytes", _one("|" + "none~0|" * 14_000), "invalid_architecture", ["98001", "at most"], _FIRST),
    Bad("hundred_kilobytes_of_genotype", _one("Genotype(" + "-" * 100_000, space="darts"), "invalid_architecture",
        ["at most"], _FIRST),
    Bad("genotype_of_calls", _one("Genotype(normal=__import__('os').system('true'))", space="darts"),
        "invalid_architecture", ["normal"], _FIRST),
    Bad("entry_with_unknown_field", _one({"architecture": CELL, "name": "x"}), "invalid_architecture",
        ["name", "architecture, format, id"], _FIRST),
    Bad("entry_id_number", _one({"architecture": CELL, "id": 7}), "invalid_architecture", ["7", "1 to 200"], _FIRST),
    Bad("entry_id_long", _one({"architecture": CELL, "id": "x" * 201}), "invalid_architecture", ["1 to 200"], _FIRST),
    Bad("entry_id_surrogate", _one({"architecture": CELL, "id": "\ud800"}), "invalid_architecture", ["id"], _FIRST),
    Bad("entry_format_list", _one({"architecture": CELL, "format": []}), "invalid_architecture", ["format"], _FIRST),
    Bad("no_architectures", {"architectures": []}, "invalid_request", ["list of 0", "1 to 20000"], "architectures"),
    Bad("too_many", {"architectures": [0] * (MAX_ARCHITECTURES + 1)}, "invalid_request",
        ["list of 20001", "1 to 20000"], "architectures"),
    Bad("architectures_string", {"architectures": CELL}, "invalid_request", ["avg_pool", "list"], "architectures"),
    Bad("architectures_null", {"architectures": None}, "invalid_request", ["None", "list"], "architectures"),
    Bad("unknown_space", {"space": "nasbench2o1"}, "unknown_space", ["nasbench2o1", "did you mean"], "space"),
    Bad("space_number", {"space": 201}, "invalid_request", ["201", "name of a search space"], "space"),
    Bad("unknown_proxy", {"proxies": ["croze", "crozy"]}, "unknown_proxy", ["crozy", "did you mean"], "proxies[1]"),
    Bad("duplicate_proxy", {"proxies": ["croze", "params", "croze"]}, "invalid_request", ["croze", "once"], "proxies"),
    Bad("no_proxies", {"proxies": []}, "invalid_request", ["list of 0", "croze"], "proxies"),
    Bad("proxies_string", {"proxies": "croze"}, "invalid_request", ["'croze'", "list"], "proxies"),
    Bad("unknown_precision", {"precision": "float16"}, "unknown_precision", ["float16", "float64"], "precision"),
    Bad("unknown_batch", {"batch": "mnist:train[0:8]"}, "unknown_batch", ["mnist", "cifar10"], "batch"),
    Bad("batch_is_a_path", {"batch": "/etc/passwd"}, "unknown_batch", ["/etc/passwd", "cifar10:train[0:8]"], "batch"),
    Bad("unknown_digest", {"batch": "sha256:" + "0" * 64}, "unknown_batch", ["000", "POST /v1/batches"], "batch"),
    Bad("malformed_digest", {"batch": "sha256:xyz"}, "unknown_batch", ["xyz", "64 hex"], "batch"),
    Bad("empty_slice", {"batch": "cifar10:train[8:8]"}, "unknown_batch", ["0 images", "1 to"], "batch"),
    Bad("seed_negative", {"seed": -1}, "invalid_request", ["-1", "0 to 4294967295"], "seed"),
    Bad("seed_too_large", {"seed": 2**32}, "invalid_request", ["4294967296", "0 to 4294967295"], "seed"),
    Bad("seed_string", {"seed": "1"}, "invalid_request", ["'1'", "integer"], "seed"),
    Bad("seed_true", {"seed": True}, "invalid_request", ["True", "integer"], "seed"),
    Bad("seed_float", {"seed": 1.0}, "invalid_request", ["1.0", "integer"], "seed"),
    Bad("seed_null", {"seed": None}, "invalid_request", ["None", "integer"], "seed"),
    Bad("layers_number", {"layers": 1}, "invalid_request", ["1", "true or false"], "layers"),
    Bad("layers_for_many", {"layers": True, "architectures": cells(MAX_LAYER_ITEMS + 1)}, "invalid_request",
        ["101", "at most 100"], "layers"),
    Bad("settings_list", {"settings": [1]}, "invalid_request", ["list of 1", "object"], "settings"),
    Bad("unknown_setting", {"settings": {"depth": 3}}, "invalid_settings", ["depth", "cells"], "settings"),
    Bad("setting_string", {"settings": {"cells": "5"}}, "invalid_settings", ["'5'", "1 to"], "settings.cells"),
    Bad("setting_true", {"settings": {"cells": True}}, "invalid_settings", ["True", "1 to"], "settings.cells"),
    Bad("setting_zero", {"settings": {"channels": 0}}, "invalid_settings", ["0", "1 to"], "settings.channels"),
    Bad("too_few_classes_for_labels", {"settings": {"classes": 2}}, "invalid_batch", ["label", "2"], ""),
    Bad("needs_too_much_memory", {"settings": {"channels": 4096, "cells": 100}}, "too_large",
        ["channels 4096", "GiB", "fewer"], _FIRST),
    Bad("unknown_field", {"architecture": CELL}, "invalid_request", ["architecture", "did you mean"], "architecture"),
    Bad("metadata_list", {"metadata": [1]}, "invalid_request", ["list of 1", "object"], "metadata"),
    Bad("metadata_too_large", {"metadata": {"x": "y" * 17_000}}, "invalid_request", ["16384 bytes"], "metadata"),
    Bad("metadata_surrogate", {"metadata": {"x": "\udfff"}}, "invalid_request", ["UTF-8"], "metadata"),
]  # fmt: skip


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_refused_with_value_and_repair_and_nothing_queued(
    api: httpx.Client, redis: redis_driver.Redis, bad: Bad
) -> None:
    answer = submit(api, **bad.fields)

    check_refused(answer, bad.status, bad.code, bad.says)
    if bad.at is not None:
        assert answer.json()["faults"][0]["at"].startswith(bad.at)
    assert job_keys(redis) == []
    assert queued(redis) == 0


def _raw(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


BODIES: Final[dict[str, tuple[str | bytes, int, str, list[str]]]] = {
    "empty": ("", 422, "invalid_request", ["body", "missing"]),
    "not_json": ("{space: 1}", 400, "invalid_json", ["line 1, column 2"]),
    "list": ("[]", 422, "invalid_request", ["list of 0", "object"]),
    "string": ('"job"', 422, "invalid_request", ["'job'", "object"]),
    "named twice": (
        '{"space": "nasbench201", "seed": 1, "architectures": [0], "seed": 2}',
        400,
        "invalid_json",
        ["'seed'", "twice"],
    ),
    "nan": ('{"space": "nasbench201", "architectures": [NaN]}', 400, "invalid_json", ["NaN", "finite"]),
    "infinity": ('{"metadata": {"x": -Infinity}}', 400, "invalid_json", ["-Infinity", "finite"]),
    "infinite_metadata": (
        f'{{"space": "nasbench201", "architectures": ["{CELL}"], "metadata": {{"x": 1e999}}}}',
        422,
        "invalid_request",
        ["metadata", "finite"],
    ),
    "infinite_seed": (
        f'{{"space": "nasbench201", "architectures": ["{CELL}"], "seed": 1e999}}',
        422,
        "invalid_request",
        ["inf", "integer"],
    ),
    "long_number": ('{"seed": ' + "9" * 5000 + "}", 400, "invalid_json", ["number"]),
    "not_utf8": (b'{"space": "\xff"}', 400, "invalid_json", ["UTF-8"]),
    "nested_10000_deep": (
        '{"space": "nasbench201", "architectures": [' + "[" * 10_000 + "]" * 10_000 + "]}",
        400,
        "invalid_json",
        ["nested too deep"],
    ),
    "objects_10000_deep": ('{"a":' * 10_000 + "1" + "}" * 10_000, 400, "invalid_json", ["nested too deep"]),
    "truncated": ('{"space": "nasbench201", "archi', 400, "invalid_json", ["line 1"]),
}


@pytest.mark.parametrize("name", BODIES)
def test_refused_bodies(api: httpx.Client, redis: redis_driver.Redis, name: str) -> None:
    body, status, code, says = BODIES[name]

    answer = api.post("/v1/jobs", content=_raw(body), headers={"Content-Type": "application/json"})

    check_refused(answer, status, code, says)
    assert job_keys(redis) == []
    assert queued(redis) == 0


@pytest.mark.parametrize("depth", [50, 200, 700, 900, 930, 960, 975, 985])
@pytest.mark.parametrize("where", ["architecture", "id", "seed", "darts"])
def test_nesting_just_below_the_parsers_limit_is_refused(api: httpx.Client, where: str, depth: int) -> None:
    nested = "[" * depth + "]" * depth
    bodies = {
        "architecture": f'{{"space": "nasbench201", "architectures": [{nested}]}}',
        "id": f'{{"space": "nasbench201", "architectures": [{{"architecture": 1, "id": {nested}}}]}}',
        "seed": f'{{"space": "nasbench201", "architectures": ["{CELL}"], "seed": {nested}}}',
        "darts": f'{{"space": "darts", "architectures": [{{"normal": {nested}}}]}}',
    }

    answer = api.post("/v1/jobs", content=bodies[where], headers={"Content-Type": "application/json"})

    assert answer.status_code in (400, 422), answer.text
    assert answer.json()["detail"]


@pytest.mark.parametrize(("depth", "status"), [(90, 202), (100, 422), (500, 422), (850, 422)])
def test_metadata_may_be_nested_a_hundred_deep(api: httpx.Client, depth: int, status: int) -> None:
    body = f'{{"space": "nasbench201", "architectures": ["{CELL}"], "metadata": {{"x": {"[" * depth}{"]" * depth}}}}}'

    answer = api.post("/v1/jobs", content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code == status, answer.text
    if status == 202:
        assert api.get(answer.headers["location"]).json()["metadata"] == json.loads(body)["metadata"]


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded", "garbage"])
def test_other_media_types_are_refused(api: httpx.Client, content_type: str | None) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}

    answer = api.post("/v1/jobs", content=b"{}", headers=headers)

    check_refused(answer, 415, "unsupported_media_type", ["-H 'Content-Type: application/json'"])


def test_media_type_may_have_parameters(api: httpx.Client) -> None:
    body = json.dumps({"space": "nasbench201", "architectures": [CELL]})

    answer = api.post("/v1/jobs", content=body, headers={"Content-Type": "Application/JSON; charset=utf-8"})

    assert answer.status_code == 202


def test_every_bad_architecture_is_named_by_position(api: httpx.Client) -> None:
    answer = submit(api, architectures=[CELL, "nonsense", CELL, CELL.replace("none~1", "nothing~1"), 5])

    faults = answer.json()["faults"]
    # The last one could be two things, each of which is listed.
    assert [fault["at"].split(":")[0] for fault in faults] == [f"architectures[{index}]" for index in (1, 3, 4, 4)]
    assert answer.json()["code"] == "invalid_architecture"
    assert all(fault["problem"] and fault["repair"] for fault in faults)
    assert "3 of 5 architectures" in answer.json()["detail"]


def test_faults_beyond_fifty_are_counted(api: httpx.Client) -> None:
    answer = submit(api, architectures=["nonsense"] * 1000).json()

    assert len(answer["faults"]) == 50
    assert answer["faults_omitted"] == 950
    assert len(json.dumps(answer)) < 50_000


def test_all_faults_of_the_fields_are_named_at_once(api: httpx.Client) -> None:
    answer = submit(api, seed=-1, layers="no", proxies=[]).json()

    assert {fault["at"] for fault in answer["faults"]} == {"seed", "layers", "proxies"}


def test_missing_fields_are_named(api: httpx.Client) -> None:
    answer = api.post("/v1/jobs", json={})

    assert {fault["at"] for fault in answer.json()["faults"]} == {"space", "architectures"}


def test_neighbours_are_unaffected(api: httpx.Client, store: Store, redis: redis_driver.Redis) -> None:
    neighbour = submitted(api, architectures=cells(2))
    keys = job_keys(redis)

    for bad in BAD:
        assert submit(api, **bad.fields).status_code == bad.status

    assert job_keys(redis) == keys
    assert queued(redis) == 1
    assert api.get(neighbour["links"]["self"]).json() == neighbour
    work(store, neighbour["id"])
    assert api.get(neighbour["links"]["self"]).json()["counts"]["scored"] == 2


QUERIES: Final = {
    "wait_negative": ("", {"wait": "-1"}, "invalid_request", "wait", "0 to 60"),
    "wait_long": ("", {"wait": "61"}, "invalid_request", "wait", "0 to 60"),
    "wait_nan": ("", {"wait": "nan"}, "invalid_request", "wait", "0 to 60"),
    "wait_text": ("", {"wait": "soon"}, "invalid_request", "wait", "0 to 60"),
    "unknown_parameter": ("", {"waits": "1"}, "invalid_request", "waits", "did you mean 'wait'"),
    "limit_zero": ("/scores", {"limit": "0"}, "invalid_request", "limit", "1 to 1000"),
    "limit_large": ("/scores", {"limit": "1001"}, "invalid_request", "limit", "1 to 1000"),
    "format": ("/scores", {"format": "csv"}, "invalid_request", "format", "json or ndjson"),
    "cursor": ("/scores", {"cursor": "!"}, "invalid_cursor", None, "next_cursor"),
    "cursor_number": ("/scores", {"cursor": "1"}, "invalid_cursor", None, "next_cursor"),
    "cursor_of_a_larger_job": ("/scores", {"cursor": "aXRlbTo5OQ"}, "invalid_cursor", None, "next_cursor"),
}


@pytest.mark.parametrize("name", QUERIES)
def test_refused_queries(api: httpx.Client, name: str) -> None:
    path, query, code, at, says = QUERIES[name]
    job = submitted(api)

    answer = api.get(job["links"]["self"] + path, params=query)

    check_refused(answer, 422, code, [says])
    if at is not None:
        assert [fault["at"] for fault in answer.json()["faults"]] == [at]


def check_refused(answer: httpx.Response, status: int, code: str, says: list[str]) -> None:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    problem = answer.json()
    assert (problem["status"], problem["code"]) == (status, code), problem
    assert problem["type"] == f"/v1/problems/{code}"
    assert problem["request_id"] == answer.headers["x-request-id"]
    missing = [part for part in says if part not in problem["detail"]]
    assert not missing, f"{missing} not in {problem['detail']}"
    assert len(answer.content) < 100_000
