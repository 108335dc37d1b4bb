"""Examples of requests for the OpenAPI document. Every one is posted against the app by a test."""

from __future__ import annotations

from typing import Any, Final

from proxy.data.spec import DEFAULT_BATCH

NB201_EXAMPLE: Final = "|avg_pool_3x3~0|+|skip_connect~0|none~1|+|nor_conv_1x1~0|avg_pool_3x3~1|nor_conv_1x1~2|"
DARTS_EXAMPLE: Final = (
    "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), "
    "('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)], "
    "normal_concat=[2, 3, 4, 5], reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), "
    "('max_pool_3x3', 1), ('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], "
    "reduce_concat=[2, 3, 4, 5])"
)

REQUEST_EXAMPLES: Final[dict[str, dict[str, Any]]] = {
    "nasbench201": {
        "summary": "One NAS-Bench-201 cell, everything else by default",
        "value": {"space": "nasbench201", "architectures": [NB201_EXAMPLE]},
    },
    "darts": {
        "summary": "A DARTS genotype as its repository prints it, in a small network",
        "value": {"space": "darts", "settings": {"channels": 16, "layers": 8}, "architectures": [DARTS_EXAMPLE]},
    },
    "named": {
        "summary": "Items with ids, one by its index in the benchmark, two proxies and your own metadata",
        "value": {
            "space": "nasbench201",
            "settings": {"channels": 16, "cells": 5},
            "architectures": [
                {"id": "best", "architecture": NB201_EXAMPLE},
                {"id": "number 12", "architecture": 12, "format": "nats_tss_index"},
            ],
            "proxies": ["croze", "params"],
            "batch": DEFAULT_BATCH,
            "seed": 0,
            "metadata": {"experiment": "warm-up"},
        },
    },
    "seeds": {
        "summary": "The mean over three seeds, and how far they lie apart",
        "value": {"space": "nasbench201", "architectures": [NB201_EXAMPLE], "seeds": [0, 1, 2]},
    },
    "aggregate": {
        "summary": "Ranked by two proxies together, best first",
        "value": {
            "space": "nasbench201",
            "architectures": [0, 1, 2],
            "format": "nats_tss_index",
            "aggregate": {"proxies": ["croze", "params"], "reference": "job"},
        },
    },
}
