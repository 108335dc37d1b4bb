"""`croze search` over HTTP, against the real API with a worker's part played by hand: nothing here needs torch."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis as redis_driver

from app.cli import search_report
from tests.app.cli.conftest import Croze, Finished
from tests.app.cli.processes import CROZE
from tests.app.cli.test_remote_scoring import job_ids
from tests.app.driving import seen, work_by
from tests.workers.processes import wait_until
from workers import keys
from workers.store import Store

ROOT = Path(__file__).parents[3]
ACCURACIES = str(ROOT / "benchmarks/evidence/nasbench201_accuracies.csv")
SMALL = ("search", "--space", "nasbench201", "--budget", "40")
Values = Callable[[str, str], float | None]


def made_up(proxy: str, architecture: str) -> float:
    """More for cells with more convolutions; all differ."""
    if proxy == "macs":
        return 1e6 * architecture.count("conv")
    digest = sha256(f"{proxy} {architecture}".encode()).digest()
    return architecture.count("nor_conv_3x3") + int.from_bytes(digest[:4]) / 2**32


def fails_often(proxy: str, architecture: str) -> float | None:
    """No value for the cells that would be best."""
    value = made_up(proxy, architecture)
    return None if value >= 3 else value


@pytest.fixture
def url(api: httpx.Client) -> str:
    return str(api.base_url)


@pytest.fixture
def values() -> list[Values]:
    """What the worker scores by: the last of these."""
    return [made_up]


@pytest.fixture
def working(store: Store, redis: redis_driver.Redis, values: list[Values]) -> Iterator[None]:
    """A worker that scores whatever comes."""
    done = threading.Event()

    def loop() -> None:
        seen(store)
        while not done.wait(0.01):
            redis.delete(f"rq:queue:{keys.QUEUE}")  # it heard the bell
            for job_id in store.jobs.unrung():
                work_by(store, job_id, values[-1])

    thread = threading.Thread(target=loop)
    thread.start()
    yield
    done.set()
    thread.join(10)


def trials(folder: Path) -> list[dict[str, Any]]:
    """All that the folder holds, but for times."""
    found = [json.loads(line) for line in (folder / "trials.jsonl").read_bytes().splitlines()]
    for each in found:
        del each["started_at"], each["finished_at"]
        for score in each["scores"].values():
            del score["seconds"]
    return found


def check_refused(done: Finished, *parts: str) -> None:
    assert done.exit_code == 2, done.err
    assert done.out == ""
    assert "Traceback" not in done.err
    for part in parts:
        assert part in done.err


@pytest.mark.usefixtures("working")
def test_a_search_is_a_job_a_round_and_keeps_its_trials(
    croze: Croze, url: str, store: Store, redis: redis_driver.Redis, tmp_path: Path
) -> None:
    done = croze(*SMALL, "--max-params", "8e5", "--url", url, "--out", str(tmp_path / "found"))
    assert done.exit_code == 0, done.err
    kept = trials(tmp_path / "found")
    assert [each["index"] for each in kept] == [*range(40)]
    assert len({each["architecture"] for each in kept}) == 40
    assert all(each["params"] <= 800_000 for each in kept)
    jobs = [store.jobs.get(job_id) for job_id in job_ids(redis)]
    assert sorted(job.counts.total for job in jobs if job is not None) == [10, 10, 10, 10]

    result = json.loads((tmp_path / "found" / "result.json").read_text())
    best = max(kept, key=lambda each: each["scores"]["croze"]["value"])
    assert result["best"]["architecture"] == best["architecture"]
    assert result["best"]["objectives"] == {"croze": best["scores"]["croze"]["value"]}
    assert (result["trials"], result["failed"], result["exhausted"]) == (40, 0, False)
    assert len(result["top"]) == 10
    lines = done.out.splitlines()
    assert lines[0].split() == ["trial", "croze", "params", "macs", "architecture"]
    assert lines[1].split()[0] == str(best["index"])
    assert best["architecture"] in lines[1]


@pytest.mark.usefixtures("working")
def test_a_complete_search_asks_nobody(croze: Croze, url: str, redis: redis_driver.Redis, tmp_path: Path) -> None:
    command = (*SMALL, "--url", url, "--out", str(tmp_path))
    first = croze(*command)
    jobs, result = job_ids(redis), (tmp_path / "result.json").read_bytes()
    again = croze(*command)
    assert (again.exit_code, again.out) == (0, first.out)
    assert "holds 40 of 40 trials already" in again.err
    assert job_ids(redis) == jobs
    assert (tmp_path / "result.json").read_bytes() == result


@pytest.mark.usefixtures("working")
def test_a_search_that_is_killed_half_way_ends_with_the_same_result(croze: Croze, url: str, tmp_path: Path) -> None:
    command = [*SMALL[:-1], "200", "--objective", "robust,macs", "--strategy", "evolution", "--url", url, "--out"]
    killed, undisturbed = tmp_path / "killed", tmp_path / "undisturbed"
    file = killed / "trials.jsonl"
    with subprocess.Popen([*CROZE, *command, str(killed)], stderr=subprocess.PIPE) as process:
        assert wait_until(lambda: process.poll() is not None or (file.exists() and lines(file) >= 105), 120)
        process.send_signal(signal.SIGKILL)
        _, err = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL, err.decode()
    assert 105 <= lines(file) < 200
    with file.open("ab") as stream:
        stream.write(file.read_bytes().splitlines()[-1][:200])  # torn, as a power cut may leave it

    done = croze(*command, str(killed))
    assert done.exit_code == 0, done.err
    assert re.search(r"holds 1\d\d of 200 trials already", done.err)
    assert croze(*command, str(undisturbed)).exit_code == 0
    assert trials(killed) == trials(undisturbed)
    assert len(trials(killed)) == 200
    for name in ("result.json", "search.json"):
        assert (killed / name).read_bytes() == (undisturbed / name).read_bytes()


def lines(file: Path) -> int:
    return file.read_bytes().count(b"\n")


@pytest.mark.usefixtures("working")
def test_a_larger_budget_goes_on(croze: Croze, url: str, tmp_path: Path) -> None:
    command = ("search", "--space", "nasbench201", "--warmup", "8", "--url", url)
    assert croze(*command, "--budget", "23", "--out", str(tmp_path / "a")).exit_code == 0
    assert croze(*command, "--budget", "45", "--out", str(tmp_path / "a")).exit_code == 0
    assert croze(*command, "--budget", "45", "--out", str(tmp_path / "b")).exit_code == 0
    assert trials(tmp_path / "a") == trials(tmp_path / "b")


@pytest.mark.usefixtures("working")
def test_what_failed_counts_and_is_said(croze: Croze, url: str, values: list[Values], tmp_path: Path) -> None:
    values.append(fails_often)
    done = croze(*SMALL, "--url", url, "--out", str(tmp_path))
    assert done.exit_code == 0, done.err
    kept = trials(tmp_path)
    failed = {each["index"] for each in kept if each["status"] == "failed"}
    assert len(kept) == 40
    assert failed
    assert f"{len(failed)} of 40 trials have no score" in done.err
    assert not failed & {each["search"]["parent"] for each in kept}
    assert json.loads((tmp_path / "result.json").read_text())["failed"] == len(failed)


@pytest.mark.usefixtures("working")
def test_a_search_of_which_all_failed_found_nothing(
    croze: Croze, url: str, values: list[Values], tmp_path: Path
) -> None:
    values.append(lambda _proxy, _architecture: None)
    done = croze(*SMALL, "--url", url, "--out", str(tmp_path))
    assert (done.exit_code, done.out) == (1, "")
    assert "nothing was found: no trial has a score" in done.err
    assert "no picture: no trial has a score" in done.err
    assert json.loads((tmp_path / "result.json").read_text())["best"] is None


@pytest.mark.usefixtures("working")
def test_several_objectives_end_with_a_front(croze: Croze, url: str) -> None:
    done = croze(*SMALL, "--objective", "robust,macs", "--url", url, "--format", "json")
    assert done.exit_code == 0, done.err
    result = json.loads(done.out)
    assert result["asked"]["objective"] == "robust:max,macs:min"
    points = [(each["objectives"]["robust"], each["objectives"]["macs"]) for each in result["front"]]
    assert len(points) > 2
    assert points == sorted(points, reverse=True)
    assert not any(a[0] >= b[0] and a[1] <= b[1] and a != b for a in points for b in points)


@pytest.mark.usefixtures("working")
def test_accuracies_are_looked_up_by_class(croze: Croze, url: str) -> None:
    done = croze(*SMALL, "--url", url, "-a", ACCURACIES, "--target", "clean", "--format", "json")
    assert done.exit_code == 0, done.err
    result = json.loads(done.out)
    (standing,) = result["accuracies"]
    assert (standing["target"], standing["of"]) == ("clean", 6_466)
    assert standing["found"] == result["best"]["accuracies"]["clean"]
    assert 10 <= standing["found"] <= standing["best_tried"] <= standing["best"] < 95
    shown = croze(*SMALL, "--url", url, "-a", ACCURACIES, "--target", "clean")
    assert "clean: the best found has" in shown.out
    assert shown.out.splitlines()[0].split() == ["trial", "croze", "params", "macs", "clean", "architecture"]


@pytest.mark.usefixtures("working")
def test_pictures(croze: Croze, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    command = (*SMALL, "--objective", "croze,macs", "--url", url, "--out", str(tmp_path))
    done = croze(*command)
    assert "result.json, 3 pictures" in done.err
    names = {f"{name}.{kind}" for name in ("best_cell", "values", "front") for kind in ("png", "svg")}
    assert names <= {path.name for path in tmp_path.iterdir()}
    monkeypatch.setattr(search_report, "can_draw", lambda: False)
    assert "no pictures: they need matplotlib; install it with: pip install 'croze[evaluate]'" in croze(*command).err


@pytest.mark.usefixtures("working")
@pytest.mark.parametrize(
    ("other", "parts"),
    [
        (("--seed", "1"), ["seed: 0 in the file, 1 now"]),
        (("--strategy", "evolution"), ["strategy: warmup-move in the file, evolution now"]),
        (("--objective", "croze,macs"), ["objective: croze:max in the file, croze:max,macs:min now"]),
        (("--max-params", "1e6"), ["max_params: None in the file, 1000000 now"]),
        (("--channels", "8", "--round", "5"), ["channels: 16 in the file, 8 now", "round: 10 in the file, 5 now"]),
        (("--weight-seeds", "0-1"), ["weight_seeds: 0 in the file, 0, 1 now"]),
    ],
)
def test_another_search_is_not_mixed_in(
    croze: Croze, url: str, tmp_path: Path, other: tuple[str, ...], parts: list[str]
) -> None:
    command = ("search", "--space", "nasbench201", "--budget", "4", "--url", url, "--out", str(tmp_path))
    assert croze(*command).exit_code == 0
    before = (tmp_path / "trials.jsonl").read_bytes()
    check_refused(croze(*command, *other), "search.json is of another search; it was left as it is", *parts)
    assert (tmp_path / "trials.jsonl").read_bytes() == before


@pytest.mark.usefixtures("working")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lines: [lines[1], lines[0], *lines[2:]], "line 1: it is trial 1, and 0 belongs there"),
        (lambda lines: [b"hello\n", *lines], "line 1: b'hello\\n' is no trial"),
        (lambda lines: [*lines, b"hello"], "line 5: b'hello' is no trial"),
        (
            lambda lines: [re.sub(rb"\|\w+~0\|\+", b"|none~0|+", lines[0]), *lines[1:]],
            "is not what this search proposes there; another release made it",
        ),
        (lambda lines: [re.sub(rb'"batch": "sha256:.', b'"batch": "sha256:?', lines[0]), *lines[1:]], "another kind"),
    ],
    ids=["order", "no trial", "torn", "other architecture", "other batch"],
)
def test_trials_that_are_not_its_own_are_refused(
    croze: Croze, url: str, tmp_path: Path, change: Callable[[list[bytes]], list[bytes]], message: str
) -> None:
    command = ("search", "--space", "nasbench201", "--budget", "4", "--url", url, "--out", str(tmp_path))
    assert croze(*command).exit_code == 0
    file = tmp_path / "trials.jsonl"
    changed = b"".join(change(file.read_bytes().splitlines(keepends=True)))
    file.write_bytes(changed)
    check_refused(croze(*command), message, "left as it")
    assert file.read_bytes() == changed
