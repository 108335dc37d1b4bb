"""How well scores predict accuracies that were measured: statistics, tables and plots. Torch-free.

docs/evaluate.md defines every number. `croze evaluate` is the command; from Python:

    evaluate_columns     all numbers of some scores against some targets, as arrays
    spearman_difference  how much better one score predicts a target than another
    log_rank             the aggregate of several scores
"""

from __future__ import annotations

from proxy.evaluation.errors import InvalidRequest, InvalidTable
from proxy.evaluation.pairs import Options, Pair, evaluate_columns, spearman_difference
from proxy.evaluation.ranks import log_rank
from proxy.evaluation.resampling import Estimate
from proxy.evaluation.selection import Top

__all__ = [
    "Estimate",
    "InvalidRequest",
    "InvalidTable",
    "Options",
    "Pair",
    "Top",
    "evaluate_columns",
    "log_rank",
    "spearman_difference",
]
