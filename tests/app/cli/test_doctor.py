from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.app.cli.conftest import Croze
from workers import known_answer


def test_a_good_machine_has_no_problem(croze: Croze, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.delenv("CROZE_REDIS_URL", raising=False)
    done = croze("doctor", "--data-dir", str(tmp_path / "state"))
    assert done.exit_code == 0, done.out
    for subject in ("python", "torch", "devices", "cpu", "engine", "cores", "redis", "batch", "data folder", "disk"):
        assert subject in done.out
    assert "gives the known answer" in " ".join(done.out.split())
    assert not (tmp_path / "state").exists(), "looking changes nothing"


def test_an_engine_with_a_wrong_answer_is_a_problem(
    croze: Croze, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = [replace(known, value=known.value + 1) for known in known_answer.KNOWN]
    monkeypatch.setattr(known_answer, "KNOWN", wrong)
    done = croze("doctor", "--data-dir", str(tmp_path))
    assert done.exit_code == 1
    assert "is 19585198.19708474 within 1e-09" in " ".join(done.out.split())


def test_an_unreachable_redis_url_is_a_problem_with_a_repair(
    croze: Croze, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", f"unix://{tmp_path}/nobody.sock")
    done = croze("doctor", "--data-dir", str(tmp_path))
    assert done.exit_code == 1
    assert "unset REDIS_URL" in " ".join(done.out.split())


def test_a_file_in_place_of_the_data_folder_is_a_problem(croze: Croze, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = croze("doctor", "--data-dir", str(tmp_path / "file" / "state"))
    assert done.exit_code == 1
    assert "--data-dir" in done.out
