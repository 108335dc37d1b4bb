"""The engine: it gives a scorer's own numbers, and whatever goes wrong ends in time and is told apart."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.data import to_bytes
from proxy.task import Score
from tests.workers import odd_engine_seeds as seeds
from tests.workers.processes import exists, is_alive, is_gone_within, kill, python, read_line, wait_until
from tests.workers.scoring import ODD_ENGINE, ROOT, endless_task, small_batch, small_task
from workers.engine import BATCHES_KEPT, Engine
from workers.errors import EngineDied, EngineStartFailed, EngineStopped, EngineTimeout, TaskFailed

BATCH = small_batch()
TASK = small_task(BATCH)
#: Far less than an endless task takes, and far more than its end does, on a machine that is busy with other tests.
SOON_S = 30.0

# Scores without an engine, in a process of its own: this one never imports torch.
DIRECTLY = """
import json, sys
from pathlib import Path
from proxy.data import from_bytes
from proxy.scorer import Scorer
from proxy.task import ScoringTask
batch = from_bytes(Path(sys.argv[1]).read_bytes())
task = ScoringTask.from_json(json.loads(sys.argv[2]))
print(json.dumps([score.to_json() for score in Scorer().score(task, batch)]))
"""

# Starts an engine on an endless task, prints its pid, and waits to be killed.
OWNER = """
import threading
from tests.workers.scoring import endless_task, small_batch
from workers.engine import Engine
engine = Engine()
engine.start()
engine.load_batch(small_batch())
threading.Timer(0.5, lambda: print(engine.pid, flush=True)).start()
engine.score(endless_task(small_batch()))
"""


@pytest.fixture(scope="module")
def shared() -> Iterator[Engine]:
    """One engine for the tests that leave it alive."""
    with Engine() as engine:
        yield engine


@pytest.fixture
def engine(shared: Engine) -> Engine:
    shared.start()
    shared.load_batch(BATCH)
    return shared


@pytest.fixture(scope="module")
def odd_shared() -> Iterator[Engine]:
    with Engine(ODD_ENGINE) as engine:
        yield engine


@pytest.fixture
def odd(odd_shared: Engine) -> Engine:
    """The engine whose scorer misbehaves on demand."""
    odd_shared.start()
    odd_shared.load_batch(BATCH)
    return odd_shared


def numbers(scores: list[Score]) -> list[tuple[str, float | None, dict[str, float]]]:
    return [(score.proxy, score.value, dict(score.components)) for score in scores]


def test_scores_are_a_scorers_own_to_the_last_bit(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "batch").write_bytes(to_bytes(BATCH))
    arguments = (str(tmp_path / "batch"), json.dumps(TASK.to_json()))
    with python(DIRECTLY, *arguments, environment={"OMP_NUM_THREADS": "2"}) as direct:
        expected = [Score.from_json(score) for score in json.loads(read_line(direct))]
    scores = engine.score(TASK)
    assert numbers(scores) == numbers(expected)
    assert {score.environment for score in scores} == {engine.environment} == {expected[0].environment}


def test_no_torch_on_the_parents_side(tmp_path: Path) -> None:
    code = "import sys, workers.engine_pool, workers.embedded_redis; print('torch' in sys.modules)"
    with python(code) as process:
        assert read_line(process) == "False"


def test_the_order_of_tasks_does_not_matter(engine: Engine) -> None:
    tasks = [small_task(BATCH, seed) for seed in range(3)]
    forwards = [numbers(engine.score(task)) for task in tasks]
    assert [numbers(engine.score(task)) for task in reversed(tasks)] == forwards[::-1]


def test_an_engine_that_is_killed_while_it_scores_is_told_from_others_and_can_be_started_again(engine: Engine) -> None:
    expected = numbers(engine.score(TASK))
    pid = engine.pid
    threading.Timer(0.3, kill, (pid,)).start()
    started = time.monotonic()
    with pytest.raises(EngineDied, match=f"{pid} was ended by SIGKILL") as caught:
        engine.score(endless_task(BATCH))
    assert time.monotonic() - started < SOON_S
    assert caught.value.code == "engine_crashed"
    assert not engine.running
    assert not engine.has_batch(BATCH.digest)

    engine.start()
    assert engine.pid != pid
    engine.load_batch(BATCH)
    assert numbers(engine.score(TASK)) == expected


def test_an_engine_that_is_killed_while_idle_is_noticed_by_the_next_task(engine: Engine) -> None:
    kill(engine.pid)
    with pytest.raises(EngineDied, match="SIGKILL"):
        engine.score(TASK)


def test_a_time_limit_ends_native_code(engine: Engine) -> None:
    pid = engine.pid
    started = time.monotonic()
    with pytest.raises(EngineTimeout, match=r"within 0\.5 s"):
        engine.score(endless_task(BATCH), timeout=0.5)
    assert 0.5 <= time.monotonic() - started < SOON_S
    assert not is_alive(pid)
    assert not engine.running


def test_a_task_that_is_no_longer_wanted_is_stopped(engine: Engine) -> None:
    pid = engine.pid
    started = time.monotonic()
    with pytest.raises(EngineStopped):
        engine.score(endless_task(BATCH), should_stop=lambda: time.monotonic() > started + 0.3)
    assert time.monotonic() - started < SOON_S
    assert not is_alive(pid)


def test_an_exception_while_waiting_kills_the_engine_and_comes_out(engine: Engine) -> None:
    pid = engine.pid

    def interrupt() -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        engine.score(endless_task(BATCH), should_stop=interrupt)
    assert not is_alive(pid)
    assert not engine.running


def test_a_task_that_ends_in_time_is_not_disturbed(engine: Engine) -> None:
    assert len(engine.score(TASK, timeout=60, should_stop=lambda: False)) == 2
    assert engine.running


def test_a_refused_task_leaves_the_engine_alive(engine: Engine) -> None:
    with pytest.raises(TaskFailed) as caught:
        engine.score(small_task(BATCH, proxies=("missing",)))
    assert caught.value.code == "unknown_proxy"
    assert "'missing'" in caught.value.message
    assert len(engine.score(TASK)) == 2


def test_stray_output_and_reads_do_not_disturb_the_frames(odd: Engine, caplog: pytest.LogCaptureFixture) -> None:
    assert len(odd.score(small_task(BATCH, seeds.PRINTS))) == 2
    assert len(odd.score(TASK)) == 2
    assert wait_until(lambda: "from a child" in caplog.text, 20)


@pytest.mark.parametrize(
    ("seed", "code", "message"),
    [
        (seeds.RAISES, "internal_error", "KeyError: 'unforeseen'"),
        (seeds.RUNS_OUT_OF_MEMORY, "out_of_memory", "use fewer channels"),
        (seeds.IS_NAN, "internal_error", "must be JSON"),
    ],
)
def test_a_failing_task_fails_alone(odd: Engine, seed: int, code: str, message: str) -> None:
    pid = odd.pid
    with pytest.raises(TaskFailed, match=message) as caught:
        odd.score(small_task(BATCH, seed))
    assert caught.value.code == code
    assert len(odd.score(TASK)) == 2
    assert odd.pid == pid


def test_a_fault_in_native_code_is_named(odd: Engine) -> None:
    with pytest.raises(EngineDied, match="SIGSEGV"):
        odd.score(small_task(BATCH, seeds.DIES))


def test_one_thread_whatever_the_environment_says(odd_shared: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    odd_shared.close()
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(name, "8")
    odd_shared.start()
    odd_shared.load_batch(BATCH)
    score, _ = odd_shared.score(small_task(BATCH, seeds.COUNTS_THREADS))
    assert score.components == {"torch": 1.0, "omp": 1.0}


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="there is no /proc")
@pytest.mark.parametrize(("set_already", "found"), [(None, "glibc.malloc.hugetlb=1"), ("glibc.malloc.check=0",) * 2])
def test_tunables_of_the_c_library_that_are_set_stay(
    set_already: str | None, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GLIBC_TUNABLES", raising=False)
    if set_already is not None:
        monkeypatch.setenv("GLIBC_TUNABLES", set_already)
    with Engine(ODD_ENGINE) as engine:
        engine.start()
        variables = Path(f"/proc/{engine.pid}/environ").read_bytes().split(b"\0")
    assert f"GLIBC_TUNABLES={found}".encode() in variables


def test_the_last_used_batches_are_kept_on_both_sides(engine: Engine) -> None:
    batches = [small_batch(seed) for seed in range(1, BATCHES_KEPT + 1)]
    engine.score(TASK)
    for batch in batches[:-1]:
        engine.load_batch(batch)
    engine.score(TASK)  # used last, so it stays
    engine.load_batch(batches[-1])
    assert [engine.has_batch(batch.digest) for batch in (BATCH, *batches)] == [
        True,
        False,
        *[True] * (len(batches) - 1),
    ]
    for batch in (BATCH, *batches[1:]):
        assert engine.score(small_task(batch))[0].batch == batch.digest


def test_loading_a_batch_again_is_harmless(engine: Engine) -> None:
    for _ in range(2 * BATCHES_KEPT):
        engine.load_batch(BATCH)
    assert len(engine.score(TASK)) == 2


def test_a_large_batch_fits_through_the_pipe(engine: Engine) -> None:
    batch = small_batch(9, images=1000)
    engine.load_batch(batch)
    assert engine.has_batch(batch.digest)


def test_the_engine_ends_when_its_parent_is_killed_while_it_computes() -> None:
    with python(OWNER, environment={"PYTHONPATH": ROOT}) as owner:
        pid = int(read_line(owner))
        try:
            assert is_alive(pid)
            kill(owner.pid)
            assert is_gone_within(pid, SOON_S)
        finally:
            kill(pid)


def test_an_engine_that_does_not_start_shows_the_end_of_its_output() -> None:
    code = "import sys; sys.exit('no torch here')"
    with (
        Engine([sys.executable, "-c", code]) as engine,
        pytest.raises(EngineStartFailed, match="no torch here") as caught,
    ):
        engine.start()
    assert "exit code 1" in caught.value.message
    assert caught.value.code == "engine_start_failed"


def test_an_engine_that_is_never_ready_is_given_up() -> None:
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    with Engine(command, start_timeout=0.3) as engine, pytest.raises(EngineStartFailed, match=r"within 0\.3 s"):
        engine.start()
    assert not engine.running


@pytest.mark.parametrize(
    "words",
    ["garbage that is no frame", "\\0\\0\\0\\2\\0\\0\\0\\0\\0\\0\\0\\0{}", "\\0\\0\\0\\4\\0\\0\\0\\0\\0\\0\\0\\0null"],
)
def test_a_program_that_is_no_engine_is_refused(words: str) -> None:
    command = ["/bin/sh", "-c", f"printf '{words}'; exec sleep 600"]
    with Engine(command) as engine, pytest.raises(EngineStartFailed):
        engine.start()


def test_a_program_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineStartFailed, match="cannot start"):
        Engine([str(tmp_path / "missing")]).start()


def test_close_leaves_no_process_and_may_be_repeated(odd: Engine) -> None:
    pid = odd.pid
    odd.close()
    odd.close()
    assert not exists(pid), "reaped, not a zombie"


def test_ctrl_c_does_not_reach_the_engine(engine: Engine) -> None:
    assert os.getsid(engine.pid) == engine.pid
