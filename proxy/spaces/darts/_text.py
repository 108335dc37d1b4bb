"""Reading a genotype's keys and values out of text, which is never evaluated."""

from __future__ import annotations

import ast
import json
import re
from typing import Final, NamedTuple

from proxy.errors import shown
from proxy.spaces._faults import WHOLE, Faults, invalid, is_integer

#: Characters of text that are read. Published genotypes have about 400.
MAX_TEXT: Final = 8_192

_CALL: Final = "Genotype"
#: A line of a genotypes.py reads `NAME = Genotype(...)`.
_START: Final = re.compile(rf"\s*(?:\w+\s*=\s*)?(?={_CALL}\s*\()")
_WRITE_CALL: Final = f"write {_CALL}(normal=[...], normal_concat=[...], reduce=[...], reduce_concat=[...])"


class Field(NamedTuple):
    """A key and its value, as they were written: keys may repeat."""

    name: object
    value: object


class Expression:
    """Stands for Python code that is not a plain value, in error text."""

    def __init__(self, code: str) -> None:
        self._code = code

    def __repr__(self) -> str:
        return f"expression {self._code}"


def looks_like_repr(value: object) -> bool:
    """Whether `value` is text that starts as a genotype's repr does."""
    return isinstance(value, str) and _START.match(value[:MAX_TEXT]) is not None


def fields_of_repr(text: str, faults: Faults) -> list[Field]:
    """The keyword arguments of `Genotype(...)`, converted to plain values. Nothing is evaluated.

    Raises:
        InvalidArchitecture: the text is not one such call.
    """
    start = _START.match(text)
    call = _expression(text[start.end() :] if start else text)
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.func.id != _CALL:
        raise invalid(f"{shown(text)} is not a genotype", _WRITE_CALL)
    if call.args:
        faults.add(WHOLE, f"{len(call.args)} arguments have no key", _WRITE_CALL)
    # A keyword without a name is `**something`; its None is reported as a key that does not exist.
    return [Field(keyword.arg, _plain(keyword.value)) for keyword in call.keywords]


def _expression(text: str) -> ast.expr:
    # A backslash would start an escape sequence, about which the parser writes warnings.
    if not text.isascii() or "\\" in text:
        raise invalid(f"{shown(text)} has characters that no genotype has", "use ASCII without backslashes")
    try:
        return ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        reason = f"line {error.lineno}, column {error.offset}: {error.msg}"
        raise invalid(f"{shown(text)} cannot be read ({reason})", _WRITE_CALL) from None
    except (ValueError, MemoryError, RecursionError):
        # The parser's own limits on nesting: nothing of this machine's is exhausted.
        raise invalid(f"{shown(text)} is nested too deeply", _WRITE_CALL) from None


def _plain(node: ast.expr) -> object:
    """Lists, tuples, constants, negative numbers and range(); anything else becomes an `Expression`."""
    match node:
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            return [_plain(element) for element in elements]
        case ast.Constant(value=value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
        case ast.Call(func=ast.Name(id="range"), args=arguments, keywords=[]) if 1 <= len(arguments) <= 2:
            bounds = [bound for argument in arguments if is_integer(bound := _plain(argument))]
            if len(bounds) == len(arguments) and all(abs(bound) <= MAX_TEXT for bound in bounds):
                return range(*bounds)
    return Expression(_code(node))


def _code(node: ast.expr) -> str:
    """The code of `node`, as far as it goes."""
    try:
        return ast.unparse(node)[:100]
    except RecursionError:
        return type(node).__name__


def fields_of_json(text: str, faults: Faults) -> list[Field]:
    """The keys and values of a JSON object. A key that is repeated is a fault.

    Raises:
        InvalidArchitecture: the text is not a JSON object.
    """

    def unrepeated(pairs: list[tuple[str, object]]) -> dict[str, object]:
        fields = dict(pairs)
        if len(fields) != len(pairs):
            faults.add(WHOLE, f"keys are repeated among {shown([key for key, _ in pairs])}", "give each key once")
        return fields

    try:
        value = json.loads(text, object_pairs_hook=unrepeated)
    except RecursionError:
        raise invalid(f"{shown(text)} is nested too deeply", "write an object of flat lists") from None
    except ValueError as error:
        raise invalid(f"{shown(text)} is not JSON ({str(error)[:100]})", "write a JSON object") from None
    if not isinstance(value, dict):
        raise invalid(f"{shown(text)} is not a JSON object", "write a JSON object")
    return [Field(*item) for item in value.items()]
