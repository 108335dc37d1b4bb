"""What a search space is: the contract that every entry of `proxy.spaces.SPACES` fulfils. Torch-free."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Generic, Protocol, TypeAlias, TypeVar

from proxy.errors import Fault, InvalidSettings, TooLarge, UnknownFormat, allowed_names, shown
from proxy.json_types import JsonObject, JsonValue
from proxy.precision import WIDEST_NUMBER_BYTES

Settings: TypeAlias = Mapping[str, int]
"""A space's settings, complete and checked, e.g. {"channels": 16, "cells": 5, "classes": 10}."""


class Architecture(Protocol):
    """One member of a space: immutable, hashable, equal to another of the same canonical form."""

    @property
    def canonical(self) -> str:
        """The one written form by which the service knows this architecture."""


A = TypeVar("A", bound=Architecture)


@dataclass(frozen=True, slots=True)
class Setting:
    """One integer that shapes all networks of a space."""

    name: str
    default: int | None
    """None: taken from the batch (`classes`)."""
    minimum: int
    maximum: int
    meaning: str


@dataclass(frozen=True, slots=True)
class Format(Generic[A]):
    """One written form of a space's architectures."""

    name: str
    """The tag by which requests name it."""
    summary: str
    example: object
    """A JSON value that this format reads."""
    parse: Callable[[object], A]
    """Reads any JSON value. Raises InvalidArchitecture with every fault; never anything else."""
    recognises: Callable[[object], bool]
    """Whether a value says by itself that it is meant in this format (well formed or not)."""
    write: Callable[[A], JsonValue]
    """An architecture in this format: a JSON value that `parse` reads as the same architecture. Raises LossyConversion
    with all that the format cannot hold; never anything else."""
    may_be: Callable[[object], bool] = lambda _: False
    """Whether a value that says nothing by itself has the shape of this format: several may share one."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Size of the network that people train: with batch norm, without auxiliary head."""

    params: int
    """Trainable parameters."""
    macs: int
    """Multiply-accumulates of convolutions and linear layers for one image."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One operation of a cell."""

    source: str
    target: str
    operation: str
    reaches_output: bool
    """Whether what the operation computes can reach the cell's output."""


@dataclass(frozen=True, slots=True)
class CellGraph:
    """A cell as a graph that can be drawn: `nodes` in topological order, inputs first, output last."""

    name: str
    nodes: tuple[str, ...]
    edges: tuple[Edge, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampler(Generic[A]):
    """How a search draws architectures of a space, and changes them. The same `Random` gives the same architectures."""

    name: str
    summary: str
    draw: Callable[[Random], A]
    """One of those that it knows, perhaps not all of the space."""
    move: Callable[[A, Random], A]
    """A neighbour of one that it knows: another one that it knows."""
    everything: Callable[[], Sequence[A]] | None = None
    """All that it knows, in one order; None if they are too many."""


@dataclass(frozen=True, slots=True)
class Parsed(Generic[A]):
    """An architecture and the format it was read from."""

    architecture: A
    format: str


@dataclass(frozen=True, slots=True)
class ImageShape:
    """What a network is fed with."""

    channels: int
    height: int
    width: int


@dataclass(frozen=True, kw_only=True)
class Space(Generic[A]):
    """A family of architectures: everything that can be known of it without torch."""

    name: str
    title: str
    paper: str
    size: str
    """How many architectures it has, in words."""
    operations: tuple[str, ...]
    """What an edge of a cell can be."""
    settings: tuple[Setting, ...]
    formats: Mapping[str, Format[A]]
    canonical_format: str
    """The format in which `Architecture.canonical` is written."""
    counts: Callable[[A, Settings, ImageShape], Counts]
    graph: Callable[[A], tuple[CellGraph, ...]]
    facts: Callable[[A], JsonObject]
    """What else is known of an architecture; always has `connected` (does the input reach the output?)."""
    peak_numbers: Callable[[A, Settings, ImageShape], tuple[int, int]]
    """(numbers held per network, numbers held per image) at the peak of a forward and backward pass: an
    upper estimate that the memory limit is checked against."""
    network: str
    """Dotted name of `build(architecture, settings, *, seed, batch_norm, image) -> ScorableNet`."""
    enumerate: Callable[[], Iterator[str]] | None = None
    """Every architecture once, in canonical form, in the order of the space's own index; None if they are too many."""
    effective: Callable[[A], str] | None = None
    """Canonical form of the smallest architecture that has the same network without batch norm, weights included:
    they share a score (`Proxy.sees_all` apart). None: each has its own."""
    isomorphism: Callable[[A], str] | None = None
    """A name of the architecture's class: those of one class compute the same function, but for weights that differ, so
    that their scores differ at a seed. None: the space knows no classes."""
    reordered: Callable[[A], A] | None = None
    """The architecture of the same class that is written in the one order which formats have that keep none, such as
    sorted pairs. None: order is nowhere lost."""
    samplers: tuple[Sampler[A], ...] = ()
    """What a search can draw from; the first is the default. Empty: the space is not searched."""
    image_multiple: int = 4
    """Height and width of an image must be a multiple of this: each reduction halves them."""

    def parse(self, value: object, format: str | None = None) -> Parsed[A]:  # noqa: A002 (the field's word)
        """Read a genotype in the named format, or in the one that the value itself shows.

        Raises:
            UnknownFormat: no such format, or none named and the value fits none or several.
            InvalidArchitecture: the value is no architecture of this space.
        """
        chosen = self._format(value, format)
        return Parsed(chosen.parse(value), chosen.name)

    def format_named(self, name: str) -> Format[A]:
        """The format of that name.

        Raises:
            UnknownFormat: there is none.
        """
        if name not in self.formats:
            raise UnknownFormat(f"space {self.name!r} has no format {shown(name)}; {allowed_names(name, self.formats)}")
        return self.formats[name]

    def _format(self, value: object, name: str | None) -> Format[A]:
        if name is not None:
            return self.format_named(name)
        readings = [each for each in self.formats.values() if each.recognises(value)]
        if len(readings) == 1:
            return readings[0]
        fits = f"could be any of {', '.join(r.name for r in readings)}" if readings else "fits no format by itself"
        raise UnknownFormat(
            f"{shown(value)} {fits}; name one with 'format': {', '.join(self.formats)} "
            f"(e.g. {self.canonical_format}: {self.formats[self.canonical_format].example})"
        )

    def complete_settings(self, given: Mapping[str, object], classes: int) -> dict[str, int]:
        """Check `given`, fill in defaults (`classes` from the batch) and return every setting, in table order.

        Raises:
            InvalidSettings: with every fault found.
        """
        known = {setting.name: setting for setting in self.settings}
        faults = [
            Fault("settings", f"{shown(name)} is no setting", f"space {self.name!r} has {', '.join(known)}")
            for name in given
            if name not in known
        ][:20]
        complete: dict[str, int] = {}
        for setting in self.settings:
            value = given.get(setting.name)
            if value is None:
                value = classes if setting.default is None else setting.default
            if isinstance(value, bool) or not isinstance(value, int):
                faults.append(Fault(f"settings.{setting.name}", f"{shown(value)} is not an integer", _range(setting)))
            elif not setting.minimum <= value <= setting.maximum:
                faults.append(Fault(f"settings.{setting.name}", f"{shown(value)} is out of range", _range(setting)))
            else:
                complete[setting.name] = value
        if faults:
            raise InvalidSettings("; ".join(map(str, faults)), faults)
        return complete

    def check_memory(
        self,
        architecture: A,
        settings: Settings,
        image: ImageShape,
        *,
        images: int,
        limit: int,
        times: float = 1.0,
    ) -> None:
        """Refuse what would not fit.

        Args:
            times: what the proxies need, as a multiple of `peak_numbers`.

        Raises:
            TooLarge: scoring would need more than `limit` bytes.
        """
        per_network, per_image = self.peak_numbers(architecture, settings, image)
        # Also for float32: what that cannot hold is computed in float64.
        needed = times * (per_network + images * per_image) * WIDEST_NUMBER_BYTES
        if needed > limit:
            text = ", ".join(f"{name} {value}" for name, value in settings.items())
            raise TooLarge(
                f"{text} with {images} images of {image.height}x{image.width} would need about "
                f"{needed / 2**30:.1f} GiB of memory, and the limit is {limit / 2**30:.1f} GiB; "
                f"use fewer channels, cells or layers, or a smaller batch"
            )


def _range(setting: Setting) -> str:
    return f"allowed: integers from {setting.minimum} to {setting.maximum} ({setting.meaning})"
