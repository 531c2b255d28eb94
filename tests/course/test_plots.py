"""The figures of the notebooks: every one is whole, readable, described, and leaves no trace in pyplot."""

import base64
import io
import subprocess
import sys
from html.parser import HTMLParser

import matplotlib.image
import numpy as np
import pytest

from course import plots
from course.plots.figure import bundle, figure_png

PICTURE = np.random.default_rng(0).random((12, 18, 3))
VOLUME = np.arange(49.0).reshape(7, 7) - 24

FIGURES = {
    "matrices": lambda: plots.matrices(VOLUME, "⋆", np.eye(3), "=", np.full((5, 5), np.nan), titles=["x", "k", "y"]),
    "matrices, narrow": lambda: plots.matrices(np.full((3, 3), -0.25), titles=["w0, channel 0"], cell=0.36),
    "pictures": lambda: plots.pictures([PICTURE, PICTURE[..., 0]], titles=["colour", "grey"]),
    "pictures, signed": lambda: plots.pictures([PICTURE[..., 0] - 0.5] * 3, titles=["a", "b", "c"], signed=True),
    "pictures, in rows": lambda: plots.pictures([PICTURE] * 5, titles=list("abcde"), columns=3),
    "connections": lambda: plots.connections(7, 3, 3),
    "connections, wide": lambda: plots.connections(9, 4, 3),
    "window_positions": lambda: plots.window_positions(7, 3, [1, 2, 3]),
    "volumes": lambda: plots.volumes(32, 3, 5, 6),
    "volumes, one map": lambda: plots.volumes(7, 2, 3, 1),
    "receptive_field": lambda: plots.receptive_field(2, 3),
    "receptive_field, stride 2": lambda: plots.receptive_field(2, 3, stride=2),
    "receptive_field, deep": lambda: plots.receptive_field(4, 3),
    "text_responses": lambda: plots.text_responses(
        "in the theatre", [0, 1, 0, 3, 0, 0, 0, 3], threshold=3, title="the"
    ),
    "signals": lambda: plots.signals({"measured": VOLUME[0], "smooth": VOLUME[0, 1:-1], "edges": VOLUME[1]}),
    "curves": lambda: plots.curves([1, 2, 3], {"a": [1, 2, 3]}, xlabel="epoch", ylabel="loss"),
    "curves, logarithmic": lambda: plots.curves(
        [2, 8, 64], {"with": [1, 2, 3], "without": [3, 2, 1]}, xlabel="N", ylabel="accuracy", logarithmic=True
    ),
}


@pytest.mark.parametrize("name", FIGURES)
def test_no_text_is_clipped_small_or_on_another(name: str, legible) -> None:
    legible(FIGURES[name](), smallest=12)


@pytest.mark.parametrize("name", FIGURES)
def test_the_same_figure_gives_the_same_bytes(name: str) -> None:
    png = figure_png(FIGURES[name]())
    assert png == figure_png(FIGURES[name]())
    pixels = matplotlib.image.imread(io.BytesIO(png))
    assert pixels[..., :3].std() > 0.02, "something was drawn"
    assert pixels.shape[1] <= 1300, "it fits a page"


def test_drawing_needs_neither_pyplot_nor_what_would_solve_an_exercise() -> None:
    """The box in which a submission runs has this package, but neither the operations nor the sizes."""
    code = (
        "import sys; from course import plots; plots.window_positions(7, 3, [1]).canvas.draw(); "
        "print([m for m in ('matplotlib.pyplot', 'course.ops', 'course.shapes', 'IPython') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_a_picture_travels_with_its_description() -> None:
    alt = 'A "quoted" <b>cell</b> & more'
    shown = bundle(figure_png(FIGURES["matrices, narrow"]()), alt, 300, css="one")
    html = Tags()
    html.feed(shown["text/html"])
    ((tag, attributes),) = html.found
    assert tag == "img" and attributes["alt"] == alt and attributes["class"] == "one"
    assert attributes["src"] == f"data:image/png;base64,{shown['image/png']}"
    assert base64.b64decode(shown["image/png"]).startswith(b"\x89PNG")
    assert shown["text/plain"] == alt


@pytest.mark.parametrize("alt", ["", "  \n"])
def test_a_picture_without_a_description_is_refused(alt: str) -> None:
    with pytest.raises(ValueError, match="alt is empty"):
        plots.show(FIGURES["matrices, narrow"](), alt=alt)


def test_a_matrix_shows_its_numbers_and_leaves_questions_open() -> None:
    figure = plots.matrices([[1, -2.5], [0.25, np.nan]], "⋆", [[-0.0]])
    assert sorted(t.get_text() for t in figure.axes[0].texts if t.get_text()) == sorted(["1", "−2.5", ".25", "⋆", "0"])


def test_numbers_of_either_sign_have_shades_of_their_own() -> None:
    faces = [cell.get_facecolor() for cell in plots.matrices([[-2, -1, 0, 1, 2, np.nan]]).axes[0].patches]
    assert len(set(faces)) == 5 and faces[2] == faces[5] == (1, 1, 1, 1)
    grey = [max(face[:3]) == min(face[:3]) for face in faces]
    assert grey == [False, False, True, True, True, True]
    brightness = [np.dot(face[:3], (0.2126, 0.7152, 0.0722)) for face in faces]
    assert brightness[0] < brightness[1] < 1 > brightness[3] > brightness[4] > 0.7, "and black is read on all"


@pytest.mark.parametrize(
    ("stride", "fits", "beyond"),
    [(1, 5, 0), (2, 3, 0), (3, 2, 1), (4, 2, 0), (5, 1, 1), (6, 1, 1), (7, 1, 0)],
)
def test_a_window_stands_where_the_formula_says(stride: int, fits: int, beyond: int) -> None:
    figure = plots.window_positions(7, 3, [stride])
    solid = [line for line in figure.axes[0].lines if line.get_linestyle() == "-"]
    assert (len(solid), len(figure.axes[0].lines) - len(solid)) == (fits, beyond)
    assert [t.get_text() for t in figure.axes[0].texts].count("beyond the edge") == beyond


@pytest.mark.parametrize(("layers", "stride", "sees"), [(1, 1, 3), (2, 1, 5), (3, 1, 7), (2, 2, 7), (3, 2, 15)])
def test_a_receptive_field_grows_as_it_should(layers: int, stride: int, sees: int) -> None:
    written = [t.get_text() for t in plots.receptive_field(layers, 3, stride=stride).axes[0].texts]
    assert f"sees {sees}×{sees}" in written and written.count("one neuron") == 1


def test_connections_are_drawn_21_9_and_9_times() -> None:
    lines = plots.connections(7, 3, 3).axes[0].lines
    assert len(lines) == 21 + 9 + 9
    shared = [(line.get_color(), line.get_linestyle()) for line in lines[-9:]]
    assert len(set(shared)) == 3 and all(shared.count(style) == 3 for style in shared), (
        "three weights, three times each"
    )


def test_below_connections_no_note_touches_the_edge() -> None:
    figure = plots.connections(7, 3, 3)
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    room = min(min(box.x0, figure.bbox.x1 - box.x1) for box in boxes)
    assert room > 0.1 * figure.dpi, "a tenth of an inch"


def test_a_word_is_found_where_the_answer_reaches_the_threshold() -> None:
    axes = plots.text_responses("abcab", [0, 2, 0, 1], threshold=2).axes[0]
    filled = [bar.get_facecolor()[:3] != (1, 1, 1) for bar in axes.patches]
    assert filled == [False, True, False, False]
    assert [t.get_text() for t in axes.texts] == ["2"], "and not by its colour alone"


def test_a_shorter_signal_stands_in_the_middle() -> None:
    long, short = plots.signals({"x": np.arange(9), "y": np.arange(5)}).axes[0].lines
    assert list(long.get_xdata()) == list(range(9))
    assert list(short.get_xdata()) == [2, 3, 4, 5, 6]
    assert long.get_linestyle() == short.get_linestyle() == "-" and long.get_linewidth() < short.get_linewidth()


def test_signed_pictures_share_one_scale_around_zero() -> None:
    figure = plots.pictures([np.full((2, 2), -3.0), np.full((2, 2), 1.0)], signed=True)
    assert [image.get_clim() for axes in figure.axes[:2] for image in axes.images] == [(-3, 3)] * 2


def test_curves_have_lines_and_markers_of_their_own() -> None:
    axes = FIGURES["curves, logarithmic"]().axes[0]
    looks = {(line.get_linestyle(), line.get_marker()) for line in axes.lines}
    assert len(looks) == 2
    axes.figure.draw_without_rendering()
    assert [t.get_text() for t in axes.get_xticklabels()] == ["2", "8", "64"]
