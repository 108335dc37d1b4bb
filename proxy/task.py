"""What is asked of an engine, and what it answers: plain data that survives JSON. Torch-free.

A score depends on nothing but a `ScoringTask`, the proxy's revision and the `Environment`; `address` digests all of
them, so that the same address means the same number.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import Literal, TypeAlias

from proxy.json_types import JsonObject, JsonValue
from proxy.proxies import get_proxy
from proxy.spaces import get_space

ScoreStatus: TypeAlias = Literal["scored", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Where a score was computed: all that can change its bits besides the task itself."""

    device: str
    """Device class: "cpu" or "cuda"."""
    capability: str
    """Instruction set or compute capability: "AVX2", "AVX512", "sm_90"."""
    torch: str
    """Full release, e.g. "2.13.0". The address holds only its minor, "2.13"."""

    def to_json(self) -> JsonObject:
        return {"device": self.device, "capability": self.capability, "torch": self.torch}


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringTask:
    """One architecture to score by one or more proxies."""

    space: str
    architecture: str
    """Canonical form."""
    settings: Mapping[str, int]
    """Complete, as `Space.complete_settings` returns them."""
    proxies: tuple[str, ...]
    batch: str
    """Digest of the batch."""
    seed: int = 0
    precision: str
    layers: bool = False
    """Whether the per-layer table is wanted."""

    def to_json(self) -> JsonObject:
        return {**asdict(self), "settings": dict(self.settings), "proxies": list(self.proxies)}

    @classmethod
    def from_json(cls, data: Mapping[str, JsonValue]) -> ScoringTask:
        fields = dict(data)
        fields["proxies"] = tuple(fields["proxies"])  # type: ignore[arg-type, assignment]
        return cls(**fields)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One proxy's outcome for one architecture, with all it depends on."""

    proxy: str
    status: ScoreStatus
    value: float | None
    """None unless status is "scored": an undefined score is an outcome, never a number."""
    direction: str
    components: Mapping[str, float] = field(default_factory=dict)
    batch: str | None
    """Digest; None for a proxy that sees no images."""
    seed: int | None
    precision: str | None
    """The one that was asked for."""
    computed_in: str | None
    """The one that the value comes from: float64 if it would have left the range of a narrower one."""
    revision: int
    environment: Environment
    seconds: float
    cached: bool = False
    error: Mapping[str, str] | None = None
    """{"code", "message"} unless status is "scored"."""
    layers: tuple[JsonObject, ...] | None = None

    def to_json(self) -> JsonObject:
        # By hand: `asdict` copies deeply, which takes seconds for the scores of a whole benchmark.
        return {
            "proxy": self.proxy,
            "status": self.status,
            "value": self.value,
            "direction": self.direction,
            "components": dict(self.components),
            "batch": self.batch,
            "seed": self.seed,
            "precision": self.precision,
            "computed_in": self.computed_in,
            "revision": self.revision,
            "environment": self.environment.to_json(),
            "seconds": self.seconds,
            "cached": self.cached,
            "error": None if self.error is None else dict(self.error),
            "layers": None if self.layers is None else list(self.layers),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, JsonValue]) -> Score:
        fields = dict(data)
        fields["environment"] = Environment(**fields["environment"])  # type: ignore[arg-type, assignment]
        layers = fields.get("layers")
        fields["layers"] = None if layers is None else tuple(layers)  # type: ignore[arg-type, assignment]
        return cls(**fields)  # type: ignore[arg-type]


def address(task: ScoringTask, proxy: str, environment: Environment) -> str:
    """The digest under which `proxy`'s score for `task` is kept: equal addresses, equal bits.

    What a proxy does not depend on is left out (`Proxy.needs_batch`), so that its score is found again
    whatever the batch was. What an architecture has beyond its network is left out too (`Proxy.sees_all`).
    """
    where: dict[str, JsonValue] = {
        "device": environment.device,
        "capability": environment.capability,
        "torch": ".".join(environment.torch.split(".")[:2]),
    }
    return _digest(_dependencies(task, proxy) | (where if get_proxy(proxy).needs_batch else {}))


def identity(task: ScoringTask) -> tuple[str, ...]:
    """What in one environment, per proxy, is equal for tasks with equal scores."""
    return tuple(_digest(_dependencies(task, proxy)) for proxy in task.proxies)


def _dependencies(task: ScoringTask, proxy: str) -> dict[str, JsonValue]:
    """All that `proxy`'s score for the task depends on, but for the environment."""
    entry = get_proxy(proxy)
    parts: dict[str, JsonValue] = {
        "space": task.space,
        "architecture": task.architecture if entry.sees_all else _effective(task.space, task.architecture),
        "settings": dict(task.settings),
        "proxy": proxy,
        "revision": entry.revision,
    }
    if entry.needs_batch:
        parts |= {"batch": task.batch, "seed": task.seed, "precision": task.precision}
    return parts


def _digest(parts: Mapping[str, JsonValue]) -> str:
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


@lru_cache(maxsize=2**15)
def _effective(space: str, architecture: str) -> str:
    """`Space.effective` of an architecture in canonical form."""
    entry = get_space(space)
    if entry.effective is None:
        return architecture
    return entry.effective(entry.parse(architecture, entry.canonical_format).architecture)
