"""Every error that the workers package raises on purpose.

    WorkerError (Exception)
    ├── EngineFailure               engine_failed          an engine could not answer
    │   ├── EngineDied              engine_crashed         its process ended by itself
    │   ├── EngineTimeout           timeout                it took longer than allowed, and was killed
    │   ├── EngineOutOfMemory       out_of_memory          it took more memory than allowed, and was killed
    │   ├── EngineSick              engine_sick            it does not know what `workers.known_answer` says
    │   ├── EngineStopped           stopped                somebody no longer wanted the answer; it was killed
    │   ├── EngineStartFailed       engine_start_failed    it never became ready
    │   └── TaskFailed              (the engine's)         it says why it has no scores for a task; it lives on
    ├── WrongDevice                 wrong_device           the engine computes elsewhere than it has to
    ├── BatchMissing                batch_missing          an item's batch is not kept any more
    ├── LeaseExpired                lease_expired          an item's workers fell silent, one after the other
    ├── ReleaseRetired          release_retired        an item's release has no worker any more
    ├── FrameError                  bad_frame              bytes on a pipe that are not a message of ours
    ├── RedisServerError            redis_server_failed    the embedded server could not be started or stopped
    │   ├── DataFolderInUse         data_folder_in_use     another process runs a server on this folder
    │   ├── NoRedisServer           no_redis_server        no server program on this machine
    │   └── SocketPathTooLong       socket_path_too_long   no folder short enough for a unix socket
    └── StoreError                  store_failed           Redis did not do what was asked
        ├── StoreUnavailable        store_unavailable      it cannot be reached, or does not answer
        ├── StoreFull               store_full             it has no memory left for more
        ├── JobExists               job_id_taken           the id of a new job is that of another
        ├── JobGone                 job_deleted            the id of a new job is that of one that has been
        ├── Overload                                       this much is not taken now; later it may be
        │   ├── QueueFull           queue_full             too many items are open, whoever's they are
        │   ├── QuotaExceeded       quota_exceeded         one owner has too many open items, or batches
        │   └── RateLimited         rate_limited           one owner asks too fast
        └── SchemaMismatch          schema_mismatch        its records are of a newer release

Codes are part of the HTTP interface: they never change meaning.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workers.records import Rate


class WorkerError(Exception):
    """Base of all errors of this package."""

    code: str = "worker_failed"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class EngineFailure(WorkerError):
    """An engine gave no scores for a task."""

    code = "engine_failed"


class EngineDied(EngineFailure):
    """The engine's process ended while it was needed: killed, out of memory, or a fault in native code."""

    code = "engine_crashed"


class EngineTimeout(EngineFailure):
    """The engine was killed because a task took longer than its time limit."""

    code = "timeout"


class EngineOutOfMemory(EngineFailure):
    """The engine was killed because it held more memory than it may."""

    code = "out_of_memory"


class EngineSick(EngineFailure):
    """The engine does not score the task whose answer is known (`workers.known_answer`) as it should."""

    code = "engine_sick"


class EngineStopped(EngineFailure):
    """The engine was killed because the caller asked to stop waiting."""

    code = "stopped"


class EngineStartFailed(EngineFailure):
    """The engine's process did not become ready: see the end of its output in the message."""

    code = "engine_start_failed"


class TaskFailed(EngineFailure):
    """The engine answered that it has no scores for this task, and is ready for the next.

    The code is the `ProxyError`'s for a task that should never have been accepted, `out_of_memory`, or
    `internal_error` for anything unforeseen.
    """

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class WrongDevice(WorkerError):
    """The engine's device is not the one that CROZE_REQUIRE_DEVICE names."""

    code = "wrong_device"


class BatchMissing(WorkerError):
    """The batch that an item is to be scored on is not in Redis (any more)."""

    code = "batch_missing"


class LeaseExpired(WorkerError):
    """Every worker that had the item in hand was gone before it ended. Never raised: Redis is who notices."""

    code = "lease_expired"


class ReleaseRetired(WorkerError):
    """No worker alive can score the item as the release would that accepted it. Never raised: an outcome."""

    code = "release_retired"


class FrameError(WorkerError):
    """A truncated, oversized or malformed frame."""

    code = "bad_frame"


class RedisServerError(WorkerError):
    """The embedded Redis server could not be started or stopped."""

    code = "redis_server_failed"


class DataFolderInUse(RedisServerError):
    """Another live process already runs a server on the data folder."""

    code = "data_folder_in_use"

    def __init__(self, data_dir: Path, pid: int | None, url: str | None) -> None:
        holder = f"process {pid}" if pid else "another process"
        where = f" at {url}" if url else ""
        super().__init__(
            f"data folder {data_dir} is in use by {holder}, whose Redis server answers{where}; "
            f"use that server (set REDIS_URL to it), stop {holder}, or choose another folder"
        )
        self.pid = pid
        self.url = url


class NoRedisServer(RedisServerError):
    """There is no Redis or Valkey server program to start."""

    code = "no_redis_server"


class SocketPathTooLong(RedisServerError):
    """Neither the data folder nor any temporary folder has a path short enough for a unix socket."""

    code = "socket_path_too_long"


class StoreError(WorkerError):
    """Redis did not do what the store asked."""

    code = "store_failed"


class Overload(StoreError):
    """The store has room, and yet takes no more now. Nothing was done; the message is for whoever asked."""

    def __init__(self, message: str, retry_after: float) -> None:
        """`retry_after` is in seconds: when it may be worth asking again."""
        super().__init__(message)
        self.retry_after = retry_after


class QueueFull(Overload):
    """With these, too many items would be open in all."""

    code = "queue_full"


class QuotaExceeded(Overload):
    """With these, one owner would have too many items open, or batches kept."""

    code = "quota_exceeded"


class RateLimited(Overload):
    """One owner has used up its allowance; `retry_after` is when there will be enough of it."""

    code = "rate_limited"

    def __init__(self, message: str, retry_after: float, rate: Rate) -> None:
        super().__init__(message, retry_after)
        self.rate = rate


class StoreUnavailable(StoreError):
    """Redis cannot be reached or does not answer in time."""

    code = "store_unavailable"


class StoreFull(StoreError):
    """Redis refused a write because it has reached its memory limit."""

    code = "store_full"


class JobExists(StoreError):
    """A new job has the id of one that exists."""

    code = "job_id_taken"


class JobGone(StoreError):
    """A new job has the id of one that has been, and whose tombstone stands."""

    code = "job_deleted"


class SchemaMismatch(StoreError):
    """Redis holds records of a newer release than this one."""

    code = "schema_mismatch"
