"""What demos are drawn with: a scene says the same as SVG and as PNG, and a plane knows what lies within it."""

import io
import xml.etree.ElementTree as ElementTree

import matplotlib.image
import numpy as np
import pytest

from course.demos.plane import Plane
from course.demos.scene import Curve, Line, Rect, Scene, Text

SVG = "{http://www.w3.org/2000/svg}"
PLANE = Plane(10, 20, 100, 50, x=(-1, 1), y=(0, 1))


def pixels(scene: Scene) -> np.ndarray:
    return matplotlib.image.imread(io.BytesIO(scene.png(scale=3)))


def test_a_scene_draws_its_parts_from_back_to_front_and_escapes_words() -> None:
    scene = Scene(
        40, 20, 'a "label" & <more>',
        (Text(20, 10, "hidden"), Rect(0, 0, 40, 20, "#000000"), Line(0, 10, 40, 10, "#FFFFFF", 2), Text(9, 5, "<&>")),
        {"demo": 'x"y'},
    )  # fmt: skip
    svg = ElementTree.fromstring(scene.svg())
    assert svg.get("aria-label") == scene.label and svg.get("data-demo") == 'x"y'
    assert [element.tag.removeprefix(SVG) for element in svg] == ["text", "rect", "line", "text"]
    assert svg[3].text == "<&>"
    seen = pixels(scene)
    assert seen.shape[:2] == (60, 120)
    assert seen[45:58, 5:115, :3].max() < 0.05, "the rectangle covers the text that was drawn before"
    assert seen[30, 60, 0] > 0.9, "the line lies on the rectangle"


def test_a_scene_shrinks_with_the_page_as_long_as_its_text_can_be_read() -> None:
    style = ElementTree.fromstring(Scene(800, 20, "nothing", ()).svg()).get("style", "")
    assert "min-width: 680px; max-width: 100%" in style


def test_a_curve_may_have_pieces_dashes_and_an_inside() -> None:
    upper, lower = (np.array([[2.0, y], [38, y]]) for y in (5, 10))
    triangle = np.array([[10.0, 30], [30, 30], [20, 15]])
    dashed = Curve([upper, lower], "#000000", 2, dash=(3, 2), css="both")
    filled = Curve([triangle], "none", 0, fill="#000000", closed=True)
    scene = Scene(40, 35, "two dashed lines above a triangle", (dashed, filled))
    lines, area = ElementTree.fromstring(scene.svg())
    assert (lines.get("class"), lines.get("d")) == ("both", "M2.0,5.0L38.0,5.0M2.0,10.0L38.0,10.0")
    assert lines.get("stroke-dasharray") == "6 4", "in pixels"
    assert area.get("d", "").endswith("Z") and area.get("stroke-dasharray") is None
    dark = pixels(scene)[..., 0] < 0.5
    for y in (5, 10):
        strokes = np.flatnonzero(np.diff(dark[3 * y].astype(int)) == 1)
        assert len(strokes) == 4 and np.all(np.abs(np.diff(strokes) - 3 * 10) <= 1), "a dash every ten pixels"
    assert dark[3 * 27, 3 * 20] and not dark[3 * 20, 3 * 12], "the inside, and beside the tip"


@pytest.mark.parametrize(
    ("path", "pieces"),
    [
        ([[20, 30], [60, 40]], [[[20, 30], [60, 40]]]),
        ([[20, 30], [20, 90], [60, 90], [60, 30]], [[[20, 30], [20, 70]], [[60, 70], [60, 30]]]),
        ([[0, 45], [120, 45]], [[[10, 45], [110, 45]]]),
        ([[0, 90], [120, 90]], []),
        ([[5, 30], [20, 0]], []),
        ([[20, 30], [20, 90], [20, 30]], [[[20, 30], [20, 70], [20, 30]]]),
        ([[20, 30]], []),
        ([], []),
    ],
    ids=["within", "leaves and returns", "through", "below", "past a corner", "out and back", "a point", "nothing"],
)  # fmt: skip
def test_what_of_a_path_lies_within_the_plane(path: list[list[float]], pieces: list[list[list[float]]]) -> None:
    found = PLANE.clipped(np.array(path, dtype=float).reshape(-1, 2))
    assert [piece.tolist() for piece in found] == pieces


def test_many_points_become_the_pixels_that_each_becomes() -> None:
    points = np.random.default_rng(0).uniform(-2, 2, (9, 2))
    np.testing.assert_allclose(PLANE.pixels(points), [PLANE.to_scene(x, y) for x, y in points])
    back = [PLANE.to_numbers(x, y) for x, y in PLANE.pixels(points)]
    np.testing.assert_allclose(back, points)
    assert [PLANE.holds(PLANE.pixels(point[None])[0]) for point in points] == [
        bool(abs(x) <= 1 and 0 <= y <= 1) for x, y in points
    ]
