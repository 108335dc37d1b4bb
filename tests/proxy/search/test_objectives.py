"""What a search wants, as people write it."""

from __future__ import annotations

import pytest

from proxy.aggregates import AGGREGATES, log_rank
from proxy.search.errors import InvalidSearch
from proxy.search.objectives import points_of, proxies_of, read_objectives


@pytest.mark.parametrize(
    ("text", "signs"),
    [
        ("croze", [("croze", 1.0)]),
        ("croze,macs", [("croze", 1.0), ("macs", -1.0)]),
        (" croze , params ", [("croze", 1.0), ("params", -1.0)]),
        ("params:max", [("params", 1.0)]),
        ("croze:min", [("croze", -1.0)]),
        ("croze:paper", [("croze:paper", 1.0)]),
        ("croze:paper:max,macs:min", [("croze:paper", 1.0), ("macs", -1.0)]),
        ("robust,macs", [("robust", 1.0), ("macs", -1.0)]),
        ("croze+jacob_cov", [("croze+jacob_cov", 1.0)]),
    ],
)
def test_signs(text: str, signs: list[tuple[str, float]]) -> None:
    objectives = read_objectives(text)
    assert [(each.name, each.sign) for each in objectives] == signs
    assert read_objectives(",".join(each.text for each in objectives)) == objectives


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("crose", r"objective 'crose' does not exist; did you mean 'croze'\? allowed: .*robust, or proxies with \+"),
        ("", "objective '' does not exist"),
        ("croze,", "objective '' does not exist"),
        ("croze,croze", "objective 'croze' is named twice"),
        ("croze,croze:min", "objective 'croze' is named twice"),
        ("croze:up", "objective 'croze:up' does not exist"),
        ("croze+nothing", r"objective 'croze\+nothing': proxy 'nothing' does not exist"),
        ("croze+croze", r"objective 'croze\+croze': 'croze' is named more than once"),
        (":max", "objective ':max' does not exist"),
    ],
)
def test_what_does_not_exist_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidSearch, match=message) as raised:
        read_objectives(text)
    assert raised.value.code == "invalid_search"


def test_proxies_are_named_once() -> None:
    assert proxies_of(read_objectives("croze,robust,macs")) == ("croze", "jacob_cov", "macs")
    assert AGGREGATES["robust"].proxies == ("croze", "jacob_cov")


def test_points_are_higher_for_the_better() -> None:
    scored = [{"croze": 3.0, "macs": 100.0}, {"croze": 2.0, "macs": 50.0}]
    assert points_of(read_objectives("croze,macs"), scored) == [(3.0, -100.0), (2.0, -50.0)]


def test_aggregates_are_ranked_among_all() -> None:
    scored = [{"croze": croze, "jacob_cov": jacob} for croze, jacob in ((1.0, 5.0), (2.0, 7.0), (3.0, 6.0))]
    points = points_of(read_objectives("robust"), scored)
    assert points == [(log_rank([(1, 3), (1, 3)]),), (log_rank([(2, 3), (3, 3)]),), (log_rank([(3, 3), (2, 3)]),)]


def test_nothing_scored_has_no_points() -> None:
    assert points_of(read_objectives("croze,robust"), []) == []
