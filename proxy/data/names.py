"""The names of built-in batches: SOURCE:PART[START:STOP], e.g. "cifar10:train[0:8]", "synthetic:seed=0[0:8]".

All images of a name are those of its source from START up to, not including, STOP. A canonical name has exactly
one spelling, so that a cache and a person see the same batch under the same name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from proxy.data.faults import invalid_batch
from proxy.data.spec import (
    CHANNELS,
    MAX_CLASSES,
    MAX_IMAGES,
    MAX_SIDE,
    MAX_VALUES,
    MIN_CLASSES,
    MIN_SIDE,
    SIDE_MULTIPLE,
)
from proxy.errors import Fault, UnknownBatch, allowed_names, shown

SYNTHETIC: Final = "synthetic"
MAX_INDEX: Final = 1_000_000
"""Images of a synthetic source; any bound would do, and a bound keeps the digits few."""
MAX_SEED: Final = 2**32 - 1
MAX_NAME: Final = 200

_NUMBER: Final = r"(?:0|[1-9][0-9]{0,9})"  # One spelling per number: no leading zeros, no signs.
_SLICE: Final = re.compile(rf"(?P<source>[^\[\]]{{1,80}})\[(?P<start>{_NUMBER}):(?P<stop>{_NUMBER})\]", re.ASCII)
_OPTION: Final = re.compile(rf"(?P<key>[a-z]+)=(?P<value>{_NUMBER})", re.ASCII)


@dataclass(frozen=True, slots=True)
class BatchName:
    """A name taken apart."""

    source: str
    """What stands before the bracket, e.g. "cifar10:train"."""
    start: int
    stop: int

    @property
    def size(self) -> int:
        return self.stop - self.start

    def __str__(self) -> str:
        return f"{self.source}[{self.start}:{self.stop}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticOptions:
    """The part of a synthetic name: what the images are drawn from."""

    seed: int = 0
    classes: int = 10
    size: int = 32
    """Height and width in pixels."""

    def __str__(self) -> str:
        shown_always = f"seed={self.seed}"
        others = [f"{key}={getattr(self, key)}" for key in ("classes", "size") if getattr(self, key) != _DEFAULT[key]]
        return ",".join([shown_always, *others])


_DEFAULT: Final = {"classes": 10, "size": 32}


def parse_name(name: str) -> BatchName:
    """Take a name apart.

    Raises:
        UnknownBatch: it does not have the form, or asks for no images or for too many.
    """
    match = _SLICE.fullmatch(name) if len(name) <= MAX_NAME else None
    if match is None or ":" not in match["source"]:
        raise UnknownBatch(
            f"batch {shown(name)} does not exist; a built-in batch is SOURCE[START:STOP], "
            f"e.g. cifar10:train[0:8] or synthetic:seed=0[0:8]"
        )
    parsed = BatchName(match["source"], int(match["start"]), int(match["stop"]))
    if not 1 <= parsed.size <= MAX_IMAGES:
        raise UnknownBatch(
            f"batch {shown(name)} would hold {max(parsed.size, 0)} images; allowed: 1 to {MAX_IMAGES}, "
            f"and START is the first of them, STOP the one after the last"
        )
    return parsed


def parse_synthetic(name: BatchName) -> SyntheticOptions:
    """Read the options of a synthetic source, e.g. "synthetic:seed=3,classes=100,size=16".

    Raises:
        UnknownBatch: an unknown, repeated or unreadable option, or one out of range.
    """
    _, _, part = name.source.partition(":")
    given: dict[str, int] = {}
    for text in part.split(","):
        match = _OPTION.fullmatch(text)
        if match is None or match["key"] not in ("seed", "classes", "size") or match["key"] in given:
            raise UnknownBatch(
                f"batch {shown(str(name))} has an option {shown(text)} that is unknown, unreadable or given twice; "
                f"allowed: seed=S,classes=K,size=PIXELS, each at most once, e.g. synthetic:seed=0,classes=100[0:8]"
            )
        given[match["key"]] = int(match["value"])
    options = SyntheticOptions(**given)
    _check_synthetic(name, options)
    return options


def _check_synthetic(name: BatchName, options: SyntheticOptions) -> None:
    ranges = {
        f"seed={options.seed}": (options.seed <= MAX_SEED, f"0 to {MAX_SEED}"),
        f"classes={options.classes}": (
            MIN_CLASSES <= options.classes <= MAX_CLASSES,
            f"{MIN_CLASSES} to {MAX_CLASSES}",
        ),
        f"size={options.size}": (
            MIN_SIDE <= options.size <= MAX_SIDE and options.size % SIDE_MULTIPLE == 0,
            f"multiples of {SIDE_MULTIPLE} from {MIN_SIDE} to {MAX_SIDE}",
        ),
        f"STOP {name.stop}": (name.stop <= MAX_INDEX, f"up to {MAX_INDEX}"),
    }
    for what, (is_valid, allowed) in ranges.items():
        if not is_valid:
            raise UnknownBatch(f"batch {shown(str(name))}: {what} is out of range; allowed: {allowed}")
    fit = MAX_VALUES // (CHANNELS * options.size**2)
    if name.size > fit:
        raise UnknownBatch(
            f"batch {shown(str(name))}: {name.size} images of {options.size} x {options.size} pixels are too many; "
            f"allowed: up to {fit} at that size"
        )


def unknown_source(name: BatchName, sources: list[str]) -> UnknownBatch:
    """The error for a source that is in no table."""
    return UnknownBatch(f"batch source {shown(name.source)} does not exist; {allowed_names(name.source, sources)}")


def check_given_name(name: str) -> str:
    """`name`, if a user's own batch may be called that: printable, at most 200 characters, without a colon.

    The colon belongs to built-in names and digests, which no upload may claim.

    Raises:
        InvalidBatch: it may not.
    """
    if not name or len(name) > MAX_NAME or ":" in name or not name.isprintable():
        problem = f"{shown(name)} is no name for a batch of your own"
        allowed = f"allowed: 1 to {MAX_NAME} printable characters without ':'"
        raise invalid_batch(Fault("name", problem, allowed))
    return name
