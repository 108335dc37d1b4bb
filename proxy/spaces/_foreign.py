"""Formats of spaces that are not scored here: known, so that the refusal says what a value is. Torch-free.

    format                space                             a value
    nats_sss              NATS-Bench, size space            8:8:8:16:40, or a bare number
    nb101                 NAS-Bench-101                     matrix and ops, NASLib's 56 numbers, or a module's hash
    tnb101                TransNAS-Bench-101                64-41414-1_02_333, or NASLib's six numbers
    ofa_mbv3              Once-for-all MobileNetV3          keys ks, e, d
    ofa_resnet            Once-for-all ResNet               keys d, e, w
    proxyless_net_config  ProxylessNAS                      keys first_conv, blocks
    plainnet              PlainNet (ZenNAS, ZiCo, AZ-NAS)   SuperConvK3BNRELU(3,88,1,1)...
    autoformer            AutoFormer, PreNAS                keys mlp_ratio, num_heads, embed_dim

A bare number and six numbers say nothing by themselves: they are listed among what a value could be.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from proxy.spaces._faults import is_integer, is_sequence
from proxy.spaces._literals import plain

_WIDTHS: Final = tuple(range(8, 65, 8))
_NATS_SSS_SIZE: Final = len(_WIDTHS) ** 5
_NB101_FLAT: Final = 56
#: More than any cell has, so that a wrong one is still known for what it is.
_NB101_VERTICES: Final = 32
#: Text longer than any of these values is not looked at.
_MAX_TEXT: Final = 10_000

_WIDTH: Final = f"(?:{'|'.join(map(str, _WIDTHS))})"
_NATS_SSS: Final = re.compile(rf"\s*{_WIDTH}(?::{_WIDTH}){{4}}\s*")
_NB101_HASH: Final = re.compile(r"\s*[0-9a-f]{32}\s*")
_TNB101: Final = re.compile(r"\s*\d+-[1-4]{4,6}-(?:basic|[0-3]_[0-3]{2}_[0-3]{3})\s*", re.ASCII)
_PLAINNET: Final = re.compile(r"\s*Super\w+\((?:[\w.-]+\|)?\d+(?:,\d+)+\)", re.ASCII)


@dataclass(frozen=True, slots=True)
class ForeignFormat:
    """A format of a space that is not scored here."""

    name: str
    """Its tag."""
    space: str
    """The name of the space, as its authors write it."""
    recognises: Callable[[object], bool]
    """Whether a value says by itself that it is meant in this format."""
    reading: Callable[[object], str | None] = lambda _: None
    """What a value would be that says nothing by itself; None if it cannot be meant in this format."""


def _text_of(pattern: re.Pattern[str], *, whole: bool = True) -> Callable[[object], bool]:
    match = pattern.fullmatch if whole else pattern.match
    return lambda value: isinstance(value, str) and len(value) <= _MAX_TEXT and match(value) is not None


def _keys(*names: str) -> Callable[[object], bool]:
    """Whether a value is an object that has all these keys."""
    return lambda value: isinstance(value, dict) and all(name in value for name in names)


def _is_nb101(value: object) -> bool:
    if isinstance(value, dict):
        return ("matrix" in value and "ops" in value) or "module_adjacency" in value
    if isinstance(value, str) and _NB101_HASH.fullmatch(value):
        return True
    numbers = plain(value)
    if not is_sequence(numbers):
        return False
    return (len(numbers) == _NB101_FLAT and all(map(is_integer, numbers))) or _is_matrix_and_ops(numbers)


def _is_matrix_and_ops(value: list[object] | tuple[object, ...]) -> bool:
    if len(value) != 2:
        return False
    matrix, ops = value
    return (
        is_sequence(matrix)
        and is_sequence(ops)
        and 2 <= len(matrix) == len(ops) <= _NB101_VERTICES
        and all(is_sequence(row) and len(row) == len(matrix) and all(map(is_integer, row)) for row in matrix)
        and all(isinstance(name, str) for name in ops)
    )


def _nats_sss_of_index(value: object) -> str | None:
    index = int(value) if isinstance(value, str) and re.fullmatch(r"\s*[0-9]{1,5}\s*", value) else value
    if not is_integer(index) or not 0 <= index < _NATS_SSS_SIZE:
        return None
    widths = []
    for _ in range(5):
        index, digit = divmod(index, len(_WIDTHS))
        widths.append(_WIDTHS[digit])
    return ":".join(map(str, reversed(widths)))


def _tnb101_of_numbers(value: object) -> str | None:
    numbers = plain(value)
    if not is_sequence(numbers) or len(numbers) != 6 or not all(is_integer(n) and 0 <= n <= 3 for n in numbers):
        return None
    a, b, c, d, e, f = numbers
    return f"a cell like {a}_{b}{c}_{d}{e}{f}, its edges and operations in one of NASLib's two orders"


FOREIGN: Final[dict[str, ForeignFormat]] = {
    each.name: each
    for each in (
        ForeignFormat("nats_sss", "NATS-Bench, size space", _text_of(_NATS_SSS), _nats_sss_of_index),
        ForeignFormat("nb101", "NAS-Bench-101", _is_nb101),
        ForeignFormat("tnb101", "TransNAS-Bench-101", _text_of(_TNB101), _tnb101_of_numbers),
        ForeignFormat("ofa_mbv3", "Once-for-all MobileNetV3", _keys("ks", "e", "d")),
        ForeignFormat("ofa_resnet", "Once-for-all ResNet", _keys("d", "e", "w")),
        ForeignFormat("proxyless_net_config", "ProxylessNAS", _keys("first_conv", "blocks")),
        ForeignFormat("plainnet", "PlainNet of ZenNAS, ZiCo and AZ-NAS", _text_of(_PLAINNET, whole=False)),
        ForeignFormat("autoformer", "AutoFormer and PreNAS", _keys("mlp_ratio", "num_heads", "embed_dim")),
    )
}
