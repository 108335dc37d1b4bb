"""Scores that are remembered, by what they depend on."""

from __future__ import annotations

import re
from typing import Annotated, Final

from fastapi import APIRouter, Path
from starlette.responses import Response

from app.answers import JsonResponse
from app.deps import StoreDep
from app.jobs.refusals import UnknownScore
from app.jobs.schemas import KnownScoreView
from app.json_body import JsonRoute
from app.problems import STORE_CODES, problems
from proxy.errors import shown
from proxy.json_types import JsonObject

router = APIRouter(prefix="/v1/scores", tags=["jobs"], route_class=JsonRoute)

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
#: Enough to show a digest whole.
_SHOWN: Final = 90


@router.get(
    "/{digest}",
    response_model=KnownScoreView,
    summary="A score that is remembered",
    responses=problems("unknown_score", *STORE_CODES),
)
def read_score(
    digest: Annotated[str, Path(description="Of a score, as the items of a job have it")], store: StoreDep
) -> Response:
    """Whatever job it was computed for, and whether or not that is still kept. To ask for it is to use it: a score is
    forgotten some time after its last use. Who knows a digest knows all that the score depends on."""
    found = store.scores.known([digest])[0] if _DIGEST.fullmatch(digest) else None
    if found is None:
        raise UnknownScore(
            f"score {shown(digest, _SHOWN)} is not known (any more); use the digest of a score that a job has, or "
            f"submit its architecture to POST /v1/jobs"
        )
    return JsonResponse(_shown(digest, found))


def _shown(digest: str, score: JsonObject) -> JsonObject:
    return {"digest": digest, **{name: value for name, value in score.items() if name != "layers"}}
