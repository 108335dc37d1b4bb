"""The names of built-in batches."""

from __future__ import annotations

import pytest

from proxy.data.names import BatchName, SyntheticOptions, check_given_name, parse_name, parse_synthetic
from proxy.errors import InvalidBatch, UnknownBatch


def test_a_name_is_taken_apart_and_put_together_again() -> None:
    name = parse_name("imagenet16-120:train[16:24]")
    assert name == BatchName("imagenet16-120:train", 16, 24)
    assert name.size == 8
    assert str(name) == "imagenet16-120:train[16:24]"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "cifar10",
        "cifar10:train",
        "cifar10[0:8]",
        "cifar10:train[0:8",
        "cifar10:train[0:8] ",
        "cifar10:train[0:8]\n",
        "cifar10:train[:8]",
        "cifar10:train[-8:8]",
        "cifar10:train[0:08]",
        "cifar10:train[0:٨]",
        "cifar10:train[0:8][0:8]",
        "cifar10:train[0:99999999999]",
        "../../etc/passwd:x[0",
        "x" * 100_000,
    ],
)
def test_other_forms_are_refused_with_an_example(name: str) -> None:
    with pytest.raises(UnknownBatch, match=r"e\.g\. cifar10:train\[0:8\]") as caught:
        parse_name(name)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("name", ["cifar10:train[8:8]", "cifar10:train[8:0]", "cifar10:train[0:1025]"])
def test_a_name_asks_for_1_to_1024_images(name: str) -> None:
    with pytest.raises(UnknownBatch, match="allowed: 1 to 1024"):
        parse_name(name)


@pytest.mark.parametrize(
    ("part", "options", "canonical"),
    [
        ("seed=0", SyntheticOptions(), "seed=0"),
        ("classes=100", SyntheticOptions(classes=100), "seed=0,classes=100"),
        ("size=32,classes=10,seed=7", SyntheticOptions(seed=7), "seed=7"),
        ("size=16,seed=4294967295", SyntheticOptions(seed=2**32 - 1, size=16), "seed=4294967295,size=16"),
    ],
)
def test_synthetic_options_have_one_spelling(part: str, options: SyntheticOptions, canonical: str) -> None:
    assert parse_synthetic(parse_name(f"synthetic:{part}[0:8]")) == options
    assert str(options) == canonical


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("synthetic:[0:8]", "allowed: seed=S,classes=K,size=PIXELS"),
        ("synthetic:seed[0:8]", "an option 'seed' that is unknown"),
        ("synthetic:sede=1[0:8]", "an option 'sede=1' that is unknown"),
        ("synthetic:seed=1,seed=2[0:8]", "given twice"),
        ("synthetic:seed=-1[0:8]", "unreadable"),
        ("synthetic:seed=4294967296[0:8]", "allowed: 0 to 4294967295"),
        ("synthetic:classes=1[0:8]", "classes=1 is out of range; allowed: 2 to 1000"),
        ("synthetic:classes=1001[0:8]", "classes=1001 is out of range"),
        ("synthetic:size=0[0:8]", "size=0 is out of range; allowed: multiples of 4 from 4 to 256"),
        ("synthetic:size=30[0:8]", "size=30 is out of range"),
        ("synthetic:size=260[0:8]", "size=260 is out of range"),
        ("synthetic:seed=0[1000000:1000001]", "allowed: up to 1000000"),
        ("synthetic:size=256[0:86]", "allowed: up to 85 at that size"),
    ],
)
def test_synthetic_options_out_of_range(name: str, problem: str) -> None:
    with pytest.raises(UnknownBatch) as caught:
        parse_synthetic(parse_name(name))
    assert problem in str(caught.value)


def test_a_user_may_call_a_batch_almost_anything() -> None:
    for name in ("mine.npz", "a folder/my batch (2).npz", "雪"):
        assert check_given_name(name) == name


@pytest.mark.parametrize("name", ["", "cifar10:train[0:8]", "sha256:00", "a\nb", "\0", "x" * 201])
def test_a_user_cannot_take_a_built_in_name(name: str) -> None:
    with pytest.raises(InvalidBatch, match="allowed: 1 to 200 printable characters without ':'"):
        check_given_name(name)
