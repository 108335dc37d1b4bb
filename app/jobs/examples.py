"""Examples of answers for the OpenAPI document, made by what makes the answers."""

from __future__ import annotations

import json
from typing import Final

from app.jobs.outlook import Prospect
from app.jobs.request_examples import NB201_EXAMPLE
from app.jobs.streams import Events, lines
from app.jobs.views import item_json
from proxy.data.spec import DEFAULT_BATCH
from workers.records import Counts, Item, ItemOutcome, ItemSpec, Job, JobSpec

_SCORE: Final = json.loads("""{
    "proxy": "params", "status": "scored", "value": 129306.0, "direction": "higher_is_better", "components": {},
    "batch": null, "seed": null, "precision": null, "computed_in": null, "revision": 1,
    "environment": {"device": "cpu", "capability": "AVX512", "torch": "2.13.0"},
    "seconds": 0.001, "cached": false, "error": null
}""")
_JOB: Final = Job(
    spec=JobSpec(
        id="5f0c9bd6e7e04a0ea5b6ecf3dcb0d2f4",
        space="nasbench201",
        settings={"channels": 16, "cells": 5, "classes": 10},
        proxies=("params",),
        seed=0,
        batch="sha256:a5fa16fdec04aa85367ce55ceabd8382a874fd10fefa6248e9a56f6439241005",
        batch_name=DEFAULT_BATCH,
        precision="float64",
    ),
    status="completed",
    counts=Counts(total=1, queued=0, running=0, scored=1, failed=0, canceled=0),
    created_at=1_800_000_000.0,
    started_at=1_800_000_000.5,
    finished_at=1_800_000_001.0,
    expires_at=1_800_604_801.0,
)
_ITEM: Final = Item(
    spec=ItemSpec(
        index=0,
        architecture=NB201_EXAMPLE,
        format="nb201_str",
        params=129306,
        macs=15_647_360,
        facts={"connected": True, "nasbench201_index": 2631, "equivalence_class": 2631},
    ),
    status="scored",
    outcome=ItemOutcome(status="scored", scores={"params": _SCORE}),
    started_at=1_800_000_000.5,
    finished_at=1_800_000_001.0,
)

_SHOWN: Final = item_json(_ITEM, _JOB.spec)

NDJSON_EXAMPLE: Final = lines(_JOB, [_SHOWN], 1)


def events_example() -> str:
    """A whole stream of a job of one item that had ended before."""
    render = Events(_JOB.spec.id, 0, lambda _: Prospect())
    return render(_JOB, [_SHOWN], 1) + render(_JOB, [], 1)
