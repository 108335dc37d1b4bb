from __future__ import annotations

from typing import Any

import pytest

from app.cli.architectures_file import Entry, Unreadable
from app.cli.errors import UsageError
from app.cli.scoring_request import ScoringOptions, check_request

CELL = "|none~0|+|none~0|none~1|+|none~0|nor_conv_3x3~1|avg_pool_3x3~2|"
DARTS = "Genotype(normal=[('skip_connect', 0), ('skip_connect', 1)], normal_concat=[2], " \
    "reduce=[('skip_connect', 0), ('skip_connect', 1)], reduce_concat=[2])"  # fmt: skip


def options(**changes: Any) -> ScoringOptions:
    return ScoringOptions(**{"settings": {}, "precision": "float64", "batch": "cifar10:train[0:8]", **changes})


def refusal(entries: list[Entry | Unreadable], given: ScoringOptions) -> UsageError:
    with pytest.raises(UsageError) as caught:
        check_request(entries, given)
    return caught.value


@pytest.mark.parametrize(
    ("entry", "space"),
    [
        (Entry("a", CELL), "nasbench201"),
        (Entry("a", 12, "nats_tss_index"), "nasbench201"),
        (Entry("a", DARTS), "darts"),
    ],
)
def test_the_space_is_seen_from_the_value_or_its_format(entry: Entry, space: str) -> None:
    assert check_request([entry], options()).space.name == space


def test_every_bad_line_is_listed_and_nothing_else_is_done() -> None:
    entries: list[Entry | Unreadable] = [
        Entry("f:1", CELL),
        Entry("f:2", CELL.replace("none", "nine")),
        Unreadable("f:5", "no JSON"),
    ]
    entries.append(Entry("f:9", 15_625, "nats_tss_index"))
    error = refusal(entries, options())
    assert error.message == "3 architectures are not valid; nothing was scored"
    assert [line.split(": ")[0] for line in error.details] == ["f:2", "f:5", "f:9"]
    assert "nine" in error.details[0]
    assert "15625" in error.details[2]


def test_a_value_that_fits_no_space_asks_for_one() -> None:
    (line,) = refusal([Entry("f:1", "nonsense")], options()).details
    assert line == "f:1: 'nonsense' fits no space by itself; check it, or name the space (nasbench201, darts)"


def test_a_value_that_could_be_several_things_comes_with_all_of_them() -> None:
    (line,) = refusal([Entry("f:1", [4, 0, 3, 1, 4, 3])], options()).details
    assert "as naslib_nb201 it is" in line
    assert "as nb201_spec it is" in line


def test_two_spaces_in_one_run_are_refused_by_name() -> None:
    (line,) = refusal([Entry("f:1", CELL), Entry("f:2", DARTS)], options()).details
    assert line.startswith('f:2: "Genotype(')
    assert line.endswith("is of space 'darts', the request is of 'nasbench201'; send each space by itself")


def test_settings_are_named_as_options() -> None:
    error = refusal([Entry("f:1", CELL)], options(settings={"channels": 0, "layers": 8}))
    assert error.message == "these settings do not fit space nasbench201"
    assert any("'layers' is no setting" in line for line in error.details)
    assert any(line.startswith("--channels: 0 is out of range") for line in error.details)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"proxies": ("crose",)}, "did you mean 'croze'"),
        ({"proxies": ("croze", "croze")}, "named twice"),
        ({"precision": "float8"}, "allowed: float64"),
        ({"space": "nasbench202"}, "did you mean 'nasbench201'"),
        ({"batch": "missing.npz"}, "missing.npz does not exist"),
    ],
)
def test_wrong_options_are_named_with_what_is_allowed(changes: dict[str, Any], said: str) -> None:
    assert said in refusal([Entry("f:1", CELL)], options(**changes)).message


def test_an_empty_input_says_how_to_give_one() -> None:
    assert "-f" in refusal([], options()).message


def test_per_layer_tables_are_for_a_hundred_architectures() -> None:
    entries: list[Entry | Unreadable] = [Entry("f", CELL)] * 101
    assert "at most 100" in refusal(entries, options(layers=True)).message
    assert len(check_request(entries[:100], options(layers=True)).entries) == 100
