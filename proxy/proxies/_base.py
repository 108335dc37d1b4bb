"""What a proxy is: the contract that every entry of `proxy.proxies.PROXIES` fulfils. Torch-free."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal, TypeAlias

from proxy.json_types import JsonObject

Direction: TypeAlias = Literal["higher_is_better", "lower_is_better"]


@dataclass(frozen=True, kw_only=True)
class Proxy:
    """A scoring function: what is known of it without torch."""

    name: str
    title: str
    paper: str
    definition: str
    """One sentence or formula."""
    direction: Direction = "higher_is_better"
    revision: int
    """Raised whenever any value changes by more than 1e-12: a score's address contains it."""
    components: Mapping[str, str] = field(default_factory=dict)
    """Names of the parts that a value comes with -> what each is."""
    needs_batch: bool = True
    """False: the value depends on neither images, seed nor precision."""
    always_double: bool = False
    """True: it computes in float64 whatever precision is asked for."""
    memory: float = 1.0
    """What it holds at its peak, as a multiple of `Space.peak_numbers`: an upper estimate."""
    shares_pass: bool = False
    """True: it looks at `Subject.training_pass`, which is kept until the last such proxy of a task has its score."""
    sees_all: bool = True
    """False: the value depends only on what can reach the logits, so that architectures of which the same can
    (`Space.effective`) share it."""
    compute: str
    """Dotted name of `compute(subject: proxy.subject.Subject) -> ProxyResult`."""


@dataclass(frozen=True, slots=True)
class LayerScore:
    """What one convolution or linear layer adds to a score."""

    name: str
    stage: int
    value: float
    components: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class ProxyResult:
    """A proxy's value for one architecture."""

    value: float
    components: Mapping[str, float] = field(default_factory=dict)
    layers: tuple[LayerScore, ...] = ()

    def layer_table(self) -> list[JsonObject]:
        """The layers as JSON."""
        return [asdict(layer) for layer in self.layers]
