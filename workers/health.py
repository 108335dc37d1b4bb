"""Whether the worker on this host is well: `python -P -m workers.health`, for the health check of a container.

Its heartbeat leaves a note after every beat, in the file of CROZE_HEALTH_FILE. A probe only reads that: it imports
nothing but the standard library, sends nothing, and costs a few hundredths of a second. Exit code 0: the last beat
reached Redis within `keys.WORKER_S`, and the engine gave the known answer. Else 1, and one line says why.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from workers import keys

VARIABLE: Final = "CROZE_HEALTH_FILE"
#: States of a worker (`records.WorkerState`) that cannot take work.
_UNFIT: Final = {
    "starting": "its engine has not given the known answer yet",
    "sick": "its engine does not give the known answer: see the log",
}

log = logging.getLogger(__name__)


class HealthNote:
    """What the heartbeat writes. A file that cannot be written costs the worker nothing but its probe."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._beat: float | None = None
        self._complained = False

    def forget(self) -> None:
        """Remove what an earlier worker in the same place has left: this one has not beaten yet."""
        if self._file is not None:
            with suppress(OSError):  # to write it will fail as well, and tell
                self._file.unlink(missing_ok=True)

    def beaten(self, state: str) -> None:
        """A beat reached Redis and said this."""
        # Not the time of day, which can jump: a clock that all processes of one host share.
        self._beat = time.monotonic()
        self._write({"beat": self._beat, "state": state, "problem": None})

    def missed(self, state: str, problem: str) -> None:
        """A beat did not."""
        self._write({"beat": self._beat, "state": state, "problem": problem})

    def _write(self, note: dict[str, object]) -> None:
        if self._file is None:
            return
        fresh = self._file.with_name(f"{self._file.name}.{os.getpid()}")
        try:
            fresh.write_text(json.dumps(note))
            fresh.replace(self._file)
        except OSError as error:
            if not self._complained:
                log.warning("%s, %s, cannot be written: %s", VARIABLE, self._file, error.strerror)
            self._complained = True


def problem_of(file: Path, now: float) -> str | None:
    """What is wrong with the worker that writes `file`; None: nothing. `now` is by `time.monotonic`."""
    try:
        note = json.loads(file.read_text())
        state, problem = note["state"], note["problem"]
        beat = None if note["beat"] is None else float(note["beat"])
    except FileNotFoundError:
        return "it has not beaten yet: its log says what it waits for"
    except (OSError, ValueError, LookupError, TypeError) as error:
        return f"{file} cannot be read: {error}"
    # One from before a restart of the machine lies in the future.
    if beat is None or not 0 <= now - beat <= keys.WORKER_S:
        since = "none of its beats" if beat is None else f"for {max(0.0, now - beat):.0f} s none of its beats"
        return f"{since} has reached Redis{'' if problem is None else f': {problem}'}"
    return _UNFIT.get(state)


def main() -> int:
    """The probe. Returns the exit code."""
    named = os.environ.get(VARIABLE)
    if not named:
        sys.stderr.write(f"unknown: {VARIABLE} has to name the file that the worker was told to write\n")
        return 1
    problem = problem_of(Path(named), time.monotonic())
    sys.stdout.write("well\n" if problem is None else f"not well: {problem}\n")
    return 0 if problem is None else 1


if __name__ == "__main__":
    sys.exit(main())
