"""New architectures: none twice, and none above the limit of parameters. Torch-free."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any, Final, NamedTuple

from proxy.search.errors import NothingAllowed
from proxy.spaces._base import Counts, ImageShape, Sampler, Settings, Space
from proxy.spaces._sampling import pick

#: Draws after which a search gives up on finding something new.
DRAWS: Final = 10_000
#: Draws after which it lists what is left instead, where everything is known.
DRAWS_BEFORE_LIST: Final = 1_000
#: Moves that are tried from a parent before they are made two at a time, then three at a time, ...
TRIES: Final = 100
MAX_MOVES: Final = 6


class Found(NamedTuple):
    """A new architecture."""

    architecture: Any
    counts: Counts
    moves: int
    """How many moves it is away from its parent; 0: it was drawn."""


class Proposer:
    """Finds architectures that were not found before."""

    def __init__(
        self,
        space: Space[Any],
        sampler: Sampler[Any],
        settings: Settings,
        image: ImageShape,
        max_params: int | None,
        rng: Random,
    ) -> None:
        """
        Args:
            max_params: parameters that an architecture may have, of the network that people train, at these settings.
        """
        self._space, self._sampler = space, sampler
        self._settings, self._image = settings, image
        self._max_params = max_params
        self._rng = rng
        self._found: set[str] = set()
        self._refused: set[str] = set()
        self._left: list[Any] | None = None
        """What may be left, once that was listed."""
        self._fewest: int | None = None

    def draw(self) -> Found | None:
        """An architecture that was not found before; None if there are no more.

        Raises:
            NothingAllowed: not one was found so far that has few enough parameters.
        """
        everything = self._sampler.everything
        if self._left is None:
            for _ in range(DRAWS if everything is None else DRAWS_BEFORE_LIST):
                if (found := self._take(self._sampler.draw(self._rng), 0)) is not None:
                    return found
        if everything is not None:
            return self._draw_of_all(everything())
        if not self._found:
            raise self._nothing_allowed(f"of {DRAWS:,} that were drawn")
        return None

    def change(self, parent: Any) -> Found | None:
        """One that is as few moves away from `parent` as possible, drawn if there is none near.

        Raises:
            NothingAllowed: as for `draw`.
        """
        for moves in range(1, MAX_MOVES + 1):
            for _ in range(TRIES):
                changed = parent
                for _ in range(moves):
                    changed = self._sampler.move(changed, self._rng)
                if (found := self._take(changed, moves)) is not None:
                    return found
        return self.draw()

    def _draw_of_all(self, everything: Sequence[Any]) -> Found | None:
        """One of those that are left, by looking at all."""
        self._left = [
            each
            for each in (everything if self._left is None else self._left)
            if each.canonical not in self._found and (self._left is not None or self._is_allowed(each))
        ]
        if self._left:
            return self._take(pick(self._rng, self._left), 0)
        if not self._found:
            raise self._nothing_allowed(f"of all {len(everything):,}")
        return None

    def _take(self, architecture: Any, moves: int) -> Found | None:
        """It, now found; None if it was before, or has too many parameters."""
        if architecture.canonical in self._found or not self._is_allowed(architecture):
            return None
        self._found.add(architecture.canonical)
        return Found(architecture, self._counts(architecture), moves)

    def _is_allowed(self, architecture: Any) -> bool:
        if architecture.canonical in self._refused:
            return False
        params = self._counts(architecture).params
        self._fewest = params if self._fewest is None else min(params, self._fewest)
        if self._max_params is None or params <= self._max_params:
            return True
        self._refused.add(architecture.canonical)
        return False

    def _counts(self, architecture: Any) -> Counts:
        counts: Counts = self._space.counts(architecture, self._settings, self._image)
        return counts

    def _nothing_allowed(self, looked_at: str) -> NothingAllowed:
        text = ", ".join(f"{name} {value}" for name, value in self._settings.items())
        return NothingAllowed(
            f"no architecture has at most {self._max_params:,} parameters: {looked_at}, the smallest has "
            f"{self._fewest:,} ({self._space.name}, {text}); allow more, or use smaller settings"
        )
