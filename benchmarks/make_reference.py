"""Makes a reference distribution (docs/reference-scores.md) out of the scores of a whole space.

    croze score --space nasbench201 --all -o FILE
    python benchmarks/make_reference.py FILE

Every architecture must be there with a score or an undefined one, which is NaN in the distribution, and all must
depend on the same. Writes NAME.npz and NAME.json.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from proxy.data import load_batch
from proxy.data.spec import DEFAULT_BATCH
from proxy.reference_scores import Conditions
from proxy.spaces import get_space

#: Codes of scores that do not exist, wherever they are computed (`proxy.errors.ScoreUndefined`).
UNDEFINED = ("zero_gradient", "singular_matrix", "non_finite")
FOLDER = Path(__file__).parents[1] / "proxy" / "reference_scores"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--proxy", default="croze", help="the one of the file's proxies to take (%(default)s)")
    parser.add_argument("--into", type=Path, default=FOLDER, metavar="FOLDER", help="where to write (the package)")
    parser.add_argument("--name", help="of the two files (SPACE_PROXY)")
    options = parser.parse_args()
    items = list(read(options.file))
    conditions = common_conditions(items, options.proxy)
    values = in_index_order(items, options.proxy, conditions.space)
    name = options.name or f"{conditions.space}_{options.proxy.replace(':', '_')}"
    np.savez_compressed(options.into / f"{name}.npz", scores=values)
    about = {"conditions": conditions._asdict(), **provenance(items, options.proxy, values)}
    (options.into / f"{name}.json").write_text(json.dumps(about, indent=2) + "\n")
    sys.stdout.write(f"{len(values)} scores in {options.into / name}.npz and .json\n")


def read(file: Path) -> Iterator[dict[str, Any]]:
    """The items of a results file."""
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def common_conditions(items: list[dict[str, Any]], proxy: str) -> Conditions:
    """What all scores depend on. Ends with a message if that is not the same, or if one is missing."""
    found: dict[object, Conditions] = {}
    for item in items:
        score = item["scores"].get(proxy)
        if score is None or not (score["status"] == "scored" or score["error"]["code"] in UNDEFINED):
            sys.exit(f"index {item['index']} has no score by {proxy}: {item['architecture']}")
        conditions = conditions_of(item, score)
        found.setdefault(conditions.key(), conditions)
    if len(found) != 1:
        sys.exit(f"{len(found)} kinds of scores are in the file; a distribution is of one: {list(found.values())}")
    (conditions,) = found.values()
    return conditions


def conditions_of(item: dict[str, Any], score: dict[str, Any]) -> Conditions:
    """What one score depends on."""
    seen = {key: score[key] for key in ("proxy", "revision", "batch", "seed", "precision")}
    return Conditions(space=item["space"], settings=item["settings"], **seen)


def in_index_order(items: list[dict[str, Any]], proxy: str, space: str) -> npt.NDArray[np.float64]:
    """The values of all architectures. Ends with a message unless each is there once."""
    enumerate_space = get_space(space).enumerate
    if enumerate_space is None:
        sys.exit(f"space {space} cannot be listed: it has no distribution of all")
    everything = list(enumerate_space())
    values = {item["architecture"]: item["scores"][proxy]["value"] for item in items}
    missing = [architecture for architecture in everything if architecture not in values]
    if missing or len(items) != len(everything):
        sys.exit(f"{len(items)} items of {len(everything)} architectures; missing: {len(missing)} {missing[:3]}")
    # None becomes NaN.
    return np.array([values[architecture] for architecture in everything], dtype=np.float64)


def provenance(items: list[dict[str, Any]], proxy: str, values: npt.NDArray[np.float64]) -> dict[str, Any]:
    """How the distribution came about."""
    scores = [item["scores"][proxy] for item in items]
    default = load_batch(DEFAULT_BATCH)
    environments = Counter(json.dumps(score["environment"], sort_keys=True) for score in scores)
    return {
        "batch_name": default.name if scores[0]["batch"] == default.digest else None,
        "count": len(values),
        "undefined": int(np.isnan(values).sum()),
        "scores_sha256": hashlib.sha256(values.astype("<f8").tobytes()).hexdigest(),
        "computed_in": Counter(score["computed_in"] for score in scores),
        "environments": [{**json.loads(text), "scores": count} for text, count in sorted(environments.items())],
        "made_on": datetime.now(UTC).date().isoformat(),
        "made_by": f"croze score --space {items[0]['space']} --proxy {proxy} --all -o FILE; "
        f"python benchmarks/make_reference.py FILE --proxy {proxy}",
    }


if __name__ == "__main__":
    main()
