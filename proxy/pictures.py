"""What all pictures share. They need matplotlib (the extra `evaluate`), imported on use. Torch-free.

The same numbers give the same picture. Colours are those of Okabe and Ito, told apart by colour-blind people too.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLUE, VERMILION, GREEN, ORANGE, PURPLE, GREY = "#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#7F7F7F"
INK: Final = "#333333"
STYLE: Final[dict[str, Any]] = {
    "font.size": 9,
    "axes.edgecolor": "#999999",
    "axes.labelcolor": INK,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "croze",  # else element ids are random
}
_DPI: Final = 130


def can_draw() -> bool:
    """Whether matplotlib is installed."""
    return find_spec("matplotlib") is not None


def save(figure: Figure, stem: Path) -> Path:
    """Write STEM.png and STEM.svg.

    Returns:
        The path of the first.

    Raises:
        OSError: a file cannot be written.
    """
    path = stem.with_name(f"{stem.name}.png")
    figure.savefig(path, dpi=_DPI, metadata={"Software": None})
    figure.set_layout_engine("none")  # it is laid out now; that takes longer than drawing
    figure.savefig(stem.with_name(f"{stem.name}.svg"), dpi=_DPI, metadata={"Date": None, "Creator": None})
    return path


def as_it_is(name: str) -> str:
    """A name that is no formula, whatever it holds."""
    return name.replace("$", r"\$")
