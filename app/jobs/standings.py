"""What an aggregate says of an item: its value and place, or why it has none. The same for jobs and for local runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from proxy.aggregates import Ranked
from workers.records import TERMINAL_ITEM

#: Ranks among fewer say nothing.
LEAST: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What an aggregate says of one item."""

    status: Literal["pending", "scored", "failed"]
    value: float | None = None
    among: int | None = None
    """How many it was ranked among, itself included."""
    rank: int | None = None
    """Its place among the items of its job."""
    of: int | None = None
    """How many items of the job are ranked."""
    error: Mapping[str, str] | None = None


PENDING: Final = Standing(status="pending")


def failed(code: str, message: str) -> Standing:
    """An item has no value."""
    return Standing(status="failed", error={"code": code, "message": message})


def unranked(
    proxies: Sequence[str], status: str, scores: Mapping[str, Any], error: Mapping[str, Any] | None
) -> Standing:
    """That of an item which has no value by one of the aggregate's proxies: it has failed, or has not ended.

    Args:
        proxies: of the aggregate.
        status, scores, error: the item's.
    """
    if status not in TERMINAL_ITEM:
        return PENDING
    if status == "canceled":
        return failed("no_value", "the item was canceled")
    if error is not None:
        return failed("no_value", f"the item has failed: {error['code']}")
    for proxy in proxies:
        reason = scores[proxy]["error"]
        if reason is not None:
            return failed("no_value", f"{proxy} has no value: {reason['code']}: {reason['message']}")
    return PENDING


def too_few(ranked: int, proxies: Sequence[str]) -> Standing:
    """That of an item of a job that has ended with fewer than two to be ranked."""
    return failed(
        "too_few_ranked",
        f"{ranked} of these architectures has a value by each of {', '.join(proxies)}, and ranks need {LEAST}; score "
        "more at a time, or rank against an earlier job or a shipped distribution",
    )


def placed(ranked: Ranked, *, among: int, of: int) -> Standing:
    """That of an item of a job that has ended."""
    return Standing(status="scored", value=ranked.value, among=among, rank=ranked.rank, of=of)
