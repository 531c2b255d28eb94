"""What all figures share: colours that everybody can tell apart, sizes that survive, and the way into a notebook."""

import base64
import html
from io import BytesIO

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

__all__ = [
    "BLACK", "BLUE", "GREEN", "GREY", "INK", "ORANGE", "PURPLE", "SKY", "TEXT", "TITLE", "VERMILLION", "YELLOW",
    "bundle", "drawing", "figure_png", "new_figure", "show", "write",
]  # fmt: skip

# Okabe and Ito's palette. A meaning never hangs on a colour alone: there is always a dash, a marker or a word too.
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILLION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
INK, GREY = "#222222", "#8A8A8A"

TEXT, TITLE = 13, 14  # points: still read when the page is shown at half its size
DPI = 120  # pixels of the file per inch; a page shows an inch as 96 of its own
PAGE = 96


def new_figure(width: float, height: float) -> Figure:
    """An empty white figure of a size in inches that belongs to nobody else: pyplot does not know it."""
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def drawing(x: tuple[float, float], y: tuple[float, float], unit: float) -> tuple[Figure, Axes]:
    """A sheet to draw on: bare axes from edge to edge, with the same scale along both.

    Args:
        x: the coordinates of the left and the right edge.
        y: of the lower and the upper edge; if they fall, y runs downwards, as the rows of a matrix do.
        unit: inches for a length of 1.
    """
    width, height = abs(x[1] - x[0]), abs(y[1] - y[0])
    figure = Figure(figsize=(unit * width, unit * height), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(x)
    axes.set_ylim(y)
    return figure, axes


def write(
    axes: Axes, x: float, y: float, text: str, *, size: float = TEXT, align: str = "center", colour: str = INK
) -> None:
    """Put text into a drawing: (x, y) is the middle of its height, and its left end, center or right end."""
    axes.text(x, y, text, fontsize=size, color=colour, ha=align, va="center")


def show(figure: Figure, *, alt: str) -> None:
    """Show a figure in the notebook, with a description for whoever cannot see it.

    The picture is stored twice, as HTML with the description and as plain PNG: JupyterLab shows no HTML of a notebook
    that it does not trust, and gives a plain PNG no description.

    Args:
        figure: drawn by one of this package's functions, or by your own code.
        alt: what there is to see, in a sentence or two.

    Raises:
        ValueError: the description is empty.
    """
    from IPython.display import display  # late: drawing alone needs no IPython

    display(bundle(figure_png(figure), alt, int(figure.get_figwidth() * PAGE)), raw=True)


def figure_png(figure: Figure) -> bytes:
    """The figure as a PNG file; the same figure gives the same bytes."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def bundle(png: bytes, alt: str, width: int, css: str = "") -> dict[str, str]:
    """A picture as a MIME bundle: HTML with alternative text, PNG, and the text alone.

    Args:
        png: the picture's file.
        alt: its description.
        width: how many pixels of the page it takes, if there are as many.
        css: a class for the HTML, by which a page can find or hide the picture.
    """
    if not alt.strip():
        raise ValueError("alt is empty; a sentence that says what there is to see would fit")
    data = base64.b64encode(png).decode("ascii")
    style = f"width: {width}px; max-width: 100%; height: auto; background: white"
    mark = f' class="{html.escape(css)}"' if css else ""
    return {
        "text/html": f'<img{mark} alt="{html.escape(alt)}" style="{style}" src="data:image/png;base64,{data}">',
        "image/png": data,
        "text/plain": alt,
    }
