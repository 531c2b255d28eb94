"""A drawing as plain data, so that a demo is a pure function of its state: the same scene becomes SVG or PNG.

Lengths are pixels, x runs to the right and y downwards. Nothing here knows of widgets or of a notebook.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from io import BytesIO
from typing import Literal

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

__all__ = ["Curve", "Item", "Line", "Rect", "Scene", "Text"]

Anchor = Literal["start", "middle", "end"]
_Dash = Literal["-", "--"]

PER_INCH = 96  # pixels of a page
POINT = 72 / PER_INCH  # points in a pixel
LEAST = 0.85  # of a scene's width: in a narrower page it scrolls, for its text would be too small to read
FONT = "DejaVu Sans, Verdana, sans-serif"  # the first is what matplotlib brings along

INK = "#222222"
_ALIGN = {"start": "left", "middle": "center", "end": "right"}


@dataclass(frozen=True)
class Rect:
    """A rectangle with its upper left corner at (x, y)."""

    x: float
    y: float
    width: float
    height: float
    fill: str = "none"
    stroke: str = INK
    line: float = 1.0
    dashes: bool = False
    css: str = ""

    def svg(self) -> str:
        return (
            f'<rect{_class(self.css)} x="{self.x:g}" y="{self.y:g}" width="{self.width:g}" height="{self.height:g}" '
            f'fill="{self.fill}" stroke="{self.stroke}" stroke-width="{self.line:g}"{_dashed(self.dashes)}/>'
        )

    def draw(self, axes: Axes, depth: int) -> None:
        dash: _Dash = "--" if self.dashes else "-"
        corner, line = (self.x, self.y), self.line * POINT
        axes.add_patch(
            Rectangle(corner, self.width, self.height, fc=self.fill, ec=self.stroke, lw=line, ls=dash, zorder=depth)
        )


@dataclass(frozen=True)
class Line:
    """A straight line."""

    x1: float
    y1: float
    x2: float
    y2: float
    stroke: str = INK
    line: float = 1.0
    dashes: bool = False
    css: str = ""

    def svg(self) -> str:
        return (
            f'<line{_class(self.css)} x1="{self.x1:g}" y1="{self.y1:g}" x2="{self.x2:g}" y2="{self.y2:g}" '
            f'stroke="{self.stroke}" stroke-width="{self.line:g}"{_dashed(self.dashes)}/>'
        )

    def draw(self, axes: Axes, depth: int) -> None:
        dash: _Dash = "--" if self.dashes else "-"
        ends = [self.x1, self.x2], [self.y1, self.y2]
        axes.add_line(Line2D(*ends, color=self.stroke, lw=self.line * POINT, ls=dash, zorder=depth))


@dataclass(frozen=True)
class Text:
    """One line of text; (x, y) is the middle of its height, and its left end, middle or right end."""

    x: float
    y: float
    text: str
    size: float = 15.0
    colour: str = INK
    anchor: Anchor = "middle"
    bold: bool = False
    css: str = ""

    def svg(self) -> str:
        weight = ' font-weight="bold"' if self.bold else ""
        return (
            f'<text{_class(self.css)} x="{self.x:g}" y="{self.y:g}" font-size="{self.size:g}" fill="{self.colour}" '
            f'text-anchor="{self.anchor}"{weight} dominant-baseline="central">{escape(self.text)}</text>'
        )

    def draw(self, axes: Axes, depth: int) -> None:
        axes.text(
            self.x, self.y, self.text, fontsize=self.size * POINT, color=self.colour, ha=_ALIGN[self.anchor],
            va="center", fontweight="bold" if self.bold else "normal", parse_math=False, zorder=depth,
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Curve:
    """Straight lines from point to point, in one piece or several.

    Attributes:
        pieces: each (n, 2), pixels.
        dash: lengths of strokes and gaps in line widths; () is a solid line.
        closed: whether each piece returns to its first point.
    """

    pieces: Sequence[npt.NDArray[np.float64]]
    stroke: str = INK
    line: float = 1.0
    dash: tuple[float, ...] = ()
    fill: str = "none"
    closed: bool = False
    css: str = ""

    @cached_property
    def outline(self) -> str:
        """The points in the language of SVG, written once for a curve that stays in the picture."""
        end = "Z" if self.closed else ""
        return "".join("M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in piece.tolist()) + end for piece in self.pieces)

    def svg(self) -> str:
        dash = f' stroke-dasharray="{" ".join(f"{n * self.line:g}" for n in self.dash)}"' if self.dash else ""
        return (
            f'<path{_class(self.css)} d="{self.outline}" fill="{self.fill}" stroke="{self.stroke}" '
            f'stroke-width="{self.line:g}"{dash}/>'
        )

    def draw(self, axes: Axes, depth: int) -> None:
        style = (0, self.dash) if self.dash else "-"
        for piece in self.pieces:
            path = Path([*piece, piece[0]], closed=True) if self.closed else Path(piece)
            axes.add_patch(PathPatch(path, fc=self.fill, ec=self.stroke, lw=self.line * POINT, ls=style, zorder=depth))


Item = Rect | Line | Text | Curve


@dataclass(frozen=True)
class Scene:
    """A picture: its size, what it shows in words, its parts from back to front.

    Attributes:
        label: read out instead of the picture; it tells the state, not only the subject.
        data: attributes `data-…` of the SVG, by which a page or a test finds the state.

    >>> scene = Scene(40, 20, "one cell with a 3", (Rect(0, 0, 20, 20), Text(10, 10, "3", css="sum")), {"demo": "one"})
    >>> print(scene.svg()[:60])
    <svg xmlns="http://www.w3.org/2000/svg" role="img" data-demo
    >>> scene.png()[:4]
    b'\\x89PNG'
    """

    width: float
    height: float
    label: str
    items: tuple[Item, ...]
    data: Mapping[str, str] = field(default_factory=dict)

    def svg(self) -> str:
        """The scene as one SVG element, to be put into a page as it is."""
        data = "".join(f' data-{name}="{escape(value)}"' for name, value in self.data.items())
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img"{data} aria-label="{escape(self.label)}" '
            f'viewBox="0 0 {self.width:g} {self.height:g}" width="{self.width:g}" font-family="{FONT}" '
            f'style="min-width: {LEAST * self.width:g}px; max-width: 100%; height: auto; background: white">'
            f"{''.join(item.svg() for item in self.items)}</svg>"
        )

    def figure(self) -> Figure:
        """The scene as a matplotlib figure, an inch for 96 pixels."""
        figure = Figure(figsize=(self.width / PER_INCH, self.height / PER_INCH), dpi=PER_INCH, facecolor="white")
        FigureCanvasAgg(figure)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.set_xlim(0, self.width)
        axes.set_ylim(self.height, 0)
        for depth, item in enumerate(self.items):
            item.draw(axes, depth)
        return figure

    def png(self, *, scale: float = 2.0) -> bytes:
        """The scene as a PNG file with `scale` pixels for each of its own."""
        buffer = BytesIO()
        self.figure().savefig(buffer, format="png", dpi=PER_INCH * scale, metadata={"Software": None})
        return buffer.getvalue()


def _class(css: str) -> str:
    return f' class="{escape(css)}"' if css else ""


def _dashed(dashes: bool) -> str:
    return ' stroke-dasharray="4 3"' if dashes else ""
