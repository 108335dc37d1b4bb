"""Every error that the proxy package raises for a caller's mistake, or for a score that does not exist.

    ProxyError (ValueError)
    ├── UnknownSpace            unknown_space         no space of that name
    ├── UnknownFormat           unknown_format        the space has no such format
    │   ├── AmbiguousFormat     ambiguous_format      the value could be meant in several ways
    │   └── UnsupportedSpace    unsupported_for_proxy  the genotype is of a space that is not scored here
    ├── LossyConversion         lossy_conversion      the format cannot hold all of the architecture
    ├── UnknownProxy            unknown_proxy         no proxy of that name
    ├── UnknownAggregate        unknown_aggregate     no aggregate of that name
    ├── InvalidAggregate        invalid_aggregate     ranks that cannot be combined
    ├── UnknownPrecision        unknown_precision     no such precision
    ├── UnknownBatch            unknown_batch         no batch of that name, or its archive is not there
    ├── InvalidBatch            invalid_batch         images or labels that no network can be fed with
    ├── InvalidArchitecture     invalid_architecture  a genotype that names no member of the space
    ├── InvalidSettings         invalid_settings      channels, cells, layers or classes out of range
    └── TooLarge                too_large             would need more memory than the limit
    ScoreUndefined (ArithmeticError)
    ├── NonFinite               non_finite            the score is not a finite number
    │   └── RangeLost           non_finite            a value on the way left the range of the precision
    ├── ZeroGradient            zero_gradient         nothing that the proxy looks at depends on the weights
    └── SingularMatrix          singular_matrix       a matrix has no determinant or no correlations

Codes are part of the HTTP interface: they never change meaning.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from reprlib import Repr
from typing import ClassVar, Final


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a value, where it is, and how to mend it."""

    at: str
    """Position in the caller's own terms: "node 2, edge 1", "normal[3]", "settings.channels"."""
    problem: str
    """What is wrong, naming the bad value."""
    repair: str
    """What would be right: the allowed values, or the change to make."""

    def __str__(self) -> str:
        return f"{self.at}: {self.problem}; {self.repair}"


class ProxyError(ValueError):
    """Base of all mistakes a caller can make."""

    code: ClassVar[str] = "invalid"

    def __init__(self, message: str, faults: Sequence[Fault] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.faults = tuple(faults)


class UnknownSpace(ProxyError):
    """No space of that name is in `proxy.spaces.SPACES`."""

    code = "unknown_space"


class UnknownFormat(ProxyError):
    """The space does not read that genotype format, or the value does not say which one it is."""

    code = "unknown_format"


class AmbiguousFormat(UnknownFormat):
    """The value does not say what it is; `faults` lists what it would be in each format, which the repair names."""

    code = "ambiguous_format"


class UnsupportedSpace(UnknownFormat):
    """The value, or the format that was named, is known to be of a space that no proxy scores here."""

    code = "unsupported_for_proxy"


class LossyConversion(ProxyError):
    """The format cannot hold all of the architecture; `faults` lists what would be lost."""

    code = "lossy_conversion"

    @classmethod
    def from_losses(cls, format_name: str, losses: Sequence[Fault]) -> LossyConversion:
        """One message out of all that would be lost."""
        assert losses, "a lossy conversion loses something"
        return cls(f"format {format_name!r} cannot hold this: {'; '.join(map(str, losses))}", losses)


class UnknownProxy(ProxyError):
    """No proxy of that name is in `proxy.proxies.PROXIES`."""

    code = "unknown_proxy"


class UnknownAggregate(ProxyError):
    """No aggregate of that name is in `proxy.aggregates.AGGREGATES`."""

    code = "unknown_aggregate"


class InvalidAggregate(ProxyError):
    """An aggregate names fewer than two proxies, one of them twice, or no method that there is."""

    code = "invalid_aggregate"


class UnknownPrecision(ProxyError):
    """No precision of that name is in `proxy.precision.PRECISIONS`."""

    code = "unknown_precision"


class UnknownBatch(ProxyError):
    """The batch's name cannot be read, or what it names is not on this machine."""

    code = "unknown_batch"


class InvalidBatch(ProxyError):
    """The images or labels of a batch cannot be fed to a network."""

    code = "invalid_batch"


class InvalidArchitecture(ProxyError):
    """The genotype names no member of the space; `faults` lists everything that is wrong with it."""

    code = "invalid_architecture"

    @classmethod
    def from_faults(cls, faults: Sequence[Fault]) -> InvalidArchitecture:
        """One message out of all faults."""
        assert faults, "an invalid architecture has at least one fault"
        return cls("; ".join(map(str, faults)), faults)


class InvalidSettings(ProxyError):
    """A space setting is unknown, of the wrong type, or out of range."""

    code = "invalid_settings"


class TooLarge(ProxyError):
    """Scoring would need more memory than the limit allows."""

    code = "too_large"


class ScoreUndefined(ArithmeticError):
    """The arguments are valid and the proxy has no value for them."""

    code: ClassVar[str] = "undefined"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NonFinite(ScoreUndefined):
    """The score is not a finite number."""

    code = "non_finite"


class RangeLost(NonFinite):
    """A value on the way to the score left the range of its precision, or lost its digits; a wider one may hold it."""


class ZeroGradient(ScoreUndefined):
    """What the proxy takes gradients of does not depend on what it takes them with respect to, weights or images."""

    code = "zero_gradient"


class SingularMatrix(ScoreUndefined):
    """The network treats two images of the batch, or all pixels of one, in the same way."""

    code = "singular_matrix"


def shown(value: object, limit: int = 60) -> str:
    """`value` as error text: its repr, cut so that hostile input cannot flood a log or an answer.

    Safe for any value, however large, however deeply nested.
    """
    if isinstance(value, str | bytes):
        text = repr(value[: limit + 1])
    elif isinstance(value, int) and value.bit_length() > 4 * limit:
        return f"an integer of {value.bit_length()} bits"  # Python refuses to write out the largest
    else:
        text = _CONTAINERS.repr(value)
    return text if len(text) <= limit else f"{text[:limit]}..."


class _BoundedRepr(Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 4
        self.maxlist = self.maxtuple = self.maxdict = 10
        self.maxstring = self.maxlong = self.maxother = 60

    def repr_int(self, x: int, level: int) -> str:
        return repr(x) if x.bit_length() <= 200 else "..."

    def repr_str(self, x: str, level: int) -> str:
        return repr(x[: self.maxstring])


_CONTAINERS: Final = _BoundedRepr()


def allowed_names(name: object, valid: Iterable[str]) -> str:
    """The repair for a name that does not exist: what exists, and what was probably meant."""
    names = list(valid)
    close = get_close_matches(name[:60], names, n=1) if isinstance(name, str) else []
    meant = f"did you mean {close[0]!r}? " if close else ""
    return f"{meant}allowed: {', '.join(names)}"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out: Python's, a device's, or the CPU's.

    Torch's CPU allocator has no error of its own, so it is known by its text; torch's own error is known by name, for
    this module does not import torch.
    """
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or "DefaultCPUAllocator: can't allocate memory" in str(error)
    )
