"""[T] The engine process: `python -P -m workers.engine_main`. Scores what its parent asks for, one task at a time.

Frames (`workers.frames`) come in on what was descriptor 0 and go out on what was descriptor 1. Logs and stray
prints go to descriptor 2. Every request has one answer:

    (at start)                             -> ready {environment, pid}
    batch {digest, forget: [digest]} block -> loaded | error {code, message}
    score {task}                           -> scores {scores} | error {code, message}

The process ends when its input ends, whatever it computes at that moment: an engine never outlives its parent.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
import traceback
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from proxy.data import from_bytes
from proxy.errors import InvalidBatch, ProxyError, is_out_of_memory
from proxy.json_types import JsonObject
from proxy.task import ScoringTask
from workers.errors import FrameError
from workers.frames import Frame, FrameDecoder, encode

if TYPE_CHECKING:
    from proxy.data.spec import Batch
    from proxy.scorer import Scorer

PIECE_BYTES: Final = 2**20


def main() -> None:
    """Serve until the input ends."""
    source, sink = _take_pipes()
    requests: queue.SimpleQueue[Frame] = queue.SimpleQueue()
    # Before torch is loaded, so that a parent which ends meanwhile is noticed.
    threading.Thread(target=_read, args=(source, requests), name="reader", daemon=True).start()
    from proxy.scorer import Scorer  # loads torch: 1.3 s

    scorer = Scorer()
    _send(sink, {"type": "ready", "environment": asdict(scorer.environment), "pid": os.getpid()})
    session = _Session(scorer)
    while True:
        _send(sink, session.answer(requests.get()))


class _Session:
    """The batches that the parent has sent, and the answers to what it asks."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        self._batches: dict[str, Batch] = {}

    def answer(self, request: Frame) -> JsonObject:
        """One answer, an error included: no exception of a task ends the engine."""
        try:
            if request.header["type"] == "batch":
                return self._load(request)
            return self._score(request)
        except ProxyError as error:
            return _error(error.code, error.message)
        except Exception as error:
            if is_out_of_memory(error):
                message = "the memory ran out; use fewer channels, cells or layers, or a smaller batch"
                return _error("out_of_memory", message)
            traceback.print_exc()
            return _error("internal_error", f"{type(error).__name__}: {error}")

    def _load(self, request: Frame) -> JsonObject:
        for digest in request.header["forget"]:  # type: ignore[union-attr]
            self._batches.pop(digest, None)  # type: ignore[arg-type]
        batch = from_bytes(request.block)
        if batch.digest != request.header["digest"]:
            raise InvalidBatch(f"batch {request.header['digest']} arrived as {batch.digest}")
        self._batches[batch.digest] = batch
        return {"type": "loaded"}

    def _score(self, request: Frame) -> JsonObject:
        task = ScoringTask.from_json(request.header["task"])  # type: ignore[arg-type]
        scores = self._scorer.score(task, self._batches[task.batch])
        return {"type": "scores", "scores": [score.to_json() for score in scores]}


def _take_pipes() -> tuple[int, int]:
    """Keep both pipes for frames alone: what prints, native code included, prints to descriptor 2 instead."""
    source, sink = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return source, sink


def _read(source: int, requests: queue.SimpleQueue[Frame]) -> None:
    """Read requests until the input ends, then end the process, even while native code computes."""
    decoder = FrameDecoder()
    try:
        while piece := os.read(source, PIECE_BYTES):
            for frame in decoder.feed(piece):
                requests.put(frame)
    except (FrameError, OSError) as error:
        sys.stderr.write(f"engine {os.getpid()} ends: {error}\n")
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


def _send(sink: int, answer: JsonObject) -> None:
    try:
        pending = memoryview(encode(Frame(answer)))
    except FrameError as error:  # a bug, and still the concern of one task alone
        pending = memoryview(encode(Frame(_error("internal_error", error.message))))
    try:
        while pending:
            pending = pending[os.write(sink, pending) :]
    except BrokenPipeError:  # nobody wants answers any more
        os._exit(0)


def _error(code: str, message: str) -> JsonObject:
    return {"type": "error", "code": code, "message": message}


if __name__ == "__main__":
    main()
