"""`croze score --dedupe isomorphic`: here, and into a file that is gone on with."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from app.cli.architectures_file import Entry
from app.cli.errors import UsageError
from app.cli.output import Csv
from app.cli.remote_scoring import MAX_JOB, RemoteScoring
from app.cli.scoring_request import ScoringOptions, check_request
from proxy.spaces.nasbench201.index import equivalence_classes, official_cells
from tests.app.cli.conftest import Croze
from tests.app.cli.test_output import item
from workers.records import Dedupe

TINY = ("--channels", "2", "--cells", "1", "--proxy", "croze", "--proxy", "params")
#: Two cells that are equal as functions and not as networks, and another one.
FIRST, SECOND = next(
    (name, index)
    for index, name in enumerate(equivalence_classes())
    if name != index and official_cells()[index].effective != official_cells()[name].effective
)
OTHER = next(index for index, name in enumerate(equivalence_classes()) if name != equivalence_classes()[FIRST])
ASKED = (f"index:{SECOND}", f"index:{OTHER}", f"index:{FIRST}", f"index:{SECOND}")


def request(dedupe: Dedupe, *indexes: int, **changes: Any) -> Any:
    options = ScoringOptions(
        **{"settings": {}, "precision": "float32", "batch": "cifar10:train[0:8]", "dedupe": dedupe, **changes}
    )
    return check_request([Entry(f"f:{index}", index, "nats_tss_index") for index in indexes], options)


def values(items: list[dict[str, Any]]) -> list[float]:
    return [each["scores"]["croze"]["value"] for each in items]


def test_the_first_of_a_class_is_the_one_that_is_scored() -> None:
    assert list(request("isomorphic", SECOND, OTHER, FIRST, SECOND).firsts) == [0, 1, 0, 0]
    assert list(request("identical", SECOND, OTHER, FIRST, SECOND).firsts) == [0, 1, 2, 3]


def test_one_score_for_a_class_here_and_in_a_file_that_was_cut_off(croze: Croze, tmp_path: Path) -> None:
    file = tmp_path / "scores.jsonl"
    done = croze("score", *ASKED, *TINY, "--dedupe", "isomorphic", "-o", str(file))
    assert done.exit_code == 0, done.err
    items = [json.loads(line) for line in file.read_text().splitlines()]

    first, other, *same = values(items)
    assert same == [first, first] != [other, other]
    # Proxy params counts what was scored, the item what was sent.
    assert [each["scores"]["params"]["value"] for each in items[2:]] == [items[0]["params"]] * 2
    assert [each["representative"]["index"] for each in items] == [0, 1, 0, 0]
    assert {each["representative"]["architecture"] for each in items[2:]} == {official_cells()[SECOND].canonical}
    assert [each["facts"]["nasbench201_index"] for each in items] == [SECOND, OTHER, FIRST, SECOND]
    assert [each["architecture"] for each in items] == [
        official_cells()[index].canonical for index in (SECOND, OTHER, FIRST, SECOND)
    ]

    # The others of a class go on with the score of its first.
    file.write_text("".join(json.dumps(items[index]) + "\n" for index in (0, 1)))
    again = croze("score", *ASKED, *TINY, "--dedupe", "isomorphic", "-o", str(file))
    assert again.exit_code == 0, again.err
    gone_on = [json.loads(line) for line in file.read_text().splitlines()]
    assert values(gone_on) == values(items)
    assert [each["representative"] for each in gone_on] == [each["representative"] for each in items]

    mixed = croze("score", *ASKED, *TINY, "-o", str(file))
    assert mixed.exit_code == 2
    assert "dedupe: isomorphic in the file, identical now" in mixed.err


@pytest.mark.parametrize("dedupe", ["identical", "isomorphic"])
def test_csv_has_a_column_for_whose_score_it_is_where_that_can_be_anothers(dedupe: Dedupe) -> None:
    stream = io.StringIO()
    output = Csv(request(dedupe, SECOND, FIRST), stream)
    representative = {"index": 0, "architecture": official_cells()[SECOND].canonical}
    for index in (0, 1):
        output.write(item(index, 1.5, representative=representative if dedupe == "isomorphic" else None))
    rows = list(csv.DictReader(io.StringIO(stream.getvalue())))
    assert [row.get("representative") for row in rows] == (["0", "0"] if dedupe == "isomorphic" else [None, None])
    assert [row["error"] for row in rows] == ["", ""]


def test_a_class_is_not_split_over_jobs() -> None:
    many = request("isomorphic", *([FIRST] * (MAX_JOB + 1)))
    with pytest.raises(UsageError, match="are 2 jobs, and --dedupe isomorphic looks at one"):
        next(RemoteScoring(many, "http://127.0.0.1:1")._jobs())


def test_layers_are_an_architectures_own() -> None:
    with pytest.raises(UsageError, match="exclude each other"):
        request("isomorphic", FIRST, layers=True)
