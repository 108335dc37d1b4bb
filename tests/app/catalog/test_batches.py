"""Listing, uploading and naming batches."""

from __future__ import annotations

import io
import pickle
from collections.abc import Mapping
from typing import Any

import httpx
import numpy as np
import pytest
import redis as redis_driver

from app.catalog.schemas import BatchList, UploadedBatchView
from app.settings import Settings
from tests.app.conftest import Serve
from tests.app.driving import job_keys, queued, submit, submitted
from workers.store import Store

IMAGES = np.arange(4 * 8 * 8 * 3, dtype=np.uint8).reshape(4, 8, 8, 3)
LABELS = np.array([0, 1, 2, 2])
BINARY = {"Content-Type": "application/octet-stream"}


def _npz(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **{"images": IMAGES, "labels": LABELS, **arrays})
    return buffer.getvalue()


def _upload(
    api: httpx.Client, content: bytes, name: str = "mine", headers: Mapping[str, str] | None = None
) -> httpx.Response:
    return api.post("/v1/batches", params={"name": name}, content=content, headers={**BINARY, **(headers or {})})


def test_an_upload_is_listed_and_can_be_scored_on(api: httpx.Client) -> None:
    answer = _upload(api, _npz())

    assert answer.status_code == 201
    batch = answer.json()
    UploadedBatchView.model_validate(batch)
    assert (batch["name"], batch["size"], batch["classes"]) == ("mine", 4, 3)
    assert batch["image"] == {"channels": 3, "height": 8, "width": 8}
    job = submitted(api, batch=batch["digest"])
    assert job["batch"] == {"name": batch["digest"], "digest": batch["digest"]}
    assert job["settings"]["classes"] == 3
    listed = api.get("/v1/batches").json()
    BatchList.model_validate(listed)
    assert [each["digest"] for each in listed["uploaded"]] == [batch["digest"]]


def test_the_same_file_again_is_the_same_batch(api: httpx.Client) -> None:
    first, second = _upload(api, _npz()).json(), _upload(api, _npz(), "other name").json()

    assert first["digest"] == second["digest"]
    assert len(api.get("/v1/batches").json()["uploaded"]) == 1


def test_built_in_sources_are_listed_and_their_use_is_no_upload(api: httpx.Client) -> None:
    submitted(api)

    listed = api.get("/v1/batches").json()

    BatchList.model_validate(listed)
    assert listed["uploaded"] == []
    available = [source["name"] for source in listed["sources"] if source["images"]]
    assert "cifar10:train[0:8]" in available
    for name in available:
        assert submit(api, batch=name).status_code == 202


def test_a_name_has_so_many_batches_and_others_have_theirs(
    serve: Serve, store: Store, redis_url: str, redis: redis_driver.Redis
) -> None:
    alice, bob = ({"Authorization": f"Bearer {store.api_keys.add(name, 'user')[1]}"} for name in ("alice", "bob"))
    api = serve(Settings(redis_url=redis_url, max_batches_per_key=2))
    files = [_npz(labels=LABELS + first) for first in range(3)]
    assert [_upload(api, file, headers=alice).status_code for file in files] == [201, 201, 429]
    refused = _upload(api, files[2], headers=alice)
    assert refused.json()["code"] == "quota_exceeded"
    assert "'alice' has 2 uploaded batches" in refused.json()["detail"]
    assert int(refused.headers["Retry-After"]) > 1
    # What is kept already is no new one, and what another has sent is the other's.
    assert _upload(api, files[0], headers=alice).status_code == 201
    assert [_upload(api, file, headers=bob).status_code for file in files] == [201, 201, 201]
    assert _upload(api, files[2], headers=alice).status_code == 201
    assert _upload(api, _npz(labels=LABELS + 3), headers=bob).status_code == 201
    assert len(api.get("/v1/batches", headers=bob).json()["uploaded"]) == 4


class _Harmful:
    def __reduce__(self) -> tuple[Any, ...]:
        return (pytest.fail, ("a pickle was loaded",))


_FLOATS = np.zeros((4, 3, 8, 8), np.float32)

BAD: dict[str, tuple[bytes, list[str]]] = {
    "empty": (b"", ["npz"]),
    "no_zip": (b"nonsense", ["npz"]),
    "nan": (_npz(images=np.where(_FLOATS == 0, np.nan, 1.0)), ["images", "finite"]),
    "wrong_shape": (_npz(images=_FLOATS[:, :2]), ["images", "(4, 2, 8, 8)", "(N, 3, H, W)"]),
    "height_not_a_multiple": (_npz(images=IMAGES[:, :6]), ["height 6", "multiples of 4"]),
    "labels_for_other_images": (_npz(labels=LABELS[:3]), ["3 labels for 4 images"]),
    "label_negative": (_npz(labels=LABELS - 1), ["label"]),
    "label_huge": (_npz(labels=LABELS + 5000), ["label"]),
    "pickled_objects": (_npz(images=np.array([_Harmful()], dtype=object)), ["images"]),
    "bare_pickle": (pickle.dumps(_Harmful()), ["npz"]),
    "unknown_array": (_npz(extra=LABELS), ["extra", "images, labels"]),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_refused(api: httpx.Client, redis: redis_driver.Redis, name: str) -> None:
    content, says = BAD[name]

    answer = _upload(api, content)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_batch"), answer.text
    assert answer.json()["faults"]
    missing = [part for part in says if part not in answer.json()["detail"]]
    assert not missing, f"{missing} not in {answer.json()['detail']}"
    assert redis.keys("croze:*batch*") == []


@pytest.mark.parametrize("name", ["cifar10:train[0:8]", "sha256:x", "a\nb"])
def test_an_upload_cannot_claim_a_built_in_name(api: httpx.Client, name: str) -> None:
    answer = _upload(api, _npz(), name)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_batch")


@pytest.mark.parametrize("query", [{}, {"name": ""}, {"name": "x" * 201}, {"name": "x", "nome": "y"}])
def test_bad_upload_parameters_are_refused(api: httpx.Client, query: dict[str, str]) -> None:
    answer = api.post("/v1/batches", params=query, content=_npz(), headers=BINARY)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


@pytest.mark.parametrize("content_type", [None, "text/plain", "multipart/form-data", "application/json"])
def test_types_that_a_web_page_may_send_unasked_are_refused(api: httpx.Client, content_type: str | None) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}

    answer = api.post("/v1/batches", params={"name": "x"}, content=_npz(), headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert "-H 'Content-Type: application/octet-stream'" in answer.json()["detail"]


def test_labels_must_fit_the_classes_asked_for(api: httpx.Client, redis: redis_driver.Redis) -> None:
    digest = _upload(api, _npz()).json()["digest"]

    answer = submit(api, batch=digest, settings={"classes": 2})

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_batch")
    assert "2" in answer.json()["detail"]
    assert job_keys(redis) == []
    assert queued(redis) == 0
    assert submit(api, batch=digest, settings={"classes": 3}).status_code == 202
