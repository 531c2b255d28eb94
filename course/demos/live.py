"""Controls, and a picture that follows them: the only part of a demo that knows widgets."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as widgets
from IPython.display import display

from course.plots.figure import bundle

from .scene import Scene

__all__ = ["SIDEWAYS", "Live", "set_steps"]

SIDEWAYS = "auto hidden"  # a picture that is wider than the page scrolls; the controls above it stay


class Live:
    """A scene that is drawn anew whenever a control changes.

    The notebook stores a PNG of the first picture beside the widget, for readers without a kernel; while the widget
    lives, its style sheet hides that PNG.

    Args:
        name: of the demo; the widget has the class "demo-NAME".
        controls: rows of widgets, from top to bottom; each is given the class "demo-NAME-…" by its `description`.
        draw: gives the scene for the controls' present values. It may set controls itself.
    """

    def __init__(self, name: str, controls: Sequence[Sequence[Any]], draw: Callable[[], Scene]) -> None:
        self._draw, self._name = draw, name
        # with ipykernel 7 callbacks may run on several threads at once
        self._lock, self._drawing = threading.RLock(), False
        self._picture = widgets.HTML(layout={"overflow": SIDEWAYS})
        rows = [widgets.HBox(row, layout=widgets.Layout(flex_flow="row wrap")) for row in controls]
        self.widget = widgets.VBox([*rows, self._picture])
        self.widget.add_class(f"demo-{name}")
        for control in (control for row in controls for control in row):
            control.add_class(f"demo-{name}-{control.description}")
            if isinstance(control, widgets.ToggleButtons):  # as wide as their words
                control.style.button_width, control.layout.width = "auto", "max-content"
            control.observe(self._changed, "value")
        self._fallback = f"demo-fallback-{self._picture.model_id}"
        self.scene = draw()
        self._show()

    def _changed(self, _: Any) -> None:
        with self._lock:
            if self._drawing:  # a control that `draw` itself has set
                return
            self._drawing = True
            try:
                self.scene = self._draw()
                self._show()
            finally:
                self._drawing = False

    def _show(self) -> None:
        self._picture.value = f"<style>.{self._fallback} {{ display: none !important }}</style>{self.scene.svg()}"

    def _ipython_display_(self) -> None:
        scene = self.scene
        display(bundle(scene.png(), scene.label, int(scene.width), self._fallback), raw=True)
        live = {**self.widget._repr_mimebundle_(), "text/plain": "Run this cell to set the demo in motion."}
        display(live, raw=True)


def set_steps(slider: widgets.IntSlider, steps: int) -> None:
    """Let a slider from 0 reach so many steps; where there is no choice it stands still at 0.

    >>> slider = widgets.IntSlider(value=5, min=0, max=8)
    >>> set_steps(slider, 4)
    >>> slider.value, slider.max, slider.disabled
    (3, 3, False)
    >>> set_steps(slider, 0)
    >>> slider.value, slider.max, slider.disabled     # from 0 to 0 its handle would stand at the right end
    (0, 1, True)
    """
    slider.max = max(steps - 1, 1)
    slider.value, slider.disabled = min(slider.value, max(steps - 1, 0)), steps < 2
