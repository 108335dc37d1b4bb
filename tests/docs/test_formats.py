"""docs/formats.md is what the code does: its tables, its commands, its figures."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import numpy.typing as npt
import pytest
import redis as redis_driver

from app.settings import Settings
from proxy.spaces import SPACES
from proxy.spaces._foreign import FOREIGN
from proxy.spaces.nasbench201.index import equivalence_classes, official_cells
from tests.app.cli.processes import CROZE
from tests.app.conftest import served
from tests.docs.test_api import command

PAGE = (Path(__file__).parents[2] / "docs" / "formats.md").read_text()
SECTIONS = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE))
CELL = "|avg_pool_3x3~0|+|skip_connect~0|none~1|+|nor_conv_1x1~0|avg_pool_3x3~1|nor_conv_1x1~2|"


def rows(section: str) -> dict[str, list[str]]:
    """The first rows of a table by their tag; a tag's later rows are of another table."""
    found: dict[str, list[str]] = {}
    for line in SECTIONS[section].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| `"):
            found.setdefault(cells[0].strip("`| "), cells[1:])
    return found


@pytest.mark.parametrize(
    ("section", "tags"),
    [
        ("NAS-Bench-201", list(SPACES["nasbench201"].formats)),
        ("DARTS", list(SPACES["darts"].formats)),
        ("Known, and not scored here", list(FOREIGN)),
    ],
)
def test_tables_name_every_format(section: str, tags: list[str]) -> None:
    assert sorted(rows(section)) == sorted(tags)


def test_whether_a_value_says_what_it_is() -> None:
    for section, space in (("NAS-Bench-201", SPACES["nasbench201"]), ("DARTS", SPACES["darts"])):
        for tag, cells in rows(section).items():
            form = space.formats[tag]
            assert cells[1].startswith("yes") == form.recognises(form.example), tag


def test_examples_are_one_cell() -> None:
    for tag, cells in rows("NAS-Bench-201").items():
        value = CELL if tag == "nb201_str" else json.loads(cells[0].strip("`"))
        assert SPACES["nasbench201"].parse(value, tag).architecture.canonical == CELL, tag
    assert CELL in SECTIONS["NAS-Bench-201"]


def test_foreign_spaces_are_called_as_in_errors() -> None:
    for tag, cells in rows("Known, and not scored here").items():
        assert cells[0].startswith(FOREIGN[tag].space), tag


def curls() -> list[str]:
    return re.findall(r"^curl .*?\}'  # \d+$", PAGE, re.DOTALL | re.MULTILINE)


def test_requests_answer_as_the_page_says(redis_url: str, redis: redis_driver.Redis) -> None:
    answers: list[Any] = []
    with served(Settings(redis_url=redis_url)) as url:
        for text in curls():
            words, _, status = text.rpartition("  # ")
            sent = command(shlex.split(words), int(status))
            place = sent.url.replace("http://127.0.0.1:8000", url)
            answer = httpx.request(sent.method, place, content=sent.body, headers=sent.headers, timeout=30)
            assert answer.status_code == sent.status, answer.text
            answers.append(answer.json())
    validated, converted, job = answers
    assert job["dedupe"] == "isomorphic"
    (shown,) = re.findall(r"```json\n(\{.*?\})\n```", SECTIONS["Check, and convert"], re.DOTALL)
    error = validated["items"][1]["error"]
    assert json.loads(shown)["faults"] == error["faults"]
    assert error["message"].startswith(json.loads(shown)["message"].removesuffix("..."))
    assert (json.loads(shown)["code"], converted["items"][0]["architecture"]) == (error["code"], [4, 0, 3, 1, 4, 3])


def test_commands_print_what_the_page_says() -> None:
    commands = re.findall(r"^(croze (?:validate|convert) .*?)(?:\s+# (.*))?$", PAGE, re.MULTILINE)
    assert len(commands) == 3
    for text, printed in commands:
        words = [*CROZE, *shlex.split(text)[1:]]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == printed or not printed


def ranks(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Equal values share the mean of their ranks."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[place]


def test_figures_of_what_is_given_up() -> None:
    told = dict(re.findall(r"^\| (\w.*?) \| (.*?) \|$", SECTIONS["Isomorphic architectures"], re.MULTILINE))
    folder = Path(__file__).parents[2] / "proxy" / "reference_scores"
    scores = np.load(folder / "nasbench201_croze.npz")["scores"]
    classes, cells = np.array(equivalence_classes()), official_cells()
    members = {name: np.flatnonzero(classes == name) for name in np.unique(classes)}
    shared = [each for each in members.values() if len(each) > 1]
    connected = [each for each in shared if cells[each[0]].connected and scores[each].min() > 0]
    ratios = [float(scores[each].max() / scores[each].min()) for each in connected]
    others = np.flatnonzero(classes != np.arange(len(classes)))
    networks = len({cell.effective for cell in cells})
    assert list(told.values()) == [
        f"{len(members):,} instead of {networks:,} networks that differ",
        f"{len(shared):,}, with {sum(map(len, shared)):,} cells",
        *(f"{np.quantile(ratios, share):.{digits}f}" for share, digits in ((0.5, 3), (0.9, 2), (0.99, 2))),
        f"{max(ratios):.0f}",
        f"{np.corrcoef(ranks(scores[classes[others]]), ranks(scores[others]))[0, 1]:.3f}",
    ]
    assert any(f"the {len(others):,} cells" in what for what in told)
