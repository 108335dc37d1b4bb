"""Rounds of a search: what they depend on, and what is said meanwhile."""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any

import httpx
import numpy as np
import pytest

from app.cli.errors import CommandError, UsageError
from app.cli.progress import report_progress
from app.cli.scoring_request import ScoringOptions
from app.cli.search_rounds import BestSoFar, Rounds, Running, shape_of_batch
from app.cli.terminal import stderr
from proxy.search import Proposal, Search
from proxy.spaces import SPACES
from proxy.spaces._base import ImageShape
from tests.app.cli.test_output import item
from tests.proxy.search.plans import convolutions, plan

OPTIONS = ScoringOptions(settings={}, precision="float32", batch="cifar10:train[0:8]")


class HandMade(Rounds):
    """Items that nobody scored."""

    def __init__(self, **fields: Any) -> None:
        super().__init__(SPACES["nasbench201"], OPTIONS, None)
        self._fields = fields

    def items(self, proposals: Sequence[Proposal]) -> Generator[dict[str, Any]]:
        for position in reversed(range(len(proposals))):
            yield {**item(position, 1.0), **self._fields}


def test_what_was_canceled_is_no_trial() -> None:
    search = Search(plan())
    with report_progress(stderr(), 60) as progress, pytest.raises(CommandError, match="trial 0 was canceled"):
        Running(search, HandMade(status="canceled"), None, progress).run()
    assert search.trials == []


def test_best_so_far_is_a_value() -> None:
    search = Search(plan())
    best = BestSoFar(search)
    assert best.text == ""
    for value, text in ((2.0, "best croze 2"), (None, "best croze 2"), (1.0, "best croze 2"), (3.5, "best croze 3.5")):
        best.add(None if value is None else {"croze": value})
        assert best.text == text
    fewest = BestSoFar(Search(plan(objectives="params,croze")))
    fewest.add({"params": 2e6, "croze": 1.0})
    fewest.add({"params": 1e6, "croze": 1.0})
    assert fewest.text == "best params 1M"


def test_best_so_far_by_an_aggregate_is_a_trial() -> None:
    search = Search(plan(objectives="robust"))
    best = BestSoFar(search)
    assert best.text == ""
    for _ in range(2):
        proposals = search.ask()
        search.tell([convolutions(each) for each in proposals])
        best.add(convolutions(proposals[0]))
        assert search.best is not None
        assert best.text == f"best: trial {search.best.proposal.number}"


def test_images_of_this_machine_say_how_large_networks_are() -> None:
    assert shape_of_batch(OPTIONS, None) == (ImageShape(3, 32, 32), 10)
    with pytest.raises(UsageError, match="mnist"):
        shape_of_batch(replace(OPTIONS, batch="mnist:train[0:8]"), None)


def test_images_that_only_the_service_has_say_it_too(api: httpx.Client, tmp_path: Any) -> None:
    url, file = str(api.base_url), tmp_path / "images.npz"
    np.savez(file, images=np.zeros((4, 3, 16, 16), np.float32), labels=np.array([0, 1, 2, 6]))
    headers = {"Content-Type": "application/octet-stream"}
    answer = api.post("/v1/batches", params={"name": "mine"}, content=file.read_bytes(), headers=headers)
    digest = json.loads(answer.content)["digest"]
    assert shape_of_batch(replace(OPTIONS, batch=digest), url) == (ImageShape(3, 16, 16), 7)
    assert shape_of_batch(replace(OPTIONS, batch="cifar10:train[0:49999]"), url) == (ImageShape(3, 32, 32), 10)
    with pytest.raises(UsageError):
        shape_of_batch(replace(OPTIONS, batch="sha256:" + "0" * 64), url)
