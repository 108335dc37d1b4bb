"""How much memory a process holds, as its system counts it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")


def resident_bytes(pid: int) -> int | None:
    """Bytes of memory that the process holds now. None where that is not known: it is gone, or there is no /proc."""
    try:
        _, resident, *_ = Path(f"/proc/{pid}/statm").read_text("ascii").split()
    except (OSError, ValueError):
        return None
    return int(resident) * _PAGE_BYTES
