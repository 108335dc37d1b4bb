"""A request for scores, checked against all that can be known before anything is queued."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from app.catalog.service import resolve_batch
from app.errors import InvalidJson, InvalidRequest
from app.jobs.parsing import Frame, located
from app.jobs.schemas import MAX_LAYER_ITEMS, MAX_METADATA_BYTES, MAX_METADATA_DEPTH, SubmitRequest
from app.validation import brief
from proxy.data import check_labels
from proxy.errors import Fault, InvalidBatch
from proxy.precision import check_precision
from proxy.proxies import get_proxy
from proxy.spaces import get_space

if TYPE_CHECKING:
    from app.settings import Settings
    from proxy.data.spec import Batch
    from proxy.spaces._base import Space
    from workers.store import Store


def check_request(request: SubmitRequest, store: Store, settings: Settings) -> tuple[Frame, Batch]:
    """What the architectures of the request are to be read with, and the batch that they are to be scored on.

    Raises:
        ProxyError: the request names or holds something that cannot be scored.
        InvalidRequest: the space does not know which architectures are isomorphic.
        StoreError: Redis is away.
    """
    with located("space"):
        space = get_space(request.space)
    if request.dedupe == "isomorphic" and space.isomorphism is None:
        fault = Fault("dedupe", f"space {space.name!r} knows no classes", "allowed: identical")
        raise InvalidRequest.of(fault)
    for position, name in enumerate(request.proxies):
        with located(f"proxies[{position}]"):
            get_proxy(name)
    with located("precision"):
        check_precision(request.precision)
    with located("batch"):
        batch = resolve_batch(store, request.batch, settings.data_dir)
        _check_image(space, batch)
    complete = space.complete_settings(request.settings, batch.classes)
    with located("settings.classes"):
        check_labels(batch, complete["classes"])
    frame = Frame(
        space=space,
        settings=complete,
        dedupe=request.dedupe,
        image=batch.image,
        images=batch.size,
        memory_limit=settings.memory_limit,
    )
    return frame, batch


def check_fields(request: SubmitRequest) -> None:
    """What the fields' own types do not say.

    Raises:
        InvalidRequest: the fields do not fit each other.
    """
    faults = []
    repeated = sorted({name for name in request.proxies if request.proxies.count(name) > 1})
    if repeated:
        names = ", ".join(map(repr, repeated))
        faults.append(Fault("proxies", f"{names} is named more than once", "name each proxy once"))
    if request.seeds is not None:
        faults += _seed_faults(request, request.seeds)
    if request.layers and len(request.architectures) > MAX_LAYER_ITEMS:
        problem = f"true with {len(request.architectures)} architectures"
        repair = f"allowed: at most {MAX_LAYER_ITEMS} architectures with layers; split the job, or leave layers out"
        faults.append(Fault("layers", problem, repair))
    if request.layers and request.dedupe == "isomorphic":
        repair = "leave one of them out: names of layers are an architecture's own"
        faults.append(Fault("layers", "true with dedupe isomorphic", repair))
    if not _is_small_json(request.metadata):
        problem = f"{brief(request.metadata)} is not allowed"
        repair = (
            f"allowed: at most {MAX_METADATA_BYTES} bytes of JSON in UTF-8, at most {MAX_METADATA_DEPTH} levels deep, "
            "all numbers finite"
        )
        faults.append(Fault("metadata", problem, repair))
    if faults:
        raise InvalidRequest.of(*faults)


def _seed_faults(request: SubmitRequest, seeds: list[int]) -> Iterator[Fault]:
    if "seed" in request.model_fields_set:
        yield Fault("seeds", f"is there beside seed {request.seed}", "leave seed out, or seeds")
    repeated = sorted({seed for seed in seeds if seeds.count(seed) > 1})
    if repeated:
        yield Fault("seeds", f"{', '.join(map(str, repeated))} is named more than once", "name each seed once")
    if request.layers and len(seeds) > 1:
        yield Fault(
            "layers", f"true with {len(seeds)} seeds", "ask for a table of layers with one seed, or leave it out"
        )


def fingerprint(request: SubmitRequest) -> str:
    """A digest of all that is asked for: the same for the same request, however it is written. What is left at its
    default does not count, so that a field that a later release adds changes nothing.

    Raises:
        InvalidJson: the request is nested to the parser's limit.
    """
    try:
        # Not model_dump: that would copy 20,000 genotypes first.
        asked = {name: getattr(request, name) for name in request.model_fields_set}
        fields = {name: value for name, value in asked.items() if value != _default(name)}
        text = json.dumps(fields, sort_keys=True, default=_plain)
    except RecursionError:
        raise InvalidJson("the JSON is nested too deep; no architecture or setting needs more than 10 levels") from None
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(model: BaseModel) -> dict[str, Any]:
    return model.model_dump(exclude_defaults=True)


def _default(name: str) -> object:
    return SubmitRequest.model_fields[name].get_default(call_default_factory=True, validated_data={})


def _is_small_json(value: dict[str, Any]) -> bool:
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
        size = len(text.encode())
    except (ValueError, RecursionError):
        # 1e999, which is read as infinity; a lone surrogate; or lists in lists up to the parser's limit.
        return False
    return size <= MAX_METADATA_BYTES and _depth(text) <= MAX_METADATA_DEPTH


def _depth(text: str) -> int:
    """Levels of nesting; brackets within strings count too, which only errs on the safe side."""
    depth = deepest = 0
    for character in text:
        depth += (character in "[{") - (character in "]}")
        deepest = max(deepest, depth)
    return deepest


def _check_image(space: Space[Any], batch: Batch) -> None:
    image = batch.image
    multiple = space.image_multiple
    if image.channels != 3 or image.height % multiple or image.width % multiple:
        raise InvalidBatch(
            f"images of {image.channels}x{image.height}x{image.width} do not fit space {space.name!r}; "
            f"allowed: 3 channels, height and width a multiple of {multiple}"
        )
