"""The scores of several seeds as one: their mean, and how far they lie apart. Torch-free.

docs/seeds.md defines the numbers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from proxy.errors import NonFinite
from proxy.json_types import JsonObject
from proxy.precision import WIDEST_PRECISION

#: Seeds of one request. More tell nothing: the standard error falls with the square root of their number.
MAX_SEEDS: Final = 16


def over_seeds(scores: Mapping[int, JsonObject]) -> JsonObject:
    """One score out of one proxy's scores of one architecture, each `proxy.task.Score` as JSON, by seed.

    Its `value` and `components` are means, and `spread` says what they are means of. If one seed has no value there is
    none, with the error of the first such seed: a mean over the others would be a score that nobody asked for.
    """
    assert len(scores) >= 2, "one seed is no spread"
    seeds = [*scores]
    each: list[Any] = [*scores.values()]
    first = each[0]
    values = [score["value"] for score in each]
    computed = [score for score in each if not score["cached"]]
    merged: dict[str, Any] = {
        **first,
        "seed": None,
        "computed_in": _widest([score["computed_in"] for score in each]),
        "seconds": math.fsum(score["seconds"] for score in computed or each),
        "cached": not computed,
    }
    spread: dict[str, Any] = {
        "seeds": seeds,
        "values": values,
        "std": None,
        "stderr": None,
        "cached": len(each) - len(computed),
    }
    error = _error(scores)
    try:
        if error is None:
            merged |= {"value": mean(values), "components": _components(each)}
            std = deviation(values)
            spread |= {"std": std, "stderr": std / math.sqrt(len(values))}
    except NonFinite as undefined:
        error = {"code": undefined.code, "message": undefined.message}
    if error is not None:
        merged |= {"status": "failed", "value": None, "components": {}}
    return {**merged, "error": error, "spread": spread}


def mean(values: Sequence[Any]) -> float:
    """The mean of finite numbers, whatever their order.

    Raises:
        NonFinite: it is too large for a float.
    """
    try:
        return math.fsum(values) / len(values)
    except OverflowError:
        raise NonFinite("the mean over the seeds is not a finite number") from None


def deviation(values: Sequence[Any]) -> float:
    """The standard deviation of a sample of at least two finite numbers: divided by one less than their number.

    Raises:
        NonFinite: it is too large for a float.
    """
    centre = mean(values)
    differences = [value - centre for value in values]
    # Squares of large scores would leave the range.
    largest: float = max(map(abs, differences))
    if largest == 0:
        return 0.0
    squares = math.fsum((difference / largest) ** 2 for difference in differences)
    std = largest * math.sqrt(squares / (len(values) - 1))
    if not math.isfinite(std):
        raise NonFinite("the standard deviation over the seeds is not a finite number")
    return std


def _components(scores: Sequence[JsonObject]) -> JsonObject:
    parts: Any = [score["components"] for score in scores]
    return {name: mean([part[name] for part in parts]) for name in parts[0]}


def _error(scores: Mapping[int, JsonObject]) -> JsonObject | None:
    """Why there is no mean, and of which seed that is said."""
    for seed, score in scores.items():
        error: Any = score["error"]
        if error is not None:
            return {**error, "message": f"seed {seed}: {error['message']}"}
    return None


def _widest(precisions: Sequence[Any]) -> Any:
    return WIDEST_PRECISION if WIDEST_PRECISION in precisions else precisions[0]
