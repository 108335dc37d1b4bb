"""Batches over HTTP: what there is, uploads, and what a job's `batch` names."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from app.catalog.schemas import BatchList, UploadedBatchView, UploadQuery
from app.deps import SettingsDep, StoreDep
from app.errors import UnsupportedMediaType
from app.jobs.views import timestamp
from app.json_body import JsonResponse, JsonRoute
from app.problems import STORE_CODES, problems
from proxy.data import list_batches, load_batch, read_npz
from proxy.errors import UnknownBatch, shown
from proxy.json_types import JsonObject

if TYPE_CHECKING:
    from proxy.data.spec import Batch
    from workers.store import Store

UPLOAD_TYPES: Final = ("application/octet-stream", "application/x-npz", "application/zip")
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")

router = APIRouter(prefix="/v1/batches", tags=["catalog"], route_class=JsonRoute)


@router.get("", response_model=BatchList, summary="All batches", responses=problems(*STORE_CODES))
def list_all(store: StoreDep, settings: SettingsDep) -> Response:
    """Sources that are built in, with an example name each and what is missing on this machine; and uploads."""
    sources: list[Any] = [asdict(info) for info in list_batches(settings.data_dir)]
    uploaded: list[Any] = [_uploaded(record) for record in store.batches.listed()]
    return JsonResponse({"sources": sources, "uploaded": uploaded})


async def _read_body(request: Request) -> bytes:
    given = request.headers.get("content-type", UPLOAD_TYPES[0])
    if given.partition(";")[0].strip().lower() not in UPLOAD_TYPES:
        raise UnsupportedMediaType(
            f"Content-Type {shown(given)} is not taken; send the .npz file itself with "
            f"-H 'Content-Type: {UPLOAD_TYPES[0]}'; allowed: {', '.join(UPLOAD_TYPES)}"
        )
    return await request.body()


_BINARY_BODY: Final = {
    "requestBody": {
        "required": True,
        "content": {media_type: {"schema": {"type": "string", "format": "binary"}} for media_type in UPLOAD_TYPES},
    }
}


@router.post(
    "",
    status_code=201,
    response_model=UploadedBatchView,
    summary="Upload a batch",
    openapi_extra=_BINARY_BODY,
    responses=problems(
        "body_too_large", "unsupported_media_type", "invalid_request", "invalid_batch", "store_full", *STORE_CODES
    ),
)
async def upload(
    query: Annotated[UploadQuery, Query()], content: Annotated[bytes, Depends(_read_body)], store: StoreDep
) -> Response:
    """Takes an .npz file with the arrays `images` (uint8 N,H,W,3 or float N,3,H,W), `labels` (N), and perhaps `mean`
    and `std` (3). Jobs name it by the digest in the answer. The same file again is the same batch."""
    answer = await run_in_threadpool(_store_upload, store, content, query.name)
    return JsonResponse(answer, 201)


def resolve_batch(store: Store, name: str, data_dir: Path | None) -> Batch:
    """The batch that a job names: built in by name, or kept in the store by digest.

    Raises:
        UnknownBatch: no such name, not on this machine, or no longer kept.
        InvalidBatch: an archive in `data_dir` is not what its authors published.
    """
    if not name.startswith("sha256:"):
        return load_batch(name, data_dir=data_dir)
    if not _DIGEST.fullmatch(name):
        raise UnknownBatch(f"batch {shown(name, 90)} is no digest; allowed: sha256: and 64 hexadecimal digits")
    batch = store.batches.get(name)
    if batch is None:
        raise UnknownBatch(f"batch {shown(name, 90)} is not kept here (any more); upload it with POST /v1/batches")
    return batch


def _store_upload(store: Store, content: bytes, name: str) -> JsonObject:
    batch = read_npz(content, name=name)
    store.batches.put(batch)
    record = next(each for each in store.batches.listed() if each.digest == batch.digest)
    return _uploaded(record)


def _uploaded(record: Any) -> JsonObject:
    return {
        "name": record.name,
        "digest": record.digest,
        "size": record.size,
        "image": asdict(record.image),
        "classes": record.classes,
        "expires_at": timestamp(record.expires_at),
    }
