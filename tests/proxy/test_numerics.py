"""What a release says that it can score."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from proxy import numerics
from proxy.errors import UnknownProxy, UnknownSpace
from proxy.proxies import PROXIES
from proxy.spaces import SPACES
from proxy.task import ScoringTask


def test_a_release_serves_what_it_has() -> None:
    for space in SPACES:
        assert set(numerics.needs(space, PROXIES)) <= numerics.SERVES
    assert numerics.needs("nasbench201", ["croze"]) == (
        "task=1",
        "nasbench201=nb201_str/channels/cells/classes",
        f"croze={PROXIES['croze'].revision}",
    )


def test_what_only_some_jobs_ask_for_keeps_others_from_no_release() -> None:
    plain = set(numerics.needs("darts", ["croze"]))
    assert set(numerics.needs("darts", ["croze"], ["seeds", "aggregate"])) - plain == {"seeds=1", "aggregate=1"}
    assert {"seeds=1", "aggregate=1"} <= numerics.SERVES


def test_a_proxy_that_changes_its_numbers_changes_the_revision(monkeypatch: pytest.MonkeyPatch) -> None:
    before = numerics.needs("nasbench201", ["params"]), numerics.needs("nasbench201", ["croze"])
    monkeypatch.setitem(PROXIES, "croze", replace(PROXIES["croze"], revision=99))
    assert numerics.revision(numerics.serves()) != numerics.REVISION
    assert set(before[0]) <= numerics.serves(), "jobs that do not ask for it go on"
    assert not set(before[1]) <= numerics.serves()


def test_a_space_that_is_written_otherwise_changes_the_revision(monkeypatch: pytest.MonkeyPatch) -> None:
    before = set(numerics.needs("darts", ["croze"]))
    monkeypatch.setitem(SPACES, "darts", replace(SPACES["darts"], settings=SPACES["darts"].settings[1:]))
    assert not before <= numerics.serves()


def test_the_revision_is_short_and_does_not_depend_on_the_order() -> None:
    assert numerics.revision(["a", "b"]) == numerics.revision(["b", "a"]) != numerics.revision(["a", "c"])
    assert len(numerics.REVISION) == 8


def test_tags_are_words_and_tell_spaces_from_proxies() -> None:
    """They are kept as words of a line, and one table may not hide what the other says."""
    assert not {tag for tag in numerics.SERVES if len(tag.split()) != 1}
    names = [*SPACES, *PROXIES, *numerics.FEATURES, "task"]
    assert len(set(names)) == len(names)


def test_what_is_not_there_has_no_needs() -> None:
    with pytest.raises(UnknownSpace):
        numerics.needs("nowhere", [])
    with pytest.raises(UnknownProxy):
        numerics.needs("darts", ["nothing"])


def test_the_format_of_tasks_is_the_one_that_is_numbered() -> None:
    """A field was added? If a worker that knows nothing of it computes something else, raise `TASK_FORMAT`."""
    known = {1: {"space", "architecture", "settings", "proxies", "batch", "seed", "precision", "layers"}}
    assert {field.name for field in fields(ScoringTask)} == known[numerics.TASK_FORMAT]
