"""Choices become architectures: the service reads each, and they are all different."""

from __future__ import annotations

import random
from typing import Any

import pytest
from croze_client import BadInput, MixedSpaces
from croze_client.encodings import DARTS, NASBENCH201, Encoding
from croze_client.objectives import Objectives
from croze_client.results import read_item

from proxy.spaces import get_space
from tests.client.plans import item


def sample(encoding: Encoding, count: int) -> list[list[int]]:
    chance = random.Random(0)
    return [[chance.randrange(size) for size in encoding.sizes] for _ in range(count)]


@pytest.mark.parametrize("encoding", [NASBENCH201, DARTS], ids=lambda encoding: encoding.space)
def test_every_combination_is_an_architecture_of_the_space(encoding: Encoding) -> None:
    space = get_space(encoding.space)
    chosen = sample(encoding, 200)
    found = {space.parse(encoding.genotype(each)).architecture.canonical for each in chosen}
    assert len(found) == len({tuple(each) for each in chosen})


def test_the_operations_are_those_of_the_service() -> None:
    assert NASBENCH201.variables[0].choices == get_space("nasbench201").operations
    operations = {choice for each in DARTS.variables if "inputs" not in each.name for choice in each.choices}
    assert operations < set(get_space("darts").operations)
    assert "none" not in operations


def test_numbers_names_and_mappings_are_the_same_choice() -> None:
    names = [each.choices[1] for each in NASBENCH201.variables]
    by_name = dict(zip((each.name for each in NASBENCH201.variables), names, strict=True))
    assert NASBENCH201.genotype([1] * 6) == NASBENCH201.genotype(names) == NASBENCH201.genotype(by_name)
    assert NASBENCH201.genotype(by_name) == "|skip_connect~0|+|skip_connect~0|skip_connect~1|+" + (
        "|skip_connect~0|skip_connect~1|skip_connect~2|"
    )


@pytest.mark.parametrize(
    "bad", [[0] * 5, [5] + [0] * 5, [-1] + [0] * 5, [0.5] + [0] * 5, ["conv"] + [0] * 5, {"0_1": 0}]
)
def test_what_is_no_choice_is_refused(bad: Any) -> None:
    with pytest.raises(BadInput, match="choose"):
        NASBENCH201.genotype(bad)


def test_an_encoding_belongs_to_one_space() -> None:
    assert DARTS.options({"seed": 1}) == {"seed": 1, "space": "darts"}
    with pytest.raises(MixedSpaces):
        DARTS.options({"space": "nasbench201"})


def test_objectives_are_values_and_losses() -> None:
    score = {"value": 2.5, "direction": "higher_is_better"}
    good = read_item(item(0) | {"scores": {"croze": score}, "params": 7, "macs": 9})
    bad = read_item(item(0) | {"scores": {"croze": score | {"value": None}}, "params": 7, "macs": 9})
    wanted = Objectives.of(["croze", "macs"])
    assert (wanted.values(good), wanted.losses(good, 1e9)) == ([2.5, 9.0], [-2.5, 9.0])
    assert (wanted.values(bad), wanted.losses(bad, 1e9)) == (None, [1e9, 1e9])
    assert wanted.options({"seed": 1}) == {"seed": 1, "proxies": ["croze"]}
    assert Objectives.of(["macs"]).options({}) == {"proxies": ["params"]}
    for names in ([], ["croze", "croze"]):
        with pytest.raises(BadInput):
            Objectives.of(names)
