"""Options that `croze score` and `croze search` share: what each is called and says, once."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

from app.cli.errors import UsageError
from proxy.precision import PRECISIONS

Local: TypeAlias = Annotated[
    bool, typer.Option("--local", help="Score on this machine, an engine a core (the default).")
]
Url: TypeAlias = Annotated[str | None, typer.Option(metavar="URL", help="Let the service at this address score.")]
Precision: TypeAlias = Annotated[str, typer.Option(metavar="PRECISION", help=", ".join(PRECISIONS))]
Images: TypeAlias = Annotated[
    str, typer.Option(metavar="NAME|FILE.npz", help="The images: a batch's name, or a file with images and labels.")
]
Channels: TypeAlias = Annotated[int | None, typer.Option(help="Channels of the first stage.")]
Cells: TypeAlias = Annotated[int | None, typer.Option(help="nasbench201: cells per stage.")]
Layers: TypeAlias = Annotated[int | None, typer.Option(help="darts: number of cells.")]
Classes: TypeAlias = Annotated[int | None, typer.Option(help="Classes; the batch's if not given.")]


def check_place(url: str | None, *, local: bool) -> None:
    """Scores are computed either here or at a service.

    Raises:
        UsageError: both were asked for.
    """
    if local and url is not None:
        raise UsageError("--local and --url exclude each other")


def settings_given(channels: int | None, cells: int | None, layers: int | None, classes: int | None) -> dict[str, int]:
    """Those that were; the space and the batch fill in the rest."""
    settings = {"channels": channels, "cells": cells, "layers": layers, "classes": classes}
    return {name: value for name, value in settings.items() if value is not None}
