"""Reading the pickles inside the original archives without running what they say.

A pickle is a program that can call anything. The archives need to rebuild numpy arrays and nothing else, so
nothing else can be called. (The checksum has been verified before; this is the second lock.)
"""

from __future__ import annotations

import codecs
import pickle
from collections.abc import Callable
from typing import IO, Any, Final

import numpy as np

from proxy.data.faults import invalid_batch
from proxy.errors import Fault, shown

# numpy's own function for this is private and has moved between releases; an array's pickle names it.
_reconstruct: Final[Any] = np.zeros(0).__reduce__()[0]

_ALLOWED: Final[dict[tuple[str, str], Callable[..., Any]]] = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,  # numpy 1
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,  # numpy 2
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): codecs.encode,  # Bytes of Python 2, in a pickle of Python 3.
}


class _ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Callable[..., Any]:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {shown(f'{module}.{name}')}, which is never run")
        return _ALLOWED[module, name]


def read_pickle(stream: IO[bytes], *, what: str) -> dict[str, Any]:
    """The dictionary in a pickle of Python 2 or 3; byte strings of Python 2 become latin-1 text.

    Raises:
        InvalidBatch: the pickle is broken, holds no dictionary, or asks for anything but arrays.
    """
    try:
        entry = _ArrayUnpickler(stream, encoding="latin1").load()
    except Exception as error:  # A broken pickle raises whatever its bytes lead to.
        raise _invalid(what, f"cannot be read ({type(error).__name__}: {shown(str(error), 200)})") from error
    if not isinstance(entry, dict):
        raise _invalid(what, f"holds a {type(entry).__name__} instead of a dictionary")
    return entry


def _invalid(what: str, problem: str) -> Exception:
    return invalid_batch(Fault(what, problem, "download the archive again from its authors"))
