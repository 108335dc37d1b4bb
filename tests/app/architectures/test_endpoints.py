"""Genotypes checked and converted over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import redis as redis_driver

from app.architectures.schemas import ConversionView, ValidationView
from app.jobs.schemas import MAX_ARCHITECTURES
from app.settings import Settings
from proxy.spaces import SPACES
from tests.app.conftest import Serve
from tests.app.driving import CELL, job_keys, submitted
from workers.store import Store

VALIDATE, CONVERT = "/v1/architectures/validate", "/v1/architectures/convert"
DARTS: dict[str, Any] = {
    "normal": [["sep_conv_3x3", 1], ["skip_connect", 0]],
    "normal_concat": [2],
    "reduce": [["max_pool_3x3", 0], ["max_pool_3x3", 1]],
    "reduce_concat": [2],
}


def validated(api: httpx.Client, architectures: list[Any], **fields: Any) -> Any:
    answer = api.post(VALIDATE, json={"space": "nasbench201", "architectures": architectures, **fields})
    assert answer.status_code == 200, answer.text
    ValidationView.model_validate(answer.json())
    return answer.json()


def converted(api: httpx.Client, architectures: list[Any], to: str, **fields: Any) -> Any:
    body = {"space": "nasbench201", "architectures": architectures, "to": to, **fields}
    answer = api.post(CONVERT, json=body)
    assert answer.status_code == 200, answer.text
    ConversionView.model_validate(answer.json())
    return answer.json()


def test_each_genotype_says_what_it_is(api: httpx.Client, redis: redis_driver.Redis) -> None:
    answer = validated(api, [CELL, {"architecture": 12, "format": "nats_tss_index", "id": "a"}, "nonsense"])

    assert (answer["valid"], answer["invalid"], answer["space"]) == (2, 1, "nasbench201")
    assert answer["settings"] == {"channels": 16, "cells": 5, "classes": 10}
    first, second, third = answer["items"]
    assert first == {
        "index": 0,
        "id": None,
        "valid": True,
        "canonical": CELL,
        "space": "nasbench201",
        "format": "nb201_str",
        "connected": True,
        "facts": {"nasbench201_index": 2631, "equivalence_class": 2631},
        "params": 129306,
        "macs": 15_647_360,
        "error": None,
    }
    assert (second["id"], second["format"], second["facts"]["nasbench201_index"]) == ("a", "nats_tss_index", 12)
    assert (third["valid"], third["canonical"], third["format"], third["params"]) == (False, None, None, None)
    assert third["error"]["code"] == "unknown_format"
    assert job_keys(redis) == []


def test_it_says_of_an_architecture_what_a_job_does(api: httpx.Client) -> None:
    settings = {"channels": 8, "cells": 2}
    (item,) = validated(api, [CELL], settings=settings)["items"]
    job = submitted(api, architectures=[CELL], settings=settings)
    (scored,) = api.get(job["links"]["scores"]).json()["items"]
    assert item["canonical"] == scored["architecture"]
    for name in ("space", "format", "params", "macs", "connected", "facts"):
        assert item[name] == scored[name]


def test_an_ambiguous_genotype_lists_all_that_it_could_be(api: httpx.Client) -> None:
    (item,) = validated(api, [{"architecture": [4, 0, 3, 1, 4, 3], "id": "six"}])["items"]
    assert (item["id"], item["valid"], item["error"]["code"]) == ("six", False, "ambiguous_format")
    assert [fault["repair"] for fault in item["error"]["faults"]] == ["send 'naslib_nb201'", "send 'nb201_spec'"]
    assert CELL in item["error"]["faults"][0]["problem"]


def test_genotypes_of_other_spaces_are_called_by_name(api: httpx.Client) -> None:
    foreign, darts = validated(api, ["8:8:8:16:40", DARTS])["items"]
    assert (foreign["error"]["code"], darts["error"]["code"]) == ("unsupported_for_proxy", "unknown_format")
    assert "NATS-Bench, size space" in foreign["error"]["message"]
    assert "is of space 'darts'" in darts["error"]["message"]


def test_faults_are_listed_with_their_places(api: httpx.Client) -> None:
    (item,) = validated(api, [{**DARTS, "normal": [["conv", 0], ["skip_connect", 5]]}], space="darts")["items"]
    assert item["error"]["code"] == "invalid_architecture"
    assert [fault["at"] for fault in item["error"]["faults"]] == ["normal[0]", "normal[1]"]


@pytest.mark.parametrize("bad", [None, True, 7.5, {"architecture": CELL, "x": 1}, {"architecture": CELL, "id": 5}, {}])
def test_no_genotype_spoils_the_others(api: httpx.Client, bad: Any) -> None:
    items = validated(api, [CELL, bad, CELL])["items"]
    assert [item["valid"] for item in items] == [True, False, True]
    assert items[1]["error"]["message"]


def test_a_genotype_nested_to_the_parsers_limit_is_one_bad_item(api: httpx.Client) -> None:
    deep = "[" * 900 + "]" * 900
    body = f'{{"space": "nasbench201", "architectures": ["{CELL}", {deep}, {{"architecture": {deep}}}]}}'
    answer = api.post(VALIDATE, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 200, answer.text
    assert [item["valid"] for item in answer.json()["items"]] == [True, False, False]


def test_every_format_of_a_space_to_every_other(api: httpx.Client) -> None:
    for space in SPACES.values():
        for name, form in space.formats.items():
            sent = {"architecture": form.example, "format": name, "id": name}
            for to in space.formats:
                (item,) = converted(api, [sent], to, space=space.name, allow_reordering=True)["items"]
                assert item["error"] is None, (name, to, item)
                assert (item["id"], item["format"]) == (name, name)
                (back,) = validated(api, [{"architecture": item["architecture"], "format": to}], space=space.name)[
                    "items"
                ]
                assert back["canonical"] == item["canonical"] or item["reordered"]


def test_a_lossy_conversion_says_what_would_be_lost(api: httpx.Client) -> None:
    answer = converted(api, [DARTS, DARTS | {"normal_concat": [2, 2]}], "nni_darts", space="darts")
    assert (answer["converted"], answer["refused"], answer["to"]) == (1, 1, "nni_darts")
    fits, lossy = answer["items"]
    assert fits["architecture"]["normal/op_2_0"] == "sep_conv_3x3"
    assert (lossy["valid"], lossy["architecture"], lossy["error"]["code"]) == (True, None, "lossy_conversion")
    assert lossy["canonical"]
    assert lossy["error"]["faults"][0]["at"] == "normal_concat"
    assert lossy["error"]["faults"][0]["problem"] == "the output [2, 2] would be lost"


def test_order_is_given_up_only_where_that_is_allowed(api: httpx.Client) -> None:
    example = SPACES["darts"].formats["darts_genotype_repr"].example
    (kept,) = converted(api, [example], "nb301_config", space="darts")["items"]
    (given_up,) = converted(api, [example], "nb301_config", space="darts", allow_reordering=True)["items"]
    assert (kept["architecture"], kept["error"]["code"], kept["reordered"]) == (None, "lossy_conversion", False)
    assert all(
        "order" in fault["problem"] and "allow_reordering" in fault["repair"] for fault in kept["error"]["faults"]
    )
    assert given_up["reordered"] is True
    assert given_up["architecture"] == SPACES["darts"].formats["nb301_config"].example


@pytest.mark.parametrize(
    ("fields", "code", "at", "said"),
    [
        ({"space": "nasbench301"}, "unknown_space", "space", "nasbench201"),
        ({"to": "nb202_str"}, "unknown_format", "to", "did you mean 'nb201_str'"),
        ({"to": "darts_json"}, "unknown_format", "to", "is of space 'darts'"),
        ({"to": "nb101"}, "unsupported_for_proxy", "to", "NAS-Bench-101"),
        ({"to": 5}, "invalid_request", "to", "name of a format"),
        ({"allow_reordering": 1}, "invalid_request", "allow_reordering", "true or false"),
        ({"architectures": []}, "invalid_request", "architectures", "1 to 20000"),
        ({"architectures": [0] * (MAX_ARCHITECTURES + 1)}, "invalid_request", "architectures", "1 to 20000"),
        ({"architecture": CELL}, "invalid_request", "architecture", "did you mean 'architectures'"),
    ],
)
def test_a_request_that_is_wrong_as_a_whole(
    api: httpx.Client, fields: dict[str, Any], code: str, at: str, said: str
) -> None:
    body = {"space": "nasbench201", "architectures": [CELL], "to": "nb201_str", **fields}
    answer = api.post(CONVERT, json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
    assert answer.json()["faults"][0]["at"] == at
    assert said in answer.json()["detail"]


def test_settings_are_checked(api: httpx.Client) -> None:
    body = {"space": "nasbench201", "architectures": [CELL], "settings": {"cells": 0, "depth": 1}}
    answer = api.post(VALIDATE, json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_settings")
    assert len(answer.json()["faults"]) == 2


def test_all_of_nasbench201_in_one_request(api: httpx.Client) -> None:
    answer = converted(api, list(range(15_625)), "naslib_nb201", format="nats_tss_index")
    assert (answer["converted"], answer["refused"]) == (15_625, 0)
    assert answer["items"][2631]["architecture"] == [4, 0, 3, 1, 4, 3]
    assert len({item["facts"]["equivalence_class"] for item in answer["items"]}) == 6_466


def test_whoever_may_read_may_check_and_convert(api: httpx.Client, store: Store) -> None:
    _, token = store.api_keys.add("reader", "read")
    headers = {"Authorization": f"Bearer {token}"}
    body = {"space": "nasbench201", "architectures": [CELL]}
    assert api.post(VALIDATE, json=body).status_code == 401
    assert api.post(VALIDATE, json=body, headers=headers).status_code == 200
    assert api.post(CONVERT, json=body | {"to": "nb201_spec"}, headers=headers).status_code == 200
    for path in ("/v1/jobs", "/v1/architectures", f"{VALIDATE}/", f"{VALIDATE}/x"):
        assert api.post(path, json=body, headers=headers).status_code == 403, path
    assert api.put(VALIDATE, json=body, headers=headers).status_code == 403


def test_genotypes_count_against_the_allowance_of_items(
    serve: Serve, redis_url: str, store: Store, redis: redis_driver.Redis
) -> None:
    _, token = store.api_keys.add("alice", "user")
    client = serve(Settings(redis_url=redis_url, items_per_minute=50))
    client.headers["Authorization"] = f"Bearer {token}"
    body: dict[str, Any] = {"space": "nasbench201", "format": "nats_tss_index"}
    too_many = client.post(VALIDATE, json=body | {"architectures": list(range(51))})
    assert (too_many.status_code, too_many.json()["code"]) == (422, "invalid_request")
    assert "at most 50" in too_many.json()["detail"]
    assert client.post(VALIDATE, json=body | {"architectures": list(range(50))}).status_code == 200
    used_up = client.post(CONVERT, json=body | {"architectures": list(range(50)), "to": "nb201_str"})
    assert (used_up.status_code, used_up.json()["code"]) == (429, "rate_limited")
    assert int(used_up.headers["retry-after"]) >= 1


@pytest.mark.parametrize("path", [VALIDATE, CONVERT])
def test_bodies_are_read_as_strictly_as_those_of_jobs(api: httpx.Client, path: str) -> None:
    headers = {"Content-Type": "application/json"}
    bad = api.post(path, content=b'{"architectures": [NaN]}', headers=headers)
    assert (bad.status_code, bad.json()["code"]) == (400, "invalid_json")
    form = api.post(path, content=b"{}", headers={"Content-Type": "text/plain"})
    assert (form.status_code, form.json()["code"]) == (415, "unsupported_media_type")
