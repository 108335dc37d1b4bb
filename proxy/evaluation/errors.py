"""What can be wrong with what is to be evaluated.

ProxyError
├── InvalidTable      invalid_table       a table of scores or accuracies cannot be read, or contradicts itself
└── InvalidRequest    invalid_evaluation  what was asked for does not fit the tables
"""

from __future__ import annotations

from proxy.errors import ProxyError


class InvalidTable(ProxyError):
    """A table of scores or accuracies cannot be read, or contradicts itself; `faults` names what and where."""

    code = "invalid_table"


class InvalidRequest(ProxyError):
    """A target, aggregate, column or number that was asked for does not fit the tables."""

    code = "invalid_evaluation"
