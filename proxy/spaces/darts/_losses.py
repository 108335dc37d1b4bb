"""What formats of other tools cannot hold of a genotype: most are made for cells of eight pairs and a fixed output."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from proxy.errors import Fault, LossyConversion, shown
from proxy.spaces.darts.genotype import INPUTS, CellGenotype, Genotype


def cells(genotype: Genotype) -> tuple[tuple[str, CellGenotype], ...]:
    """(key, cell) of both cells."""
    return ("normal", genotype.normal), ("reduce", genotype.reduce)


def all_nodes(nodes: int) -> tuple[int, ...]:
    """The output of a cell that formats mean which do not write it: every computed node, in order."""
    return tuple(range(INPUTS, INPUTS + nodes))


def check_fits(
    format_name: str,
    genotype: Genotype,
    *,
    operations: Sequence[str],
    nodes: int | None,
    others: Iterable[Fault] = (),
) -> None:
    """Refuse what a format without a concat cannot hold.

    Args:
        operations: those that it can name.
        nodes: how many a cell of it has; None for any number.
        others: what else would be lost in it.

    Raises:
        LossyConversion: with all that would be lost.
    """
    losses = [
        loss
        for key, cell in cells(genotype)
        for found in (_other_operations(key, cell, operations), _other_shape(key, cell, nodes))
        for loss in found
    ]
    losses += others
    if losses:
        raise LossyConversion.from_losses(format_name, losses)


def _other_operations(key: str, cell: CellGenotype, operations: Sequence[str]) -> Iterator[Fault]:
    for position, (operation, _) in enumerate(cell.pairs):
        if operation not in operations:
            repair = f"it has {', '.join(operations)}"
            yield Fault(f"{key}[{position}]", f"operation {operation!r} would be lost", repair)


def _other_shape(key: str, cell: CellGenotype, nodes: int | None) -> Iterator[Fault]:
    if nodes is not None and cell.nodes != nodes:
        yield Fault(key, f"it has {cell.nodes} nodes", f"the format has {nodes}, of two pairs each")
    meant = all_nodes(cell.nodes)
    if cell.concat != meant:
        problem = f"the output {shown(list(cell.concat))} would be lost"
        yield Fault(f"{key}_concat", problem, f"the format always means {shown(list(meant))}")
