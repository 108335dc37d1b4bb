"""Heavy halves are named by dotted string and imported on first use, so that tables stay torch-free."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any


@cache
def resolve(dotted: str) -> Any:
    """The object that `"package.module:attribute"` names."""
    module, _, attribute = dotted.partition(":")
    assert attribute, f"{dotted!r} is not of the form 'package.module:attribute'"
    return getattr(import_module(module), attribute)
