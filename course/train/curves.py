"""The course of a training as a picture, and the same picture growing while it trains."""

from time import monotonic
from typing import TYPE_CHECKING, Any

from course.train.callbacks import Event
from course.train.history import History

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["LiveCurves", "curves", "describe"]


def curves(history: History) -> "Figure":
    """Draw loss and, if there is one, accuracy against the epoch: training solid, validation dashed.

    Returns:
        a figure that pyplot does not know; `course.plots.show` puts it into a notebook.
    """
    from matplotlib.ticker import MaxNLocator  # late: training alone draws nothing

    from course.plots.figure import BLUE, GREY, VERMILLION, new_figure

    panels = [("loss", history.loss, history.val_loss)]
    if history.accuracy or history.val_accuracy:
        panels.append(("accuracy", history.accuracy, history.val_accuracy))
    figure = new_figure(4.6 * len(panels), 3.2)
    for axes, (name, training, validation) in zip(
        figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True
    ):
        if name == "loss" and history.batches:
            when = [(k + 1) / history.batches for k in range(len(history.batch_loss))]
            axes.plot(when, history.batch_loss, color=GREY, alpha=0.5, lw=0.8, label="each batch")
        for values, label, colour, style, marker in (
            (training, "training", BLUE, "-", "o"),
            (validation, "validation", VERMILLION, "--", "s"),
        ):
            if values:
                axes.plot(range(1, len(values) + 1), values, style, color=colour, marker=marker, ms=4, label=label)
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_title(name)
        axes.grid(alpha=0.3)
        if axes.lines:
            axes.legend()
    return figure


def describe(history: History) -> str:
    """The curves in words, for whoever cannot see them."""
    return f"Curves of a training: {history}."


class LiveCurves:
    """Draw the curves into the notebook while training: `fit(…, callbacks=[LiveCurves()])`.

    Outside of a notebook nothing is shown.

    Args:
        seconds: the least time between two pictures; one takes about a tenth of a second.
    """

    def __init__(self, seconds: float = 1.0) -> None:
        self.seconds = seconds
        self._last = -float("inf")
        self._shown: Any = None

    def __call__(self, event: Event) -> None:
        if event.when == "start":
            self._last, self._shown = -float("inf"), None
        if event.when == "end" or (event.when != "start" and monotonic() - self._last >= self.seconds):
            self._last = monotonic()
            self._show(event.history)

    def _show(self, history: History) -> None:
        from IPython import get_ipython  # late: a training in a terminal needs none of this
        from IPython.display import DisplayHandle

        from course.plots.figure import PAGE, bundle, figure_png

        if get_ipython() is None:
            return
        figure = curves(history)
        picture = bundle(figure_png(figure), describe(history), int(figure.get_figwidth() * PAGE))
        if self._shown is None:
            self._shown = DisplayHandle()
            self._shown.display(picture, raw=True)
        else:
            self._shown.update(picture, raw=True)
