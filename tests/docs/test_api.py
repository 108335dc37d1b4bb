"""docs/api.md is followed to the letter: its commands are sent, and answer as it says."""

from __future__ import annotations

import re
import shlex
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import redis as redis_driver

from app.jobs import ids
from app.settings import Settings
from tests.app.conftest import served
from tests.app.driving import fail, work
from workers.settings import connect
from workers.store import Store

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
COMMAND = re.compile(r"^(curl .*?)\s+# (\d+)$", re.MULTILINE | re.DOTALL)
#: The job whose items fail, so that there is something to be retried.
UNLUCKY = "trial-2"


class Command(NamedTuple):
    method: str
    url: str
    headers: dict[str, str]
    body: str | None
    status: int


def commands() -> list[Command]:
    """The commands of the page, as curl would understand them."""
    found = []
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL):
        for text, status in COMMAND.findall(block):
            found.append(command(shlex.split(text), int(status)))
    return found


def command(words: list[str], status: int) -> Command:
    method, url, headers, body = None, "", {}, None
    rest = iter(words[1:])
    for word in rest:
        if word == "-X":
            method = next(rest)
        elif word == "-H":
            name, _, value = next(rest).partition(": ")
            headers[name] = value
        elif word == "-d":
            body = next(rest)
        elif not word.startswith("-s"):
            url = word
    return Command(method or ("GET" if body is None else "POST"), url, headers, body, status)


@contextmanager
def worker(store: Store) -> Iterator[None]:
    """Somebody who scores whatever is open, by hand."""
    stop = threading.Event()

    def run() -> None:
        while not stop.wait(0.02):
            for load in store.jobs.outlook().jobs:
                if load.id == ids.stored(None, UNLUCKY):
                    fail(store, load.id, "timeout")
                else:
                    work(store, load.id)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)


def test_every_command_answers_as_the_page_says(redis_url: str, redis: redis_driver.Redis) -> None:
    found = commands()
    assert len(found) == PAGE.count("\ncurl ") > 10
    with served(Settings(redis_url=redis_url)) as url, worker(Store(connect(redis_url))):
        for each in found:
            path = each.url.removeprefix("http://127.0.0.1:8000")
            assert path != each.url
            answer = httpx.request(each.method, url + path, headers=each.headers, content=each.body, timeout=60)
            assert answer.status_code == each.status, f"{each}: {answer.text}"
            if "Last-Event-ID" in each.headers:
                assert re.findall(r"^id: (.*)$", answer.text, re.MULTILINE) == ["4", "end"]
            elif "metadata=" in path:
                assert [job["id"] for job in answer.json()["items"]] == ["trial-1"]
