"""What a release can score, in words that another release understands. Torch-free.

Two releases may work side by side: while one replaces the other, or on many machines. Whoever takes a job has to score
it as the release would that accepted it. So each job carries its **needs**, tags that name its space and each of its
proxies with what would change if the numbers did; a release takes a job if it has all of these tags. Torch and the
instruction set are no tags: a score names those itself (`proxy.task.Environment`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

from proxy.proxies import PROXIES, get_proxy
from proxy.spaces import SPACES, get_space

#: Raised whenever an older release would misread what a `proxy.task.ScoringTask` says. A test knows its fields.
TASK_FORMAT: Final = 1

#: What only some jobs ask for, and an older release would not see -> raised whenever it would misread it.
FEATURES: Final = {"seeds": 1, "aggregate": 1}

_TASK: Final = f"task={TASK_FORMAT}"


def needs(space: str, proxies: Iterable[str], features: Iterable[str] = ()) -> tuple[str, ...]:
    """The tags of jobs of that space and those proxies, which ask for those `FEATURES`.

    Raises:
        UnknownSpace, UnknownProxy: this release has none of that name.
    """
    return (_TASK, _of_space(space), *map(_of_proxy, proxies), *map(_of_feature, features))


def serves() -> frozenset[str]:
    """All tags of this release."""
    return frozenset({_TASK, *map(_of_space, SPACES), *map(_of_proxy, PROXIES), *map(_of_feature, FEATURES)})


def revision(tags: Iterable[str]) -> str:
    """The numerics revision of a release with these tags: eight hexadecimal digits."""
    return hashlib.sha256(" ".join(sorted(tags)).encode()).hexdigest()[:8]


def _of_space(name: str) -> str:
    """How its architectures and settings are written. A network that changes raises the revisions of proxies."""
    space = get_space(name)
    return f"{name}={'/'.join((space.canonical_format, *(setting.name for setting in space.settings)))}"


def _of_proxy(name: str) -> str:
    return f"{name}={get_proxy(name).revision}"


def _of_feature(name: str) -> str:
    return f"{name}={FEATURES[name]}"


#: Of this release. Workers of another one listen to another queue (`workers.keys.QUEUE`).
SERVES: Final = serves()
REVISION: Final = revision(SERVES)
