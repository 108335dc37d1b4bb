from __future__ import annotations

from statistics import harmonic_mean, mean

import numpy as np
import pytest

from proxy.evaluation import InvalidRequest
from proxy.evaluation.ranks import Floats
from proxy.evaluation.targets import GROUPS, make_target, make_targets, needed, suggested

CORRUPTIONS = [each for group in GROUPS.values() for each in group]


def corrupted(*, by_severity: bool) -> dict[str, Floats]:
    """Two architectures; every column holds other numbers."""
    parts = [f"{each}_s{s}" for each in CORRUPTIONS for s in range(1, 6)] if by_severity else CORRUPTIONS
    return {name: np.array([number, 2.0 * number]) for number, name in enumerate(parts)}


def test_there_are_15_corruptions() -> None:
    assert len(CORRUPTIONS) == len(set(CORRUPTIONS)) == 15


@pytest.mark.parametrize("by_severity", [False, True])
@pytest.mark.parametrize("name", [*GROUPS, "corruptions"])
def test_groups_are_means_of_means(name: str, by_severity: bool) -> None:
    columns = corrupted(by_severity=by_severity)
    members = GROUPS.get(name, CORRUPTIONS)
    of_members = [
        mean(float(columns[part][0]) for part in ([f"{each}_s{s}" for s in range(1, 6)] if by_severity else [each]))
        for each in members
    ]
    assert make_target(columns, name).values.tolist() == pytest.approx([mean(of_members), 2 * mean(of_members)])


def test_a_group_without_a_member_is_refused() -> None:
    columns = corrupted(by_severity=True)
    del columns["fog_s3"]
    with pytest.raises(InvalidRequest, match="no column of fog"):
        make_target(columns, "weather")
    assert make_target(columns, "noise").name == "noise"
    assert "weather" not in suggested(columns)
    assert "corruptions" not in suggested(columns)


def test_harmonic_robustness_score() -> None:
    columns = {
        "clean": np.array([90.0, 50.0, 0.0, 80.0]),
        "pgd": np.array([30.0, 50.0, 0.0, np.nan]),
        "test": np.array([60.0, 10.0, 10.0, 10.0]),
    }
    found = make_target(columns, "hrs:pgd").values
    assert found[:3].tolist() == pytest.approx([harmonic_mean([90, 30]), 50.0, 0.0])
    assert np.isnan(found[3])
    assert make_target(columns, "hrs:test,pgd").values[0] == pytest.approx(harmonic_mean([60, 30]))
    noisy = {**columns, **{name: column[[0, 0, 0, 0]] for name, column in corrupted(by_severity=False).items()}}
    expected = harmonic_mean([90, float(make_target(noisy, "noise").values[0])])
    assert make_target(noisy, "hrs:noise").values[0] == pytest.approx(expected)


@pytest.mark.parametrize("name", ["hrs:", "hrs:hrs:pgd", "hrs:clean,", "hrs:nothing", "nothing", "", "hrs:a,b,c"])
def test_targets_that_are_none(name: str) -> None:
    columns = {"clean": np.ones(2), "pgd": np.ones(2)}
    with pytest.raises(InvalidRequest):
        make_target(columns, name)
    with pytest.raises(InvalidRequest):
        needed(columns, [name])


def test_columns_that_targets_need() -> None:
    names = ["clean", "pgd", *corrupted(by_severity=True)]
    assert needed(names, ["hrs:pgd", "clean"]) == ["clean", "pgd"]
    assert needed(names, ["noise"]) == [f"{each}_s{s}" for each in GROUPS["noise"] for s in range(1, 6)]
    assert needed(["noise"], ["noise"]) == ["noise"]


def test_suggested_targets() -> None:
    attacks = [f"{attack}@Linf_eps{eps}" for attack in ("fgsm", "aa_square") for eps in ("0.5", "1", "8")]
    columns = {name: np.ones(2) for name in ("clean", *attacks, *corrupted(by_severity=True), "fog")}
    names = ["clean", "fgsm@Linf_eps1", "aa_square@Linf_eps1", "fog", *GROUPS, "corruptions", "hrs:fgsm@Linf_eps1"]
    assert suggested(columns) == names
    assert [target.name for target in make_targets(columns)] == names
    assert suggested({"fgsm": np.ones(2)}) == ["fgsm"]
