"""The command `croze`. Torch-free: it drives engine processes and HTTP."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from app.cli import bench, demo, doctor, evaluate, genotypes, keys, score, search, up, workers
from app.cli.errors import CommandError
from app.cli.terminal import show_error, stdout

app = typer.Typer(
    name="croze",
    help="Score neural architectures for accuracy and robustness before training.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        stdout().print(f"croze {version('croze')}")
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


app.command(epilog=up.EXAMPLES)(up.up)
app.command(epilog=score.EXAMPLES)(score.score)
app.command(name="search", epilog=search.EXAMPLES)(search.search_command)
app.command(epilog=genotypes.VALIDATE_EXAMPLES)(genotypes.validate)
app.command(epilog=genotypes.CONVERT_EXAMPLES)(genotypes.convert)
app.command(name="evaluate", epilog=evaluate.EXAMPLES)(evaluate.evaluate_command)
app.command(epilog=demo.EXAMPLES)(demo.demo)
app.command(epilog=workers.EXAMPLES)(workers.workers)
app.add_typer(keys.app, name="keys")
app.command(epilog=bench.EXAMPLES)(bench.bench)
app.command(epilog=doctor.EXAMPLES)(doctor.doctor)


def main() -> None:
    """Entry point of the console script."""
    try:
        app()
    except CommandError as error:
        show_error(error)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
