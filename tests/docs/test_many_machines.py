"""docs/many-machines.md: its commands make a file that the server reads, and its sums are right."""

from __future__ import annotations

import math
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import redis as redis_driver

from app.settings import Settings
from benchmarks.redis_per_item import measure
from tests.workers.guarded_redis import ADMIN, API, WORKER, guarded_redis
from workers import keys
from workers.settings import StoreSettings, WorkerSettings

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "many-machines.md").read_text("utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", TEXT, re.DOTALL)
DAY_S = 86_400
MILLION = 1_000_000


def rows(heading: str) -> list[list[str]]:
    """The cells of the table that has this first heading, without its head."""
    table = TEXT.partition(f"| {heading} |")[2].partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in table]


def number(cell: str) -> float:
    (found,) = re.findall(r"^[\d,.]+", cell)
    return float(found.replace(",", ""))


@pytest.mark.skipif(not all(map(shutil.which, ("openssl", "sha256sum"))), reason="no openssl, or no sha256sum")
def test_its_commands_make_users_that_can_come_in(tmp_path: Path) -> None:
    (commands,) = (text for _, text in BLOCKS if "users.acl" in text and "openssl" in text)
    (tmp_path / "docker" / "redis").mkdir(parents=True)
    shutil.copy(ROOT / "docker" / "redis" / "users.acl", tmp_path / "docker" / "redis")
    subprocess.run(["/bin/sh", "-euc", commands], cwd=tmp_path, check=True, timeout=60)
    made = tmp_path / "users.acl"
    assert "SHA256" not in made.read_text("utf-8")
    with guarded_redis() as server, server.client(ADMIN) as admin:
        admin.config_get("aclfile")
        (place,) = [Path(value) for value in admin.config_get("aclfile").values()]
        place.write_text(made.read_text("utf-8"), "utf-8")
        assert admin.acl_load()
        for user, file in ((ADMIN, "ADMIN"), (API, "API"), (WORKER, "WORKER")):
            password = (tmp_path / f"{file}.password").read_text("utf-8").strip()
            with redis_driver.Redis(unix_socket_path=str(server.socket), username=user, password=password) as client:
                assert client.ping()


def test_its_settings_have_the_values_that_it_says() -> None:
    assert f"`CROZE_UNSERVED_TIMEOUT` (a setting of workers; {keys.UNSERVED_S:.0f} s)" in TEXT
    assert WorkerSettings.model_fields["unserved_timeout"].default == keys.UNSERVED_S
    assert f"(`CROZE_MAX_OPEN_ITEMS` ({Settings.model_fields['max_open_items'].default:,})"[1:] in TEXT
    assert f"less than a lease ({keys.LEASE_S:g} s)" in TEXT
    for name in re.findall(r"`CROZE_(\w+)=", TEXT):
        assert name.lower() in StoreSettings.model_fields


def test_the_sums_of_workers_are_right() -> None:
    for _, seconds, cores, workers in rows("networks, float32"):
        busy = MILLION * number(seconds) * 1.11 / 0.935 / DAY_S
        assert number(cores) == pytest.approx(busy, abs=0.06)
        assert number(workers) == math.ceil(busy / 0.7)


def test_the_sums_of_memory_are_right() -> None:
    costs = {name: number(cell) for name, cell in rows("an item")}
    job, score = (cost for name, cost in costs.items() if "until" in name)
    for kept, memory, limit in rows("what is kept"):
        days, score_days = map(int, re.findall(r"for (\d+)", kept))
        needed = MILLION * (days * job + score_days * score) / 1e9
        assert number(memory) == pytest.approx(needed, abs=0.06)
        assert number(limit) == math.ceil(needed / 0.8)
    defaults = StoreSettings()
    assert (defaults.job_retention / DAY_S, defaults.score_ttl / DAY_S) == (7, 30)


def test_an_item_costs_what_it_says() -> None:
    """Roughly, for memory: of a few items, the tables that the server grows by doubling are a large part."""
    measured = measure(300)
    opened, job, score, received, sent, appended, _ = (number(cell) for _, cell in rows("an item"))
    assert measured.open_memory < 2 * opened
    assert (job + score) / 2 < measured.job_memory + measured.cache_memory < 2 * (job + score)
    assert [measured.received, measured.sent, measured.appended] == pytest.approx([received, sent, appended], rel=0.25)
