"""Published numbers of a few cells.

`index`: NAS-Bench-201 (Dong & Yang, ICLR 2020). `equivalence_class`: meta data of Jung, Lukasik, Keuper: Neural
Architecture Design and Robustness (ICLR 2023). `params`, `flops` (millions, CIFAR-10, channels 16, 5 cells a stage):
NAS-Bench-Suite-Zero (Krishnakumar et al., NeurIPS 2022), which has no numbers for some cells.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Final

ROWS: Final[list[dict[str, str]]] = list(
    csv.DictReader(Path(__file__).with_name("published.csv").read_text().splitlines())
)
