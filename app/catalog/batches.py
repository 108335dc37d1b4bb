"""Batches over HTTP: what there is, and uploads."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from app.answers import JsonResponse, timestamp
from app.auth import CallerDep
from app.catalog.schemas import BatchList, UploadedBatchView, UploadQuery
from app.catalog.service import keep_upload, list_uploads
from app.deps import SettingsDep, StoreDep
from app.errors import UnsupportedMediaType
from app.json_body import JsonRoute
from app.problems import STORE_CODES, problems
from proxy.data import list_batches
from proxy.errors import shown
from proxy.json_types import JsonObject

if TYPE_CHECKING:
    from workers.records import StoredBatch

UPLOAD_TYPES: Final = ("application/octet-stream", "application/x-npz", "application/zip")

router = APIRouter(prefix="/v1/batches", tags=["catalog"], route_class=JsonRoute)


@router.get("", response_model=BatchList, summary="All batches", responses=problems(*STORE_CODES))
def list_all(store: StoreDep, settings: SettingsDep) -> Response:
    """Sources that are built in, with an example name each and what is missing on this machine; and uploads."""
    sources: list[Any] = [asdict(info) for info in list_batches(settings.data_dir)]
    uploaded: list[Any] = [_uploaded(record) for record in list_uploads(store)]
    return JsonResponse({"sources": sources, "uploaded": uploaded})


async def _read_body(request: Request) -> bytes:
    # A browser may send a body without a type, or as a form, to any site without asking. It asks before it sends
    # these types, and is not answered: so no page can fill the store of a service on localhost.
    given = request.headers.get("content-type", "")
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
        "body_too_large",
        "unsupported_media_type",
        "invalid_request",
        "invalid_batch",
        "quota_exceeded",
        "store_full",
        *STORE_CODES,
    ),
)
async def upload(
    query: Annotated[UploadQuery, Query()],
    content: Annotated[bytes, Depends(_read_body)],
    store: StoreDep,
    settings: SettingsDep,
    caller: CallerDep,
) -> Response:
    """Takes an .npz file with the arrays `images` (uint8 N,H,W,3 or float N,3,H,W), `labels` (N), and perhaps `mean`
    and `std` (3). Jobs name it by the digest in the answer. The same file again is the same batch."""
    record = await run_in_threadpool(
        keep_upload, store, content, query.name, owner=caller.name, most=settings.max_batches_per_key
    )
    return JsonResponse(_uploaded(record), 201)


def _uploaded(record: StoredBatch) -> JsonObject:
    return {
        "name": record.name,
        "digest": record.digest,
        "size": record.size,
        "image": asdict(record.image),
        "classes": record.classes,
        "expires_at": timestamp(record.expires_at),
    }
