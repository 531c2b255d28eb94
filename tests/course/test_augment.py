"""Augmentation: exact where pixels land on pixels, bilinear in between, the geometry as said, draws in range."""

import inspect

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course import data
from course.data import augment

TRANSFORMATIONS = {
    "rotate": lambda x: augment.rotate(x, 30),
    "translate": lambda x: augment.translate(x, 1.5, -2),
    "scale": lambda x: augment.scale(x, 1.3),
    "stretch": lambda x: augment.stretch(x, 1 / 1.3),
    "shear": lambda x: augment.shear(x, -20),
    "flip": lambda x: augment.flip(x),
    "random": lambda x: augment.random(x, rng=np.random.default_rng(2)),
}
EVERY = pytest.mark.parametrize("name", TRANSFORMATIONS)


@pytest.fixture
def x():
    """Two pictures of two channels, higher than wide, no two numbers alike."""
    return np.random.default_rng(4).random((2, 2, 9, 6))


def blob(cx, cy, size=41, wide=1.5):
    """A smooth bright spot whose centre can be measured to a fraction of a pixel."""
    xs, ys = np.arange(size), np.arange(size)[:, None]
    return np.exp(-((xs - cx) ** 2 + (ys - cy) ** 2) / (2 * wide**2))[None, None]


def centre(x):
    """The centre of mass of the first picture: column, row."""
    weights = x[0, 0] / x[0, 0].sum()
    return (weights.sum(axis=0) @ np.arange(x.shape[3]), weights.sum(axis=1) @ np.arange(x.shape[2]))


# ---- where pixels land on pixels the result is exact


def test_nothing_changes_nothing(x):
    for y in (
        augment.rotate(x, 0), augment.translate(x, 0, 0), augment.scale(x, 1), augment.shear(x, 0),
        augment.stretch(x, 1), augment.flip(x, horizontally=False),
        augment.random(
            x, rotation=0, translation=0, scaling=1, flips=(False, False), shearing=0, stretching=1,
            rng=np.random.default_rng(0),
        ),
    ):  # fmt: skip
        np.testing.assert_allclose(y, x, atol=1e-12)


def test_a_quarter_turn_is_rot90():
    x = np.random.default_rng(0).random((2, 3, 7, 7))
    for quarters in range(-3, 4):
        np.testing.assert_allclose(augment.rotate(x, 90 * quarters), np.rot90(x, quarters, axes=(2, 3)), atol=1e-12)


def test_half_a_turn_is_both_flips(x):
    np.testing.assert_allclose(augment.rotate(x, 180), x[:, :, ::-1, ::-1], atol=1e-12)
    np.testing.assert_array_equal(augment.flip(x, vertically=True), x[:, :, ::-1, ::-1])


def test_whole_pixels(x):
    y = augment.translate(x, 2, -3, fill=7.0)
    np.testing.assert_allclose(y[:, :, :-3, 2:], x[:, :, 3:, :-2])
    assert (y[:, :, -3:] == 7).all()
    assert (y[:, :, :, :2] == 7).all()
    assert (augment.translate(x, 100, 0, fill=7.0) == 7).all()


def test_flip_per_picture(x):
    y = augment.flip(x, horizontally=[True, False], vertically=[False, True])
    np.testing.assert_array_equal(y[0], x[0, :, :, ::-1])
    np.testing.assert_array_equal(y[1], x[1, :, ::-1])


def test_between_pixels_the_mean_weighted_by_nearness():
    x = np.array([[[[0.0, 4.0], [8.0, 16.0]]]])
    y = augment.translate(x, -0.25, -0.5)  # pixel (0, 0) takes what was at 0.25 to the right, 0.5 down
    assert y[0, 0, 0, 0] == pytest.approx(0.5 * (0.75 * 0 + 0.25 * 4) + 0.5 * (0.75 * 8 + 0.25 * 16))


# ---- the geometry, by where a bright spot goes


def test_anticlockwise_turn():
    angle = np.deg2rad(25)
    y = augment.rotate(blob(30, 20), 25)  # 10 to the right of the centre (20, 20)
    assert centre(y) == pytest.approx((20 + 10 * np.cos(angle), 20 - 10 * np.sin(angle)), abs=0.02)


def test_scale_stretch_shear():
    assert centre(augment.scale(blob(26, 14), 1.5)) == pytest.approx((29, 11), abs=0.02)
    assert centre(augment.scale(blob(26, 14), 1 / 1.5)) == pytest.approx((24, 16), abs=0.02)
    assert centre(augment.stretch(blob(26, 12), 1.25)) == pytest.approx((27.5, 13.6), abs=0.02)
    lean = 8 * np.tan(np.deg2rad(15))
    assert centre(augment.shear(blob(20, 12), 15)) == pytest.approx((20 - lean, 12), abs=0.02)  # above goes left
    assert centre(augment.shear(blob(20, 28), 15)) == pytest.approx((20 + lean, 28), abs=0.02)


@given(st.floats(-180, 180), st.integers(0, 1000))
def test_turning_there_and_back(degrees, seed):
    rng = np.random.default_rng(seed)
    x = blob(*rng.uniform(12, 28, 2), wide=3)
    np.testing.assert_allclose(augment.rotate(augment.rotate(x, degrees), -degrees), x, atol=0.06)


def moved_naively(picture, A, t, fill):
    """What each pixel of the result is, one by one: the four pixels around the place where it comes from."""
    height, width = picture.shape
    cx, cy = (width - 1) / 2, (height - 1) / 2
    (a, b), (c, d) = A
    y = np.empty_like(picture)
    for row in range(height):
        for column in range(width):
            u, v = column - cx - t[0], row - cy - t[1]
            # the inverse of [[a, b], [c, d]] is [[d, −b], [−c, a]]/(ad − bc)
            px, py = (d * u - b * v) / (a * d - b * c) + cx, (a * v - c * u) / (a * d - b * c) + cy
            y[row, column] = 0
            for j in (int(np.floor(py)), int(np.floor(py)) + 1):
                for i in (int(np.floor(px)), int(np.floor(px)) + 1):
                    value = picture[j, i] if 0 <= j < height and 0 <= i < width else fill
                    y[row, column] += value * (1 - abs(px - i)) * (1 - abs(py - j))
    return y


@given(st.integers(0, 1000))
def test_any_matrix_as_pixel_by_pixel(seed):
    rng = np.random.default_rng(seed)
    x, t = rng.random((3, 2, 5, 7)), 2 * rng.normal(size=(3, 2))
    A = rng.normal(size=(3, 2, 2)) + np.array([[2, 0], [0, -2]])
    if abs(np.linalg.det(A)).min() < 0.2:
        return
    y = augment.transform(x, A, t, fill=0.5)
    for n in range(3):
        for c in range(2):
            np.testing.assert_allclose(y[n, c], moved_naively(x[n, c], A[n], t[n], 0.5), atol=1e-9)


# ---- one for each picture, drawn


def test_each_picture_has_its_own(x):
    same = np.concatenate([x[:1]] * 3)
    y = augment.rotate(same, [0, 45, 90])
    np.testing.assert_allclose(y[1:2], augment.rotate(x[:1], 45))
    assert not np.allclose(y[0], y[1])
    y = augment.translate(same, [0, 1, 2], 0)
    np.testing.assert_allclose(y[2, :, :, 2:], x[0, :, :, :-2])


def test_random_draws_from_the_lectures_ranges():
    """A spot of known place and size tells from outside what was drawn."""
    x = np.repeat(blob(60, 60, size=121, wide=6).astype(np.float32), 400, axis=0)
    only = {"rotation": 0, "translation": 0, "scaling": 1, "flips": (False, False), "shearing": 0, "stretching": 1}

    def draw(**some):
        return augment.random(x, **{**only, **some}, rng=np.random.default_rng(1))

    mass = x[0].sum()
    factor = np.sqrt(draw(scaling=1.6).sum(axis=(1, 2, 3)) / mass)
    assert factor.min() > 1 / 1.61
    assert factor.max() < 1.61
    assert factor.min() < 1 / 1.55
    assert factor.max() > 1.55
    assert np.median(factor) == pytest.approx(1, abs=0.08)  # as often smaller as larger
    shift = np.array([centre(y[None]) for y in draw(translation=10)]) - 60
    assert abs(shift).max() == pytest.approx(10, abs=0.3)
    assert abs(shift.mean(axis=0)).max() < 1
    np.testing.assert_allclose(draw(stretching=1.3).sum(axis=(1, 2, 3)), mass, rtol=0.01)  # the area stays


def test_random_turns_and_flips_by_chance():
    spot = np.repeat(blob(30, 20), 300, axis=0)
    only = {"translation": 0, "scaling": 1, "shearing": 0, "stretching": 1}
    turned = augment.random(spot, rotation=180, flips=(False, False), **only, rng=np.random.default_rng(1))
    angles = [np.arctan2(20 - cy, cx - 20) for cx, cy in (centre(y[None]) for y in turned)]
    counts, _ = np.histogram(angles, bins=6, range=(-np.pi, np.pi))
    assert counts.min() > 25  # 50 expected, in every direction
    for axis, flips in ((0, (True, False)), (1, (False, True))):
        corner = np.repeat(blob(30, 30), 300, axis=0)
        flipped = augment.random(corner, rotation=0, flips=flips, **only, rng=np.random.default_rng(1))
        places = np.array([np.round(centre(y[None])) for y in flipped])
        assert (places[:, 1 - axis] == 30).all()
        assert set(places[:, axis]) == {10, 30}
        assert 110 < (places[:, axis] == 10).sum() < 190


def test_random_leans_up_to_the_angle():
    high = np.repeat(blob(20, 4), 300, axis=0)  # 16 above the centre
    only = {"rotation": 0, "translation": 0, "scaling": 1, "flips": (False, False), "stretching": 1}
    leaning = augment.random(high, shearing=20, **only, rng=np.random.default_rng(1))
    moved = np.array([centre(y[None])[0] for y in leaning]) - 20
    farthest = 16 * np.tan(np.deg2rad(20))
    assert moved.min() == pytest.approx(-farthest, abs=0.2)
    assert moved.max() == pytest.approx(farthest, abs=0.2)


LECTURE = {  # SYSU, "Data Augmentation"
    "rotation": 180,  # any angle
    "translation": 10,
    "scaling": 1.6,
    "flips": (True, True),
    "shearing": 20,
    "stretching": 1.3,
}


def test_the_defaults_of_random_are_the_lectures_ranges():
    parameters = inspect.signature(augment.random).parameters
    assert {name: parameters[name].default for name in LECTURE} == LECTURE


def applied(monkeypatch, **ranges):
    """What `random` does to 20 000 pictures, read from the matrices and shifts that it hands to `transform`.

    A = R·[[a, d·tan φ], [0, d]] with a = ±s·r and d = ±s/r: the first column of A is R·(a, 0), the determinant a·d.
    Half a turn does the same as both flips, so a is taken to be positive and a flip that is not seen to be a turn.
    """
    seen = []
    with monkeypatch.context() as patch:
        patch.setattr(augment, "transform", lambda x, matrix, shift, *, fill: seen.append((matrix, shift)) or x)
        augment.random(np.zeros((20_000, 1, 1, 1), np.float32), **ranges, rng=np.random.default_rng(1))
    ((A, shift),) = seen
    a, d = np.hypot(A[:, 0, 0], A[:, 1, 0]), np.linalg.det(A) / np.hypot(A[:, 0, 0], A[:, 1, 0])
    along = (A[:, :, 0] * A[:, :, 1]).sum(axis=1) / a  # the upper right entry a·b/a: d·tan φ
    return {
        "angle": np.rad2deg(np.arctan2(-A[:, 1, 0], A[:, 0, 0])),
        "shift": shift,
        "scale": np.sqrt(a * abs(d)),
        "stretch": np.sqrt(a / abs(d)),
        "shear": np.rad2deg(np.arctan(along / d)),
        "mirrored": d < 0,
        "A": A,
    }


def test_random_covers_the_lectures_ranges_and_never_leaves_them(monkeypatch):
    drawn = applied(monkeypatch)  # nothing but the defaults
    for values, low, high in (
        (drawn["angle"], -180, 180),
        (drawn["shift"][:, 0], -10, 10),
        (drawn["shift"][:, 1], -10, 10),
        (np.log(drawn["scale"]), -np.log(1.6), np.log(1.6)),
        (np.log(drawn["stretch"]), -np.log(1.3), np.log(1.3)),
        (drawn["shear"], -20, 20),
    ):
        assert low - 1e-9 <= values.min() <= values.max() <= high + 1e-9
        counts, _ = np.histogram(values, bins=20, range=(low - 1e-9, high + 1e-9))
        assert 800 < counts.min() <= counts.max() < 1200  # 1000 expected everywhere, give or take 31
    assert 0.48 < drawn["mirrored"].mean() < 0.52  # one flip of the two


def test_random_turns_by_any_angle_without_flips_too(monkeypatch):
    drawn = applied(monkeypatch, flips=(False, False))
    counts, _ = np.histogram(drawn["angle"], bins=20, range=(-180, 180))
    assert 800 < counts.min() <= counts.max() < 1200
    assert not drawn["mirrored"].any()


def test_random_flips_each_way_half_of_the_time(monkeypatch):
    A = applied(monkeypatch, rotation=0, shearing=0)["A"]
    for horizontal in (False, True):
        for vertical in (False, True):
            share = ((A[:, 0, 0] < 0) == horizontal) & ((A[:, 1, 1] < 0) == vertical)
            assert share.mean() == pytest.approx(0.25, abs=0.02)


def test_one_seed_one_result(x):
    one, two = (augment.random(x, rng=np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, augment.random(x, rng=np.random.default_rng(8)))


# ---- what all of them promise


@EVERY
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_shape_and_input_stay(name, dtype, x):
    x = x.astype(dtype)[:, :, ::-1]
    x.flags.writeable = False
    y = TRANSFORMATIONS[name](x)
    assert y.dtype == dtype
    assert y.shape == x.shape
    assert not np.shares_memory(y, x)


@EVERY
def test_empty_and_single_pixel_pictures(name):
    assert TRANSFORMATIONS[name](np.zeros((0, 3, 5, 4))).shape == (0, 3, 5, 4)
    assert TRANSFORMATIONS[name](np.ones((2, 1, 1, 1))).shape == (2, 1, 1, 1)


@EVERY
def test_a_plain_ground_stays_plain(name):
    x = np.full((3, 1, 8, 8), 0.25, np.float32)
    fills = {"flip": lambda: augment.flip(x)}
    fills["random"] = lambda: augment.random(x, fill=0.25, rng=np.random.default_rng(0))
    y = fills[name]() if name in fills else augment.transform(x, np.array([[0.5, 1], [-1, 0.7]]), (1, 2), fill=0.25)
    np.testing.assert_allclose(y, 0.25, rtol=1e-6)


@EVERY
def test_pictures_that_do_not_fit(name):
    with pytest.raises(ValueError, match=r"x has shape \(5, 5\); \(N, C, H, W\) would fit"):
        TRANSFORMATIONS[name](np.zeros((5, 5)))
    with pytest.raises(TypeError, match="x has dtype uint8; float32 or float64"):
        TRANSFORMATIONS[name](data.photograph().transpose(2, 0, 1)[None])
    with pytest.raises(TypeError, match="x is a list; a NumPy array would fit"):
        TRANSFORMATIONS[name]([[[[1.0]]]])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: augment.rotate(x, [1, 2, 3]), r"degrees has shape \(3,\); one value or 2 would fit"),
        (lambda x: augment.translate(x, [1, 2, 3], 0), r"right has shape \(3,\); one value or 2 would fit"),
        (lambda x: augment.translate(x, 0, [[1, 2]]), r"down has shape \(1, 2\); one value or 2 would fit"),
        (lambda x: augment.scale(x, [1]), r"factor has shape \(1,\); one value or 2 would fit"),
        (lambda x: augment.shear(x, [1]), r"degrees has shape \(1,\); one value or 2 would fit"),
        (lambda x: augment.transform(x, np.ones((3, 2, 2))), r"matrix has shape \(3, 2, 2\); \(2, 2\) or \(2, 2, 2\)"),
        (lambda x: augment.transform(x, np.eye(2), np.ones((3, 2))), r"shift has shape \(3, 2\); \(2,\) or \(2, 2\)"),
        (lambda x: augment.scale(x, 0), "factor is 0.*; more than 0"),
        (lambda x: augment.stretch(x, [1, -1]), "factor is .*; more than 0"),
        (lambda x: augment.transform(x, [[1, 1], [1, 1]]), "matrix has no inverse"),
        (lambda x: augment.transform(x, np.full((2, 2), np.nan)), "matrix holds nan or infinity; finite numbers"),
        (lambda x: augment.transform(x, np.eye(2), (0, np.inf)), "shift holds nan or infinity; finite numbers"),
        (lambda x: augment.rotate(x, np.nan), "degrees is nan; a finite number would fit"),
        (lambda x: augment.rotate(x, [3, np.inf]), "degrees is inf; a finite number"),
        (lambda x: augment.translate(x, np.nan, 0), "right is nan; a finite number"),
        (lambda x: augment.translate(x, 0, -np.inf), "down is -inf; a finite number"),
        (lambda x: augment.scale(x, np.inf), "factor is inf; a finite number"),
        (lambda x: augment.shear(x, 90), "degrees is 90; more than -90 and less than 90 would fit"),
        (lambda x: augment.shear(x, [0, -135.5]), "degrees is -135.5; more than -90"),
        (lambda x: augment.random(x, shearing=90, rng=np.random.default_rng()), "shearing is 90; less than 90"),
        (lambda x: augment.random(x, rotation=np.inf, rng=np.random.default_rng()), "rotation is inf; a finite number"),
        (lambda x: augment.random(x, scaling=np.nan, rng=np.random.default_rng()), "scaling is nan; a finite number"),
        (lambda x: augment.flip(x, horizontally=[True]), r"horizontally has shape \(1,\); one value or 2"),
        (lambda x: augment.random(x, rotation=-1, rng=np.random.default_rng()), "rotation is -1; 0 or more"),
        (lambda x: augment.random(x, scaling=0.5, rng=np.random.default_rng()), "scaling is 0.5; 1 or more"),
    ],
)
def test_what_does_not_fit(call, message, x):
    with pytest.raises(ValueError, match=message):
        call(x)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: augment.random(x, rng=None), r"rng is None; np.random.default_rng\(0\) would fit"),
        (lambda x: augment.random(x, rng=3), r"rng is 3; np.random.default_rng\(0\) would fit"),
        (lambda x: augment.random(x, rotation=None, rng=np.random.default_rng()), "rotation is None; a number"),
        (lambda x: augment.random(x, stretching="1", rng=np.random.default_rng()), "stretching is '1'; a number"),
        (lambda x: augment.random(x, flips=True, rng=np.random.default_rng()), r"flips is True; \(True, False\)"),
        (
            lambda x: augment.random(x, flips=("no", True), rng=np.random.default_rng()),
            "flips is .*; True or False would",
        ),
        (lambda x: augment.flip(x, horizontally="no"), "horizontally is 'no'; True or False would fit"),
        (lambda x: augment.flip(x, vertically=[0.5, 1]), r"vertically is \[0.5, 1\]; True or False would fit"),
        (lambda x: augment.flip(x, vertically=None), "vertically is None; True or False would fit"),
        (lambda x: augment.rotate(x, None), "degrees is None; a number would fit, or one for each picture"),
        (lambda x: augment.translate(x, "left", 0), "right is 'left'; a number would fit"),
        (lambda x: augment.rotate(x, 5, fill=None), "fill is None; a number would fit"),
        (lambda x: augment.stretch(x, None), "factor is None; a number would fit"),
    ],
)
def test_what_is_of_the_wrong_kind(call, message, x):
    with pytest.raises(TypeError, match=message):
        call(x)


def test_an_angle_just_below_a_right_one_may_be_sheared_by(x):
    assert np.isfinite(augment.shear(x, 89.9)).all()
