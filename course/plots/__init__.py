"""The figures of the notebooks: drawn by functions, each shown with a description in words.

A figure function returns a matplotlib `Figure` and touches no global state; `show` puts it into the notebook together
with its alternative text:

    fig = plots.pictures([photo, edges], titles=["photograph", "edges"])
    plots.show(fig, alt="A temple roof; beside it, its edges as bright lines.")

Here are the figures of many uses. Those of one notebook stand in a module of its topic, from which it imports them by
name: `from course.plots.pooling import jitter, walk`.
"""

from .diagrams import connections, receptive_field, volumes, window_positions
from .figure import show
from .grids import matrices
from .pictures import pictures
from .series import curves, signals, text_responses

__all__ = [
    "connections", "curves", "matrices", "pictures", "receptive_field", "show", "signals", "text_responses",
    "volumes", "window_positions",
]  # fmt: skip
