"""NASLib (branch zerocost): the service in the place of its files of zero-cost scores.

    zc_api = CrozeZcApi(client, "nasbench201", proxies=["croze", "synflow"])
    optimizer = Bananas(config, zc_api)

NASLib asks zc_api[str(arch_hash)][proxy]["score"]. It does not import NASLib, which is on no package index; for its
Pythons (3.7 to 3.9) `croze_client_lite` gives the scores of which such a mapping can be made.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Unpack

from croze_client.client import Client
from croze_client.errors import BadInput
from croze_client.results import ItemResult
from croze_client.submission import Options

#: How NASLib writes the architectures of each space.
FORMATS: Final = {"nasbench201": "naslib_nb201", "darts": "naslib_darts_compact"}


class CrozeZcApi(Mapping[str, Mapping[str, Any]]):
    """A mapping from str(arch_hash) to {proxy: {"score": ..., "time": ...}}.

    Whatever is asked for is scored, one at a time: call `prefetch` with all that will be needed. What has no score has
    NaN, which NASLib's evaluators know. Iterating gives what is known so far.
    """

    def __init__(
        self,
        client: Client,
        naslib_space: str,
        *,
        accuracies: Mapping[str, float] | None = None,
        **options: Unpack[Options],
    ) -> None:
        """
        Args:
            naslib_space: nasbench201 or darts.
            accuracies: what `val_accuracy` is to be, by str(arch_hash), for the parts of NASLib that want it.

        Raises:
            BadInput: the space is another.
        """
        if naslib_space not in FORMATS:
            raise BadInput(f"{naslib_space!r} is no space that can be scored", f"name one of {', '.join(FORMATS)}")
        asked: Options = {**options, "space": naslib_space, "format": FORMATS[naslib_space]}
        self._proxies = asked.get("proxies", ("croze",))
        self._score = client.evaluator(**asked)
        self._accuracies = accuracies or {}
        self._known: dict[str, Mapping[str, Any]] = {}

    def prefetch(self, hashes: Iterable[object]) -> None:
        """Score all of these architectures by one request."""
        names = [name for name in dict.fromkeys(map(str, hashes)) if name not in self._known]
        for name, result in zip(names, self._score(names) if names else (), strict=True):
            self._known[name] = self._entry(name, result)

    def __getitem__(self, name: str) -> Mapping[str, Any]:
        """Raises KeyError if that is no architecture."""
        self.prefetch([name])
        entry = self._known[name]
        if "error" in entry:
            raise KeyError(f"{name}: {entry['error']}")
        return entry

    def __contains__(self, name: object) -> bool:
        """Whether that is an architecture, which is scored if it is."""
        try:
            return isinstance(name, str) and bool(self[name])
        except KeyError:
            return False

    def __iter__(self) -> Iterator[str]:
        return (name for name, entry in self._known.items() if "error" not in entry)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _entry(self, name: str, result: ItemResult) -> Mapping[str, Any]:
        if result.architecture is None:
            return {"error": str(result.error)}
        entry: dict[str, Any] = {proxy: {"score": math.nan, "time": math.nan} for proxy in self._proxies}
        for proxy, score in result.scores.items():
            entry[proxy] = {"score": _or_nan(score.value), "time": _or_nan(score.seconds)}
        if name in self._accuracies:
            entry["val_accuracy"] = self._accuracies[name]
        return entry


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value
