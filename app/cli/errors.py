"""What a command says when it cannot go on: a message for people, and the exit code. No traceback.

CommandError     exit 1   the command was right, but did not succeed
└── UsageError   exit 2   the command line or its input is wrong; nothing was done
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

#: As a shell reports a process that SIGINT ended.
INTERRUPTED = 130


class CommandError(Exception):
    """The command did not succeed."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.details = tuple(details)
        """More lines: one fault or one hint each."""


class UsageError(CommandError):
    """The command line or its input is wrong."""

    exit_code = 2
