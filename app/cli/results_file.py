"""A file of results that a later run can go on with: one item a line, as `--format json` writes them.

It needs no header, because every line tells all that it depends on. Lines come in the order in which items finish, each
in one write, so that whatever ends the process leaves whole lines, or at worst one torn line at the end, which the next
run cuts off. Once every item is there the lines are put in order of their index, and get their ranks if there is an
aggregate.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from app.cli.aggregating import Ranking, rows_of
from app.cli.basis import Basis, basis_of, differences
from app.cli.errors import UsageError
from app.cli.locked_file import may_be_torn, open_locked, told, write_all
from app.cli.scoring_request import Accepted, ScoringRequest
from app.cli.whole_file import replacing
from proxy.aggregates import Aggregate
from proxy.errors import shown
from proxy.json_types import JsonObject


class ResultsFile:
    """The file of one request, locked for this process: which items it holds, and where."""

    def __init__(self, path: Path, request: ScoringRequest, asked: Basis) -> None:
        """Open the file, made if it is not there, and read what it holds.

        Args:
            asked: what the request's scores will depend on, as far as that is known.

        Raises:
            UsageError: it cannot be used, another process writes to it, or it holds something else. It is left as
                it was.
        """
        self.path = path
        self.failed = 0
        """Items in it that have no score, and never will."""
        self._request = request
        self._basis: dict[str, Any] = dict(asked)
        self._lines: dict[int, tuple[int, int]] = {}
        """Item's index -> (offset, length) of its line, in the order of the file."""
        self._end = 0
        self._ranked = False
        """Whether an item tells of an aggregate: one of an earlier run, perhaps of fewer items."""
        self._descriptor = open_locked(path)
        try:
            self._read()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self._lines)

    def __contains__(self, index: object) -> bool:
        return index in self._lines

    def close(self) -> None:
        """Let go of the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def append(self, item: JsonObject) -> None:
        """Add an item. It is with the system when this returns.

        Raises:
            UsageError: it depends on something else than the items before it: a service names a batch alike that is
                another, or has another release of a proxy.
            CommandError: it cannot be written.
        """
        basis = basis_of(item)
        self._agree(differences(self._basis, basis), "nothing more was written")
        self._basis |= basis
        line = _encode(item)
        with told(f"cannot write to {self.path}"):
            write_all(self._descriptor, line)
        self._note(item, len(line))

    def finish(self, aggregate: Aggregate | None = None) -> None:
        """Put the lines in order of their index, with what the aggregate says of each, at once or not at all.

        Raises:
            CommandError: there is no room for a second copy, or none may be made in that folder.
        """
        if aggregate is None and not self._ranked and list(self._lines) == sorted(self._lines):
            return
        ranking = None if aggregate is None else Ranking(aggregate, rows_of(map(self._item, self._lines), aggregate))
        with told(f"{self.path} is complete, but cannot be put in order"), replacing(self.path) as stream:
            for index in sorted(self._lines):
                stream.write(self._line(index) if ranking is None and not self._ranked else self._with(ranking, index))

    def _line(self, index: int) -> bytes:
        offset, length = self._lines[index]
        return os.pread(self._descriptor, length, offset)

    def _item(self, index: int) -> JsonObject:
        item: JsonObject = json.loads(self._line(index))
        return item

    def _with(self, ranking: Ranking | None, index: int) -> bytes:
        item = self._item(index)
        return _encode({**item, "aggregate": None if ranking is None else ranking.of(item)})

    def _read(self) -> None:
        with os.fdopen(os.dup(self._descriptor), "rb") as stream:
            for number, line in enumerate(stream, start=1):
                if not line.endswith(b"\n"):
                    self._check_torn(number, line)
                    break
                item = self._parse(number, line)
                basis = basis_of(item)
                self._agree(differences(basis, self._basis), "it was left as it is")
                self._basis |= basis
                self._note(item, len(line))
        if self._end < os.fstat(self._descriptor).st_size:
            os.truncate(self._descriptor, self._end)

    def _parse(self, number: int, line: bytes) -> JsonObject:
        """The item on a line, if it is one of the request's."""
        try:
            item: JsonObject = json.loads(line)
            basis_of(item)
            index, architecture, name = item["index"], item["architecture"], item["id"]
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            raise self._refusal(number, f"{shown(line)} is no result") from None
        if type(index) is not int or not 0 <= index < len(self._request.entries):
            raise self._refusal(number, f"index {shown(index)} is beyond the {len(self._request.entries)} asked for")
        entry: Accepted = self._request.entries[index]
        if (architecture, name) != (entry.architecture.canonical, entry.id):
            raise self._refusal(number, f"index {index} is another architecture or has another id than {entry.where}")
        if index in self._lines:
            raise self._refusal(number, f"index {index} is there for the second time")
        return item

    def _check_torn(self, number: int, line: bytes) -> None:
        """Whether a line without an end may be cut off: only what we could have begun to write."""
        if not may_be_torn(line):
            raise self._refusal(number, f"{shown(line)} is no result")

    def _agree(self, differing: list[str], outcome: str) -> None:
        if differing:
            raise UsageError(
                f"{self.path} has results of another kind; {outcome}",
                [*differing, "name another file, or ask for what this one holds"],
            )

    def _note(self, item: Mapping[str, Any], length: int) -> None:
        self._lines[item["index"]] = (self._end, length)
        self._end += length
        self.failed += item["status"] != "scored"
        self._ranked |= item.get("aggregate") is not None

    def _refusal(self, number: int, problem: str) -> UsageError:
        return UsageError(
            f"{self.path} cannot be gone on with; it was left as it is",
            [f"line {number}: {problem}", "name another file, or remove this one"],
        )


def _encode(item: JsonObject) -> bytes:
    return json.dumps(item, allow_nan=False).encode() + b"\n"
