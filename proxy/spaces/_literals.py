"""Lists of integers that people write as text, `(4, 0, 3, 1, 4, 3)`: read without evaluating anything. Torch-free."""

from __future__ import annotations

import ast
import re
from typing import Final

#: Text that is read. The longest such value, two cells of eight pairs, has about 200 characters.
MAX_TEXT: Final = 1_000
_LISTS: Final = re.compile(r"\s*[(\[][\s()\[\],0-9-]*")


def plain(value: object) -> object:
    """`value`, or what it stands for if it is text that holds nothing but integers, brackets and commas."""
    if not isinstance(value, str) or len(value) > MAX_TEXT or not _LISTS.fullmatch(value):
        return value
    try:
        return ast.literal_eval(value.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        # Not closed, nested to the parser's limit, or a number like 007.
        return value
