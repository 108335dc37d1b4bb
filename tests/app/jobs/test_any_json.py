"""Whatever JSON is sent, the answer is a job or a problem, and never a 500."""

from __future__ import annotations

import json
from typing import Any

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.app.driving import CELL

_TEXT = st.text(st.characters(), max_size=20) | st.sampled_from(
    ["nasbench201", "darts", "croze", "nb201_str", "nats_tss_index", "float64", "cifar10:train[0:8]", CELL, "Genotype("]
)
_SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXT
_JSON = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            _TEXT
            | st.sampled_from(["architecture", "format", "id", "normal", "reduce", "normal_concat", "reduce_concat"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
_FIELDS = {
    "space": _TEXT,
    "architectures": st.lists(_JSON, max_size=4),
    "settings": st.dictionaries(st.sampled_from(["channels", "cells", "layers", "classes", "x"]), _SCALARS),
    "format": _SCALARS,
    "proxies": st.lists(_TEXT, max_size=3),
    "seed": _SCALARS,
    "seeds": st.none()
    | st.lists(_SCALARS, max_size=3)
    | st.lists(st.integers(0, 5), min_size=1, max_size=3, unique=True),
    "aggregate": _JSON
    | st.fixed_dictionaries(
        {},
        optional={
            "name": _TEXT,
            "method": _TEXT,
            "proxies": st.lists(st.sampled_from(["croze", "params", "macs"]), max_size=3),
            "reference": _JSON | st.fixed_dictionaries({"job": _TEXT}),
        },
    ),
    "batch": _TEXT,
    "precision": _TEXT,
    "layers": _SCALARS,
    "metadata": _JSON,
    "webhook": _JSON,
}
_REQUESTS = st.fixed_dictionaries(
    {"space": st.sampled_from(["nasbench201", "darts"]), "architectures": st.lists(_JSON, min_size=1, max_size=4)},
    optional={name: field for name, field in _FIELDS.items() if name not in ("space", "architectures")},
) | st.fixed_dictionaries({}, optional=_FIELDS)


@settings(
    max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(body=_REQUESTS | _JSON)
def test_any_json_is_answered_with_a_job_or_a_problem(api: httpx.Client, body: Any) -> None:
    answer = api.post("/v1/jobs", content=json.dumps(body), headers={"Content-Type": "application/json"})

    if answer.status_code == 202:
        assert api.get(answer.headers["location"]).json() == answer.json()
        assert api.get(answer.json()["links"]["scores"]).status_code == 200
    else:
        assert answer.status_code in (400, 422), answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"]
