"""Shapes of what the service knows: spaces, proxies and batches."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from app.answers import View
from app.validation import QueryModel


class SettingView(View):
    """One integer that shapes all networks of a space."""

    name: str
    default: int | None = Field(description="null: the batch's")
    minimum: int
    maximum: int
    meaning: str


class FormatView(View):
    """One written form of a space's genotypes."""

    name: str
    summary: str
    example: Any = Field(description="A genotype in this format: a JSON value")
    self_describing: bool = Field(description="Whether such a value needs no format to be named: it says what it is")
    canonical: bool = Field(description="Whether answers write architectures in this format")


class SpaceView(View):
    """A family of architectures."""

    name: str
    title: str
    paper: str
    size: str
    operations: list[str] = Field(description="What an edge of a cell can be")
    settings: list[SettingView]
    formats: list[FormatView]
    image_multiple: int = Field(description="Height and width of images must be a multiple of this")


class SpaceList(View):
    items: list[SpaceView]


class ProxyView(View):
    """A scoring function."""

    name: str
    title: str
    paper: str
    definition: str
    direction: str
    revision: int = Field(description="Raised whenever any value changes by more than 1e-12")
    components: dict[str, str]
    needs_batch: bool = Field(description="false: the value depends on neither images, seed nor precision")


class ProxyList(View):
    items: list[ProxyView]


class AggregatePreset(View):
    """Ranks of several proxies, combined under a name."""

    name: str
    title: str
    method: str
    proxies: list[str]
    validated_on: list[str] = Field(description="Spaces in which it was held against real accuracies")
    evidence: str = Field(description="Where that is told")


class AggregateList(View):
    items: list[AggregatePreset]


class ImageView(View):
    channels: int
    height: int
    width: int


class BatchSourceView(View):
    """Batches that are built in: any slice of a source can be named."""

    name: str = Field(description="A batch of this source, to copy")
    title: str
    citation: str
    pattern: str = Field(description="How all its batches are named")
    images: int = Field(description="How many images a name can reach on this machine; 0 if files are missing")
    classes: int
    image: ImageView
    repair: str | None = Field(description="What to put where for all its images; null if they are here")


class UploadedBatchView(View):
    """A batch that somebody uploaded."""

    name: str
    digest: str = Field(description="What jobs name it by")
    size: int = Field(description="Images in it")
    image: ImageView
    classes: int
    expires_at: str = Field(description="Kept until then; each job that uses it puts it off")


class BatchList(View):
    sources: list[BatchSourceView]
    uploaded: list[UploadedBatchView]


class UploadQuery(QueryModel):
    """How an upload is called."""

    name: str = Field(min_length=1, max_length=200, description="a name of 1 to 200 printable characters without ':'")
