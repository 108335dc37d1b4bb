"""Choices that samplers make. Torch-free.

They draw on `Random.random()` alone: the one method of which Python promises that a seed gives the same numbers in
later releases too.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


def pick(rng: Random, options: Sequence[T]) -> T:
    """One of the options, each as likely as every other."""
    return options[int(rng.random() * len(options))]


def pick_other(rng: Random, options: Sequence[T], than: T) -> T:
    """One of the options that are not `than`."""
    return pick(rng, [option for option in options if option != than])
