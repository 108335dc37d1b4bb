"""[T] The known answer: the reference gives it, a real engine gives it, and anything else makes an engine sick."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.reference import build_nasbench201, croze_layers
from proxy.spaces.nasbench201.genotype import Cell
from proxy.task import Score, ScoringTask
from tests.workers.fake_engine import FakeEngine, rightly
from workers import known_answer
from workers.engine import Engine
from workers.errors import EngineDied, EngineFailure, EngineOutOfMemory, EngineSick, EngineTimeout, TaskFailed


def test_the_reference_gives_it_too() -> None:
    task = known_answer.task("float64")
    edges = task.architecture.replace("|+|", "|").strip("|").split("|")
    cell = Cell(tuple(edge.split("~")[0] for edge in edges))
    assert cell.canonical == task.architecture
    network = build_nasbench201(cell, task.seed, channels=4, cells=1)
    value = sum(croze_layers(network, known_answer.batch()).values())
    for known in known_answer.KNOWN:
        assert value == pytest.approx(known.value, rel=1e-9, abs=0)


def test_both_precisions_are_asked_for() -> None:
    assert {known.precision for known in known_answer.KNOWN} == {"float64", "float32"}


def test_a_real_engine_gives_it() -> None:
    with Engine() as engine:
        engine.start()
        known_answer.check(engine)
        assert engine.has_batch(known_answer.batch().digest)


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("factor", [1 + 2e-4, 0.0, -1.0, float("nan"), float("inf")])
def test_a_wrong_number_makes_an_engine_sick(precision: str, factor: float) -> None:
    def answer(task: ScoringTask) -> list[Score]:
        (score,) = rightly(task)
        assert score.value is not None
        return [replace(score, value=score.value * factor) if task.precision == precision else score]

    engine = FakeEngine()
    engine.answer_test = answer
    engine.start()
    with pytest.raises(EngineSick, match=f"{precision} is 19585197.*gave ") as caught:
        known_answer.check(engine)
    assert caught.value.code == "engine_sick"


def test_the_last_digits_do_not_matter() -> None:
    engine = FakeEngine()
    engine.answer_test = lambda task: [replace(rightly(task)[0], value=19585197.19708474 * (1 + 1e-12))]
    engine.start()
    known_answer.check(engine)


def test_no_number_makes_an_engine_sick() -> None:
    engine = FakeEngine()
    error = {"code": "non_finite", "message": "the score is not a finite number: nan"}
    engine.answer_test = lambda task: [replace(rightly(task)[0], status="failed", value=None, error=error)]
    engine.start()
    with pytest.raises(EngineSick, match="non_finite"):
        known_answer.check(engine)


@pytest.mark.parametrize(
    "failure",
    [
        EngineDied("SIGSEGV"),
        EngineTimeout("too slow"),
        EngineOutOfMemory("too large"),
        TaskFailed("CUDA error: unspecified launch failure", "internal_error"),
    ],
)
def test_no_answer_makes_an_engine_sick(failure: EngineFailure) -> None:
    def answer(_: ScoringTask) -> list[Score]:
        raise failure

    engine = FakeEngine()
    engine.answer_test = answer
    engine.start()
    with pytest.raises(EngineSick, match=failure.message):
        known_answer.check(engine)
