"""Shapes of genotypes that are checked or converted over HTTP."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import Field, StringConstraints

from app.answers import View
from app.jobs.request_examples import DARTS_EXAMPLE, NB201_EXAMPLE
from app.jobs.schemas import MAX_ARCHITECTURES, ErrorView
from app.validation import RequestModel

_Name = Annotated[str, StringConstraints(max_length=200)]

#: Every one is posted against the app by a test.
VALIDATE_EXAMPLES: Final[dict[str, dict[str, Any]]] = {
    "nasbench201": {
        "summary": "Three ways to write one NAS-Bench-201 cell, and one that does not say what it is",
        "value": {
            "space": "nasbench201",
            "architectures": [
                NB201_EXAMPLE,
                {"architecture": [4, 0, 3, 1, 4, 3], "format": "naslib_nb201", "id": "NASLib"},
                {"architecture": "natsbench-tss-2631", "id": "Archai"},
                {"architecture": [4, 0, 3, 1, 4, 3], "id": "whose six integers?"},
            ],
        },
    },
    "darts": {
        "summary": "A DARTS genotype, with the size of its network of 8 layers",
        "value": {"space": "darts", "settings": {"layers": 8}, "architectures": [DARTS_EXAMPLE]},
    },
}
CONVERT_EXAMPLES: Final[dict[str, dict[str, Any]]] = {
    "nasbench201": {
        "summary": "Official indexes as NASLib writes cells",
        "value": {
            "space": "nasbench201",
            "format": "nats_tss_index",
            "to": "naslib_nb201",
            "architectures": [2631, 0, 15624],
        },
    },
    "darts": {
        "summary": "A DARTS genotype as NAS-Bench-301 writes it, which keeps no order of pairs",
        "value": {"space": "darts", "to": "nb301_config", "allow_reordering": True, "architectures": [DARTS_EXAMPLE]},
    },
}


class GenotypesRequest(RequestModel):
    """Genotypes to look at."""

    space: _Name = Field(description="name of a search space, as GET /v1/spaces lists them")
    format: _Name | None = Field(
        None, description="name of the genotypes' format; needed only where a genotype does not show it by itself"
    )
    architectures: list[Any] = Field(
        min_length=1,
        max_length=MAX_ARCHITECTURES,
        description=(
            f"a list of 1 to {MAX_ARCHITECTURES} genotypes, each in a format of the space, or an object "
            "{architecture, format, id} around one"
        ),
    )


class ValidateRequest(GenotypesRequest):
    """Genotypes to check."""

    settings: dict[_Name, Any] = Field(
        default_factory=dict,
        max_length=20,
        description="an object of the space's settings, each an integer, that params and macs are counted at; what is "
        "left out has its default, classes that of the default batch",
    )


class ConvertRequest(GenotypesRequest):
    """Genotypes to write in another format."""

    to: _Name = Field(description="name of a format of the space, as GET /v1/spaces lists them")
    allow_reordering: bool = Field(
        False,
        description="true or false: whether a format that keeps no order may get an architecture in another order, "
        "which is the same function but draws its weights in another order, and so has another score",
    )


class CheckedView(View):
    """What a genotype is."""

    index: int = Field(description="Position in the request, from 0")
    id: str | None
    valid: bool = Field(description="Whether it is an architecture of the space")
    canonical: str | None = Field(description="Canonical form: what jobs call it; null if it is not valid, as the next")
    space: str
    format: str | None = Field(description="The format it was read in")
    connected: bool | None = Field(description="Whether the input reaches the output")
    facts: dict[str, Any] = Field(
        description="What else the space knows of it: of NAS-Bench-201 its official index and equivalence class"
    )


class ValidatedView(CheckedView):
    """What a genotype is, and how large."""

    params: int | None = Field(description="Trainable parameters, with batch norm and without auxiliary head")
    macs: int | None = Field(description="Multiply-accumulates for one image of the default batch")
    error: ErrorView | None = Field(description="Why it is not valid; faults list what is wrong, or all it could be")


class ValidationView(View):
    """Every genotype of a request, in its order."""

    space: str
    settings: dict[str, int] = Field(description="What params and macs were counted at")
    valid: int = Field(description="How many are architectures of the space")
    invalid: int
    items: list[ValidatedView]


class ConvertedView(CheckedView):
    """A genotype in another format."""

    architecture: Any = Field(None, description="The genotype in the format asked for, a JSON value; null if refused")
    reordered: bool = Field(description="Whether it had to be written in another order, as allow_reordering allows")
    error: ErrorView | None = Field(
        description="Why there is none; code lossy_conversion if the format cannot hold it, and faults list what would "
        "be lost"
    )


class ConversionView(View):
    """Every genotype of a request, in its order."""

    space: str
    to: str
    converted: int
    refused: int
    items: list[ConvertedView]
