"""How a bad batch is reported: every fault that was found, in one InvalidBatch."""

from __future__ import annotations

from proxy.errors import Fault, InvalidBatch


def invalid_batch(*faults: Fault) -> InvalidBatch:
    """The error to raise for `faults`, at least one."""
    assert faults, "an invalid batch has at least one fault"
    return InvalidBatch("; ".join(map(str, faults)), faults)
