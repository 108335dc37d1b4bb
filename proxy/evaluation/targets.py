"""Targets: columns of a table of accuracies, and what is made of them. Torch-free.

    noise, blur, weather, digital   mean over the group's corruptions of the mean over severities
    corruptions                     mean over all 15 corruptions of the mean over severities
    hrs:R, hrs:C,R                  harmonic robustness score: 2 C R / (C + R) of a clean accuracy C and a robust one R

Corruptions and their groups: Hendrycks, Dietterich: Benchmarking Neural Network Robustness to Common Corruptions and
Perturbations (ICLR 2019). The harmonic robustness score: Devaguptapu et al.: On Adversarial Robustness: A Neural
Architecture Search Perspective (ICCV Workshops 2021), as the CRoZe paper (arXiv:2306.05031) uses it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from proxy.errors import allowed_names, shown
from proxy.evaluation.errors import InvalidRequest
from proxy.evaluation.ranks import Columns, Floats

GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "noise": ("gaussian_noise", "shot_noise", "impulse_noise"),
    "blur": ("defocus_blur", "glass_blur", "motion_blur", "zoom_blur"),
    "weather": ("snow", "frost", "fog", "brightness"),
    "digital": ("contrast", "elastic_transform", "pixelate", "jpeg_compression"),
}
ALL_CORRUPTIONS: Final = "corruptions"
#: Column of the accuracy on images as they are, for the harmonic robustness score.
CLEAN: Final = "clean"
HRS: Final = "hrs:"
#: The definition of a target that is not made of others.
COLUMN: Final = "a column of the table"

#: Columns of one attack at several strengths: "fgsm@Linf_eps0.5".
_STRENGTH: Final = re.compile(r"(.+)_eps([\d.]+)")
#: The strength, of 255, at which attacks on nets without adversarial training spread the most.
_TELLING_STRENGTH: Final = "1"
#: Attacks whose harmonic robustness score is a target unless targets are named.
_SCORED_ATTACKS: Final = ("fgsm", "pgd")


@dataclass(frozen=True, slots=True)
class Target:
    """What a score should predict."""

    name: str
    definition: str
    values: Floats
    """In percent, NaN where a column that it is made of has none. Shape [n]."""


def make_targets(columns: Columns, names: Sequence[str] = ()) -> list[Target]:
    """The targets of these names; without names, those that a table suggests (`suggested`).

    Raises:
        InvalidRequest: the table has neither the column nor all that the target is made of.
    """
    return [make_target(columns, name) for name in dict.fromkeys(names or suggested(columns))]


def make_target(columns: Columns, name: str) -> Target:
    """One target.

    Raises:
        InvalidRequest: as above.
    """
    if name in columns:
        return Target(name, COLUMN, columns[name])
    if name.startswith(HRS):
        clean, robust = _of_hrs(name)
        return _harmonic(name, make_target(columns, clean), make_target(columns, robust))
    needed(columns, [name])
    members = _members(name)
    values = np.mean([np.mean([columns[part] for part in _parts(columns, each)], axis=0) for each in members], axis=0)
    return Target(name, f"mean over {', '.join(members)} of the mean over severities", values)


def needed(available: Collection[str], names: Sequence[str]) -> list[str]:
    """The columns, of those that are available, that these targets are made of.

    Raises:
        InvalidRequest: one of the targets cannot be made of them.
    """
    found: list[str] = []
    for name in names:
        if name in available:
            found.append(name)
        elif name.startswith(HRS):
            found += needed(available, _of_hrs(name))
        elif _members(name):
            missing = _missing(available, _members(name))
            if missing:
                raise InvalidRequest(
                    f"target {name!r} is the mean of {', '.join(_members(name))}, and there is no column of "
                    f"{', '.join(missing)}; a corruption has the column {missing[0]}, or {missing[0]}_s1 to _s5"
                )
            found += [part for each in _members(name) for part in _parts(available, each)]
        else:
            groups = [group for group, members in GROUPS.items() if not _missing(available, members)]
            repair = allowed_names(name, [*available, *groups, f"{HRS}COLUMN"])
            raise InvalidRequest(f"there is no target {shown(name)}; {repair}")
    return list(dict.fromkeys(found))


def suggested(columns: Collection[str]) -> list[str]:
    """The targets of a table unless some are named.

    Every column, but of an attack at several strengths only 1/255, and of corruptions only the groups and the mean of
    all; and the harmonic robustness score of FGSM and PGD, if there is a column `clean`.
    """
    strengths = _strengths(columns)
    dull = {name for of in strengths.values() for strength, name in of.items() if strength != _telling(of)}
    groups = [group for group, members in GROUPS.items() if not _missing(columns, members)]
    parts = {part for group in groups for member in GROUPS[group] for part in _parts(columns, member)}
    names = [name for name in columns if name not in dull | parts]
    attacks = [name for name in names if name.startswith(_SCORED_ATTACKS)] if CLEAN in columns else []
    every = [ALL_CORRUPTIONS] if len(groups) == len(GROUPS) else []
    return [*names, *groups, *every, *(f"{HRS}{attack}" for attack in attacks)]


def _members(name: str) -> tuple[str, ...]:
    """The corruptions that a target is the mean of; none if it is no such target."""
    if name == ALL_CORRUPTIONS:
        return tuple(each for group in GROUPS.values() for each in group)
    return GROUPS.get(name, ())


def _of_hrs(name: str) -> tuple[str, str]:
    """Names of the clean and the robust accuracy in "hrs:R" or "hrs:C,R"."""
    clean, _, robust = name.removeprefix(HRS).rpartition(",")
    if robust.startswith(HRS) or clean.startswith(HRS) or not robust:
        raise InvalidRequest(f"target {shown(name)}: write {HRS}ROBUST or {HRS}CLEAN,ROBUST with names of columns")
    return clean or CLEAN, robust


def _harmonic(name: str, clean: Target, robust: Target) -> Target:
    c, r = clean.values, robust.values
    total = c + r
    values = np.divide(2 * c * r, total, out=np.where(total == 0, 0.0, np.nan), where=total > 0)
    return Target(name, f"harmonic mean of {clean.name} and {robust.name}", values)


def _parts(columns: Collection[str], corruption: str) -> list[str]:
    """The columns of a corruption: one a severity, all five of them, or one in all."""
    by_severity = [f"{corruption}_s{severity}" for severity in range(1, 6)]
    return (
        by_severity
        if all(each in columns for each in by_severity)
        else [each for each in (corruption,) if each in columns]
    )


def _missing(columns: Collection[str], members: Sequence[str]) -> list[str]:
    return [member for member in members if not _parts(columns, member)]


def _strengths(columns: Iterable[str]) -> dict[str, dict[str, str]]:
    """Attack -> strength -> column, of attacks at several strengths."""
    found: dict[str, dict[str, str]] = {}
    for name in columns:
        match = _STRENGTH.fullmatch(name)
        if match:
            found.setdefault(match[1], {})[match[2]] = name
    return {attack: of for attack, of in found.items() if len(of) > 1}


def _telling(strengths: Mapping[str, str]) -> str:
    return _TELLING_STRENGTH if _TELLING_STRENGTH in strengths else next(iter(strengths))
