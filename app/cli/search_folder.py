"""What a search keeps, so that one which was cut off can be gone on with: a folder.

search.json    what was asked for, as far as trials depend on it; written before the first
trials.jsonl   a line for each trial, by number: the item as `croze score --format json` writes it, with "search" added

Each line is written in one go when its trial has ended and all before it are there, so that whatever ends the process
leaves whole lines, or at worst one torn line at the end, which the next run cuts off.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self

from app.cli.basis import Basis, basis_of, differences
from app.cli.errors import UsageError
from app.cli.locked_file import may_be_torn, open_locked, told, write_all
from app.cli.whole_file import replacing
from proxy.errors import shown
from proxy.json_types import JsonMapping, JsonObject
from proxy.search import Proposal

ASKED, TRIALS = "search.json", "trials.jsonl"
#: What of an item says nothing of the trial, and may be another when it is scored again.
_PASSING: Final = ("id", "aggregate", "representative", "retried_index")
_PASSING_OF_SCORE: Final = "cached"


def line_of(proposal: Proposal, item: Mapping[str, Any]) -> JsonObject:
    """A trial as it is kept: times apart, the same however often it is scored."""
    scores = {
        proxy: {key: value for key, value in score.items() if key != _PASSING_OF_SCORE}
        for proxy, score in item["scores"].items()
    }
    return {
        "index": proposal.number,
        "search": {"round": proposal.round, "parent": proposal.parent, "moves": proposal.moves},
        **{key: value for key, value in item.items() if key not in ("index", *_PASSING)},
        "scores": scores,
    }


class SearchFolder:
    """The folder of one search, locked for this process."""

    def __init__(self, path: Path, asked: Basis) -> None:
        """Open the folder, made if it is not there, and read what it holds.

        Args:
            asked: all that trials depend on.

        Raises:
            UsageError: it cannot be used, another process uses it, or it holds another search. It is left as it was.
        """
        self.path = path
        self.kept: list[JsonObject] = []
        """Trials, by number."""
        self._basis: dict[str, Any] = {}
        with told(f"cannot write to {path}"):
            path.mkdir(parents=True, exist_ok=True)
        self._descriptor = open_locked(path / TRIALS)
        try:
            self._check_asked(asked)
            self._read()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the folder."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def kept_of(self, proposal: Proposal) -> JsonObject | None:
        """The trial of an earlier run.

        Raises:
            UsageError: that was another architecture.
        """
        if proposal.number >= len(self.kept):
            return None
        line = self.kept[proposal.number]
        if line["architecture"] != proposal.architecture.canonical:
            raise self._refusal(
                proposal.number + 1,
                f"{shown(line['architecture'])} is not what this search proposes there; another release made it",
            )
        return line

    def append(self, line: JsonObject) -> None:
        """Keep the next trial. It is with the system when this returns.

        Raises:
            UsageError: its scores depend on something else than those before it.
            CommandError: it cannot be written.
        """
        self._agree(line, "nothing more was written")
        with told(f"cannot write to {self.path}"):
            write_all(self._descriptor, json.dumps(line, allow_nan=False).encode() + b"\n")

    def write(self, name: str, document: JsonMapping) -> None:
        """Put a document into the folder, at once or not at all.

        Raises:
            CommandError: it cannot be written.
        """
        with told(f"cannot write to {self.path}"), replacing(self.path / name) as stream:
            stream.write(json.dumps(document, indent=1, allow_nan=False).encode() + b"\n")

    def _check_asked(self, asked: Basis) -> None:
        file = self.path / ASKED
        if not os.fstat(self._descriptor).st_size:  # a search that found nothing allowed, say
            self.write(ASKED, dict(asked))
            return
        if not file.exists():
            raise UsageError(f"{self.path} has {TRIALS} and no {ASKED}, which says what of", ["name another folder"])
        try:
            there = json.loads(file.read_bytes())
            unequal = differences(there, asked) if isinstance(there, dict) and there else ["it is no search"]
        except (ValueError, OSError, RecursionError):
            unequal = ["it cannot be read"]
        if unequal:
            raise UsageError(
                f"{file} is of another search; it was left as it is",
                [*unequal, "name another folder, or ask for what this one holds"],
            )

    def _read(self) -> None:
        end = 0
        with os.fdopen(os.dup(self._descriptor), "rb") as stream:
            stream.seek(0)
            for number, line in enumerate(stream, start=1):
                if not line.endswith(b"\n"):
                    if not may_be_torn(line):
                        raise self._refusal(number, f"{shown(line)} is no trial")
                    break
                self.kept.append(self._parse(number, line))
                end += len(line)
        if end < os.fstat(self._descriptor).st_size:
            os.truncate(self._descriptor, end)

    def _parse(self, number: int, line: bytes) -> JsonObject:
        try:
            trial: JsonObject = json.loads(line)
            if trial["index"] != number - 1 or not isinstance(trial["architecture"], str):
                raise self._refusal(number, f"it is trial {shown(trial['index'])}, and {number - 1} belongs there")
            self._agree(trial, "it was left as it is")
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            raise self._refusal(number, f"{shown(line)} is no trial") from None
        return trial

    def _agree(self, line: Mapping[str, Any], outcome: str) -> None:
        basis = basis_of(line)
        unequal = differences(self._basis, basis)
        if unequal:
            raise UsageError(
                f"{self.path / TRIALS} has scores of another kind; {outcome}",
                [*unequal, "name another folder, or ask for what this one holds"],
            )
        self._basis |= basis

    def _refusal(self, number: int, problem: str) -> UsageError:
        return UsageError(
            f"{self.path / TRIALS} cannot be gone on with; it was left as it is",
            [f"line {number}: {problem}", "name another folder, or remove this one"],
        )
