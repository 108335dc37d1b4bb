"""The precisions a score can be computed in. Torch-free: a torch dtype is named, not imported."""

from __future__ import annotations

from typing import Final

from proxy.errors import UnknownPrecision, allowed_names, shown

#: name -> bytes per number. A torch dtype of the same name exists for each.
PRECISIONS: Final[dict[str, int]] = {"float64": 8, "float32": 4}
DEFAULT_PRECISION: Final = "float32"
#: The arbiter: what a narrower precision cannot hold is computed in this one.
WIDEST_PRECISION: Final = "float64"
#: What any score may need, whichever precision was asked for.
WIDEST_NUMBER_BYTES: Final = PRECISIONS[WIDEST_PRECISION]


def check_precision(name: str) -> str:
    """`name`, if it is a precision.

    Raises:
        UnknownPrecision: it is not.
    """
    if name not in PRECISIONS:
        raise UnknownPrecision(f"precision {shown(name)} does not exist; {allowed_names(name, PRECISIONS)}")
    return name
