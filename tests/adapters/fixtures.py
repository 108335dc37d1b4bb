"""A client of the service that `python -m tests.adapters` has started. A plugin, for no conftest is read there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from croze_client import Client

#: A cell through which nothing comes: some proxies have no score for it, jacob_cov for one.
DEAD = dict.fromkeys(("0_1", "0_2", "1_2", "0_3", "1_3", "2_3"), "none")
#: Networks that are scored in an instant.
SMALL = {"channels": 4, "cells": 1}


@pytest.fixture
def client() -> Iterator[Client]:
    with Client(settings=SMALL, batch="cifar10:train[0:4]") as made:
        yield made
