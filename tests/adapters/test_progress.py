"""The bar of tqdm, which comes with some of the libraries; that of rich is tried beside the client."""

from __future__ import annotations

import pytest

pytest.importorskip("tqdm")

from croze_client import Client
from croze_client.encodings import NASBENCH201


def test_tqdm_counts_what_is_scored_and_what_has_failed(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    cells = [NASBENCH201.genotype([3] * 6), NASBENCH201.genotype([1] * 6), "nonsense"]
    client.score(cells, space="nasbench201", proxies=["params"], progress=True)
    said = capsys.readouterr()
    assert said.out == ""
    assert "3/3" in said.err
    assert "failed=1" in said.err
