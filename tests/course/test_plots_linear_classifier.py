"""The figure of notebook 01: readable, whole, and true to the classifier that it is given."""

import numpy as np
import pytest

from course.plots.figure import figure_png
from course.plots.linear_classifier import borders, hyperplanes, segment, square

POINTS = np.array([[0.0, 2.0], [0.1, 1.5], [-1.8, -1.0], [1.9, -1.0], [0.0, -1.9]])
LABELS = np.array([0, 0, 1, 2, 0])
CLASSIFIER = (np.array([[0.0, -1, 1], [1, -0.5, -0.5]]), np.array([0.0, 0.1, 0]))
BOX = square(3)


def test_on_a_border_two_classes_score_alike_and_none_higher() -> None:
    w, b = CLASSIFIER
    found = borders(w, b, BOX)
    assert set(found) == {(0, 1), (0, 2), (1, 2)}
    for (i, j), ends in found.items():
        for t in np.linspace(0, 1, 5):
            scores = (1 - t) * (ends[0] @ w + b) + t * (ends[1] @ w + b)
            assert scores[i] == pytest.approx(scores[j])
            assert scores.max() == pytest.approx(scores[i])


def test_a_class_that_never_wins_has_no_border() -> None:
    w, b = CLASSIFIER[0], np.array([0.0, 0, -100])
    assert set(borders(w, b, BOX)) == {(0, 1)}
    assert borders(np.zeros((2, 3)), np.zeros(3), BOX) == {}


def test_a_line_outside_or_without_end_is_nothing() -> None:
    across = np.array([0.0, 1.0])
    assert segment(across, -4.0, BOX) is None
    assert segment(across, 0.0, BOX[:1]) is None
    assert segment(np.zeros(2), 1.0, BOX) is None


def figure(**how):
    titles = how.pop("titles", ["one", "two"])
    return hyperplanes(POINTS, LABELS, [CLASSIFIER, (CLASSIFIER[0], np.zeros(3))], titles=titles)


def test_a_wrong_point_is_hollow() -> None:
    axes = figure().axes[0]
    hollow = [
        place
        for line in axes.lines
        if line.get_markerfacecolor() == "white"
        for place in zip(*line.get_data(), strict=True)
    ]
    assert hollow == [(0.0, -1.9)]
    shown = sum(len(line.get_xdata()) for line in axes.lines if line.get_marker() != "None")
    assert shown == len(POINTS)
    assert len({line.get_marker() for line in axes.lines} - {"None"}) == 3, "not by colour alone"


def test_no_text_is_clipped_small_or_on_another(legible) -> None:
    legible(figure(), smallest=12)
    assert figure_png(figure()) == figure_png(figure())


def test_one_title_a_panel() -> None:
    with pytest.raises(ValueError):
        figure(titles=["one"])
