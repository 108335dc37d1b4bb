"""The README says what is true: its request is accepted, its answer is the real one, its commands and links exist."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from app.cli.main import app as cli
from app.jobs.reference import reference_json
from app.jobs.schemas import SubmitRequest
from proxy.data import load_batch
from proxy.data.spec import DEFAULT_BATCH
from proxy.scorer import Scorer
from proxy.spaces import get_space
from proxy.task import Environment, address
from workers.records import JobSpec

#: Processors differ by 1e-7 or so in float32.
FLOAT32_TOLERANCE = 1e-5
ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)


def request() -> dict[str, Any]:
    """The body of the curl example."""
    (command,) = (text for _, text in BLOCKS if "-d '" in text)
    words = shlex.split(command)
    body: dict[str, Any] = json.loads(words[words.index("-d") + 1])
    return body


def answer() -> dict[str, Any]:
    """The item that README shows."""
    (text,) = (text for language, text in BLOCKS if language == "json")
    item: dict[str, Any] = json.loads(text)
    return item


def test_the_request_is_valid_and_asks_for_what_the_answer_answers() -> None:
    body = SubmitRequest.model_validate(request())
    space = get_space(body.space)
    assert [space.parse(each).architecture.canonical for each in body.architectures] == [answer()["architecture"]]
    assert body.proxies == list(answer()["scores"])


def test_the_answer_is_the_real_one() -> None:
    item, batch = answer(), load_batch(DEFAULT_BATCH)
    space = get_space(item["space"])
    architecture = space.parse(item["architecture"]).architecture
    assert item["settings"] == space.complete_settings({}, batch.classes)
    counts = space.counts(architecture, item["settings"], batch.image)
    assert (counts.params, counts.macs) == (item["params"], item["macs"])
    assert space.facts(architecture) == {"connected": item["connected"], **item["facts"]}
    job = JobSpec(
        id="the README's",
        space=space.name,
        settings=item["settings"],
        proxies=("croze",),
        batch=batch.digest,
        batch_name=batch.name,
        seed=item["scores"]["croze"]["seed"],
        precision=item["scores"]["croze"]["precision"],
    )
    task = job.task(item["architecture"])
    (score,) = Scorer().score(task, batch)
    shown = item["scores"]["croze"]
    assert score.value == pytest.approx(shown["value"], rel=FLOAT32_TOLERANCE)
    assert score.components == pytest.approx(shown["components"], rel=FLOAT32_TOLERANCE)
    real = json.loads(json.dumps(score.to_json()))
    for name in real.keys() - {"value", "components", "environment", "seconds", "layers"}:
        assert real[name] == shown[name], name
    assert shown.keys() == (real.keys() - {"layers"}) | {"digest", "reference", "spread"}
    assert shown["digest"] == address(task, "croze", Environment(**shown["environment"]))
    assert shown["reference"] == reference_json(real, job), "what is shipped in proxy/reference_scores says this"


def test_commands_and_targets_exist() -> None:
    commands: Any = get_command(cli)
    for name in re.findall(r"\.venv/bin/croze (\w+)", README):
        assert name in commands.commands
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for name in re.findall(r"^make (\w+)", README, re.MULTILINE):
        assert name in targets


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", *(f"docs/{p.name}" for p in ROOT.glob("docs/*.md"))])
def test_links_to_files_lead_somewhere(page: str) -> None:
    file = ROOT / page
    links = re.findall(r"\]\(([^)#:]+)\)", file.read_text())
    for link in links:
        assert (file.parent / link).exists(), link
