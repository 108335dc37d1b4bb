"""The mapping that NASLib is given: str(arch_hash) -> proxy -> score, as its code asks for it."""

from __future__ import annotations

import math

import pytest
from croze_client import BadInput, Client
from croze_client.adapters.naslib import FORMATS, CrozeZcApi

from proxy.spaces import get_space
from tests.client.conftest import working
from workers.store import Store

#: What `get_hash` of NASLib's NAS-Bench-201 gives for cell 2631.
HASH = (4, 0, 3, 1, 4, 3)


@pytest.mark.usefixtures("worker")
def test_it_answers_as_naslib_asks(url: str) -> None:
    with Client(url, api_key="") as client:
        zc_api = CrozeZcApi(client, "nasbench201", proxies=["croze", "params"], accuracies={str(HASH): 91.5})
        zc_api.prefetch([HASH, (0, 0, 0, 0, 0, 0)])
        assert len(zc_api) == 2
        assert list(zc_api.keys()) == [str(HASH), "(0, 0, 0, 0, 0, 0)"]
        assert str(HASH) in zc_api
        entry = zc_api[str(HASH)]
        assert (entry["croze"]["score"], entry["val_accuracy"]) == (1.5, 91.5)
        assert entry["croze"]["time"] >= 0
        (same,) = client.score(["index:2631"], space="nasbench201", proxies=["croze", "params"])
        assert zc_api["(0, 0, 0, 0, 0, 0)"]["croze"]["score"] == 2.5
        assert same.architecture == get_space("nasbench201").parse(HASH, "naslib_nb201").architecture.canonical


def test_what_is_asked_for_is_scored_and_what_is_no_architecture_is_not_there(url: str, store: Store) -> None:
    with Client(url, api_key="") as client, working(store):
        zc_api = CrozeZcApi(client, "nasbench201")
        assert zc_api["(1, 1, 1, 1, 1, 1)"]["croze"]["score"] == 1.5
        assert "(9, 9)" not in zc_api
        with pytest.raises(KeyError, match="9, 9"):
            zc_api["(9, 9)"]
        assert len(zc_api) == 1
        with pytest.raises(BadInput, match="nasbench101"):
            CrozeZcApi(client, "nasbench101")


def test_what_has_no_score_is_nan(url: str, store: Store) -> None:
    with Client(url, api_key="") as client, working(store, failing=lambda _: True):
        entry = CrozeZcApi(client, "nasbench201")[str(HASH)]
    assert math.isnan(entry["croze"]["score"])


def test_formats_are_those_of_the_service_and_hashes_are_text() -> None:
    for name, tag in FORMATS.items():
        space = get_space(name)
        example = space.formats[tag].example
        as_tuple = str(example).replace("[", "(").replace("]", ")")
        assert space.parse(as_tuple, tag).architecture == space.parse(example, tag).architecture
