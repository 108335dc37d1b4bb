"""Shapes of aggregates over HTTP: how a job asks for one, and what is said of it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from app.answers import View
from app.validation import RequestModel
from proxy.aggregates import MAX_PROXIES

_Name = Annotated[str, StringConstraints(max_length=200)]


class EarlierJob(RequestModel):
    """A job to rank against."""

    job: _Name = Field(description="the id of a job")


class AggregateRequest(RequestModel):
    """How to combine ranks, and against what they are taken."""

    name: _Name | None = Field(None, description="the name of a preset, as GET /v1/aggregates lists them; or proxies")
    method: _Name = Field("log_rank", description="log_rank: the sum over the proxies of log(rank / m)")
    proxies: list[_Name] | None = Field(
        None, max_length=MAX_PROXIES, description=f"a list of 2 to {MAX_PROXIES} different proxies; or name"
    )
    reference: Literal["job", "shipped"] | EarlierJob = Field(
        "job", description='job: items are ranked among themselves; {"job": id}: against an earlier job; or shipped'
    )


class EarlierJobView(View):
    job: str


class AggregateView(View):
    """Ranks of several proxies, combined: docs/aggregates.md."""

    name: str
    method: str
    proxies: list[str]
    reference: Literal["job", "shipped"] | EarlierJobView = Field(description="What items are ranked against")
    validated: bool = Field(description="Whether it was held against real accuracies in this space")


class NoValueView(View):
    """Why there is no value."""

    code: str = Field(description="no_value, too_few_ranked or reference_missing")
    message: str


class ItemAggregateView(View):
    """What the job's aggregate says of an item. While the job runs, that is a moment's view."""

    name: str
    method: str
    proxies: list[str]
    reference: Literal["job", "shipped"] | EarlierJobView
    status: Literal["pending", "scored", "failed"] = Field(description="pending: it may have a value later")
    value: float | None = Field(description="At most 0; higher is better. null unless status is scored")
    among: int | None = Field(description="m: how many it was ranked among by each proxy, itself included")
    rank: int | None = Field(description="Its place by value among the items of the job; null until the job has ended")
    of: int | None = Field(description="How many items of the job are ranked")
    error: NoValueView | None
