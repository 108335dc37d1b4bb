"""[T] What happens inside a forward pass, for proxies that look at more than logits and stage features.

Networks are functions (`proxy.nets`), so there are no modules to hook. Instead the functions that networks are made of
tell the trace of the day, if there is one. A trace holds references, no copies: what it holds is held for the backward
pass anyway.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from proxy.scaled import Scaled


@dataclass(eq=False)
class ForwardTrace:
    """What one forward pass did, in its order."""

    convolved: dict[str, Scaled] = field(default_factory=dict)
    """Layer -> what it computed, before any batch norm. Images first, channels second."""
    rectified: list[Scaled] = field(default_factory=list)
    """What came out of each ReLU of the official network: once for every operation that has a ReLU of its own, even
    where several read one value, which is rectified once here."""
    normalised: list[Scaled] = field(default_factory=list)
    """What went into each batch norm."""


_trace: ContextVar[ForwardTrace | None] = ContextVar("forward_trace", default=None)


@contextmanager
def traced() -> Iterator[ForwardTrace]:
    """Forward passes within the block are written down."""
    trace = ForwardTrace()
    token = _trace.set(trace)
    try:
        yield trace
    finally:
        _trace.reset(token)


def tell_convolved(layer: str, output: Scaled) -> Scaled:
    """A layer has computed this."""
    if (trace := _trace.get()) is not None:
        trace.convolved[layer] = output
    return output


def tell_rectified(output: Scaled) -> Scaled:
    """An operation reads this through a ReLU of its own."""
    if (trace := _trace.get()) is not None:
        trace.rectified.append(output)
    return output


def tell_normalised(x_NCHW: Scaled) -> Scaled:
    """This goes into a batch norm."""
    if (trace := _trace.get()) is not None:
        trace.normalised.append(x_NCHW)
    return x_NCHW
