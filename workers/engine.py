"""The parent's side of one engine process (`workers.engine_main`). Torch-free.

Our own `Popen`, not `multiprocessing`: its exit handler can hang on native code, and its default start method
forks, which hangs a child of a process that used torch.

Nothing here waits without a bound. What takes too long, or is no longer wanted, is ended by SIGKILL, because native
code cannot be interrupted in any other way; the next `start` is a fresh engine. An engine whose parent is killed
ends by itself when its input ends.
"""

from __future__ import annotations

import logging
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import IO, Final, Self, TypeAlias

from proxy.data import to_bytes
from proxy.data.spec import Batch
from proxy.task import Environment, Score, ScoringTask
from workers.errors import (
    EngineDied,
    EngineOutOfMemory,
    EngineStartFailed,
    EngineStopped,
    EngineTimeout,
    FrameError,
    TaskFailed,
)
from workers.frames import Frame, FrameDecoder, encode
from workers.process_memory import resident_bytes

#: Read by the numerical libraries when they are loaded. A `Scorer` sets one thread itself; this also keeps the
#: libraries from starting threads that would only wait.
ONE_THREAD: Final = dict.fromkeys(
    ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)

#: Read by the C library (glibc 2.35 on; others know nothing of it): allocate in the kernel's huge pages. Activations
#: are allocated and freed with every pass. In pages of 4 KB that is 8,000 page faults a NAS-Bench-201 cell and 80,000
#: a DARTS network of 20 cells, and in huge ones 5 and 140 (docs/performance.md).
HUGE_PAGES: Final = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}

ShouldStop: TypeAlias = Callable[[], bool]

ENGINE_COMMAND: Final = (sys.executable, "-P", "-m", "workers.engine_main")
#: `import torch` takes 1.3 s warm, and a minute from a cold network disk.
START_TIMEOUT_S: Final = 120.0
LOAD_TIMEOUT_S: Final = 60.0
#: A killed process is gone in milliseconds unless its memory is being written out.
KILL_TIMEOUT_S: Final = 10.0
#: How often an engine's caller is asked whether it still wants the answer.
POLL_S: Final = 0.1
#: As many as a `Scorer` keeps on its device.
BATCHES_KEPT: Final = 4

_PIECE_BYTES: Final = 2**20
_TAIL_LINES: Final = 20

log = logging.getLogger(__name__)


class Engine:
    """One engine process. Use from one thread at a time.

    After `EngineDied`, `EngineTimeout`, `EngineOutOfMemory` or `EngineStopped` the process is gone and reaped;
    `start` gives a fresh one, with no batches loaded.

    `memory_limit` is in bytes, looked at every `POLL_S` while an answer is awaited, on systems with /proc. Not by a
    resource limit of the process: that counts what is reserved and never used, of which CUDA has tens of gigabytes.
    """

    def __init__(
        self,
        command: Sequence[str] = ENGINE_COMMAND,
        *,
        start_timeout: float = START_TIMEOUT_S,
        memory_limit: int | None = None,
    ) -> None:
        self._command = tuple(command)
        self._start_timeout = start_timeout
        self._memory_limit = memory_limit
        self._process: subprocess.Popen[bytes] | None = None
        self._decoder = FrameDecoder()
        self._environment: Environment | None = None
        self._batches: OrderedDict[str, None] = OrderedDict()
        self._log_tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._log_thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def environment(self) -> Environment:
        """Where it computes. Known since the first `start`."""
        assert self._environment is not None, "start() first"
        return self._environment

    @property
    def running(self) -> bool:
        """Whether it can be asked for scores."""
        return self._process is not None

    @property
    def has_ended(self) -> bool:
        """Whether its process ended by itself and nobody has noticed yet: `close`, then `start` anew."""
        return self._process is not None and self._process.poll() is not None

    @property
    def pid(self) -> int:
        """The engine's process id."""
        return self._running().pid

    def start(self, *, should_stop: ShouldStop | None = None) -> Environment:
        """Spawn the process and wait until it is ready. Does nothing if it runs.

        Raises:
            EngineStartFailed: it ended or was not ready in time; the message has the end of its output.
            EngineStopped: `should_stop` said so.
        """
        if self._process is not None:
            return self.environment
        self._spawn()
        try:
            ready = self._exchange(None, timeout=self._start_timeout, should_stop=should_stop).header
            self._environment = Environment(**ready["environment"])  # type: ignore[arg-type]
        except (EngineDied, EngineTimeout, EngineOutOfMemory, KeyError, TypeError) as error:
            self.close()
            raise EngineStartFailed(
                f"no engine could be started with {' '.join(self._command)}: {error}\n" + "\n".join(self._log_tail)
            ) from error
        return self._environment

    def has_batch(self, digest: str) -> bool:
        """Whether the engine holds that batch."""
        return digest in self._batches

    def load_batch(self, batch: Batch) -> None:
        """Send a batch. The engine keeps the last few used ones: what it forgets is decided here.

        Raises:
            EngineDied, EngineTimeout, EngineOutOfMemory: as for `score`.
            TaskFailed: the batch did not arrive as it was sent.
            FrameError: it is larger than `workers.frames.BLOCK_LIMIT`. The engine is as it was.
        """
        kept = BATCHES_KEPT - 1
        forget = [digest for digest in self._batches if digest != batch.digest][: max(0, len(self._batches) - kept)]
        request = Frame({"type": "batch", "digest": batch.digest, "forget": [*forget]}, to_bytes(batch))
        for digest in forget:
            del self._batches[digest]
        self._ask(request, "loaded", timeout=LOAD_TIMEOUT_S)
        self._batches[batch.digest] = None

    def score(
        self, task: ScoringTask, *, timeout: float | None = None, should_stop: ShouldStop | None = None
    ) -> list[Score]:
        """Scores of one architecture, one per proxy of the task. Its batch must be loaded.

        Args:
            task: what to score.
            timeout: seconds after which the engine is killed.
            should_stop: asked every `POLL_S`; once it says True the engine is killed. What it raises comes out of
                here, and the engine is killed then too.

        Raises:
            EngineDied: the process ended.
            EngineTimeout: `timeout` was over.
            EngineOutOfMemory: it held more than `memory_limit`.
            EngineStopped: `should_stop` said so.
            TaskFailed: the engine has no scores for this task. It is ready for the next one.
        """
        assert self.has_batch(task.batch), f"load_batch() first: {task.batch}"
        self._batches.move_to_end(task.batch)
        answer = self._ask(
            Frame({"type": "score", "task": task.to_json()}), "scores", timeout=timeout, should_stop=should_stop
        )
        return [Score.from_json(score) for score in answer.header["scores"]]  # type: ignore[union-attr, arg-type]

    def close(self) -> None:
        """End the process, whatever it does. Harmless if there is none."""
        process, self._process = self._process, None
        self._batches.clear()
        if process is None:
            return
        process.kill()
        with suppress(subprocess.TimeoutExpired):  # stuck in the kernel: it ends when that lets go
            process.wait(KILL_TIMEOUT_S)
        for pipe in (process.stdin, process.stdout):
            _pipe(pipe).close()
        if self._log_thread is not None:
            self._log_thread.join(KILL_TIMEOUT_S)

    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "start() first"
        return self._process

    def _spawn(self) -> None:
        self._decoder = FrameDecoder()
        self._log_tail.clear()
        try:
            process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=_engine_variables(os.environ),
                start_new_session=True,  # Ctrl-C is for us, who decide what becomes of a score in hand
            )
        except OSError as error:
            raise EngineStartFailed(f"cannot start {self._command[0]}: {error.strerror}") from error
        for pipe in (process.stdin, process.stdout):
            os.set_blocking(_pipe(pipe).fileno(), False)
        self._process = process
        self._log_thread = threading.Thread(
            target=_pass_on, args=(_pipe(process.stderr), self._log_tail), name="engine-log", daemon=True
        )
        self._log_thread.start()

    def _ask(
        self, request: Frame, wanted: str, *, timeout: float | None, should_stop: ShouldStop | None = None
    ) -> Frame:
        """The answer of type `wanted`."""
        answer = self._exchange(request, timeout=timeout, should_stop=should_stop)
        kind = answer.header.get("type")
        if kind == "error":
            raise TaskFailed(str(answer.header["message"]), str(answer.header["code"]))
        if kind != wanted:
            self.close()
            raise EngineDied(f"the engine answered {kind!r} instead of {wanted!r} and was killed")
        return answer

    def _exchange(self, request: Frame | None, *, timeout: float | None, should_stop: ShouldStop | None) -> Frame:
        """Send, and wait for one frame. If none comes, for whatever reason, the engine is dead afterwards."""
        content = b"" if request is None else encode(request)
        try:
            return self._await_frame(content, timeout, should_stop)
        except FrameError as error:
            self.close()
            raise EngineDied(f"the engine was killed: {error.message}") from error
        except BaseException:
            self.close()
            raise

    def _await_frame(self, content: bytes, timeout: float | None, should_stop: ShouldStop | None) -> Frame:
        process = self._running()
        deadline = None if timeout is None else time.monotonic() + timeout
        pending = memoryview(content)
        source, sink = _pipe(process.stdout).fileno(), _pipe(process.stdin).fileno()
        with selectors.DefaultSelector() as selector:
            selector.register(source, selectors.EVENT_READ)
            if pending:
                selector.register(sink, selectors.EVENT_WRITE)
            while True:
                # Reading comes first, so that an answer which came in time is never thrown away.
                for key, _ in selector.select(_pause(deadline)):
                    if key.fd == source:
                        frame = self._read(source)
                        if frame is not None:
                            return frame
                    else:
                        pending = _write(sink, pending)
                        if not pending:
                            selector.unregister(sink)
                self._check_patience(deadline, timeout, should_stop)

    def _read(self, source: int) -> Frame | None:
        piece = os.read(source, _PIECE_BYTES)
        if not piece:
            raise EngineDied(self._last_words())
        frames = self._decoder.feed(piece)
        if len(frames) > 1:
            raise FrameError(f"{len(frames)} answers to one request")
        return frames[0] if frames else None

    def _check_patience(self, deadline: float | None, timeout: float | None, should_stop: ShouldStop | None) -> None:
        if deadline is not None and time.monotonic() >= deadline:
            raise EngineTimeout(f"the engine gave no answer within {timeout:g} s and was killed")
        if should_stop is not None and should_stop():
            raise EngineStopped("the answer was no longer wanted, and the engine was killed")
        if self._memory_limit is not None:
            self._check_memory(self._memory_limit)

    def _check_memory(self, limit: int) -> None:
        held = resident_bytes(self.pid) or 0
        if held > limit:
            raise EngineOutOfMemory(
                f"the engine held {held / 2**20:.0f} MiB and was killed, for CROZE_ENGINE_MEMORY allows "
                f"{limit / 2**20:.0f} MiB; use fewer channels, cells or layers, or a smaller batch"
            )

    def _last_words(self) -> str:
        """How the process ended, once its output has."""
        process = self._running()
        try:
            code = process.wait(KILL_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            return f"engine process {process.pid} closed its output and was killed"
        if code >= 0:
            return f"engine process {process.pid} ended with exit code {code}"
        cause = ", perhaps by the system for want of memory" if code == -signal.SIGKILL else ""
        return f"engine process {process.pid} was ended by {signal.Signals(-code).name}{cause}"


def _engine_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of an engine that is started from this one. Tunables of the C library that are set stay."""
    # With the last, a fault in native code leaves a traceback in the log.
    return {**HUGE_PAGES, **environment, **ONE_THREAD, "PYTHONFAULTHANDLER": "1"}


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None, "spawned with pipes"
    return pipe


def _pause(deadline: float | None) -> float:
    return POLL_S if deadline is None else max(0.0, min(POLL_S, deadline - time.monotonic()))


def _write(sink: int, pending: memoryview) -> memoryview:
    """What remains to be written. A broken pipe is seen by the reader, which knows how the process ended."""
    try:
        return pending[os.write(sink, pending) :]
    except BlockingIOError:
        return pending
    except BrokenPipeError:
        return pending[len(pending) :]


def _pass_on(output: IO[bytes], tail: deque[str]) -> None:
    """Log an engine's output, line by line, until it ends. Where no logs are set up, it is on stderr as it came."""
    with output:
        for line in iter(lambda: output.readline(_PIECE_BYTES), b""):
            text = line.decode(errors="replace").rstrip()
            tail.append(text)
            log.warning("%s", text)
