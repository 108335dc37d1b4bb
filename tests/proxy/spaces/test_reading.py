"""Values of spaces that are not scored, and of other spaces, are called by their names.

Provenance of the values: NATS-Bench (size space), nasbench's README and NASLib's flat form of it, TransNASBench's
README, once-for-all, proxylessnas, ZenNAS, AutoFormer.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.errors import AmbiguousFormat, InvalidArchitecture, UnknownFormat, UnsupportedSpace
from proxy.spaces import SPACES
from proxy.spaces._base import Space
from proxy.spaces._foreign import FOREIGN
from proxy.spaces.reading import read, space_of
from tests.proxy.spaces.contracts import HOSTILE
from tests.proxy.spaces.test_any_value import JSON, every_space

NASBENCH201, DARTS = SPACES["nasbench201"], SPACES["darts"]
MATRIX = [
    [0, 1, 1, 1, 0, 1, 0],
    [0, 0, 0, 0, 0, 0, 1],
    [0, 0, 0, 0, 0, 0, 1],
    [0, 0, 0, 0, 1, 0, 0],
    [0, 0, 0, 0, 0, 0, 1],
    [0, 0, 0, 0, 0, 0, 1],
    [0, 0, 0, 0, 0, 0, 0],
]
CONV_1X1, CONV_3X3, POOL = "conv1x1-bn-relu", "conv3x3-bn-relu", "maxpool3x3"
OPS = ["input", CONV_1X1, CONV_3X3, CONV_3X3, CONV_3X3, POOL, "output"]
FLAT = [*(cell for row in MATRIX for cell in row), 0, 3, 4, 4, 4, 2, 1]
VALUES: dict[str, list[Any]] = {
    "nats_sss": ["8:8:8:16:40", "64:64:64:64:64"],
    "nb101": [
        {"matrix": MATRIX, "ops": OPS},
        {"module_adjacency": MATRIX, "module_operations": OPS},
        [MATRIX, OPS],
        FLAT,
        repr(tuple(FLAT)),
        "28cfc7874f6d200472e1a9dcd8650aa0",
    ],
    "tnb101": ["64-41414-1_02_333", "64-1234-basic"],
    "ofa_mbv3": [{"ks": [3] * 20, "e": [6] * 20, "d": [4] * 5, "image_size": 224}],
    "ofa_resnet": [{"d": [2] * 5, "e": [0.25] * 18, "w": [1] * 6, "image_size": 224}],
    "proxyless_net_config": [
        {
            "name": "ProxylessNASNets",
            "bn": {},
            "first_conv": {},
            "blocks": [],
            "feature_mix_layer": {},
            "classifier": {},
        }
    ],
    "plainnet": ["SuperConvK3BNRELU(3,88,1,1)SuperResK1K7K1(88,120,1,16,1)SuperConvK1BNRELU(112,512,1,1)"],
    "autoformer": [{"mlp_ratio": [4] * 12, "num_heads": [3] * 12, "embed_dim": [192] * 12, "layer_num": 12}],
}


@every_space
@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in VALUES.items() for value in values])
def test_genotypes_of_spaces_that_are_not_scored(space: Space[Any], name: str, value: Any) -> None:
    for tag in (None, name):
        with pytest.raises(UnsupportedSpace) as raised:
            read(space, value, tag)
        assert raised.value.code == "unsupported_for_proxy"
        assert FOREIGN[name].space in raised.value.message
        assert all(supported in raised.value.message for each in SPACES.values() for supported in each.formats)
    for tag in (None, name):
        with pytest.raises(UnsupportedSpace):
            space_of(value, tag)


def test_every_foreign_format_has_values_here() -> None:
    assert VALUES.keys() == FOREIGN.keys()
    assert not FOREIGN.keys() & {name for space in SPACES.values() for name in space.formats}


def test_no_example_of_ours_is_taken_for_a_foreign_one() -> None:
    for space in SPACES.values():
        for form in space.formats.values():
            for value in (form.example, json.loads(json.dumps(form.example))):
                assert not [foreign.name for foreign in FOREIGN.values() if foreign.recognises(value)], form.name


@pytest.mark.parametrize(("index", "widths"), [(0, "8:8:8:8:8"), (12, "8:8:8:16:40"), (32_767, "64:64:64:64:64")])
def test_a_bare_number_may_also_be_of_the_size_space(index: int, widths: str) -> None:
    readings = [form.reading(value) for value in (index, str(index)) for form in FOREIGN.values()]
    assert [reading for reading in readings if reading] == [widths, widths]


def test_a_bare_number_comes_with_all_that_it_could_be() -> None:
    with pytest.raises(AmbiguousFormat) as raised:
        read(NASBENCH201, 12)
    ours, theirs = raised.value.faults
    cell = "|none~0|+|none~0|none~1|+|none~0|nor_conv_3x3~1|avg_pool_3x3~2|"
    assert ours.problem == f"as nats_tss_index it is '{cell}', nasbench201_index 12, equivalence_class 12"
    assert theirs.problem == "as nats_sss of NATS-Bench, size space it is 8:8:8:16:40"
    assert (ours.repair, theirs.repair) == ("send 'nats_tss_index'", "no proxy scores that space here")
    assert ours.problem in raised.value.message
    assert theirs.problem in raised.value.message


def test_six_numbers_up_to_three_may_also_be_of_transnasbench() -> None:
    with pytest.raises(AmbiguousFormat) as raised:
        read(NASBENCH201, [1, 0, 2, 3, 3, 3])
    assert "tnb101 of TransNAS-Bench-101 it is a cell like 1_02_333" in raised.value.faults[2].problem


def test_a_number_out_of_our_range_is_no_reading() -> None:
    with pytest.raises(UnknownFormat, match="20000 fits no format by itself") as raised:
        read(NASBENCH201, 20_000)
    assert raised.value.code == "unknown_format"


@pytest.mark.parametrize("value", ["8:8:8:8:9", "8:8:8:8", "64-41414-1_02_33", "64-5-basic", "SuperConv(", {"ks": []}])
def test_what_only_looks_like_a_foreign_genotype_is_not_taken_for_one(value: Any) -> None:
    with pytest.raises(UnknownFormat) as raised:
        read(NASBENCH201, value)
    assert raised.value.code == "unknown_format"


def test_another_space_is_named() -> None:
    with pytest.raises(UnknownFormat, match=r"is of space 'darts', the request is of 'nasbench201'"):
        read(NASBENCH201, DARTS.formats["nni_darts"].example)
    with pytest.raises(
        UnknownFormat, match=r"^format 'nb201_str' is of space 'nasbench201', the request is of 'darts'"
    ):
        read(DARTS, "|none~0|", "nb201_str")
    with pytest.raises(UnknownFormat, match=r"has no format 'nb301_conf'; did you mean 'nb301_config'"):
        read(DARTS, "x", "nb301_conf")


def test_the_space_of_a_value_is_seen_from_it_or_from_its_format() -> None:
    for space in SPACES.values():
        for form in space.formats.values():
            assert space_of(form.example, form.name) is space
            if form.recognises(form.example):
                assert space_of(form.example) is space
    with pytest.raises(UnknownFormat, match="no space has a format 'nb201_string'; did you mean 'nb201_str'"):
        space_of("x", "nb201_string")
    with pytest.raises(UnknownFormat, match="fits no space by itself"):
        space_of("x")
    with pytest.raises(AmbiguousFormat, match="nats_tss_index"):
        space_of(12)


@every_space
@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_values_raise_bounded_errors(space: Space[Any], value: object) -> None:
    for name in (None, *space.formats, *FOREIGN):
        with pytest.raises((InvalidArchitecture, UnknownFormat)) as raised:
            read(space, value, name)
        assert len(str(raised.value)) < 8_000
    with pytest.raises((InvalidArchitecture, UnknownFormat)):
        read(space, value, space_of(value).canonical_format)


NUMBERS = st.recursive(st.integers(-1, 9) | st.booleans(), lambda inner: st.lists(inner, max_size=8), max_leaves=40)
SIX = st.lists(st.integers(-1, 6), min_size=5, max_size=7)


@every_space
@given(value=JSON | NUMBERS | NUMBERS.map(str) | SIX | SIX.map(lambda numbers: str(tuple(numbers))))
@settings(deadline=None, database=None)
def test_any_value_is_read_or_refused_and_never_guessed(space: Space[Any], value: object) -> None:
    try:
        parsed = read(space, value)
    except UnknownFormat as error:
        # Each reading that is listed is one that can be had by its tag.
        for fault in error.faults:
            if fault.repair.startswith("send "):
                assert read(space, value, fault.repair.split("'")[1]).architecture.canonical
    except InvalidArchitecture:
        assert any(form.recognises(value) for form in space.formats.values())
    else:
        assert space.formats[parsed.format].recognises(value)
